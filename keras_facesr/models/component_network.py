"""The component network of CAGFace: BiSeNet (Yu et al., 2018), which predicts the part of the face at every pixel.

A spatial path keeps detail at an eighth of the size. A context path of separable convolutions goes down to a thirty-second
and to the mean of the whole picture, and attention refines its features. Both paths are then fused.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.layers.blocks import ConvBlock, batch_normalization
from keras_facesr.models.own_loss import OwnLoss

CLASSES = 19  # of CelebAMask-HQ, in the order of data.datasets.MASK_CLASSES
COMPONENTS = {  # what CAGFace attends to: name -> classes
    "hair": (13,),
    "skin": (1,),
    "parts": (2, 4, 5, 6, 7, 8, 9, 10, 11, 12),  # nose, eyes, brows, ears, mouth, lips
}
MEMBERSHIP = np.array(  # (CLASSES, 4): which classes belong to each component, and to the sum of all
    [[k in classes for classes in (*COMPONENTS.values(), range(CLASSES))] for k in range(CLASSES)], "float32"
)
OHEM_PROBABILITY = 0.7  # pixels whose class is less probable than this are hard
OHEM_ONE_IN = 16  # one pixel in so many, the hardest ones, counts in any case


@keras.saving.register_keras_serializable("keras_facesr")
class SeparableBlock(layers.Layer):
    """x + two separable convolutions with BN, as in Xception; ``strides`` 2 halves the size, of x by a 1x1 convolution."""

    def __init__(self, channels, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.strides = channels, strides
        dtype = self.dtype_policy
        self.branch = keras.Sequential(
            [
                layers.SeparableConv2D(channels, 3, strides, padding="same", use_bias=False, dtype=dtype),
                batch_normalization(dtype=dtype),
                layers.ReLU(dtype=dtype),
                layers.SeparableConv2D(channels, 3, padding="same", use_bias=False, dtype=dtype),
                batch_normalization(dtype=dtype),
            ]
        )
        self.shortcut = (
            keras.Sequential(
                [layers.Conv2D(channels, 1, strides, use_bias=False, dtype=dtype), batch_normalization(dtype=dtype)]
            )
            if strides > 1
            else None
        )

    def build(self, input_shape):
        self.branch.build(input_shape)
        if self.shortcut:
            self.shortcut.build(input_shape)

    def call(self, x, training=None):
        kept = self.shortcut(x, training=training) if self.shortcut else x
        return ops.relu(kept + self.branch(x, training=training))

    def compute_output_shape(self, input_shape):
        return self.branch.compute_output_shape(input_shape)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "strides": self.strides}


@keras.saving.register_keras_serializable("keras_facesr")
class ChannelGate(layers.Layer):
    """x times a weight for each channel, from the mean over the picture by 1x1 convolutions, the last one with sigmoid.

    Attention refinement has one convolution, with BN; feature fusion has two, and adds x (BiSeNet, figure 2).
    """

    def __init__(self, channels, hidden=None, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.hidden = channels, hidden
        dtype = self.dtype_policy
        if hidden is None:
            gate = [layers.Conv2D(channels, 1, use_bias=False, dtype=dtype), batch_normalization(dtype=dtype)]
        else:
            gate = [layers.Conv2D(hidden, 1, activation="relu", dtype=dtype), layers.Conv2D(channels, 1, dtype=dtype)]
        self.gate = keras.Sequential([*gate, layers.Activation("sigmoid", dtype=dtype)])

    def build(self, input_shape):
        self.gate.build((input_shape[0], 1, 1, input_shape[-1]))

    def call(self, x, training=None):
        return x * self.gate(ops.mean(x, axis=(1, 2), keepdims=True), training=training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "hidden": self.hidden}


@keras.saving.register_keras_serializable("keras_facesr")
class ComponentNetwork(OwnLoss):
    """BiSeNet with a light context path, for 19 classes.

    ``model(images)`` takes float32 (N, H, W, 3) in [0, 1], H and W multiples of 32, and returns the classes' logits
    (N, H, W, 19). It compiles without a loss: its own is the cross-entropy of the hard pixels, for its output and for two
    auxiliary heads that only training uses. ``fit`` takes pairs of images and integer masks (N, H, W).

    Args:
        channels: width of the spatial path.
        context_channels: width of the context path from a quarter of the size down to a thirty-second.
        context_blocks: separable blocks at an eighth, a sixteenth and a thirty-second.
        auxiliary_heads: whether to build the auxiliary heads; only training needs them.

    Example:
        >>> network = ComponentNetwork()
        >>> network.compile("adam"); network.fit(images_and_masks, epochs=10)
        >>> maps = network.maps(images)                                            # (N, H, W, 3): hair, skin, parts
    """

    ARGUMENTS = ("channels", "context_channels", "context_blocks", "auxiliary_heads")
    FIGURES = ("accuracy",)
    learns_images = False
    paper = "Yu et al.: BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation (2018)"

    def __init__(
        self, channels=64, context_channels=(16, 32, 64, 128), context_blocks=(2, 3, 2), auxiliary_heads=True, **kwargs
    ):
        super().__init__(**kwargs)
        self.channels, self.context_channels = channels, tuple(context_channels)
        self.context_blocks, self.auxiliary_heads = tuple(context_blocks), auxiliary_heads
        dtype = self.dtype_policy
        quarter, eighth, sixteenth, thirty_second = self.context_channels
        self.spatial_path = keras.Sequential(
            [
                ConvBlock(channels, 2, kernel_size=7, dtype=dtype),
                ConvBlock(channels, 2, dtype=dtype),
                ConvBlock(channels, 2, dtype=dtype),
                ConvBlock(2 * channels, kernel_size=1, dtype=dtype),
            ],
            name="spatial_path",
        )
        self.context_stem = keras.Sequential(
            [ConvBlock(quarter, 2, dtype=dtype), layers.MaxPooling2D(3, 2, padding="same", dtype=dtype)], name="context_stem"
        )
        self.context_stages = [
            keras.Sequential([SeparableBlock(width, 2 if k == 0 else 1, dtype=dtype) for k in range(blocks)])
            for width, blocks in zip((eighth, sixteenth, thirty_second), self.context_blocks)
        ]
        fused = 2 * channels
        self.tail = ConvBlock(fused, kernel_size=1, dtype=dtype)
        self.refinements = [  # at a sixteenth, at a thirty-second of the size
            keras.Sequential([ConvBlock(fused, dtype=dtype), ChannelGate(fused, dtype=dtype)]) for _ in range(2)
        ]
        self.enlargements = [
            keras.Sequential([layers.UpSampling2D(2, dtype=dtype), ConvBlock(fused, dtype=dtype)]) for _ in range(2)
        ]
        self.fusion = ConvBlock(2 * fused, kernel_size=1, dtype=dtype)
        self.fusion_gate = ChannelGate(2 * fused, hidden=fused // 2, dtype=dtype)
        self.head = self._head()
        self.auxiliary = [self._head(), self._head()] if auxiliary_heads else []

    def _head(self):
        dtype = self.dtype_policy
        return keras.Sequential([ConvBlock(self.channels, dtype=dtype), layers.Conv2D(CLASSES, 1, dtype="float32")])

    def build(self, input_shape=None):
        image, fused = (None, None, None, 3), 2 * self.channels
        quarter, eighth, sixteenth, thirty_second = self.context_channels
        self.spatial_path.build(image)
        self.context_stem.build(image)
        for stage, width in zip(self.context_stages, (quarter, eighth, sixteenth)):
            stage.build((None, None, None, width))
        self.tail.build((None, 1, 1, thirty_second))
        for refinement, width in zip(self.refinements, (sixteenth, thirty_second)):
            refinement.build((None, None, None, width))
        for part in (*self.enlargements, *self.auxiliary):
            part.build((None, None, None, fused))
        self.fusion.build((None, None, None, 2 * fused))
        self.fusion_gate.build((None, None, None, 2 * fused))
        self.head.build((None, None, None, 2 * fused))

    def call(self, images, training=None):
        return enlarged(self.head(self._features(images, training)[0], training=training), 8)

    def maps(self, images):
        """Probability of each of ``COMPONENTS`` at each pixel: (N, H, W, 3) in [0, 1]."""
        logits = self(images, training=False)
        # Softmax and the sums over classes in one matrix product: ONNX Runtime's softmax would take most of CAGFace's time.
        weights = ops.exp(logits - ops.max(logits, axis=-1, keepdims=True))
        summed = ops.matmul(weights, ops.convert_to_tensor(MEMBERSHIP, dtype=weights.dtype))
        return summed[..., :-1] / summed[..., -1:]

    def _features(self, images, training):
        """Fused features at an eighth of the size, and the auxiliary heads' inputs, at an eighth and at a sixteenth."""
        x = 2.0 * ops.convert_to_tensor(images) - 1.0
        spatial = self.spatial_path(x, training=training)
        x = self.context_stages[0](self.context_stem(x, training=training), training=training)
        sixteenth = self.context_stages[1](x, training=training)
        thirty_second = self.context_stages[2](sixteenth, training=training)
        whole = self.tail(ops.mean(thirty_second, axis=(1, 2), keepdims=True), training=training)
        context = self.refinements[1](thirty_second, training=training) + whole
        low = self.enlargements[1](context, training=training)
        high = self.enlargements[0](self.refinements[0](sixteenth, training=training) + low, training=training)
        fused = self.fusion(ops.concatenate([spatial, high], axis=-1), training=training)
        return fused + self.fusion_gate(fused, training=training), high, low

    def target_shape(self, input_shape):
        return input_shape[:3]

    def learn(self, images, masks):
        return self.minimise(lambda: self._loss(images, ops.cast(masks, "int32"), training=True))

    def judged(self, images, masks):
        return self._loss(images, ops.cast(masks, "int32"), training=False)

    def _loss(self, images, masks, training):
        """Cross-entropy of the output and of the auxiliary heads, and the share of correct pixels of the output."""
        fused, high, low = self._features(images, training=training)
        logits = enlarged(self.head(fused, training=training), 8)
        loss = hard_cross_entropy(logits, masks)
        for head, features, factor in zip(self.auxiliary, (high, low), (8, 16)):
            loss = loss + hard_cross_entropy(enlarged(head(features, training=training), factor), masks)
        right = ops.cast(ops.argmax(logits, axis=-1), "int32") == masks
        return loss, ops.mean(ops.cast(right, "float32"))


def enlarged(logits, factor):
    """Bilinear enlargement of (N, h, w, C) by a whole factor."""
    height, width = (size * factor for size in ops.shape(logits)[1:3])
    return backend.resize(logits, height, width)


def hard_cross_entropy(logits, masks):
    """Cross-entropy in nats, mean over the hard pixels alone: online hard example mining (BiSeNet, section 3.3).

    A pixel is hard if its class has a probability under ``OHEM_PROBABILITY``; the hardest one in ``OHEM_ONE_IN`` always is.
    """
    losses = ops.reshape(keras.losses.sparse_categorical_crossentropy(masks, logits, from_logits=True), (-1,))
    count = ops.shape(losses)[0]
    hardest = ops.top_k(losses, k=1 + (count - 1) // OHEM_ONE_IN, sorted=True)[0][-1]
    threshold = ops.stop_gradient(ops.minimum(hardest, -math.log(OHEM_PROBABILITY)))
    hard = ops.cast(losses >= threshold, losses.dtype)
    return ops.sum(losses * hard) / ops.sum(hard)
