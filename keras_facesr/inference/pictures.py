"""Inference on pictures of any kind, one or a batch: the most probable answer or samples; gray and alpha are kept.

Networks take float32 in [0, 1]; the pictures here are uint8.
"""

import numpy as np
from PIL import Image

from keras_facesr.data.degrade import resize
from keras_facesr.data.images import Picture, read_picture, to_uint8, to_unit
from keras_facesr.errors import CallError, ImageError
from keras_facesr.inference.consistent import consistent
from keras_facesr.inference.ensemble import FlipEnsemble
from keras_facesr.inference.sizes import warn_of_size
from keras_facesr.inference.tiles import enlarge_in_passes, enlarge_in_tiles, tile_side

BAND = 256  # rows of a large picture that are converted at once
OUTPUT_PIXELS = 2**29  # of an enlarged picture, at most; 1.5 GiB as RGB


def upscale(model, source, tile=None, on_tile=None, ensemble=False):
    """Enlarge one picture or a batch.

    Args:
        model: a network with ``scale``, ``size_multiple``, ``least_size`` and ``own_size``; pictures of a size that it does
            not take are padded by repeating the edge.
        source: path, PIL image, uint8 array (H, W), (H, W, 3) or (H, W, 4), or ``Picture``; or a batch (N, H, W, 3).
        tile: side in input pixels of the overlapping tiles that a larger picture is cut into; their outputs are blended. By
            default the output of a tile has at most ``PASS_PIXELS``.
        on_tile: called with (tiles done, tiles in all) after each tile.
        ensemble: return the mean of the answers to the picture and to its mirror image (``FlipEnsemble``): closer to the
            truth, at twice the cost.

    Returns:
        uint8 (scale * H, scale * W, 3), or (N, scale * H, scale * W, 3) for a batch.

    Raises:
        CallError: the model is not a network that enlarges.
        ImageError: the source is not a picture or a batch, or its answer would have more than ``OUTPUT_PIXELS``.

    Warns:
        SizeWarning: the network was trained on pictures of one size only, and this is another.
    """
    check_enlarges(model)
    asked = FlipEnsemble(model) if ensemble else model
    if not (isinstance(source, np.ndarray) and source.ndim == 4):
        picture = read_picture(source)
        warn_of_size(model, *picture.rgb.shape[:2], picture.name)
        return enlarge_rgb(asked, picture, tile, on_tile)
    if source.dtype != np.uint8 or source.shape[-1] != 3 or 0 in source.shape:
        raise ImageError(f"a batch is a uint8 array (N, H, W, 3), not {source.dtype} {source.shape}")
    warn_of_size(model, *source.shape[1:3])
    if max(source.shape[1:3]) <= tile_side(model, tile):
        return enlarge_in_passes(asked, source)
    return np.stack([enlarge_rgb(asked, read_picture(image), tile, on_tile) for image in source])


def enlarge_picture(model, picture, tile=None, on_tile=None, ensemble=False, consistently=False):
    """Enlarge a ``Picture`` to uint8 pixels to write: (scale * H, scale * W, 3), or of its kind if it is gray or has alpha.

    Gray gives (scale * H, scale * W), alpha a fourth channel.
    With ``consistently`` the answer is projected, so that it reduces to the picture again (``inference.consistent``). The other
    arguments, errors and warnings are those of ``upscale``.
    """
    check_enlarges(model)
    _check_picture(picture)
    warn_of_size(model, *picture.rgb.shape[:2], picture.name)
    asked = FlipEnsemble(model) if ensemble else model
    return finished(picture, enlarge_rgb(asked, picture, tile, on_tile), consistently)


def finished(picture, sr, consistently=False):
    """Make RGB pixels that a network answered with (scale * H, scale * W, 3) those to write; see ``enlarge_picture``."""
    return like(picture, consistent(sr, picture.rgb) if consistently else sr, len(sr) // len(picture.rgb))


def sample_picture(model, picture, n, seed=0):
    """``n`` plausible enlargements of a ``Picture`` by a stochastic model, each as pixels to write.

    One latent belongs to one whole face, so pictures are not cut into tiles; too large ones raise ImageError, and a model that
    draws no samples CallError.
    """
    return [like(picture, to_uint8(sample), model.scale) for sample in _drawn_whole("sample", model, picture, n, seed)]


def traverse_picture(model, picture, steps, seed=0):
    """``steps`` enlargements of a ``Picture``, from one sample of the latent to another; otherwise as ``sample_picture``."""
    return [like(picture, to_uint8(step), model.scale) for step in _drawn_whole("traverse", model, picture, steps, seed)]


def picture_deviation(model, picture, n=16, seed=0):
    """Standard deviation of ``n`` samples at each pixel, mean over colours: float (scale * H, scale * W), in units of [0, 1].

    Errors are those of ``sample_picture``.
    """
    return _drawn_whole("pixel_deviation", model, picture, n, seed)[..., 0]


def check_enlarges(model):
    """Raise ``CallError`` if it is no network that enlarges pictures."""
    if not hasattr(model, "size_multiple"):
        given = repr(model) if isinstance(model, str) else f"a {type(model).__name__}"
        raise CallError(f"{given} is no network that enlarges pictures: give one, such as load('sam')")


def _check_picture(picture):
    if not isinstance(picture, Picture):
        raise CallError(f"a {type(picture).__name__} is no Picture: data.images.read_picture makes one of it")


def _drawn_whole(method, model, picture, n, seed):
    """Call a stochastic model's ``method(lr, n, seed)`` on one ``Picture``: NumPy (..., scale * H, scale * W, C)."""
    from keras import ops

    if not getattr(model, "is_stochastic", False):
        raise CallError(f"{type(model).__name__} has one answer for each face: samples need a stochastic model, such as sam")
    _check_picture(picture)
    height, width = picture.rgb.shape[:2]
    side = tile_side(model)
    if max(height, width) > side:
        raise ImageError(
            f"{picture.name}: {width}x{height} pixels are too many to sample; cut the face out, at most {side}x{side}"
        )
    warn_of_size(model, height, width, picture.name)
    return ops.convert_to_numpy(getattr(model, method)(to_unit(picture.rgb[None]), n, seed)).squeeze(-4)


def enlarge_rgb(model, picture, tile=None, on_tile=None):
    """Enlarge the colours of one ``Picture``, in one pass or in tiles: uint8 (scale * H, scale * W, 3).

    An answer of more than ``OUTPUT_PIXELS`` raises ImageError.
    """
    check_pixels(picture, model.scale)
    side = tile_side(model, tile)
    if max(picture.rgb.shape[:2]) > side:
        return enlarge_in_tiles(model, picture.rgb, side, on_tile)
    return enlarge_in_passes(model, picture.rgb[None])[0]


def check_pixels(picture, scale):
    """Raise ImageError if a ``Picture`` enlarged so many times would have more than ``OUTPUT_PIXELS``."""
    height, width = picture.rgb.shape[:2]
    if height * width * scale**2 > OUTPUT_PIXELS:
        largest = OUTPUT_PIXELS / scale**2 / 1e6
        raise ImageError(
            f"{picture.name}: {width}x{height} pixels are too many to enlarge {scale} times; "
            f"cut the faces out or shrink it, at most {largest:.0f} million pixels"
        )


def like(picture, rgb, scale):
    """Give enlarged RGB pixels the kind of their ``Picture``: gray if it is gray, with its alpha, enlarged, if it has one."""
    pixels = _gray(rgb) if picture.is_gray else rgb
    if picture.alpha is None:
        return pixels
    height, width = picture.alpha.shape
    colours = np.broadcast_to(pixels[..., None], rgb.shape) if picture.is_gray else pixels
    return np.dstack([colours, resize(picture.alpha, height * scale, width * scale)])


def _gray(rgb):
    """Luma in bands of rows, as Pillow copies what it converts, 4 bytes for each pixel: (H, W, 3) -> (H, W)."""
    return np.vstack([Image.fromarray(rgb[top : top + BAND]).convert("L") for top in range(0, len(rgb), BAND)])
