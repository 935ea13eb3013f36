"""Networks small enough for tests of everything around them."""

import keras
from keras import ops

from keras_facesr.models.base import FaceSR, Network
from keras_facesr.models.stochastic import Stochastic
from keras_facesr.objectives.gaussian import DiagonalGaussian


class Nearest(FaceSR):
    """Each input pixel becomes a square of ``scale`` x ``scale``, times a weight that starts at 1."""

    def __init__(self, scale=4, size_multiple=1):
        super().__init__(scale, size_multiple)

    def build(self, input_shape):
        self.gain = self.add_weight(shape=(), initializer="ones", name="gain")

    def call(self, lr, training=None):
        return ops.repeat(ops.repeat(lr * self.gain, self.scale, axis=1), self.scale, axis=2)


class Noisy(Stochastic, Nearest):
    """Samples are the nearest neighbours plus one gray level drawn for each, the latent."""

    def _encode(self, lr, training=None):
        level = ops.zeros((ops.shape(lr)[0], 1, 1, 1))
        return DiagonalGaussian(level, level - 4.6)  # of a tenth of the range

    def _decode(self, lr, z, training=None):
        return self(lr) + z


class Convolved(FaceSR):
    """Three 3x3 convolutions with zero padding, then nearest: a pixel sees 3 input pixels to each side."""

    def __init__(self, scale=4, size_multiple=1):
        super().__init__(scale, size_multiple)
        self.stack = keras.Sequential(
            [keras.layers.Conv2D(filters, 3, padding="same", activation="sigmoid") for filters in (8, 8, 3)]
            + [keras.layers.UpSampling2D(scale)]
        )

    def build(self, input_shape):
        self.stack.build(input_shape)

    def call(self, lr, training=None):
        return self.stack(lr)


class One(Network):
    """Reads every digit as a one, as surely as its weight says."""

    def build(self, input_shape):
        self.sureness = self.add_weight(shape=(), initializer="ones", name="sureness")

    def call(self, images, training=None):
        return ops.tile(self.sureness * ops.one_hot([1], 10), (ops.shape(images)[0], 1))
