"""SRVGGNetCompact: plain convolutions at the input's size and one pixel shuffle, on top of the nearest pixels."""

import keras

from keras_facesr.layers.blocks import ConvBlock, conv
from keras_facesr.layers.resampling import NearestEnlargement, PixelShuffle
from keras_facesr.models.base import FaceSR


@keras.saving.register_keras_serializable("keras_facesr")
class SRVGGNetCompact(FaceSR):
    """The small network of Real-ESRGAN, for video and phones, on values in [0, 1].

    Args:
        scale: enlargement; 1 for a network that only cleans pictures.
        channels: width.
        convolutions: those between the first and the last (16 for animation, 32 for pictures in general).
    """

    ARGUMENTS = ("channels", "convolutions")
    paper = "Wang, Xie, Dong, Shan: Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data (2021)"

    def __init__(self, scale=4, channels=64, convolutions=16, **kwargs):
        super().__init__(scale, **kwargs)
        self.channels, self.convolutions = channels, convolutions
        how = {"normalization": None, "activation": "prelu", "dtype": self.dtype_policy}
        self.body = keras.Sequential(
            [*[ConvBlock(channels, **how) for _ in range(1 + convolutions)], conv(3 * scale**2, dtype="float32")], name="body"
        )
        self.shuffle = PixelShuffle(scale, dtype="float32")
        self.nearest = NearestEnlargement(scale, dtype="float32")

    def build(self, input_shape=None):
        self.body.build((None, None, None, 3))

    def call(self, lr, training=None):
        return self.to_image(self.nearest(lr) + self.shuffle(self.body(lr)), training)
