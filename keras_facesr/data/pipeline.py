"""Batches for training, reproducible at any step."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np

from keras_facesr.data.degrade import degrade
from keras_facesr.data.framing import cut
from keras_facesr.data.images import to_unit
from keras_facesr.errors import DatasetError, check_choice, check_whole_number

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
        CallError: a number is none, or below its least value.
    """

    def __init__(self, count, batch_size, seed=0):
        check_whole_number(batch_size, "batch_size")
        check_whole_number(seed, "seed", least=0)
        if batch_size > count:
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

        A second pass over them would show the same: for several epochs, ask for the steps of all, and give `fit` its
        `steps_per_epoch`.

        Returns:
            `tf.data.Dataset` on the TensorFlow backend, otherwise a `keras.utils.PyDataset`; for `fit`.
        """
        import keras

        steps = self.steps_per_epoch if steps is None else steps
        check_whole_number(steps, "steps", least=0)
        steps = range(first_step, first_step + steps)
        return self._tf_dataset(steps) if keras.backend.backend() == "tensorflow" else self._py_dataset(steps)

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

    def _py_dataset(self, steps):
        """Batches that can be gone through again, in a second `fit` and in each epoch's validation, as a generator's cannot."""
        import keras

        worker, batch = ThreadPoolExecutor(1), self.batch

        class Batches(keras.utils.PyDataset):
            following = None  # the index whose batch `ahead` gives next

            def __len__(self):
                return len(steps)

            def __getitem__(self, index):
                step = steps[index]  # IndexError at the end
                if index != self.following:
                    self.ahead = in_order(worker, batch, range(step, steps.stop), AHEAD)
                self.following = index + 1
                return next(self.ahead)

        return Batches()


def in_order(workers, function, items, ahead):
    """Yield ``function(item)`` of each item, at most so many prepared ahead by the workers, which ``map`` would not limit."""
    items = iter(items)
    waiting = deque(workers.submit(function, item) for item in islice(items, ahead))
    try:
        while waiting:
            ready = waiting.popleft().result()
            waiting.extend(workers.submit(function, item) for item in islice(items, 1))
            yield ready
    finally:  # whoever goes through them may stop before the end
        for left in waiting:
            left.cancel()


class PairStream(Stream):
    """(lr, hr) batches, float32 NHWC in [0, 1], (B, h, w, 3) and (B, h * scale, w * scale, 3).

    All LR images are made before the first batch, from whole HR images, and kept in 8 bits. A crop cuts both at the same
    place, on the LR grid.

    Args:
        hr: uint8 (N, H, W, 3), an array or a memory map; H and W are multiples of `scale`. For crops also a list of such
            arrays, of several sizes; the images of one that is in the list k times are seen k times in an epoch.
        scale: factor between LR and HR.
        batch_size, seed: see `Stream`.
        augmentation: None; "mirror" (left to right, with probability 1/2); or "six" (at random the image itself, one of its
            two mirror images or of three rotations; CAGFace, section 4.3).
        crop: side of random square HR crops in pixels, a multiple of `scale`; None = whole images.
        degrades: function from HR images uint8 (N, H, W, 3) to a list of LR images, arrays uint8 (N, h, w, 3); if the list
            has several, one is drawn for each pair. None = antialiased bicubic (`degrade.degrade`).
        prepare: function from whole LR images uint8 (N, h, w, 3) to network inputs uint8 (N, h, w, C), applied before
            crops are cut; None = the images themselves.
        afresh: function that degrades a part of an image anew each time, `(hr, scale, chance, box=, start=)` as
            `blind.blind`. What it makes takes the place of the first three channels; only those that `prepare` has added are
            kept. None = always the same LR images.
        starts: function from HR images to a list of LR images, as `degrades`; `afresh` gets one of them as `start`, by chance.

    Raises:
        DatasetError: there are fewer images than a batch holds, a crop does not fit, whole images are of several sizes or
            would be turned and are not square, or the LR images that are made are of another number or size.
        FacesrError: H or W is not a multiple of `scale`.
        CallError: `scale` or `crop` is no whole number, or there is no such augmentation.
    """

    def __init__(
        self,
        hr,
        scale,
        batch_size,
        seed=0,
        augmentation="mirror",
        crop=None,
        degrades=None,
        prepare=None,
        afresh=None,
        starts=None,
    ):
        hr = hr if isinstance(hr, list) else [hr]
        check_levels(*hr)
        super().__init__(sum(map(len, hr)), batch_size, seed)
        check_whole_number(scale, "scale")
        check_choice(augmentation, "augmentation", AUGMENTATIONS)
        side = min(size for images in hr for size in images.shape[1:3])
        if crop is not None:
            check_whole_number(crop, "crop")
        if crop is not None and (crop % scale or crop > side):
            raise DatasetError(f"no crop of {crop} pixels: it must be a multiple of {scale}, at most {side}")
        if crop is None and len({images.shape[1:3] for images in hr}) > 1:
            raise DatasetError("images of several sizes make no batch: choose a crop")
        if crop is None and augmentation == "six" and any(len({*images.shape[1:3]}) > 1 for images in hr):
            raise DatasetError('images that are not square make no batch once some are turned: choose a crop, or "mirror"')
        self.scale, self.crop, self.afresh = scale, crop, afresh
        self.transformations = TRANSFORMATIONS[: AUGMENTATIONS[augmentation]]
        degrades, prepare = degrades or (lambda images: [degrade(images, scale)]), prepare or (lambda lr: lr)
        each = {id(images): images for images in hr}.items()
        lr = {key: [prepare(lr) for lr in degrades(images)] for key, images in each}
        self.sets = [(lr[id(images)], images) for images in hr]
        for of_one, images in self.sets:
            count, height, width, _ = images.shape
            if any(small.shape[:3] != (count, height // scale, width // scale) for small in of_one):
                wrong = f"{of_one[0].shape[:3]} is no small image for each of {images.shape[:3]}"
                raise DatasetError(f"{wrong}, (N, H, W): a side must be {scale} times as long")
        made = {key: starts(images) for key, images in each} if starts else {}
        self.starts = [made[id(images)] for images in hr] if starts else None
        self._ends = np.cumsum([len(images) for images in hr])

    def draw(self, chosen, chance):
        pairs = [self._pair(index, chance) for index in chosen]
        if self.crop or self.afresh:
            starts = [self._start(index, chance) for index in chosen]
            pairs = [self._part(*pair, start, chance) for pair, start in zip(pairs, starts)]
        kinds = (chance.random(len(pairs)) * len(self.transformations)).astype(int)
        pairs = [[self.transformations[kind](image) for image in pair] for kind, pair in zip(kinds, pairs)]
        return tuple(to_unit(np.stack(images)) for images in zip(*pairs))

    def images(self, indices):
        """Whole images of the first set, neither shuffled nor turned, for validation: (lr, hr) as `batch` gives them."""
        (lr, *_), hr = self.sets[0]
        return to_unit(lr[indices]), to_unit(hr[indices])

    def _pair(self, index, chance):
        which, place = _place(self._ends, index)
        (lr, *others), hr = self.sets[which]
        if others:
            lr = (lr, *others)[chance.integers(1 + len(others))]
        return lr[place], hr[place]

    def _start(self, index, chance):
        """One of what `starts` has made of an image, or None."""
        if self.starts is None:
            return None
        which, place = _place(self._ends, index)
        return self.starts[which][chance.integers(len(self.starts[which]))][place]

    def _part(self, lr, hr, start, chance):
        height, width = (self.crop // self.scale,) * 2 if self.crop else lr.shape[:2]
        top, left = (int(chance.integers(size - side + 1)) for size, side in zip(lr.shape, (height, width)))
        part, truth = (
            image[top * unit : (top + height) * unit, left * unit : (left + width) * unit]
            for image, unit in ((lr, 1), (hr, self.scale))
        )
        if self.afresh:
            spoilt = self.afresh(hr, self.scale, chance, box=(top, left, height, width), start=start)
            part = np.concatenate([spoilt, part[..., 3:]], axis=-1)
        return part, truth


class FaceStream(Stream):
    """(lr, hr) batches of faces that are cut again each time: float32 in [0, 1], (B, h, w, 3) and (B, S, S, 3).

    A face's square is cut and resampled to S pixels in one step. At random the square is larger or smaller by up to `jitter`
    and shifted by up to half of that, but never beyond the picture, and half of the faces are mirrored. Half of those that may
    be turned are: then the picture's border is repeated outside of it.

    Args:
        pictures: list of arrays uint8 (N, P, P, 3) of squares with a face in each; P may differ between arrays.
        squares: for each array, the (left, top, side) of its faces, as shares of P.
        size: S, a multiple of `scale`.
        scale: factor between LR and HR.
        batch_size, seed: see `Stream`.
        jitter: share of a square's side; 0 cuts all faces exactly by `squares`, and mirrors none.
        afresh: function that degrades a face, `(hr, scale, chance)` as `blind.blind`. None = antialiased bicubic
            (`degrade.degrade`).
        light: share by which the light of a face grows or shrinks at most, and so each colour's for itself.
        turns: for each array, the degrees by which its faces are turned at most; None = all upright.
    """

    def __init__(self, pictures, squares, size, scale, batch_size, seed=0, jitter=JITTER, afresh=None, light=0.0, turns=None):
        check_levels(*pictures)
        super().__init__(sum(map(len, pictures)), batch_size, seed)
        self.pictures, self.squares, self.size, self.scale = pictures, squares, size, scale
        self.jitter, self.light, self.turns = jitter, light, turns or [0.0] * len(pictures)
        self.afresh = afresh or (lambda hr, scale, chance: degrade(hr, scale))
        self._ends = np.cumsum([len(images) for images in pictures])

    def draw(self, chosen, chance):
        hr = np.stack([self._face(index, chance) for index in chosen])
        lr = np.stack([self.afresh(face, self.scale, chance) for face in hr])
        return to_unit(lr), to_unit(hr)

    def _face(self, index, chance):
        which, place = _place(self._ends, index)
        left, top, side = self.squares[which]
        growth, *shifts = chance.uniform(-self.jitter, self.jitter, size=3)
        grown = min(side * (1.0 + growth), 1.0)
        moved = [edge + (side - grown + side * shift) / 2.0 for edge, shift in zip((left, top), shifts)]
        corner = [min(max(edge, 0.0), 1.0 - grown) for edge in moved]
        face = cut(self.pictures[which][place], (*corner, grown), self.size, self._turn(which, chance))
        if self.light:
            common, *own = chance.uniform(1.0 - self.light, 1.0 + self.light, size=4)
            face = np.clip(np.rint(face * (common * np.array(own))), 0, 255).astype(np.uint8)
        return face[:, ::-1] if self.jitter and chance.random() < 0.5 else face

    def _turn(self, which, chance):
        most = self.turns[which]
        return chance.uniform(-most, most) if most and chance.random() < 0.5 else 0.0


def check_levels(*sets):
    """DatasetError unless each is an array of 8-bit images: floats in [0, 1] would be divided by 255, too."""
    if not all(np.ndim(images) == 4 and images.dtype == np.uint8 for images in sets):
        raise DatasetError("images for a stream are uint8 (N, H, W, 3): data.cache.decoded makes them of a folder")


def _place(ends, index):
    """Which of several sets an image is in, and its place there, counted from the set's end."""
    which = int(np.searchsorted(ends, index, side="right"))
    return which, index - ends[which]


class UnpairedStream(Stream):
    """(other, image) batches of unpaired images, each mirrored with probability 1/2: float32 in [0, 1].

    Args:
        others: uint8 (M, h, w, 3), drawn at random.
        images: uint8 (N, H, W, 3), each once in an epoch.
        batch_size, seed: see `Stream`.
    """

    def __init__(self, others, images, batch_size, seed=0):
        check_levels(others, images)
        super().__init__(len(images), batch_size, seed)
        self.others, self.images = others, images

    def draw(self, chosen, chance):
        drawn = chance.integers(len(self.others), size=len(chosen))
        parts = [self.others[index] for index in drawn], [self.images[index] for index in chosen]
        return tuple(
            to_unit(np.stack([image[:, ::-1] if chance.random() < 0.5 else image for image in part])) for part in parts
        )
