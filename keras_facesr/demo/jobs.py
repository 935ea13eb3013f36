"""The jobs of the page with a picture of a face: read it, enlarge it, draw samples. No Gradio here.

Every job takes the path of a picture and the name of a preset, and raises FacesrError with a one-line message.
"""

import functools
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from keras_facesr import presets
from keras_facesr.data.degrade import resize
from keras_facesr.data.images import read_picture, write_png
from keras_facesr.errors import ImageError
from keras_facesr.inference.answers import answer_name
from keras_facesr.inference.built_in import demo_face
from keras_facesr.inference.pictures import enlarge_picture, picture_deviation, sample_picture, traverse_picture
from keras_facesr.inference.sizes import size_remark

PAGE_PIXELS = 2**26  # of an answer, at most: minutes of work; a page is the wrong tool for more
VIEW_SIDE = 1280  # pixels; the page shows larger answers reduced to this side
WALK_STEPS = 9
DEVIATION_SAMPLES = 16
HEAT = ((12, 10, 32), (94, 28, 110), (206, 70, 72), (247, 160, 68), (252, 246, 190))  # from the lowest value to the highest

load = functools.cache(presets.load)


@dataclass(frozen=True)
class Answers:
    """A stochastic model's answers to one face.

    Attributes:
        samples: files of plausible answers, numbered (``answers.answer_name``).
        walk: files of ``WALK_STEPS`` answers on the way from one draw to another; the samples are others.
        heat: uint8 (H, W, 3), the standard deviation of ``DEVIATION_SAMPLES`` answers as colours of ``HEAT``.
        largest: the deviation that the last of these colours means, in units of [0, 1].
    """

    samples: list[Path]
    walk: list[Path]
    heat: np.ndarray
    largest: float


def enlargers():
    """The released presets that enlarge faces, by name."""
    found = map(presets.find, presets.list_models())
    return {preset.name: preset for preset in found if preset.enlarges_faces}


def look(path, wanted="a picture of a face"):
    """Read an uploaded file as a ``Picture``, named without its folder. ImageError if there is no file or it is no picture."""
    if path is None:
        raise ImageError(f"drop {wanted} first")
    path = Path(path)
    try:
        return replace(read_picture(path), name=path.name)
    except ImageError as error:
        raise ImageError(str(error).replace(str(path), path.name)) from error


def glance(path):
    """An uploaded picture as it was read, as ``view`` has it; None after it was taken away."""
    return None if path is None else view(look(path).rgb)


def built_in(name, folder):
    """Write the built-in face, in the size that the model expects, as a file below ``folder``; returns its path."""
    preset = presets.find(name)
    side = preset.demo_size // preset.scale
    small = resize(demo_face(preset.framing), side, side)
    return write_png(new_folder(folder) / "astronaut.png", small)


def enlarge(path, name, folder, show=lambda done, total: None, remark=lambda text: None):
    """Enlarge a picture.

    Args:
        path: the picture's path.
        name: the preset's name.
        folder: the answer is written in a new folder below this one.
        show: called with (tiles done, tiles in all) after each tile of a large picture.
        remark: called with a warning if the picture has another size than the model's own.

    Returns:
        the bicubic enlargement and the model's, reduced to at most ``VIEW_SIDE`` (PIL, of equal size), and the path of the
        full answer (``answers.answer_name``).

    Raises:
        ImageError: there is no picture, or its answer would have more than ``PAGE_PIXELS``.
    """
    picture, model = look(path), load(name)
    height, width = (side * model.scale for side in picture.rgb.shape[:2])
    if height * width > PAGE_PIXELS:
        raise ImageError(
            f"{picture.name}: {width // model.scale}x{height // model.scale} pixels are many for a page; cut the faces out, "
            f"at most {PAGE_PIXELS / model.scale**2 / 1e6:.1f} million pixels, or take the command facesr upscale"
        )
    if text := size_remark(model, *picture.rgb.shape[:2]):
        remark(text)
    pixels = enlarge_picture(model, picture, on_tile=show)
    written = write_png(new_folder(folder) / answer_name(path, name), pixels, source=picture)
    return view(resize(picture.rgb, height, width)), view(pixels), written


def draw(path, name, n, seed, folder, show=lambda done, total: None):
    """Draw the ``Answers`` of a stochastic model, with ``n`` samples; ``show`` is called after each of their three parts."""
    picture, model = look(path), load(name)
    folder = new_folder(folder)

    def written(label, images):
        names = (answer_name(path, label, k) for k in range(1, len(images) + 1))
        return [write_png(folder / name, pixels, source=picture) for name, pixels in zip(names, images)]

    samples = written(name, sample_picture(model, picture, n, seed))
    show(1, 3)
    walk = written(f"{name}_walk", traverse_picture(model, picture, WALK_STEPS, seed))
    show(2, 3)
    deviation = picture_deviation(model, picture, DEVIATION_SAMPLES, seed)
    show(3, 3)
    largest = float(deviation.max())
    return Answers(samples, walk, heat_of(deviation / largest if largest else deviation), largest)


def heat_of(values):
    """Colours for values (H, W) in [0, 1], interpolated between those of ``HEAT``: uint8 (H, W, 3)."""
    stops = np.linspace(0.0, 1.0, len(HEAT))
    return np.rint(np.dstack([np.interp(values, stops, channel) for channel in zip(*HEAT)])).astype(np.uint8)


def view(pixels):
    """What the page shows of an answer: PIL, RGB, at most ``VIEW_SIDE``."""
    view = Image.fromarray(pixels).convert("RGB")
    view.thumbnail((VIEW_SIDE, VIEW_SIDE), Image.Resampling.BICUBIC)
    return view


def new_folder(folder):
    """One of its own for an answer."""
    return Path(tempfile.mkdtemp(dir=folder))
