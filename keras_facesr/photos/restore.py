"""A whole photograph, enlarged: its background by one network, each of its faces by the one that fits it."""

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from keras_facesr import presets
from keras_facesr.data.degrade import resize
from keras_facesr.data.framing import FRAMINGS
from keras_facesr.data.images import Picture, read_picture
from keras_facesr.data.similarity import Similarity, to_pixels, warp
from keras_facesr.errors import CallError
from keras_facesr.inference import runtimes
from keras_facesr.inference.pictures import enlarge_rgb, like, sample_picture, upscale
from keras_facesr.photos.align import frame
from keras_facesr.photos.choose import check_background, check_model, choose
from keras_facesr.photos.detect import find_faces
from keras_facesr.photos.paste import paste, place_of

BACKGROUND = "edsr_small_x4"
ANY_SIZE = "celebamask"  # the framing of what a network of any size is given: the head with its hair
SCALES = (2, 4)
WORKING = 4  # the scale at which faces are pasted; a photograph for 2 is reduced at last
SHIFT = 0.375  # pixels of the frames whose answers are averaged where a face is resampled
BAND, MARGIN = 256, 4  # rows of what is resized at once, and round it
FINDING, FACES = 0.1, 0.2  # shares of the progress, the background has the rest


@dataclass
class FoundFace:
    """What became of one face. Points and sizes are in pixels of the photograph given.

    Attributes:
        box: left, top, right, bottom.
        landmarks: (x, y) of the eyes, the tip of the nose, the corners of the mouth.
        width: from ear to ear.
        angle: degrees clockwise.
        score: of the face mesh, in [0, 1].
        preset: the network's; None where the face is left to the background's.
        left_for: why it is: "tiny", "profile" or "large".
        difference: mean difference in levels of the pasted face, reduced again, from the photograph.
        crops: the network's answers in its frame, uint8 (side, side, 3); with samples so many if it draws them.
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
        """All but the crops, rounded."""
        entry = {name: _rounded(value) for name, value in vars(self).items() if name != "crops"}
        return {name: value for name, value in entry.items() if value is not None}


@dataclass
class Restored:
    """An enlarged photograph.

    Attributes:
        images: pixels to write, one array or with ``samples`` so many: uint8 (scale * H, scale * W, 3); of a gray photograph
            (H, W), of one with alpha (H, W, 4).
        faces: list of ``FoundFace``, upper ones first.
        doubtful: places that looked like a face to the detector and not to its judge.
    """

    images: list
    faces: list
    doubtful: int

    @property
    def pixels(self):
        """The one answer, or the first."""
        return self.images[0]


def load_fastest(name, samples=0):
    """A released preset in the fastest runtime at hand; in Keras where samples are to be drawn."""
    preset = presets.find(name)
    runtime = "keras" if samples and preset.is_stochastic else runtimes.fastest(preset)
    return presets.load(name) if runtime == "keras" else runtimes.load(preset, runtime)


def restore_photo(
    source, scale=4, model=None, background=BACKGROUND, faces_only=False, samples=0, seed=0, load=load_fastest, show=None
):
    """Enlarge a photograph and the faces in it.

    Args:
        source: path, PIL image, uint8 array (H, W), (H, W, 3) or (H, W, 4), or ``Picture``.
        scale: 2 or 4.
        model: preset for all faces; None: by their width (``choose.BY_WIDTH``).
        background: preset for the rest, of any size and 4 times.
        faces_only: enlarge the rest by bicubic interpolation.
        samples: plausible answers, each another for the faces of a stochastic model; 0: the most probable one.
        seed: of the samples.
        load: makes a model of a preset's name and ``samples``.
        show: called with the part done, 0 to 1.

    Returns:
        Restored.

    Raises:
        ImageError: what cannot be read as a picture, or is too large.
        CallError: another scale, or a preset that cannot be used so.
        ExportError: the networks that find faces are not installed (extra ``photos``).
    """
    check(scale, model, background)
    picture = source if isinstance(source, Picture) else read_picture(source)
    photo, show = picture.rgb, show or (lambda part: None)
    found, doubtful = find_faces(photo, lambda done, total: show(FINDING * done / total))
    faces = [_told(face, model) for face in found]
    order = sorted((k for k, face in enumerate(faces) if face.preset), key=lambda k: faces[k].width)  # the nearest last
    models = {name: load(name, samples) for name in {faces[k].preset for k in order}}
    network = load(background, 0) if order or not faces_only else None
    if faces_only:
        canvas = _resized(photo, *(side * WORKING for side in photo.shape[:2]))
    else:
        part = 1 - FINDING - FACES
        canvas = enlarge_rgb(network, picture, on_tile=lambda done, total: show(FINDING + part * done / total))
    answers = {}
    for done, k in enumerate(order, 1):
        piece = _Piece(photo, network if faces_only else canvas, found[k], presets.find(faces[k].preset))
        faces[k].crops = piece.answers(models[faces[k].preset], samples, seed)
        answers[k] = piece.to_photo.after(Similarity(piece.side / len(faces[k].crops[0]), 0))
        show(1 - FACES + FACES * done / len(order))
    images = []
    for number in range(max(1, samples)):
        image = canvas.copy() if number + 1 < samples else canvas
        for k in order:
            crops = faces[k].crops
            faces[k].difference = paste(image, photo, crops[number % len(crops)], answers[k])
        images.append(
            like(picture, image if scale == WORKING else _resized(image, *(side * scale for side in photo.shape[:2])), scale)
        )
    show(1)
    return Restored(images, faces, doubtful)


def find(picture, model=None, show=lambda part: None):
    """What would become of each face of a ``Picture``: list of ``FoundFace``, and the number of doubtful places."""
    found, doubtful = find_faces(picture.rgb, lambda done, total: show(done / total))
    return [_told(face, model) for face in found], doubtful


def check(scale, model, background):
    """CallError where photographs cannot be restored so."""
    if scale not in SCALES:
        raise CallError(f"photographs are enlarged {' or '.join(map(str, SCALES))} times, not {scale}")
    check_background(background)
    if model:
        check_model(model)


class _Piece:
    """The part of the photograph round one face, and the same enlarged by the background's network."""

    def __init__(self, photo, background, face, preset):
        """``background`` is the enlarged photograph, or the network where that is not enlarged by it."""
        own_side = preset.own_size[0] if preset.own_size else None
        self.side, self.to_photo, self.coincides = frame(
            face.points, FRAMINGS[preset.framing if own_side else ANY_SIZE], own_side
        )
        top, bottom, left, right = place_of(self.to_photo, self.side, *photo.shape[:2])
        self.photo = photo[top:bottom, left:right]
        self.to_piece = Similarity(1, -(left + 1j * top)).after(self.to_photo)
        self.background = background
        if isinstance(background, np.ndarray):
            self.background = background[top * WORKING : bottom * WORKING, left * WORKING : right * WORKING]

    def answers(self, model, samples, seed):
        """The network's answers in its frame: uint8 (size, size, 3) each; one if it has no other."""
        if self.coincides:
            lr = to_pixels(warp(self.photo, self.to_piece, self.side, self.side))
        else:
            pasted = self._enlarged()
            answer = upscale(model, self._seen(pasted))
            paste(pasted, self.photo, answer, self.to_piece.after(Similarity(self.side / len(answer), 0)))
            lr = self._seen(pasted)
        if samples and model.is_stochastic:
            return sample_picture(model, read_picture(lr), samples, seed)
        return [upscale(model, lr) if self.coincides else self._shifted_mean(model, pasted)]

    def _enlarged(self):
        """The piece by the background's network: uint8, ``WORKING`` times as high and wide, to be changed."""
        if isinstance(self.background, np.ndarray):
            return self.background.copy()
        return upscale(self.background, self.photo)

    def _seen(self, fine, shift=0):
        """The frame, taken from the enlarged piece: sharper than from the photograph itself, as less is lost between pixels."""
        to_fine = Similarity(WORKING, 0).after(self.to_piece).after(Similarity(1, shift))
        return to_pixels(warp(fine, to_fine, self.side, self.side))

    def _shifted_mean(self, model, fine):
        """The mean of the answers to four frames, shifted by a part of a pixel: what is lost between pixels differs in each."""
        pixels = round(SHIFT * model.scale)  # whole ones of the answer
        total = 0
        for down, right in itertools.product((-pixels, pixels), repeat=2):
            answer = upscale(model, self._seen(fine, (right + 1j * down) / model.scale))
            around = np.pad(answer.astype(np.float32), ((pixels, pixels), (pixels, pixels), (0, 0)), "edge")
            size = len(answer)
            total = total + around[pixels - down :, pixels - right :][:size, :size]
        return to_pixels(total / 4)


def _told(face, model):
    preset, left_for = choose(face, model)
    preset = preset and presets.full_name(preset)
    landmarks = [(point.real, point.imag) for point in face.points]
    return FoundFace(face.box, landmarks, face.width, face.angle, face.score, preset, left_for)


def _resized(pixels, height, width):
    """``data.degrade.resize`` of uint8 (H, W, 3), a band at a time, as Pillow takes four bytes for three and as many again."""
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
