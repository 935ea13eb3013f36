"""SSRVAE's super-resolution network: first blocks with global attention, then blocks with local attention.

It is trained on pairs whose small faces are degraded by ``StyleVAE`` as real ones are. "Style-based Variational Autoencoder
for Real-World Super-Resolution", section 3.2.
"""

import keras
from keras import layers

from keras_facesr.layers.attention import GlobalAttention, LocalAttention
from keras_facesr.layers.blocks import ConvBlock, conv, near_zero
from keras_facesr.layers.resampling import pixel_shuffles
from keras_facesr.models.base import SubPixelSR


@keras.saving.register_keras_serializable("keras_facesr")
class AttentionBlock(layers.Layer):
    """x + A(Conv-ReLU-Conv(x)): GARB if A is global attention, LARB if it is local.

    The paper draws the blocks (figure 4) but prints no equation for them; A is in ``layers.attention``.

    Args:
        channels: width.
        attention: ``"global"``, ``"local"`` or None for a plain residual block, as in the paper's ablation.
        window: side of local attention's window in pixels.
    """

    def __init__(self, channels, attention, window=7, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.attention, self.window = channels, attention, window
        dtype = self.dtype_policy
        self.first = ConvBlock(channels, normalization=None, dtype=dtype)
        self.second = conv(channels, kernel_initializer=near_zero(), dtype=dtype)
        self.attend = None
        if attention:
            self.attend = GlobalAttention(dtype=dtype) if attention == "global" else LocalAttention(window, dtype=dtype)

    def build(self, input_shape):
        for part in (self.first, self.second, self.attend):
            if part is not None:
                part.build(input_shape)

    def call(self, x):
        branch = self.second(self.first(x))
        return x + (self.attend(branch) if self.attend is not None else branch)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        names = ("channels", "attention", "window")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("keras_facesr")
class SSRVAE(SubPixelSR):
    """The SR network of SSRVAE, x4, trained by mean absolute error: ``compile("adam", loss="mae")``.

    Args:
        scale: enlargement, a power of two or 3.
        channels: width.
        global_blocks, local_blocks: GARBs, then LARBs.
        global_attention, local_attention: whether these blocks attend; otherwise they are plain residual blocks (Table 4).
        window: side of local attention's window in pixels.

    Example:
        >>> real = StyleVAE(...)                                                   # trained
        >>> model = SSRVAE()
        >>> model.compile("adam", loss="mae"); model.fit((real.degrade(hr), hr) ...)
    """

    ARGUMENTS = "channels global_blocks local_blocks global_attention local_attention window".split()
    paper = "Style-based Variational Autoencoder for Real-World Super-Resolution (SSRVAE), section 3.2"
    largest_side = 64  # larger pictures are cut into tiles: global attention's memory grows with the side's fourth power

    def __init__(
        self,
        scale=4,
        channels=64,
        global_blocks=8,
        local_blocks=8,
        global_attention=True,
        local_attention=True,
        window=7,
        **kwargs,
    ):
        super().__init__(scale, **kwargs)
        self.channels, self.global_blocks, self.local_blocks = channels, global_blocks, local_blocks
        self.global_attention, self.local_attention, self.window = global_attention, local_attention, window
        dtype = self.dtype_policy
        kinds = ["global" if global_attention else None] * global_blocks + ["local" if local_attention else None] * local_blocks
        self.stem = conv(channels, name="stem", dtype=dtype)
        self.body = keras.Sequential([AttentionBlock(channels, kind, window, dtype=dtype) for kind in kinds], name="body")
        self.upsampler = keras.Sequential(
            [*pixel_shuffles(channels, scale, dtype=dtype), conv(3, dtype="float32")], name="upsampler"
        )

    def call(self, lr, training=None):
        sr = self.upsampler(self.body(self.stem(2.0 * lr - 1.0)))
        return self.to_image((sr + 1.0) / 2.0, training)
