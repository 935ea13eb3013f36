"""What every network with many answers offers, and the checks of its inputs."""

import contextlib
import reprlib

import keras
import numpy as np
from keras import ops

from keras_facesr import backend
from keras_facesr.errors import CallError, ImageError, check_whole_number
from keras_facesr.inference.sizes import fitting_size, warn_of_size

ROUNDING = 1e-3  # how far rounding may take a value outside [0, 1]


class Stochastic:
    """Sampling from a network with a Gaussian latent; a subclass lists it before its ``FaceSR`` base.

    A subclass defines ``_encode(lr, training)``, the latent's ``DiagonalGaussian``, ``_latent_shape(lr)``, the shape of its
    mean, and ``_decode(lr, z, training)``, the answer; all get tensors of a size that the network takes.

    Small images are float32 (N, H, W, 3) in [0, 1] of any size. If the network does not take that size, the lower and right
    edges are repeated, and the answer is cut to match. All methods raise ``ImageError`` for integers, for values outside
    [0, 1] and for another shape. In a graph, values are not known yet and are not checked, and an unknown size must be one
    that the network takes.
    """

    is_stochastic = True

    def encode(self, lr, training=None):
        """The latent's ``DiagonalGaussian`` for small images."""
        return self._encode(self._whole(unit_images(lr)), training)

    def decode(self, lr, z, training=None):
        """The answer for small images and latents ``z``, shaped as ``encode(lr).mean``: (N, scale * H, scale * W, 3) in [0, 1].

        ``CallError`` if the latents have another shape, or are no numbers.
        """
        lr = unit_images(lr)
        whole = self._whole(lr)
        return self._cut(self._decode(whole, latents(z, self._latent_shape(whole)), training), lr)

    def sample(self, lr, n, seed=None, independent=False):
        """``n`` plausible answers for each small image, (n, N, scale * H, scale * W, 3) in [0, 1].

        The same integer ``seed`` gives the same answers. With a sequence of integers, one for each image, an image gets the
        answers that it would get alone. The latents are spread evenly over their Gaussian (``DiagonalGaussian.spread``), or
        ``independent`` of each other, as the papers draw them.
        """
        lr = unit_images(lr)
        warn_of_size(self, *lr.shape[1:3])
        with backend.no_gradients():
            whole = self._whole(lr)
            return self._cut(self._decode_each(whole, self._encode(whole).sample(n, seed, independent)), lr)

    def pixel_deviation(self, lr, n=16, seed=None):
        """Where the answers differ: the standard deviation over ``n`` samples, mean over colours.

        (N, scale * H, scale * W, 1), in units of [0, 1].
        """
        return ops.mean(ops.std(self.sample(lr, n, seed), axis=0), axis=-1, keepdims=True)

    def traverse(self, lr, steps=8, seed=None):
        """The answers along z0 + alpha (z1 - z0), alpha from 0 to 1, between two draws (SAM's eq. 8).

        (steps, N, scale * H, scale * W, 3) in [0, 1]. The first and the last are the draws of ``sample(lr, 2, seed)``, which
        lie on opposite sides of the mean along each axis.
        """
        check_whole_number(steps, "steps")
        lr = unit_images(lr)
        warn_of_size(self, *lr.shape[1:3])
        with backend.no_gradients():
            whole = self._whole(lr)
            start, end = self._encode(whole).sample(2, seed)
            latents = [start + alpha / max(steps - 1, 1) * (end - start) for alpha in range(steps)]
            return self._cut(self._decode_each(whole, latents), lr)

    def _whole(self, lr):
        """Small images, a tensor, with their edges repeated up to a size that the network takes."""
        height, width = lr.shape[1:3]
        if height is None or width is None:
            return lr
        return with_edges_repeated(lr, *fitting_size(self, height, width))

    def _decode_each(self, lr, latents):
        """The answers for each of the latents: (len(latents), N, scale * H, scale * W, 3)."""
        return ops.stack([self._decode(lr, z) for z in latents])

    def _cut(self, answers, lr):
        """The part of the answers (..., H', W', 3) to ``_whole(lr)`` that belongs to ``lr``."""
        sizes = [(side and side * self.scale, whole) for side, whole in zip(lr.shape[1:3], answers.shape[-3:-1])]
        if all(side in (None, whole) for side, whole in sizes):
            return answers
        (height, _), (width, _) = sizes
        return answers[..., :height, :width, :]


def unit_images(images, name="lr"):
    """Images (N, H, W, 3) of values in [0, 1] as a float32 tensor; ``ImageError`` if they are not."""
    images = images if hasattr(images, "dtype") else np.asarray(images)
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[-1] != 3 or 0 in shape:
        raise ImageError(f"{name} has the shape {shape}: give images (N, H, W, 3)")
    dtype = keras.backend.standardize_dtype(images.dtype)
    if not dtype.startswith(("float", "bfloat")):
        raise ImageError(f"{name} is {dtype}: give float32 in [0, 1], levels of 8 bits divided by 255")
    images = ops.convert_to_tensor(images, dtype="float32")
    if not backend.is_symbolic(images):
        least, most = float(ops.min(images)), float(ops.max(images))
        if not -ROUNDING <= least <= most <= 1.0 + ROUNDING:  # False for nan, too
            raise ImageError(f"{name} has values from {least:.4g} to {most:.4g}: give float32 in [0, 1]")
    return images


def unit_pairs(model, lr, hr):
    """Small images of a size that the network takes, and its true outputs for them, as tensors; ``ImageError`` if not."""
    lr, hr = unit_images(lr), unit_images(hr, "hr")
    given, found = tuple(lr.shape), tuple(hr.shape)
    if None not in given and (found != model.target_shape(given) or fitting_size(model, *given[1:3]) != given[1:3]):
        sides = f", sides in multiples of {model.size_multiple}" if model.size_multiple > 1 else ""
        raise ImageError(f"hr has the shape {found} and lr {given}: give the outputs that belong to lr{sides}")
    return lr, hr


def latents(z, shape):
    """Latents as a tensor; ``CallError`` if they do not have that shape, as far as a graph knows it."""
    learnable = ops.is_tensor(z) or isinstance(z, keras.Variable)  # through NumPy they would lose their gradients
    z = ops.convert_to_tensor(z if learnable else finite_numbers(z, "z"))
    known = [(given, side) for given, side in zip(z.shape, shape) if isinstance(given, int) and isinstance(side, int)]
    if len(z.shape) != len(shape) or any(given != side for given, side in known):
        raise CallError(f"z has the shape {tuple(z.shape)}: give latents shaped as encode(lr).mean, {tuple(shape)}")
    return z


def finite_numbers(values, name):
    """An argument of that name as finite numbers, float32, one at least; ``CallError`` if it is something else."""
    with contextlib.suppress(TypeError, ValueError):
        numbers = np.asarray(values if hasattr(values, "__array__") else [*values], "float32")
        if numbers.size and np.isfinite(numbers).all():
            return numbers
    raise CallError(f"{name} must be finite numbers, not {reprlib.repr(values)}")


def with_edges_repeated(images, rows, columns):
    """A tensor of images (N, H, W, C), H and W known, whose lower and right edges are repeated: (N, rows, columns, C)."""
    for axis, size in ((1, rows), (2, columns)):
        if images.shape[axis] < size:
            images = ops.take(images, np.minimum(np.arange(size), images.shape[axis] - 1), axis=axis)
    return images
