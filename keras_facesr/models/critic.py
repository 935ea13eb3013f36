"""The critics of adversarial training."""

import keras
from keras import layers, ops

from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, conv
from keras_facesr.layers.normalization import SpectralConv
from keras_facesr.layers.resampling import NearestEnlargement, PixelUnshuffle
from keras_facesr.objectives.grid import detail


def with_detail(images, gain):
    """Images (N, H, W, 3) and, as three more channels, their detail, what the mean of 5x5 pixels leaves, ``gain`` times.

    In that true and soft images differ, and in few levels: without it a critic of large images hardly begins to learn.
    """
    return ops.concatenate([images, gain * detail(images)], axis=-1)


class StackedCritic(layers.Layer):
    """Base of critics: images (N, H, W, 3) in [-1, 1] of the one size that it was built for -> scores (N, 1), not activated.

    A subclass builds its ``stack`` of layers in its constructor; ``ARGUMENTS`` are the constructor's, kept under their names.
    """

    ARGUMENTS = ()

    def build(self, input_shape):
        self.stack.build(input_shape)

    def call(self, images):
        return self.stack(ops.convert_to_tensor(images))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1)

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in self.ARGUMENTS}}


@keras.saving.register_keras_serializable("keras_facesr")
class Critic(StackedCritic):
    """SRGAN's discriminator (Ledig et al., figure 4): convolutions that double their channels after each halving.

    Each image is normalised for itself, since the gradient penalty is one of single images.

    Args:
        convolutions: number of 3x3 convolutions; every second one halves the size (VarSR has 5 for digits).
        channels: width of the first two.
        hidden: units of the dense layer before the score.
    """

    ARGUMENTS = ("convolutions", "channels", "hidden")

    def __init__(self, convolutions=8, channels=64, hidden=1024, **kwargs):
        super().__init__(**kwargs)
        self.convolutions, self.channels, self.hidden = convolutions, channels, hidden
        dtype = self.dtype_policy
        blocks = [
            ConvBlock(channels * 2 ** (k // 2), 1 + k % 2, "instance" if k else None, "leaky_relu", dtype=dtype)
            for k in range(convolutions)
        ]
        head = [layers.Dense(hidden, dtype=dtype), layers.LeakyReLU(0.2, dtype=dtype), layers.Dense(1, dtype="float32")]
        self.stack = keras.Sequential([*blocks, layers.Flatten(dtype=dtype), *head])


@keras.saving.register_keras_serializable("keras_facesr")
class ResidualCritic(StackedCritic):
    """A critic without normalisation, whose residual blocks start as the identity: for penalties of its slope at the images.

    In kind as R3GAN's (Huang et al., 2024), with plain 3x3 convolutions.

    Args:
        halvings: how often the size is halved, by means of 2x2 pixels; a residual block comes before each and after the last.
        channels: width before the first halving; each doubles it, up to ``WIDEST`` times.
        cell: side of the cells of pixels that become the channels of one before all else. With that of a network's pixel
            shuffle, a pattern that repeats from cell to cell is one of channels, which means of 2x2 pixels do not blur.
        detail: gain of the images' detail, which it then sees beside them (``with_detail``); 0: it sees the images alone.
    """

    ARGUMENTS = ("halvings", "channels", "cell", "detail")
    WIDEST = 8

    def __init__(self, halvings=4, channels=32, cell=1, detail=0.0, **kwargs):
        super().__init__(autocast=False, **kwargs)  # small differences of images are lost in 16 bits
        self.halvings, self.channels, self.cell, self.detail = halvings, channels, cell, detail
        dtype = self.dtype_policy
        how = {"normalization": None, "activation": "leaky_relu", "dtype": dtype}
        width = channels
        stack = [PixelUnshuffle(cell, dtype=dtype), ConvBlock(width, **how), ResidualBlock(width, **how)]
        for k in range(1, halvings + 1):
            width = channels * min(2**k, self.WIDEST)
            stack += [layers.AveragePooling2D(2, dtype=dtype), conv(width, 1, dtype=dtype), ResidualBlock(width, **how)]
        head = [layers.Flatten(dtype=dtype), layers.Dense(width, dtype=dtype), layers.LeakyReLU(0.2, dtype=dtype)]
        self.stack = keras.Sequential([*stack, *head, layers.Dense(1, dtype="float32")])

    def build(self, input_shape):
        if any(side % self.cell for side in input_shape[1:3]):
            size = " x ".join(map(str, input_shape[1:3]))
            raise ValueError(f"images of {size} pixels are no whole number of cells of {self.cell}: give another critic_cell")
        super().build((*input_shape[:-1], 6) if self.detail else input_shape)

    def call(self, images):
        images = ops.convert_to_tensor(images)
        return super().call(with_detail(images, self.detail) if self.detail else images)


@keras.saving.register_keras_serializable("keras_facesr")
class UNetCritic(layers.Layer):
    """A critic of every pixel: images (N, H, W, 3) in [-1, 1] -> scores (N, H, W, 1), not activated.

    In kind as Real-ESRGAN's (Wang et al., 2021): a U-Net whose convolutions but the first and the last are normalised
    spectrally. It tells where an image is wrong, and sees what repeats from pixel to pixel, such as a grid.

    Beside the image it is shown the image's detail, ``DETAIL_GAIN`` times as strong (``with_detail``).

    Args:
        halvings: how often the size is halved, which must divide H and W so often.
        channels: width before the first halving; each doubles it.
    """

    ARGUMENTS = ("halvings", "channels")
    DETAIL_GAIN = 10.0

    def __init__(self, halvings=3, channels=64, **kwargs):
        super().__init__(autocast=False, **kwargs)  # small differences of images are lost in 16 bits
        self.halvings, self.channels = halvings, channels
        dtype = self.dtype_policy
        widths = [channels * 2**k for k in range(halvings + 1)]
        spectral = lambda width, size=3, strides=1: SpectralConv(  # noqa: E731
            width, size, strides, padding="same", dtype=dtype
        )
        self.stem = conv(channels, dtype=dtype)
        self.downs = [spectral(width, 4, 2) for width in widths[1:]]
        self.ups = [spectral(width) for width in widths[-2::-1]]
        self.enlarge = NearestEnlargement(2, dtype=dtype)
        self.activation = layers.LeakyReLU(0.2, dtype=dtype)
        self.head = [spectral(channels), spectral(channels)]
        self.score = conv(1, dtype="float32")

    def build(self, input_shape):
        if any(side and side % 2**self.halvings for side in input_shape[1:3]):
            size = " x ".join(map(str, input_shape[1:3]))
            raise ValueError(f"images of {size} pixels cannot be halved {self.halvings} times: give fewer critic_convolutions")
        self.stem.build((*input_shape[:-1], 6))
        shape = self.stem.compute_output_shape(input_shape)
        for layer in (*self.downs, *self.ups, *self.head, self.score):
            layer.build((*input_shape[:-1], shape[-1]))
            shape = layer.compute_output_shape((*input_shape[:-1], shape[-1]))

    def call(self, images):
        x = self.activation(self.stem(with_detail(ops.convert_to_tensor(images), self.DETAIL_GAIN)))
        before = []
        for down in self.downs:
            before.append(x)
            x = self.activation(down(x))
        for up in self.ups:
            x = self.activation(up(self.enlarge(x))) + before.pop()
        for layer in self.head:
            x = self.activation(layer(x))
        return self.score(x)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)

    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in self.ARGUMENTS}}
