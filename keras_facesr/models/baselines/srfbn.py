"""SRFBN: one block refines its own output in several steps, changing between the input's size and the output's."""

import keras
import numpy as np
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.layers.blocks import ConvBlock, DeconvBlock, conv
from keras_facesr.models.base import CentredSR
from keras_facesr.models.own_loss import ObjectiveSR

PLAIN = {"normalization": None, "activation": "shared_prelu"}  # of every convolution


def sampling(scale):
    """Arguments of a projection by ``scale``: kernel 6 for x2, 8 for x4, 12 for x8, two pixels beyond each side."""
    return {"strides": scale, "kernel_size": scale + 4, **PLAIN}


@keras.saving.register_keras_serializable("keras_facesr")
class FeedbackBlock(layers.Layer):
    """Features and the state of the step before, (N, H, W, channels) each -> the new state.

    ``groups`` pairs of projections, to ``scale`` times the size and back. Each projection sees all earlier maps of its
    input's size, through a 1x1 convolution.
    """

    def __init__(self, channels, groups, scale, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.groups, self.scale = channels, groups, scale
        dtype = self.dtype_policy
        fusions = lambda n: [ConvBlock(channels, kernel_size=1, **PLAIN, dtype=dtype) for _ in range(n)]  # noqa: E731
        self.compress_in, self.compress_out = fusions(2)
        self.up_fusions, self.down_fusions = fusions(groups - 1), fusions(groups - 1)
        self.ups = [DeconvBlock(channels, **sampling(scale), dtype=dtype) for _ in range(groups)]
        self.downs = [ConvBlock(channels, **sampling(scale), dtype=dtype) for _ in range(groups)]

    def build(self, features_shape, state_shape):
        maps = lambda n: (None, None, None, n * self.channels)  # noqa: E731
        self.compress_in.build(maps(2))
        for k, fusion in enumerate(zip(self.up_fusions, self.down_fusions), start=2):
            for part in fusion:
                part.build(maps(k))
        for part in (*self.ups, *self.downs):
            part.build(maps(1))
        self.compress_out.build(maps(self.groups))

    def call(self, features, state):
        small, large = [self.compress_in(ops.concatenate([features, state], axis=-1))], []
        for up, down in zip(self.ups, self.downs):
            large.append(up(self._fused(small, self.up_fusions)))
            small.append(down(self._fused(large, self.down_fusions)))
        return self.compress_out(ops.concatenate(small[1:], axis=-1))

    @staticmethod
    def _fused(maps, fusions):
        return fusions[len(maps) - 2](ops.concatenate(maps, axis=-1)) if len(maps) > 1 else maps[0]

    def compute_output_shape(self, features_shape, state_shape):
        return features_shape

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "groups": self.groups, "scale": self.scale}


@keras.saving.register_keras_serializable("keras_facesr")
class SRFBN(CentredSR, ObjectiveSR):
    """Super-resolution feedback network, trained by the mean absolute error of all steps' answers; it compiles without a loss.

    Args:
        scale: enlargement.
        channels: width.
        groups: projections up and down in the feedback block.
        steps: passes through the block; the last one's answer is the network's.
        mixing: 3x3 matrix that multiplies the colours of the enlarged input, as the authors' program of 2019 trained one.
        **kwargs: of ``CentredSR``; the paper shifts colours by the mean of its training set.
    """

    ARGUMENTS = ("channels", "groups", "steps", "mixing")
    paper = "Li et al.: Feedback Network for Image Super-Resolution (2019)"

    def __init__(self, scale=4, channels=64, groups=6, steps=4, mixing=None, **kwargs):
        super().__init__(scale, **kwargs)
        self.channels, self.groups, self.steps = channels, groups, steps
        self.mixing = None if mixing is None else np.asarray(mixing).tolist()  # a saved config holds no array
        dtype = self.dtype_policy
        widen = ConvBlock(4 * channels, **PLAIN, dtype=dtype)
        self.stem = keras.Sequential([widen, ConvBlock(channels, kernel_size=1, **PLAIN, dtype=dtype)], name="stem")
        self.feedback = FeedbackBlock(channels, groups, scale, name="feedback", dtype=dtype)
        self.reconstruction = keras.Sequential(
            [DeconvBlock(channels, **sampling(scale), dtype=dtype), conv(3, dtype="float32")], name="reconstruction"
        )

    def build(self, input_shape=None):
        features = (None, None, None, self.channels)
        self.stem.build((None, None, None, 3))
        self.feedback.build(features, features)
        self.reconstruction.build(features)

    def call(self, lr, training=None):
        return self.to_image(self.answers(lr)[-1], training)

    def answers(self, lr):
        """Each step's answer to images (N, H, W, 3) in [0, 1]: a list of enlarged images, not clipped."""
        lr = self.centred(lr)
        height, width = ops.shape(lr)[1:3]
        skip = backend.resize(lr, height * self.scale, width * self.scale)
        if self.mixing is not None:
            skip = ops.matmul(skip, ops.transpose(ops.convert_to_tensor(self.mixing, skip.dtype)))
        state = features = self.stem(lr)
        answers = []
        for _ in range(self.steps):
            state = self.feedback(features, state)
            answers.append(self.uncentred(skip + self.reconstruction(state)))
        return answers

    def objective(self, lr, hr):
        """Mean absolute error, mean over the steps."""
        return (ops.mean(ops.abs(ops.stack(self.answers(lr)) - hr)),)
