"""Sharpness: how much detail answers show beside the truth, octave by octave of what the small picture cannot hold.

It sees how much there is, not where: detail that is wrong counts like detail that is right.
"""

import functools
import math
from itertools import pairwise

import numpy as np
from scipy.fft import dctn

from keras_facesr.metrics.fidelity import luma

LEAST_ENERGY = 1e-9  # squared levels; a truth with less of an octave has nothing but the rounding of its transform


def detail_energy(image, scale):
    """Energy of the luma in each octave of detail, mean over pixels.

    Coefficient (k, l) of the orthonormal cosine transform (DCT-II) has k / 2H cycles a pixel down and l / 2W across, and the
    squares of all coefficients sum to those of the pixels. A picture ``scale`` times smaller holds those with k / H and l / W
    below 1 / scale. Octave b = 0, 1, ... has those whose larger one is from 2^b / scale up to 2^(b + 1) / scale.

    Args:
        image: uint8 (H, W, 3); H and W are multiples of ``scale``.
        scale: integer factor, at least 2.

    Returns:
        float64 (B,), coarse to fine, squared levels; B is log2(scale), rounded up: the last octave ends at single pixels.
    """
    squares = np.square(dctn(luma(image), norm="ortho"))
    octaves = _octaves(*squares.shape, scale)
    return np.bincount(octaves.ravel(), squares.ravel())[1:] / squares.size


def octaves_in_words(scale):
    """The periods of each octave of detail, such as "16-8, 8-4, 4-2 pixels"."""
    periods = [2 * scale / 2**octave for octave in range(math.ceil(math.log2(scale)) + 1)]
    return ", ".join(f"{longest:g}-{max(shortest, 2):g}" for longest, shortest in pairwise(periods)) + " pixels"


@functools.lru_cache(maxsize=4)
def _octaves(height, width, scale):
    """The number of each coefficient's octave of detail, from 1; 0 for what the small picture holds: integers (H, W)."""
    down, across = (np.arange(side) * scale / side for side in (height, width))  # 1: the small picture's highest frequency
    _, exponents = np.frexp(np.maximum.outer(down, across))  # exact: 1 for 1 <= x < 2, 2 for 2 <= x < 4
    return np.maximum(exponents, 0)


def sharpness(energy, true_energy):
    """How the detail of answers compares with that of their truths.

    Args:
        energy, true_energy: ``detail_energy`` of all answers and of all truths, (B,) each, sums over the pictures.

    Returns:
        - ``detail``: energy / true energy of each octave, coarse to fine: below 1 softer than the truth, above 1 noisier
        - ``sharpness``: the smaller one of detail and 1 / detail, mean over octaves: 1 if each has the truth's energy, less for
          blur and for noise

        Empty if the truths have no detail in some octave.
    """
    if np.min(true_energy) < LEAST_ENERGY:
        return {}
    alike = np.minimum(energy, true_energy) / np.maximum(energy, true_energy)
    return {"sharpness": float(alike.mean()), "detail": (energy / true_energy).tolist()}
