"""The critic of adversarial training."""

import keras
from keras import layers, ops

from keras_facesr.layers.blocks import ConvBlock


@keras.saving.register_keras_serializable("keras_facesr")
class Critic(layers.Layer):
    """SRGAN's discriminator (Ledig et al., figure 4): convolutions that double their channels after each halving.

    Images (N, H, W, 3) in [-1, 1] of the one size that it was built for -> scores (N, 1) without an activation. Each image
    is normalised for itself, since the gradient penalty is one of single images.

    Args:
        convolutions: number of 3x3 convolutions; every second one halves the size (VarSR has 5 for digits).
        channels: width of the first two.
        hidden: units of the dense layer before the score.
    """

    def __init__(self, convolutions=8, channels=64, hidden=1024, **kwargs):
        super().__init__(**kwargs)
        self.convolutions, self.channels, self.hidden = convolutions, channels, hidden
        dtype = self.dtype_policy
        blocks = [
            ConvBlock(channels * 2 ** (k // 2), 1 + k % 2, "instance" if k else None, "leaky_relu", dtype=dtype)
            for k in range(convolutions)
        ]
        head = [layers.Dense(hidden, dtype=dtype), layers.LeakyReLU(0.2, dtype=dtype), layers.Dense(1, dtype="float32")]
        self.stack = keras.Sequential([*blocks, layers.Flatten(dtype=dtype), *head])

    def build(self, input_shape):
        self.stack.build(input_shape)

    def call(self, images):
        return self.stack(ops.convert_to_tensor(images))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 1)

    def get_config(self):
        names = ("convolutions", "channels", "hidden")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
