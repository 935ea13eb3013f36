"""The framing of faces in each set, and how a face is cut to the framing of another set."""

import cmath
import math

import numpy as np

from keras_facesr.data.degrade import resize
from keras_facesr.data.images import to_pixels
from keras_facesr.data.similarity import Similarity, warp
from keras_facesr.errors import DatasetError

# Positions of the eyes, the tip of the nose and the corners of the mouth (left and right as seen in the picture):
# (x, y) as shares of the side of a picture's centre square. Medians over the set by MediaPipe's face mesh, where an eye is
# the mean of the 16 points round it; the points of a single face lie within .01 to .04 of them.
FRAMINGS = {
    "utkface": ((0.2905, 0.2939), (0.6863, 0.2918), (0.4846, 0.5395), (0.3146, 0.6843), (0.6622, 0.6831)),
    "celeba": ((0.3857, 0.5184), (0.6055, 0.5182), (0.4941, 0.6636), (0.3975, 0.7440), (0.5961, 0.7435)),
    "celebamask": ((0.3728, 0.4774), (0.6219, 0.4774), (0.4955, 0.6394), (0.3861, 0.7326), (0.6078, 0.7327)),
    "lfw": ((0.4147, 0.4531), (0.5824, 0.4497), (0.5005, 0.5576), (0.4306, 0.6299), (0.5754, 0.6268)),
}
ROUNDING = 1e-9  # share of a picture's side


def square(framing, within):
    """The square to cut from a picture of the set ``within``, for a face with the framing of the set ``framing``.

    Its scale and shift bring the mean face of ``within`` nearest to that of ``framing`` (least squares); nothing is rotated.

    Args:
        framing, within: names in ``FRAMINGS``.

    Returns:
        (left, top, side), three floats, as shares of the side of the picture's centre square.

    Raises:
        DatasetError: the framing of one of the sets is not known, or the square would reach beyond the picture.
    """
    for name in (framing, within):
        if name not in FRAMINGS:
            raise DatasetError(f"where faces lie in {name!r} is not known, only in {', '.join(FRAMINGS)}")
    wanted, found = (np.array(FRAMINGS[name]) for name in (framing, within))
    centred = wanted - wanted.mean(axis=0)
    side = np.sum(centred * found) / np.sum(centred**2)
    left, top = found.mean(axis=0) - side * wanted.mean(axis=0)
    if min(left, top) < -ROUNDING or max(left, top) + side > 1 + ROUNDING:
        raise DatasetError(f"pictures of {within} show too little round the face to be cut to the framing of {framing}")
    return float(left), float(top), float(side)


def points_in(square, within):
    """Where the points of the mean face of the set ``within`` are in a square cut from its pictures; None: in all of them.

    Returns:
        (5, 2), in the order of ``FRAMINGS``, x and y as shares of the square's side.
    """
    left, top, side = square or (0.0, 0.0, 1.0)
    return (np.array(FRAMINGS[within]) - (left, top)) / side


def face_region(points, height, width):
    """Which pixels of a picture show the face: those in an ellipse about its eyes and mouth, from brow to chin.

    It stands upright, its centre half way from the eyes to the mouth. To each side it reaches 1.1 times the distance between
    the eyes, up and down 1.2 times that from the eyes to the mouth.

    Args:
        points: (5, 2) as of ``points_in``.

    Returns:
        bool (height, width).
    """
    left_eye, right_eye, _, *corners = np.asarray(points) * (width, height)  # in pixels
    eyes, mouth = (left_eye + right_eye) / 2, np.mean(corners, axis=0)
    across, down = 1.1 * np.linalg.norm(right_eye - left_eye), 1.2 * np.linalg.norm(mouth - eyes)
    x, y = (eyes + mouth) / 2
    rows, columns = np.ogrid[:height, :width]
    return ((columns + 0.5 - x) / across) ** 2 + ((rows + 0.5 - y) / down) ** 2 <= 1


def cut(picture, square, size, turn=0.0):
    """Cut a square (left, top, side; shares of the picture's side) from uint8 (P, P, 3), resized to uint8 (size, size, 3).

    ``turn``: degrees by which the square is first turned clockwise about its centre; then the picture's border is repeated
    outside of it.
    """
    left, top, side = (len(picture) * share for share in square)
    if turn:
        direction = side / size * cmath.rect(1, math.radians(turn))
        middle = left + side / 2 + 1j * (top + side / 2)
        to_picture = Similarity(direction, middle - direction * size * (0.5 + 0.5j))
        return to_pixels(warp(picture, to_picture, size, size))
    box = [min(max(edge, 0.0), len(picture)) for edge in (left, top, left + side, top + side)]  # rounding may pass the edge
    return resize(np.ascontiguousarray(picture), size, size, box)
