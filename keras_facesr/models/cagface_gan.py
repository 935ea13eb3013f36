"""CAGFace against a critic of patches: sharp large faces, which the paper's loss alone leaves soft."""

import keras

from keras_facesr.models.adversarial import AdversarialSR
from keras_facesr.models.cagface import CAGFace


@keras.saving.register_keras_serializable("keras_facesr")
class CAGFaceGAN(AdversarialSR):
    """CAGFace's two stages, trained in phase 1 by the paper's loss; in phase 2 by features and against a critic as well.

    Beyond the paper, which trains by pixels. ``call`` and ``fit`` take what CAGFace takes: pictures, or patches that were cut
    after ``prepare``.

    Args:
        scale: 4.
        hr_size: (height, width) of the patches that it is trained on.
        generator: constructor arguments of ``CAGFace``.
        objective: the critic's.
        adversarial_weight, perceptual_weight, fidelity_weight, pixelwise_critic: as of ``AdversarialSR``.
        **kwargs: of ``AdversarialSR``.

    Example:
        >>> model = CAGFaceGAN(generator={"features": 64, "blocks": 8}, critic=True)
        >>> model.generator.components.load_weights("components.weights.h5")
        >>> model.compile("adam"); model.fit(pairs, epochs=10)                     # phase 1: both stages
        >>> model.phase = 2
        >>> model.compile("adam", features=fsr.load("face_features").maps); model.fit(pairs, epochs=10)
    """

    ARGUMENTS = ("hr_size",)
    FIGURES = ("huber_x2", "huber_x4")
    paper = CAGFace.paper

    def __init__(
        self,
        scale=4,
        hr_size=(128, 128),
        generator=None,
        objective="standard",
        adversarial_weight=5e-3,
        perceptual_weight=1.0,
        fidelity_weight=1.0,
        pixelwise_critic=True,
        **kwargs,
    ):
        weights = (adversarial_weight, perceptual_weight, fidelity_weight)
        super().__init__(scale, hr_size, objective, *weights, pixelwise_critic=pixelwise_critic, **kwargs)
        self.generator = CAGFace(**{**(generator or {}), "stages": 2}, scale=scale, dtype=self.dtype_policy, name="generator")
        self.generator.phase = 2

    def build(self, input_shape=None):
        super().build(input_shape)
        self.generator.build(input_shape)

    def call(self, lr, training=None):
        return self.generator(lr, training=training)

    def prepare(self, lr):
        """As CAGFace's."""
        return self.generator.prepare(lr)

    def fidelity(self, lr, hr, turn):
        """CAGFace's loss, halved: of small errors it is then the squared error of images in [0, 1], of both stages."""
        images = self.generator.images(lr)
        loss, *figures = self.generator.huber_losses(images, (hr + 1.0) / 2.0)
        return images[-1], loss / 2.0, *figures

    def inconsistency(self, lr, sr):
        return super().inconsistency(lr[..., :3], sr)

    def get_config(self):
        generator = {name: value for name, value in self.generator.get_config().items() if name in CAGFace.ARGUMENTS}
        return {**super().get_config(), "generator": {**generator, "components": self.generator.get_config()["components"]}}
