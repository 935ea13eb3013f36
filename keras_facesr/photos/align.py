"""Similarities between a photograph and the frame of a network, and resampling along them.

A frame is the square picture that a network takes, with the face where its training faces have it. Points are complex numbers
x + iy in pixels, from the upper left corner of the picture: the first pixel's centre is at 0.5 + 0.5i. A similarity turns,
scales and shifts them: z -> turn * z + shift.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

MARGIN = 4  # pixels that interpolation needs round the part that it takes
OWN_PIXELS = 0.5, 1.15  # least and largest side of a face's square, in frames, at which it is not scaled to the frame
LEVEL = 12  # degrees by which a face may be turned and is still not resampled for a network of one size


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


def frame(face_points, template, own_side=None):
    """Where a network's frame lies in the photograph.

    The frame is scaled only if the network takes one size and the face's square is outside of ``OWN_PIXELS``. Otherwise it has
    the photograph's pixel size; and its pixels coincide with the photograph's, but for quarter turns, if the network takes any
    size or the face is level (``LEVEL``). Resampling costs a network more than a face that is smaller, larger or more turned
    in its frame than those that it was trained on (docs/photos.md).

    Args:
        face_points: the face's points in the photograph, complex (5,).
        template: the same points in the frame, (x, y) as shares of its side (``data.framing.FRAMINGS``).
        own_side: side in pixels of the only frame that the network takes; None: it takes any.

    Returns:
        side of the frame in its pixels, the ``Similarity`` from it to the photograph, and whether their pixels coincide.
    """
    fit = fitted([x + 1j * y for x, y in template], face_points)
    if own_side and not OWN_PIXELS[0] <= fit.scale / own_side <= OWN_PIXELS[1]:
        return own_side, fit.after(Similarity(1 / own_side, 0)), False
    side = own_side or max(1, math.ceil(fit.scale))
    turn = fit.turn / fit.scale
    quarter = 1j ** round(np.angle(turn) / (math.pi / 2))
    coincides = not own_side or abs(np.angle(turn / quarter, deg=True)) <= LEVEL
    turn = quarter if coincides else turn
    corner = fit(0.5 + 0.5j) - turn * side * (0.5 + 0.5j)
    return side, Similarity(turn, complex(round(corner.real), round(corner.imag)) if coincides else corner), coincides


def corners(height, width):
    """The corners of a picture of this size, complex (4,)."""
    return np.array([0, width, width + 1j * height, 1j * height])


def bounds(points, margin):
    """The rectangle of pixels round points, also outside of the picture: (top, bottom, left, right)."""
    top, bottom = math.floor(points.imag.min()) - margin, math.ceil(points.imag.max()) + margin
    left, right = math.floor(points.real.min()) - margin, math.ceil(points.real.max()) + margin
    return top, bottom, left, right


def rectangle(points, height, width, margin=0):
    """The part of ``bounds`` that lies in a picture of this size; empty if all points are outside of it."""
    top, bottom, left, right = bounds(points, margin)
    return max(top, 0), min(bottom, height), max(left, 0), min(right, width)


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


def to_pixels(values):
    """Values in [0, 255], or a little outside, rounded and clipped to uint8."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _piece(pixels, points):
    """The part of ``pixels`` round points, with the border repeated outside of it, and its upper left corner (complex)."""
    height, width = pixels.shape[:2]
    top, bottom, left, right = bounds(points, MARGIN)
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return pixels[rows[:, None], columns], left + 1j * top
