"""styleVAE of SSRVAE: trained on unpaired faces, it degrades clean faces as real small ones are degraded.

The degradation of a face is its style: a latent near N(0, I) that an encoder reads from real small faces, and that AdaIN
applies to the content of a clean face. Mutual information keeps the style in the generated face, but is content with any code
of it. So the objective can also ask that the generated face has the real face's brightness, colours and amount of detail.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.errors import CallError, ImageError
from keras_facesr.layers.blocks import ConvBlock, ResidualBlock, conv, near_zero
from keras_facesr.layers.normalization import AdaIN
from keras_facesr.layers.resampling import BicubicReduction
from keras_facesr.models.own_loss import OwnLoss
from keras_facesr.models.stochastic import unit_images
from keras_facesr.objectives.gaussian import DiagonalGaussian, kl_divergence, reparameterised_sample, seed_for_keras
from keras_facesr.objectives.mutual_information import corrected_bound, donsker_varadhan, moved_average, neighbours

# Orthonormal columns: brightness, red against blue, and green against both. Faded pictures have little of the last two.
COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], "float32").T / np.sqrt([3, 2, 6]).astype("float32")
SCALES = 3  # of a face's appearance: details of 1, 2 and 4 pixels
MEAN_GAIN, ENERGY_GAIN = 3.0, 0.75  # scale most numbers of ``appearance`` to deviations of 0.4 to 1.2 over real small faces
LEAST_ENERGY = 1e-4  # of values in [-1, 1]: about one 8-bit level
SMALLEST = 4  # pixels: the side at which the style encoder stops halving
MOMENTUM = 0.99  # of the moving averages of the styles of real faces


def style_encoder(lr_size, style_dim, channels, blocks, dtype):
    """E_LR: small faces in [-1, 1] -> mean and log variance of the style, (N, style_dim) each.

    Residual blocks, spread over the sizes down to a few pixels; then the mean over places. No normalisation, as contrast and
    colour cast are part of the style.
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
    """Split images (N, h, w, C) into details of 1, 2 and 4 pixels and the rest, each of the same size; their sum is images."""
    parts, x = [], images
    for scale in range(SCALES):
        coarse = ops.average_pool(x, 2 ** (scale + 1) + 1, 1, "same")
        parts.append(x - coarse)
        x = coarse
    return [*parts, x]


def painter(style_dim, channels, blocks, adain, dtype):
    """G: content, the reduced face and style -> small faces in [-1, 1].

    AdaIN follows each residual block; without AdaIN, the style is concatenated with the content. AdaIN removes a face's own
    brightness, contrast and colours. So the content joins once more before the last layers, each of its maps with a weight
    from the style, and the output is a change of the reduced face. The style also decides how much of the reduced face's
    details stays, for each colour at each scale: less of the finest is blur, less of all is low contrast, less of the colours
    is a faded picture.
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
    """Brightness, colours and amount of detail of small faces (N, h, w, 3) in [-1, 1]: (N, 3 * (SCALES + 1)).

    The means in ``COLOURS``, and the logarithms of their energies at each scale. At the finest scale, a blurred face has
    little energy, a noisy one has much.
    """
    x = ops.matmul(images, COLOURS)
    numbers = [MEAN_GAIN * ops.mean(x, axis=(1, 2))]
    for _ in range(SCALES):
        coarse = ops.average_pool(x, 3, 1, "same")
        numbers.append(ENERGY_GAIN * ops.log(ops.mean(ops.square(x - coarse), axis=(1, 2)) + LEAST_ENERGY))
        x = ops.average_pool(coarse, 2)
    return ops.concatenate(numbers, axis=-1)


def content_error(painted, reduced):
    """Error of small faces (N, h, w, 3) in [-1, 1] against the reduced ones, nearly blind to changes of ``appearance``.

    For each of ``COLOURS`` at each scale (``bands``), without its mean, the squared error to the nearest multiple of the
    reduced face's. Mean over faces, pixels and colours, sum over scales.
    """
    error = 0.0
    for ours, theirs in zip(*(bands(ops.matmul(images, COLOURS)) for images in (painted, reduced))):
        ours, theirs = (x - ops.mean(x, axis=(1, 2), keepdims=True) for x in (ours, theirs))
        alike = ops.maximum(ops.mean(ours * theirs, axis=(1, 2), keepdims=True), 0.0)  # a negative image is not alike
        strength = alike / (ops.mean(ops.square(theirs), axis=(1, 2), keepdims=True) + LEAST_ENERGY)
        error = error + ops.mean(ops.square(ours - strength * theirs))
    return error


def statistics_network(channels, dtype):
    """T of the mutual information: real small faces and generated ones -> a score of each pair, (N,).

    The same network maps both to features, and the score is minus their squared distance. A free function of both faces would
    accept any code of the style; here a pair scores high only if the style shows as it does in the real face, and no stronger.
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
    """styleVAE: clean faces (N, H, W, 3) in [0, 1] -> small ones (N, H / scale, W / scale, 3), degraded as real ones are.

    ``fit`` takes unpaired batches of (real small faces, clean large faces). It compiles without a loss: its own
    is l1 KL + l2 ||y_LR - down(x_HR)||^2 - l3 MI (eq. 6), and beyond the paper + l4 ||appearance(y_LR) - appearance(x_LR)||^2.
    Random styles are drawn from a Gaussian with the mean and covariance of the styles of real faces; both are moving averages
    in training, and the divergence keeps them near those of N(0, I).

    Args:
        scale: reduction, a power of two.
        lr_size: side in pixels of the real small faces in training.
        style_dim: dimensions of the style (section 4.1).
        channels: width of all parts.
        encoder_blocks, generator_blocks: residual blocks (section 4.1).
        kl_weight: l1, weight of the divergence from N(0, I), mean over the style's dimensions.
        content_weight: l2, weight of the squared error to the reduced clean face, mean over pixels in [-1, 1].
        blind_content: whether ``content_error`` takes the place of that squared error (eq. 4). To it, blur, fading and
            darkening are hardly errors.
        information_weight: l3, weight of the mutual information between a real small face and the face generated in its style,
            in nats. 0 leaves it out (ablation).
        appearance_weight: l4, weight of the squared difference in ``appearance`` between a real small face and the face
            generated in its style, mean over the numbers of ``appearance``. 0 is the paper's objective.
        adain: False generates without AdaIN (ablation).
        seed: determines the noise of the training steps, together with the step's number.

    Example:
        >>> model = StyleVAE()
        >>> model.compile("adam"); model.fit(real_and_clean, epochs=10)
        >>> lr = model.degrade(hr)                                                 # each in a random style of its own
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
            raise ValueError(f"scale is {scale!r}: StyleVAE reduces by powers of two")
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
            # Logarithm of the moving average of E[exp T], which divides the mutual information's gradient.
            self.log_average = self._average((), "zeros", "log_average")

    def _average(self, shape, initializer, name):
        how = {"trainable": False, "aggregation": "mean", "autocast": False}
        return self.add_weight(shape=shape, initializer=initializer, name=name, **how)

    def call(self, hr):
        """The clean faces, degraded in the mean style of real ones."""
        return self._painted(hr, ops.broadcast_to(self.mean_style, (ops.shape(hr)[0], self.style_dim)))

    def degrade(self, hr, style=None, seed=None):
        """Degrade clean faces ``hr`` (N, H, W, 3) in [0, 1] to small ones (N, H / scale, W / scale, 3) in [0, 1].

        Args:
            style: None for random styles, one for each face; real small faces (N or 1, h, w, 3) in [0, 1], whose styles are
                taken; or styles (N or 1, style_dim).
            seed: of the random styles.

        Raises:
            ImageError: H and W are no multiples of ``scale``, or what is given for images are none.
            CallError: there are other numbers of styles, styles of another size, or a seed that is none.
        """
        hr = unit_images(hr, "hr")
        if style is not None and not hasattr(style, "shape"):
            style = np.asarray(style)
        with backend.no_gradients():
            count = ops.shape(hr)[0]
            if style is None:
                style = self.styles(keras.random.normal((count, self.style_dim), seed=seed_for_keras(seed)))
            elif len(style.shape) != 2:
                style = self.encode(style).mean
            (number, size), faces = style.shape, hr.shape[0]  # of a graph's batch the number is not known
            if size != self.style_dim or number not in (1, faces, None) and faces is not None:
                raise CallError(f"styles have the shape {(number, size)}: give one or {faces} of {self.style_dim} numbers")
            return self._painted(hr, ops.broadcast_to(ops.convert_to_tensor(style), (count, self.style_dim)))

    def styles(self, chance):
        """Styles (N, style_dim), distributed as those of real faces, from noise ``chance`` (N, style_dim) of N(0, I)."""
        return self.mean_style + ops.matmul(chance, ops.transpose(ops.cholesky(self.style_covariance)))

    def encode(self, lr):
        """q(z | x_LR): the style's ``DiagonalGaussian`` over (N, style_dim) of small faces (N, h, w, 3) in [0, 1]."""
        return DiagonalGaussian(*self.style_encoder(2.0 * unit_images(lr) - 1.0))

    def _painted(self, hr, style):
        if any(side and side % self.scale for side in hr.shape[1:3]):
            raise ImageError(f"hr has the shape {tuple(hr.shape)}: give sides that are multiples of {self.scale}")
        clean = 2.0 * ops.convert_to_tensor(hr) - 1.0
        painted = self.generator([self.content_encoder(clean), self.reduce(clean), style])
        return ops.clip((painted + 1.0) / 2.0, 0.0, 1.0)

    # Training.

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, metrics=None, weighted_metrics=None, **how):
        """As Keras' own, without a loss and without metrics: there is no true answer to compare with."""
        if metrics or weighted_metrics:
            raise ValueError("StyleVAE has no true answers that metrics could compare: compile it without")
        super().compile(optimizer, loss, loss_weights, **how)

    def target_shape(self, input_shape):
        return (input_shape[0], None, None, 3)

    def learn(self, real, clean):
        *values, styles, average = self.minimise(lambda: self._objective(real, clean))
        apart = styles - self.mean_style  # from the lagging mean: a covariance too large rather than too small
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
        """Eqs. 3 to 6 and the appearance, for images in [0, 1]: the loss, its terms, the styles, MINE's moving average."""
        real, clean = (2.0 * images - 1.0 for images in (real, clean))
        posterior = DiagonalGaussian(*self.style_encoder(real))
        zeros = ops.zeros_like(posterior.mean)
        kl = ops.mean(kl_divergence(posterior, DiagonalGaussian(zeros, zeros))) / self.style_dim
        styles = reparameterised_sample(posterior, (self.seed * 64 + backend.replica_index(), self.steps_taken))
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
