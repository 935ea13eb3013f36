"""One Keras layer and the tensors of the PyTorch module that computes the same: how the axes of one lie in the other.

Convolutions are (rows, columns, inputs, outputs) in Keras and (outputs, inputs, rows, columns) in PyTorch; transposed ones are
(rows, columns, outputs, inputs) and (inputs, outputs, rows, columns), so the same transposition serves. A pixel shuffle takes
its channels as (factor^2, C) in Keras and as (C, factor^2) in PyTorch; so the convolution before it has its outputs regrouped,
and one after the reverse its inputs.
"""

from dataclasses import dataclass

import numpy as np

IN_KERAS, IN_PYTORCH = (2, 3, 1, 0), (3, 2, 0, 1)


@dataclass(frozen=True)
class Part:
    """A convolution or PReLU of a Keras network, and its module's name in PyTorch.

    ``shuffle`` is the factor of the pixel shuffle that follows it, ``unshuffle`` that of the reverse before it.
    """

    layer: object
    name: str
    shuffle: int = 1
    unshuffle: int = 1

    @property
    def variables(self):
        """Name of each tensor -> the layer's variable."""
        if hasattr(self.layer, "alpha"):
            return {f"{self.name}.weight": self.layer.alpha}
        return {f"{self.name}.weight": self.layer.kernel, f"{self.name}.bias": self.layer.bias}

    def to_keras(self, array):
        """A tensor of the module, as the layer's variable has it, but for axes of length 1."""
        array = array.transpose(IN_KERAS) if array.ndim == 4 else array
        groups = [(-1, self.shuffle), *([(2, self.unshuffle)] if array.ndim == 4 else [])]
        for axis, factor in groups:
            array = _regrouped(array, axis, -1, factor**2)
        return array

    def to_pytorch(self, array):
        """The way back."""
        array = array if array.ndim in (1, 4) else array.reshape(-1)  # slopes are (1, 1, C) in Keras
        groups = [(-1, self.shuffle), *([(2, self.unshuffle)] if array.ndim == 4 else [])]
        for axis, factor in groups:
            array = _regrouped(array, axis, factor**2, -1)
        return array.transpose(IN_PYTORCH) if array.ndim == 4 else array

    def shapes(self):
        """Name of each tensor -> its shape in PyTorch."""
        return {name: self.to_pytorch(np.empty(variable.shape, bool)).shape for name, variable in self.variables.items()}


def _regrouped(array, axis, major, minor):
    """Channels along an axis, grouped as (major, minor), regrouped as (minor, major); -1 for what is left."""
    grouped = np.moveaxis(array, axis, 0)
    grouped = grouped.reshape(major, minor, *grouped.shape[1:]).swapaxes(0, 1)
    return np.moveaxis(grouped.reshape(-1, *grouped.shape[2:]), 0, axis)
