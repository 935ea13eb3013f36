"""The blocks that the networks are stacked from. All convolutions are 3x3, stride 1, "same" unless the call says otherwise."""

import keras
from keras import layers, ops

from keras_facesr import backend


def conv(channels, kernel_size=3, **kwargs):
    """A 2-D convolution that keeps the size of its input."""
    return layers.Conv2D(channels, kernel_size, padding="same", **kwargs)


def near_zero():
    """The initializer for the last convolution of a residual branch, so that a deep stack starts as the identity."""
    return keras.initializers.VarianceScaling(0.05)


def batch_normalization(**kwargs):
    """Batch normalisation by the statistics of the whole batch, also if it is divided among replicas."""
    return layers.BatchNormalization(synchronized=backend.replica_count() > 1, **kwargs)


def normalizing(kind, **kwargs):
    """The normalisation layer of a kind: "batch", "instance" (each image and channel for itself), or None for none."""
    if kind is None:
        return None
    return batch_normalization(**kwargs) if kind == "batch" else layers.GroupNormalization(groups=-1, **kwargs)


def activating(kind, **kwargs):
    """The activation layer of a kind: "relu", "leaky_relu" (slope 0.2), another slope as a number, "prelu" or "shared_prelu".

    "prelu" has one learned slope for each channel, "shared_prelu" one for all channels, which starts at 0.2.
    """
    if kind == "prelu":
        return layers.PReLU(shared_axes=[1, 2], **kwargs)
    if kind == "shared_prelu":
        return layers.PReLU(keras.initializers.Constant(0.2), shared_axes=[1, 2, 3], **kwargs)
    if kind == "relu":
        return layers.ReLU(**kwargs)
    return layers.LeakyReLU(0.2 if kind == "leaky_relu" else kind, **kwargs)


@keras.saving.register_keras_serializable("keras_facesr")
class ConvBlock(keras.layers.Layer):
    """Convolution, normalisation, activation: Conv-BN-ReLU (FSRNet) by default. ``strides`` 2 halves the size.

    For ``normalization`` see ``normalizing``, for ``activation`` see ``activating``.
    """

    def __init__(self, channels, strides=1, normalization="batch", activation="relu", kernel_size=3, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.strides, self.kernel_size = channels, strides, kernel_size
        self.kinds = {"normalization": normalization, "activation": activation}
        self.conv = self._convolution()
        self.norm = normalizing(normalization, dtype=self.dtype_policy)
        self.activation = activating(activation, dtype=self.dtype_policy)

    def _convolution(self):
        kwargs = {"strides": self.strides, "kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        return conv(self.channels, self.kernel_size, **kwargs)

    def build(self, input_shape):
        self.conv.build(input_shape)
        inner = self.conv.compute_output_shape(input_shape)
        if self.norm:
            self.norm.build(inner)
        self.activation.build(inner)

    def call(self, x, training=None):
        x = self.conv(x)
        if self.norm:
            x = self.norm(x, training=training)
        return self.activation(x)

    def compute_output_shape(self, input_shape):
        return self.conv.compute_output_shape(input_shape)

    def get_config(self):
        sizes = {"channels": self.channels, "strides": self.strides, "kernel_size": self.kernel_size}
        return {**super().get_config(), **sizes, **self.kinds}


@keras.saving.register_keras_serializable("keras_facesr")
class DeconvBlock(ConvBlock):
    """Deconv-BN-ReLU (FSRNet): a 4x4 transposed convolution that enlarges by ``strides``."""

    def __init__(self, channels, strides=2, kernel_size=4, **kwargs):
        super().__init__(channels, strides, kernel_size=kernel_size, **kwargs)

    def _convolution(self):
        kwargs = {"strides": self.strides, "kernel_initializer": "he_normal", "dtype": self.dtype_policy}
        return layers.Conv2DTranspose(self.channels, self.kernel_size, padding="same", **kwargs)


@keras.saving.register_keras_serializable("keras_facesr")
class ResidualBlock(keras.layers.Layer):
    """x + Conv-Norm-Act-Conv-Norm(x), nothing after the sum: FSRNet's with BN and ReLU, EDSR's without normalisation.

    ``residual_scaling`` weights what is added to x. Without normalisation the second convolution starts near zero, so
    that a deep stack starts as the identity.
    """

    def __init__(self, channels, normalization="batch", activation="relu", residual_scaling=1.0, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.residual_scaling = channels, residual_scaling
        self.kinds = {"normalization": normalization, "activation": activation}
        self.first = ConvBlock(channels, **self.kinds, dtype=self.dtype_policy)
        second = "he_normal" if normalization else near_zero()
        self.second = conv(channels, kernel_initializer=second, dtype=self.dtype_policy)
        self.norm = normalizing(normalization, dtype=self.dtype_policy)

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
        sizes = {"channels": self.channels, "residual_scaling": self.residual_scaling}
        return {**super().get_config(), **sizes, **self.kinds}


@keras.saving.register_keras_serializable("keras_facesr")
class DenseBlock(keras.layers.Layer):
    """x + residual_scaling * fusion(x and the outputs of all convolutions): the dense block of RDN and of RRDB.

    Each convolution sees x and the outputs of those before it. The fusion starts near zero, so that a deep stack starts as
    the identity.

    Args:
        channels: channels of x.
        growth: channels that each convolution adds.
        convolutions: number of 3x3 convolutions, each with an activation (``activating``).
        fusion_kernel: side of the kernel of the fusion, a convolution back to ``channels``.
    """

    def __init__(self, channels, growth, convolutions, activation="relu", fusion_kernel=1, residual_scaling=1.0, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.growth, self.convolutions = channels, growth, convolutions
        self.activation, self.fusion_kernel, self.residual_scaling = activation, fusion_kernel, residual_scaling
        dtype = self.dtype_policy
        self.steps = [ConvBlock(growth, 1, None, activation, dtype=dtype) for _ in range(convolutions)]
        self.fusion = conv(channels, fusion_kernel, kernel_initializer=near_zero(), dtype=dtype)

    def build(self, input_shape):
        for k, part in enumerate((*self.steps, self.fusion)):
            part.build((*input_shape[:-1], self.channels + k * self.growth))

    def call(self, x):
        seen = x
        for step in self.steps:
            seen = ops.concatenate([seen, step(seen)], axis=-1)
        return x + self.residual_scaling * self.fusion(seen)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        names = "channels growth convolutions activation fusion_kernel residual_scaling".split()
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("keras_facesr")
class GroupedConv(keras.layers.Layer):
    """3x3 convolution in ``groups``: each group of output channels sees only the same group of input channels.

    It is one convolution for each group, which every runtime has. Keras' own grouped convolution is compiled by XLA on a CPU,
    takes 70 to 90 times as long there with its gradients, and cannot be exported to ONNX.
    """

    def __init__(self, channels, groups, use_bias=True, kernel_initializer="he_normal", **kwargs):
        super().__init__(**kwargs)
        self.channels, self.groups, self.use_bias = channels, groups, use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        shape = (3, 3, input_shape[-1] // self.groups, self.channels)
        self.kernel = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="kernel")
        self.bias = self.add_weight(shape=(self.channels,), initializer="zeros", name="bias") if self.use_bias else None

    def call(self, x):
        parts = zip(ops.split(x, self.groups, axis=-1), ops.split(self.kernel, self.groups, axis=-1))
        y = ops.concatenate([ops.conv(part, kernel, padding="same") for part, kernel in parts], axis=-1)
        return y if self.bias is None else y + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        names = ("channels", "groups", "use_bias")
        how = {"kernel_initializer": keras.initializers.serialize(self.kernel_initializer)}
        return {**super().get_config(), **{name: getattr(self, name) for name in names}, **how}
