"""What recipes train for: which batches a network learns from, how it is judged, and what of it is shown."""

import functools
import hashlib
import itertools
import os
import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from keras_facesr import backend, presets
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import MIRRORED_MASK_CLASSES, ArraySet, open_dataset
from keras_facesr.data.degrade import ALIASED, blind, degrade
from keras_facesr.data.framing import cut, square
from keras_facesr.data.images import read_picture, to_uint8, to_unit
from keras_facesr.data.pipeline import FaceStream, LabelStream, MaskStream, PairStream, UnpairedStream
from keras_facesr.errors import TrainingError
from keras_facesr.inference import KerasJudge, passes
from keras_facesr.metrics.attributes import ranked_rightly
from keras_facesr.metrics.fidelity import closeness
from keras_facesr.metrics.parsing import intersection_over_union
from keras_facesr.metrics.perceptual import distances_of_sets, impressions
from keras_facesr.models.component_network import COMPONENTS
from keras_facesr.models.face_features import ATTRIBUTES, labels_of
from keras_facesr.recipes.recipe import JUDGE

VARIANTS = 8  # LR images of each HR image, where there are many ways to spoil it
SHOWN = 4  # validation images in the TensorBoard grid


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
        self.degrades = degradation(recipe.degradation, model.scale, recipe.seed)
        first = recipe.sources[0]
        held_out = images_of(first, data_dir, validation_part)
        if first.framing:
            held_out = np.stack([cut(picture, square_of(first), first.size) for picture in held_out])
        self.validation = PairStream(held_out, model.scale, 1, degrades=self.degrades)

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        first, *others = self.recipe.sources
        images = [images_of(first, self.data_dir, self.training_part)]
        images += [images_of(source, self.data_dir) for source in others]
        if first.framing:
            squares = [square_of(source) for source in self.recipe.sources]
            return FaceStream(images, squares, first.size, self.model.scale, stage.batch_size, seed)
        prepare = None
        if self.recipe.crop:  # what whole pictures must be seen for is done before they are cut
            prepare = lambda lr: prepared(self.model, lr)  # noqa: E731
        how = {"augmentation": stage.augmentation, "crop": self.recipe.crop, "degrades": self.degrades, "prepare": prepare}
        return PairStream(images, self.model.scale, stage.batch_size, seed, **how)

    def validate(self, model):
        """Mean PSNR (dB) and, where its window fits, SSIM of the present answer over the validation images, 8 bits, RGB."""
        hr = self.validation.sets[0][1]
        answers = (to_uint8(answer(model, self.validation.images(part)[0])) for part in passes(hr))
        scores = [closeness(sr, truth) for sr, truth in zip(itertools.chain.from_iterable(answers), hr)]
        return {f"val_{name}": float(np.mean([of_one[name] for of_one in scores])) for name in scores[0]}

    def pictures(self, model):
        """Validation faces as rows: input (enlarged by repetition), output, truth; uint8 (rows, columns, 3)."""
        lr, hr = self.validation.images(range(min(SHOWN, self.validation.count)))
        sr = np.concatenate([answer(model, lr[part]) for part in passes(hr)])
        repeated = lr.repeat(model.scale, axis=1).repeat(model.scale, axis=2)
        return to_uint8(np.concatenate(np.concatenate([repeated, sr, hr], axis=2), axis=0))


class Degradation:
    """Clean faces of the first source, real small ones of the second; judged by how alike made and real small faces are.

    The figure is the Fréchet distance, below zero, of the textures that the preset ``JUDGE`` sees in held-out faces.
    """

    score = "val_likeness"
    pictures_name = "clean_in_styles"

    def __init__(self, recipe, data_dir, model):
        self.training, self.validation = zip(
            *([images_of(source, data_dir, part) for part in split(recipe, data_dir, source)] for source in recipe.sources)
        )
        self.judge = KerasJudge(JUDGE, presets.load(JUDGE))

    def stream(self, stage, seed):
        """Training batches for ``fit``: real small faces, clean large ones."""
        clean, real = self.training
        return UnpairedStream(real, clean, stage.batch_size, seed)

    def validate(self, model):
        """The distance, below zero; and that of bicubic reduction, to compare."""
        clean, real = self.validation
        reduced = degrade(clean, model.scale)
        made = to_uint8(model.degrade(to_unit(clean), seed=0))
        true, *others = (impressions(self.judge.see(images)) for images in (real, made, reduced))
        likeness, of_bicubic = (-distances_of_sets(seen, true)["textures"] for seen in others)
        return {"val_likeness": likeness, "val_likeness_bicubic": of_bicubic}

    def pictures(self, model):
        """Clean validation faces as rows: bicubic reduction, then four styles."""
        clean = self.validation[0][:SHOWN]
        pixels = to_unit(clean)
        columns = [degrade(clean, model.scale), *(to_uint8(model.degrade(pixels, seed=k)) for k in range(4))]
        return np.concatenate(np.concatenate(columns, axis=2), axis=0)


class FaceParsing:
    """Images and masks of CelebAMask-HQ; judged by the intersection over union of the components, held-out images."""

    score = "val_iou"
    pictures_name = "image_components_truth"

    def __init__(self, recipe, data_dir, model):
        self.training, self.validation = (masked(recipe.sources[0], data_dir, part) for part in split(recipe, data_dir))

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        return MaskStream(*self.training, stage.batch_size, seed, MIRRORED_MASK_CLASSES)

    def validate(self, model):
        """Intersection over union of hair, skin and parts, and their mean, each in [0, 1]."""
        images, masks = self.validation
        shares = intersection_over_union(parsed(model, images), masks, COMPONENTS)
        return {"val_iou": float(np.nanmean(list(shares.values()))), **{f"val_iou_{name}": iou for name, iou in shares.items()}}

    def pictures(self, model):
        """Validation faces as rows: image, components found and true (hair red, skin green, parts blue)."""
        images, masks = (part[:SHOWN] for part in self.validation)
        maps = [
            np.stack([np.isin(classes, group) for group in COMPONENTS.values()], axis=-1).astype(np.uint8) * 255
            for classes in (parsed(model, images), masks)
        ]
        return np.concatenate(np.concatenate([images, *maps], axis=2), axis=0)


class FaceAttributes:
    """Faces with their attributes and ages; judged by how rightly the attributes rank held-out images."""

    score = "val_ranked_rightly"
    pictures_name = "from_serious_to_smiling"

    def __init__(self, recipe, data_dir, model):
        first, *others = recipe.sources
        training_part, validation_part = split(recipe, data_dir)
        parts = [labelled(first, data_dir, training_part), *(labelled(source, data_dir) for source in others)]
        self.training = tuple(map(np.concatenate, zip(*parts)))
        self.validation = labelled(first, data_dir, validation_part)

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        return LabelStream(*self.training, stage.batch_size, seed)

    def validate(self, model):
        """How often a face with an attribute scores above one without, in [0, 1]: mean over the attributes that can tell."""
        images, labels = self.validation
        return {"val_ranked_rightly": float(np.nanmean(ranked_rightly(told(model, images)[:, :-1], labels[:, :-1])))}

    def pictures(self, model):
        """Validation faces in a row, from the least to the most smiling."""
        images = self.validation[0][:32]
        smile = told(model, images)[:, ATTRIBUTES.index("Smiling")]
        return np.concatenate(images[np.argsort(smile)], axis=1)


class DigitReading:
    """Images of single digits and which ones they are; judged by the share that is read rightly, held-out images."""

    score = "val_accuracy"
    pictures_name = "sorted_by_digit"

    def __init__(self, recipe, data_dir, model):
        source = recipe.sources[0]
        digits = training_set(source, data_dir)
        self.training, self.validation = (
            (part.resized(*source.shape), part.labels) for part in map(digits.subset, split(recipe, data_dir))
        )

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        return LabelStream(*self.training, stage.batch_size, seed, mirror=False, coarsest=1)

    def validate(self, model):
        """Share of the digits that are read rightly, in [0, 1]."""
        images, labels = self.validation
        return {"val_accuracy": float(np.mean(np.argmax(told(model, images), axis=-1) == labels))}

    def pictures(self, model):
        """Validation digits in a row, in the order of what they are read as."""
        images = self.validation[0][:32]
        return np.concatenate(images[np.argsort(np.argmax(told(model, images), axis=-1))], axis=1)


TASKS = {
    "super-resolution": SuperResolution,
    "degradation": Degradation,
    "face parsing": FaceParsing,
    "face attributes": FaceAttributes,
    "digit reading": DigitReading,
}


def labelled(source, data_dir, indices=slice(None)):
    """Decoded images of a source's training part and their labels, uint8 (N, size, size, 3) and float32 (N, 41)."""
    images, readable = readable_of(training_set(source, data_dir).subset(indices), source.size)
    return images, labels_of(readable)


def masked(source, data_dir, indices):
    """Decoded images of a source's training part, uint8 (N, size, size, 3), and their masks as classes, (N, size, size)."""
    images, readable = readable_of(training_set(source, data_dir).subset(indices), source.size)
    return images, masks_of(readable, source.size)


def readable_of(image_set, size):
    """The decoded images of an image set, and the set of those alone that could be decoded; the others are named."""
    images, skipped = decoded(image_set, size)
    unreadable = {image_set.root / name for name in skipped}
    for file in sorted(unreadable):
        tell_left_out(file)
    return images, image_set.subset([file not in unreadable for file in image_set.files]) if unreadable else image_set


@functools.cache  # each stage looks anew
def tell_left_out(file):
    print(os.fsencode(f"facesr: {file}: left out, it cannot be read as a picture").decode(errors="replace"), file=sys.stderr)


def told(model, images):
    """The model's answers to uint8 (N, H, W, 3): float32 (N, ...)."""
    return np.concatenate(list(in_batches(model, images, 64)))


def in_batches(model, images, batch_size):
    """The same, one batch after the other."""
    for start in range(0, len(images), batch_size):
        with backend.no_gradients():  # `predict` would give the answers of each replica that the model trains on
            answers = keras.ops.convert_to_numpy(model(to_unit(images[start : start + batch_size])))
        yield answers


def masks_of(image_set, size):
    """The masks of an image set as classes, uint8 (N, size, size), by nearest neighbour."""
    masks = [Image.fromarray(read_picture(file, levels=True).rgb[..., 0]) for file in image_set.masks]
    return np.stack([np.asarray(mask.resize((size, size), Image.Resampling.NEAREST)) for mask in masks])


def parsed(model, images):
    """The most probable class of each pixel of uint8 (N, H, W, 3): integer (N, H, W)."""
    return np.concatenate([np.argmax(logits, axis=-1) for logits in in_batches(model, images, 8)])


def degradation(name, scale, seed):
    """What makes LR images of HR ones for a ``PairStream``, of ``Recipe.degradation``; None of "bicubic".

    "blind" and the preset of a ``StyleVAE`` give ``VARIANTS`` of each image.
    """
    if name == "bicubic":
        return None
    if name == ALIASED:
        return lambda images: [degrade(images, scale, antialias=False)]
    if name == "blind":
        rng = np.random.default_rng(seed)
        return lambda images: [np.stack([blind(image, scale, rng) for image in images]) for _ in range(VARIANTS)]
    painter = presets.load(name)
    if painter.scale != scale:
        raise TrainingError(f"{name} reduces {painter.scale} times, the network enlarges {scale} times")

    def painted(images, style_seed):
        parts = [to_unit(images[part]) for part in passes(images)]
        return np.concatenate([to_uint8(painter.degrade(part, seed=style_seed + k)) for k, part in enumerate(parts)])

    return lambda images: [painted(images, (seed * VARIANTS + k) * 10_000) for k in range(VARIANTS)]


def training_set(source, data_dir):
    """The training part of a source: an ``ImageSet``, or an ``ArraySet`` of digits."""
    return open_dataset(Path(data_dir) / source.folder, split="train", kind=source.kind)


def square_of(source):
    """Where a source's mean face is cut from its pictures, (left, top, side) as shares of their side."""
    return square(source.framing, within=source.kind)


def images_of(source, data_dir, indices=slice(None)):
    """Images of a source's training part, uint8 (N, height, width, 3); of one with a framing, what its faces are cut from."""
    images = training_set(source, data_dir).subset(indices)
    if isinstance(images, ArraySet):
        return images.resized(*source.shape)
    return readable_of(images, source.decoded_size)[0]


def training_files(recipe, data_dir):
    """Names of the images that a recipe's streams count, in their order; digits in memory have numbers."""
    training_part, _ = split(recipe, data_dir)
    names = []
    for source, part in zip(recipe.sources, [training_part, *[slice(None)] * (len(recipe.sources) - 1)]):
        images = training_set(source, data_dir).subset(part)
        if isinstance(images, ArraySet):
            names += [f"{source.kind} {index}" for index in range(len(images))]
        else:
            names += map(str, readable_of(images, source.decoded_size)[1].files)
    return names


def data_description(recipe, data_dir):
    """What a run's data is, source by source: its images' number, and a hash of their names and sizes or of themselves."""
    described = []
    for source in recipe.sources:
        images = training_set(source, data_dir)
        digest = hashlib.sha256()
        if isinstance(images, ArraySet):
            digest.update(images.images.tobytes() + images.labels.tobytes())
        else:
            for file in images.files:
                size = file.stat().st_size if file.exists() else None
                digest.update(os.fsencode(f"{file.relative_to(images.root)} {size}\n"))
        described.append({"folder": source.folder, "kind": source.kind, "images": len(images), "sha256": digest.hexdigest()})
    return described


def split(recipe, data_dir, source=None):
    """Indices of a source's training and validation images, by default the first one's; the latter are never trained on."""
    count = len(training_set(source or recipe.sources[0], data_dir))
    order = np.random.default_rng(recipe.seed).permutation(count)
    held_out = min(recipe.validation_images, count // 5)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def answer(model, lr):
    """The output that the phase in training improves, float32 NumPy in [0, 1]."""
    with backend.no_gradients():
        return keras.ops.convert_to_numpy(model.validation_answer(keras.ops.convert_to_tensor(lr)))


def prepared(model, lr):
    """``model.prepare`` on whole 8-bit images, in passes, back to 8 bits."""
    with backend.no_gradients():
        blocks = [to_uint8(model.prepare(keras.ops.convert_to_tensor(to_unit(lr[part])))) for part in passes(lr)]
    return np.concatenate(blocks)
