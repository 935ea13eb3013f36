"""VarSR: Variational Super-Resolution Network for Very Low Resolution Images (Hyun and Heo).

For a face of a few pixels there are many answers. One encoder reads a latent z from the true face, another predicts its
distribution from the small face alone, and a generator makes the large face from the small one and z. Phase 1 trains them by
squared error and by the divergence of the two distributions; phase 2 adds a critic and perceptual features.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.errors import CallError, ImageError, check_above_zero
from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, conv, normalizing
from keras_facesr.layers.resampling import BicubicEnlargement, PixelShuffle, pixel_shuffles
from keras_facesr.models.adversarial import AdversarialSR
from keras_facesr.models.stochastic import Stochastic, finite_numbers, unit_images
from keras_facesr.objectives.gaussian import DiagonalGaussian, kl_divergence, reparameterised_sample, standard_normal

COARSEST = 4  # pixels of the shorter side at which an encoder stops halving
WIDEST = 4  # times its first width: where an encoder stops doubling it
ENCODED_AT_ONCE = 64  # images in one pass, when the latents of many are averaged


def halvings(size):
    """How often an encoder for images of this (height, width) halves them."""
    return max(0, math.ceil(math.log2(min(size) / COARSEST)))


def encoder(size, latent_dim, channels, name, dtype):
    """E: images in [-1, 1] -> mean and log variance of z, (N, latent_dim) each.

    A pyramid of Conv-IN-LeakyReLU halves images of ``size`` down to a few pixels, which one convolution sees at once. For
    larger images its outputs are averaged over places.
    """
    images = keras.Input((None, None, 3))
    x = ConvBlock(channels, 1, None, "leaky_relu", dtype=dtype)(images)  # instance norm would hide the colours
    for k in range(1, halvings(size) + 1):
        x = ConvBlock(channels * min(2**k, WIDEST), 2, "instance", "leaky_relu", dtype=dtype)(x)
    rest = [math.ceil(side / 2 ** halvings(size)) for side in size]
    x = layers.Conv2D(WIDEST * channels, rest, activation="leaky_relu", dtype=dtype)(x)
    x = ops.mean(x, axis=(1, 2))
    mean = layers.Dense(latent_dim, dtype="float32")(x)
    log_variance = layers.Dense(latent_dim, kernel_initializer="zeros", dtype="float32")(x)
    return keras.Model(images, [mean, log_variance], name=name)


def generator(scale, latent_dim, channels, blocks, dtype):
    """G: images in [-1, 1] and z -> enlarged images, about [-1, 1]. z joins before the trunk and before the enlargement.

    The trunk is SRResNet's; with ``blocks=0``, for digits of a few pixels, it is an autoencoder with a skip connection. With
    ``latent_dim=0`` there is no z, and the network takes images alone.
    """
    lr = keras.Input((None, None, 3))
    z = keras.Input((latent_dim,)) if latent_dim else None

    def with_latent(x):
        return joined(x, z, channels, dtype) if latent_dim else x

    stem = ConvBlock(channels, 1, None, "prelu", dtype=dtype)(lr)
    if blocks:
        # Not linear: the blocks' instance norms would remove what z adds evenly over the picture.
        x = first = ConvBlock(channels, 1, None, "prelu", dtype=dtype)(with_latent(stem))
        for _ in range(blocks):
            x = ResidualBlock(channels, "instance", "prelu", dtype=dtype)(x)
        x = first + normalizing("instance", dtype=dtype)(conv(channels, dtype=dtype)(x))
    else:  # these maps are too small for the statistics of instance norm
        x = ConvBlock(2 * channels, 2, None, "prelu", dtype=dtype)(stem)
        x = ConvBlock(2 * channels, 1, None, "prelu", dtype=dtype)(with_latent(x))
        x = PixelShuffle(2, dtype=dtype)(conv(4 * channels, dtype=dtype)(x))
        x = ConvBlock(channels, 1, None, "prelu", dtype=dtype)(ops.concatenate([x, stem], axis=-1))
    x = with_latent(x)
    for layer in pixel_shuffles(channels, scale, "prelu", dtype=dtype):
        x = layer(x)
    return keras.Model([lr, z] if latent_dim else lr, conv(3, dtype="float32")(x), name="generator")


def joined(x, z, channels, dtype):
    """Maps (N, H, W, C) and, beside them, z (N, latent_dim) as so many channels that are the same everywhere."""
    spread = layers.Dense(channels, dtype=dtype)(z)[:, None, None, :]
    return ops.concatenate([x, spread * ops.ones_like(x[..., :1])], axis=-1)


def lr_trunk(channels, blocks, dtype):
    """Images in [-1, 1] -> features: what ``backbone="lr"`` computes once, however many latents follow."""
    stack = [
        ConvBlock(channels, 1, None, "prelu", dtype=dtype),
        *(ResidualBlock(channels, None, dtype=dtype) for _ in range(blocks)),
    ]
    return keras.Sequential([keras.Input((None, None, 3)), *stack, conv(channels, dtype=dtype)], name="trunk")


def lr_generator(scale, latent_dim, channels, blocks, dtype):
    """Features and z -> what is added to the bicubic enlargement, which starts as zero; one pixel shuffle enlarges."""
    features, z = keras.Input((None, None, channels)), keras.Input((latent_dim,))
    x = ConvBlock(channels, 1, None, "prelu", dtype=dtype)(joined(features, z, channels, dtype))
    for _ in range(blocks):
        x = ResidualBlock(channels, None, dtype=dtype)(x)
    x = conv(3 * scale**2, kernel_initializer="zeros", dtype=dtype)(joined(x, z, channels, dtype))
    return keras.Model([features, z], PixelShuffle(scale, dtype="float32")(x), name="generator")


class LatentSR(Stochastic, AdversarialSR):
    """Base of networks with one generator G(I_L, z) and a Gaussian latent z for each whole image, (N, latent_dim).

    The arguments are described at ``VarSR``.
    """

    ARGUMENTS = ("lr_size", "latent_dim", "channels", "blocks", "backbone", "decoder_blocks")

    def __init__(
        self,
        scale=8,
        lr_size=(8, 8),
        latent_dim=256,
        channels=64,
        blocks=8,
        backbone="srresnet",
        decoder_blocks=2,
        **kwargs,
    ):
        if backbone not in ("srresnet", "lr"):
            raise ValueError(f'backbone is {backbone!r}: choose "srresnet" (the paper\'s, as far as it is known) or "lr"')
        hr_size = tuple(side * scale for side in lr_size)
        halves = not blocks and backbone == "srresnet"  # so does G then, once
        super().__init__(scale, hr_size, size_multiple=2 if halves else 1, **kwargs)
        self.lr_size, self.latent_dim, self.channels, self.blocks = tuple(lr_size), latent_dim, channels, blocks
        self.backbone, self.decoder_blocks = backbone, decoder_blocks
        if backbone == "lr":
            self.trunk = lr_trunk(channels, blocks, self.dtype_policy)
            self.generator = lr_generator(scale, latent_dim, channels, decoder_blocks, self.dtype_policy)
            self.enlargement = BicubicEnlargement(scale, dtype="float32")
        else:
            self.generator = generator(scale, latent_dim, channels, blocks, self.dtype_policy)

    def _latent_shape(self, lr):
        return ops.shape(lr)[0], self.latent_dim

    def call(self, lr, training=None):
        """The most probable answer: G(I_L, z) with the latent's mean."""
        return self._decode(lr, self._encode(lr).mean, training)

    def _decode(self, lr, z, training=None):
        return self.to_image((self.signed(lr, z) + 1.0) / 2.0, training)

    def _decode_each(self, lr, latents):
        before = self.before_latent(lr)
        return self.to_image((ops.stack([self.with_latent(before, z) for z in latents]) + 1.0) / 2.0, training=False)

    def signed(self, lr, z):
        """G(I_L, z) in [-1, 1], not clipped."""
        return self.with_latent(self.before_latent(lr), ops.convert_to_tensor(z))

    def before_latent(self, lr):
        """What G computes of small images without z, and what is added to its output: the enlargement, or nothing."""
        lr = ops.convert_to_tensor(lr)
        images = 2.0 * lr - 1.0
        return (self.trunk(images), 2.0 * self.enlargement(lr) - 1.0) if self.backbone == "lr" else (images, 0.0)

    def with_latent(self, before, z):
        """G(I_L, z) in [-1, 1], not clipped, of what ``before_latent`` gives."""
        features, start = before
        return self.generator([features, z]) + start


@keras.saving.register_keras_serializable("keras_facesr")
class VarSR(LatentSR):
    """VarSR, x8 from 8x8 pixels for faces; with ``blocks=0`` for digits.

    ``encode(lr)`` is p(z | I_L), at ``temperature``, over (N, latent_dim); ``decode(lr, z)`` is G(I_L, z).

    Args:
        scale: enlargement, a power of two or 3.
        lr_size: (height, width) of the images that it is trained on.
        latent_dim: dimensions of z (the paper's 256; 64 for digits).
        channels: width of the generator and of the encoders' first convolution.
        blocks: residual blocks of the generator.
        backbone: ``"srresnet"``, in kind the paper's: z joins before all blocks, and the features are doubled until they have
            the output's size. ``"lr"`` needs fewer multiply-adds: z joins after ``blocks``, which have no normalisation, and
            before ``decoder_blocks`` more; the output of one pixel shuffle is added to the bicubic enlargement.
        decoder_blocks: with ``backbone="lr"``, residual blocks after z.
        kl_weight: lambda_KL, weight of the divergence (mean over the dimensions of z) beside squared errors of values in
            [0, 1]. The lower it is, the more z decides and the more samples differ.
        draws: latents z ~ E_L(I_L) that each step draws; the squared error of the best one's answer is added to the loss ("best
            of many", Bhattacharyya, Schiele, Fritz 2018). 0, the paper's: none. The more, the less samples may differ.
        judges_samples: whether the critic judges what is sampled, G(I_L, z) with z ~ E_L(I_L), instead of z ~ E_H(I_H), with
            which pixels and features are compared.
        keeps_latent: whether phase 2 leaves the encoders as phase 1 has made them. Otherwise z comes to hold how strong the
            detail is that the critic asks for: where it is not the truth's, less of it is the smaller error.
        temperature: factor, above 0, of E_L's standard deviations in sampling, and in what the critic judges. The higher, the
            more samples differ.
        answer_weight: weight of the squared error of the most probable answer, which the paper's loss does not see. With it
            that answer is as near to the truth as a network without z would come, and samples may differ all the same.
        **kwargs: of ``AdversarialSR``. The defaults are the paper's, except for ``perceptual_weight``, which it does not print.
            For digits the paper has 5 ``critic_convolutions``.

    Example:
        >>> model = VarSR(critic=True, perceptual_weight=0.01)
        >>> model.compile("adam"); model.fit(pairs, epochs=10)                     # phase 1
        >>> model.phase = 2
        >>> model.compile("adam", features=fsr.load("face_features").maps); model.fit(pairs, epochs=10)
        >>> faces = model.sample(lr, n=8, seed=0)                                  # (8, N, H, W, 3)
        >>> smile = model.attribute_direction(smiling, serious)
        >>> faces = model.edit(lr, smile, strengths=(-2, -1, 0, 1, 2))
    """

    ARGUMENTS = ("kl_weight", "draws", "judges_samples", "keeps_latent", "temperature", "answer_weight")
    paper = "Hyun, Heo: VarSR: Variational Super-Resolution Network for Very Low Resolution Images (2020)"
    FIGURES = ("mse", "kl")

    def __init__(
        self,
        scale=8,
        lr_size=(8, 8),
        latent_dim=256,
        channels=64,
        blocks=8,
        kl_weight=0.01,
        draws=0,
        judges_samples=False,
        keeps_latent=False,
        temperature=1.0,
        answer_weight=0.0,
        **kwargs,
    ):
        check_above_zero(temperature, "VarSR: temperature")
        super().__init__(scale, lr_size, latent_dim, channels, blocks, **kwargs)
        self.kl_weight, self.draws, self.answer_weight = kl_weight, draws, answer_weight
        self.judges_samples, self.keeps_latent, self.temperature = judges_samples, keeps_latent, temperature
        self.least_size = self.lr_size  # the LR encoder's last convolution needs as many pixels
        self.lr_encoder, self.hr_encoder = (
            encoder(size, latent_dim, channels, name, self.dtype_policy)
            for size, name in ((self.lr_size, "lr_encoder"), (self.hr_size, "hr_encoder"))
        )

    def _prior(self, lr):
        """p(z | I_L), from the LR encoder."""
        return DiagonalGaussian(*self.lr_encoder(2.0 * ops.convert_to_tensor(lr) - 1.0))

    def _encode(self, lr, training=None):
        """The same at the temperature of sampling."""
        return self._prior(lr).at_temperature(self.temperature)

    def encode_hr(self, hr):
        """q(z | I_H): the HR encoder's ``DiagonalGaussian``, of true outputs (N, H, W, 3) in [0, 1].

        ``ImageError`` if they are too small for it.
        """
        hr, cell = unit_images(hr, "hr"), 2 ** halvings(self.hr_size)
        if any(side and math.ceil(side / cell) < math.ceil(own / cell) for side, own in zip(hr.shape[1:3], self.hr_size)):
            height, width = self.hr_size
            raise ImageError(f"hr has the shape {tuple(hr.shape)}: give large faces, (N, {height}, {width}, 3)")
        return DiagonalGaussian(*self.hr_encoder(2.0 * hr - 1.0))

    def edit(self, lr, direction, strengths=(-2, -1, 0, 1, 2)):
        """Outputs for the latents z + k * direction, for each strength k: (len(strengths), N, H, W, 3) (figure 4a).

        ``direction`` is a latent (latent_dim,), such as ``attribute_direction`` finds. ``CallError`` if it is none, or if the
        strengths are no numbers.
        """
        lr = unit_images(lr)
        direction, strengths = finite_numbers(direction, "direction"), finite_numbers(strengths, "strengths")
        if direction.shape != (self.latent_dim,) or strengths.ndim != 1:
            shapes = f"({self.latent_dim},) and (n,), not {direction.shape} and {strengths.shape}"
            raise CallError(f"direction, as of attribute_direction, and strengths have the shapes {shapes}")
        with backend.no_gradients():
            whole = self._whole(lr)
            mean = self._encode(whole).mean
            return self._cut(self._decode_each(whole, [mean + step for step in np.outer(strengths, direction)]), lr)

    def transfer(self, lr, hr):
        """G(I_L, E_H(I_H)): the small faces, enlarged with the latents of large ones (N or 1, H, W, 3) (figure 4b).

        ``ImageError`` if there are other numbers of them.
        """
        if len(hr) not in (1, len(lr)):
            raise ImageError(f"{len(lr)} small faces get the latents of as many large ones or of one, not of {len(hr)}")
        with backend.no_gradients():
            mean = self.encode_hr(hr).mean
            return self.decode(lr, ops.broadcast_to(mean, (len(lr), self.latent_dim)))

    def attribute_direction(self, images_with, images_without):
        """Difference of the mean latents of true faces with and without an attribute: NumPy (latent_dim,).

        The paper moves along the mean latent of the faces with it, and subtracts nothing (section 4.4).

        Images are (N, H, W, 3) in [0, 1], of the output's size, in any number; ``ImageError`` if there are none.
        """
        if not (len(images_with) and len(images_without)):
            raise ImageError("an attribute's direction needs true faces with it and without it: one of the two has none")
        return self._mean_latent(images_with) - self._mean_latent(images_without)

    def _mean_latent(self, images):
        with backend.no_gradients():
            starts = range(0, len(images), ENCODED_AT_ONCE)
            latents = [self.encode_hr(images[start : start + ENCODED_AT_ONCE]).mean for start in starts]
            return ops.convert_to_numpy(ops.mean(ops.concatenate(latents), axis=0))

    @property
    def learning_variables(self):
        encoders = (self.lr_encoder, self.hr_encoder) if self.phase == 2 and self.keeps_latent else ()
        kept = {id(variable) for encoder in encoders for variable in encoder.variables}
        return [variable for variable in super().learning_variables if id(variable) not in kept]

    def fidelity(self, lr, hr, turn):
        """Mean squared error of G(I_L, z), z ~ E_H(I_H), as values in [0, 1], and lambda_KL KL(E_H || E_L) (eqs. 6 and 7).

        With ``draws``, plus the squared error of the best of so many G(I_L, z), z ~ E_L(I_L); with ``answer_weight``, plus
        that of the most probable one.
        """
        prior, posterior, before = self._prior(lr), DiagonalGaussian(*self.hr_encoder(hr)), self.before_latent(lr)
        sr = self.with_latent(before, reparameterised_sample(posterior, self.step_seed(turn)))
        mse = ops.mean(self.squared_error(hr, sr))
        kl = ops.mean(kl_divergence(posterior, prior)) / self.latent_dim
        loss = mse + self.kl_weight * kl
        if self.draws and turn == 0:
            chance = standard_normal((2, self.draws, *ops.shape(prior.mean)), self.step_seed(turn, purpose=2))
            best = self.with_latent(before, self._nearest(before, hr, prior.spread(chance)))
            loss = loss + ops.mean(self.squared_error(hr, best))
        if self.answer_weight and turn == 0:
            answer = self.with_latent(before, prior.mean)
            loss = loss + self.answer_weight * ops.mean(self.squared_error(hr, answer))
        return sr, loss, mse, kl

    def judged_answer(self, lr, hr, turn, sr=None):
        if not self.judges_samples:
            return super().judged_answer(lr, hr, turn, sr)
        return self.signed(lr, reparameterised_sample(self._encode(lr), self.step_seed(turn, purpose=3)))

    def _nearest(self, before, hr, latents):
        """For each image, the one of n latents (n, N, latent_dim) whose answer is nearest to the truth: (N, latent_dim)."""
        with backend.no_gradients():
            answers = (self.with_latent(before, z) for z in ops.unstack(latents))
            errors = [ops.mean(self.squared_error(hr, sr), axis=(1, 2, 3)) for sr in answers]
            nearest = ops.one_hot(ops.argmin(ops.stack(errors), axis=0), self.draws, axis=0)
        return ops.sum(nearest[..., None] * latents, axis=0)
