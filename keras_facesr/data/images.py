"""The only place that opens or writes image files.

What is read is judged by its content, never by its file name, and is either understood rightly or refused by
an `ImageError` of one line. Colours are sRGB from here on, whatever the file's profile (docs/pictures.md).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from keras_facesr.data import metadata
from keras_facesr.data.colour import into_srgb, profile_of
from keras_facesr.data.files import is_there, written_whole
from keras_facesr.data.formats import SUFFIXES, open_picture
from keras_facesr.errors import ImageError, reason
from keras_facesr.version import __version__

SOFTWARE = "keras_facesr"  # what PNG files of ours name as their maker
MAX_PIXELS = 80_000_000  # 240 MB decoded to RGB; a file that claims more is taken for a decompression bomb


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded still picture, upright.

    Attributes:
        rgb: uint8 (H, W, 3), sRGB.
        alpha: uint8 (H, W), 255 = opaque; None where the source has no transparency.
        is_gray: the source has no colour; the three channels of `rgb` are equal then.
        name: the path as it was given, or a word for a source that is no file.
        exif: EXIF data that hold for what is made of it, too (`metadata.carried_exif`), or None.
        dpi: dots per inch (across, down), or None where the source states none.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    is_gray: bool
    name: str
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None


def to_unit(pixels):
    """8-bit pixels of any shape as the networks see them: float32 in [0, 1]."""
    return np.true_divide(pixels, 255, dtype=np.float32)


def to_uint8(images):
    """Images of any shape in [0, 1] as the 8-bit pixels that are written and measured: clipped and rounded."""
    return np.rint(np.clip(np.asarray(images), 0.0, 1.0) * 255.0).astype(np.uint8)


def read_picture(source, levels=False):
    """Decode one picture.

    EXIF rotation is applied; palette, CMYK, Lab, gray and bilevel pixels become RGB, in sRGB by the file's colour
    profile; 16-bit pixels are scaled to 8 bits where the file's mode declares 16; transparency is kept apart as
    `alpha`.

    Args:
        source: path, `PIL.Image.Image`, or uint8 array (H, W), (H, W, 3) or (H, W, 4).
        levels: whether pixels are numbers, as in a mask, and no colours: a profile is not applied then.

    Returns:
        Picture.

    Raises:
        ImageError: no such file; empty, truncated, not an image or of a format that is not read; animated or of
            several pages; more than `MAX_PIXELS` pixels; pixels without a declared range (float, 32-bit).
    """
    if isinstance(source, Image.Image):
        return _from_pil(source, str(getattr(source, "filename", "") or "PIL image"), levels)
    if isinstance(source, (str, os.PathLike)):
        return _from_file(Path(source), str(source), levels)
    if hasattr(source, "__array__"):
        return _from_array(np.asarray(source))
    kind = type(source).__name__
    raise ImageError(f"{kind}: is not a picture; give a path, a PIL image or a uint8 array")


def write_png(path, pixels, overwrite=False, source=None):
    """Write uint8 (H, W), (H, W, 3) or (H, W, 4) pixels as a PNG file, whole or not at all, with its folder.

    The file says that it is ours, in PNG's text `Software`: see `is_answer`.

    Args:
        path: of the file.
        pixels: sRGB.
        overwrite: whether it may be there already.
        source: the `Picture` that they were made of, whose EXIF data go along, and its resolution, times the enlargement.

    Returns:
        Path of the file.

    Raises:
        ImageError: the name does not end in .png; the file exists and `overwrite` is False; it cannot be
            written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ImageError(f"{path}: only PNG files are written; give a name that ends in .png")
    ours = PngInfo()
    ours.add_text("Software", f"{SOFTWARE} {__version__}")
    try:
        if is_there(path) and not overwrite:
            raise ImageError(f"{path}: exists already; overwrite=True replaces it, or choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as temporary:
            Image.fromarray(pixels).save(temporary, format="PNG", pnginfo=ours, **(_carried(source, pixels) if source else {}))
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({reason(error)})") from error
    return path


def _carried(source, pixels):
    """What Pillow is to write of the source beside the pixels made of it."""
    times = pixels.shape[0] / source.rgb.shape[0]
    dpi = source.dpi and tuple(dots * times for dots in source.dpi)
    return {name: value for name, value in (("exif", source.exif), ("dpi", dpi)) if value}


def is_answer(path):
    """Whether a file was written by `write_png`, whatever its name is now."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return str(image.info.get("Software", "")).startswith(SOFTWARE)
    except Exception:  # what cannot be read is a matter of `read_picture`
        return False


def find_images(inputs):
    """List the files that `inputs` (one path or several) mean, each once.

    A file is taken as named, whether or not it exists (reading it will say so); a folder stands for all image
    files below it, by suffix, sorted by path, hidden ones left out. Those of formats that cannot be read are among
    them: reading says so, where leaving them out would say nothing. A link in it to a folder is followed, unless that
    folder is below it anyway.

    Returns:
        list of Path; empty where the folders hold no image.
    """
    if isinstance(inputs, (str, os.PathLike)) or not isinstance(inputs, Iterable):
        inputs = [inputs]
    files = []
    for path in map(Path, inputs):
        files += sorted(_images_below(path)) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def _images_below(folder):
    # Links wait until all folders proper are done, so that no folder is entered twice, nor by a link where it stands itself.
    entered, waiting = set(), [folder]
    while waiting:
        for parent, folders, names in os.walk(waiting.pop(0)):
            place = os.stat(parent)
            if (place.st_dev, place.st_ino) in entered:
                folders.clear()
                continue
            entered.add((place.st_dev, place.st_ino))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            waiting += [link for name in folders if (link := Path(parent, name)).is_symlink()]
            for name in names:
                if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                    yield Path(parent, name)


def _from_file(path, name, levels):
    try:
        if path.is_dir():
            raise ImageError(f"{name}: is a folder, not an image file")
        if not path.exists():
            raise ImageError(f"{name}: no such file")
        if not path.is_file():
            raise ImageError(f"{name}: is not a regular file")
        if path.stat().st_size == 0:
            raise ImageError(f"{name}: the file is empty")
        try:
            return _opened(path, name, levels)
        except Image.DecompressionBombError:
            raise
        except Exception:
            bare = metadata.pixels_alone(path)
            if not bare:
                raise
            return _opened(path, name, levels, *bare)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except Exception as error:  # a damaged header can raise almost anything
        raise ImageError(f"{name}: cannot be read ({reason(error)})") from error


def _opened(path, name, levels, content=None, info=()):
    with open_picture(path, name, content) as image:
        image.info.update(info)
        return _from_pil(image, name, levels)


def _from_pil(image, name, levels):
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(name)
    if width * height == 0:
        raise ImageError(f"{name}: has no pixels ({width}x{height})")
    try:
        # The first picture of an MPO file is the photo, the others are its previews; of HEIC it is the primary one.
        if getattr(image, "is_animated", False) and image.format not in ("MPO", "HEIF"):
            raise ImageError(f"{name}: animated or of several pages; save the one picture you mean")
        upright, dpi = metadata.upright(image)
        colours = _channels(upright, _declared_bits(image), None if levels else profile_of(image), name)
        return Picture(*colours, name, metadata.carried_exif(image), dpi)
    except ImageError:
        raise
    except Exception as error:  # damaged data can raise almost anything
        raise ImageError(f"{name}: truncated or damaged ({reason(error)})") from error


def _from_array(pixels, name="array"):
    shape_fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] in (3, 4))
    if pixels.dtype != np.uint8 or not shape_fits or pixels.size == 0:
        raise ImageError(f"{name}: expected uint8 (H, W), (H, W, 3) or (H, W, 4) pixels, got {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 2:
        return Picture(_gray_to_rgb(pixels), None, True, name)
    alpha = pixels[..., 3].copy() if pixels.shape[-1] == 4 else None
    return Picture(pixels[..., :3].copy(), alpha, False, name)


def _declared_bits(image):
    """Bits a pixel has in the one-channel integer modes, by file format; None where nothing states it."""
    if image.mode.startswith("I;16"):
        # Pillow keeps 12-bit TIFF samples unscaled in a 16-bit mode.
        return image.tag_v2.get(258, (16,))[0] if image.format == "TIFF" else 16
    return 16 if image.mode == "I" and image.format in ("PNG", "PPM") else None


def _channels(image, declared_bits, profile, name):
    """(rgb, alpha, is_gray) of an upright image of any mode."""
    mode = image.mode
    if declared_bits:
        image = _eight_bits(image, declared_bits)
    elif mode in ("I", "F") or mode.startswith("I;"):
        raise ImageError(f"{name}: {mode} pixels have no declared range; save it with 8 or 16 bits a channel")
    elif mode not in ("CMYK", "LAB"):
        colours = "L" if mode in ("1", "L", "LA", "La") else "RGB"
        image = image.convert(colours + "A" if image.has_transparency_data else colours)
    image = into_srgb(image, profile)
    alpha = np.array(image.getchannel("A")) if image.mode in ("LA", "RGBA") else None
    rgb = np.array(image.convert("RGB"))
    # A palette is a way of packing: it says nothing of colour, its entries do.
    is_gray = image.mode in ("L", "LA") or mode in ("P", "PA") and bool((rgb == rgb[..., :1]).all())
    return rgb, alpha, is_gray


def _eight_bits(image, bits):
    """Gray samples of so many bits as 8 bits, and what they say of transparency: mode L or LA."""
    samples = np.asarray(image).astype(np.uint32)
    largest = 2**bits - 1
    gray = Image.fromarray(((samples * 255 + largest // 2) // largest).astype(np.uint8))
    clear = image.info.get("transparency")
    if clear is not None:
        gray.putalpha(Image.fromarray(np.where(samples == clear, 0, 255).astype(np.uint8)))
    return gray


def _gray_to_rgb(gray):
    return np.repeat(gray[..., None], 3, axis=-1)


def _too_large(name):
    return ImageError(f"{name}: more than {MAX_PIXELS // 1_000_000} million pixels; cut or shrink it first")
