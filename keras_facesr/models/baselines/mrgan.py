"""MR-GAN: what many answers have in common is held to the truth, each single one to a critic."""

import keras
from keras import ops

from keras_facesr.models.varsr import LatentSR
from keras_facesr.objectives.gaussian import DiagonalGaussian, reparameterised_sample


@keras.saving.register_keras_serializable("keras_facesr")
class MRGAN(LatentSR):
    """GAN with moment reconstruction loss, VarSR's rival: its generator, with z from N(0, I) for every face.

    In place of each answer's squared error stands that of the mean of several answers to one input (MR_1), or the
    negative log-likelihood of the truth under their mean and variance (MR_2). The paper has a third way, moments that a
    predictor has learnt in the truth's place, which is not here.

    Args:
        scale, lr_size, latent_dim, channels, blocks: as VarSR's.
        moments: 1 or 2.
        answers: to each input in a step, of which the moments are taken; the paper's are 12 or 24.
        **kwargs: of ``AdversarialSR``.
    """

    ARGUMENTS = ("moments", "answers")
    paper = "Lee, Ha, Kim: Harmonizing Maximum Likelihood with GANs for Multimodal Conditional Generation (2019)"
    FIGURES = ("reconstruction",)

    def __init__(self, scale=8, lr_size=(8, 8), latent_dim=256, channels=64, blocks=8, moments=1, answers=4, **kwargs):
        if moments not in (1, 2):
            raise ValueError(f"moments is {moments}: the mean alone (1), or the variance too (2)")
        super().__init__(scale, lr_size, latent_dim, channels, blocks, **kwargs)
        self.moments, self.answers = moments, answers

    def _encode(self, lr, training=None):
        """N(0, I) over (N, latent_dim), whatever the input."""
        zeros = ops.zeros((ops.shape(lr)[0], self.latent_dim))
        return DiagonalGaussian(zeros, zeros)

    def fidelity(self, lr, hr, turn):
        """MR_1 or MR_2 over several answers; the first of them is what the critic judges."""
        prior = self._encode(lr)
        draws = [reparameterised_sample(prior, self.step_seed(turn, 2 + k)) for k in range(self.answers if turn == 0 else 1)]
        answers = ops.stack([self.signed(lr, z) for z in draws])
        mean = ops.mean(answers, axis=0)
        error = self.squared_error(hr, mean)
        if self.moments == 2:
            variance = ops.var(answers, axis=0) / 4.0 + 2.5e-5  # a deviation of half a hundredth at least
            error = 0.5 * (error / variance + ops.log(variance))
        loss = ops.mean(error)
        return answers[0], loss, loss
