"""Where the frame that a network knows faces in lies in a photograph; points as in ``data.similarity``."""

import math

import numpy as np

from keras_facesr.data.similarity import Similarity, bounds, fitted

OWN_PIXELS = 0.5, 1.15  # sides of the face's square, in frames, that are not resampled to be one
LEVEL = 12  # degrees that a face may be turned and still be cut out as it is for a network of one size


def frame(face_points, template, own_side=None):
    """Where the frame that a network knows faces in lies in the photograph.

    Args:
        face_points: complex (5,), in the photograph.
        template: the same points in the frame, as shares of its side (``data.framing.FRAMINGS``).
        own_side: side in pixels of the one frame that the network takes; None: it takes any.

    Returns:
        side of the frame in its pixels, the ``Similarity`` from it to the photograph, and whether pixels coincide: a frame that
        may be is of the photograph's own pixels, and of whole ones for a network of any size and where the face is level.
        Networks lose less by a face that is smaller, larger or more turned in its frame than they know it than by one that is
        resampled (docs/photos.md).
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


def rectangle(points, height, width, margin=0):
    """The pixels of a picture of this size round points, as ``bounds``; empty if they lie outside of it."""
    top, bottom, left, right = bounds(points, margin)
    return max(top, 0), min(bottom, height), max(left, 0), min(right, width)
