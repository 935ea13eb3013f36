"""styleVAE of SSRVAE: learns from unpaired faces how real small ones are spoilt, and spoils clean ones so.

What spoils a face is its style: a latent that an encoder reads from real small faces, near N(0, I), and that AdaIN paints on
the content of a clean face. Mutual information keeps the style in what is painted; any code of it would do, so what is painted
can be asked to look as the real face does in brightness, colours and detail too, wherever its eyes are.
"""

import math

import keras
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, conv
from keras_facesr.layers.normalization import AdaIN
from keras_facesr.layers.resampling import BicubicReduction
from keras_facesr.models.base import Network
from keras_facesr.objectives.gaussian import DiagonalGaussian, kl_divergence, reparameterised_sample
from keras_facesr.objectives.mutual_information import corrected_bound, donsker_varadhan, moved_average, neighbours

SCALES = 3  # of a face's appearance: details of 1, 2 and 4 pixels
MEAN_GAIN, ENERGY_GAIN = 3.0, 0.75  # bring what varies among real small faces to a deviation near 1
LEAST_ENERGY = 1e-4  # of values in [-1, 1]: about one 8-bit level
SMALLEST = 4  # pixels: the side at which the style encoder stops halving


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


def painter(style_dim, channels, blocks, adain, dtype):
    """G: content, the reduced face itself, and style -> small faces in [-1, 1].

    AdaIN after each residual block, or the style beside the content. AdaIN leaves nothing of a face's own brightness, contrast
    and colours: content joins once more before the last layers, each of its maps as far as the style lets it, since what is
    blurred must lose its edges; and what is painted is a change of the reduced face, as much as the style keeps of it.
    """
    content, reduced, style = (keras.Input(shape) for shape in ((None, None, channels), (None, None, 3), (style_dim,)))
    x = content
    if not adain:
        spread = layers.Dense(channels, dtype=dtype)(style)[:, None, None, :] * ops.ones_like(x[..., :1])
        x = conv(channels, dtype=dtype)(ops.concatenate([x, spread], axis=-1))
    for _ in range(blocks):
        x = ResidualBlock(channels, None, dtype=dtype)(x)
        x = AdaIN(dtype=dtype)(x, style) if adain else x
    share = layers.Dense(channels, bias_initializer="ones", dtype=dtype)(style)[:, None, None, :]
    x = ConvBlock(channels, 1, None, dtype=dtype)(ops.concatenate([x, share * content], axis=-1))
    change = conv(3, kernel_initializer=keras.initializers.VarianceScaling(0.05), dtype="float32")(x)
    kept = layers.Dense(3, kernel_initializer="zeros", bias_initializer="ones", dtype="float32")(style)[:, None, None, :]
    return keras.Model([content, reduced, style], kept * reduced + change, name="generator")


def appearance(images):
    """How small faces (N, h, w, C) in [-1, 1] look, whatever they show: (N, (SCALES + 1) * C), each number of variance near 1.

    Means of the channels, and the logarithms of their energy at each scale: blur has little at the finest, noise much.
    """
    numbers, x = [MEAN_GAIN * ops.mean(images, axis=(1, 2))], images
    for _ in range(SCALES):
        coarse = ops.average_pool(x, 3, 1, "same")
        numbers.append(ENERGY_GAIN * ops.log(ops.mean(ops.square(x - coarse), axis=(1, 2)) + LEAST_ENERGY))
        x = ops.average_pool(coarse, 2)
    return ops.concatenate(numbers, axis=-1)


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
class StyleVAE(Network):
    """styleVAE: clean faces (N, H, W, 3) in [0, 1] -> small ones (N, H / scale, W / scale, 3), spoilt as real ones are.

    ``fit`` takes pairs of (real small faces, clean large faces) that have nothing to do with each other. It compiles
    without a loss: l1 KL + l2 ||y_LR - down(x_HR)||^2 - l3 MI (eq. 6) is its own, and beyond the paper
    l4 ||appearance(y_LR) - appearance(x_LR)||^2.

    Args:
        scale: reduction, a power of two.
        lr_size: side in pixels of the real small faces in training.
        style_dim: dimensions of the style (section 4.1).
        channels: width of all parts.
        encoder_blocks, generator_blocks: residual blocks (section 4.1).
        kl_weight: l1, of the divergence from N(0, I), mean over the style's dimensions.
        content_weight: l2, of the squared error to the reduced clean face, mean over pixels in [-1, 1].
        information_weight: l3, of the mutual information between a real small face and what is painted in its style, in nats.
            0 leaves it out (ablation).
        appearance_weight: l4, of the squared difference in ``appearance`` between a real small face and what is painted in its
            style, mean over its numbers. 0 is the paper's objective.
        adain: False paints without AdaIN (ablation).
        seed: decides the noise of the training steps, together with the step's number.

    Example:
        >>> model = StyleVAE()
        >>> model.build()
        >>> model.compile("adam"); model.fit(real_and_clean, epochs=10)
        >>> lr = model.degrade(hr)                                                 # each in a style of its own
        >>> lr = model.degrade(hr, style=real)                                     # in the style of real small faces
    """

    paper = "Style-based Variational Autoencoder for Real-World Super-Resolution (SSRVAE), section 3.1"
    ARGUMENTS = (
        "scale lr_size style_dim channels encoder_blocks generator_blocks kl_weight content_weight information_weight "
        "appearance_weight adain seed"
    ).split()

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
        self.appearance_weight, self.adain, self.seed = appearance_weight, adain, seed
        dtype = self.dtype_policy
        self.style_encoder = style_encoder(lr_size, style_dim, channels, encoder_blocks, dtype)
        self.content_encoder = content_encoder(scale, channels, encoder_blocks, dtype)
        self.generator = painter(style_dim, channels, generator_blocks, adain, dtype)
        self.statistics = statistics_network(channels, dtype) if information_weight else None
        self.reduce = BicubicReduction(scale, dtype="float32")
        self.loss_metrics = [keras.metrics.Mean(name) for name in ("loss", "kl", "content", "appearance", "information")]

    def build(self, input_shape=None):
        if self.information_weight:
            # log E[exp T] of late, which the gradient of the mutual information is divided by.
            self.log_average = self.add_weight(
                shape=(), initializer="zeros", trainable=False, aggregation="mean", name="log_average"
            )

    def call(self, hr):
        """The clean faces in the mean style, 0."""
        return self._painted(hr, ops.zeros((ops.shape(hr)[0], self.style_dim)))

    def degrade(self, hr, style=None, seed=None):
        """Small faces of the clean ones ``hr`` (N, H, W, 3) in [0, 1], (N, H / scale, W / scale, 3) in [0, 1].

        Args:
            style: None for styles by chance, each face its own; real small faces (N or 1, h, w, 3) in [0, 1], whose style is
                taken; or styles (N or 1, style_dim).
            seed: of the chance.
        """
        with backend.no_gradients():
            count = ops.shape(hr)[0]
            if style is None:
                style = keras.random.normal((count, self.style_dim), seed=seed)
            elif len(style.shape) == 4:
                style = self.encode(style).mean
            return self._painted(hr, ops.broadcast_to(ops.convert_to_tensor(style), (count, self.style_dim)))

    def encode(self, lr):
        """q(z | x_LR): the style's ``DiagonalGaussian`` over (N, style_dim) of small faces (N, h, w, 3) in [0, 1]."""
        return DiagonalGaussian(*self.style_encoder(2.0 * ops.convert_to_tensor(lr) - 1.0))

    def _painted(self, hr, style):
        clean = 2.0 * ops.convert_to_tensor(hr) - 1.0
        painted = self.generator([self.content_encoder(clean), self.reduce(clean), style])
        return ops.clip((painted + 1.0) / 2.0, 0.0, 1.0)

    # Training.

    @property
    def metrics(self):
        return self.loss_metrics

    def train_step(self, data):
        real, clean = (2.0 * ops.convert_to_tensor(x) - 1.0 for x in keras.utils.unpack_x_y_sample_weight(data)[:2])
        *values, average = self.minimise(lambda: self._objective(real, clean))
        if self.information_weight:
            self.log_average.assign(average)
        return self.report(values)

    def _objective(self, real, clean):
        """Eqs. 3 to 6 and the appearance, for images in [-1, 1]: the loss, its parts, and the average that MINE moves."""
        posterior = DiagonalGaussian(*self.style_encoder(real))
        zeros = ops.zeros_like(posterior.mean)
        kl = ops.mean(kl_divergence(posterior, DiagonalGaussian(zeros, zeros))) / self.style_dim
        seed = self.seed * 64 + backend.replica_index(), self.updates
        reduced = self.reduce(clean)
        painted = self.generator([self.content_encoder(clean), reduced, reparameterised_sample(posterior, seed)])
        content = ops.mean(ops.square(painted - reduced))
        look = ops.mean(ops.square(appearance(painted) - appearance(real)))
        loss = self.kl_weight * kl + self.content_weight * content + self.appearance_weight * look
        if not self.information_weight:
            return loss, kl, content, look, ops.zeros(()), ops.zeros(())
        joint, marginal = (self.statistics([real, faces]) for faces in (painted, neighbours(painted)))
        average = moved_average(self.log_average, marginal)
        loss = loss - self.information_weight * corrected_bound(joint, marginal, average)
        return loss, kl, content, look, donsker_varadhan(joint, marginal), average
