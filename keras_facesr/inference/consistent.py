"""Answers that agree with their input: reduced again, they are the picture that was given.

The antialiased bicubic reduction D of ``data.degrade`` is linear, so the large pictures z that it reduces to a small picture y,
D z = y, form an affine space. The nearest of them to an answer x is the orthogonal projection of x,

    x + D^T (D D^T)^-1 (y - D x).

The true picture lies in this space too, so the projection is never farther from it than x is. D works along rows and columns
separately, and so does each factor. Rounding to 8 bits and clipping to [0, 255] lead out of the space again, so the projection
is repeated a few times.
"""

import functools

import numpy as np

from keras_facesr.data.degrade import cubic_kernel
from keras_facesr.data.images import to_pixels

TIMES = 16  # projections of an answer, at most
TILE = 192  # side in input pixels of the tiles that are projected one by one
MARGIN = 16  # input pixels round a tile: pixels farther away hardly count in (D D^T)^-1


def consistent(sr, lr, on_tile=None):
    """Project an answer, so that it reduces to its input again: to within one level of 255, but beside black and white.

    Args:
        sr: the answer, uint8 (scale * H, scale * W, 3).
        lr: its input, uint8 (H, W, 3).
        on_tile: called with (tiles done, tiles in all) after each tile.

    Returns:
        uint8 array of the shape of ``sr``.
    """
    scale = len(sr) // len(lr)
    moved = np.empty_like(sr)
    parts = list(tiles(*lr.shape[:2]))
    for done, (outer, inner, within) in enumerate(parts, 1):
        seen, answer = part(lr, outer), part(sr, outer, scale)
        for _ in range(TIMES):
            former, answer = answer, to_pixels(answer + correction(answer, seen))
            if np.array_equal(answer, former):  # more projections would change nothing
                break
        part(moved, inner, scale)[...] = part(answer, within, scale)
        if on_tile:
            on_tile(done, len(parts))
    return moved


def tiles(height, width):
    """The tiles of a small picture.

    Yields rectangles (top, bottom, left, right): a tile with its margin, the tile, and the tile within the former.
    """
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            bottom, right = min(top + TILE, height), min(left + TILE, width)
            first = max(top - MARGIN, 0), max(left - MARGIN, 0)
            outer = first[0], min(bottom + MARGIN, height), first[1], min(right + MARGIN, width)
            yield outer, (top, bottom, left, right), (top - first[0], bottom - first[0], left - first[1], right - first[1])


def part(image, rectangle, scale=1):
    """The view of a rectangle of a picture that is ``scale`` times as large as the one whose pixels the rectangle counts."""
    top, bottom, left, right = (scale * edge for edge in rectangle)
    return image[top:bottom, left:right]


def correction(sr, lr):
    """What to add to ``sr`` (scale * H, scale * W, C) so that it reduces to ``lr`` (H, W, C), the least change: float32."""
    height, width = lr.shape[:2]
    scale = len(sr) // height
    missing = lr - reduced(sr, scale)
    rows, columns = _inverse(height, scale), _inverse(width, scale)
    return np.einsum("Hh,hwc,Ww->HWc", rows, missing, columns, optimize=True)


def reduced(sr, scale):
    """Reduce as ``data.degrade`` does, but without rounding: (scale * H, scale * W, C) -> float32 (H, W, C).

    As in Pillow, rows are reduced first, then columns, and the overshoot of each is clipped to [0, 255].
    """
    height, width = (side // scale for side in sr.shape[:2])
    rows, columns = _reduction(height, scale), _reduction(width, scale)
    narrow = np.clip(np.einsum("HWc,wW->Hwc", sr.astype(np.float32), columns, optimize=True), 0, 255)
    return np.clip(np.einsum("hH,Hwc->hwc", rows, narrow, optimize=True), 0, 255)


@functools.lru_cache(maxsize=16)  # of up to 3 MB each
def _reduction(side, scale):
    """D along one axis: the weights of the large pixels in each of ``side`` small ones, float32 (side, scale * side)."""
    large = (np.arange(side * scale) + 0.5) / scale  # their centres, in small pixels
    taps = cubic_kernel(large - (np.arange(side) + 0.5)[:, None])
    return (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)


@functools.lru_cache(maxsize=16)  # of up to 3 MB each
def _inverse(side, scale):
    """D^T (D D^T)^-1 along one axis, float32 (scale * side, side)."""
    d = _reduction(side, scale).astype(np.float64)
    return np.linalg.solve(d @ d.T, d).T.astype(np.float32)
