"""Pairs of images for training, reproducible at any step."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np

from keras_facesr.data.degrade import degrade
from keras_facesr.errors import DatasetError

AHEAD = 4  # batches prepared while the network works


class PairStream:
    """An endless stream of (lr, hr) batches that is a pure function of `seed` and the step.

    The order of the images comes from (seed, epoch), flips and crops from (seed, epoch, step): a run that is
    resumed at any step sees what it would have seen. LR images are degraded once, from whole HR images, and
    kept in 8 bits; a crop cuts both at the same place, on the LR grid. The last, incomplete batch of an epoch
    is left out.

    Args:
        hr: uint8 (N, H, W, 3), an array or a memory map; H and W are multiples of `scale`.
        scale: factor between LR and HR.
        batch_size: images in a batch, at most N.
        seed: non-negative integer.
        flip: mirror every second image, by chance, left to right.
        crop: side of random square HR crops in pixels, a multiple of `scale`; None = whole images.

    Raises:
        DatasetError: fewer images than a batch holds, or a crop that does not fit.
        FacesrError: H or W is not a multiple of `scale`.
    """

    def __init__(self, hr, scale, batch_size, seed=0, flip=True, crop=None):
        if not 1 <= batch_size <= len(hr):
            raise DatasetError(f"{len(hr)} images make no batch of {batch_size}: choose another batch size")
        side = min(hr.shape[1:3])
        if crop is not None and (crop < 1 or crop % scale or crop > side):
            raise DatasetError(f"no crop of {crop} pixels: it must be a multiple of {scale}, at most {side}")
        self.hr, self.lr = hr, degrade(hr, scale)
        self.scale, self.batch_size, self.seed, self.flip, self.crop = scale, batch_size, seed, flip, crop
        self._shuffled = (None, None)  # the latest epoch and its order

    @property
    def steps_per_epoch(self):
        return len(self.hr) // self.batch_size

    def batch(self, step):
        """The batch of one step, counted from 0 over all epochs.

        Returns:
            (lr, hr): float32 NHWC in [0, 1], (B, h, w, 3) and (B, h * scale, w * scale, 3).
        """
        epoch, step = divmod(int(step), self.steps_per_epoch)
        chosen = self._order(epoch)[step * self.batch_size : (step + 1) * self.batch_size]
        chance = np.random.default_rng((self.seed, epoch, step + 1))  # + 1: zeros at the end do not count
        lr, hr = self.lr[chosen], self.hr[chosen]
        if self.crop:
            lr, hr = self._cropped(lr, hr, chance)
        if self.flip:
            mirrored = chance.random(self.batch_size) < 0.5
            lr[mirrored], hr[mirrored] = lr[mirrored, :, ::-1], hr[mirrored, :, ::-1]
        return _to_unit(lr), _to_unit(hr)

    def images(self, indices):
        """Whole images, neither shuffled nor flipped, for validation: (lr, hr) as `batch` gives them."""
        return _to_unit(self.lr[indices]), _to_unit(self.hr[indices])

    def as_dataset(self, first_step=0, steps=None):
        """The `steps` batches (default: one epoch) from `first_step` on, prepared ahead in the background.

        Returns:
            `tf.data.Dataset` on the TensorFlow backend, elsewhere a generator of NumPy batches; for `fit`.
        """
        import keras

        steps = range(first_step, first_step + (self.steps_per_epoch if steps is None else steps))
        return self._tf_dataset(steps) if keras.backend.backend() == "tensorflow" else self._generator(steps)

    def _order(self, epoch):
        latest, order = self._shuffled
        if latest != epoch:
            order = np.random.default_rng((self.seed, epoch)).permutation(len(self.hr))
            self._shuffled = (epoch, order)
        return order

    def _cropped(self, lr, hr, chance):
        side = self.crop // self.scale
        tops = chance.integers(lr.shape[1] - side + 1, size=len(lr))
        lefts = chance.integers(lr.shape[2] - side + 1, size=len(lr))

        def cut(images, unit):
            return np.stack(
                [
                    image[top * unit : (top + side) * unit, left * unit : (left + side) * unit]
                    for image, top, left in zip(images, tops, lefts)
                ]
            )

        return cut(lr, 1), cut(hr, self.scale)

    def _tf_dataset(self, steps):
        import tensorflow as tf

        lr, hr = self.batch(steps.start)

        def load(step):
            pair = tf.numpy_function(self.batch, [step], (tf.float32, tf.float32), stateful=False)
            return tf.ensure_shape(pair[0], lr.shape), tf.ensure_shape(pair[1], hr.shape)

        return tf.data.Dataset.range(steps.start, steps.stop).map(load).prefetch(AHEAD)

    def _generator(self, steps):
        steps = iter(steps)
        with ThreadPoolExecutor(1) as worker:
            ahead = deque(worker.submit(self.batch, step) for step in islice(steps, AHEAD))
            while ahead:
                ready = ahead.popleft().result()
                ahead.extend(worker.submit(self.batch, step) for step in islice(steps, 1))
                yield ready


def _to_unit(pixels):
    return np.true_divide(pixels, 255, dtype=np.float32)
