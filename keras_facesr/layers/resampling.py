"""Changing the size of a feature map or an image by a whole factor, with operations that every export format has."""

import math

import keras
import numpy as np
from keras import ops

from keras_facesr.data.degrade import cubic_kernel
from keras_facesr.layers.blocks import ConvBlock, activating, conv


@keras.saving.register_keras_serializable("keras_facesr")
class PixelShuffle(keras.layers.Layer):
    """Rearranges factor^2 * C channels into an image ``factor`` times as high and wide (Shi et al., 2016)."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x if self.factor == 1 else ops.depth_to_space(x, self.factor)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grow = lambda size: None if size is None else size * self.factor  # noqa: E731
        return (batch, grow(height), grow(width), channels // self.factor**2)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("keras_facesr")
class PixelUnshuffle(PixelShuffle):
    """The way back: (N, H, W, C) to (N, H / factor, W / factor, factor^2 * C). H and W are multiples of ``factor``."""

    def call(self, x):
        return x if self.factor == 1 else ops.space_to_depth(x, self.factor)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        shrink = lambda size: None if size is None else size // self.factor  # noqa: E731
        return (batch, shrink(height), shrink(width), channels * self.factor**2)


@keras.saving.register_keras_serializable("keras_facesr")
class NearestEnlargement(PixelShuffle):
    """Each pixel becomes a square of ``factor`` x ``factor`` pixels: a pixel shuffle of factor^2 copies of the maps.

    Keras' own layer loses the number of channels when it is exported to TFLite.
    """

    def call(self, x):
        return super().call(ops.concatenate([x] * self.factor**2, axis=-1))

    def compute_output_shape(self, input_shape):
        channels = input_shape[-1] * self.factor**2
        return super().compute_output_shape((*input_shape[:-1], channels))


def doubling_count(scale, besides=""):
    """How many doublings make ``scale``; ValueError, which tells what is taken ``besides``, if it is no power of two."""
    if scale < 2 or scale & (scale - 1):
        raise ValueError(f"scale is {scale}: it must be a power of two, above 1{besides}")
    return int(math.log2(scale))


def pixel_shuffles(channels, scale, activation=None, dtype=None):
    """Layers that enlarge maps (N, H, W, channels) ``scale`` times: a convolution and a pixel shuffle for each doubling.

    For a scale of 3 it is one of each; any other that is no power of two raises ValueError. ``activation`` follows each of
    them (``blocks.activating``).
    """
    stack = []
    for factor in [3] if scale == 3 else [2] * doubling_count(scale, besides=", or 3"):
        stack += [conv(factor**2 * channels, dtype=dtype), PixelShuffle(factor, dtype=dtype)]
        stack += [activating(activation, dtype=dtype)] if activation else []
    return stack


def nearest_doublings(channels, scale, activation, dtype=None):
    """The same by nearest-neighbour enlargement, each followed by a convolution, which avoids checkerboard patterns."""
    stack = []
    for _ in range(doubling_count(scale)):
        stack += [NearestEnlargement(2, dtype=dtype), ConvBlock(channels, 1, None, activation, dtype=dtype)]
    return stack


def filtered(images, taps, padding):
    """Convolve each channel of images (N, H, W, C) with the same ``taps``, down the columns, then along the rows."""
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        kernel = np.tile(taps.reshape(shape), (1, 1, images.shape[-1], 1)).astype("float32")
        images = ops.depthwise_conv(images, ops.convert_to_tensor(kernel, dtype=images.dtype), padding=padding)
    return images


def polyphase_bicubic(factor):
    """The 5x5 kernels (5, 5, 1, factor^2) that give each of the ``factor``^2 output pixels of one input pixel."""
    centres = (np.arange(factor) + 0.5) / factor - 0.5  # of the output pixels, relative to the input pixel's centre
    taps = cubic_kernel(np.arange(-2, 3)[:, None] - centres[None, :])  # (5, factor)
    kernel = taps[:, None, :, None] * taps[None, :, None, :]  # (5, 5, factor, factor): rows, columns, row, column
    return kernel.reshape(5, 5, 1, factor**2).astype("float32")


@keras.saving.register_keras_serializable("keras_facesr")
class BicubicEnlargement(keras.layers.Layer):
    """Enlarges images (N, H, W, C) ``factor`` times as Pillow's bicubic does, its borders included, without rounding.

    It is one convolution with fixed kernels and a pixel shuffle, so every runtime computes the same. Pillow cuts the
    kernel at the border and scales the rest to a sum of one; dividing by the enlargement of ones does the same.
    """

    def __init__(self, factor, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.factor = factor

    def call(self, images):
        batch, height, width, channels = ops.shape(images)
        planes = ops.reshape(ops.transpose(images, (0, 3, 1, 2)), (-1, height, width, 1))
        enlarged = self._enlarge(planes) / self._enlarge(ops.ones_like(planes[:1]))
        enlarged = ops.reshape(enlarged, (-1, channels, height * self.factor, width * self.factor))
        return ops.transpose(enlarged, (0, 2, 3, 1))

    def _enlarge(self, planes):
        kernel = ops.convert_to_tensor(polyphase_bicubic(self.factor), dtype=planes.dtype)
        return ops.depth_to_space(ops.conv(planes, kernel, padding="same"), self.factor)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grow = lambda size: None if size is None else size * self.factor  # noqa: E731
        return (batch, grow(height), grow(width), channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("keras_facesr")
class BicubicReduction(keras.layers.Layer):
    """Reduces images (N, H, W, C) by a whole factor as Pillow's antialiased bicubic does, without rounding.

    H and W are multiples of ``factor``.
    """

    def __init__(self, factor, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.factor = factor

    def call(self, images):
        return self._reduce(images) / self._reduce(ops.ones_like(images[:1, :, :, :1]))

    def _reduce(self, images):
        reach = 2 * self.factor  # of the kernel, which is widened by the factor, from an output pixel's centre
        taps = cubic_kernel((np.arange(-reach, reach + self.factor % 2) + 0.5 * (1 - self.factor % 2)) / self.factor)
        before = reach - self.factor // 2
        after = len(taps) - self.factor - before
        images = ops.pad(images, ((0, 0), (before, after), (before, after), (0, 0)))
        return filtered(images, taps / taps.sum(), "valid")[:, :: self.factor, :: self.factor]

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        shrink = lambda size: None if size is None else size // self.factor  # noqa: E731
        return (batch, shrink(height), shrink(width), channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
