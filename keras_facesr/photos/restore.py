"""Enlarges a whole photograph: the background by one network, each face by the one that fits it."""

import itertools
import math
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np

from keras_facesr import presets
from keras_facesr.data.degrade import resize
from keras_facesr.data.framing import FRAMINGS
from keras_facesr.data.images import Picture, read_picture, to_pixels
from keras_facesr.data.similarity import Similarity, warp
from keras_facesr.errors import CallError, check_whole_number
from keras_facesr.inference import runtimes
from keras_facesr.inference.pictures import check_pixels, enlarge_rgb, like, sample_picture, upscale
from keras_facesr.photos.align import ANY_TURN, LEVEL, frame
from keras_facesr.photos.choose import check_background, check_model, choose
from keras_facesr.photos.detect import find_faces
from keras_facesr.photos.paste import paste, place_of

ANY_SIZE = "celebamask"  # the framing for networks of any size: the head with its hair
SCALES = (2, 4)
WORKING = 4  # the scale at which faces are pasted; for scale 2 the whole is reduced at the end
AS_IT_LIES = 0.2  # weight of the answer to a turned face's own pixels beside that to the face set upright
SHIFT = 0.375  # pixels by which the frames of a resampled face are shifted before their answers are averaged
LARGE = 128  # pixels a side of a frame after which the network's memory is given back
BAND, MARGIN = 256, 4  # rows that are resized at once, and rows round them
FINDING, FACES = 0.1, 0.2  # shares of the progress; the background has the rest


@dataclass
class FoundFace:
    """A face that was found, and how it was enlarged. Points and sizes are in pixels of the given photograph.

    Attributes:
        box: left, top, right, bottom.
        landmarks: (x, y) of the eyes, the tip of the nose, the corners of the mouth.
        width: from ear to ear.
        angle: degrees clockwise.
        score: the face mesh's probability that it is a face, in [0, 1].
        preset: name of the network's preset; None if the face is left to the background's network.
        left_for: why it is left: "tiny", "profile" or "large"; otherwise None.
        difference: mean absolute difference, in levels of 255, between the pasted face, reduced again, and the photograph.
        crops: the network's answers in its frame, uint8 (side, side, 3): one, or as many as ``samples`` if it draws them.
    """

    box: tuple
    landmarks: list
    width: float
    angle: float
    score: float
    preset: str | None
    left_for: str | None
    difference: float | None = None
    crops: list = field(default_factory=list, repr=False)

    def as_json(self):
        """All attributes but the crops and those that are None, rounded to 3 decimals."""
        entry = {name: _rounded(value) for name, value in vars(self).items() if name != "crops"}
        return {name: value for name, value in entry.items() if value is not None}


@dataclass
class Restored:
    """An enlarged photograph.

    Attributes:
        images: pixels to write, one array, or as many as ``samples``: uint8 (scale * H, scale * W, 3); (scale * H, scale * W)
            of a gray photograph; with a fourth channel of one with alpha.
        faces: list of ``FoundFace``, upper ones first.
        doubtful: number of places that the detector proposed as faces and the face mesh refused.
    """

    images: list
    faces: list
    doubtful: int

    @property
    def pixels(self):
        """The one answer, or the first."""
        return self.images[0]


def load_fastest(name, samples=0):
    """Load a released preset in the fastest runtime at hand, or in Keras if it is to draw samples."""
    preset = presets.find(name)
    runtime = runtimes.fastest(preset, samples)
    return presets.load(name) if runtime == "keras" else runtimes.load(preset, runtime)


def restore_photo(
    source,
    scale=4,
    model=None,
    background=presets.BACKGROUND,
    faces_only=False,
    samples=0,
    seed=0,
    load=load_fastest,
    show=None,
):
    """Enlarge a photograph and the faces in it.

    Args:
        source: path, PIL image, uint8 array (H, W), (H, W, 3) or (H, W, 4), or ``Picture``.
        scale: 2 or 4.
        model: preset for all faces; None: by their width (``choose.BY_WIDTH``), "clean": by networks for photographs that
            were only reduced.
        background: preset for the rest; it must take any size and enlarge 4 times.
        faces_only: enlarge the rest by bicubic interpolation.
        samples: number of answers, which differ in the faces of stochastic models; 0: one answer, the most probable.
        seed: seed of the samples.
        load: function of a preset's name and ``samples`` that returns the model.
        show: called with the part done, 0 to 1.

    Returns:
        Restored.

    Raises:
        ImageError: the source cannot be read as a picture, or is too large.
        CallError: another scale, ``samples`` or ``seed`` below 0, or a preset that does not suit ``model`` or ``background``.
        PresetError: an unknown preset, or its weights are missing.
        ExportError: the networks that find faces are not installed (extra ``photos``).
    """
    check_scale(scale)
    parts = enlarge_parts(source, model, background, faces_only, samples, seed, load, show)
    numbers = range(max(1, samples))
    images = [parts.joined(scale, [number] * len(parts.faces), keep=number + 1 < samples) for number in numbers]
    return Restored(images, parts.faces, parts.doubtful)


@dataclass
class Parts:
    """A photograph and its faces, enlarged and not yet put together.

    Attributes:
        picture: the photograph, a ``Picture``.
        canvas: all of it by the background's network, uint8 (``WORKING`` * H, ``WORKING`` * W, 3).
        faces: list of ``FoundFace``, upper ones first.
        places: of the faces that have crops, by their numbers in ``faces``, the one that is pasted last at the end: the
            ``Similarity`` from their crops to the photograph, and whether their network has mended them (``paste``).
        doubtful: as ``Restored`` has it.
    """

    picture: Picture
    canvas: np.ndarray
    faces: list
    places: dict
    doubtful: int

    def joined(self, scale, chosen, keep=True):
        """The photograph with its faces, as ``Restored.images`` has it; no network runs.

        Args:
            scale: 2 or 4.
            chosen: the number of a crop for each face, from 0; past a face's last one they begin anew.
            keep: whether other faces may be put in afterwards; if not, the canvas is not copied.
        """
        if len(chosen) != len(self.faces):
            raise CallError(f"chosen has one number for each face: {len(self.faces)}, not {len(chosen)}")
        image = self.canvas.copy() if keep else self.canvas
        for k, place in self.places.items():
            face = self.faces[k]
            face.difference = paste(image, self.picture.rgb, face.crops[chosen[k] % len(face.crops)], *place)
        if scale != WORKING:
            image = resized(image, *(side * scale for side in self.picture.rgb.shape[:2]))
        return like(self.picture, image, scale)


def enlarge_parts(
    source,
    model=None,
    background=presets.BACKGROUND,
    faces_only=False,
    samples=0,
    seed=0,
    load=load_fastest,
    show=None,
    known=None,
    release=runtimes.release,
):
    """What ``restore_photo`` puts together, with its arguments: ``Parts``.

    ``known``: list of ``detect.Face`` that are in the photograph, where no others are to be sought.
    ``release``: called with a network that is not needed further here, and by default gives back its memory.
    """
    check_networks(model, background)
    for name, number in {"samples": samples, "seed": seed}.items():
        check_whole_number(number, name, least=0)
    picture = read_picture(source)
    photo, show = picture.rgb, show or (lambda part: None)
    if not faces_only:
        check_pixels(picture, WORKING)  # before the faces of a large one are sought
    if known is None:
        found, doubtful = find_faces(photo, lambda done, total: show(FINDING * done / total))
    else:
        found, doubtful = known, 0
    faces = [_told(face, model) for face in found]
    order = sorted((k for k, face in enumerate(faces) if face.preset), key=lambda k: faces[k].width)  # nearest last
    models = {name: load(name, samples) for name in {faces[k].preset for k in order}}
    network = load(background, 0) if order or not faces_only else None
    if faces_only:
        canvas = resized(photo, *(side * WORKING for side in photo.shape[:2]))
    else:
        part = 1 - FINDING - FACES
        canvas = enlarge_rgb(network, picture, on_tile=lambda done, total: show(FINDING + part * done / total))
        release(network)
    places = {}
    for done, k in enumerate(order, 1):
        piece = _Piece(photo, network if faces_only else canvas, found[k], presets.find(faces[k].preset))
        asked = models[faces[k].preset]
        faces[k].crops = piece.answers(asked, samples, seed)
        if piece.side > LARGE:
            release(asked)
        places[k] = piece.to_photo.after(Similarity(piece.side / len(faces[k].crops[0]), 0)), piece.mended
        show(1 - FACES + FACES * done / len(order))
    for used in [network, *models.values()]:
        release(used)
    show(1)
    return Parts(picture, canvas, faces, places, doubtful)


def find(picture, model=None, show=lambda part: None):
    """Find the faces of a ``Picture`` and choose their networks: list of ``FoundFace``, and the number of doubtful places."""
    found, doubtful = find_faces(picture.rgb, lambda done, total: show(done / total))
    return [_told(face, model) for face in found], doubtful


def summary(faces, doubtful):
    """One line for people, such as ``3 faces, 2 by a network for faces; left to the background: 1 profile``."""
    if not faces and not doubtful:
        return "no face found"
    kinds = [face.left_for for face in faces if face.left_for] + ["doubtful"] * doubtful
    left = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    found = f"{len(faces)} faces" if len(faces) != 1 else "1 face"
    enlarged = sum(face.preset is not None for face in faces)
    said = f"{found}, {enlarged} by a network for faces"
    return f"{said}; left to the background: {left}" if left else said


def check_scale(scale):
    """Raise CallError if photographs are not enlarged so many times."""
    if not isinstance(scale, Integral) or scale not in SCALES:
        raise CallError(f"photographs are enlarged {' or '.join(map(str, SCALES))} times, not {scale!r}")


def check_networks(model, background):
    """Raise CallError if presets do not suit faces or the rest, PresetError if one is unknown."""
    check_background(background)
    check_model(model)


class _Piece:
    """The part of the photograph round one face, and the same part as the background's network enlarges it."""

    def __init__(self, photo, background, face, preset):
        """``background`` is the photograph as its network has enlarged it, or that network if it enlarges such pieces alone."""
        own_side, self.mended = preset.own_size[0] if preset.own_size else None, preset.mends
        template = FRAMINGS[preset.framing if own_side else ANY_SIZE]
        self.side, self.to_photo, self.coincides = frame(face.points, template, own_side, max(LEVEL, preset.turn))
        _, lying, lies = frame(face.points, template, own_side, ANY_TURN)
        top, bottom, left, right = place_of(self.to_photo, self.side, *photo.shape[:2])
        self.photo = photo[top:bottom, left:right]
        into_piece = Similarity(1, -(left + 1j * top))
        self.to_piece = into_piece.after(self.to_photo)
        self.lying = into_piece.after(lying) if lies else None  # of the frame that is not turned with the face
        self.background = background
        if isinstance(background, np.ndarray):
            self.background = background[top * WORKING : bottom * WORKING, left * WORKING : right * WORKING]

    def answers(self, model, samples, seed):
        """The network's answers in its frame, uint8 (size, size, 3) each: ``samples`` if it is stochastic, otherwise one.

        What is asked about a resampled face is asked about its mirror image, too (``ensemble``).
        """
        if self.coincides:
            lr = to_pixels(warp(self.photo, self.to_piece, self.side, self.side))
        else:
            enlarged = self._enlarged()
            upright = self._pasted(enlarged, upscale(model, self._seen(enlarged), ensemble=True), self.to_piece)
            lr = self._seen(upright)
        if samples and model.is_stochastic:
            return sample_picture(model, read_picture(lr), samples, seed)
        if self.coincides:
            return [upscale(model, lr)]
        answer = self._shifted_mean(model, upright)
        if self.lying:
            lr = to_pixels(warp(self.photo, self.lying, self.side, self.side))
            own = self._pasted(enlarged, upscale(model, lr, ensemble=True), self.lying)
            answer += AS_IT_LIES * (self._seen(own, len(answer)) - answer)
        return [to_pixels(answer)]

    def _pasted(self, enlarged, answer, to_piece):
        """The enlarged piece with an answer pasted; ``to_piece`` is the similarity from the frame that was asked about."""
        pasted = enlarged.copy()
        paste(pasted, self.photo, answer, to_piece.after(Similarity(self.side / len(answer), 0)), self.mended)
        return pasted

    def _enlarged(self):
        """The piece as the background's network enlarges it: uint8, ``WORKING`` times as high and wide."""
        if isinstance(self.background, np.ndarray):
            return self.background
        return upscale(self.background, self.photo)

    def _seen(self, fine, size=None, shift=0):
        """The frame in its own pixels or in ``size`` a side, taken from the enlarged piece, where interpolation loses least."""
        size = size or self.side
        to_fine = Similarity(WORKING, 0).after(self.to_piece).after(Similarity(self.side / size, shift))
        return to_pixels(warp(fine, to_fine, size, size))

    def _shifted_mean(self, model, fine):
        """The mean of the answers to four frames, shifted by parts of a pixel, as interpolation loses something else in each.

        Not rounded: float32.
        """
        pixels = round(SHIFT * model.scale)  # of the answer, whole ones
        total = 0
        for down, right in itertools.product((-pixels, pixels), repeat=2):
            answer = upscale(model, self._seen(fine, shift=(right + 1j * down) / model.scale), ensemble=True)
            around = np.pad(answer.astype(np.float32), ((pixels, pixels), (pixels, pixels), (0, 0)), "edge")
            size = len(answer)
            total = total + around[pixels - down :, pixels - right :][:size, :size]
        return total / 4


def _told(face, model):
    preset, left_for = choose(face, model)
    preset = preset and presets.full_name(preset)
    landmarks = [(point.real, point.imag) for point in face.points]
    return FoundFace(face.box, landmarks, face.width, face.angle, face.score, preset, left_for)


def resized(pixels, height, width):
    """``data.degrade.resize`` of uint8 (H, W, 3), in bands of rows: Pillow needs 8 bytes more for each pixel of 3 bytes."""
    resized, times = np.empty((height, width, 3), np.uint8), len(pixels) / height
    margin = math.ceil(MARGIN * max(1, times))
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        first, last = max(0, math.floor(top * times) - margin), math.ceil(bottom * times) + margin
        box = (0, top * times - first, pixels.shape[1], bottom * times - first)
        resized[top:bottom] = resize(pixels[first:last], bottom - top, width, box)
    return resized


def _rounded(value):
    if isinstance(value, float):
        return round(value, 3)
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
