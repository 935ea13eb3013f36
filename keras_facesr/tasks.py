"""What recipes train for: which batches a network learns from, how it is judged, and what of it is shown."""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

from keras_facesr import backend
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import MIRRORED_MASK_CLASSES, open_dataset
from keras_facesr.data.images import read_picture, to_uint8
from keras_facesr.data.pipeline import MaskStream, PairStream
from keras_facesr.metrics.fidelity import psnr, ssim
from keras_facesr.metrics.parsing import intersection_over_union
from keras_facesr.models.component_network import COMPONENTS

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
        self.recipe, self.data_dir, self.model = recipe, data_dir, model
        self.training_part, validation_part = split(recipe, data_dir)
        self.validation = PairStream(images_of(recipe.sources[0], data_dir, validation_part), model.scale, 1)

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        first, *others = self.recipe.sources
        images = [images_of(first, self.data_dir, self.training_part)]
        images += [images_of(source, self.data_dir) for source in others]
        prepare = None
        if self.recipe.crop:  # what whole pictures must be seen for is done before they are cut
            prepare = lambda lr: prepared(self.model, lr)  # noqa: E731
        how = {"augmentation": stage.augmentation, "crop": self.recipe.crop, "prepare": prepare}
        return PairStream(images, self.model.scale, stage.batch_size, seed, **how)

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


class FaceParsing:
    """Images and masks of CelebAMask-HQ; judged by the intersection over union of the components, held-out images."""

    score = "val_iou"
    pictures_name = "image_components_truth"

    def __init__(self, recipe, data_dir, model):
        source = recipe.sources[0]
        image_set = open_dataset(Path(data_dir) / source.folder, split="train", kind=source.kind)
        parts = split(recipe, data_dir)
        self.training, self.validation = (
            (decoded(image_set.subset(part), source.size)[0], masks_of(image_set.subset(part), source.size)) for part in parts
        )

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        return MaskStream(*self.training, stage.batch_size, seed, MIRRORED_MASK_CLASSES)

    def validate(self, model):
        """Intersection over union of hair, skin and parts, and their mean, each in [0, 1]."""
        images, masks = self.validation
        shares = intersection_over_union(parsed(model, images), masks, COMPONENTS)
        return {"val_iou": float(np.mean(list(shares.values()))), **{f"val_iou_{name}": iou for name, iou in shares.items()}}

    def pictures(self, model):
        """Validation faces as rows: image, components found and true (hair red, skin green, parts blue)."""
        images, masks = (part[:SHOWN] for part in self.validation)
        maps = [
            np.stack([np.isin(classes, group) for group in COMPONENTS.values()], axis=-1).astype(np.uint8) * 255
            for classes in (parsed(model, images), masks)
        ]
        return np.concatenate(np.concatenate([images, *maps], axis=2), axis=0)


TASKS = {"super-resolution": SuperResolution, "face parsing": FaceParsing}


def masks_of(image_set, size):
    """The masks of an image set as classes, uint8 (N, size, size), by nearest neighbour."""
    masks = [Image.fromarray(read_picture(file).rgb[..., 0]) for file in image_set.masks]
    return np.stack([np.asarray(mask.resize((size, size), Image.Resampling.NEAREST)) for mask in masks])


def parsed(model, images, batch_size=8):
    """The most probable class of each pixel of uint8 (N, H, W, 3): integer (N, H, W)."""
    found = []
    for start in range(0, len(images), batch_size):
        pixels = np.true_divide(images[start : start + batch_size], 255, dtype="float32")
        found.append(np.argmax(model.predict_on_batch(pixels), axis=-1))
    return np.concatenate(found)


def images_of(source, data_dir, indices=slice(None)):
    """Decoded images of a source's training part, uint8 (N, size, size, 3)."""
    images = open_dataset(Path(data_dir) / source.folder, split="train", kind=source.kind)
    return decoded(images.subset(indices), source.size)[0]


def split(recipe, data_dir):
    """Indices of the first source's training and validation images; the latter are never trained on."""
    source = recipe.sources[0]
    count = len(open_dataset(Path(data_dir) / source.folder, split="train", kind=source.kind))
    order = np.random.default_rng(recipe.seed).permutation(count)
    held_out = min(recipe.validation_images, count // 5)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


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
