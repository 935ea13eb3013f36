"""What recipes train for: which batches a network learns from, how it is judged, and what of it is shown."""

from pathlib import Path

import keras
import numpy as np

from keras_facesr import backend
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.images import to_uint8
from keras_facesr.data.pipeline import PairStream
from keras_facesr.metrics.fidelity import psnr, ssim

SHOWN = 4  # validation images in the TensorBoard grid
PASS_PIXELS = 2**20  # output pixels of one pass in validation


class SuperResolution:
    """Pairs of small and large images; judged by PSNR and SSIM on held-out images of the first source.

    Every task is made from ``(recipe, data_dir, model)`` and has ``score``, the figure whose highest value marks the
    best weights, ``stream``, ``validate`` and ``pictures``.
    """

    score = "val_psnr"
    pictures_name = "lr_sr_hr"

    def __init__(self, recipe, data_dir, model):
        self.recipe = recipe
        training, validation = split(recipe, data_dir)
        self.training = [training, *(images_of(source, data_dir) for source in recipe.sources[1:])]
        self.validation = PairStream(validation, model.scale, 1)
        self.model = model

    def stream(self, batch_size, seed):
        """Training batches for ``fit``."""
        prepare = None
        if self.recipe.crop:  # what whole pictures must be seen for is done before they are cut
            prepare = lambda lr: prepared(self.model, lr)  # noqa: E731
        return PairStream(
            self.training, self.model.scale, batch_size, seed, self.recipe.augmentation, self.recipe.crop, prepare
        )

    def validate(self, model):
        """Mean PSNR (dB) and SSIM of the model's present answer over the validation images, 8 bits, RGB."""
        hr = self.validation.sets[0][1]
        scores = []
        for indices in passes(hr):
            outputs = to_uint8(answer(model, self.validation.images(indices)[0]))
            scores += [(psnr(sr, hr[i]), ssim(sr, hr[i])) for sr, i in zip(outputs, indices)]
        mean_psnr, mean_ssim = np.mean(scores, axis=0)
        return {"val_psnr": float(mean_psnr), "val_ssim": float(mean_ssim)}

    def pictures(self, model):
        """Validation faces as rows: input (enlarged by repetition), output, truth; uint8 (rows, columns, 3)."""
        lr, hr = self.validation.images(range(min(SHOWN, self.validation.count)))
        sr = np.concatenate([answer(model, lr[indices]) for indices in passes(hr)])
        repeated = lr.repeat(model.scale, axis=1).repeat(model.scale, axis=2)
        return to_uint8(np.concatenate(np.concatenate([repeated, sr, hr], axis=2), axis=0))


TASKS = {"super-resolution": SuperResolution}


def images_of(source, data_dir, indices=slice(None)):
    """Decoded images of a source's training part, uint8 (N, size, size, 3)."""
    images = open_dataset(Path(data_dir) / source.folder, split="train", kind=source.kind)
    return decoded(images.subset(indices), source.size)[0]


def split(recipe, data_dir):
    """The first source's training and validation images; the latter are never trained on."""
    source = recipe.sources[0]
    count = len(open_dataset(Path(data_dir) / source.folder, split="train", kind=source.kind))
    order = np.random.default_rng(recipe.seed).permutation(count)
    held_out = min(recipe.validation_images, count // 5)
    parts = np.sort(order[held_out:]), np.sort(order[:held_out])
    return tuple(images_of(source, data_dir, part) for part in parts)


def passes(images):
    """Index ranges that cut ``images`` (N, H, W, C) into passes of at most ``PASS_PIXELS``."""
    size = max(1, PASS_PIXELS // (images.shape[1] * images.shape[2]))
    return [range(start, min(start + size, len(images))) for start in range(0, len(images), size)]


def answer(model, lr):
    """The output that the phase in training improves, float32 NumPy in [0, 1]."""
    with backend.no_gradients():
        return keras.ops.convert_to_numpy(model.validation_answer(keras.ops.convert_to_tensor(lr)))


def prepared(model, lr):
    """``model.prepare`` on whole 8-bit images, in passes, back to 8 bits."""
    with backend.no_gradients():
        blocks = [
            to_uint8(model.prepare(keras.ops.convert_to_tensor(lr[list(indices)].astype("float32") / 255)))
            for indices in passes(lr)
        ]
    return np.concatenate(blocks)
