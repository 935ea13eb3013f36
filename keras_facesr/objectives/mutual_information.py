"""Mutual information of two variables, estimated by a network that tells true pairs from shuffled ones (MINE)."""

import math

from keras import ops

from keras_facesr import backend


def donsker_varadhan(joint, marginal):
    """E[T] over pairs - log E[exp T] over shuffled ones, in nats: a lower bound of the mutual information (SSRVAE, eq. 5).

    Args:
        joint, marginal: (N,) scores of the statistics network T.
    """
    return ops.mean(joint) - log_mean_exp(marginal)


def corrected_bound(joint, marginal, log_average):
    """What to maximise instead of the bound, whose gradient is biased in small batches (Belghazi et al., 2018, section 3.2).

    The second term's gradient is divided by a moving average of the mean of exp T, whose logarithm is ``log_average``.
    """
    return ops.mean(joint) - ops.exp(log_mean_exp(marginal) - ops.stop_gradient(log_average))


def moved_average(log_average, marginal, momentum=0.99):
    """The logarithm of the moving average of exp T after one more batch, over all replicas."""
    batch = ops.log(backend.replica_mean(ops.exp(log_mean_exp(marginal))))
    return ops.logaddexp(math.log(momentum) + log_average, math.log(1 - momentum) + batch)


def neighbours(images):
    """The images (N, ...) with each two neighbours exchanged; paired with the old order, they are samples of the marginal.

    Dividing a batch into parts with even numbers of images does not change the pairs.
    """
    count = ops.shape(images)[0]
    index = ops.arange(count)
    return ops.take(images, (index + 1 - 2 * (index % 2)) % count, axis=0)


def log_mean_exp(scores):
    """log of the mean of exp of (N,) scores."""
    return ops.logsumexp(scores) - ops.log(ops.cast(ops.size(scores), scores.dtype))
