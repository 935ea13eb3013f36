"""RDN: dense blocks at the input's size, whose outputs are all fused; then pixel shuffles."""

import keras
from keras import layers, ops

from keras_facesr.layers.blocks import DenseBlock, conv
from keras_facesr.layers.resampling import pixel_shuffles
from keras_facesr.models.base import CentredSR, SubPixelSR


@keras.saving.register_keras_serializable("keras_facesr")
class DenseTrunk(layers.Layer):
    """A convolution, residual dense blocks in sequence, and the global fusion (1x1, 3x3) of the outputs of all blocks."""

    def __init__(self, channels, blocks, convolutions, growth, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.number, self.convolutions, self.growth = channels, blocks, convolutions, growth
        dtype = self.dtype_policy
        self.first = conv(channels, dtype=dtype)
        self.blocks = [DenseBlock(channels, growth, convolutions, dtype=dtype) for _ in range(blocks)]
        self.fusion = keras.Sequential([conv(channels, 1, dtype=dtype), conv(channels, dtype=dtype)])

    def build(self, input_shape):
        for part in (self.first, *self.blocks):
            part.build(input_shape)
        self.fusion.build((*input_shape[:-1], len(self.blocks) * self.channels))

    def call(self, x):
        given = [self.first(x)]
        for block in self.blocks:
            given.append(block(given[-1]))
        return self.fusion(ops.concatenate(given[1:], axis=-1))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        sizes = {"channels": self.channels, "blocks": self.number, "convolutions": self.convolutions, "growth": self.growth}
        return {**super().get_config(), **sizes}


@keras.saving.register_keras_serializable("keras_facesr")
class RDN(CentredSR, SubPixelSR):
    """Residual dense network, trained by mean absolute error.

    Args:
        scale: enlargement, a power of two, by one pixel shuffle per doubling, or 3.
        channels: G_0, width between the blocks.
        blocks: D, residual dense blocks.
        convolutions: C, convolutions of each block before its fusion.
        growth: G, channels that each convolution adds.
        **kwargs: of ``CentredSR``.
    """

    ARGUMENTS = ("channels", "blocks", "convolutions", "growth")
    paper = "Zhang, Tian, Kong, Zhong, Fu: Residual Dense Network for Image Super-Resolution (2018)"

    def __init__(self, scale=4, channels=64, blocks=16, convolutions=8, growth=64, **kwargs):
        super().__init__(scale, **kwargs)
        self.channels, self.blocks, self.convolutions, self.growth = channels, blocks, convolutions, growth
        dtype = self.dtype_policy
        self.stem = conv(channels, name="stem", dtype=dtype)
        self.body = DenseTrunk(channels, blocks, convolutions, growth, name="body", dtype=dtype)
        enlargement = pixel_shuffles(channels, scale, dtype=dtype)
        self.upsampler = keras.Sequential([*enlargement, conv(3, dtype="float32")], name="upsampler")

    def call(self, lr, training=None):
        features = self.stem(self.centred(lr))
        return self.to_image(self.uncentred(self.upsampler(features + self.body(features))), training)
