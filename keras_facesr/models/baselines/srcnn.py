"""SRCNN: three convolutions on the bicubically enlarged image."""

import keras

from keras_facesr.layers.blocks import conv
from keras_facesr.layers.resampling import BicubicEnlargement
from keras_facesr.models.base import FaceSR


@keras.saving.register_keras_serializable("keras_facesr")
class SRCNN(FaceSR):
    """Patch extraction 9x9, mapping 1x1, reconstruction 5x5 (the 9-1-5 network, in colour).

    Args:
        scale: enlargement.
        features: channels after the first and after the second convolution.
        kernels: sides of the three kernels (the paper also has 9-3-5 and 9-5-5).
    """

    ARGUMENTS = ("features", "kernels")
    paper = "Dong, Loy, He, Tang: Image Super-Resolution Using Deep Convolutional Networks (2015)"

    def __init__(self, scale=8, features=(64, 32), kernels=(9, 1, 5), **kwargs):
        super().__init__(scale, **kwargs)
        self.features, self.kernels = tuple(features), tuple(kernels)
        self.enlargement = BicubicEnlargement(scale, dtype="float32")
        how = {"activation": "relu", "kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        self.stages = keras.Sequential(
            [
                *[conv(channels, side, **how) for channels, side in zip(self.features, self.kernels)],
                conv(3, self.kernels[-1], dtype="float32"),
            ],
            name="stages",
        )

    def build(self, input_shape=None):
        self.stages.build((None, None, None, 3))

    def call(self, lr, training=None):
        return self.to_image(self.stages(self.enlargement(lr)), training)
