"""Bicubic interpolation, which every table compares with."""

import keras

from keras_facesr.layers.resampling import BicubicEnlargement
from keras_facesr.models.base import FaceSR


@keras.saving.register_keras_serializable("keras_facesr")
class Bicubic(FaceSR):
    """Keys' bicubic interpolation with a = -0.5, as Pillow computes it, without weights."""

    paper = "Keys: Cubic convolution interpolation for digital image processing (1981)"

    def __init__(self, scale=8, **kwargs):
        super().__init__(scale, **kwargs)
        self.enlargement = BicubicEnlargement(scale, dtype="float32")

    def build(self, input_shape=None):
        self.enlargement.build((None, None, None, 3))

    def call(self, lr, training=None):
        return self.to_image(self.enlargement(lr), training)
