"""RRDBNet: dense blocks inside residual blocks at the input's size; then nearest-neighbour enlargement and convolutions."""

import keras
from keras import layers

from keras_facesr.layers.blocks import ConvBlock, DenseBlock, conv
from keras_facesr.layers.resampling import PixelUnshuffle, nearest_doublings
from keras_facesr.models.base import CentredSR, SubPixelSR

RESIDUAL_SCALING = 0.2  # factor on every branch, inner and outer


@keras.saving.register_keras_serializable("keras_facesr")
class RRDB(layers.Layer):
    """Residual in residual dense block: x + 0.2 times the output of three dense blocks."""

    def __init__(self, channels, growth, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.growth = channels, growth
        how = {"activation": "leaky_relu", "fusion_kernel": 3, "residual_scaling": RESIDUAL_SCALING}
        self.stack = keras.Sequential([DenseBlock(channels, growth, 4, **how, dtype=self.dtype_policy) for _ in range(3)])

    def build(self, input_shape):
        self.stack.build(input_shape)

    def call(self, x):
        return x + RESIDUAL_SCALING * self.stack(x)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "growth": self.growth}


@keras.saving.register_keras_serializable("keras_facesr")
class RRDBNet(CentredSR, SubPixelSR):
    """The generator of ESRGAN, trained by mean absolute error alone.

    Args:
        scale: enlargement, a power of two; 1 where the input is unshuffled or the network only cleans pictures.
        channels: width.
        blocks: RRDBs.
        growth: channels that each convolution of a dense block adds.
        unshuffle: the input becomes so many times smaller, in more channels, before the first convolution: 2 for x2 and 4
            for x1 in Real-ESRGAN, whose network enlarges four times in any case.
        **kwargs: of ``CentredSR``; ESRGAN itself computes on values in [0, 1].
    """

    ARGUMENTS = ("channels", "blocks", "growth", "unshuffle")
    paper = "Wang et al.: ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks (2018)"

    def __init__(self, scale=4, channels=64, blocks=23, growth=32, unshuffle=1, **kwargs):
        super().__init__(scale, size_multiple=unshuffle, **kwargs)
        self.channels, self.blocks, self.growth, self.unshuffle = channels, blocks, growth, unshuffle
        dtype = self.dtype_policy
        first = conv(channels, name="stem", dtype=dtype)
        self.stem = first if unshuffle == 1 else keras.Sequential([PixelUnshuffle(unshuffle, dtype=dtype), first], name="stem")
        rrdbs = [RRDB(channels, growth, dtype=dtype) for _ in range(blocks)]
        self.body = keras.Sequential([*rrdbs, conv(channels, dtype=dtype)], name="body")
        enlarges = scale * unshuffle > 1
        enlargement = nearest_doublings(channels, scale * unshuffle, "leaky_relu", dtype=dtype) if enlarges else []
        last = [ConvBlock(channels, 1, None, "leaky_relu", dtype=dtype), conv(3, dtype="float32")]
        self.upsampler = keras.Sequential([*enlargement, *last], name="upsampler")

    def call(self, lr, training=None):
        features = self.stem(self.centred(lr))
        return self.to_image(self.uncentred(self.upsampler(features + self.body(features))), training)
