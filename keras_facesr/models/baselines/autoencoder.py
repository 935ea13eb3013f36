"""The deterministic twin of VarSR for digits: its generator without a latent."""

import keras
from keras import ops

from keras_facesr.models.base import FaceSR
from keras_facesr.models.varsr import generator


@keras.saving.register_keras_serializable("keras_facesr")
class Autoencoder(FaceSR):
    """Autoencoder with a skip connection for images of a few pixels ("Det." in VarSR's tables), trained by squared error.

    Args:
        scale: enlargement, a power of two.
        channels: width.
        size_multiple: heights and widths are multiples of this even number.
    """

    ARGUMENTS = ("channels", "size_multiple")
    paper = "Hyun, Heo: VarSR: Variational Super-Resolution Network for Very Low Resolution Images (2020), section 4"

    def __init__(self, scale=4, channels=64, size_multiple=2, **kwargs):
        super().__init__(scale, size_multiple, **kwargs)
        self.channels = channels
        self.generator = generator(scale, 0, channels, 0, self.dtype_policy)

    def build(self, input_shape=None):
        """Nothing is left to build: the generator knows its shapes."""

    def call(self, lr, training=None):
        return self.to_image((self.generator(2.0 * ops.convert_to_tensor(lr) - 1.0) + 1.0) / 2.0, training)
