"""FSRCNN: an hourglass at the input's size, and one deconvolution that enlarges."""

import keras
from keras import layers

from keras_facesr.layers.blocks import ConvBlock
from keras_facesr.models.base import FaceSR


@keras.saving.register_keras_serializable("keras_facesr")
class FSRCNN(FaceSR):
    """Features 5x5, shrinking 1x1, mapping 3x3, expanding 1x1, deconvolution 9x9: FSRCNN(d, s, m), in colour.

    The paper trains by mean squared error. Above x8 the deconvolution's kernel grows, as it must cover the output.

    Args:
        scale: enlargement.
        features: d, channels of the first features and of the expanded ones.
        shrunk: s, channels of the mapping.
        mappings: m, its convolutions.
    """

    ARGUMENTS = ("features", "shrunk", "mappings")
    paper = "Dong, Loy, Tang: Accelerating the Super-Resolution Convolutional Neural Network (2016)"

    def __init__(self, scale=4, features=56, shrunk=12, mappings=4, **kwargs):
        super().__init__(scale, **kwargs)
        self.features, self.shrunk, self.mappings = features, shrunk, mappings
        how = {"normalization": None, "activation": "prelu", "dtype": self.dtype_policy}
        self.stages = keras.Sequential(
            [
                ConvBlock(features, kernel_size=5, **how),
                ConvBlock(shrunk, kernel_size=1, **how),
                *[ConvBlock(shrunk, **how) for _ in range(mappings)],
                ConvBlock(features, kernel_size=1, **how),
                layers.Conv2DTranspose(3, max(9, scale + 1), strides=scale, padding="same", dtype="float32"),
            ],
            name="stages",
        )

    def build(self, input_shape=None):
        self.stages.build((None, None, None, 3))

    def call(self, lr, training=None):
        return self.to_image(self.stages(lr), training)
