"""PRSR: one value after the other, red, green, blue, each drawn by what the small image and all values before it say.

A conditioner sees the small image alone, a prior (a gated PixelCNN) the large one as far as it is known. The sum of
their logits is the distribution of the next value among 256 levels.
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
REACH, NEAR = 3, 2  # pixels that the prior's first convolution (7x7) and its gated ones (5x5) see to each side


def colours(channels, each=1):
    """The colour that each feature channel may speak for: 0, 1, 2 by turns, ``each`` channels a turn."""
    return np.arange(channels) // each % 3


@keras.saving.register_keras_serializable("keras_facesr")
class CausalConv(layers.Layer):
    """A convolution without padding whose kernel's last row is the pixel's own, the pixel ``reach`` places from its left.

    Of that row it sees what is left of the pixel, and of the pixel itself the colours before the one spoken for, or with
    ``itself`` that one too. Rows above are seen whole.

    Args:
        colours_in, colours_out: of each channel, lists of 0, 1, 2.
        rows: of the kernel; it is 2 * reach + 1 wide, or reach + 1 where it has no other row than its own.
    """

    def __init__(self, colours_in, colours_out, reach, rows, itself, **kwargs):
        super().__init__(**kwargs)
        width = 2 * reach + 1 if rows > 1 else reach + 1
        seen = np.ones((rows, width, len(colours_in), len(colours_out)), "float32")
        seen[-1, reach + 1 :] = 0
        before = np.less_equal if itself else np.less
        seen[-1, reach] = before(np.asarray(colours_in)[:, None], np.asarray(colours_out)[None])
        self.seen = seen
        self.held = None  # the masked kernel, while many small calls share it

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=self.seen.shape, initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=self.seen.shape[-1:], initializer="zeros", name="bias")

    def masked(self):
        """The kernel without what may not be seen."""
        return ops.cast(self.kernel * self.seen, self.compute_dtype)

    def call(self, x):
        return ops.conv(x, self.masked() if self.held is None else self.held, padding="valid") + self.bias


@keras.saving.register_keras_serializable("keras_facesr")
class GatedLayer(layers.Layer):
    """One layer of a gated PixelCNN: what the rows above say, and what the row so far says, meet in a gate.

    Both stacks' methods work on whole images with padding about them, and as well on the few rows or pixels that a new one
    depends on.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        dtype = self.dtype_policy
        own, gates = colours(channels), colours(2 * channels, each=2)  # tanh and sigmoid of a channel stand side by side
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
        """What the two rows above each say: (N, R + 1, W, C) -> before the gate (N, R, W, 2 C)."""
        return self.vertical(ops.pad(rows, ((0, 0), (0, 0), (NEAR, NEAR), (0, 0))))

    def along(self, pixels, above):
        """The next layer's features: (N, R, W + 2, C), two pixels more on the left, and ``above`` -> (N, R, W, C)."""
        gated = gate(self.horizontal(pixels) + self.across(above))
        return pixels[:, :, NEAR:] + self.last(gated)


def gate(x):
    """tanh of every second channel times sigmoid of its neighbour: half the channels."""
    return ops.tanh(x[..., 0::2]) * ops.sigmoid(x[..., 1::2])


@keras.saving.register_keras_serializable("keras_facesr")
class PixelCNN(layers.Layer):
    """Images (N, H, W, 3) in [0, 1] -> logits (N, H, W, 3, 256) of each value by those before it: the prior."""

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
        """The head, which looks at single pixels: (N, R, W, C) -> (N, R, W, 3, 256)."""
        logits = self.last(ops.relu(self.hidden(features)))
        return ops.reshape(logits, (*ops.shape(logits)[:-1], 3, LEVELS))

    def draw(self, shape, choose):
        """An image, value by value: ``choose(logits, row, column, colour)`` -> (N,) values in [0, 1], of logits (N, 256).

        What later values need of a layer is kept: of the rows above the last two, of the row so far the last two pixels.
        So a value costs one pixel's features in each layer, and the rows above cost one row for each row.
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
    """Pixel recursive super-resolution: a conditioner A(x) and a prior B(y), by cross-entropy; it compiles without a loss.

    Drawing takes one pass through the prior for each value of the answer, so it is a method for small faces and digits. Of
    the export formats SavedModel alone has its loop.

    Args:
        scale: enlargement, a power of two.
        channels, depth, head: of the prior, its gated layers, and its channels before the logits.
        conditioner_channels: width of the conditioner.
        blocks: its residual blocks before each doubling and after the last.
        temperature: factor on the logits that samples are drawn by; above 1 they keep to what is probable.

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
        self.__dict__["_compiled_draw"] = backend.compiled(self._draw)  # past Keras, which would save it

    def build(self, input_shape=None):
        self.conditioner.build((None, None, None, 3))
        self.prior.build()

    def condition(self, lr, training=None):
        """A(x): logits (N, scale * H, scale * W, 3, 256) of each value by the small images (N, H, W, 3) in [0, 1]."""
        logits = self.conditioner(ops.convert_to_tensor(lr) - 0.5, training=training)
        return ops.reshape(logits, (*ops.shape(logits)[:-1], 3, LEVELS))

    def call(self, lr, training=None):
        """The most probable answer, one value after the other: each the likeliest by those before it."""
        return ops.cast(self._compiled_draw(ops.convert_to_tensor(lr)), "float32")

    def validation_answer(self, lr):
        """The mean of what the conditioner alone gives each value: one pass, where an answer takes one for each value."""
        shares = ops.softmax(self.condition(lr, training=False))
        return ops.sum(shares * (ops.arange(LEVELS, dtype=shares.dtype) / (LEVELS - 1)), axis=-1)

    def _encode(self, lr, training=None):
        """N(0, I) over (N, scale * H, scale * W, 3), whatever the input: the chance that each value is drawn by."""
        zeros = ops.zeros(self.compute_output_shape(ops.shape(lr)))
        return DiagonalGaussian(zeros, zeros)

    def _decode(self, lr, z, training=None):
        """The answer that chance ``z`` leads to, N(0, 1) for each value: the level where the probabilities add up to Phi(z)."""
        return self._compiled_draw(lr, z)

    def _decode_each(self, lr, latents):
        z = ops.stack([*latents])
        chances = ops.reshape(z, (-1, *ops.shape(z)[2:]))  # a value's draws are made all at once
        return ops.reshape(self._decode(ops.tile(lr, (len(z), 1, 1, 1)), chances), ops.shape(z))

    def _draw(self, lr, z=None):
        """By chance ``z``, or without it always the likeliest value."""
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
        """Cross-entropy of the true values by A(x) + B(y), and by A(x) alone, lest the prior make the small image idle."""
        levels = ops.cast(ops.round(hr * (LEVELS - 1)), "int32")
        condition = self.condition(lr, training=True)
        logits = condition + self.prior(hr)
        both, alone = (ops.mean(ops.sparse_categorical_crossentropy(levels, x, from_logits=True)) for x in (logits, condition))
        return both + alone, both, alone
