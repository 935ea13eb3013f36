"""SAM against a critic of its samples, for sharper ones than the paper's loss alone leaves them."""

import keras

from keras_facesr.errors import check_above_zero
from keras_facesr.models.adversarial import AdversarialSR
from keras_facesr.models.sam import SAM
from keras_facesr.models.stochastic import Stochastic
from keras_facesr.objectives.gaussian import reparameterised_sample


@keras.saving.register_keras_serializable("keras_facesr")
class SAMGAN(Stochastic, AdversarialSR):
    """A SAM that has been through its phases, whose SR network learns on; in phase 2 against a critic of f(x, z), z ~ q(z | x).

    Beyond the paper, which trains without a critic. What z holds stays as SAM has learnt it: REN and ICAP are frozen.

    ``encode(lr)`` is q(z | x) at ``temperature``; ``decode(lr, z)`` is f(x, z).

    Args:
        scale: enlargement, 2, 4, 8 or 16.
        hr_size: (height, width) of the faces that it is trained on.
        generator: constructor arguments of ``SAM``.
        objective: the critic's.
        answer_weight: weight of the squared error of f(x, 0) (eq. 4), which holds that answer soft.
        temperature: factor, above 0, of ICAP's standard deviations in sampling, and in what the critic judges. The higher, the
            more samples differ.
        **kwargs: of ``AdversarialSR``.

    Example:
        >>> model = SAMGAN(generator={"backbone": "lr"}, critic=True)
        >>> model.generator.load_weights("sam.weights.h5")
        >>> model.phase = 2
        >>> model.compile("adam"); model.fit(pairs, epochs=10)
        >>> faces = model.sample(lr, n=8, seed=0)                                  # (8, N, H, W, 3)
    """

    ARGUMENTS = ("hr_size", "answer_weight", "temperature")
    FIGURES = ("deterministic_mse", "stochastic_l1")
    paper = SAM.paper

    def __init__(
        self,
        scale=8,
        hr_size=(128, 128),
        generator=None,
        objective="paired",
        answer_weight=0.0,
        temperature=1.0,
        **kwargs,
    ):
        check_above_zero(temperature, "SAMGAN: temperature")
        super().__init__(scale, hr_size, objective, **kwargs)
        self.answer_weight, self.temperature = answer_weight, temperature
        self.generator = SAM(**{**(generator or {}), "scale": scale}, dtype=self.dtype_policy, name="generator")
        self.generator.phase = 0  # its SR network alone learns
        self.size_multiple = self.generator.size_multiple

    def build(self, input_shape=None):
        super().build(input_shape)
        self.generator.build(input_shape)

    def call(self, lr, training=None):
        """The most probable answer, f(x, mu) with ICAP's mean."""
        return self.generator(lr, training=training)

    def _encode(self, lr, training=None):
        return self.generator._encode(lr, training).at_temperature(self.temperature)

    def _latent_shape(self, lr):
        return self.generator._latent_shape(lr)

    def _decode(self, lr, z, training=None):
        return self.generator._decode(lr, z, training)

    def _decode_each(self, lr, latents):
        return self.generator._decode_each(lr, latents)

    def fidelity(self, lr, hr, turn):
        """A quarter of answer_weight ||y - f(x, 0)||^2 + lambda |y - f(x, z_res)|: squared errors as of images in [0, 1].

        The output is a sample, f(x, z).
        """
        features, deterministic, stochastic = self.generator.phase_1_errors(lr, hr, self.step_seed(turn))
        z = reparameterised_sample(self._encode(lr), self.step_seed(turn, purpose=2))
        sr = self.generator._decode_features(lr, features, z, training=True)
        loss = self.answer_weight * deterministic + self.generator.stochastic_weight * stochastic
        return sr, loss / 4.0, deterministic, stochastic

    def get_config(self):
        generator = self.generator.get_config()
        return {**super().get_config(), "generator": {name: generator[name] for name in SAM.ARGUMENTS}}
