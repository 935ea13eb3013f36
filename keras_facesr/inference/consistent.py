"""Answers that do not change what was seen: reduced again, they are the picture that was given.

All large pictures that a small one may come from form a flat space: those that the antialiased bicubic reduction D of
``data.degrade`` turns into it, D x = y. The answer's nearest point in it is its orthogonal projection

    x + D^T (D D^T)^-1 (y - D x),

which is never farther from the true picture than x, as that lies in the space, too. D works along rows and columns in turn, and
so does each factor. Only rounding to 8 bits and clipping to [0, 255] lead away again, so it is done a few times.
"""

import functools

import numpy as np

from keras_facesr.data.degrade import cubic_kernel

TIMES = 16  # that an answer is projected at most
TILE = 192  # input pixels a side of what is projected at once
MARGIN = 16  # input pixels round a tile: (D D^T)^-1 sees little further


def consistent(sr, lr, on_tile=None):
    """An answer moved to where it reduces to its input, to a level of 255.

    Args:
        sr: uint8 (scale * H, scale * W, 3).
        lr: uint8 (H, W, 3).
        on_tile: called with (squares done, squares in all) after each square.

    Returns:
        uint8 as ``sr``.
    """
    scale = len(sr) // len(lr)
    moved = np.empty_like(sr)
    starts = [(top, left) for top in range(0, lr.shape[0], TILE) for left in range(0, lr.shape[1], TILE)]
    for done, (top, left) in enumerate(starts, 1):
        first = np.maximum(0, (top - MARGIN, left - MARGIN))
        seen = lr[first[0] : top + TILE + MARGIN, first[1] : left + TILE + MARGIN]
        answer = sr[first[0] * scale :, first[1] * scale :][: seen.shape[0] * scale, : seen.shape[1] * scale]
        for _ in range(TIMES):
            former, answer = answer, np.clip(np.rint(answer + correction(answer, seen)), 0, 255)
            if np.array_equal(answer, former):  # as it would stay
                break
        inner = answer[(top - first[0]) * scale :, (left - first[1]) * scale :][: TILE * scale, : TILE * scale]
        moved[top * scale :, left * scale :][: TILE * scale, : TILE * scale] = inner
        if on_tile:
            on_tile(done, len(starts))
    return moved


def correction(sr, lr):
    """What the nearest picture that reduces to ``lr`` (H, W, C) has more than ``sr`` (scale * H, scale * W, C): float32."""
    height, width = lr.shape[:2]
    scale = len(sr) // height
    missing = lr - reduced(sr, scale)
    rows, columns = _inverse(height, scale), _inverse(width, scale)
    return np.einsum("Hh,hwc,Ww->HWc", rows, missing, columns, optimize=True)


def reduced(sr, scale):
    """As ``data.degrade`` reduces, but unrounded: (scale * H, scale * W, C) -> float32 (H, W, C).

    Pillow reduces the rows' pixels first and clips what overshoots, then the columns', and clips again.
    """
    height, width = (side // scale for side in sr.shape[:2])
    rows, columns = _reduction(height, scale), _reduction(width, scale)
    narrow = np.clip(np.einsum("HWc,wW->Hwc", sr.astype(np.float32), columns, optimize=True), 0, 255)
    return np.clip(np.einsum("hH,Hwc->hwc", rows, narrow, optimize=True), 0, 255)


@functools.lru_cache(maxsize=64)
def _reduction(side, scale):
    """D along one axis: what each of ``side`` small pixels takes of the large ones, float32 (side, scale * side)."""
    large = (np.arange(side * scale) + 0.5) / scale  # their centres, in small pixels
    taps = cubic_kernel(large - (np.arange(side) + 0.5)[:, None])
    return (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)


@functools.lru_cache(maxsize=64)
def _inverse(side, scale):
    """D^T (D D^T)^-1 along one axis, float32 (scale * side, side)."""
    d = _reduction(side, scale).astype(np.float64)
    return np.linalg.solve(d @ d.T, d).T.astype(np.float32)
