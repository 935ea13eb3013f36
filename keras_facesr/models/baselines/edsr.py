"""EDSR: residual blocks without normalisation at the input's size, then pixel shuffles."""

import keras

from keras_facesr.layers.blocks import ResidualBlock, conv
from keras_facesr.layers.resampling import pixel_shuffles
from keras_facesr.models.base import CentredSR, SubPixelSR


@keras.saving.register_keras_serializable("keras_facesr")
class EDSR(CentredSR, SubPixelSR):
    """Enhanced deep residual network, trained by mean absolute error; the defaults are the paper's baseline.

    Args:
        scale: enlargement, a power of two, by one pixel shuffle per doubling, or 3.
        channels: width (the large network's 256).
        blocks: residual blocks (the large network's 32).
        residual_scaling: factor on each block's branch (the large network's 0.1).
        **kwargs: of ``CentredSR``; the paper shifts colours by the mean of its training set.
    """

    ARGUMENTS = ("channels", "blocks", "residual_scaling")
    paper = "Lim et al.: Enhanced Deep Residual Networks for Single Image Super-Resolution (2017)"

    def __init__(self, scale=4, channels=64, blocks=16, residual_scaling=1.0, **kwargs):
        super().__init__(scale, **kwargs)
        self.channels, self.blocks, self.residual_scaling = channels, blocks, residual_scaling
        dtype = self.dtype_policy
        self.stem = conv(channels, name="stem", dtype=dtype)
        block = {"normalization": None, "residual_scaling": residual_scaling, "dtype": dtype}
        self.body = keras.Sequential(
            [*[ResidualBlock(channels, **block) for _ in range(blocks)], conv(channels, dtype=dtype)], name="body"
        )
        self.upsampler = keras.Sequential(
            [*pixel_shuffles(channels, scale, dtype=dtype), conv(3, dtype="float32")], name="upsampler"
        )

    def call(self, lr, training=None):
        features = self.stem(self.centred(lr))
        return self.to_image(self.uncentred(self.upsampler(features + self.body(features))), training)
