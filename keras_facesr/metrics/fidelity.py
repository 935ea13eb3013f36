"""Closeness to the true picture: PSNR, SSIM and MS-SSIM of 8-bit pictures, in RGB or in BT.601 luma.

No border is cut. The same pixels give some 2 dB more in luma than in RGB, so a figure needs its colour.
"""

import math

import numpy as np
from skimage.filters import gaussian
from skimage.metrics import structural_similarity

from keras_facesr.errors import FacesrError

COLOURS = ("rgb", "luma")
PSNR_CAP = 100.0  # dB; an answer without error counts as this, so that one black picture does not make a mean infinite
SSIM_WINDOW = 11  # pixels; scikit-image's window for a Gaussian of sigma 1.5 cut at 3.5 sigma
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # exponents of the scales, the finest first
LIGHT_KEPT = 2.0  # levels by which means may differ, which the eye does not see
GRAY = np.array([0.299, 0.587, 0.114])  # BT.601, of full range
MS_SSIM_LEAST = SSIM_WINDOW * 2 ** (len(MS_SSIM_WEIGHTS) - 1)  # pixels; the coarsest scale holds one window

_LUMA = np.array([65.481, 128.553, 24.966]) / 255


def luma(rgb):
    """BT.601 luma of uint8 (..., 3) RGB as float64 (...) in [16, 235]: the Y of rgb2ycbcr, unrounded."""
    return rgb @ _LUMA + 16


def closeness(sr, hr, colour="rgb"):
    """``{"psnr", "ssim"}`` of uint8 (H, W, 3), to be averaged: PSNR at most ``PSNR_CAP``, SSIM if its window fits."""
    figures = {"psnr": min(psnr(sr, hr, colour), PSNR_CAP)}
    return figures | {"ssim": ssim(sr, hr, colour)} if min(hr.shape[:2]) >= SSIM_WINDOW else figures


def light_kept(sr, lr):
    """How an answer keeps its input's light, uint8 (H, W, 3) each: ``{"brightness", "cast", "light_kept"}``.

    Differences of the means over all pixels, in levels of 255: of the gray, and of that colour which differs most. The last is
    1.0 if both are at most ``LIGHT_KEPT``, else 0.0.
    """
    colours = np.mean(sr, (0, 1)) - np.mean(lr, (0, 1))
    brightness, cast = abs(float(colours @ GRAY)), float(np.abs(colours).max())
    return {"brightness": brightness, "cast": cast, "light_kept": float(max(brightness, cast) <= LIGHT_KEPT)}


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


def ms_ssim(a, b, colour="rgb"):
    """Multi-scale structural similarity of Wang, Simoncelli and Bovik (2003), in [0, 1].

    Contrast and structure at five scales, luminance at the coarsest alone; the window and constants of ``ssim``.
    Each scale's mean over all whole windows, not below 0, is raised to its weight; the product is taken for each
    channel, then the mean over the channels, as in ``tf.image.ssim_multiscale``.

    Arguments and errors as for ``psnr``; FacesrError also for pictures of less than 176 pixels a side.
    """
    a, b = (np.atleast_3d(picture).astype(np.float64) for picture in _comparable(a, b, colour))
    height, width = a.shape[:2]
    if min(height, width) < MS_SSIM_LEAST:
        reason = f"{len(MS_SSIM_WEIGHTS)} scales of an {SSIM_WINDOW}-pixel window need {MS_SSIM_LEAST} a side"
        raise FacesrError(f"{width}x{height} pixels are too few for MS-SSIM, {reason}")
    terms = []  # (C,) for each scale
    for _ in MS_SSIM_WEIGHTS:
        similarity, contrast = _similarity(a, b)
        terms.append(contrast)
        a, b = _halve(a), _halve(b)
    terms[-1] = similarity
    return float(np.mean(np.prod(np.maximum(terms, 0).T ** MS_SSIM_WEIGHTS, axis=1)))


def _similarity(a, b):
    """SSIM and its contrast and structure term, (C,) each, of float64 (H, W, C) in [0, 255]."""
    mean_a, mean_b = _window_means(a), _window_means(b)
    luminance, energy = 2 * mean_a * mean_b, mean_a**2 + mean_b**2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    contrast = (2 * _window_means(a * b) - luminance + c2) / (_window_means(a**2 + b**2) - energy + c2)
    return np.mean((luminance + c1) / (energy + c1) * contrast, (0, 1)), np.mean(contrast, (0, 1))


def _window_means(image):
    """Means of (H, W, C) under the Gaussian window, (H - 10, W - 10, C): whole windows only."""
    margin = SSIM_WINDOW // 2
    means = gaussian(image, 1.5, truncate=3.5, preserve_range=True, channel_axis=-1)
    return means[margin:-margin, margin:-margin]


def _halve(image):
    """2x2 means of (H, W, C); an odd last row or column counts twice."""
    height, width = image.shape[:2]
    image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    return (image[::2, ::2] + image[::2, 1::2] + image[1::2, ::2] + image[1::2, 1::2]) / 4


def _comparable(a, b, colour):
    """Both pictures in the colour space of the comparison; FacesrError says why if they cannot be compared."""
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
