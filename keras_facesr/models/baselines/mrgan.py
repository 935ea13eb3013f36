"""MR-GAN: the mean of many answers is compared with the truth, and a critic judges each single answer."""

import keras
from keras import ops

from keras_facesr.models.varsr import LatentSR
from keras_facesr.objectives.gaussian import DiagonalGaussian, reparameterised_sample


@keras.saving.register_keras_serializable("keras_facesr")
class MRGAN(LatentSR):
    """GAN with moment reconstruction loss, which VarSR is compared with: VarSR's generator, with z from N(0, I) for any face.

    Instead of each answer's own squared error, the loss is the squared error of the mean of several answers to one input
    (MR_1), or the negative log-likelihood of the truth under their mean and variance (MR_2). The paper's third variant, in
    which moments from a trained predictor replace the truth, is not implemented.

    Args:
        scale, lr_size, latent_dim, channels, blocks: as VarSR's.
        moments: 1 or 2.
        answers: number of answers to each input, from which a step computes the moments; the paper has 12 or 24.
        **kwargs: ``backbone`` and ``decoder_blocks`` of VarSR, and those of ``AdversarialSR``.
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
        zeros = ops.zeros(self._latent_shape(lr))
        return DiagonalGaussian(zeros, zeros)

    def fidelity(self, lr, hr, turn):
        """MR_1 or MR_2 over several answers; the critic judges the first of them."""
        prior = self._encode(lr)
        draws = [reparameterised_sample(prior, self.step_seed(turn, 2 + k)) for k in range(self.answers if turn == 0 else 1)]
        before = self.before_latent(lr)
        answers = ops.stack([self.with_latent(before, z) for z in draws])
        mean = ops.mean(answers, axis=0)
        error = self.squared_error(hr, mean)
        if self.moments == 2:
            variance = ops.var(answers, axis=0) / 4.0 + 2.5e-5  # a deviation of at least 0.005
            error = 0.5 * (error / variance + ops.log(variance))
        loss = ops.mean(error)
        return answers[0], loss, loss
