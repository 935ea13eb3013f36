"""Normalisation: adaptive, of feature maps; spectral, of kernels."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("keras_facesr")
class AdaIN(layers.Layer):
    """Adaptive instance normalisation (SSRVAE, eq. 2): y_s (x - mu(x)) / sigma(x) + y_b, for each image and channel.

    Called with features (N, H, W, C) and styles (N, D). A dense layer computes y_s, which starts near 1, and y_b from a style.
    """

    EPSILON = 1e-5  # added to the variance

    def build(self, features_shape, style_shape):
        self.affine = layers.Dense(2 * features_shape[-1], name="affine", dtype=self.dtype_policy)
        self.affine.build(style_shape)

    def call(self, features, style):
        scale, shift = ops.split(self.affine(style)[:, None, None, :], 2, axis=-1)
        mean, variance = ops.moments(features, axes=(1, 2), keepdims=True)
        return (1.0 + scale) * (features - mean) * ops.rsqrt(variance + self.EPSILON) + shift

    def compute_output_shape(self, features_shape, style_shape):
        return features_shape


@keras.saving.register_keras_serializable("keras_facesr")
class SpectralConv(layers.Conv2D):
    """A convolution whose kernel, as a (k * k * inputs, outputs) matrix, has the spectral norm ``GAIN`` (Miyato et al., 2018).

    Keras' ``SpectralNormalization`` estimates the norm from call to call, in variables that replicas may not assign. This one
    takes ``schatten_norm``, which needs none, and through which gradients flow.
    """

    GAIN = 2.0  # about that of kernels by He's initialisation: what goes through many layers keeps its size

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel * ops.cast(self.GAIN / schatten_norm(kernel), kernel.dtype))


def schatten_norm(kernel, doublings=3):
    """The Schatten norm of a kernel's matrix, of order 2^(doublings + 1): (k, k, I, O) to a float32 scalar.

    That is the norm of its min(k * k * I, O) = n singular values, at least the largest and at most n^(1 / order) times it.
    """
    matrix = ops.reshape(ops.cast(kernel, "float32"), (-1, kernel.shape[-1]))
    tall = matrix.shape[0] >= matrix.shape[1]
    gram = ops.transpose(matrix) @ matrix if tall else matrix @ ops.transpose(matrix)
    trace = ops.trace(gram)
    power = gram / trace  # its eigenvalues are in [0, 1], so none of their powers overflows
    for _ in range(doublings):
        power = power @ power
    return ops.sqrt(trace) * ops.trace(power) ** (0.5 ** (doublings + 1))
