"""Blind degradations: small images spoilt as cameras, programs and mail spoil them, each in a way of its own.

A ``Chain`` is a sequence of passes, and each pass blurs, resizes, adds noise and packs, or leaves some of it out, by chance:
the repeated degradation of BSRGAN and Real-ESRGAN (Zhang et al., 2021; Wang et al., 2021), written anew in NumPy and Pillow.
The true image stays as it is, and on the average so do brightness and colours. ``BLIND`` is for training, ``HELD_OUT`` for
measuring only: its kernels, filters, grain and coders are others, so that no network is measured on what it was taught.
docs/degradations.md has both in a table.

Keras' preprocessing layers blur by round Gaussians and add white noise. They have no other kernel, no choice of resampling and
no coder, and draw from the backend's generator, while a batch here is a function of seed and step on every backend.
"""

import functools
import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from keras_facesr.data.degrade import degrade, sampled
from keras_facesr.data.images import to_pixels

CONTEXT = 4  # LR pixels around a part of an image that are spoilt with it, where the image has them
REACH = 3.0  # a kernel is cut at so many standard deviations
GRID = 16  # pixels of a coder's block of colours; the image lies anywhere on this grid


@dataclass(frozen=True)
class Pass:
    """One time that an image is blurred, resized, made noisy and packed. Each pair is a range to draw from.

    Attributes:
        share: of the images, how many go through it.
        blurred: of these, how many are blurred.
        sigma: the kernel's standard deviation along its wider axis, in pixels of the final small image; uniform.
        size: the width it resizes to, in widths of the final small image; log-uniform.
        noisy: how many get noise.
        noise: its standard deviation in levels of 255, for ``sensor`` noise at middle gray; log-uniform.
        packed: how many are packed.
        quality: of the coder, in percent; uniform.
    """

    share: float = 1.0
    blurred: float = 0.0
    sigma: tuple[float, float] = (0.1, 1.0)
    size: tuple[float, float] = (1.0, 1.0)
    noisy: float = 0.0
    noise: tuple[float, float] = (1.0, 10.0)
    packed: float = 0.0
    quality: tuple[int, int] = (50, 95)


@dataclass(frozen=True)
class Chain:
    """Passes, and what each of their links chooses from: names of functions of this file, with their weights.

    Attributes:
        clean: share of the images that are reduced by bicubic interpolation and nothing else (``degrade``).
        learnt: of the others that are given with a learnt start, the share that take it instead of all passes but the last.
        passes: one after the other; the last one's size is 1.
        kernels: names in ``KERNELS``.
        filters: names in ``FILTERS``.
        noises: names in ``NOISES``.
        coders: names in ``CODERS``.
    """

    clean: float
    passes: tuple[Pass, ...]
    kernels: dict[str, float]
    filters: dict[str, float]
    noises: dict[str, float]
    coders: dict[str, float]
    learnt: float = 0.0


BLIND = Chain(
    clean=0.15,
    learnt=0.25,
    passes=(
        Pass(blurred=0.8, sigma=(0.05, 0.9), size=(0.7, 4.4), noisy=0.6, noise=(1, 14), packed=0.6, quality=(40, 95)),
        Pass(0.5, blurred=0.4, sigma=(0.1, 0.6), size=(0.7, 1.8), noisy=0.4, noise=(1, 8), packed=0.4, quality=(40, 95)),
        Pass(noisy=0.3, noise=(1, 5), packed=0.7, quality=(35, 95)),
    ),
    kernels={"isotropic": 0.45, "anisotropic": 0.25, "generalised": 0.12, "disc": 0.1, "motion": 0.08},
    filters={"bilinear": 0.25, "bicubic": 0.3, "box": 0.15, "lanczos": 0.15, "bilinear, aliased": 0.15},
    noises={"colour": 0.35, "gray": 0.25, "sensor": 0.4},
    coders={"jpeg 4:2:0": 0.75, "jpeg 4:4:4": 0.25},
)
HELD_OUT = Chain(
    clean=0.0,
    passes=(
        Pass(blurred=1.0, sigma=(0.15, 0.7), size=(0.9, 2.5), noisy=0.6, noise=(1, 8), packed=0.5, quality=(50, 90)),
        Pass(noisy=0.3, noise=(1, 4), packed=1.0, quality=(45, 90)),
    ),
    kernels={"sinc": 0.3, "plateau": 0.4, "anisotropic": 0.3},
    filters={"hamming": 0.5, "bicubic, aliased": 0.5},
    noises={"grain": 0.5, "sensor": 0.5},
    coders={"webp": 0.5, "jpeg, own tables": 0.5},
)
CHAINS = {"blind": BLIND, "blind_held_out": HELD_OUT}  # by the name of a degradation


def blind(hr, scale, chance, chain=BLIND, box=None, start=None):
    """Make the low-resolution counterpart of an image, or of a part of it, spoilt by chance.

    Args:
        hr: uint8 (H, W, 3); H and W are multiples of ``scale``.
        scale: integer factor, at least 1.
        chance: NumPy's random generator.
        chain: ``Chain`` to draw from.
        box: (top, left, height, width) of the part, in LR pixels; None: all. Pixels around it are seen by blur and filters.
        start: uint8 (H / scale, W / scale, 3), the image as a network spoils it that has learnt to (``with_light_of``); None:
            there is none.

    Returns:
        uint8 (H / scale, W / scale, 3), or (height, width, 3) of the part.

    Raises:
        FacesrError: ``hr`` is not uint8, has another shape, or is not divisible by ``scale``.
    """
    top, left, height, width = box or (0, 0, hr.shape[0] // scale, hr.shape[1] // scale)
    above, before = min(top, CONTEXT), min(left, CONTEXT)
    rows, columns = slice(top - above, top + height + CONTEXT), slice(left - before, left + width + CONTEXT)
    seen = hr[rows.start * scale : rows.stop * scale, columns.start * scale : columns.stop * scale]
    start = None if start is None else start[rows, columns]
    spoilt = _spoilt(np.ascontiguousarray(seen), scale, chance, chain, start)
    return spoilt[above : above + height, before : before + width]


class Blind:
    """A chain as the degradation of ``metrics.protocol.evaluate``: each image is spoilt by its own seed."""

    def __init__(self, name, scale):
        self.name, self.scale = name, scale

    def reduce(self, hr, seeds):
        """uint8 (N, H, W, 3) and a seed for each image -> uint8 (N, H / scale, W / scale, 3)."""
        chain = CHAINS[self.name]
        return np.stack([blind(image, self.scale, np.random.default_rng(seed), chain) for image, seed in zip(hr, seeds)])


def with_light_of(clean, spoilt):
    """A spoilt image, uint8 (H, W, 3), each colour's mean and contrast moved to those of the clean one by least squares."""
    light = clean.mean((0, 1))
    x, y = spoilt - spoilt.mean((0, 1)), clean - light
    contrast = (x * y).sum((0, 1)) / np.maximum((x * x).sum((0, 1)), 1e-6)
    return to_pixels(light + contrast * x)


def _spoilt(hr, scale, chance, chain, start):
    lr = degrade(hr, scale)
    if chance.random() < chain.clean:
        return lr
    height, width = lr.shape[:2]
    image, passes = hr, chain.passes
    if start is not None and chance.random() < chain.learnt:
        image, passes = start, passes[-1:]
    for each in passes:
        if chance.random() >= each.share:
            continue
        if chance.random() < each.blurred:
            sigma = chance.uniform(*each.sigma) * image.shape[1] / width
            image = blurred(image, KERNELS[_one_of(chain.kernels, chance)](sigma, chance))
        size = _log_uniform(each.size, chance)
        target = [max(1, round(size * side)) for side in (height, width)]
        if target != [*image.shape[:2]]:
            image = FILTERS[_one_of(chain.filters, chance)](image, *target)
        if chance.random() < each.noisy:
            level = _log_uniform(each.noise, chance)
            image = to_pixels(image + level * NOISES[_one_of(chain.noises, chance)](image, chance))
        if chance.random() < each.packed:
            quality = int(chance.integers(*each.quality, endpoint=True))
            image = packed(image, CODERS[_one_of(chain.coders, chance)](quality), chance)
    return image


def _one_of(weights, chance):
    return list(weights)[np.searchsorted(np.cumsum([*weights.values()]), chance.random() * sum(weights.values()), side="right")]


def _log_uniform(bounds, chance):
    return math.exp(chance.uniform(*map(math.log, bounds)))


# Blur. A kernel is float64 (2r + 1, 2r + 1) of sum 1, made from its standard deviation sigma in pixels.


def blurred(image, kernel):
    """uint8 (H, W, 3) convolved with a kernel, by the Fourier transform; beyond its border the image goes on mirrored."""
    from scipy import fft  # in float32 four times as fast as NumPy's; enlarging a face does not need it

    r = len(kernel) // 2
    padded = np.pad(image, ((r, r), (r, r), (0, 0)), "symmetric").astype(np.float32)
    shape = [fft.next_fast_len(side, real=True) for side in padded.shape[:2]]
    spectrum = fft.rfft2(padded, shape, axes=(0, 1)) * fft.rfft2(kernel.astype(np.float32), shape)[..., None]
    whole = fft.irfft2(spectrum, shape, axes=(0, 1))
    return to_pixels(whole[2 * r : 2 * r + image.shape[0], 2 * r : 2 * r + image.shape[1]])


def _axes(sigma, chance):
    """Coordinates (along, across) of a kernel's pixels, turned by a random angle."""
    r = max(1, round(REACH * sigma))
    y, x = np.mgrid[-r : r + 1, -r : r + 1]
    angle = chance.uniform(0, np.pi)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def gaussian(sigma, chance, ratio=(1.0, 1.0), power=(1.0, 1.0)):
    """exp(-q^power / 2), q = (along / sigma)^2 + (across / (ratio sigma))^2; ratio and power are drawn."""
    along, across = _axes(sigma, chance)
    q = (along / sigma) ** 2 + (across / (sigma * chance.uniform(*ratio))) ** 2
    return _normal(np.exp(-0.5 * q ** chance.uniform(*power)))


def disc(sigma, chance):
    """A lens out of focus: an even disc of radius 2 sigma, its edge one pixel wide."""
    return _normal(np.clip(2 * sigma + 0.5 - np.hypot(*_axes(sigma, chance)), 0, 1))


def motion(sigma, chance):
    """A hand that moves: a line of length sqrt(12) sigma, one pixel wide."""
    along, across = _axes(sigma, chance)
    return _normal(np.clip(np.sqrt(3) * sigma + 0.5 - np.abs(along), 0, 1) * np.clip(1 - np.abs(across), 0, 1))


def sinc(sigma, chance):
    """A low pass whose band ends where a Gaussian's response is exp(-1/2), with ringing; cut by a Hann window."""
    along, across = _axes(sigma, chance)
    reach = np.abs(along).max() + 1
    window = np.cos(0.5 * np.pi * np.clip(along / reach, -1, 1)) * np.cos(0.5 * np.pi * np.clip(across / reach, -1, 1))
    return _normal(np.sinc(along / (np.pi * sigma)) * np.sinc(across / (np.pi * sigma)) * window**2)


def _normal(kernel):
    return kernel / kernel.sum()


KERNELS = {
    "isotropic": gaussian,
    "anisotropic": functools.partial(gaussian, ratio=(0.2, 1.0)),
    "generalised": functools.partial(gaussian, ratio=(0.4, 1.0), power=(0.5, 2.0)),
    "plateau": functools.partial(gaussian, ratio=(0.6, 1.0), power=(2.0, 4.0)),
    "disc": disc,
    "motion": motion,
    "sinc": sinc,
}


# Resizing, uint8 (H, W, 3) to (height, width), by filters that are widened where they reduce, and by two that are not.


def _by(filter):
    return lambda image, height, width: np.asarray(Image.fromarray(image).resize((width, height), filter))


def _triangle(distance):
    return np.maximum(1 - np.abs(distance), 0)


FILTERS = {
    "bilinear": _by(Image.Resampling.BILINEAR),
    "bicubic": _by(Image.Resampling.BICUBIC),
    "box": _by(Image.Resampling.BOX),
    "lanczos": _by(Image.Resampling.LANCZOS),
    "hamming": _by(Image.Resampling.HAMMING),
    "bilinear, aliased": functools.partial(sampled, kernel=_triangle),
    "bicubic, aliased": sampled,
}


# Noise, float32 (H, W, 3) of mean 0 and standard deviation 1, for ``sensor`` at middle gray.


def _white(shape, chance):
    return chance.standard_normal(shape, dtype=np.float32)


def _gray(image, chance):
    return _white((*image.shape[:2], 1), chance)


def sensor(image, chance):
    """Photons and electronics behind a Bayer mosaic: more in the shadows after gamma, and in clumps of colour.

    In linear light the variance is light + dark, dark 0 to 0.05; to first order gamma makes of this ``_response``.
    """
    raw = _white((3, image.shape[0] + 2, image.shape[1] + 2), chance)
    rows, columns = np.indices(raw.shape[1:], sparse=True)
    red, blue = (rows % 2 == 0) & (columns % 2 == 0), (rows % 2 == 1) & (columns % 2 == 1)
    noise = np.empty(image.shape, np.float32)
    for channel, (seen, diagonal, deviation) in enumerate(((red, 0.25, 0.75), (~(red | blue), 0.0, 0.79), (blue, 0.25, 0.75))):
        sites = raw[channel] * seen
        between = sites[:, :-2] + sites[:, 2:]  # each pixel from its own site, or as the mean of the nearest ones
        cross = sites[:-2, 1:-1] + sites[2:, 1:-1] + between[1:-1]
        share = 0.5 if diagonal else 0.25
        corners = diagonal * (between[:-2] + between[2:]) if diagonal else 0.0
        noise[..., channel] = (sites[1:-1, 1:-1] + share * cross + corners) / deviation
    return noise * _response(chance.uniform(0, 0.05))[image]


def _response(dark):
    """Noise's standard deviation at each of 256 levels, 1 at middle gray, for ``dark`` variance beside the light's."""
    light = (np.arange(256) / 255) ** 2.2
    deviation = np.sqrt(light + dark) * np.maximum(light, 0.02) ** (1 / 2.2 - 1)
    return (deviation / deviation[128]).astype(np.float32)


def grain(image, chance):
    """Film: gray noise that neighbouring pixels share, by a binomial filter of 3x3."""
    noise = _white((image.shape[0] + 2, image.shape[1] + 2, 1), chance)
    for _ in range(2):
        noise = (noise[:-2] + 2 * noise[1:-1] + noise[2:]).swapaxes(0, 1)
    return noise / 6  # the root of the squares' sum, (1 + 4 + 1)^2


NOISES = {
    "colour": lambda image, chance: _white(image.shape, chance),
    "gray": _gray,
    "sensor": sensor,
    "grain": grain,
}


# Packing. A coder is the arguments of Pillow's ``save`` for a quality in percent.


def packed(image, how, chance):
    """uint8 (H, W, 3) as it comes out of a coder whose grid of blocks lies anywhere on it."""
    down, right = chance.integers(GRID, size=2)
    placed = np.pad(image, ((down, 0), (right, 0), (0, 0)), "edge")
    file = io.BytesIO()
    Image.fromarray(placed).save(file, **how)
    return np.asarray(Image.open(file).convert("RGB"))[down:, right:]


def _own_tables(quality):
    """Steps of one table for luma and colours that grow with the square of the frequency; JPEG's own steps colours more."""
    square = np.add.outer(np.arange(8) ** 2, np.arange(8) ** 2)
    steps = np.clip((1.0 - quality / 100) * (16 + 1.5 * square), 1, 255).astype(int).ravel().tolist()
    return {"format": "JPEG", "qtables": [steps, steps], "subsampling": "4:2:2"}


CODERS = {
    "jpeg 4:2:0": lambda quality: {"format": "JPEG", "quality": quality, "subsampling": "4:2:0"},
    "jpeg 4:4:4": lambda quality: {"format": "JPEG", "quality": quality, "subsampling": "4:4:4"},
    "jpeg, own tables": _own_tables,
    "webp": lambda quality: {"format": "WEBP", "quality": quality, "method": 4},
}
