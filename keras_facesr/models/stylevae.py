"""styleVAE of SSRVAE: learns from unpaired faces how real small ones are spoilt, and spoils clean ones so.

What spoils a face is its style: a latent that an encoder reads from real small faces, near N(0, I), and that AdaIN paints on
the content of a clean face. Mutual information keeps the style in what is painted; any code of it would do, so what is painted
can be asked to look as the real face does in brightness, colours and detail too, wherever its eyes are.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, conv, near_zero
from keras_facesr.layers.normalization import AdaIN
from keras_facesr.layers.resampling import BicubicReduction
from keras_facesr.models.own_loss import OwnLoss
from keras_facesr.models.stochastic import unit_images
from keras_facesr.objectives.gaussian import DiagonalGaussian, kl_divergence, reparameterised_sample
from keras_facesr.objectives.mutual_information import corrected_bound, donsker_varadhan, moved_average, neighbours

# Columns: brightness, red against blue, and green against both; orthonormal. Faded colours are little of the last two.
COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], "float32").T / np.sqrt([3, 2, 6]).astype("float32")
SCALES = 3  # of a face's appearance: details of 1, 2 and 4 pixels
MEAN_GAIN, ENERGY_GAIN = 3.0, 0.75  # bring most of what varies among real small faces to deviations of 0.4 to 1.2
LEAST_ENERGY = 1e-4  # of values in [-1, 1]: about one 8-bit level
SMALLEST = 4  # pixels: the side at which the style encoder stops halving
MOMENTUM = 0.99  # of the averages of what styles real faces have


def style_encoder(lr_size, style_dim, channels, blocks, dtype):
    """E_LR: small faces in [-1, 1] -> mean and log variance of the style, (N, style_dim) each.

    Residual blocks, spread over the sizes down to a few pixels; then the mean over places. No normalisation: contrast and
    colour cast are style.
    """
    images = keras.Input((None, None, 3))
    x = ConvBlock(channels, 1, None, dtype=dtype)(images)
    halvings = max(0, int(math.log2(lr_size / SMALLEST)))
    for level in range(halvings + 1):
        if level:
            x = ConvBlock(channels, 2, None, dtype=dtype)(x)
        for _ in range(blocks // (halvings + 1) + (level < blocks % (halvings + 1))):
            x = ResidualBlock(channels, None, dtype=dtype)(x)
    x = ops.mean(x, axis=(1, 2))
    mean = layers.Dense(style_dim, dtype="float32")(x)
    log_variance = layers.Dense(style_dim, kernel_initializer="zeros", dtype="float32")(x)
    return keras.Model(images, [mean, log_variance], name="style_encoder")


def content_encoder(scale, channels, blocks, dtype):
    """E_HR: clean faces in [-1, 1] -> a feature map at the small size."""
    images = keras.Input((None, None, 3))
    x = ConvBlock(channels, 1, None, dtype=dtype)(images)
    for _ in range(int(math.log2(scale))):
        x = ConvBlock(channels, 2, None, dtype=dtype)(x)
    for _ in range(blocks):
        x = ResidualBlock(channels, None, dtype=dtype)(x)
    return keras.Model(images, x, name="content_encoder")


def bands(images):
    """Images (N, h, w, C) as a sum: their details of 1, 2 and 4 pixels, and the rest; all of the images' size."""
    parts, x = [], images
    for scale in range(SCALES):
        coarse = ops.average_pool(x, 2 ** (scale + 1) + 1, 1, "same")
        parts.append(x - coarse)
        x = coarse
    return [*parts, x]


def painter(style_dim, channels, blocks, adain, dtype):
    """G: content, the reduced face itself, and style -> small faces in [-1, 1].

    AdaIN after each residual block, or the style beside the content. AdaIN leaves nothing of a face's own brightness, contrast
    and colours: content joins once more before the last layers, each of its maps as far as the style lets it, and what is
    painted is a change of the reduced face. Of that the style keeps each colour's details to a degree of their own at each
    scale: less of the finest is blur, less of all a low contrast, less of the colours a faded picture.
    """
    content, reduced, style = (keras.Input(shape) for shape in ((None, None, channels), (None, None, 3), (style_dim,)))

    def of_style(size, at_first):
        dense = layers.Dense(size, kernel_initializer="zeros", bias_initializer=at_first, dtype="float32")
        return dense(style)[:, None, None, :]

    x = content
    if not adain:
        spread = layers.Dense(channels, dtype=dtype)(style)[:, None, None, :] * ops.ones_like(x[..., :1])
        x = conv(channels, dtype=dtype)(ops.concatenate([x, spread], axis=-1))
    for _ in range(blocks):
        x = ResidualBlock(channels, None, dtype=dtype)(x)
        x = AdaIN(dtype=dtype)(x, style) if adain else x
    share = layers.Dense(channels, bias_initializer="ones", dtype=dtype)(style)[:, None, None, :]
    x = ConvBlock(channels, 1, None, dtype=dtype)(ops.concatenate([x, share * content], axis=-1))
    change = conv(3, kernel_initializer=near_zero(), dtype="float32")(x)
    parts = bands(ops.matmul(reduced, COLOURS))
    gains = ops.split(of_style(3 * len(parts), "ones"), len(parts), axis=-1)
    kept = sum(gain * part for gain, part in zip(gains, parts)) + of_style(3, "zeros")
    return keras.Model([content, reduced, style], ops.matmul(kept, COLOURS.T) + change, name="generator")


def appearance(images):
    """How small faces (N, h, w, 3) in [-1, 1] look, whatever they show: (N, 3 * (SCALES + 1)).

    Means in ``COLOURS``, and the logarithms of their energy at each scale: blur has little at the finest, noise much.
    """
    x = ops.matmul(images, COLOURS)
    numbers = [MEAN_GAIN * ops.mean(x, axis=(1, 2))]
    for _ in range(SCALES):
        coarse = ops.average_pool(x, 3, 1, "same")
        numbers.append(ENERGY_GAIN * ops.log(ops.mean(ops.square(x - coarse), axis=(1, 2)) + LEAST_ENERGY))
        x = ops.average_pool(coarse, 2)
    return ops.concatenate(numbers, axis=-1)


def content_error(painted, reduced):
    """How far small faces (N, h, w, 3) in [-1, 1] are from the reduced ones, nearly blind to what ``appearance`` may ask for.

    Of each of ``COLOURS`` at each scale (``bands``), its mean aside, the squared error to the nearest multiple of the reduced
    face's own. Mean over faces, pixels and colours, sum over scales.
    """
    error = 0.0
    for ours, theirs in zip(*(bands(ops.matmul(images, COLOURS)) for images in (painted, reduced))):
        ours, theirs = (x - ops.mean(x, axis=(1, 2), keepdims=True) for x in (ours, theirs))
        alike = ops.maximum(ops.mean(ours * theirs, axis=(1, 2), keepdims=True), 0.0)  # inside out is not alike
        strength = alike / (ops.mean(ops.square(theirs), axis=(1, 2), keepdims=True) + LEAST_ENERGY)
        error = error + ops.mean(ops.square(ours - strength * theirs))
    return error


def statistics_network(channels, dtype):
    """T of the mutual information: real small faces and painted ones -> a score of each pair, (N,).

    Both are seen by the same network, and the score is the squared distance of what it sees, below zero. A style that is kept
    in any code tells pairs apart; only one that shows as it does in real faces, and no stronger, makes them alike.
    """
    images = keras.Input((None, None, 3))
    x = images
    for width in (channels, 2 * channels, 2 * channels):
        x = ConvBlock(width, 2, None, "leaky_relu", dtype=dtype)(x)
    seen = keras.Model(images, layers.Dense(2 * channels, dtype="float32")(ops.mean(x, axis=(1, 2))))
    real, painted = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    score = -ops.sum(ops.square(seen(real) - seen(painted)), axis=-1)
    return keras.Model([real, painted], score, name="statistics")


@keras.saving.register_keras_serializable("keras_facesr")
class StyleVAE(OwnLoss):
    """styleVAE: clean faces (N, H, W, 3) in [0, 1] -> small ones (N, H / scale, W / scale, 3), spoilt as real ones are.

    ``fit`` takes pairs of (real small faces, clean large faces) that have nothing to do with each other. It compiles
    without a loss: l1 KL + l2 ||y_LR - down(x_HR)||^2 - l3 MI (eq. 6) is its own, and beyond the paper
    l4 ||appearance(y_LR) - appearance(x_LR)||^2. What is drawn by chance are styles as real faces have been found to have them:
    their mean and covariance, which the divergence holds near those of N(0, I), move along in training.

    Args:
        scale: reduction, a power of two.
        lr_size: side in pixels of the real small faces in training.
        style_dim: dimensions of the style (section 4.1).
        channels: width of all parts.
        encoder_blocks, generator_blocks: residual blocks (section 4.1).
        kl_weight: l1, of the divergence from N(0, I), mean over the style's dimensions.
        content_weight: l2, of the squared error to the reduced clean face, mean over pixels in [-1, 1].
        blind_content: whether that is ``content_error``, to which blur, fading and darkening are almost no errors; False is
            eq. 4, to which they are.
        information_weight: l3, of the mutual information between a real small face and what is painted in its style, in nats.
            0 leaves it out (ablation).
        appearance_weight: l4, of the squared difference in ``appearance`` between a real small face and what is painted in its
            style, mean over its numbers. 0 is the paper's objective.
        adain: False paints without AdaIN (ablation).
        seed: decides the noise of the training steps, together with the step's number.

    Example:
        >>> model = StyleVAE()
        >>> model.compile("adam"); model.fit(real_and_clean, epochs=10)
        >>> lr = model.degrade(hr)                                                 # each in a style of its own
        >>> lr = model.degrade(hr, style=real)                                     # in the style of real small faces
    """

    paper = "Style-based Variational Autoencoder for Real-World Super-Resolution (SSRVAE), section 3.1"
    ARGUMENTS = (
        "scale lr_size style_dim channels encoder_blocks generator_blocks kl_weight content_weight information_weight "
        "blind_content appearance_weight adain seed"
    ).split()
    FIGURES = ("kl", "content", "appearance", "information")

    def __init__(
        self,
        scale=4,
        lr_size=16,
        style_dim=256,
        channels=64,
        encoder_blocks=8,
        generator_blocks=2,
        kl_weight=0.01,
        content_weight=1.0,
        blind_content=False,
        information_weight=0.05,
        appearance_weight=0.0,
        adain=True,
        seed=0,
        **kwargs,
    ):
        if scale < 2 or scale & (scale - 1):
            raise ValueError(f"scale is {scale}: StyleVAE reduces by powers of two")
        super().__init__(**kwargs)
        self.scale, self.lr_size, self.style_dim, self.channels = scale, lr_size, style_dim, channels
        self.encoder_blocks, self.generator_blocks = encoder_blocks, generator_blocks
        self.kl_weight, self.content_weight, self.information_weight = kl_weight, content_weight, information_weight
        self.blind_content, self.appearance_weight, self.adain, self.seed = blind_content, appearance_weight, adain, seed
        dtype = self.dtype_policy
        self.style_encoder = style_encoder(lr_size, style_dim, channels, encoder_blocks, dtype)
        self.content_encoder = content_encoder(scale, channels, encoder_blocks, dtype)
        self.generator = painter(style_dim, channels, generator_blocks, adain, dtype)
        self.statistics = statistics_network(channels, dtype) if information_weight else None
        self.reduce = BicubicReduction(scale, dtype="float32")
        self.mean_style = self._average((style_dim,), "zeros", "mean_style")
        self.style_covariance = self._average((style_dim, style_dim), "identity", "style_covariance")

    def build(self, input_shape=None):
        if self.information_weight:
            # log E[exp T] of late, which the gradient of the mutual information is divided by.
            self.log_average = self._average((), "zeros", "log_average")

    def _average(self, shape, initializer, name):
        how = {"trainable": False, "aggregation": "mean", "autocast": False}
        return self.add_weight(shape=shape, initializer=initializer, name=name, **how)

    def call(self, hr):
        """The clean faces in the mean style of real ones."""
        return self._painted(hr, ops.broadcast_to(self.mean_style, (ops.shape(hr)[0], self.style_dim)))

    def degrade(self, hr, style=None, seed=None):
        """Small faces of the clean ones ``hr`` (N, H, W, 3) in [0, 1], (N, H / scale, W / scale, 3) in [0, 1].

        Args:
            style: None for styles by chance, each face its own; real small faces (N or 1, h, w, 3) in [0, 1], whose style is
                taken; or styles (N or 1, style_dim).
            seed: of the chance.
        """
        hr = unit_images(hr, "hr")
        with backend.no_gradients():
            count = ops.shape(hr)[0]
            if style is None:
                style = self.styles(keras.random.normal((count, self.style_dim), seed=seed))
            elif len(style.shape) != 2:
                style = self.encode(style).mean
            return self._painted(hr, ops.broadcast_to(ops.convert_to_tensor(style), (count, self.style_dim)))

    def styles(self, chance):
        """Styles (N, style_dim) as real faces have them, of ``chance`` (N, style_dim) from N(0, I)."""
        return self.mean_style + ops.matmul(chance, ops.transpose(ops.cholesky(self.style_covariance)))

    def encode(self, lr):
        """q(z | x_LR): the style's ``DiagonalGaussian`` over (N, style_dim) of small faces (N, h, w, 3) in [0, 1]."""
        return DiagonalGaussian(*self.style_encoder(2.0 * unit_images(lr) - 1.0))

    def _painted(self, hr, style):
        clean = 2.0 * ops.convert_to_tensor(hr) - 1.0
        painted = self.generator([self.content_encoder(clean), self.reduce(clean), style])
        return ops.clip((painted + 1.0) / 2.0, 0.0, 1.0)

    # Training.

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, metrics=None, weighted_metrics=None, **how):
        """As Keras' own, without a loss and without metrics: no small face is the truth of a large one."""
        if metrics or weighted_metrics:
            raise ValueError("StyleVAE has no true answers that metrics could compare: compile it without")
        super().compile(optimizer, loss, loss_weights, **how)

    def target_shape(self, input_shape):
        return (input_shape[0], None, None, 3)

    def learn(self, real, clean):
        *values, styles, average = self.minimise(lambda: self._objective(real, clean))
        apart = styles - self.mean_style  # of before, which lags: a covariance too large rather than too small
        covariance = ops.matmul(ops.transpose(apart), apart) / ops.cast(ops.shape(styles)[0], apart.dtype)
        for found, latest in ((self.mean_style, ops.mean(styles, axis=0)), (self.style_covariance, covariance)):
            found.assign(MOMENTUM * found + (1.0 - MOMENTUM) * latest)
        if self.information_weight:
            self.log_average.assign(average)
        return values

    def judged(self, real, clean):
        *values, _, _ = self._objective(real, clean)
        return values

    def _objective(self, real, clean):
        """Eqs. 3 to 6 and the appearance, for images in [0, 1]: the loss, its parts, the styles, and the average of MINE."""
        real, clean = (2.0 * images - 1.0 for images in (real, clean))
        posterior = DiagonalGaussian(*self.style_encoder(real))
        zeros = ops.zeros_like(posterior.mean)
        kl = ops.mean(kl_divergence(posterior, DiagonalGaussian(zeros, zeros))) / self.style_dim
        styles = reparameterised_sample(posterior, (self.seed * 64 + backend.replica_index(), self.updates))
        reduced = self.reduce(clean)
        painted = self.generator([self.content_encoder(clean), reduced, styles])
        content = content_error(painted, reduced) if self.blind_content else ops.mean(ops.square(painted - reduced))
        look = ops.mean(ops.square(appearance(painted) - appearance(real)))
        loss = self.kl_weight * kl + self.content_weight * content + self.appearance_weight * look
        if not self.information_weight:
            return loss, kl, content, look, ops.zeros(()), styles, ops.zeros(())
        joint, marginal = (self.statistics([real, faces]) for faces in (painted, neighbours(painted)))
        average = moved_average(self.log_average, marginal)
        loss = loss - self.information_weight * corrected_bound(joint, marginal, average)
        return loss, kl, content, look, donsker_varadhan(joint, marginal), styles, average
