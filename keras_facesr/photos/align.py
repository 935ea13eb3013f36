"""Where a network's frame, the square with the face where its training faces have it, lies in a photograph.

Points are as in ``data.similarity``.
"""

import math

import numpy as np

from keras_facesr.data.similarity import Similarity, bounds, fitted

OWN_PIXELS = 0.5, 1.15  # least and largest side of a face's square, in frames, at which it is not scaled to the frame
# Degrees by which a face may be turned for a network that was taught on upright ones; and any face is, after quarter turns.
LEVEL, ANY_TURN = 12, 45


def frame(face_points, template, own_side=None, level=LEVEL):
    """Where a network's frame lies in the photograph.

    The frame is scaled only if the network takes one size and the face's square is outside of ``OWN_PIXELS``. Otherwise it has
    the photograph's pixel size; and its pixels coincide with the photograph's, but for quarter turns, if the network takes any
    size or the face is level. Resampling costs a network more than a face that is smaller, larger or a little more turned in
    its frame than those that it was trained on (docs/photos.md).

    Args:
        face_points: the face's points in the photograph, complex (5,).
        template: the same points in the frame, (x, y) as shares of its side (``data.framing.FRAMINGS``).
        own_side: side in pixels of the only frame that the network takes; None: it takes any.
        level: degrees, after quarter turns, by which a face may be turned and still counts as level for this network.

    Returns:
        side of the frame in its pixels, the ``Similarity`` from it to the photograph, and whether their pixels coincide.
    """
    fit = fitted([x + 1j * y for x, y in template], face_points)
    if own_side and not OWN_PIXELS[0] <= fit.scale / own_side <= OWN_PIXELS[1]:
        return own_side, fit.after(Similarity(1 / own_side, 0)), False
    side = own_side or max(1, math.ceil(fit.scale))
    turn = fit.turn / fit.scale
    quarter = 1j ** round(np.angle(turn) / (math.pi / 2))
    coincides = not own_side or abs(np.angle(turn / quarter, deg=True)) <= level
    turn = quarter if coincides else turn
    corner = fit(0.5 + 0.5j) - turn * side * (0.5 + 0.5j)
    return side, Similarity(turn, complex(round(corner.real), round(corner.imag)) if coincides else corner), coincides


def rectangle(points, height, width, margin=0):
    """The part of ``bounds`` that lies in a picture of this size; empty if all points are outside of it."""
    top, bottom, left, right = bounds(points, margin)
    return max(top, 0), min(bottom, height), max(left, 0), min(right, width)
