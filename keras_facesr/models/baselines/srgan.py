"""SRGAN: SRResNet trained against a critic and by the features of another network."""

import keras
from keras import ops

from keras_facesr.models.adversarial import AdversarialSR
from keras_facesr.models.baselines.srresnet import SRResNet


@keras.saving.register_keras_serializable("keras_facesr")
class SRGAN(AdversarialSR):
    """SRResNet, trained in phase 1 by mean squared error, in phase 2 by features and against a critic.

    With VGG19's features it is SRGAN-VGG54:

        >>> model.phase = 2
        >>> model.compile(keras.optimizers.Adam(1e-4), features=vgg19_features())

    Args:
        scale: enlargement, a power of two.
        hr_size: (height, width) of the images that it is trained on.
        channels, blocks: arguments of ``SRResNet``.
        objective: the critic's (the paper has the standard one).
        perceptual_weight, fidelity_weight: weights of the features' and of the pixels' squared errors in phase 2; the paper
            has the features' error alone.
        **kwargs: of ``AdversarialSR``.
    """

    ARGUMENTS = ("hr_size", "channels", "blocks")
    paper = "Ledig et al.: Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network (2017)"

    def __init__(
        self,
        scale=4,
        hr_size=(96, 96),
        channels=64,
        blocks=16,
        objective="standard",
        perceptual_weight=1.0,
        fidelity_weight=0.0,
        **kwargs,
    ):
        weights = {"perceptual_weight": perceptual_weight, "fidelity_weight": fidelity_weight}
        super().__init__(scale, hr_size, objective, **weights, **kwargs)
        self.channels, self.blocks = channels, blocks
        self.generator = SRResNet(scale, channels, blocks, dtype=self.dtype_policy, name="generator")

    def build(self, input_shape=None):
        super().build(input_shape)
        self.generator.build(input_shape)

    def call(self, lr, training=None):
        return self.generator(lr, training=training)

    def fidelity(self, lr, hr, turn):
        """Mean squared error."""
        sr = 2.0 * self.generator(lr, training=True) - 1.0
        mse = ops.mean(self.squared_error(hr, sr))
        return sr, mse, mse
