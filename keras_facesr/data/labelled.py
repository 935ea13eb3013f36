"""Batches of images with what they show: the class of each pixel, or labels."""

import numpy as np
from PIL import Image

from keras_facesr.data.images import to_unit
from keras_facesr.data.pipeline import Stream, check_levels


class MaskStream(Stream):
    """(image, mask) batches: float32 (B, S, S, 3) in [0, 1] and the class of each pixel, int32 (B, S, S).

    At random, an image is mirrored, and its left and right parts are exchanged in the mask; a square of 0.6 to 1 of its side
    is cut out and resized to S; and half of the images are reduced, by a factor of up to `coarsest`, and enlarged again, as a
    network for small faces will see such images.

    Args:
        images: uint8 (N, S, S, 3).
        masks: uint8 (N, S, S).
        batch_size: see `Stream`.
        mirrored_class: for each class, the class of its mirror image; a permutation.
        seed: see `Stream`.
        coarsest: largest factor of the reduction.
    """

    def __init__(self, images, masks, batch_size, mirrored_class, seed=0, coarsest=4):
        check_levels(images)
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
        check_levels(images)
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
