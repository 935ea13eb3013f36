"""ESRGAN: RRDBNet trained against a critic that compares true faces with generated ones."""

import keras
from keras import ops

from keras_facesr.models.adversarial import AdversarialSR
from keras_facesr.models.baselines.rrdbnet import RRDBNet


@keras.saving.register_keras_serializable("keras_facesr")
class ESRGAN(AdversarialSR):
    """RRDBNet, trained in phase 1 by mean absolute error; in phase 2 by features, a relativistic critic and, less, that error.

    The paper's features are those of ``vgg19_features`` before their activation.

    Args:
        scale: enlargement, a power of two.
        hr_size: (height, width) of the images that it is trained on.
        channels, blocks, growth: arguments of ``RRDBNet``.
        objective: the critic's (the paper has the relativistic one).
        adversarial_weight, fidelity_weight: the paper's lambda and eta.
        **kwargs: of ``AdversarialSR``.
    """

    ARGUMENTS = ("hr_size", "channels", "blocks", "growth")
    paper = RRDBNet.paper
    FIGURES = ("mae",)

    def __init__(
        self,
        scale=4,
        hr_size=(128, 128),
        channels=64,
        blocks=23,
        growth=32,
        objective="relativistic",
        adversarial_weight=5e-3,
        perceptual_weight=1.0,
        fidelity_weight=1e-2,
        **kwargs,
    ):
        super().__init__(scale, hr_size, objective, adversarial_weight, perceptual_weight, fidelity_weight, **kwargs)
        self.channels, self.blocks, self.growth = channels, blocks, growth
        self.generator = RRDBNet(scale, channels, blocks, growth, dtype=self.dtype_policy, name="generator")

    def build(self, input_shape=None):
        super().build(input_shape)
        self.generator.build(input_shape)

    def call(self, lr, training=None):
        return self.generator(lr, training=training)

    def fidelity(self, lr, hr, turn):
        """Mean absolute error, of images in [0, 1]."""
        sr = 2.0 * self.generator(lr, training=True) - 1.0
        mae = ops.mean(ops.abs(hr - sr)) / 2.0
        return sr, mae, mae
