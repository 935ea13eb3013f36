"""Methods side by side on the same faces: one sheet, and how near each answer is to the truth."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from keras_facesr.data.degrade import resize
from keras_facesr.data.images import read_picture
from keras_facesr.errors import CallError, check_whole_number
from keras_facesr.inference import sheet
from keras_facesr.inference.pictures import check_enlarges, enlarge_picture, sample_picture

LR, BICUBIC, TRUTH = "LR", "bicubic", "truth"


@dataclass(frozen=True, eq=False)
class Comparison:
    """The answers of several methods to the same faces.

    Attributes:
        pixels: the sheet, uint8 (H, W, 3): a row for each face, a labelled column for each of ``columns``.
        columns: "LR", "bicubic", each model with its samples after it, and "truth" if there is one.
        figures: for each face ``{"bicubic": {"psnr", "ssim"}, ...}``, of all columns between LR and truth, PSNR in dB; empty
            if there is no truth.
        enlarged: the number of faces whose truth is enlarged itself, since they are smaller than the protocol's ``hr_size``.
    """

    pixels: np.ndarray
    columns: list
    figures: list
    enlarged: int


def compare(faces, models, protocol=None, degradation=None, samples=0, seed=0, show=None):
    """Enlarge faces by bicubic interpolation and by several models, and show all answers on one labelled sheet.

    Args:
        faces: path, PIL image, uint8 array (H, W), (H, W, 3) or (H, W, 4), or ``Picture``; or a list of them. Small faces, or
            with a ``protocol`` true ones.
        models: dict of name -> network, as for ``upscale``, all of one scale.
        protocol: ``metrics.protocol.Protocol`` of the same scale, by which true faces become pairs; None: the faces are small
            and have no truth.
        degradation: as ``metrics.protocol.evaluate`` takes it; face k is degraded with ``seed + k``.
        samples: answers to draw from each stochastic model besides its most probable one; 0 for none.
        seed: seed of the samples, the same for each face.
        show: called with the number of faces done, after each.

    Returns:
        Comparison.

    Raises:
        ImageError: a face cannot be read, is too large to sample, or too small to be measured on.
        CallError: no face; no model, something that is none, or one called "LR", "bicubic" or "truth"; different scales;
            a ``degradation`` without a ``protocol``; ``samples`` or ``seed`` that is no number from 0 on; or too many or too
            large faces for a sheet.
    """
    faces = faces if isinstance(faces, (list, tuple)) else [faces]
    if not faces:
        raise CallError("no face to compare on")
    for name, number in {"samples": samples, "seed": seed}.items():
        check_whole_number(number, name, least=0)
    if degradation is not None and protocol is None:
        raise CallError("a degradation reduces true faces, and without a protocol faces are small ones: give a Protocol, too")
    scale = _common_scale(models, protocol)
    columns = [LR, BICUBIC]
    for name, model in models.items():
        columns += [name, *(f"{name} sample {k}" for k in range(1, _drawn(model, samples) + 1))]
    columns += [TRUTH] if protocol else []
    sheet.check(len(columns), len(faces))
    pairs = [_pair(face, protocol, degradation, seed + k) for k, face in enumerate(faces)]
    sheet.check(len(columns), len(faces), scale * max(max(lr.rgb.shape[:2]) for lr, *_ in pairs))
    rows, figures = [], []
    for done, (lr, hr, is_enlarged) in enumerate(pairs, 1):
        answers = dict(zip(columns[1:], _answers(models, lr, samples, seed)))
        figures.append(_closeness(answers, hr, protocol))
        rows.append(_row(lr.rgb, answers, hr, figures[-1], is_enlarged))
        if show:
            show(done)
    return Comparison(np.asarray(sheet.draw(columns, rows)), columns, figures, sum(is_enlarged for *_, is_enlarged in pairs))


def _common_scale(models, protocol):
    if not isinstance(models, Mapping):
        raise CallError(f"models must be a dict of name -> network, not a {type(models).__name__}")
    for model in models.values():
        check_enlarges(model)
    scales = {name: model.scale for name, model in models.items()} | ({"the protocol": protocol.scale} if protocol else {})
    if not models or {LR, BICUBIC, TRUTH} & models.keys():
        raise CallError(f"give one model or several, none called {LR}, {BICUBIC} or {TRUTH}: those columns a sheet has anyway")
    if len({*scales.values()}) > 1:
        raise CallError(f"a sheet has one scale: {', '.join(f'{name} x{scale}' for name, scale in scales.items())}")
    return next(iter(scales.values()))


def _pair(face, protocol, degradation, seed):
    """The small face, a ``Picture``; the true one, uint8 (H, W, 3), or None; and whether the truth is enlarged itself."""
    picture = read_picture(face)
    if protocol is None:
        return picture, None, False
    lr, hr = protocol.pair(picture.rgb)
    if degradation:
        (lr,) = degradation.reduce(hr[None], [seed])
    return replace(picture, rgb=lr, alpha=None, is_gray=False), hr, protocol.enlarges(picture.rgb)


def _answers(models, lr, samples, seed):
    """The answers to a ``Picture`` in the columns' order, uint8 (H, W, 3) each."""
    scale = next(iter(models.values())).scale
    yield resize(lr.rgb, *(side * scale for side in lr.rgb.shape[:2]))
    for model in models.values():
        drawn = sample_picture(model, lr, samples, seed) if _drawn(model, samples) else []
        for pixels in (enlarge_picture(model, lr), *drawn):
            yield read_picture(pixels).rgb


def _drawn(model, samples):
    """The number of answers that this model draws where so many are asked for."""
    return samples if getattr(model, "is_stochastic", False) else 0


def _closeness(answers, hr, protocol):
    if hr is None:
        return {}
    from keras_facesr.metrics.fidelity import closeness  # takes half a second, and faces without truth do not need it

    return {name: closeness(sr, hr, protocol.colour) for name, sr in answers.items()}


def _row(lr, answers, hr, figures, is_enlarged):
    """The captions and pictures of a face: sizes, and under the answers how near the truth they are."""
    size = "{1} x {0} pixels".format
    captions = {
        name: f"{row['psnr']:.2f} dB" + (f"   SSIM {row['ssim']:.3f}" if "ssim" in row else "") for name, row in figures.items()
    }
    captions = captions or {BICUBIC: size(*answers[BICUBIC].shape)}
    row = [(size(*lr.shape), lr), *((captions.get(name, ""), sr) for name, sr in answers.items())]
    if hr is None:
        return row
    return [*row, ("{1} x {0}, enlarged".format(*hr.shape) if is_enlarged else size(*hr.shape), hr)]
