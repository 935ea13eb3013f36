"""The images of a recipe's sources, for training and for validation, with their names, labels and masks."""

import functools
import hashlib
import os
import sys

import numpy as np
from PIL import Image

from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import MASK_CLASSES, open_dataset
from keras_facesr.data.degrade import centre_square
from keras_facesr.data.framing import square
from keras_facesr.data.images import read_picture
from keras_facesr.data.layouts import existing
from keras_facesr.data.sets import ArraySet
from keras_facesr.errors import DatasetError

HELD_OUT = 5  # of so many training images at most one is held out for validation


def split(recipe, data_dir, source=None):
    """Indices of a source's training and validation images, by default of the first source; the latter are held out.

    Raises:
        DatasetError: there are so few images that none can be held out.
    """
    count = len(training_set(source or recipe.sources[0], data_dir))
    order = np.random.default_rng(recipe.seed).permutation(count)
    held_out = min(recipe.validation_images, count // HELD_OUT)
    if count < HELD_OUT:
        raise DatasetError(f"{data_dir}: {count} images are too few, give at least {HELD_OUT}: one is held out for validation")
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def training_parts(recipe, data_dir, stage):
    """Each source of a stage with the indices of what it trains on: all but files that are held out, at whatever size."""
    judged = recipe.sources[0]
    training_part, _ = split(recipe, data_dir)
    sources = stage.sources or recipe.sources
    same = [(source.kind, source.folder) == (judged.kind, judged.folder) for source in sources]
    return [(source, training_part if it else slice(None)) for source, it in zip(sources, same)]


def check_largest_batch(recipe, data_dir):
    """DatasetError if there are too few images for it: when a run begins, not when it has trained the stages before."""
    stage = max(recipe.stages, key=lambda stage: stage.batch_size)
    parts = training_parts(recipe, data_dir, stage)
    count = sum(source.times * len(training_set(source, data_dir).subset(part)) for source, part in parts)
    if count < stage.batch_size:
        raise DatasetError(f"{data_dir}: {count} images make no batch of {stage.batch_size}, beside those held out; give more")


def training_set(source, data_dir):
    """The training part of a source: an ``ImageSet``, or an ``ArraySet`` of digits."""
    return open_dataset(existing(data_dir, source.kind) / source.folder, split="train", kind=source.kind)


def square_of(source):
    """The square that a source's faces are cut from its pictures, (left, top, side) as shares of their side."""
    return square(source.framing, within=source.kind)


def images_of(source, data_dir, indices=slice(None)):
    """Images of a source's training part, uint8 (N, height, width, 3); with a framing, the pictures to cut faces from."""
    images = training_set(source, data_dir).subset(indices)
    if isinstance(images, ArraySet):
        return images.resized(*source.shape)
    return readable_of(images, source.decoded_size)[0]


def labelled(source, data_dir, indices=slice(None)):
    """Decoded images of a source's training part and their labels, uint8 (N, size, size, 3) and float32 (N, 41)."""
    from keras_facesr.models.face_features import labels_of  # brings Keras, which a table's name is looked up without

    images, readable = readable_of(training_set(source, data_dir).subset(indices), source.size)
    return images, labels_of(readable)


def masked(source, data_dir, indices):
    """Decoded images of a source's training part, uint8 (N, size, size, 3), and their masks as classes, (N, size, size)."""
    images, readable = readable_of(training_set(source, data_dir).subset(indices), source.size)
    return images, masks_of(readable, source.size)


def masks_of(image_set, size):
    """The masks of an image set as classes, uint8 (N, size, size), cut to a square as their images are.

    Raises:
        DatasetError: a value in a mask is no class.
    """
    return np.stack([_mask(file, size) for file in image_set.masks])


def _mask(file, size):
    classes = read_picture(file, levels=True).rgb[..., 0]
    if (most := classes.max()) >= len(MASK_CLASSES):
        raise DatasetError(f"{file}: has the value {most}, and classes are 0 to {len(MASK_CLASSES) - 1}")
    middle = Image.fromarray(np.ascontiguousarray(centre_square(classes)))
    return np.asarray(middle.resize((size, size), Image.Resampling.NEAREST))


def readable_of(image_set, size):
    """The decoded images of an image set, and the set without the files that cannot be read; these are named on stderr."""
    images, skipped = decoded(image_set, size)
    unreadable = {image_set.root / name for name in skipped}
    for file in sorted(unreadable):
        tell_left_out(file)
    return images, image_set.subset([file not in unreadable for file in image_set.files]) if unreadable else image_set


@functools.cache  # each stage reads the set again, but a file is named once
def tell_left_out(file):
    print(os.fsencode(f"facesr: {file}: left out, it cannot be read as a picture").decode(errors="replace"), file=sys.stderr)


def training_files(recipe, data_dir, stage):
    """Names of the images of a stage's stream, in the order of their indices; digits in memory have numbers."""
    names = []
    for source, part in training_parts(recipe, data_dir, stage):
        images = training_set(source, data_dir).subset(part)
        if isinstance(images, ArraySet):
            names += [f"{source.kind} {index}" for index in range(len(images))] * source.times
        else:
            names += [*map(str, readable_of(images, source.decoded_size)[1].files)] * source.times
    return names


def data_description(recipe, data_dir):
    """A run's data by folder: the number of images, and a hash of the files' names and sizes, or of the digits themselves."""
    described = []
    for source in {(source.folder, source.kind): source for source in recipe.all_sources}.values():  # whatever its sizes
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
