"""Wavelet-SRNet: predicts the large image's wavelet packets at the small image's size, level by level."""

import keras
from keras import layers, ops

from keras_facesr.layers.blocks import GroupedConv, batch_normalization, conv, near_zero
from keras_facesr.layers.resampling import doubling_count
from keras_facesr.models.own_loss import ObjectiveSR
from keras_facesr.objectives import wavelet


@keras.saving.register_keras_serializable("keras_facesr")
class WaveletBlock(layers.Layer):
    """ReLU(BN(Conv-BN-ReLU-Conv(x) + x)); if the width changes, a 1x1 convolution brings x to the new width. No biases.

    Args:
        channels: width.
        groups: numbers of channel groups in the first and in the second convolution; groups do not see each other.
    """

    def __init__(self, channels, groups=(1, 1), **kwargs):
        super().__init__(**kwargs)
        self.channels, self.groups = channels, tuple(groups)
        dtype = self.dtype_policy
        self.first, self.second = (
            GroupedConv(channels, n, use_bias=False, dtype=dtype)
            if n > 1
            else conv(channels, use_bias=False, kernel_initializer="he_normal", dtype=dtype)
            for n in self.groups
        )
        self.norms = [batch_normalization(dtype=dtype) for _ in range(2)]

    def build(self, input_shape):
        inner = (*input_shape[:-1], self.channels)
        self.first.build(input_shape)
        for part in (self.second, *self.norms):
            part.build(inner)
        self.expand = None
        if input_shape[-1] != self.channels:
            how = {"use_bias": False, "kernel_initializer": "he_normal", "dtype": self.dtype_policy}
            self.expand = conv(self.channels, 1, **how, name="expand")
            self.expand.build(input_shape)

    def call(self, x, training=None):
        branch = self.second(ops.relu(self.norms[0](self.first(x), training=training)))
        return ops.relu(self.norms[1](branch + (self.expand(x) if self.expand else x), training=training))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "groups": self.groups}


@keras.saving.register_keras_serializable("keras_facesr")
class WaveletSRNet(ObjectiveSR):
    """Embedding net, one wavelet prediction net for each level of packets, and fixed synthesis; it compiles without a loss.

    Level 0 is the coarsest packet; level j has 3 * 4^(j - 1) packets, each predicted without seeing the others.

    Args:
        scale: enlargement, a power of two: one level of packets for each doubling.
        channels: width of the embedding's first convolution and first stage; each stage has twice the width of the one before.
        stages: stages of the embedding.
        blocks: residual blocks in a stage.
        packet_channels: width for each packet in its prediction net; twice as much in the net's second block.
        low_weight, high_weight: weights of the squared error of the coarsest packet and of the others.
        texture_weight: weight of the energy that the details lack, mean over places and packets, beside half the sum of an
            image's squared errors, as in the authors' program.
        texture_ratio, texture_margin: alpha and epsilon, which say how much energy is wanted.
        image_weight: weight of the pixels' squared error.
    """

    ARGUMENTS = (
        "channels stages blocks packet_channels low_weight high_weight texture_weight texture_ratio texture_margin image_weight"
    ).split()
    paper = "Huang, He, Sun, Tan: Wavelet-SRNet: A Wavelet-based CNN for Multi-scale Face Super Resolution (2017)"
    FIGURES = ("packets", "texture", "image")

    def __init__(
        self,
        scale=8,
        channels=64,
        stages=5,
        blocks=2,
        packet_channels=32,
        low_weight=0.01,
        high_weight=0.99,
        texture_weight=1.0,
        texture_ratio=1.2,
        texture_margin=0.0,
        image_weight=0.1,
        **kwargs,
    ):
        super().__init__(scale, **kwargs)
        self.levels = doubling_count(scale)
        self.channels, self.stages, self.blocks, self.packet_channels = channels, stages, blocks, packet_channels
        self.low_weight, self.high_weight, self.image_weight = low_weight, high_weight, image_weight
        self.texture_weight, self.texture_ratio, self.texture_margin = texture_weight, texture_ratio, texture_margin
        dtype = self.dtype_policy
        widths = [channels * 2**k for k in range(stages) for _ in range(blocks)]
        stem = [conv(channels, use_bias=False, dtype=dtype), batch_normalization(dtype=dtype), layers.ReLU(dtype=dtype)]
        self.embedding = keras.Sequential([*stem, *[WaveletBlock(width, dtype=dtype) for width in widths]], name="embedding")
        packets = [1, *[3 * 4**k for k in range(self.levels)]]
        self.predictions = [self._prediction(n, f"level_{level}") for level, n in enumerate(packets)]

    def _prediction(self, packets, name):
        """Prediction net for ``packets`` packets of three colours each.

        An untrained network predicts grey: the coarsest packet is ``scale`` times the image's mean, far from 0.
        """
        width, dtype = self.packet_channels * packets, self.dtype_policy
        how = {"kernel_initializer": near_zero(), "dtype": "float32"}
        grey = keras.initializers.Constant(self.scale / 2)
        last = GroupedConv(3 * packets, packets, **how) if packets > 1 else conv(3, bias_initializer=grey, **how)
        blocks = [WaveletBlock(width, (1, packets), dtype=dtype), WaveletBlock(2 * width, (packets, packets), dtype=dtype)]
        return keras.Sequential([*blocks, last], name=name)

    def build(self, input_shape=None):
        self.embedding.build((None, None, None, 3))
        for prediction in self.predictions:
            prediction.build((None, None, None, self.channels * 2 ** (self.stages - 1)))

    def call(self, lr, training=None):
        return self.to_image(wavelet.synthesis(self.packets(lr, training), self.levels), training)

    def packets(self, lr, training=None):
        """The output's wavelet packets (N, H, W, 3 * scale^2), in the order of ``objectives.wavelet``."""
        features = self.embedding(lr, training=training)
        return ops.concatenate([prediction(features, training=training) for prediction in self.predictions], axis=-1)

    def objective(self, lr, hr):
        """Squared errors of the packets and of the image, and the energy that the details lack."""
        made, true = self.packets(lr, training=True), wavelet.analysis(hr, self.levels)
        packets = wavelet.packet_error(true, made, self.low_weight, self.high_weight)
        texture = wavelet.texture_error(true, made, self.texture_ratio, self.texture_margin)
        image = ops.mean(ops.square(hr - wavelet.synthesis(made, self.levels)))
        height, width, colours = ops.shape(hr)[1:]
        half = ops.cast(height * width * colours, "float32") / 2.0  # times a mean error: half the sum over an image
        loss = packets + self.texture_weight * texture / half + self.image_weight * image
        return loss, packets, texture, image
