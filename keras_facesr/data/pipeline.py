"""Batches for training, reproducible at any step."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
from PIL import Image

from keras_facesr.data.degrade import degrade
from keras_facesr.data.framing import cut
from keras_facesr.data.images import to_unit
from keras_facesr.errors import DatasetError

AHEAD = 4  # batches prepared while the network works

# What augmentation makes of an image's first two axes: itself, its mirror image, upside down, and three rotations.
TRANSFORMATIONS = (
    lambda image: image,
    lambda image: image[:, ::-1],
    lambda image: image[::-1],
    lambda image: np.rot90(image, 1),
    lambda image: np.rot90(image, 2),
    lambda image: np.rot90(image, 3),
)
AUGMENTATIONS = {None: 1, "mirror": 2, "six": 6}  # one of so many transformations is drawn
JITTER = 0.1  # share of a square's side by which it grows or shrinks at most; its centre moves by at most half of that


class Stream:
    """An endless stream of batches that is a pure function of `seed` and the step.

    The order of the images depends on (seed, epoch), everything else that is random on (seed, epoch, step). So a run that is
    resumed at any step sees the batches that it would have seen. The last, incomplete batch of an epoch is left out.

    Args:
        count: images in an epoch.
        batch_size: images in a batch, at most `count`.
        seed: non-negative integer.

    Raises:
        DatasetError: there are fewer images than a batch holds.
    """

    def __init__(self, count, batch_size, seed=0):
        if not 1 <= batch_size <= count:
            raise DatasetError(f"{count} images make no batch of {batch_size}: give more images, or choose a smaller batch")
        self.count, self.batch_size, self.seed = count, batch_size, seed
        self._shuffled = (None, None)  # the latest epoch and its order

    @property
    def steps_per_epoch(self):
        return self.count // self.batch_size

    def batch(self, step):
        """The batch of one step, counted from 0 over all epochs: a tuple of arrays."""
        epoch, place = divmod(int(step), self.steps_per_epoch)
        chance = np.random.default_rng((self.seed, epoch, place + 1))  # + 1: NumPy ignores zeros at the end
        return self.draw(self.chosen(step), chance)

    def chosen(self, step):
        """Indices of the images in the batch of one step."""
        epoch, place = divmod(int(step), self.steps_per_epoch)
        return self._order(epoch)[place * self.batch_size : (place + 1) * self.batch_size]

    def draw(self, chosen, chance):
        """The arrays for the images at the indices `chosen`, augmented by random numbers from the generator `chance`."""
        raise NotImplementedError

    def as_dataset(self, first_step=0, steps=None):
        """The `steps` batches (default: one epoch) from `first_step` on, prepared ahead in the background.

        Returns:
            `tf.data.Dataset` on the TensorFlow backend, otherwise a generator of NumPy batches; for `fit`.
        """
        import keras

        steps = range(first_step, first_step + (self.steps_per_epoch if steps is None else steps))
        return self._tf_dataset(steps) if keras.backend.backend() == "tensorflow" else self._generator(steps)

    def _order(self, epoch):
        latest, order = self._shuffled
        if latest != epoch:
            order = np.random.default_rng((self.seed, epoch)).permutation(self.count)
            self._shuffled = (epoch, order)
        return order

    def _tf_dataset(self, steps):
        import tensorflow as tf

        first = self.batch(steps.start)
        types = tuple(array.dtype for array in first)

        def load(step):
            arrays = tf.numpy_function(self.batch, [step], types, stateful=False)
            return tuple(tf.ensure_shape(array, like.shape) for array, like in zip(arrays, first))

        return tf.data.Dataset.range(steps.start, steps.stop).map(load).prefetch(AHEAD)

    def _generator(self, steps):
        steps = iter(steps)
        with ThreadPoolExecutor(1) as worker:
            ahead = deque(worker.submit(self.batch, step) for step in islice(steps, AHEAD))
            while ahead:
                ready = ahead.popleft().result()
                ahead.extend(worker.submit(self.batch, step) for step in islice(steps, 1))
                yield ready


class PairStream(Stream):
    """(lr, hr) batches, float32 NHWC in [0, 1], (B, h, w, 3) and (B, h * scale, w * scale, 3).

    All LR images are made before the first batch, from whole HR images, and kept in 8 bits. A crop cuts both at the same
    place, on the LR grid.

    Args:
        hr: uint8 (N, H, W, 3), an array or a memory map; H and W are multiples of `scale`. For crops also a list of such
            arrays, of several sizes.
        scale: factor between LR and HR.
        batch_size, seed: see `Stream`.
        augmentation: None; "mirror" (left to right, with probability 1/2); or "six" (at random the image itself, one of its
            two mirror images or of three rotations; CAGFace, section 4.3).
        crop: side of random square HR crops in pixels, a multiple of `scale`; None = whole images.
        degrades: function from HR images uint8 (N, H, W, 3) to a list of LR images, arrays uint8 (N, h, w, 3); if the list
            has several, one is drawn for each pair. None = antialiased bicubic (`degrade.degrade`).
        prepare: function from whole LR images uint8 (N, h, w, 3) to network inputs uint8 (N, h, w, C), applied before
            crops are cut; None = the images themselves.

    Raises:
        DatasetError: there are fewer images than a batch holds, a crop does not fit, or there are several sizes without a crop.
        FacesrError: H or W is not a multiple of `scale`.
    """

    def __init__(self, hr, scale, batch_size, seed=0, augmentation="mirror", crop=None, degrades=None, prepare=None):
        hr = hr if isinstance(hr, list) else [hr]
        super().__init__(sum(map(len, hr)), batch_size, seed)
        side = min(size for images in hr for size in images.shape[1:3])
        if crop is not None and (crop < 1 or crop % scale or crop > side):
            raise DatasetError(f"no crop of {crop} pixels: it must be a multiple of {scale}, at most {side}")
        if crop is None and len({images.shape[1:3] for images in hr}) > 1:
            raise DatasetError("images of several sizes make no batch: choose a crop")
        self.scale, self.crop = scale, crop
        self.transformations = TRANSFORMATIONS[: AUGMENTATIONS[augmentation]]
        degrades, prepare = degrades or (lambda images: [degrade(images, scale)]), prepare or (lambda lr: lr)
        self.sets = [([prepare(lr) for lr in degrades(images)], images) for images in hr]
        self._ends = np.cumsum([len(images) for images in hr])

    def draw(self, chosen, chance):
        pairs = [self._pair(index, chance) for index in chosen]
        if self.crop:
            pairs = [self._cropped(*pair, chance) for pair in pairs]
        kinds = (chance.random(len(pairs)) * len(self.transformations)).astype(int)
        pairs = [[self.transformations[kind](image) for image in pair] for kind, pair in zip(kinds, pairs)]
        return tuple(to_unit(np.stack(images)) for images in zip(*pairs))

    def images(self, indices):
        """Whole images of the first set, neither shuffled nor turned, for validation: (lr, hr) as `batch` gives them."""
        (lr, *_), hr = self.sets[0]
        return to_unit(lr[indices]), to_unit(hr[indices])

    def _pair(self, index, chance):
        which = int(np.searchsorted(self._ends, index, side="right"))
        (lr, *others), hr = self.sets[which]
        if others:
            lr = (lr, *others)[chance.integers(1 + len(others))]
        return lr[index - self._ends[which]], hr[index - self._ends[which]]  # counted from the set's end

    def _cropped(self, lr, hr, chance):
        side = self.crop // self.scale
        top, left = (int(chance.integers(size - side + 1)) for size in lr.shape[:2])
        return tuple(
            image[top * unit : (top + side) * unit, left * unit : (left + side) * unit]
            for image, unit in ((lr, 1), (hr, self.scale))
        )


class FaceStream(Stream):
    """(lr, hr) batches of faces that are cut again each time: float32 in [0, 1], (B, h, w, 3) and (B, S, S, 3).

    A face's square is cut and resampled to S pixels in one step. At random the square is larger or smaller by up to `jitter`
    and shifted by up to half of that, but never beyond the picture, and half of the faces are mirrored. LR faces are made by
    antialiased bicubic (`degrade.degrade`).

    Args:
        pictures: list of arrays uint8 (N, P, P, 3) of squares with a face in each; P may differ between arrays.
        squares: for each array, the (left, top, side) of its faces, as shares of P.
        size: S, a multiple of `scale`.
        scale: factor between LR and HR.
        batch_size, seed: see `Stream`.
        jitter: share of a square's side; 0 cuts all faces exactly by `squares`, and mirrors none.
    """

    def __init__(self, pictures, squares, size, scale, batch_size, seed=0, jitter=JITTER):
        super().__init__(sum(map(len, pictures)), batch_size, seed)
        self.pictures, self.squares, self.size, self.scale, self.jitter = pictures, squares, size, scale, jitter
        self._ends = np.cumsum([len(images) for images in pictures])

    def draw(self, chosen, chance):
        hr = np.stack([self._face(index, chance) for index in chosen])
        return to_unit(degrade(hr, self.scale)), to_unit(hr)

    def _face(self, index, chance):
        which = int(np.searchsorted(self._ends, index, side="right"))
        left, top, side = self.squares[which]
        growth, *shifts = chance.uniform(-self.jitter, self.jitter, size=3)
        grown = min(side * (1.0 + growth), 1.0)
        moved = [place + (side - grown + side * shift) / 2.0 for place, shift in zip((left, top), shifts)]
        corner = [min(max(place, 0.0), 1.0 - grown) for place in moved]
        face = cut(self.pictures[which][index - self._ends[which]], (*corner, grown), self.size)  # counted from the array's end
        return face[:, ::-1] if self.jitter and chance.random() < 0.5 else face


class UnpairedStream(Stream):
    """(other, image) batches of unpaired images, each mirrored with probability 1/2: float32 in [0, 1].

    Args:
        others: uint8 (M, h, w, 3), drawn at random.
        images: uint8 (N, H, W, 3), each once in an epoch.
        batch_size, seed: see `Stream`.
    """

    def __init__(self, others, images, batch_size, seed=0):
        super().__init__(len(images), batch_size, seed)
        self.others, self.images = others, images

    def draw(self, chosen, chance):
        drawn = chance.integers(len(self.others), size=len(chosen))
        parts = [self.others[index] for index in drawn], [self.images[index] for index in chosen]
        return tuple(
            to_unit(np.stack([image[:, ::-1] if chance.random() < 0.5 else image for image in part])) for part in parts
        )


class MaskStream(Stream):
    """(image, mask) batches: float32 (B, S, S, 3) in [0, 1] and the class of each pixel, int32 (B, S, S).

    At random, an image is mirrored, and its left and right parts are exchanged in the mask; a square of 0.6 to 1 of its side
    is cut out and resized to S; and half of the images are reduced, by a factor of up to `coarsest`, and enlarged again, as a
    network for small faces will see such images.

    Args:
        images: uint8 (N, S, S, 3).
        masks: uint8 (N, S, S).
        batch_size, seed: see `Stream`.
        mirrored_class: for each class, the class of its mirror image; a permutation.
        coarsest: largest factor of the reduction.
    """

    def __init__(self, images, masks, batch_size, seed=0, mirrored_class=None, coarsest=4):
        super().__init__(len(images), batch_size, seed)
        self.pairs = images, masks
        self.mirrored_class, self.coarsest = np.asarray(mirrored_class), coarsest

    def draw(self, chosen, chance):
        pairs = [self._turned(self.pairs[0][index], self.pairs[1][index], chance) for index in chosen]
        images, masks = zip(*pairs)
        return to_unit(np.stack(images)), np.stack(masks).astype(np.int32)

    def _turned(self, image, mask, chance):
        side = len(image)
        cut = int(side * chance.uniform(0.6, 1.0))
        top, left = chance.integers(side - cut + 1, size=2)
        box = (int(left), int(top), int(left) + cut, int(top) + cut)
        image = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC, box=box)
        mask = np.asarray(Image.fromarray(mask).resize((side, side), Image.Resampling.NEAREST, box=box))
        image = np.asarray(_coarsened(image, self.coarsest, chance))
        if chance.random() < 0.5:
            image, mask = image[:, ::-1], self.mirrored_class[mask[:, ::-1]]
        return image, mask


class LabelStream(Stream):
    """(image, labels) batches: float32 (B, H, W, 3) in [0, 1], and the labels of each image.

    Args:
        images: uint8 (N, H, W, 3).
        labels: (N, ...).
        batch_size, seed: see `Stream`.
        mirror: whether images are mirrored with probability 1/2.
        coarsest: half of the images, at random, are reduced by a factor of up to `coarsest` and enlarged again, for networks
            that will judge enlarged images; 1 for none.
    """

    def __init__(self, images, labels, batch_size, seed=0, mirror=True, coarsest=4):
        super().__init__(len(images), batch_size, seed)
        self.images, self.labels, self.mirrored, self.coarsest = images, labels, 0.5 * mirror, coarsest

    def draw(self, chosen, chance):
        images = [_coarsened(Image.fromarray(self.images[index]), self.coarsest, chance) for index in chosen]
        images = [image[:, ::-1] if chance.random() < self.mirrored else image for image in map(np.asarray, images)]
        return to_unit(np.stack(images)), self.labels[chosen]


def _coarsened(image, coarsest, chance):
    """The Pillow image; with probability 1/2 reduced by a random factor and enlarged again."""
    if chance.random() < 0.5:
        return image
    factor = chance.uniform(1.0, coarsest)
    small = [max(1, round(side / factor)) for side in image.size]
    return image.resize(small, Image.Resampling.BICUBIC).resize(image.size, Image.Resampling.BILINEAR)
