"""CAGFace: Component Attention Guided Face Super-Resolution (Kalarot, Li, Porikli).

A frozen component network finds hair, skin and the parts of the face. The picture and three attention maps form a block of
six channels, from which the first stage predicts the face at twice the size. That image, rearranged to the input's size,
goes into the second stage, which predicts the face at four times the size.
"""

import keras
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.layers.attention import GaussianSmoothing, SpatialAttention
from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, conv, near_zero
from keras_facesr.layers.resampling import BicubicEnlargement, BicubicReduction, PixelShuffle
from keras_facesr.models.component_network import ComponentNetwork
from keras_facesr.models.own_loss import PhasedSR

LUMA = (0.299, 0.587, 0.114)  # of the gray attention maps


@keras.saving.register_keras_serializable("keras_facesr")
class CAGFace(PhasedSR):
    """CAGFace, x4, for whole faces and for patches of large ones.

    ``call`` takes pictures (N, H, W, 3), or patches (N, h, w, 6) that were cut from a picture after ``prepare``, all in
    [0, 1]. ``fit`` takes the same, with targets (N, 4h, 4w, 3).

    Args:
        features: channels F of every stage.
        blocks: residual blocks L of each stage.
        stages: 2, or 1 for the paper's ablation, which enlarges four times in its only stage.
        block: ``"residual"`` (the paper's), or ``"attentive"``, an ``AttentiveBlock``, which gains more per multiply-add.
        tail: ``"features"`` (the paper's) doubles the features' size once or twice before they become an image, which takes
            most of a small network's multiply-adds; ``"shuffle"`` makes each image by one convolution and one pixel shuffle.
        image_skip: whether each stage's image is added to the bicubic enlargement of the input. The paper's stages predict
            the whole image; they are trained on some 2 million patches.
        components: constructor arguments of the ``ComponentNetwork``.
        component_size: side in pixels, a multiple of 32, to which pictures are resized for the component network.
        smoothing: sigma of the Gaussian that smooths its maps, in pixels at that size; 0: none.

    Example:
        >>> model = CAGFace(features=64, blocks=8)
        >>> model.components.load_weights("components.weights.h5")
        >>> model.compile("adam"); model.fit(pairs, epochs=10)                     # phase 1: the first stage
        >>> model.phase = 2
        >>> model.compile("adam"); model.fit(pairs, epochs=10)                     # phase 2: both
    """

    ARGUMENTS = "features blocks stages block tail image_skip component_size smoothing".split()
    paper = "Kalarot, Li, Porikli: Component Attention Guided Face Super-Resolution Network: CAGFace (2020)"

    def __init__(
        self,
        features=256,
        blocks=16,
        stages=2,
        block="residual",
        tail="features",
        image_skip=False,
        components=None,
        component_size=256,
        smoothing=4.0,
        scale=4,
        **kwargs,
    ):
        if scale != 4 or stages not in (1, 2):
            raise ValueError(f"CAGFace enlarges 4 times in 1 or 2 stages, not {scale} times in {stages}")
        if not component_size or component_size % 32:
            raise ValueError(f"component_size is {component_size!r}: the component network takes multiples of 32 pixels")
        if block not in BLOCKS or tail not in ("features", "shuffle"):
            known = f"block is one of {', '.join(BLOCKS)}, tail features or shuffle"
            raise ValueError(f"no CAGFace has block={block!r} and tail={tail!r}: {known}")
        super().__init__(scale, **kwargs)
        self.features, self.blocks, self.stages, self.image_skip = features, blocks, stages, image_skip
        self.block, self.tail = block, tail
        self.component_size, self.smoothing = component_size, smoothing
        dtype = self.dtype_policy
        self.components = ComponentNetwork(**{"auxiliary_heads": False, **(components or {})}, name="components")
        self.smooth = GaussianSmoothing(smoothing, dtype="float32")
        self.enlarge_2 = BicubicEnlargement(2, dtype="float32")
        self.enlarge_4 = BicubicEnlargement(4, dtype="float32")
        self.reduce_2 = BicubicReduction(2, dtype="float32")

        # Stage 1, in the order of Table 1.
        self.stem_1 = conv(features, name="stem_1", dtype=dtype)
        self.backbone_1 = self._backbone("backbone_1")
        self.upsampling_1 = self._upsampling(4 * features, 3 - stages, "upsampling_1")
        self.image_1 = self._image(image_skip, 3 - stages, "image_1")
        if stages == 2:
            self.bridge = conv(features, name="bridge", dtype=dtype)  # from the 12 channels of the x2 image
            self.stem_2 = conv(features, name="stem_2", dtype=dtype)
            self.backbone_2 = self._backbone("backbone_2")
            self.upsampling_2 = self._upsampling(8 * features, 2, "upsampling_2")
            self.image_2 = self._image(image_skip, 2, "image_2")
            # With image_skip the image before it starts as zero; this convolution then starts as the identity.
            kernel = dirac if image_skip else "glorot_uniform"
            self.mixing = conv(3, kernel_initializer=kernel, name="mixing", dtype="float32")
        self.phase = 1

    def _backbone(self, name):
        """Blocks without BN and one convolution; the skip around all of them is in ``images``."""
        blocks = [BLOCKS[self.block](self.features, dtype=self.dtype_policy) for _ in range(self.blocks)]
        return keras.Sequential([*blocks, conv(self.features, dtype=self.dtype_policy)], name=name)

    def _upsampling(self, channels, doublings, name):
        """Convolution and pixel shuffle, once for each doubling; nothing with ``tail="shuffle"``."""
        if self.tail == "shuffle":
            return layers.Identity(name=name, dtype=self.dtype_policy)
        doubling = lambda: [conv(channels, dtype=self.dtype_policy), PixelShuffle(2, dtype=self.dtype_policy)]  # noqa: E731
        return keras.Sequential([layer for _ in range(doublings) for layer in doubling()], name=name)

    def _image(self, from_nothing, doublings, name):
        """Features to RGB at the same size; with ``tail="shuffle"`` at 2^doublings times the size."""
        how = {"kernel_initializer": "zeros" if from_nothing else "glorot_uniform", "dtype": "float32"}
        if self.tail == "features":
            return conv(3, name=name, **how)
        factor = 2**doublings
        return keras.Sequential([conv(3 * factor**2, **how), PixelShuffle(factor, dtype="float32")], name=name)

    def stage_parts(self, stage):
        """The layers of a stage, as Table 1 counts them: the bridge to the second stage belongs to the first."""
        if stage == 2:
            return [self.stem_2, self.backbone_2, self.upsampling_2, self.image_2, self.mixing]
        bridge = [self.bridge] if self.stages == 2 else []
        return [self.stem_1, self.backbone_1, self.upsampling_1, self.image_1, *bridge]

    def build(self, input_shape=None):
        features = (None, None, None, self.features)
        self.components.build()
        self.stem_1.build((None, None, None, 6))
        for part in (self.backbone_1, self.upsampling_1, self.image_1):
            part.build(features)
        if self.stages == 2:
            self.bridge.build((None, None, None, 12))
            for part in (self.stem_2, self.backbone_2):
                part.build(features)
            for part in (self.upsampling_2, self.image_2):
                part.build((None, None, None, 2 * self.features))
            self.mixing.build((None, None, None, 3))

    # Inference.

    def call(self, lr, training=None):
        return self.to_image((self.images(lr)[-1] + 1.0) / 2.0, training)

    def prepare(self, lr):
        """Pictures with the smoothed probabilities of their components, in [0, 1]: (N, H, W, 3) -> (N, H, W, 6)."""
        lr = ops.convert_to_tensor(lr)
        return ops.concatenate([lr, ops.cast(self.attention(lr), lr.dtype)], axis=-1)

    def attention(self, lr):
        """Smoothed probabilities of hair, skin and parts in pictures (N, H, W, 3): (N, H, W, 3), all in [0, 1]."""
        height, width = ops.shape(lr)[1:3]
        maps = self.components.maps(backend.resize(lr, self.component_size, self.component_size))
        return backend.resize(self.smooth(maps), height, width)

    def validation_answer(self, lr):
        """The answer of the stage in training, enlarged to four times the input's size."""
        x2, *x4 = self.images(lr, last=self.phase)
        sr = x4[0] if x4 else (x2 if self.stages == 1 else self.enlarge_2(x2))
        return self.to_image((sr + 1.0) / 2.0, training=False)

    def _block(self, lr):
        lr = ops.convert_to_tensor(lr)
        return lr if lr.shape[-1] == 6 else self.prepare(lr)

    def images(self, lr, last=2):
        """The images of the stages up to ``last``, in [-1, 1], of what ``call`` takes: (N, 2H, 2W, 3), (N, 4H, 4W, 3).

        An attention map is the gray picture times the smoothed probability of a component (section 3.1).
        """
        block = self._block(lr)
        lr, attention = block[..., :3], block[..., 3:]
        gray = ops.sum(lr * ops.convert_to_tensor(LUMA, dtype=lr.dtype), axis=-1, keepdims=True)
        stem = self.stem_1(2.0 * ops.concatenate([lr, gray * attention], axis=-1) - 1.0)
        x = self.upsampling_1(stem + self.backbone_1(stem))
        enlarge = self.enlarge_2 if self.stages == 2 else self.enlarge_4
        image = self._with_skip(self.image_1(x), lr, enlarge)
        if last == 1 or self.stages == 1:
            return [image]
        stem_2 = self.stem_2(self.bridge(ops.space_to_depth(image, 2)))
        x = ops.concatenate([stem_2 + self.backbone_2(stem_2), stem], axis=-1)
        x4 = self._with_skip(self.mixing(self.image_2(self.upsampling_2(x))), lr, self.enlarge_4)
        return [image, x4]

    def _with_skip(self, image, lr, enlarge):
        return image + 2.0 * enlarge(lr) - 1.0 if self.image_skip else image

    # Training.

    @property
    def phase(self):
        """1 trains the first stage, 2 trains both (section 3.4). The component network is always frozen."""
        return self._phase

    @phase.setter
    def phase(self, phase):
        if phase not in range(1, self.stages + 1):
            raise ValueError(f"phase is {phase!r}: CAGFace with {self.stages} stages trains in as many phases")
        self._phase = phase
        self.components.trainable = False
        for stage in range(1, self.stages + 1):
            for part in self.stage_parts(stage):
                part.trainable = stage <= phase
        if self.stages == 2:
            self.bridge.trainable = phase == 2  # it leads to the second stage
        self.uncompile()

    @property
    def figures(self):
        return ("huber_x2", "huber_x4")[: self.phase] if self.stages == 2 else ("huber_x4",)

    def learn(self, lr, hr):
        block = self._block(lr)
        return self.minimise(lambda: self.huber_losses(self.images(block, last=self.phase), hr))

    def huber_losses(self, images, hr):
        """The sum, then the mean Huber loss (eq. 1, delta 1) of each stage's image in [-1, 1] against ``hr`` in [0, 1]."""
        truths = [hr] if self.stages == 1 else [self.reduce_2(hr), hr]
        losses = [ops.mean(keras.losses.huber(2.0 * truth - 1.0, image)) for truth, image in zip(truths, images)]
        return sum(losses), *losses

    def get_config(self):
        components = {name: getattr(self.components, name) for name in ComponentNetwork.ARGUMENTS}
        return {**super().get_config(), "components": components}


@keras.saving.register_keras_serializable("keras_facesr")
class AttentiveBlock(keras.layers.Layer):
    """x + gate(mix(x + three convolutions of x)); mix is a 1x1 convolution, gate is ``SpatialAttention``.

    The inner part is RLFN's block (Kong et al., 2022), local features by few convolutions. The outer skip lets a deep stack
    start as the identity.
    """

    def __init__(self, features, **kwargs):
        super().__init__(**kwargs)
        self.features, dtype = features, self.dtype_policy
        self.local = keras.Sequential([ConvBlock(features, 1, None, "leaky_relu", dtype=dtype) for _ in range(3)])
        self.mixing = conv(features, 1, kernel_initializer=near_zero(), dtype=dtype)
        self.attention = SpatialAttention(features, dtype=dtype)

    def build(self, input_shape):
        for part in (self.local, self.mixing, self.attention):
            part.build(input_shape)

    def call(self, x):
        return x + self.attention(self.mixing(x + self.local(x)))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "features": self.features}


BLOCKS = {  # by the value of CAGFace's argument ``block``
    "residual": lambda features, dtype: ResidualBlock(features, normalization=None, dtype=dtype),
    "attentive": AttentiveBlock,
}


def dirac(shape, dtype=None):
    """A kernel (3, 3, C, C) that leaves an image as it is."""
    height, width, channels, _ = shape
    centre = ops.eye(channels, dtype=dtype)[None, None]
    return ops.pad(centre, ((height // 2, height // 2), (width // 2, width // 2), (0, 0), (0, 0)))
