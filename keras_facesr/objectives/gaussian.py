"""The diagonal Gaussian over a latent, which networks predict as a mean and a log variance."""

import math
import operator
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_facesr import backend
from keras_facesr.errors import CallError, check_whole_number

FARTHEST = 1 - 1e-6  # draws of ``spread`` lie within this probability: 4.9 standard deviations


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

    def at_temperature(self, temperature):
        """The same Gaussian with so many times its standard deviations; a ``temperature`` of 1 changes nothing."""
        return DiagonalGaussian(self.mean, self.log_variance + 2.0 * math.log(temperature))

    def sample(self, n, seed=None, independent=False):
        """``n`` draws (n, batch, ...) by ``spread``, or ``independent`` ones. Not for training.

        The same integer ``seed``, Python's or NumPy's, gives the same draws. With a sequence of integers, one for each entry of
        the batch, an entry gets the draws that it would get alone. Raises ``CallError`` if ``n`` is no whole number above 0, or
        ``seed`` is no such number or sequence.
        """
        check_whole_number(n, "n, the number of draws,")
        batch, *shape = ops.shape(self.mean)
        drawn = self._independent if independent else self.spread

        def chance(count, seed):
            return keras.random.normal((2, n, count, *shape), dtype=self.mean.dtype, seed=seed_for_keras(seed))

        if isinstance(seed, Sequence) or np.ndim(seed) == 1:
            if len(seed) != batch:
                raise CallError(f"seed must be a whole number, or one for each of the {batch} images, not {seed!r}")
            return drawn(ops.concatenate([chance(1, own) for own in seed], axis=2))
        return drawn(chance(batch, seed))

    def spread(self, chance):
        """n draws (n, batch, ...) that are spread evenly: along each axis one in each n-th of the probability.

        Each alone is an ordinary draw of this Gaussian. Together they are a Latin hypercube (McKay, Beckman, Conover 1979) and
        cover the Gaussian better than n independent draws. ``chance``, independent standard normal numbers (2, n, batch, ...),
        decides which n-th each draw gets, and its place in it.
        """
        order, place = chance[0], chance[1]
        part = ops.cast(ops.argsort(order, axis=0), order.dtype)
        share = (part + normal_probability(place)) / order.shape[0]
        noise = math.sqrt(2.0) * ops.erfinv(ops.clip(2.0 * share - 1.0, -FARTHEST, FARTHEST))
        return self.mean[None] + self.stddev[None] * noise

    def _independent(self, chance):
        """n draws (n, batch, ...) by the second half of the same ``chance`` that ``spread`` takes."""
        return self.mean[None] + self.stddev[None] * chance[1]

    def distribution(self):
        """The same Gaussian as an object of the backend's probability library; gradients pass through its draws."""
        return backend.diagonal_gaussian(self.mean, self.stddev)


def seed_for_keras(seed):
    """A seed as Keras' generators take it, of NumPy's integers too; ``CallError`` if it is none of 64 bits."""
    if seed is None or isinstance(seed, keras.random.SeedGenerator):
        return seed
    try:
        number = operator.index(seed)
    except TypeError as error:
        raise CallError(f"seed must be a whole number, not {seed!r}") from error
    if not -(2**63) <= number < 2**63:
        raise CallError(f"seed must be a whole number of 64 bits, not {number}")
    return number


def normal_probability(z):
    """Phi(z): the probability that a standard normal number is below ``z``. It turns such numbers into uniform ones."""
    return 0.5 * (1.0 + ops.erf(z / math.sqrt(2.0)))


def reparameterised_sample(gaussian, seed):
    """z = mu + sigma * epsilon (Kingma and Welling); epsilon depends only on the two integers in ``seed``."""
    return backend.sample(gaussian.distribution(), seed)


def standard_normal(shape, seed):
    """Standard normal numbers that depend only on the two integers in ``seed``."""
    return reparameterised_sample(DiagonalGaussian(ops.zeros(shape), ops.zeros(shape)), seed)


def kl_divergence(q, p):
    """KL(q || p) of two ``DiagonalGaussian``, in nats summed over the latent's axes, shape (batch,)."""
    return backend.kl_divergence(q.distribution(), p.distribution())
