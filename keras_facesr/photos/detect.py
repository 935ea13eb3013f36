"""Finds the faces of a photograph: BlazeFace proposes, the face mesh judges.

BlazeFace finds faces of few sizes (``networks.BlazeFace``). So it is run on a pyramid of overlapping squares, from the whole
photograph down to squares of ``LEAST_SQUARE`` pixels; larger squares are also turned by quarters. The mesh refuses
the proposals that are not faces.
"""

from dataclasses import dataclass

import numpy as np

from keras_facesr.data.degrade import resize
from keras_facesr.data.images import to_pixels
from keras_facesr.data.similarity import Similarity, warp
from keras_facesr.photos.networks import SIDE, five_points, started

LEAST_SQUARE = 144  # side in pixels of the photograph; a face of 11 pixels has 15 in BlazeFace's input then
STRIDE = 128  # of 192 pixels, so a face of a third of the square's side is whole in one square
PROPOSED, A_FACE = 0.5, 0.5  # least scores of BlazeFace and of the mesh
SAME_PROPOSAL, SAME_FACE = 0.3, 0.3  # intersection over union above which two squares count as one
MESH_MARGIN = 1.5  # side of the mesh's input, in sides of the face
LOOKS = 2  # runs of the mesh on each proposal; the second takes the place where the first found the face


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a photograph, in pixels, points as complex numbers.

    Attributes:
        points: eyes, tip of the nose, corners of the mouth, complex (5,); the left ones first, as seen in the upright face.
        centre: the mesh's centre, complex.
        width: the mesh's extent along the line of the eyes, which is the face's from ear to ear.
        height: the mesh's extent across that line, from the brow to the chin.
        score: the mesh's probability that this is a face, in [0, 1].
        aside: distance of the tip of the nose from the middle, in halves of the width: about 0 from the front, 1 in profile.
    """

    points: np.ndarray
    centre: complex
    width: float
    height: float
    score: float
    aside: float

    @property
    def angle(self):
        """By how many degrees the face is turned clockwise, -180 to 180."""
        return float(np.angle(self.points[1] - self.points[0], deg=True))

    @property
    def side(self):
        """Side of the upright square that holds the face, in pixels."""
        return max(self.width, self.height)

    @property
    def box(self):
        """The upright square of the face: (left, top, right, bottom)."""
        half = self.side / 2
        x, y = self.centre.real, self.centre.imag
        return x - half, y - half, x + half, y + half


@dataclass(frozen=True)
class _Proposal:
    score: float
    centre: complex
    side: float
    eyes: complex  # from the left one to the right one


def find_faces(rgb, on_square=None):
    """Find the faces of a photograph.

    Args:
        rgb: uint8 (H, W, 3).
        on_square: called with (squares done, squares in all) after each run of BlazeFace.

    Returns:
        list of ``Face``, upper ones first, and the number of places that BlazeFace proposed and the mesh refused.

    Raises:
        ExportError: the networks are not installed (extra ``photos``).
    """
    blaze_face, mesh = started()
    views = list(_views(*rgb.shape[:2]))
    proposals, done, total = [], 0, sum(len(windows) for *_, windows in views)
    for square, quarters, windows in views:
        level = _level(rgb, SIDE / square)
        to_photo = Similarity(square / SIDE, 0).after(_turned_back(quarters, *level.shape[:2]))
        turned = np.rot90(level, quarters)
        for top, left in windows:
            proposals += _proposed(blaze_face, turned, top, left, to_photo)
            done += 1
            if on_square:
                on_square(done, total)
    judged = [_judged(mesh, rgb, proposal) for proposal in _merged(proposals)]
    faces = _each_once([face for face in judged if face.score >= A_FACE])
    refused = _each_once([face for face in judged if face.score < A_FACE], besides=faces)
    return sorted(faces, key=lambda face: (face.centre.imag, face.centre.real)), len(refused)


def found_again(rgb, face):
    """The ``Face`` that the mesh sees, whatever its score, where there was one in the frame before."""
    return _judged(started()[1], rgb, _Proposal(face.score, face.centre, face.side, face.points[1] - face.points[0]))


def _views(height, width):
    """Views: a square's side in the photograph's pixels, quarter turns, (top, left) of the squares in the turned level."""
    square = LEAST_SQUARE
    while True:
        whole = square >= max(height, width)
        square = max(height, width) if whole else square
        level = [max(1, round(side * SIDE / square)) for side in (height, width)]
        for quarters in range(4 if square > LEAST_SQUARE or whole else 1):
            rows, columns = (_starts(side) for side in (level if quarters % 2 == 0 else level[::-1]))
            yield square, quarters, [(top, left) for top in rows for left in columns]
        if whole:
            return
        square *= 2


def _starts(side):
    """Where squares of ``SIDE`` start along a side of a level: evenly spread, at most ``STRIDE`` apart."""
    count = 1 + max(0, -(-(side - SIDE) // STRIDE))
    return [round(start) for start in np.linspace(0, max(side - SIDE, 0), count)]


def _level(rgb, scale):
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    return resize(rgb, height, width)


def _turned_back(quarters, height, width):
    """The similarity from points of a picture turned by ``numpy.rot90`` to points of the upright one, of this size."""
    return (Similarity(1, 0), Similarity(1j, width), Similarity(-1, width + 1j * height), Similarity(-1j, 1j * height))[
        quarters
    ]


def _proposed(blaze_face, level, top, left, to_photo):
    """Proposals in one square of a level, but those that touch its border inside the level: another square has them whole."""
    seen = level[top : top + SIDE, left : left + SIDE]
    height, width = seen.shape[:2]
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[:height, :width] = seen
    within = [edge > 0 for edge in (top, left)] + [top + SIDE < level.shape[0], left + SIDE < level.shape[1]]
    for score, centre, side, eyes in zip(*blaze_face.see(image, PROPOSED)):
        half = side / 2
        reach = (centre.imag - half, centre.real - half, SIDE - centre.imag - half, SIDE - centre.real - half)
        if all(margin > 0 for margin, inner in zip(reach, within) if inner):
            place = to_photo(centre + left + 1j * top)
            yield _Proposal(score, place, side * to_photo.scale, (eyes[1] - eyes[0]) * to_photo.turn)


def _merged(proposals):
    """Merge overlapping proposals that are turned alike into their mean, weighted by score; the highest score comes first."""
    merged, rest = [], sorted(proposals, key=lambda proposal: -proposal.score)
    while rest:
        same = [overlap(rest[0], other) > SAME_PROPOSAL and _same_way(rest[0].eyes, other.eyes) for other in rest]
        group = [proposal for proposal, is_same in zip(rest, same) if is_same]
        weights = [proposal.score for proposal in group]
        mean = {
            name: np.average([getattr(proposal, name) for proposal in group], weights=weights) for name in ("centre", "side")
        }
        merged.append(_Proposal(group[0].score, **mean, eyes=group[0].eyes))
        rest = [proposal for proposal, is_same in zip(rest, same) if not is_same]
    return merged


def _same_way(one, other):
    return (one * other.conjugate()).real > 0


def overlap(one, other):
    """Intersection over union of the upright squares of two faces, or proposals."""
    apart = one.centre - other.centre
    sides = [max(0, min(one.side, other.side, (one.side + other.side) / 2 - abs(way))) for way in (apart.real, apart.imag)]
    both = sides[0] * sides[1]
    return both / (one.side**2 + other.side**2 - both)


def _judged(mesh, rgb, proposal):
    """The face that the mesh finds at a proposal, whatever its score."""
    centre, side, along = proposal.centre, proposal.side, proposal.eyes
    for _ in range(LOOKS):
        upright = along / abs(along) if along else 1
        turn = upright * side * MESH_MARGIN / SIDE
        to_photo = Similarity(turn, centre - turn * (SIDE / 2) * (1 + 1j))
        score, points = mesh.see(to_pixels(warp(rgb, to_photo, SIDE, SIDE)))
        mesh_points = to_photo(points)
        five = five_points(mesh_points)
        along = five[1] - five[0]
        level = mesh_points * abs(along) / along
        low, high = (level.real.min() + 1j * level.imag.min()), (level.real.max() + 1j * level.imag.max())
        extent, middle = high - low, (low + high) / 2
        centre, side = middle * along / abs(along), max(extent.real, extent.imag)
    nose = five[2] * abs(along) / along
    aside = abs(nose.real - middle.real) / (extent.real / 2)
    return Face(five, centre, float(extent.real), float(extent.imag), float(score), float(aside))


def _each_once(faces, besides=()):
    """The faces, but of several at one place only that of the highest score; none at the place of one of ``besides``."""
    kept = list(besides)
    for face in sorted(faces, key=lambda face: -face.score):
        if all(overlap(face, other) <= SAME_FACE for other in kept):
            kept.append(face)
    return kept[len(besides) :]
