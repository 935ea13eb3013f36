"""SAM: Stochastic Attribute Modeling for Face Super-Resolution (Lee et al.).

SAM models what is lost at low resolution as a Gaussian latent z. Phase 1 trains the super-resolution network f(x, z)
together with the residual encoding network (REN), which reads z from the error of the deterministic answer f(x, 0).
Phase 2 trains the input conditional attribute predictor (ICAP) to predict REN's distribution from the small image alone.
"""

import math

import keras
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.layers.blocks import ConvBlock, DeconvBlock, ResidualBlock, batch_normalization, conv
from keras_facesr.layers.resampling import BicubicEnlargement, PixelShuffle
from keras_facesr.models.own_loss import PhasedSR
from keras_facesr.models.stochastic import Stochastic, unit_images, unit_pairs
from keras_facesr.objectives.gaussian import DiagonalGaussian, kl_divergence, reparameterised_sample

LATENT_STRIDE = 16  # HR pixels per latent cell: 8x8 cells for a face of 128 px


@keras.saving.register_keras_serializable("keras_facesr")
class LatentHead(layers.Layer):
    """Conv-BN-LeakyReLU-Conv-BN-tanh: one of the latent's two statistics, in [-1, 1] (section 4.1)."""

    def __init__(self, hidden_channels, latent_channels, **kwargs):
        super().__init__(**kwargs)
        self.hidden_channels, self.latent_channels = hidden_channels, latent_channels
        dtype = self.dtype_policy
        self.stack = keras.Sequential(
            [
                conv(hidden_channels, dtype=dtype),
                batch_normalization(dtype=dtype),
                layers.LeakyReLU(0.2, dtype=dtype),
                conv(latent_channels, dtype=dtype),
                batch_normalization(dtype=dtype),
                layers.Activation("tanh", dtype="float32"),
            ]
        )

    def build(self, input_shape):
        self.stack.build(input_shape)

    def call(self, features, training=None):
        return self.stack(features, training=training)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.latent_channels)

    def get_config(self):
        return {**super().get_config(), "hidden_channels": self.hidden_channels, "latent_channels": self.latent_channels}


@keras.saving.register_keras_serializable("keras_facesr")
class SAM(Stochastic, PhasedSR):
    """Stochastic Attribute Modeling, x4, x8 or x16 (any power of two up to 16).

    Two backbones share parts, phases and objective. ``"enlarged"`` is the paper's: the input is enlarged by bicubic
    interpolation, and the encoder works at half the output's size. ``"lr"`` needs fewer multiply-adds: the network works at
    the input's size, without batch normalisation, and the output of one pixel shuffle is added to the bicubic enlargement.

    ``encode(lr)`` is q(z | x), ICAP's distribution over (N, H / 16, W / 16, latent_channels), H and W the output's size,
    or over (N, 1, 1, latent_channels); ``decode(lr, z)`` is f(x, z).

    Args:
        scale: enlargement, 2, 4, 8 or 16.
        backbone: ``"enlarged"`` (the paper's) or ``"lr"``.
        channels: width of every part.
        encoder_blocks, decoder_blocks: residual blocks of the SR encoder and of the SR decoder.
        latent_blocks: residual blocks after each enlargement in the latent decoder.
        icap_blocks: residual blocks after each of ICAP's four convolution blocks.
        latent: ``"grid"`` (the paper's): z has a cell for every 16x16 output pixels; ``"face"``: one cell for the picture.
        latent_channels: channels of z.
        head_channels: hidden channels of the heads for mu and log sigma^2.
        stochastic_weight: lambda, the weight of the L1 error of f(x, z_res) in phase 1 (eq. 6).
        divergence: the loss of phase 2. ``"reverse"``: KL(q || g) (eq. 7), smallest for a q as wide as REN's noise.
            ``"forward"``: KL(g || q), smallest for the q with the mean and variance of all latents that REN finds for such a
            small image.
        seed: determines the noise of the training steps, together with the step's number.

    Example:
        >>> model = SAM(scale=8)
        >>> model.compile("adam"); model.fit(pairs, epochs=10)                     # phase 1
        >>> model.phase = 2
        >>> model.compile("adam"); model.fit(pairs, epochs=2)                      # phase 2
        >>> faces = model.sample(lr, n=8, seed=0)                                  # (8, N, H, W, 3)
    """

    ARGUMENTS = (
        "backbone channels encoder_blocks decoder_blocks latent_blocks icap_blocks latent latent_channels head_channels "
        "stochastic_weight divergence seed"
    ).split()
    CHOICES = {"backbone": ("enlarged", "lr"), "latent": ("grid", "face"), "divergence": ("reverse", "forward")}
    paper = "Lee, Kim, Lee, Kim: Stochastic Attribute Modeling for Face Super-Resolution"

    def __init__(
        self,
        scale=8,
        backbone="enlarged",
        channels=64,
        encoder_blocks=12,
        decoder_blocks=3,
        latent_blocks=1,
        icap_blocks=1,
        latent="grid",
        latent_channels=64,
        head_channels=32,
        stochastic_weight=1.0,
        divergence="reverse",
        seed=0,
        **kwargs,
    ):
        if scale not in (2, 4, 8, 16):
            raise ValueError(f"scale is {scale!r}: SAM enlarges by 2, 4, 8 or 16")
        for name, value in zip(self.CHOICES, (backbone, latent, divergence)):
            if value not in self.CHOICES[name]:
                raise ValueError('{} is {!r}: choose "{}" (the paper\'s) or "{}"'.format(name, value, *self.CHOICES[name]))
        super().__init__(scale, size_multiple=LATENT_STRIDE // scale, **kwargs)
        self.backbone, self.channels, self.latent, self.latent_channels = backbone, channels, latent, latent_channels
        self.encoder_blocks, self.decoder_blocks = encoder_blocks, decoder_blocks
        self.latent_blocks, self.icap_blocks, self.head_channels = latent_blocks, icap_blocks, head_channels
        self.stochastic_weight, self.divergence, self.seed = stochastic_weight, divergence, seed

        self.enlargement = BicubicEnlargement(scale, dtype="float32")
        enlarged = backbone == "enlarged"
        levels = int(math.log2(LATENT_STRIDE // scale)) if not enlarged else 3  # from latent grid to encoder's size
        normalization = "batch" if enlarged else None
        self.encoder = self._encoder(2 if enlarged else 1, normalization)
        self.latent_decoder = self._latent_decoder(levels, normalization)
        self.decoder = self._paper_decoder() if enlarged else self._lr_decoder()
        halvings = 4 if enlarged else levels  # an input that is smaller than the output by 2^k needs k fewer than ICAP's four
        self.ren_trunk = self._ren_trunk()
        self.ren_mean, self.ren_log_variance = self._heads("ren")
        self.icap_trunk = self._icap_trunk([1] * (4 - halvings) + [2] * halvings)
        self.icap_mean, self.icap_log_variance = self._heads("icap")

        self.phase = 1

    # The parts, each as in its table of the paper's appendix.

    def _encoder(self, strides, normalization):
        """SR encoder: ConvBlock, residual blocks, Conv (and BN)."""
        blocks, dtype = [self._residual(normalization) for _ in range(self.encoder_blocks)], self.dtype_policy
        blocks = [ConvBlock(self.channels, strides, normalization, dtype=dtype), *blocks, conv(self.channels, dtype=dtype)]
        blocks += [batch_normalization(dtype=dtype)] if normalization else []
        return keras.Sequential(blocks, name="encoder")

    def _latent_decoder(self, levels, normalization):
        """Latent decoder: DeconvBlock and residual blocks for each doubling; without any, a ConvBlock and residual blocks."""
        blocks = []
        for _ in range(max(levels, 1)):
            enlarge = DeconvBlock if levels else ConvBlock
            blocks += [enlarge(self.channels, normalization=normalization, dtype=self.dtype_policy)]
            blocks += [self._residual(normalization) for _ in range(self.latent_blocks)]
        return keras.Sequential(blocks, name="latent_decoder")

    def _paper_decoder(self):
        """SR decoder: ConvBlock, DeconvBlock to the output's size, residual blocks, Conv to RGB, tanh."""
        return keras.Sequential(
            [
                ConvBlock(self.channels, dtype=self.dtype_policy),
                DeconvBlock(self.channels, dtype=self.dtype_policy),
                *[self._residual("batch") for _ in range(self.decoder_blocks)],
                conv(3, dtype=self.dtype_policy),
                layers.Activation("tanh", dtype="float32"),
            ],
            name="decoder",
        )

    def _lr_decoder(self):
        """ConvBlock, residual blocks, Conv and one pixel shuffle to RGB; starts as plain bicubic enlargement."""
        return keras.Sequential(
            [
                ConvBlock(self.channels, normalization=None, dtype=self.dtype_policy),
                *[self._residual(None) for _ in range(self.decoder_blocks)],
                conv(3 * self.scale**2, kernel_initializer="zeros", dtype=self.dtype_policy),
                PixelShuffle(self.scale, dtype="float32"),
            ],
            name="decoder",
        )

    def _ren_trunk(self):
        """REN: four ConvBlocks that halve the size, Conv, BN."""
        return keras.Sequential(
            [
                *[ConvBlock(self.channels, strides=2, dtype=self.dtype_policy) for _ in range(4)],
                conv(self.channels, dtype=self.dtype_policy),
                batch_normalization(dtype=self.dtype_policy),
                *self._to_the_latent(),
            ],
            name="ren_trunk",
        )

    def _icap_trunk(self, strides):
        """ICAP: four times a ConvBlock and residual blocks, Conv."""
        blocks = []
        for stride in strides:
            blocks += [ConvBlock(self.channels, stride, dtype=self.dtype_policy)]
            blocks += [self._residual("batch") for _ in range(self.icap_blocks)]
        blocks += [conv(self.channels, dtype=self.dtype_policy), *self._to_the_latent()]
        return keras.Sequential(blocks, name="icap_trunk")

    def _to_the_latent(self):
        """Layers from the paper's latent grid to ours: none; or for ``"face"`` three more halvings and a mean, to one cell."""
        if self.latent == "grid":
            return []
        halvings = [ConvBlock(self.channels, strides=2, dtype=self.dtype_policy) for _ in range(3)]
        return [*halvings, layers.GlobalAveragePooling2D(keepdims=True, dtype=self.dtype_policy)]

    def _heads(self, owner):
        sizes, dtype = (self.head_channels, self.latent_channels), self.dtype_policy
        return [LatentHead(*sizes, name=f"{owner}_{statistic}", dtype=dtype) for statistic in ("mean", "log_variance")]

    def _residual(self, normalization):
        return ResidualBlock(self.channels, normalization, dtype=self.dtype_policy)

    def build(self, input_shape=None):
        image, features = (None, None, None, 3), (None, None, None, self.channels)
        for part in (self.encoder, self.ren_trunk, self.icap_trunk):
            part.build(image)
        self.latent_decoder.build((None, None, None, self.latent_channels))
        for part in (self.decoder, self.ren_mean, self.ren_log_variance, self.icap_mean, self.icap_log_variance):
            part.build(features)

    # Inference.

    def call(self, lr, training=None):
        """The most probable answer, f(x, mu) with ICAP's mean."""
        lr = ops.convert_to_tensor(lr)
        return self._decode(lr, self._encode(lr, training).mean, training)

    def _encode(self, lr, training=None):
        """q(z | x), from ICAP."""
        features = self.icap_trunk(self._network_input(lr), training=training)
        return DiagonalGaussian(*(head(features, training=training) for head in (self.icap_mean, self.icap_log_variance)))

    def encode_residual(self, lr, hr, training=None):
        """g(z | r): REN's distribution of the latent for known outputs ``hr`` in [0, 1]; r = y - f(x, 0) (eq. 3)."""
        lr, hr = unit_pairs(self, lr, hr)
        residual = 2.0 * hr - 1.0 - self._signed(lr, self._zero_latent(lr), training)
        return self._encode_residual(residual, training)

    def _decode(self, lr, z, training=None):
        """f(x, z) in [0, 1]."""
        return self.to_image((self._signed(lr, z, training) + 1.0) / 2.0, training)

    def deterministic(self, lr):
        """f(x, 0): what can be known without the stochastic attributes (eq. 1)."""
        lr = unit_images(lr)
        whole = self._whole(lr)
        return self._cut(self._decode(whole, self._zero_latent(whole)), lr)

    def validation_answer(self, lr):
        """f(x, 0) while the SR network is trained, f(x, mu) in phase 2."""
        return self(lr) if self.phase == 2 else self._decode(lr, self._zero_latent(lr))

    def _decode_each(self, lr, latents):
        features = self.encoder(self._network_input(lr), training=False)  # once for all latents
        outputs = [self._decode_features(lr, features, z, training=False) for z in latents]
        return self.to_image((ops.stack(outputs) + 1.0) / 2.0, training=False)

    def _network_input(self, lr):
        """The image that the networks see, in [-1, 1]; the paper's backbone enlarges it first."""
        return 2.0 * (self.enlargement(lr) if self.backbone == "enlarged" else lr) - 1.0

    def _signed(self, lr, z, training):
        """f(x, z) in [-1, 1]."""
        features = self.encoder(self._network_input(lr), training=training)
        return self._decode_features(lr, features, z, training)

    def _decode_features(self, lr, features, z, training):
        if self.latent == "face":
            z = ops.broadcast_to(z, (*self._grid(lr), self.latent_channels))
        sr = self.decoder(features + self.latent_decoder(z, training=training), training=training)
        return sr if self.backbone == "enlarged" else sr + 2.0 * self.enlargement(lr) - 1.0

    def _encode_residual(self, residual, training):
        features = self.ren_trunk(residual, training=training)
        return DiagonalGaussian(self.ren_mean(features, training=training), self.ren_log_variance(features, training=training))

    def _zero_latent(self, lr):
        return ops.zeros(self._latent_shape(lr), dtype=self.compute_dtype)

    def _latent_shape(self, lr):
        grid = self._grid(lr) if self.latent == "grid" else (ops.shape(lr)[0], 1, 1)
        return *grid, self.latent_channels

    def _grid(self, lr):
        """Cells of the latent decoder's input: (N, H / 16, W / 16), H and W the output's size."""
        batch, height, width = ops.shape(lr)[:3]
        return batch, height * self.scale // LATENT_STRIDE, width * self.scale // LATENT_STRIDE

    # Training.

    @property
    def phase(self):
        """1 trains the SR network and REN; 2 only ICAP, with all else frozen, batch statistics too; 0 only f(x, 0) (eq. 4)."""
        return self._phase

    @phase.setter
    def phase(self, phase):
        if phase not in (0, 1, 2):
            raise ValueError(f"phase is {phase!r}: SAM trains in phases 1 and 2, or 0 for a warm start")
        self._phase = phase
        sr_network = (self.encoder, self.latent_decoder, self.decoder)
        ren = (self.ren_trunk, self.ren_mean, self.ren_log_variance)
        icap = (self.icap_trunk, self.icap_mean, self.icap_log_variance)
        for parts, phases in ((sr_network, (0, 1)), (ren, (1,)), (icap, (2,))):
            for part in parts:
                part.trainable = phase in phases
        self.uncompile()

    @property
    def figures(self):
        return (("deterministic_mse",), ("deterministic_mse", "stochastic_l1"), ("kl",))[self.phase]

    def learn(self, lr, hr):
        loss = (self._deterministic_loss, self._phase_1_loss, self._phase_2_loss)[self.phase]
        return self.minimise(lambda: loss(lr, 2.0 * hr - 1.0))

    def _deterministic_loss(self, lr, hr):
        """Mean ||y - f(x, 0)||^2 (eq. 4); ``hr`` in [-1, 1], as in the losses below."""
        loss = ops.mean(ops.square(hr - self._signed(lr, self._zero_latent(lr), training=True)))
        return loss, loss

    def _phase_1_loss(self, lr, hr):
        """Mean ||y - f(x, 0)||^2 + lambda mean |y - f(x, z_res)| (eqs. 4 to 6)."""
        _, deterministic, stochastic = self.phase_1_errors(lr, hr, self._step_seed())
        return deterministic + self.stochastic_weight * stochastic, deterministic, stochastic

    def phase_1_errors(self, lr, hr, seed):
        """The encoder's features; mean ||y - f(x, 0)||^2; mean |y - f(x, z_res)|, z_res ~ g(z | r)."""
        features = self.encoder(self._network_input(lr), training=True)  # once for all latents
        residual = hr - self._decode_features(lr, features, self._zero_latent(lr), training=True)
        z = reparameterised_sample(self._encode_residual(residual, training=True), seed)
        sr = self._decode_features(lr, features, z, training=True)
        return features, ops.mean(ops.square(residual)), ops.mean(ops.abs(hr - sr))

    def _phase_2_loss(self, lr, hr):
        """KL(q(z | x) || g(z | r)) per image (eq. 7), or KL(g || q); the frozen parts run as in inference."""
        residual = hr - self._signed(lr, self._zero_latent(lr), training=False)
        target = self._encode_residual(residual, training=False)
        pair = (self._encode(lr, training=True), target)
        loss = ops.mean(kl_divergence(*(pair if self.divergence == "reverse" else reversed(pair))))
        return loss, loss

    def _step_seed(self):
        """Seed of a step's noise, from the model's seed, the step and the replica: a resumed run draws the same."""
        return self.seed * 64 + backend.replica_index(), self.steps_taken
