"""EnhanceNet: predicts what bicubic enlargement lacks; trained by pixels, then by features, textures and a critic instead."""

import keras
from keras import ops

from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, conv
from keras_facesr.layers.resampling import BicubicEnlargement, nearest_doublings
from keras_facesr.models.adversarial import AdversarialSR
from keras_facesr.objectives.perceptual import maps_error, texture_error


@keras.saving.register_keras_serializable("keras_facesr")
class EnhanceNet(AdversarialSR):
    """Phase 1 trains ENet-E, by mean squared error; phase 2 trains ENet-PAT, without that error.

    It is compiled with a list of feature maps: the first ones are compared by their textures, the Gram matrices of small
    patches, the others by their values:

        >>> maps = vgg19_features("block1_conv1", "block2_conv1", "block3_conv1", "block2_pool", "block5_pool")
        >>> model.phase = 2
        >>> model.compile(keras.optimizers.Adam(1e-4), features=maps)

    Args:
        scale: enlargement, a power of two.
        hr_size: (height, width) of the images that it is trained on.
        channels: width.
        blocks: residual blocks.
        texture_weights: weights of the first feature maps' textures.
        feature_weights: weights of the other maps' squared errors. All are the paper's for VGG19, and of maps that are scaled
            to a mean of one (section 5.3); other features need others.
        patch: side in output pixels of the patches whose textures are compared.
        objective: the critic's (the paper has the standard one).
        **kwargs: of ``AdversarialSR``.
    """

    ARGUMENTS = ("hr_size", "channels", "blocks", "texture_weights", "feature_weights", "patch")
    paper = "Sajjadi, Schölkopf, Hirsch: EnhanceNet: Single Image Super-Resolution Through Automated Texture Synthesis (2017)"

    def __init__(
        self,
        scale=4,
        hr_size=(128, 128),
        channels=64,
        blocks=10,
        texture_weights=(3e-7, 1e-6, 1e-6),
        feature_weights=(0.2, 0.02),
        patch=16,
        objective="standard",
        adversarial_weight=2.0,
        perceptual_weight=1.0,
        fidelity_weight=0.0,
        critic_convolutions=10,
        critic_channels=32,
        **kwargs,
    ):
        critic = {"critic_convolutions": critic_convolutions, "critic_channels": critic_channels}
        weights = (adversarial_weight, perceptual_weight, fidelity_weight)
        super().__init__(scale, hr_size, objective, *weights, **critic, **kwargs)
        self.channels, self.blocks, self.patch = channels, blocks, patch
        self.texture_weights, self.feature_weights = tuple(texture_weights), tuple(feature_weights)
        self.enlargement = BicubicEnlargement(scale, dtype="float32")
        dtype = self.dtype_policy
        self.residual = keras.Sequential(
            [
                ConvBlock(channels, normalization=None, dtype=dtype),
                *[ResidualBlock(channels, None, dtype=dtype) for _ in range(blocks)],
                *nearest_doublings(channels, scale, "relu", dtype=dtype),
                ConvBlock(channels, normalization=None, dtype=dtype),
                conv(3, dtype="float32"),
            ],
            name="residual",
        )

    def build(self, input_shape=None):
        super().build(input_shape)
        self.residual.build((None, None, None, 3))

    def call(self, lr, training=None):
        return self.to_image((self._signed(lr) + 1.0) / 2.0, training)

    def _signed(self, lr):
        lr = 2.0 * ops.convert_to_tensor(lr) - 1.0
        return self.enlargement(lr) + self.residual(lr)

    def fidelity(self, lr, hr, turn):
        """Mean squared error."""
        sr = self._signed(lr)
        mse = ops.mean(self.squared_error(hr, sr))
        return sr, mse, mse

    def perceptual(self, hr, sr):
        """Weighted sum of the errors of textures and of features, which are divided by the mean of the true ones."""
        true, made = self.features(hr), self.features(sr)
        textures, weights = len(self.texture_weights), (*self.texture_weights, *self.feature_weights)
        if len(true) != len(weights):
            raise ValueError(f"{len(true)} feature maps, but texture_weights and feature_weights for {len(weights)}")
        places = [self.patch * maps.shape[1] // hr.shape[1] for maps in true]  # side of a patch in each map
        maps = [_with_mean_one(*pair) for pair in zip(true, made)]
        errors = [texture_error(*pair, side) for pair, side in zip(maps[:textures], places)]
        errors += [maps_error(*pair) for pair in maps[textures:]]
        return sum(weight * error for weight, error in zip(weights, errors))


def _with_mean_one(true, made):
    """Feature maps, divided by the mean of the true ones; by that of their absolute values, if some are negative."""
    true, made = (ops.cast(maps, "float32") for maps in (true, made))
    mean = ops.stop_gradient(ops.mean(ops.abs(true))) + 1e-6  # a black picture may have no features at all
    return true / mean, made / mean
