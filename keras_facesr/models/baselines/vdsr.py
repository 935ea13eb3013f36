"""VDSR: twenty convolutions predict what bicubic enlargement lacks."""

import keras

from keras_facesr.layers.blocks import conv
from keras_facesr.layers.resampling import BicubicEnlargement
from keras_facesr.models.base import FaceSR


@keras.saving.register_keras_serializable("keras_facesr")
class VDSR(FaceSR):
    """Very deep network on the bicubically enlarged image; its output is added to that image. In colour.

    The paper trains by squared error, at a rate of 0.1 that is divided by ten again and again. It clips each gradient's
    elements to [-theta / rate, theta / rate], so that no step moves a weight by more than theta. Compile again for each rate:

        >>> sgd = keras.optimizers.SGD(rate, momentum=0.9, weight_decay=1e-4, clipvalue=theta / rate)
        >>> model.compile(sgd, loss="mse")

    Args:
        scale: enlargement.
        channels: width.
        depth: convolutions.
    """

    ARGUMENTS = ("channels", "depth")
    paper = "Kim, Lee, Lee: Accurate Image Super-Resolution Using Very Deep Convolutional Networks (2016)"

    def __init__(self, scale=8, channels=64, depth=20, **kwargs):
        super().__init__(scale, **kwargs)
        self.channels, self.depth = channels, depth
        self.enlargement = BicubicEnlargement(scale, dtype="float32")
        how = {"kernel_initializer": "he_normal"}
        hidden = [conv(channels, activation="relu", **how, dtype=self.dtype_policy) for _ in range(depth - 1)]
        self.residual = keras.Sequential([*hidden, conv(3, **how, dtype="float32")], name="residual")

    def build(self, input_shape=None):
        self.residual.build((None, None, None, 3))

    def call(self, lr, training=None):
        enlarged = self.enlargement(lr)
        return self.to_image(enlarged + self.residual(enlarged), training)
