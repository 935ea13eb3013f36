"""PRSR: draws the large image value by value, red, green, blue, each given the small image and all values before it.

A conditioner sees only the small image, a prior (a gated PixelCNN) the part of the large image that is known already. The
sum of their logits gives the distribution of the next value over 256 levels.
"""

import contextlib

import keras
import numpy as np
from keras import layers, ops

from keras_facesr import backend
from keras_facesr.layers.blocks import DeconvBlock, ResidualBlock, conv
from keras_facesr.layers.resampling import doubling_count
from keras_facesr.models.own_loss import ObjectiveSR
from keras_facesr.models.stochastic import Stochastic
from keras_facesr.objectives.gaussian import DiagonalGaussian, normal_probability

LEVELS = 256
REACH, NEAR = 3, 2  # pixels that the prior's first convolution (7x7) and its gated ones (5x5) see on each side


def colours(channels, each=1):
    """The colour that each feature channel belongs to: 0, 1, 2 in turn, ``each`` channels at a time."""
    return np.arange(channels) // each % 3


@keras.saving.register_keras_serializable("keras_facesr")
class CausalConv(layers.Layer):
    """A convolution without padding that sees earlier values only: the kernel's last row is the current pixel's own row.

    The current pixel is at index ``reach`` of that row. The kernel sees all of the rows above, the pixels to the left, and of
    the current pixel the colours before the output channel's colour; with ``itself`` also that colour.

    Args:
        colours_in, colours_out: the colour of each input and output channel, lists of 0, 1, 2.
        reach: pixels to the left of the current one.
        rows: rows of the kernel; it is 2 * reach + 1 wide, or reach + 1 if the current row is its only one.
        itself: whether an output sees its own colour of the current pixel.
    """

    def __init__(self, colours_in, colours_out, reach, rows, itself, **kwargs):
        super().__init__(**kwargs)
        width = 2 * reach + 1 if rows > 1 else reach + 1
        seen = np.ones((rows, width, len(colours_in), len(colours_out)), "float32")
        seen[-1, reach + 1 :] = 0
        before = np.less_equal if itself else np.less
        seen[-1, reach] = before(np.asarray(colours_in)[:, None], np.asarray(colours_out)[None])
        self.seen = seen
        self.held = None  # the masked kernel, kept while many small calls share it

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=self.seen.shape, initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=self.seen.shape[-1:], initializer="zeros", name="bias")

    def masked(self):
        """The kernel, with zeros where it must not see."""
        return ops.cast(self.kernel * self.seen, self.compute_dtype)

    def call(self, x):
        return ops.conv(x, self.masked() if self.held is None else self.held, padding="valid") + self.bias


@keras.saving.register_keras_serializable("keras_facesr")
class GatedLayer(layers.Layer):
    """One layer of a gated PixelCNN: a gate joins features of the rows above and features of the current row so far.

    The methods of both stacks work on whole padded images, and also on the few rows or pixels that a new value depends on.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        dtype = self.dtype_policy
        own, gates = colours(channels), colours(2 * channels, each=2)  # a channel's tanh and sigmoid are neighbours
        self.vertical = layers.Conv2D(2 * channels, (NEAR, 2 * NEAR + 1), dtype=dtype)
        self.across = conv(2 * channels, 1, dtype=dtype)
        self.horizontal = CausalConv(colours(channels), gates, NEAR, rows=1, itself=True, dtype=dtype)
        self.last = CausalConv(own, own, 0, rows=1, itself=True, dtype=dtype)

    def build(self, input_shape=None):
        features = (None, None, None, self.channels)
        for part in (self.vertical, self.horizontal, self.last):
            part.build(features)
        self.across.build((None, None, None, 2 * self.channels))

    def above(self, rows):
        """Features of the two rows above each row, before the gate: (N, R + 1, W, C) -> (N, R, W, 2 C)."""
        return self.vertical(ops.pad(rows, ((0, 0), (0, 0), (NEAR, NEAR), (0, 0))))

    def along(self, pixels, above):
        """The next layer's features (N, R, W, C), from pixels (N, R, W + 2, C), two more on the left, and ``above``."""
        gated = gate(self.horizontal(pixels) + self.across(above))
        return pixels[:, :, NEAR:] + self.last(gated)


def gate(x):
    """tanh of every second channel times the sigmoid of its neighbour: half as many channels."""
    return ops.tanh(x[..., 0::2]) * ops.sigmoid(x[..., 1::2])


@keras.saving.register_keras_serializable("keras_facesr")
class PixelCNN(layers.Layer):
    """The prior: images (N, H, W, 3) in [0, 1] -> logits (N, H, W, 3, 256) of each value, given the values before it."""

    def __init__(self, channels, depth, head, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.depth, self.head = channels, depth, head
        dtype, own = self.dtype_policy, colours(channels)
        self.first = CausalConv(colours(3), own, REACH, rows=REACH + 1, itself=False, dtype=dtype)
        self.gated = [GatedLayer(channels, dtype=dtype) for _ in range(depth)]
        self.hidden = CausalConv(own, colours(head), 0, rows=1, itself=True, dtype=dtype)
        self.last = CausalConv(colours(head), colours(3 * LEVELS, each=LEVELS), 0, rows=1, itself=True, dtype="float32")

    def build(self, input_shape=None):
        self.first.build((None, None, None, 3))
        for layer in self.gated:
            layer.build()
        self.hidden.build((None, None, None, self.channels))
        self.last.build((None, None, None, self.head))

    def call(self, images):
        image = ops.pad(images - 0.5, ((0, 0), (REACH, 0), (REACH, REACH), (0, 0)))
        along = rows = self.first(image)
        for layer in self.gated:
            above = layer.above(ops.pad(rows, ((0, 0), (NEAR, 0), (0, 0), (0, 0)))[:, :-1])
            along = layer.along(ops.pad(along, ((0, 0), (0, 0), (NEAR, 0), (0, 0))), above)
            rows = gate(above)
        return self.logits(along)

    def logits(self, features):
        """The head, for each pixel alone: (N, R, W, C) -> (N, R, W, 3, 256)."""
        logits = self.last(ops.relu(self.hidden(features)))
        return ops.reshape(logits, (*ops.shape(logits)[:-1], 3, LEVELS))

    def draw(self, shape, choose):
        """Draw an image value by value: ``choose(logits, row, column, colour)`` takes logits (N, 256), gives (N,) in [0, 1].

        Each layer keeps only what later values need: the last two rows above, and the last two pixels of the current row.
        So each value costs the features of one pixel in each layer, and each finished row those of one row.
        """
        with self._masks_held():
            return self._draw(shape, choose)

    def _draw(self, shape, choose):
        batch, height, width = shape
        image = ops.zeros((batch, height + REACH, width + 2 * REACH, 3), self.compute_dtype)  # the values - 0.5, padded
        rows = ops.zeros((self.depth, batch, NEAR, width, self.channels), self.compute_dtype)

        def draw_row(row, state):
            image, rows = state
            aboves = [layer.above(rows[k]) for k, layer in enumerate(self.gated)]
            pixels = ops.zeros((self.depth, batch, 1, NEAR, self.channels), self.compute_dtype)
            image, _ = ops.fori_loop(0, width, lambda column, state: draw_pixel(row, column, aboves, *state), (image, pixels))
            known = ops.slice(image, (0, row, 0, 0), (batch, REACH + 1, width + 2 * REACH, 3))
            news = ops.stack([self.first(known), *[gate(above) for above in aboves[:-1]]])
            return image, ops.concatenate([rows[:, :, 1:], news], axis=2)

        def draw_pixel(row, column, aboves, image, pixels):
            aboves = [ops.slice(above, (0, 0, column, 0), (batch, 1, 1, 2 * self.channels)) for above in aboves]
            for colour in range(3):
                known = ops.slice(image, (0, row, column, 0), (batch, REACH + 1, 2 * REACH + 1, 3))
                features, seen = self.first(known), []
                for k, layer in enumerate(self.gated):
                    seen.append(ops.concatenate([pixels[k], features], axis=2))
                    features = layer.along(seen[-1], aboves[k])
                value = choose(self.logits(features)[:, 0, 0, colour], row, column, colour)
                image = ops.slice_update(image, (0, row + REACH, column + REACH, colour), value[:, None, None, None] - 0.5)
            return image, ops.stack(seen)[:, :, :, 1:]

        image, _ = ops.fori_loop(0, height, draw_row, (image, rows))
        return image[:, REACH:, REACH:-REACH] + 0.5

    @contextlib.contextmanager
    def _masks_held(self):
        causal = [layer for layer in self._flatten_layers() if isinstance(layer, CausalConv)]
        for layer in causal:
            layer.held = layer.masked()
        try:
            yield
        finally:
            for layer in causal:
                layer.held = None

    def compute_output_shape(self, input_shape):
        return (*input_shape, LEVELS)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels, "depth": self.depth, "head": self.head}


@keras.saving.register_keras_serializable("keras_facesr")
class PRSR(Stochastic, ObjectiveSR):
    """Pixel recursive super-resolution: a conditioner A(x) and a prior B(y), trained by cross-entropy.

    It compiles without a loss. Drawing takes one pass through the prior for each value of the answer, so it is a method for
    small faces and digits. Of the export formats only a SavedModel can hold the loop.

    Args:
        scale: enlargement, a power of two.
        channels: width of the prior.
        depth: number of the prior's gated layers.
        head: the prior's channels before the logits.
        conditioner_channels: width of the conditioner.
        blocks: the conditioner's residual blocks before each doubling and after the last.
        temperature: factor on the logits when samples are drawn; above 1, samples keep more to the probable values.

    Example:
        >>> model = PRSR()                                                         # 8x8 to 32x32
        >>> model.compile("rmsprop"); model.fit(pairs, epochs=10)
        >>> faces = model.sample(lr, n=2, seed=0)                                  # (2, N, H, W, 3)
    """

    ARGUMENTS = ("channels", "depth", "head", "conditioner_channels", "blocks", "temperature")
    is_autoregressive = True
    paper = "Dahl, Norouzi, Shlens: Pixel Recursive Super Resolution (2017)"
    FIGURES = ("cross_entropy", "conditioner_cross_entropy")

    def __init__(self, scale=4, channels=64, depth=20, conditioner_channels=32, blocks=6, temperature=1.1, head=1024, **kwargs):
        super().__init__(scale, **kwargs)
        self.channels, self.depth, self.head, self.temperature = channels, depth, head, temperature
        self.conditioner_channels, self.blocks = conditioner_channels, blocks
        dtype, width = self.dtype_policy, conditioner_channels
        stack = [conv(width, 1, dtype=dtype)]
        for _ in range(doubling_count(scale)):
            stack += [ResidualBlock(width, dtype=dtype) for _ in range(blocks)]
            stack += [DeconvBlock(width, 2, 3, normalization=None, dtype=dtype)]
        stack += [*[ResidualBlock(width, dtype=dtype) for _ in range(blocks)], conv(3 * LEVELS, 1, dtype="float32")]
        self.conditioner = keras.Sequential(stack, name="conditioner")
        self.prior = PixelCNN(channels, depth, head, name="prior", dtype=dtype)
        self.__dict__["_compiled_draw"] = backend.compiled(self._draw)  # bypasses Keras, which would save it

    def build(self, input_shape=None):
        self.conditioner.build((None, None, None, 3))
        self.prior.build()

    def condition(self, lr, training=None):
        """A(x): logits (N, scale * H, scale * W, 3, 256) of each value, given the small images (N, H, W, 3) in [0, 1]."""
        logits = self.conditioner(ops.convert_to_tensor(lr) - 0.5, training=training)
        return ops.reshape(logits, (*ops.shape(logits)[:-1], 3, LEVELS))

    def call(self, lr, training=None):
        """The most probable answer, value by value: each is the likeliest, given the values before it."""
        return ops.cast(self._compiled_draw(ops.convert_to_tensor(lr)), "float32")

    def validation_answer(self, lr):
        """The mean of each value under the conditioner alone: one pass, while an answer takes one for each value."""
        shares = ops.softmax(self.condition(lr, training=False))
        return ops.sum(shares * (ops.arange(LEVELS, dtype=shares.dtype) / (LEVELS - 1)), axis=-1)

    def _encode(self, lr, training=None):
        """N(0, I) over (N, scale * H, scale * W, 3), whatever the input: the noise that each value is drawn with."""
        zeros = ops.zeros(self._latent_shape(lr))
        return DiagonalGaussian(zeros, zeros)

    def _latent_shape(self, lr):
        return self.compute_output_shape(ops.shape(lr))

    def _decode(self, lr, z, training=None):
        """The answer for noise ``z``, N(0, 1) for each value: the level at which the summed probabilities reach Phi(z)."""
        return self._compiled_draw(lr, z)

    def _decode_each(self, lr, latents):
        z = ops.stack([*latents])
        chances = ops.reshape(z, (-1, *ops.shape(z)[2:]))  # all draws in one batch
        return ops.reshape(self._decode(ops.tile(lr, (len(z), 1, 1, 1)), chances), ops.shape(z))

    def _draw(self, lr, z=None):
        """The answer for noise ``z``; without ``z`` always the likeliest value."""
        with backend.no_gradients():
            condition = self.condition(lr, training=False)
            share = None if z is None else normal_probability(z)

            def choose(logits, row, column, colour):
                logits = logits + condition[:, row, column, colour]
                if share is None:
                    level = ops.argmax(logits, axis=-1)
                else:
                    reached = ops.cumsum(ops.softmax(self.temperature * logits), axis=-1)[:, :-1]
                    level = ops.sum(ops.cast(reached < share[:, row, column, colour, None], "int32"), axis=-1)
                return ops.cast(level, self.compute_dtype) / (LEVELS - 1)

            return self.prior.draw(ops.shape(condition)[:3], choose)

    def objective(self, lr, hr):
        """Cross-entropy of the true values under A(x) + B(y), plus that under A(x) alone, so that the conditioner counts."""
        levels = ops.cast(ops.round(hr * (LEVELS - 1)), "int32")
        condition = self.condition(lr, training=True)
        logits = condition + self.prior(hr)
        both, alone = (ops.mean(ops.sparse_categorical_crossentropy(levels, x, from_logits=True)) for x in (logits, condition))
        return both + alone, both, alone
