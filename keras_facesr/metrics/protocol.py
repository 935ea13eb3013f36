"""One protocol for every figure: how a pair is made, what is compared, and a report that states both."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from statistics import fmean

import numpy as np

from keras_facesr.data.degrade import centre_square, degrade, resize
from keras_facesr.data.framing import cut, face_region
from keras_facesr.errors import FacesrError, ImageError, check_whole_number
from keras_facesr.metrics.fidelity import COLOURS, MS_SSIM_LEAST, PSNR_CAP, SSIM_WINDOW, closeness, light_kept, ms_ssim
from keras_facesr.metrics.identity import recognised
from keras_facesr.metrics.perceptual import SeenSet, impressions, likeness, likeness_of_samples, look_at
from keras_facesr.metrics.sharpness import detail_energy, octaves_in_words, sharpness
from keras_facesr.metrics.stochastic import best_of, consistency, deviation, digits_read, diversity

REFERENCE = "bicubic"
SAMPLE = "sample"
TRUTH = object()  # stands for the true pictures beside the methods' names
BATCH = 16  # pictures of one size in a batch

_MS_SSIM = "5 scales by 2x2 means, weights 0.0448 0.2856 0.3001 0.2363 0.1333, window and channels as for SSIM"
_NO_MS_SSIM = f"not measured, a true picture is under {MS_SSIM_LEAST} pixels a side"
_SSIM = "11x11 Gaussian window, sigma 1.5, population covariance, mean over channels"
_NO_SSIM = f"not measured, a true picture is under {SSIM_WINDOW} pixels a side"


@dataclass(frozen=True)
class Protocol:
    """How pictures become pairs and how answers are compared.

    Args:
        scale: the enlargement factor, at least 2.
        hr_size: side in pixels of the true picture, or its (height, width), multiples of ``scale``; None keeps each
            picture's own size, cut about its centre to a multiple of ``scale``.
        colour: "rgb", or "luma" for the BT.601 luma alone.
        antialias: False reduces without antialiasing (``data.degrade.degrade``), which is another task.
        square: (left, top, side), shares of the side of a picture's centre square: measure on this part of it only, such as
            ``framing.square("utkface", within="celeba")``. It needs one ``hr_size``.

    Raises:
        FacesrError: values that cannot be combined.
    """

    scale: int
    hr_size: int | tuple[int, int] | None = None
    colour: str = "rgb"
    antialias: bool = True
    square: tuple[float, float, float] | None = None

    def __post_init__(self):
        check_whole_number(self.scale, "the scale", least=2)
        if self.colour not in COLOURS:
            raise FacesrError(f"unknown colour {self.colour!r}: figures are in {' or '.join(COLOURS)}")
        if isinstance(self.hr_size, Integral):
            object.__setattr__(self, "hr_size", int(self.hr_size))  # NumPy's, too
        elif self.hr_size is not None and [isinstance(side, Integral) for side in np.atleast_1d(self.hr_size)] != [True, True]:
            raise FacesrError(f"the HR size must be a whole number, or (height, width) in whole numbers, not {self.hr_size!r}")
        if self.hr_size is not None and any(side < self.scale or side % self.scale for side in self.hr_shape):
            raise FacesrError(f"the HR size must be a multiple of the scale {self.scale}, got {self.hr_size}")
        if self.square is not None and not isinstance(self.hr_size, int):
            raise FacesrError("faces that are cut to a set's framing need one HR size: give it")

    @property
    def hr_shape(self):
        """(height, width) of the true pictures, if ``hr_size`` is given."""
        return (self.hr_size, self.hr_size) if isinstance(self.hr_size, int) else tuple(self.hr_size)

    def pair(self, rgb):
        """Make (lr, hr), uint8 (h / scale, w / scale, 3) and (h, w, 3), from a uint8 (H, W, 3) picture.

        Raises:
            ImageError: it is no such picture; or ``hr_size`` is None and it is smaller than the SSIM window.
        """
        if getattr(rgb, "dtype", None) != np.uint8 or np.ndim(rgb) != 3 or np.shape(rgb)[-1] != 3:
            given = f"{rgb.dtype} {rgb.shape}" if isinstance(rgb, np.ndarray) else f"a {type(rgb).__name__}"
            raise ImageError(f"pictures to measure on are uint8 (H, W, 3), such as read_picture(file).rgb, not {given}")
        square = centre_square(rgb)
        if self.square is not None:
            hr = cut(square, self.square, self.hr_size)
        elif self.hr_size is not None:
            hr = resize(square, *self.hr_shape)
        else:
            side = len(square) // self.scale * self.scale
            if side < SSIM_WINDOW:
                height, width = rgb.shape[:2]
                raise ImageError(f"{width}x{height} pixels are too few to measure on: leave the picture out")
            margin = (len(square) - side) // 2
            hr = square[margin : margin + side, margin : margin + side]
        return degrade(hr, self.scale, self.antialias), hr

    def enlarges(self, rgb):
        """Whether a picture's truth is enlarged itself: ``pair`` cuts less than ``hr_size`` pixels a side out of it."""
        share = 1.0 if self.square is None else self.square[2]
        return self.hr_size is not None and round(share * min(rgb.shape[:2])) < max(self.hr_shape)

    def _crop(self):
        if self.square is None:
            return "centre square"
        left, top, side = self.square
        return f"of the centre square {side:.3f} of its side, from {left:.3f} of it on the left and {top:.3f} at the top"

    def describe(self):
        """The protocol in words and numbers, as every report has it."""
        if self.hr_size is None:
            ms_ssim_of = f"{_MS_SSIM}, if all true pictures have {MS_SSIM_LEAST} pixels a side"
        else:
            ms_ssim_of = _MS_SSIM if min(self.hr_shape) >= MS_SSIM_LEAST else _NO_MS_SSIM
        return {
            "scale": self.scale,
            "hr_size": self.hr_size or "native",
            "colour": "RGB" if self.colour == "rgb" else "BT.601 luma",
            "crop": f"{self._crop()}; no border cut from the comparison",
            "degradation": f"{'antialiased bicubic' if self.antialias else 'bicubic without antialiasing'} (a = -0.5)",
            "rounding": "8 bits: HR, LR and answers",
            "psnr": f"dB, peak 255, at most {PSNR_CAP:g} a picture",
            "ssim": _SSIM if self.hr_size is None or min(self.hr_shape) >= SSIM_WINDOW else _NO_SSIM,
            "ms_ssim": ms_ssim_of,
            "sharpness": f"energy of the luma's detail in octaves of {octaves_in_words(self.scale)}, of all pictures together",
            "average": "mean over images",
        }


def evaluate(
    methods,
    pictures,
    protocol,
    samples=0,
    seed=0,
    judge=None,
    reader=None,
    labels=(),
    lpips=None,
    inception=None,
    identity=None,
    degradation=None,
    face=None,
    on_image=None,
):
    """Measure methods on the same pairs, together with Pillow's bicubic.

    Args:
        methods: dict of name -> object with ``upscale_batch(lr)``, uint8 (N, h, w, 3) -> uint8 (N, H, W, 3),
            and, if its ``is_stochastic`` is true, ``sample_batch(lr, n, seeds)`` with a seed for each picture
            -> uint8 (n, N, H, W, 3).
        pictures: iterable of uint8 (H, W, 3), read one batch at a time.
        protocol: ``Protocol``.
        samples: answers to draw from each stochastic method for each picture; 0 for none.
        seed: picture i is sampled, and degraded by a ``degradation``, with ``seed + i``, whatever batch it is in.
        judge: object with ``name`` and ``see(images)``, uint8 (N, H, W, 3) -> (list of feature maps (N, h, w, C),
            embeddings (N, D)), or None.
        reader: for pictures of digits, object with ``name`` and ``read(images)``, uint8 (N, H, W, 3) -> probabilities
            (N, 10), or None.
        labels: the digit in each picture, for the ``reader``.
        lpips: object with ``about`` and ``distance(images_a, images_b)``, uint8 (N, H, W, 3) each -> (N,), such as
            ``published.LPIPS()``, or None.
        inception: object with ``embed(images)``, uint8 (N, H, W, 3) -> (N, D), such as ``published.Inception()``, or None.
        identity: object with ``about`` and ``embed(images)``, uint8 (N, H, W, 3) -> (N, D), such as ``identity.Embedding``,
            or None.
        degradation: instead of bicubic reduction, object with ``name`` and ``reduce(hr, seeds)``, uint8 (N, H, W, 3) and a
            seed for each -> uint8 (N, H / scale, W / scale, 3), or None.
        face: where eyes, nose and mouth are in all pictures, (5, 2) as of ``data.framing.points_in``, or None if not known.
        on_image: called after each picture, with the number done.

    Returns:
        ``{"protocol": {...}, "images": N, "enlarged": M, "models": {"bicubic": {"psnr", "ssim"}, ...}}``. Figures are means
        over the images. Of M pictures less than ``hr_size`` pixels a side were cut, so their truth is enlarged itself. Further
        figures are:

        - ``ms_ssim`` if every truth has at least 176 pixels a side; ``ssim`` is missing if one has less than 11
        - those of ``sharpness``, unless the truths have no detail in some octave
        - with a ``degradation``, those of ``light_kept``
        - with ``samples``, ``consistency``; for stochastic methods also those of ``best_of``, ``diversity`` and, with a
          ``face``, ``diversity_face``: the ``deviation`` within its ``face_region``
        - with a ``judge``, ``features``, ``identity`` and, for two images or more, ``textures`` and ``frechet``
          (``metrics.perceptual``); with ``samples`` too, for stochastic methods ``features_best``, ``identity_best`` and
          ``features_diversity``
        - with ``lpips``, ``lpips``; for stochastic methods also ``lpips_best`` and ``lpips_diversity``
        - with ``inception``, for two images or more, ``fid``
        - with ``identity``, those of ``identity.recognised``
        - with ``samples``, for stochastic methods, ``sharpness_sample``, ``detail_sample``, ``textures_sample``,
          ``frechet_sample`` and ``fid_sample``: the same of the first sample of each picture instead of the one answer
        - with a ``reader``, those of ``digits_read``, for a method's samples or its one answer; the protocol's "truth_read"
          is the share of true digits that the reader reads correctly

    Raises:
        FacesrError: there is no picture, or one is none or too small; a method is none or called "bicubic"; ``samples`` or
            ``seed`` is no number from 0 on; answers differ from HR in shape.
    """
    for name, number in {"samples": samples, "seed": seed}.items():
        check_whole_number(number, name, least=0)
    methods = with_bicubic(methods, protocol.scale)
    rows = {name: [] for name in methods}
    persons = {name: [] for name in (TRUTH, *methods)}  # embeddings (N, D) of each batch
    readings = {name: [] for name in (TRUTH, *methods)}  # probabilities (n, N, 10) of each batch's answers
    stochastic = [name for name, method in methods.items() if samples and getattr(method, "is_stochastic", False)]
    energies, seen_sets = defaultdict(float), defaultdict(SeenSet)  # by name, and by (name, SAMPLE) of first samples
    done = enlarged = 0
    for lr, hr, enlarges in _batches(pictures, protocol):
        seeds = range(seed + done, seed + done + len(hr))
        if degradation:
            lr = degradation.reduce(hr, seeds)
        answers = {name: _answers(name, method, lr, hr) for name, method in methods.items()}
        drawn = {name: methods[name].sample_batch(lr, samples, seeds) for name in stochastic}
        enlarged += sum(enlarges)
        seen = {name: judge.see(images) for name, images in {TRUTH: hr, **answers}.items()} if judge else {}
        firsts = {(name, SAMPLE): samples_of[0] for name, samples_of in drawn.items()}
        for key, images in {TRUTH: hr, **answers, **firsts}.items():
            energies[key] += sum(detail_energy(image, protocol.scale) for image in images)
            looks = impressions(seen[key] if key in seen else judge.see(images)) if judge else {}
            seen_sets[key].add(looks | ({"fid": inception.embed(images)} if inception else {}))
        apart = {name: lpips.distance(images, hr) for name, images in answers.items()} if lpips else {}
        for name, images in {TRUTH: hr, **answers}.items() if identity else ():
            persons[name].append(identity.embed(images))
        if reader:
            shown = {TRUTH: hr[None], **{name: images[None] for name, images in answers.items()}, **drawn}
            for name, images in shown.items():
                readings[name].append(reader.read(np.concatenate(images)).reshape(*images.shape[:2], -1))
        for i, truth in enumerate(hr):
            true_look = look_at(seen[TRUTH], i) if judge else None
            for name in methods:
                row = _fidelity(answers[name][i], truth, protocol)
                if degradation:
                    row |= light_kept(answers[name][i], lr[i])
                if judge:
                    row |= likeness(look_at(seen[name], i), true_look)
                if lpips:
                    row["lpips"] = float(apart[name][i])
                if name in drawn:
                    row |= _of_samples(drawn[name][:, i], lr[i], truth, protocol, face)
                    row |= likeness_of_samples(judge.see(drawn[name][:, i]), true_look) if judge else {}
                    row |= _lpips_of_samples(lpips, drawn[name][:, i], truth) if lpips else {}
                elif samples:
                    row["consistency"] = consistency(answers[name][i], lr[i], protocol.scale, protocol.antialias)
                rows[name].append(row)
            done += 1
            if on_image:
                on_image(done)
    if not done:
        raise FacesrError("no picture to measure on")
    models = {name: _means(table) for name, table in rows.items()}
    true_energy, true_set = energies.pop(TRUTH), seen_sets[TRUTH]
    of_sets = {key: sharpness(energy, true_energy) | seen_sets[key].distances(true_set) for key, energy in energies.items()}
    for name, row in models.items():
        row |= of_sets[name] | {f"{figure}_sample": value for figure, value in of_sets.get((name, SAMPLE), {}).items()}
    for name, row in models.items() if identity else ():
        row |= recognised(np.concatenate(persons[name]), np.concatenate(persons[TRUTH]))
    for name, row in models.items() if reader else ():
        row |= digits_read(np.concatenate(readings[name], axis=1), np.asarray(labels)[:done])
    about = protocol.describe()
    if stochastic and face is not None:
        about |= {"face": "an ellipse about the eyes and the mouth of the set's mean face"}
    if degradation:
        about |= {"degradation": f"{degradation.name}, seed {seed}"}
    if lpips:
        about |= {"lpips": lpips.about}
    if identity:
        about |= {"identity": identity.about}
    if reader:
        truth = digits_read(np.concatenate(readings[TRUTH], axis=1), np.asarray(labels)[:done])
        about |= {"reader": reader.name, "truth_read": truth["digits_mean"]}
    if "ms_ssim" not in models[REFERENCE]:
        about["ms_ssim"] = _NO_MS_SSIM
    return {
        "protocol": about | ({"samples": samples, "seed": seed} if samples else {}) | ({"judge": judge.name} if judge else {}),
        "images": done,
        "enlarged": enlarged,
        "models": models,
    }


def with_bicubic(methods, scale):
    """The methods, after the bicubic row that every report begins with; no method may have its name."""
    if not isinstance(methods, Mapping) or not all(hasattr(method, "upscale_batch") for method in methods.values()):
        raise FacesrError("methods must be a dict of name -> object with upscale_batch: KerasMethod makes one of a network")
    if REFERENCE in methods:
        raise FacesrError(f"{REFERENCE!r} is the row that every report has: give your method another name")
    return {REFERENCE: _Bicubic(scale), **methods}


class _Bicubic:
    """Pillow's bicubic enlargement, with which every report compares."""

    def __init__(self, scale):
        self.scale = scale

    def upscale_batch(self, lr):
        height, width = lr.shape[1] * self.scale, lr.shape[2] * self.scale
        return np.stack([resize(image, height, width) for image in lr])


def _batches(pictures, protocol):
    """(lr, hr, whether each truth is enlarged) of up to ``BATCH`` consecutive pictures whose pairs have one size."""
    batch = []
    for rgb in pictures:
        pair = (*protocol.pair(rgb), protocol.enlarges(rgb))
        if batch and (len(batch) == BATCH or pair[1].shape != batch[0][1].shape):
            yield _stacked(batch)
            batch = []
        batch.append(pair)
    if batch:
        yield _stacked(batch)


def _stacked(batch):
    lr, hr, enlarges = zip(*batch)
    return np.stack(lr), np.stack(hr), enlarges


def _answers(name, method, lr, hr):
    sr = method.upscale_batch(lr)
    if sr.shape != hr.shape:
        raise FacesrError(f"{name} makes {sr.shape} of {lr.shape}, not {hr.shape}: is it of another scale?")
    return sr


def _means(table):
    """Means of the figures that all pictures have; no figure is averaged over only some pictures."""
    figures = [figure for figure in table[0] if all(figure in row for row in table)]
    return {figure: fmean(row[figure] for row in table) for figure in figures}


def _fidelity(sr, hr, protocol):
    row = closeness(sr, hr, protocol.colour)
    return row | {"ms_ssim": ms_ssim(sr, hr, protocol.colour)} if min(hr.shape[:2]) >= MS_SSIM_LEAST else row


def _of_samples(samples, lr, hr, protocol, face):
    in_face = {} if face is None else {"diversity_face": deviation(samples, face_region(face, *hr.shape[:2]))}
    return {
        **best_of(samples, hr, protocol.colour),
        "diversity": diversity(samples),
        **in_face,
        "consistency": consistency(samples, lr, protocol.scale, protocol.antialias),
    }


def _lpips_of_samples(lpips, samples, truth):
    """The smallest distance of the samples from the truth, and the mean distance between samples."""
    apart = [lpips.distance(np.broadcast_to(sample, samples[:k].shape), samples[:k]) for k, sample in enumerate(samples) if k]
    return {
        "lpips_best": float(lpips.distance(samples, np.broadcast_to(truth, samples.shape)).min()),
        "lpips_diversity": float(np.concatenate(apart).mean()) if apart else 0.0,
    }
