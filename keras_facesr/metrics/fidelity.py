"""Closeness to the true picture: PSNR and SSIM of 8-bit pictures, in RGB or in BT.601 luma.

No border is cut. The same pixels give some 2 dB more in luma than in RGB: figures go with their colour.
"""

import math

import numpy as np
from skimage.metrics import structural_similarity

from keras_facesr.errors import FacesrError

COLOURS = ("rgb", "luma")
SSIM_WINDOW = 11  # pixels; what scikit-image makes of a Gaussian of sigma 1.5 cut at 3.5 sigma

_LUMA = np.array([65.481, 128.553, 24.966]) / 255


def luma(rgb):
    """BT.601 luma of uint8 (..., 3) RGB as float64 (...) in [16, 235]: the Y of rgb2ycbcr, unrounded."""
    return rgb @ _LUMA + 16


def psnr(a, b, colour="rgb"):
    """Peak signal-to-noise ratio ``10 log10(255^2 / MSE)`` in dB; infinite for equal pictures.

    Args:
        a, b: uint8 (H, W, 3), or (H, W) with colour "rgb".
        colour: "rgb" (the mean square error is over all three channels) or "luma".

    Raises:
        FacesrError: not uint8, different shapes, an unknown colour.
    """
    a, b = _comparable(a, b, colour)
    mean_square_error = np.mean(np.square(np.subtract(a, b, dtype=np.float64)))
    return 10 * math.log10(255**2 / mean_square_error) if mean_square_error else math.inf


def ssim(a, b, colour="rgb"):
    """Structural similarity of Wang et al. (2004), at most 1: 11x11 Gaussian window of sigma 1.5, population
    covariance, K1 = 0.01, K2 = 0.03, data range 255; the mean over all whole windows and over the channels.

    Arguments and errors as for ``psnr``; FacesrError also for pictures that are smaller than the window.
    """
    a, b = _comparable(a, b, colour)
    if min(a.shape[:2]) < SSIM_WINDOW:
        height, width = a.shape[:2]
        raise FacesrError(f"{width}x{height} pixels are too few for SSIM, its window is 11x11")
    return float(
        structural_similarity(
            a,
            b,
            data_range=255,
            channel_axis=-1 if a.ndim == 3 else None,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def _comparable(a, b, colour):
    """Both pictures in the colour space of the comparison, or the reason why they cannot be compared."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != np.uint8 or b.dtype != np.uint8:
        raise FacesrError(f"pictures are compared in 8 bits (uint8), got {a.dtype} and {b.dtype}")
    if a.shape != b.shape:
        raise FacesrError(f"pictures of different shapes cannot be compared: {a.shape} and {b.shape}")
    if colour not in COLOURS:
        raise FacesrError(f"unknown colour {colour!r}: figures are in {' or '.join(COLOURS)}")
    if a.shape[2:] not in ((3,), ()) or a.ndim < 2 or (colour == "luma" and a.ndim == 2):
        wanted = "(H, W, 3)" if colour == "luma" else "(H, W, 3) or (H, W)"
        raise FacesrError(f"{colour} figures are of {wanted} pictures, got {a.shape}")
    return (luma(a), luma(b)) if colour == "luma" else (a, b)
