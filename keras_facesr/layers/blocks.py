"""The blocks that the networks are stacked from. All convolutions are 3x3, stride 1, "same" unless the call says otherwise."""

import keras
from keras import layers


def conv(channels, kernel_size=3, **kwargs):
    """A 2-D convolution that keeps the size of its input."""
    return layers.Conv2D(channels, kernel_size, padding="same", **kwargs)


@keras.saving.register_keras_serializable("keras_facesr")
class ConvBlock(keras.layers.Layer):
    """Conv-BN-ReLU (FSRNet); without ``normalization``, Conv-ReLU. ``strides`` 2 halves the size."""

    def __init__(self, channels, strides=1, normalization=True, kernel_size=3, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.strides, self.normalization = channels, strides, normalization
        self.kernel_size = kernel_size
        self.conv = self._convolution()
        self.norm = layers.BatchNormalization(dtype=self.dtype_policy) if normalization else None
        self.activation = layers.ReLU(dtype=self.dtype_policy)

    def _convolution(self):
        kwargs = {"strides": self.strides, "kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        return conv(self.channels, self.kernel_size, **kwargs)

    def build(self, input_shape):
        self.conv.build(input_shape)
        if self.norm:
            self.norm.build(self.conv.compute_output_shape(input_shape))

    def call(self, x, training=None):
        x = self.conv(x)
        if self.norm:
            x = self.norm(x, training=training)
        return self.activation(x)

    def compute_output_shape(self, input_shape):
        return self.conv.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "strides": self.strides,
            "normalization": self.normalization,
            "kernel_size": self.kernel_size,
        }


@keras.saving.register_keras_serializable("keras_facesr")
class DeconvBlock(ConvBlock):
    """Deconv-BN-ReLU (FSRNet): a 4x4 transposed convolution that enlarges by ``strides``."""

    def __init__(self, channels, strides=2, normalization=True, kernel_size=4, **kwargs):
        super().__init__(channels, strides, normalization, kernel_size, **kwargs)

    def _convolution(self):
        kwargs = {"strides": self.strides, "kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        return layers.Conv2DTranspose(self.channels, self.kernel_size, padding="same", **kwargs)


@keras.saving.register_keras_serializable("keras_facesr")
class ResidualBlock(keras.layers.Layer):
    """x + Conv-BN-ReLU-Conv-BN(x), no ReLU after the sum (FSRNet); without ``normalization``, x + Conv-ReLU-Conv(x) (EDSR).

    ``residual_scaling`` weighs what is added to x. Without normalisation the second convolution starts near zero, so
    that a deep stack starts as the identity.
    """

    def __init__(self, channels, normalization=True, residual_scaling=1.0, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.normalization, self.residual_scaling = channels, normalization, residual_scaling
        self.first = ConvBlock(channels, normalization=normalization, dtype=self.dtype_policy)
        near_zero = keras.initializers.VarianceScaling(0.05)
        self.second = conv(channels, kernel_initializer="he_normal" if normalization else near_zero, dtype=self.dtype_policy)
        self.norm = layers.BatchNormalization(dtype=self.dtype_policy) if normalization else None

    def build(self, input_shape):
        inner = (*input_shape[:-1], self.channels)
        self.first.build(input_shape)
        self.second.build(inner)
        if self.norm:
            self.norm.build(inner)

    def call(self, x, training=None):
        branch = self.second(self.first(x, training=training))
        if self.norm:
            branch = self.norm(branch, training=training)
        return x + self.residual_scaling * branch

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        names = ("channels", "normalization", "residual_scaling")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
