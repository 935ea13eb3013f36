"""The only place that opens or writes image files.

What is read is judged by its content, never by its file name, and is either understood rightly or refused by
an `ImageError` of one line. Embedded colour profiles are not applied.
"""

import os
import warnings
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from keras_facesr import __version__
from keras_facesr.errors import ImageError
from keras_facesr.files import is_there, reason, written_whole

# Raster formats that describe themselves; EPS and the like would start other programs, TGA has no signature.
# Pillow opens MPO, a JPEG file with previews behind it, under JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF")
SUFFIXES = frozenset(".jpg .jpeg .jpe .jfif .png .webp .bmp .dib .gif .tif .tiff .ppm .pgm .pbm .pnm .jp2 .avif".split())
SOFTWARE = "keras_facesr"  # what PNG files of ours name as their maker
MAX_PIXELS = 80_000_000  # 240 MB decoded to RGB; a file that claims more is taken for a decompression bomb


@dataclass(frozen=True, eq=False)
class Picture:
    """One decoded still picture, upright.

    Attributes:
        rgb: uint8 (H, W, 3).
        alpha: uint8 (H, W), 255 = opaque; None where the source has no transparency.
        is_gray: the source has no colour; the three channels of `rgb` are equal then.
        name: the path as it was given, or a word for a source that is no file.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    is_gray: bool
    name: str


def to_unit(pixels):
    """8-bit pixels of any shape as the networks see them: float32 in [0, 1]."""
    return np.true_divide(pixels, 255, dtype=np.float32)


def to_uint8(images):
    """Images of any shape in [0, 1] as the 8-bit pixels that are written and measured: clipped and rounded."""
    return np.rint(np.clip(np.asarray(images), 0.0, 1.0) * 255.0).astype(np.uint8)


def read_picture(source):
    """Decode one picture.

    EXIF rotation is applied; palette, CMYK, gray and bilevel pixels become RGB; 16-bit pixels are scaled to
    8 bits where the file's mode declares 16; transparency is kept apart as `alpha`.

    Args:
        source: path, `PIL.Image.Image`, or uint8 array (H, W), (H, W, 3) or (H, W, 4).

    Returns:
        Picture.

    Raises:
        ImageError: no such file; empty, truncated or not an image; animated or of several pages; more than
            `MAX_PIXELS` pixels; pixels without a declared range (float, 32-bit).
    """
    if isinstance(source, Image.Image):
        return _from_pil(source, str(getattr(source, "filename", "") or "PIL image"))
    if isinstance(source, (str, os.PathLike)):
        return _from_file(Path(source), str(source))
    if hasattr(source, "__array__"):
        return _from_array(np.asarray(source))
    kind = type(source).__name__
    raise ImageError(f"{kind}: is not a picture; give a path, a PIL image or a uint8 array")


def write_png(path, pixels, overwrite=False):
    """Write uint8 (H, W), (H, W, 3) or (H, W, 4) pixels as a PNG file, whole or not at all, with its folder.

    The file says that it is ours, in PNG's text `Software`: see `is_answer`.

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
            raise ImageError(f"{path}: exists already; allow overwriting or choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as temporary:
            Image.fromarray(pixels).save(temporary, format="PNG", pnginfo=ours)
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({reason(error)})") from error
    return path


def is_answer(path):
    """Whether a file was written by `write_png`, whatever its name is now."""
    try:
        with _pillow_quiet(), Image.open(path, formats=("PNG",)) as image:
            return str(image.info.get("Software", "")).startswith(SOFTWARE)
    except Exception:  # what cannot be read is a matter of `read_picture`
        return False


def find_images(inputs):
    """List the files that `inputs` (one path or several) mean, each once.

    A file is taken as named, whether or not it exists (reading it will say so); a folder stands for all image
    files below it, by suffix, sorted by path, hidden ones left out. A link in it to a folder is followed, unless that folder is
    below it anyway.

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


def _from_file(path, name):
    try:
        if path.is_dir():
            raise ImageError(f"{name}: is a folder, not an image file")
        if not path.exists():
            raise ImageError(f"{name}: no such file")
        if not path.is_file():
            raise ImageError(f"{name}: is not a regular file")
        if path.stat().st_size == 0:
            raise ImageError(f"{name}: the file is empty")
        with _pillow_quiet(), Image.open(path, formats=FORMATS) as image:
            return _from_pil(image, name)
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{name}: not an image that can be read here ({', '.join(FORMATS)})") from error
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except Exception as error:  # a damaged header can raise almost anything
        raise ImageError(f"{name}: cannot be read ({reason(error)})") from error


def _from_pil(image, name):
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(name)
    if width * height == 0:
        raise ImageError(f"{name}: has no pixels ({width}x{height})")
    try:
        with _pillow_quiet():
            # The first picture of an MPO file is the photo, the others are its previews.
            if getattr(image, "is_animated", False) and image.format != "MPO":
                raise ImageError(f"{name}: animated or of several pages; save the one picture you mean")
            image.load()
            declared = _declared_bits(image)
            return Picture(*_channels(_upright(image), declared, name), name)
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


def _upright(image):
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # EXIF data that cannot be read states no rotation
        return image


def _declared_bits(image):
    """Bits a pixel has in the one-channel integer modes, by file format; None where nothing states it."""
    if image.mode.startswith("I;16"):
        # Pillow keeps 12-bit TIFF samples unscaled in a 16-bit mode.
        return image.tag_v2.get(258, (16,))[0] if image.format == "TIFF" else 16
    return 16 if image.mode == "I" and image.format in ("PNG", "PPM") else None


def _channels(image, declared_bits, name):
    """(rgb, alpha, is_gray) of an upright image of any mode."""
    mode = image.mode
    if declared_bits:
        samples = np.asarray(image).astype(np.uint32)
        largest = 2**declared_bits - 1
        gray = ((samples * 255 + largest // 2) // largest).astype(np.uint8)
        clear = image.info.get("transparency")
        alpha = None if clear is None else np.where(samples == clear, 0, 255).astype(np.uint8)
        return _gray_to_rgb(gray), alpha, True
    if mode in ("I", "F") or mode.startswith("I;"):
        raise ImageError(f"{name}: {mode} pixels have no declared range; save it with 8 or 16 bits a channel")
    if mode in ("1", "L", "LA", "La"):
        if not image.has_transparency_data:
            return _gray_to_rgb(np.asarray(image.convert("L"))), None, True
        gray, alpha = np.moveaxis(np.asarray(image.convert("LA")), -1, 0)
        return _gray_to_rgb(gray), alpha.copy(), True
    pixels = np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    rgb = pixels[..., :3].copy()
    alpha = pixels[..., 3].copy() if pixels.shape[-1] == 4 else None
    # A palette is a way of packing: it says nothing of colour, its entries do.
    is_gray = mode in ("P", "PA") and bool((rgb == rgb[..., :1]).all())
    return rgb, alpha, is_gray


def _gray_to_rgb(gray):
    return np.repeat(gray[..., None], 3, axis=-1)


@contextmanager
def _pillow_quiet():
    """Pillow also warns on stderr of what is refused here in one line."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


def _too_large(name):
    return ImageError(f"{name}: more than {MAX_PIXELS // 1_000_000} million pixels; cut or shrink it first")
