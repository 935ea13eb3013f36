"""SRResNet: residual blocks at the input's size, then pixel shuffles."""

import keras

from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, batch_normalization, conv
from keras_facesr.layers.resampling import pixel_shuffles
from keras_facesr.models.base import SubPixelSR


@keras.saving.register_keras_serializable("keras_facesr")
class SRResNet(SubPixelSR):
    """The generator of SRGAN, trained by mean squared error alone.

    Args:
        scale: enlargement, a power of two, by one pixel shuffle per doubling, or 3.
        channels: width (the paper's 64).
        blocks: residual blocks (the paper's 16).
    """

    ARGUMENTS = ("channels", "blocks")
    paper = "Ledig et al.: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network (2017)"

    def __init__(self, scale=4, channels=64, blocks=16, **kwargs):
        super().__init__(scale, **kwargs)
        self.channels, self.blocks = channels, blocks
        dtype = self.dtype_policy
        self.stem = ConvBlock(channels, normalization=None, activation="prelu", kernel_size=9, name="stem", dtype=dtype)
        self.body = keras.Sequential(
            [
                *[ResidualBlock(channels, activation="prelu", dtype=dtype) for _ in range(blocks)],
                conv(channels, dtype=dtype),
                batch_normalization(dtype=dtype),
            ],
            name="body",
        )
        enlargement = pixel_shuffles(channels, scale, "prelu", dtype=dtype)
        self.upsampler = keras.Sequential([*enlargement, conv(3, 9, dtype="float32")], name="upsampler")

    def call(self, lr, training=None):
        features = self.stem(2.0 * lr - 1.0, training=training)
        features = features + self.body(features, training=training)
        sr = (self.upsampler(features, training=training) + 1.0) / 2.0
        return self.to_image(sr, training)
