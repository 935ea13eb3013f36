"""What the page does with a photograph: restore it, show its faces, put other answers in. Nothing of Gradio here."""

import functools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from keras_facesr.data.degrade import resize
from keras_facesr.data.images import read_picture, write_png
from keras_facesr.demo.jobs import PAGE_PIXELS, look, new_folder, view
from keras_facesr.errors import ExportError, ImageError
from keras_facesr.inference.answers import answer_name
from keras_facesr.photos import networks
from keras_facesr.photos.choose import CLEAN
from keras_facesr.photos.restore import WORKING, Parts, enlarge_parts, load_fastest, summary

AROUND = 0.25  # sides of a face's box that are shown on each side of it
LEAST_FACE, LARGEST_FACE = 256, 768  # pixels of height of what is shown of a face
GAP = 4  # pixels between before and after
WHY = {"tiny": "tiny", "large": "large enough", "profile": "a profile"}  # a face is left to the background
BUILT_IN_TIMES = 6  # that the built-in photograph is reduced, its face to the width that SAM is for

load = functools.cache(load_fastest)


@dataclass(frozen=True, eq=False)
class Photograph:
    """An enlarged photograph whose faces can be changed.

    Attributes:
        parts: what it is put together from.
        scale: 2 or 4.
        chosen: the number of the answer that each face has, from 0.
    """

    parts: Parts
    scale: int
    chosen: list

    @property
    def choices(self):
        """The answers of the faces that have several, uint8 (side, side, 3) each, by the faces' numbers from 0."""
        return {k: face.crops for k, face in enumerate(self.parts.faces) if len(face.crops) > 1}

    def with_answer(self, face, answer):
        """The photograph with this answer for this face, both from 0."""
        return replace(self, chosen=[*self.chosen[:face], answer, *self.chosen[face + 1 :]])


@dataclass(frozen=True)
class Views:
    """What the page shows of a ``Photograph``.

    Attributes:
        bicubic, restored: PIL, of equal size, at most ``jobs.VIEW_SIDE``.
        faces: (PIL, caption) of each face, the photograph's on the left and the restored one on the right.
        written: path of the whole answer (``answers.answer_name``).
        said: a line on what was found.
    """

    bicubic: Image.Image
    restored: Image.Image
    faces: list
    written: Path
    said: str


def lacking():
    """Why no face can be found here, a line that says what to install; None where they can."""
    try:
        networks.started()
    except ExportError as error:
        return str(error)


def built_in(folder):
    """The photograph of the built-in face, so small that its face has several answers, as a file."""
    from skimage.data import astronaut

    small = (side // BUILT_IN_TIMES for side in astronaut().shape[:2])
    return write_png(new_folder(folder) / "astronaut.png", resize(astronaut(), *small))


def restore(path, scale, faces_only, samples, seed, clean=False, show=lambda part: None):
    """Enlarge a photograph and its faces: ``Photograph``, each face with its first answer.

    Args:
        path: of the photograph.
        scale, faces_only, samples, seed: as ``photos.restore_photo`` has them.
        clean: whether the photograph was only reduced.
        show: called with the part done, 0 to 1.
    """
    photo = look(path, "a photograph")
    height, width = photo.rgb.shape[:2]
    if height * width * WORKING**2 > PAGE_PIXELS:
        raise ImageError(
            f"{photo.name}: {width}x{height} pixels are many for a page; make it smaller, at most "
            f"{PAGE_PIXELS / WORKING**2 / 1e6:.1f} million pixels, or take the command facesr photo"
        )

    def load_once(name, samples):
        return load(name, min(samples, 1))  # how many are drawn makes no other model

    how = {"faces_only": faces_only, "samples": samples, "seed": seed}
    parts = enlarge_parts(photo, CLEAN if clean else None, load=load_once, show=show, **how)
    return Photograph(parts, scale, [0] * len(parts.faces))


def put_together(photograph, folder):
    """Join the chosen faces with the rest and write the answer, in a new folder of its own: ``Views``. No network runs."""
    parts, scale = photograph.parts, photograph.scale
    pixels = parts.joined(scale, photograph.chosen)
    written = write_png(new_folder(folder) / answer_name(parts.picture.name, "photo"), pixels, source=parts.picture)
    restored = read_picture(pixels).rgb
    faces = [
        (_before_and_after(face.box, parts.picture.rgb, restored), f"{number}: {_fate(face)}")
        for number, face in enumerate(parts.faces, 1)
    ]
    said = summary(parts.faces, parts.doubtful)
    bicubic = resize(parts.picture.rgb, *restored.shape[:2])
    return Views(view(bicubic), view(restored), faces, written, said[0].upper() + said[1:] + ".")


def _fate(face):
    """Such as ``14 px wide, by sam_small_x8``."""
    by = f"by {face.preset}" if face.preset else f"left to the background, as it is {WHY[face.left_for]}"
    return f"{face.width:.0f} px wide, {by}"


def _before_and_after(box, photo, restored):
    """A face and its surroundings in the photograph and in the restored one, side by side (PIL)."""
    left, top, right, bottom = box
    margin = AROUND * (right - left)
    (height, width), scale = photo.shape[:2], len(restored) // len(photo)
    left, right = _within(left - margin, right + margin, width)
    top, bottom = _within(top - margin, bottom + margin, height)
    shown = min(max(scale * (bottom - top), LEAST_FACE), LARGEST_FACE)
    size = round(shown * (right - left) / (bottom - top)), shown
    sheet = Image.new("RGB", (2 * size[0] + GAP, size[1]), "white")
    for place, (pixels, times) in enumerate(((photo, 1), (restored, scale))):
        seen = pixels[top * times : bottom * times, left * times : right * times]
        sheet.paste(Image.fromarray(seen).resize(size, Image.Resampling.BICUBIC), (place * (size[0] + GAP), 0))
    return sheet


def _within(start, end, size):
    """Whole pixels from ``start`` to ``end`` that lie in a side of ``size``, one at least."""
    start = int(np.clip(start, 0, size - 1))
    return start, int(np.clip(np.ceil(end), start + 1, size))
