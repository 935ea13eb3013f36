"""The optimisers that recipes name."""

import functools
import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_facesr")
class ConvMuon(keras.optimizers.Muon):
    """Muon (Jordan et al., 2024) for convolutions: each kernel is orthogonalised as a (k * k * inputs, outputs) matrix.

    Keras' Muon takes matrices only and would leave every convolution to Adam. Here Adam takes the biases, the parameters of
    normalisation and the kernels with fewer than ``MIN_CHANNELS`` input or output channels (images), at the same rate.
    """

    MIN_CHANNELS = 8

    def _should_use_adamw(self, variable):
        shape = variable.shape
        return len(shape) != 4 or min(shape[-2:]) < self.MIN_CHANNELS

    def zeropower_via_newtonschulz5(self, x, steps):
        """Newton-Schulz's iteration, X <- (a + b G + c G^2) X with G = X X', computed on the small matrix G only.

        Each iterate is a polynomial of the first G times the first X. So only G is iterated, G <- P G P with
        P = a + b G + c G^2, and X is multiplied once, by the product of all P. Up to rounding this equals Keras' own, in a
        fourth of its time.
        """
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        matrix = matrix / (ops.norm(matrix) + 1e-7)
        tall = matrix.shape[0] >= matrix.shape[1]
        gram = ops.transpose(matrix) @ matrix if tall else matrix @ ops.transpose(matrix)
        identity = product = ops.eye(gram.shape[0], dtype=gram.dtype)
        for _ in range(steps):
            polynomial = self.muon_a * identity + self.muon_b * gram + self.muon_c * (gram @ gram)
            product = product @ polynomial  # polynomials of one matrix: they commute
            gram = polynomial @ gram @ polynomial
        return ops.reshape(matrix @ product if tall else product @ matrix, x.shape)

    def lr_adjust(self, x):
        """Scale an update to a root mean square of ``rms_rate``, about that of Adam's updates (Liu et al., 2025)."""
        rows, columns = math.prod(x.shape[:-1]), x.shape[-1]
        return x * (self.rms_rate * math.sqrt(max(rows, columns)))


OPTIMIZERS = {  # by the name in ``Stage.optimizer``
    "adam": keras.optimizers.Adam,
    # For a network and its critic, whose gradients turn as the other learns: no momentum, and a short memory of their size.
    "adversarial_adam": functools.partial(keras.optimizers.Adam, beta_1=0.0, beta_2=0.99),
    "muon": functools.partial(ConvMuon, weight_decay=0.0, adam_weight_decay=0.0),
    "rmsprop": keras.optimizers.RMSprop,
    # For VDSR's rate of 0.1: without momentum, no gradient moves a weight by more than a hundredth of the rate. In VDSR's paper
    # that bound stays the same while the rate falls.
    "clipped_sgd": functools.partial(keras.optimizers.SGD, momentum=0.9, weight_decay=1e-4, clipvalue=0.01),
}
