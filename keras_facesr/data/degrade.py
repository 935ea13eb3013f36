"""How a low-resolution image is made: Pillow's bicubic, antialiased, kernel a = -0.5, rounded to 8 bits.

All figures of this package are measured on pairs made here. On request the kernel is not widened: this is reduction without
antialiasing, as others do it. ``data.blind`` has the chains that spoil.
"""

import functools

import numpy as np
from PIL import Image

from keras_facesr.data.images import to_pixels
from keras_facesr.errors import FacesrError

ALIASED = "aliased"  # the degradation's name for reduction without antialiasing


def centre_square(pixels):
    """Cut the largest centred square out of (H, W) or (H, W, C) pixels; CelebA's 178x218 becomes 178x178.

    An odd margin leaves its extra row or column below or to the right. Returns a view of the input.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def resize(pixels, height, width, box=None):
    """Resample uint8 (H, W) or (H, W, 3) pixels to (height, width) by Pillow's antialiased bicubic.

    ``box`` (left, top, right, bottom), in pixels and fractions of them, is the part that is resampled; None: all.
    """
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC, box))


def degrade(hr, scale, antialias=True):
    """Make the low-resolution counterpart of one image or of a batch.

    Args:
        hr: uint8 (H, W, 3) or (N, H, W, 3); H and W are multiples of `scale`.
        scale: integer factor, at least 1.
        antialias: widen the kernel by `scale`, as Pillow and MATLAB do. False: each small pixel depends only on the 4x4
            pixels about its centre (for odd scales on the middle one), as by `tf.image.resize(..., "bicubic")`; the
            pixels between are lost.

    Returns:
        uint8 (H / scale, W / scale, 3) or (N, H / scale, W / scale, 3).

    Raises:
        FacesrError: `hr` is not uint8, has another shape, or is not divisible by `scale`.
    """
    if hr.dtype != np.uint8 or hr.ndim not in (3, 4) or hr.shape[-1] != 3:
        raise FacesrError(f"expected uint8 (H, W, 3) or (N, H, W, 3) pixels, got {hr.dtype} {hr.shape}")
    height, width = hr.shape[-3:-1]
    if scale < 1 or height % scale or width % scale:
        raise FacesrError(f"{height}x{width} pixels do not divide by {scale}: cut them to a multiple of it")
    height, width = height // scale, width // scale
    reduced = resize if antialias else sampled
    if hr.ndim == 3:
        return reduced(hr, height, width)
    lr = np.empty((len(hr), height, width, 3), np.uint8)
    for i, image in enumerate(hr):
        lr[i] = reduced(image, height, width)
    return lr


def sampled(pixels, height, width, kernel=None):
    """Resample uint8 (H, W, 3) pixels to (height, width) by a kernel that is never widened, by default the same cubic one."""
    rows, columns = (_interpolation(*sizes, kernel or cubic_kernel) for sizes in zip(pixels.shape, (height, width)))
    reduced = np.einsum("ih,hwc,jw->ijc", rows, pixels, columns, optimize=True)
    return to_pixels(reduced)


def cubic_kernel(distance, a=-0.5):
    """Keys' cubic convolution kernel at ``distance`` (in pixels); Pillow's and this project's bicubic has a = -0.5."""
    x = np.abs(np.asarray(distance, dtype=np.float64))
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


@functools.lru_cache(maxsize=8)
def _interpolation(old, new, kernel):
    """Weights of the ``old`` pixels in each of the ``new`` ones, float32 (new, old)."""
    centres = (np.arange(new) + 0.5) * (old / new) - 0.5  # in old pixels
    taps = kernel(np.arange(old) - centres[:, None])
    return (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
