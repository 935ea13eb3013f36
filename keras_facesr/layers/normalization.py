"""Adaptive normalisation of feature maps."""

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
