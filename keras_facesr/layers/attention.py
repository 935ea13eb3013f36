"""Attention: the smoothing of given maps (CAGFace), and the gates and weights that networks compute from their features."""

import keras
import numpy as np
from keras import layers, ops

from keras_facesr.layers.blocks import conv
from keras_facesr.layers.resampling import filtered


@keras.saving.register_keras_serializable("keras_facesr")
class GaussianSmoothing(keras.layers.Layer):
    """Smooths each channel of (N, H, W, C) maps by a fixed Gaussian (CAGFace, section 3.1).

    At the borders the weights inside the picture are scaled to a sum of one.

    Args:
        sigma: the Gaussian's standard deviation in pixels; it is cut at three sigma. 0 leaves the maps as they are.
    """

    def __init__(self, sigma, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.sigma = sigma

    def call(self, maps):
        return self._smooth(maps) / self._smooth(ops.ones_like(maps[:1, :, :, :1])) if self.sigma else maps

    def _smooth(self, maps):
        reach = int(np.ceil(3 * self.sigma))
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / self.sigma) ** 2)
        return filtered(maps, weights / weights.sum(), "same")

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "sigma": self.sigma}


@keras.saving.register_keras_serializable("keras_facesr")
class SpatialAttention(layers.Layer):
    """x times a gate in (0, 1) for each place and channel; the gate sees far, as it is computed at a quarter of the size.

    A 1x1 convolution reduces to a quarter of the channels. From there a branch takes means of 4x4, applies two 3x3 convolutions
    with ReLU between them, and returns to the size by repetition and means of 5x5. The branch is added to its own input; a 1x1
    convolution to all channels and a sigmoid follow. Made for few multiply-adds, after the enhanced spatial attention of
    RFANet (Liu et al., 2020), with pools of fixed sizes, which every runtime has.

    Args:
        channels: channels of x, a multiple of four.
    """

    REDUCTION = 4  # factor for channels and size

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels, dtype = channels, self.dtype_policy
        few = channels // self.REDUCTION
        self.squeeze = conv(few, 1, dtype=dtype)
        self.pool = layers.AveragePooling2D(self.REDUCTION, padding="same", dtype=dtype)
        self.surroundings = keras.Sequential([conv(few, activation="relu", dtype=dtype), conv(few, dtype=dtype)])
        self.repeat = layers.UpSampling2D(self.REDUCTION, dtype=dtype)
        self.interpolate = layers.AveragePooling2D(self.REDUCTION + 1, strides=1, padding="same", dtype=dtype)
        self.expand = conv(channels, 1, activation="sigmoid", dtype=dtype)

    def build(self, input_shape):
        narrow = (*input_shape[:-1], self.channels // self.REDUCTION)
        self.squeeze.build(input_shape)
        self.surroundings.build(narrow)
        self.expand.build(narrow)

    def call(self, x):
        height, width = ops.shape(x)[1:3]
        narrow = self.squeeze(x)
        far = self.interpolate(self.repeat(self.surroundings(self.pool(narrow))))
        return x * self.expand(narrow + far[:, :height, :width])

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable("keras_facesr")
class GlobalAttention(layers.Layer):
    """y_j = lambda v(sum_i beta_ji h(x_i)) + x_j, beta_j. = softmax_i(f(x_i)^T g(x_j)) over all places (SSRVAE, eqs. 7 to 9).

    f, g, h and v are 1x1 convolutions; the learned scalar lambda starts at 0. Memory grows with the fourth power of the
    side: 64 x 64 places take 64 MB an image, 128 x 128 a gigabyte.

    Args:
        reduction: f and g have this many times fewer channels than x.
    """

    def __init__(self, reduction=8, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction

    def build(self, input_shape):
        channels, dtype = input_shape[-1], self.dtype_policy
        widths = {
            "f": max(1, channels // self.reduction),
            "g": max(1, channels // self.reduction),
            "h": channels,
            "v": channels,
        }
        for name, width in widths.items():
            setattr(self, name, conv(width, 1, use_bias=False, name=name, dtype=dtype))
            getattr(self, name).build(input_shape)
        self.strength = self.add_weight(shape=(), initializer="zeros", name="lambda")

    def call(self, x):
        batch, height, width, channels = ops.shape(x)
        f, g, h = (ops.reshape(part(x), (batch, height * width, -1)) for part in (self.f, self.g, self.h))
        attention = ops.softmax(ops.matmul(g, ops.transpose(f, (0, 2, 1))), axis=-1)  # (N, j, i)
        o = ops.reshape(ops.matmul(attention, h), (batch, height, width, channels))
        return self.strength * self.v(o) + x

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}


@keras.saving.register_keras_serializable("keras_facesr")
class LocalAttention(layers.Layer):
    """y_p = lambda sum_q omega(p, q) value_q + x_p over the window around p, omega(p, q) = softmax_q(-(query_p - key_q)^2).

    SSRVAE prints only the weights omega (eqs. 10 and 11), with queries and keys by 1x1 convolutions. The values, the learned
    scalar lambda, which starts at 0, and the skip of x are ours, as in ``GlobalAttention``; so is the window.
    Queries and keys are one number for each group of channels (local relation layers, Hu et al., 2019).

    Places beyond the border have no weight. Each place of the window is computed as a shifted copy of the maps, so memory grows
    with the maps only, and every runtime has the operations. Maps of a known size with at most ``FEW_PLACES`` places are
    computed all at once, with weight 0 outside the window: five to eight times as many weights, in a fraction of the time.

    Args:
        window: side of the window in pixels, odd.
        group: channels that share their weights.
    """

    FEW_PLACES = 400  # 20 x 20

    def __init__(self, window=7, group=8, **kwargs):
        super().__init__(**kwargs)
        self.window, self.group = window, group

    def build(self, input_shape):
        channels, dtype = input_shape[-1], self.dtype_policy
        if channels % self.group or not self.window % 2:
            raise ValueError(
                f"{channels} channels in groups of {self.group}, window {self.window}: "
                "the groups must divide the channels, and the window must be odd"
            )
        for name, width in {"query": channels // self.group, "key": channels // self.group, "value": channels}.items():
            setattr(self, name, conv(width, 1, use_bias=False, name=name, dtype=dtype))
            getattr(self, name).build(input_shape)
        self.strength = self.add_weight(shape=(), initializer="zeros", name="lambda")

    def call(self, x):
        height, width = x.shape[1:3]
        few = None not in (height, width) and height * width <= self.FEW_PLACES
        attend = self._over_all_places if few else self._over_shifts
        return self.strength * attend(self.query(x), self.key(x), self.value(x)) + x

    def _over_all_places(self, query, key, value):
        """The weighted sums for maps (N, H, W, C) of a known size, all places at once."""
        _, height, width, channels = value.shape
        groups, count = channels // self.group, height * width
        rows, columns = np.divmod(np.arange(count), width)
        apart = np.maximum(*(np.abs(each[:, None] - each) for each in (rows, columns)))
        beyond = 1e4 * (apart > self.window // 2).astype("float32")  # (count, count)
        query, key = (ops.transpose(ops.reshape(each, (-1, count, groups)), (0, 2, 1)) for each in (query, key))
        scores = -ops.square(query[..., :, None] - key[..., None, :]) - ops.cast(beyond, query.dtype)
        value = ops.transpose(ops.reshape(value, (-1, count, groups, self.group)), (0, 2, 1, 3))
        mixed = ops.matmul(ops.softmax(scores), value)  # (N, groups, count, group)
        return ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, height, width, channels))

    def _over_shifts(self, query, key, value):
        """The weighted sums for maps of any size, one place of the window at a time."""
        inside = ops.ones_like(value[:1, ..., :1])
        scores = [-ops.square(query - k) - 1e4 * (1 - m) for k, m in zip(self._shifted(key), self._shifted(inside))]
        highest = scores[0]
        for score in scores[1:]:
            highest = ops.maximum(highest, score)
        total, mixed = 0.0, 0.0
        for score, shifted in zip(scores, self._shifted(value)):
            weight = ops.exp(score - highest)
            total = total + weight
            mixed = mixed + ops.repeat(weight, self.group, axis=-1) * shifted
        return mixed / ops.repeat(total, self.group, axis=-1)

    def _shifted(self, maps):
        """A shifted copy of the maps for each place of the window, zero beyond the border."""
        reach = self.window // 2
        height, width = ops.shape(maps)[1:3]
        padded = ops.pad(maps, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
        steps = range(self.window)
        return [padded[:, row : row + height, column : column + width] for row in steps for column in steps]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "window": self.window, "group": self.group}
