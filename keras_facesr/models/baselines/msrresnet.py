"""MSRResNet: SRResNet without normalisation, as BasicSR has it, on top of bilinear interpolation."""

import keras
from keras import ops

from keras_facesr import backend
from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, conv
from keras_facesr.layers.resampling import pixel_shuffles
from keras_facesr.models.base import SubPixelSR

SLOPE = 0.1  # of negative values, after all convolutions but the blocks' and the last


@keras.saving.register_keras_serializable("keras_facesr")
class MSRResNet(SubPixelSR):
    """Modified SRResNet, trained by mean absolute error: no normalisation, no PReLU, 3x3 kernels alone, values in [0, 1].

    Args:
        scale: enlargement, a power of two, by one pixel shuffle per doubling, or 3.
        channels: width.
        blocks: residual blocks.
    """

    ARGUMENTS = ("channels", "blocks")
    paper = "Wang et al.: ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks (2018)"

    def __init__(self, scale=4, channels=64, blocks=16, **kwargs):
        super().__init__(scale, **kwargs)
        self.channels, self.blocks = channels, blocks
        dtype = self.dtype_policy
        how = {"normalization": None, "activation": SLOPE, "dtype": dtype}
        self.stem = ConvBlock(channels, **how, name="stem")
        self.body = keras.Sequential([ResidualBlock(channels, None, dtype=dtype) for _ in range(blocks)], name="body")
        enlargement = pixel_shuffles(channels, scale, SLOPE, dtype=dtype)
        last = [ConvBlock(channels, **how), conv(3, dtype="float32")]
        self.upsampler = keras.Sequential([*enlargement, *last], name="upsampler")

    def call(self, lr, training=None):
        height, width = ops.shape(lr)[1:3]
        skip = backend.resize(lr, height * self.scale, width * self.scale)
        return self.to_image(ops.cast(skip, "float32") + self.upsampler(self.body(self.stem(lr))), training)
