"""Judging a model by many answers: is a good one among them, do they differ, are they consistent with the input?"""

import numpy as np

from keras_facesr.data.degrade import degrade
from keras_facesr.metrics.fidelity import closeness


def best_of(samples, hr, colour="rgb"):
    """How near the best of n answers comes to the truth (``closeness``); the best is chosen by comparing with the truth.

    Args:
        samples: uint8 (n, H, W, 3); hr: uint8 (H, W, 3), the truth.

    Returns:
        ``{"psnr_best", "ssim_best", "ssim_of_best_psnr"}``: the highest PSNR in dB and the highest SSIM, which may belong to
        two answers (SAM's Table 2), and the SSIM of the answer with the highest PSNR (VarSR's Tables 1 and 3). Images that
        are smaller than the SSIM window have no SSIM.
    """
    figures = [closeness(sample, hr, colour) for sample in samples]
    best = {f"{name}_best": max(of_one[name] for of_one in figures) for name in figures[0]}
    nearest = max(figures, key=lambda of_one: of_one["psnr"])
    return best | ({"ssim_of_best_psnr": nearest["ssim"]} if "ssim" in nearest else {})


def diversity(samples):
    """Mean absolute RGB difference over all pairs of uint8 (n, H, W, 3) answers, in 8-bit levels; 0 for one.

    VarSR uses the LPIPS distance instead of the absolute difference, so its figures cannot be compared with these.
    """
    n = len(samples)
    if n < 2:
        return 0.0
    # With each pixel's values in ascending order, x_k is the larger one of k pairs and the smaller one of
    # n - 1 - k: the sum over all pairs is that of (2k - n + 1) x_k, without n^2 / 2 comparisons.
    ordered = np.sort(samples, axis=0).reshape(n, -1).mean(axis=1)
    return float((2 * np.arange(n) - n + 1) @ ordered / (n * (n - 1) / 2))


def deviation(samples, region):
    """Standard deviation of the answers' values in a part of the picture, in 8-bit levels; 0 for equal answers and for one.

    The square root of the mean variance, over pixels and colours; the variance is that without bias, so that it does not depend
    on how many answers there are: of independent answers of deviation s it is s.

    Args:
        samples: uint8 (n, H, W, 3).
        region: bool (H, W), such as of ``data.framing.face_region``.
    """
    if len(samples) < 2:
        return 0.0
    return float(np.sqrt(np.var(samples[:, region], axis=0, ddof=1, dtype=np.float64).mean()))


def consistency(sr, lr, scale, antialias=True):
    """Mean absolute RGB difference between input and downsampled output, in 8-bit levels (VarSR); 0 is best.

    Args:
        sr: uint8 (H, W, 3), or (n, H, W, 3) for the mean over n answers to the same input.
        lr: uint8 (H / scale, W / scale, 3).
        scale: the factor between them.
        antialias: how the answers are reduced, which must be how the input was; see `data.degrade.degrade`.
    """
    return float(np.mean(np.abs(np.subtract(degrade(sr, scale, antialias), lr, dtype=np.int16))))


def digits_read(probabilities, labels):
    """How well digits are read from n answers to each input (VarSR, Tables 4 and 5).

    Args:
        probabilities: (n, N, 10), a classifier's for each answer.
        labels: (N,), the true digits.

    Returns:
        ``{"digits_best", "digits_mean", "digits_distinct"}``: the share of inputs for which at least one answer is read
        correctly; the share read correctly by the mean of the probabilities; and, for each number of distinct digits that
        occurs among n answers, ``{"share", "best"}``: the share of inputs with so many, and "digits_best" among these.
    """
    read = np.argmax(probabilities, axis=-1)  # (n, N)
    best = (read == labels).any(axis=0)
    mean = np.argmax(np.mean(probabilities, axis=0), axis=-1) == labels
    ordered = np.sort(read, axis=0)
    counts = 1 + np.count_nonzero(np.diff(ordered, axis=0), axis=0)
    distinct = {
        int(count): {"share": float(np.mean(counts == count)), "best": float(best[counts == count].mean())}
        for count in np.unique(counts)
    }
    return {"digits_best": float(best.mean()), "digits_mean": float(mean.mean()), "digits_distinct": distinct}
