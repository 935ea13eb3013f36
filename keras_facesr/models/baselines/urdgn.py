"""URDGN: nearest-neighbour enlargement and convolutions in turn, trained against a discriminator."""

import keras
from keras import layers, ops

from keras_facesr.layers.blocks import ConvBlock, conv
from keras_facesr.layers.resampling import NearestEnlargement, doubling_count
from keras_facesr.models.adversarial import AdversarialSR
from keras_facesr.models.critic import StackedCritic


@keras.saving.register_keras_serializable("keras_facesr")
class Discriminator(StackedCritic):
    """Conv 5x5, max pooling, ReLU and dropout of whole maps, four times; a dense layer; a score.

    It is used in training only, so dropout is always on.

    Args:
        convolutions: at most four; their widths are ``channels`` times 1, 2, 4 and 3.
        hidden: units of the dense layer.
    """

    ARGUMENTS = ("convolutions", "channels", "hidden")

    def __init__(self, convolutions=4, channels=32, hidden=1024, **kwargs):
        super().__init__(**kwargs)
        self.convolutions, self.channels, self.hidden = convolutions, channels, hidden
        dtype = self.dtype_policy
        stack = []
        for factor in (1, 2, 4, 3)[:convolutions]:
            stack += [conv(factor * channels, 5, dtype=dtype), layers.MaxPooling2D(2, dtype=dtype), layers.ReLU(dtype=dtype)]
            stack += [layers.SpatialDropout2D(0.2, dtype=dtype)]
        stack += [layers.Flatten(dtype=dtype), layers.Dense(hidden, "relu", dtype=dtype), layers.Dropout(0.5, dtype=dtype)]
        self.stack = keras.Sequential([*stack, layers.Dense(1, dtype="float32")])

    def call(self, images):
        return self.stack(ops.convert_to_tensor(images), training=True)


@keras.saving.register_keras_serializable("keras_facesr")
class URDGN(AdversarialSR):
    """Ultra-resolution by discriminative generative networks: squared error, in phase 2 also against a discriminator.

    The paper has no phase 1; it trains both networks by RMSprop at a rate of 1e-3 * 0.99^epoch:

        >>> model = URDGN(critic=True)
        >>> model.phase = 2
        >>> rate = keras.optimizers.schedules.ExponentialDecay(1e-3, steps_per_epoch, 0.99, staircase=True)
        >>> model.compile(keras.optimizers.RMSprop(rate))

    Args:
        scale: enlargement, a power of two.
        hr_size: (height, width) of the images that it is trained on.
        channels: widths of four convolutions, 3x3, 3x3, 5x5 and 5x5; at x8 the size is doubled between them, three times.
            A larger scale adds 5x5 convolutions, a smaller one leaves out the last doublings.
        objective: the discriminator's (the paper has the standard one).
        **kwargs: of ``AdversarialSR``.
    """

    ARGUMENTS = ("hr_size", "channels")
    paper = "Yu, Porikli: Ultra-Resolving Face Images by Discriminative Generative Networks (2016)"

    def __init__(
        self,
        scale=8,
        hr_size=(128, 128),
        channels=(16, 64, 128, 256),
        objective="standard",
        adversarial_weight=0.01,
        critic_convolutions=4,
        critic_channels=32,
        **kwargs,
    ):
        critic = {"critic_convolutions": critic_convolutions, "critic_channels": critic_channels}
        super().__init__(scale, hr_size, objective, adversarial_weight, **critic, **kwargs)
        self.channels = tuple(channels)
        self.generator = self._generator()

    def _generator(self):
        """Conv-BN-ReLU blocks, each after the first at twice the size of the one before; then a convolution to RGB."""
        doublings, dtype = doubling_count(self.scale), self.dtype_policy
        widths = [*self.channels, *self.channels[-1:] * (doublings - 3)]
        stack = []
        for k, width in enumerate(widths):
            stack += [NearestEnlargement(2, dtype=dtype)] if 0 < k <= doublings else []
            stack += [ConvBlock(width, kernel_size=3 if k < 2 else 5, dtype=dtype)]
        return keras.Sequential([*stack, conv(3, 5, dtype="float32")], name="generator")

    def new_critic(self):
        if self.pixelwise_critic:
            return super().new_critic()
        return Discriminator(self.critic_convolutions, self.critic_channels, dtype=self.dtype_policy)

    def build(self, input_shape=None):
        super().build(input_shape)
        self.generator.build((None, None, None, 3))

    def call(self, lr, training=None):
        return self.to_image((self._signed(lr, training) + 1.0) / 2.0, training)

    def _signed(self, lr, training):
        return self.generator(2.0 * ops.convert_to_tensor(lr) - 1.0, training=training)

    def fidelity(self, lr, hr, turn):
        """Mean squared error."""
        sr = self._signed(lr, training=True)
        mse = ops.mean(self.squared_error(hr, sr))
        return sr, mse, mse
