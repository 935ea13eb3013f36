"""Similarities of the plane, and resampling along them.

Points are complex numbers x + iy in pixels, from the upper left corner of the picture: the first pixel's centre is at
0.5 + 0.5i. A similarity turns, scales and shifts them: z -> turn * z + shift.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

MARGIN = 4  # pixels that interpolation needs round the part that it takes


@dataclass(frozen=True)
class Similarity:
    """z -> ``turn`` * z + ``shift``; the absolute value of ``turn`` is the scale, its phase the angle."""

    turn: complex
    shift: complex

    def __call__(self, points):
        return self.turn * points + self.shift

    def after(self, first):
        """The similarity that applies ``first``, then this one."""
        return Similarity(self.turn * first.turn, self(first.shift))

    @property
    def inverse(self):
        return Similarity(1 / self.turn, -self.shift / self.turn)

    @property
    def scale(self):
        return abs(self.turn)


def fitted(points, targets):
    """The similarity that brings ``points`` nearest to ``targets`` (least squares); complex (N,) both."""
    points, targets = np.asarray(points), np.asarray(targets)
    centred = points - points.mean()
    turn = np.vdot(centred, targets) / np.vdot(centred, centred).real
    return Similarity(complex(turn), complex(targets.mean() - turn * points.mean()))


def corners(height, width):
    """The corners of a picture of this size, complex (4,)."""
    return np.array([0, width, width + 1j * height, 1j * height])


def bounds(points, margin):
    """The rectangle of pixels round points, also outside of the picture: (top, bottom, left, right)."""
    top, bottom = math.floor(points.imag.min()) - margin, math.ceil(points.imag.max()) + margin
    left, right = math.floor(points.real.min()) - margin, math.ceil(points.real.max()) + margin
    return top, bottom, left, right


def warp(pixels, to_source, height, width):
    """Resample a picture along a similarity: bicubic, and antialiased if it shrinks.

    Args:
        pixels: (H, W, C), uint8 or float32; its border is repeated outside of it.
        to_source: ``Similarity`` from points of the result to points of ``pixels``.
        height, width: size of the result in pixels.

    Returns:
        float32 (height, width, C), in the units of ``pixels``; not clipped.
    """
    finer = math.ceil(to_source.scale - 1e-6) if to_source.scale > 1 else 1
    to_source = to_source.after(Similarity(1 / finer, 0))
    height, width = height * finer, width * finer
    piece, origin = _piece(pixels, to_source(corners(height, width)))
    turn, shift = to_source.turn, to_source.shift - origin
    matrix = (turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag)
    channels = (Image.fromarray(np.ascontiguousarray(channel, np.float32)) for channel in np.moveaxis(piece, -1, 0))
    taken = [
        channel.transform((width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC) for channel in channels
    ]
    if finer > 1:
        taken = [channel.resize((width // finer, height // finer), Image.Resampling.BICUBIC) for channel in taken]
    return np.dstack(taken)


def _piece(pixels, points):
    """The part of ``pixels`` round points, with the border repeated outside of it, and its upper left corner (complex)."""
    height, width = pixels.shape[:2]
    top, bottom, left, right = bounds(points, MARGIN)
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return pixels[rows[:, None], columns], left + 1j * top
