"""Damps flicker: what networks add to bicubic interpolation is averaged over time where the film stands still.

A network makes noise stronger, as it makes all detail. What it adds to the interpolated frame is therefore a mean over frames,

    d_t = d_(t-1) + w (added_t - d_(t-1)),

with a small w where the frame hardly differs from the one before and w = 1 where it moves. The interpolated frame itself is not
averaged, so nothing lags or leaves a trail that was not the network's.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import maximum_filter, uniform_filter

from keras_facesr.photos.restore import resized

AROUND = 3  # pixels a side over which the change is averaged
STILL, MOVING = 3, 6  # deviations of that mean, were it noise alone, below which w is ``LEAST`` and above which it is 1
LEAST = 0.08
NORMAL_MEDIAN = 0.6745  # median of the absolute value of a normal variable of deviation 1
SURE = 0.5  # levels: no change below this is a movement


class Steady:
    """Takes one enlarged frame after the other."""

    def __init__(self):
        self.before = self.added = None

    def __call__(self, rgb, answer, is_cut=False):
        """The steady answer.

        Args:
            rgb: the frame, uint8 (H, W, 3).
            answer: the same enlarged, uint8 (scale * H, scale * W, 3).
            is_cut: whether the frame begins another scene.

        Returns:
            uint8 array of the shape of ``answer``.
        """
        height, width = answer.shape[:2]
        plain = resized(rgb, height, width)
        added = answer.astype(np.float32) - plain
        if self.added is not None and not is_cut:
            weight = _weight(rgb, self.before, height, width)
            added = self.added + weight * (added - self.added)
        self.before, self.added = rgb, added
        return np.clip(np.rint(plain + added), 0, 255).astype(np.uint8)


def _weight(rgb, before, height, width):
    """w for each pixel of the answer, float32 (height, width, 1).

    Noise is what of the change is not the mean around: its deviation is taken from the median, which moving parts hardly alter.
    """
    change = rgb.mean(axis=2, dtype=np.float32) - before.mean(axis=2, dtype=np.float32)
    mean = uniform_filter(change, AROUND)
    noise = np.median(np.abs(change - mean)) / NORMAL_MEDIAN / np.sqrt(1 - 1 / AROUND**2)
    deviations = maximum_filter(np.abs(mean), AROUND) / max(noise / AROUND, SURE)
    weight = np.clip((deviations - STILL) / (MOVING - STILL), LEAST, 1)
    return np.asarray(Image.fromarray(weight).resize((width, height), Image.Resampling.BILINEAR))[..., None]
