"""Pastes faces into the enlarged photograph; each changes only its own rectangle.

A face is resampled along the inverse of its similarity and fades into the canvas. Then the pasted face is projected, so that it
reduces to the photograph (``inference.consistent``): that restores the photograph's low frequencies, its colours and its light,
and any detail that the network's frame was too small for. It would also bring back what a photograph is spoilt by, so of a face
whose network has mended it only light and colours become the photograph's.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from keras_facesr.data.similarity import Similarity, corners, warp
from keras_facesr.inference.consistent import correction, part, reduced, tiles
from keras_facesr.photos.align import rectangle

FEATHER = 0.12  # share of the frame's side over which a face fades into the photograph
ROUNDNESS = 4  # exponent of the frame's outline |x|^p + |y|^p = 1: 2 is an oval, infinity the square
PROJECTED = 2  # projections of a pasted face
MARGIN = 8  # pixels of the photograph round a face
LIGHT = 0.1  # deviation of the blur that leaves light and colours alone, as a share of the frame's side


def place_of(to_photo, side, height, width):
    """The rectangle of a frame of ``side`` pixels in a photograph of this size, with a margin: (top, bottom, left, right).

    Empty if the frame lies outside.
    """
    return rectangle(to_photo(corners(side, side)), height, width, MARGIN)


def paste(canvas, photo, answer, to_photo, mended=False):
    """Put a face into the enlarged photograph.

    Args:
        canvas: uint8 (scale * H, scale * W, 3), changed in place where the face is.
        photo: uint8 (H, W, 3), the photograph.
        answer: uint8 (side, side, 3), the enlarged face in its frame.
        to_photo: ``Similarity`` from points of ``answer`` to points of the photograph, in pixels of each.
        mended: whether the face is to keep what its network has mended: then it need not reduce to the photograph.

    Returns:
        mean absolute difference, in levels of 255, between the pasted face, reduced again, and the photograph.
    """
    scale = len(canvas) // len(photo)
    rectangle = place_of(to_photo, len(answer), *photo.shape[:2])
    seen, place = part(photo, rectangle), part(canvas, rectangle, scale)
    before, weights = place.copy(), np.empty((*seen.shape[:2], 1), np.float32)
    for outer, inner, within in tiles(*seen.shape[:2]):  # of large faces, whose projection as a whole would take gigabytes
        corner = rectangle[2] + outer[2] + 1j * (rectangle[0] + outer[0])
        to_answer = to_photo.inverse.after(Similarity(1 / scale, corner))
        under, small = part(before, outer, scale), part(seen, outer)
        mask = outline(to_answer, *under.shape[:2], len(answer))
        pasted = under + mask * (warp(answer, to_answer, *under.shape[:2]) - under)
        if mended:
            pasted = np.clip(pasted + mask * light(pasted, small, mask, LIGHT * len(answer) * to_photo.scale), 0, 255)
        for _ in range(0 if mended else PROJECTED):
            pasted = np.clip(pasted + mask * correction(pasted, small), 0, 255)
        part(place, inner, scale)[...] = part(np.rint(pasted), within, scale)
        part(weights, inner)[...] = part(reduced(mask, scale), within)
    difference = 0.0
    for outer, inner, within in tiles(*seen.shape[:2]):
        off = np.abs(reduced(part(place, outer, scale), scale) - part(seen, outer))
        difference += np.sum(part(weights, inner) * part(off, within))
    return float(difference / np.sum(weights) / 3)


def light(pasted, photo, mask, deviation):
    """What to add to a pasted face (scale * H, scale * W, C) for the light and the colours of ``photo`` (H, W, C): float32.

    The two, reduced alike and blurred by a Gaussian of that ``deviation`` in pixels of ``photo``, differ by it. Only what is
    under ``mask`` (scale * H, scale * W, 1) counts, as round the face they agree.
    """
    height, width = pasted.shape[:2]
    scale = height // len(photo)
    weights = reduced(mask, scale)
    missing = weights * (photo - reduced(pasted, scale))
    missing, weights = (gaussian_filter(part, (deviation, deviation, 0), mode="nearest") for part in (missing, weights))
    return warp(missing / np.maximum(weights, 1e-3), Similarity(1 / scale, 0), height, width)


def outline(to_frame, height, width, side):
    """The weight of a face at each pixel: 1 well inside its rounded frame, 0 outside; float32 (height, width, 1)."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    points = 2 * to_frame(columns + 1j * rows) / side - (1 + 1j)
    distance = (np.abs(points.real) ** ROUNDNESS + np.abs(points.imag) ** ROUNDNESS) ** (1 / ROUNDNESS)
    return np.clip((1 - distance) / (2 * FEATHER), 0, 1)[..., None].astype(np.float32)
