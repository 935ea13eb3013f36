"""The diagonal Gaussian over a latent, as the networks give it: a mean and a log variance."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_facesr import backend


class DiagonalGaussian:
    """N(mean, diag(exp(log_variance))), independent over all axes but the batch's.

    Args:
        mean: tensor (batch, ...).
        log_variance: tensor of the same shape, the natural logarithm of sigma squared.
    """

    def __init__(self, mean, log_variance):
        self.mean = mean
        self.log_variance = log_variance
        self.stddev = ops.exp(0.5 * log_variance)

    def sample(self, n, seed=None):
        """``n`` draws, (n, batch, ...). Not for training.

        The same integer ``seed`` gives the same draws. With a sequence of integers, one for each of the batch, each is drawn
        as it would be alone.
        """
        batch, *shape = ops.shape(self.mean)

        def noise(count, seed):
            return keras.random.normal((n, count, *shape), dtype=self.mean.dtype, seed=seed)

        if isinstance(seed, Sequence):
            draws = ops.concatenate([noise(1, own) for _, own in zip(range(batch), seed, strict=True)], axis=1)
        else:
            draws = noise(batch, seed)
        return self.mean[None] + self.stddev[None] * draws

    def distribution(self):
        """The same Gaussian as an object of the backend's probability library, whose draws gradients pass through."""
        return backend.diagonal_gaussian(self.mean, self.stddev)


def reparameterised_sample(gaussian, seed):
    """z = mu + sigma * epsilon (Kingma and Welling), a function of the two integers in ``seed`` alone."""
    return backend.sample(gaussian.distribution(), seed)


def kl_divergence(q, p):
    """KL(q || p) of two ``DiagonalGaussian``, in nats summed over the latent's axes, shape (batch,)."""
    return backend.kl_divergence(q.distribution(), p.distribution())
