"""The only module that opens or writes image files.

The content of a file decides how it is read, never its name. It is either read correctly or refused with an `ImageError` of
one line. Colours are sRGB from here on, whatever the file's profile (docs/pictures.md).
"""

import os
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from keras_facesr.data import metadata, png
from keras_facesr.data.colour import into_srgb, profile_of
from keras_facesr.data.files import fetched, is_remote, is_there, make_folder_of, written_whole
from keras_facesr.data.formats import SUFFIXES, open_picture
from keras_facesr.errors import ImageError, reason
from keras_facesr.version import __version__

SOFTWARE = "keras_facesr"  # the software that our PNG files name
MAX_PIXELS = 80_000_000  # 240 MB decoded to RGB; a larger file is refused as a decompression bomb
_PHOTOMETRIC = 262  # TIFF tag


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded still picture, upright.

    Attributes:
        rgb: uint8 (H, W, 3), sRGB.
        alpha: uint8 (H, W), 255 = opaque; None if the source has no transparency.
        is_gray: the source has no colour; the three channels of `rgb` are then equal.
        name: the path as it was given, or a word for a source that is no file.
        exif: the EXIF data that also hold for an enlargement of it (`metadata.carried_exif`), or None.
        dpi: dots per inch (across, down), or None if the source states none.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    is_gray: bool
    name: str
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None


def to_unit(pixels):
    """Convert 8-bit pixels of any shape to float32 in [0, 1], as networks take them."""
    return np.true_divide(pixels, 255, dtype=np.float32)


def to_uint8(images):
    """Convert images of any shape in [0, 1] to 8-bit pixels, as they are written and measured: clipped and rounded."""
    return np.rint(np.clip(np.asarray(images), 0.0, 1.0) * 255.0).astype(np.uint8)


def to_pixels(values):
    """Values in [0, 255], or a little outside, rounded and clipped to uint8."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def read_picture(source, levels=False):
    """Decode one picture.

    EXIF rotation is applied. Palette, CMYK, Lab, gray and bilevel pixels become RGB, converted to sRGB by the file's colour
    profile. 16-bit pixels are scaled to 8 bits if the file's mode declares 16. Transparency is kept separately as `alpha`.

    Args:
        source: path, of a store too (`data.files`), `PIL.Image.Image`, uint8 array (H, W), (H, W, 3) or (H, W, 4), or a
            `Picture`, which is returned as it is.
        levels: whether pixels are numbers, as in a mask, not colours; then no profile is applied.

    Returns:
        Picture.

    Raises:
        ImageError: there is no such file; it is empty, truncated, not an image or in a format that is not read; it is
            animated or has several pages; it has more than `MAX_PIXELS` pixels, or pixels without a declared range (float,
            32-bit).
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, Image.Image):
        return _from_pil(source, str(getattr(source, "filename", "") or "PIL image"), levels)
    if isinstance(source, (str, os.PathLike)):
        return _from_file(Path(source), str(source), levels)
    if hasattr(source, "__array__"):
        return _from_array(np.asarray(source))
    if hasattr(source, "read_bytes"):
        return _from_store(source, levels)
    kind = type(source).__name__
    raise ImageError(f"{kind}: is not a picture; give a path, a PIL image or a uint8 array")


def write_png(path, pixels, overwrite=False, source=None):
    """Write uint8 (H, W), (H, W, 3) or (H, W, 4) pixels as a PNG file, whole or not at all; its folder is made if needed.

    The PNG text `Software` names this package: see `is_answer`.

    Args:
        path: path of the file, in a store too (`data.files`).
        pixels: sRGB.
        overwrite: whether an existing file is replaced.
        source: the `Picture` that was enlarged. Its EXIF data are written too, and its resolution times the enlargement.

    Returns:
        Path of the file.

    Raises:
        ImageError: `path` is no path, or does not end in .png; the pixels are not uint8, or of another shape; `source` is no
            `Picture`; the file exists and `overwrite` is False; or it cannot be written.
    """
    path = path if is_remote(path) else Path(path)
    if not hasattr(path, "suffix"):
        raise ImageError(f"{reprlib.repr(path)} is no path: give that of a file whose name ends in .png, then the pixels")
    if path.suffix.lower() != ".png":
        raise ImageError(f"{path}: only PNG files are written; give a name that ends in .png")
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8:
        raise ImageError(f"{path}: pixels must be uint8, not {pixels.dtype}; data.images.to_uint8 makes them of [0, 1]")
    if not _of_one_picture(pixels):
        raise ImageError(f"{path}: pixels must be (H, W), (H, W, 3) or (H, W, 4), not {pixels.shape}: one picture a file")
    if not isinstance(source, (Picture, type(None))):
        raise ImageError(f"{path}: the source must be a Picture, as read_picture gives, not a {type(source).__name__}")
    try:
        if is_there(path) and not overwrite:
            raise ImageError(f"{path}: exists already; overwrite=True replaces it, or choose another name")
        make_folder_of(path)
        with written_whole(path) as temporary:
            carried = _carried(source, pixels) if source else {}
            png.save(temporary, pixels, [("Software", f"{SOFTWARE} {__version__}")], **carried)
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({reason(error)})") from error
    return path


def _carried(source, pixels):
    """The source's EXIF data and resolution, as ``png.save`` takes them, for the enlarged pixels."""
    times = pixels.shape[0] / source.rgb.shape[0]
    dpi = source.dpi and tuple(dots * times for dots in source.dpi)
    return {"exif": source.exif, "dpi": dpi}


def is_answer(path):
    """Whether a file was written by `write_png`, whatever its name is now."""
    try:
        with path.open("rb") as file, PngImageFile(file) as image:  # ``Image.open`` opens none of 179 million pixels or more
            return str(image.info.get("Software", "")).startswith(SOFTWARE)
    except Exception:  # `read_picture` reports files that cannot be read
        return False


def find_images(inputs):
    """List the files that `inputs` (one path or several) stand for, each once.

    A file is listed as named, whether or not it exists (reading it reports that). A folder stands for all image files below
    it, by suffix, sorted by path, without hidden ones. Files in formats that cannot be read are listed too, so that reading
    names them instead of leaving them out silently, and so are folders that cannot be opened. Links to folders are followed,
    each folder once.

    Returns:
        list of Path; empty if the folders hold no image.
    """
    if isinstance(inputs, (str, os.PathLike)) or not isinstance(inputs, Iterable):
        inputs = [inputs]
    files = []
    for path in map(Path, inputs):
        files += sorted(_images_below(path)) if path.is_dir() else [path]
    return list(dict.fromkeys(files))


def _images_below(folder):
    # Links are followed after all real folders, so that a folder is entered once, and by its own path if it is below `folder`.
    entered, waiting, closed = set(), [folder], []
    while waiting:
        for parent, folders, names in os.walk(waiting.pop(0), onerror=lambda error: closed.append(Path(error.filename))):
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
    yield from closed


def _from_store(path, levels):
    try:
        with fetched(path) as copy:
            return _from_file(copy, str(path), levels)
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file") from error
    except Exception as error:  # of the store's own package
        raise ImageError(f"{path}: cannot be read ({reason(error)})") from error


def _from_file(path, name, levels):
    try:
        if path.is_dir():
            os.scandir(path).close()  # one that cannot be opened is told so
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
        # In an MPO file the first picture is the photo and the others are previews; in HEIC the first is the primary one.
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
    if pixels.dtype != np.uint8 or not _of_one_picture(pixels):
        raise ImageError(f"{name}: expected uint8 (H, W), (H, W, 3) or (H, W, 4) pixels, got {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 2:
        return Picture(_gray_to_rgb(pixels), None, True, name)
    alpha = pixels[..., 3].copy() if pixels.shape[-1] == 4 else None
    return Picture(pixels[..., :3].copy(), alpha, False, name)


def _of_one_picture(pixels):
    return pixels.size > 0 and (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] in (3, 4)))


def _declared_bits(image):
    """Bits of a pixel in the one-channel integer modes, by file format; None if nothing states them."""
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
    # Whether a palette image is gray depends on the colours in use, not on its mode.
    is_gray = image.mode in ("L", "LA") or mode in ("P", "PA") and bool((rgb == rgb[..., :1]).all())
    return rgb, alpha, is_gray


def _eight_bits(image, bits):
    """Scale gray samples of so many bits to 8 bits: mode L, or LA if one gray value is declared transparent."""
    samples = np.asarray(image).astype(np.uint32)
    largest = 2**bits - 1
    levels = ((samples * 255 + largest // 2) // largest).astype(np.uint8)
    white_is_zero = image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == 0  # Pillow heeds this up to 8 bits alone
    gray = Image.fromarray(255 - levels if white_is_zero else levels)
    clear = image.info.get("transparency")
    if clear is not None:
        gray.putalpha(Image.fromarray(np.where(samples == clear, 0, 255).astype(np.uint8)))
    return gray


def _gray_to_rgb(gray):
    return np.repeat(gray[..., None], 3, axis=-1)


def _too_large(name):
    return ImageError(f"{name}: more than {MAX_PIXELS // 1_000_000} million pixels; cut or shrink it first")
