"""A small network that reads digits, with which enlarged ones are judged (VarSR, section 4.3)."""

import keras
from keras import layers, ops

from keras_facesr.layers.blocks import ConvBlock
from keras_facesr.models.base import Network


@keras.saving.register_keras_serializable("keras_facesr")
class DigitClassifier(Network):
    """Images of one digit (N, H, W, 3) in [0, 1], at least 8 pixels a side -> probabilities of 0 to 9, (N, 10).

    Args:
        channels: widths of its stages; each has two convolutions, of which the second halves the size.
    """

    ARGUMENTS = ("channels",)
    paper = None

    def __init__(self, channels=(32, 64), **kwargs):
        super().__init__(**kwargs)
        self.channels = tuple(channels)
        dtype = self.dtype_policy
        blocks = []
        for width in self.channels:
            blocks += [ConvBlock(width, dtype=dtype), ConvBlock(width, 2, dtype=dtype)]
        self.stack = keras.Sequential([*blocks, ConvBlock(2 * self.channels[-1], dtype=dtype)], name="stack")
        self.head = layers.Dense(10, activation="softmax", name="head", dtype="float32")

    def build(self, input_shape=None):
        self.stack.build((None, None, None, 3))
        self.head.build((None, 4 * self.channels[-1]))

    def call(self, images, training=None):
        x = self.stack(2.0 * ops.convert_to_tensor(images) - 1.0, training=training)
        # The place of a stroke matters: the means of the upper and of the lower half are kept apart.
        half = ops.shape(x)[1] // 2
        halves = [ops.mean(part, axis=(1, 2)) for part in (x[:, :half], x[:, half:])]
        return self.head(ops.concatenate(halves, axis=-1))
