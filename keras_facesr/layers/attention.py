"""Where a network is told to look."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("keras_facesr")
class GaussianSmoothing(keras.layers.Layer):
    """Each channel of (N, H, W, C) maps weighted over its surroundings by a fixed Gaussian (CAGFace, section 3.1).

    At the borders the weights inside the picture are scaled to a sum of one.

    Args:
        sigma: of the Gaussian in pixels; it is cut at three sigma.
    """

    def __init__(self, sigma, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.sigma = sigma

    def call(self, maps):
        return self._smooth(maps) / self._smooth(ops.ones_like(maps[:1]))

    def _smooth(self, maps):
        reach = int(np.ceil(3 * self.sigma))
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / self.sigma) ** 2)
        weights = (weights / weights.sum()).astype("float32")
        for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):  # down the columns, then along the rows
            kernel = np.tile(weights.reshape(shape), (1, 1, maps.shape[-1], 1))
            maps = ops.depthwise_conv(maps, ops.convert_to_tensor(kernel, dtype=maps.dtype), padding="same")
        return maps

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "sigma": self.sigma}
