"""Many pictures, each told of in its turn: threads decode the next batch and encode the last one while the network works.

A batch is of consecutive pictures whose answers fill one pass through the network; those of equal size go through it together.
Three batches are in memory at most, whatever there is to do. A picture that is more than a pass has the memory for itself.
"""

from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

import numpy as np

from keras_facesr.data.files import check_new, is_there, make_folder_of
from keras_facesr.data.images import Picture, read_picture, write_png
from keras_facesr.inference.ensemble import FlipEnsemble
from keras_facesr.inference.pictures import enlarge_rgb, finished, sample_picture
from keras_facesr.inference.tiles import PASS_PIXELS, enlarge_in_passes, tile_side

MOST = 256  # pictures of a batch, however small they are


@dataclass(frozen=True)
class Wanted:
    """What is wanted of every picture: ``facesr upscale``'s options, as ``enlarge_picture`` and ``write_png`` take them."""

    samples: int | None = None
    seed: int = 0
    tile: int | None = None
    ensemble: bool = False
    consistently: bool = False
    overwrite: bool = False
    skip_existing: bool = False


@dataclass(eq=False)
class Answer:
    """What became of one picture.

    Attributes:
        file: the picture's path.
        targets: paths of its answers.
        written: those of them that were written.
        size: (height, width) of the picture; None if it was not read.
        skipped: whether all its answers were there already.
        error: why they are not all written; None if all went well.
    """

    file: Path
    targets: list
    written: list = field(default_factory=list)
    size: tuple | None = None
    skipped: bool = False
    error: Exception | None = None


@dataclass(eq=False)
class _Job:
    """A picture in hand.

    Attributes:
        picture: None if there is nothing to do, or no more.
        missing: which of its answers are, a truth value for each target.
        is_large: whether it is enlarged in tiles, or its answer is more than one pass.
        enlarged: RGB pixels of its answers.
    """

    answer: Answer
    picture: Picture | None = None
    missing: list = field(default_factory=list)
    is_large: bool = False
    enlarged: list = field(default_factory=list)


def answer_files(model, plan, wanted, on_part=None):
    """Enlarge pictures, each to its files.

    Args:
        model: as ``upscale`` takes it; for samples a stochastic one.
        plan: dict of path -> list of paths of its answers, as ``answers.plan`` gives it.
        wanted: ``Wanted``.
        on_part: called with the part done, 0 to 1, of a picture that is enlarged in tiles.

    Yields:
        Answer, in the plan's order, once it is written. On KeyboardInterrupt those that are being written come first.
    """
    batches, behind = _batches(model, plan, wanted), deque()
    with ThreadPoolExecutor(2) as threads:  # one reads, one writes
        ahead = threads.submit(next, batches, None)
        try:
            while batch := ahead.result():
                if batch[0].is_large:
                    yield from _told(behind)
                    _enlarge(model, batch, wanted, on_part)
                    yield _write(model, batch[0], wanted)
                    ahead = threads.submit(next, batches, None)
                else:
                    ahead = threads.submit(next, batches, None)
                    _enlarge(model, batch, wanted, on_part)
                    yield from _told(behind)
                    behind.extend(threads.submit(_write, model, job, wanted) for job in batch)
        except KeyboardInterrupt:
            yield from _told(behind)
            raise
        yield from _told(behind)


def _told(behind):
    """The answers of jobs that are being written, each once."""
    while behind:
        answer = behind[0].result()
        behind.popleft()
        yield answer


def _batches(model, plan, wanted):
    """Yield the jobs in batches: ``MOST`` at most, whose answers are one pass through the network, or a single large one."""
    batch, filled = [], 0
    for file, targets in plan.items():
        job = _read(model, file, targets, wanted)
        pixels = job.picture.rgb[..., 0].size * model.scale**2 if job.picture else 0
        if batch and (job.is_large or batch[0].is_large or filled + pixels > PASS_PIXELS or len(batch) == MOST):
            yield batch
            batch, filled = [], 0
        batch.append(job)
        filled += pixels
    if batch:
        yield batch


def _read(model, file, targets, wanted):
    """The job of one picture, decoded if there is something to do."""
    job = _Job(Answer(file, targets))
    try:
        job.missing = [not (wanted.skip_existing and is_there(target)) for target in targets]
        if not any(job.missing):
            job.answer.skipped = True
            return job
        picture = read_picture(file)
        height, width = job.answer.size = picture.rgb.shape[:2]
        make_folder_of(targets[0])
        for target in () if wanted.skip_existing else targets:
            check_new(target, wanted.overwrite)  # before the work; write_png checks again
        job.is_large = max(height, width) > tile_side(model, wanted.tile) or height * width * model.scale**2 > PASS_PIXELS
        job.picture = picture
    except Exception as error:  # whatever is wrong with one picture, the others are done
        job.answer.error = error
    return job


def _enlarge(model, batch, wanted, on_part):
    """Enlarge a batch, pictures of equal size together."""
    of_size = defaultdict(list)
    for job in batch:
        if job.picture:
            of_size[job.answer.size].append(job)
    for jobs in of_size.values():
        _enlarge_equal(model, jobs, wanted, on_part)


def _enlarge_equal(model, jobs, wanted, on_part):
    """Enlarge jobs of one size at once. If that fails, one after the other, so that it is the fault of one alone."""
    try:
        for job, pixels in zip(jobs, _enlarged(model, jobs, wanted, on_part)):
            job.enlarged = pixels
    except Exception as error:
        if len(jobs) == 1:
            jobs[0].answer.error, jobs[0].picture = error, None
        else:
            for job in jobs:
                _enlarge_equal(model, [job], wanted, on_part)


def _enlarged(model, jobs, wanted, on_part):
    """For each of the jobs, whose pictures have one size, the pixels of its answers."""
    if wanted.samples:
        return [sample_picture(model, job.picture, wanted.samples, wanted.seed) for job in jobs]
    asked = FlipEnsemble(model) if wanted.ensemble else model
    if jobs[0].is_large:
        on_tile = on_part and (lambda done, total: on_part(done / total))
        return [[enlarge_rgb(asked, job.picture, wanted.tile, on_tile)] for job in jobs]
    return [[sr] for sr in enlarge_in_passes(asked, np.stack([job.picture.rgb for job in jobs]))]


def _write(model, job, wanted):
    """Write what is missing of a job's answers, and return its ``Answer``."""
    answer, picture = job.answer, job.picture
    try:
        if picture:
            images = job.enlarged if wanted.samples else [finished(picture, job.enlarged[0], wanted.consistently)]
            for target, pixels in compress(zip(answer.targets, images), job.missing):
                answer.written.append(write_png(target, pixels, wanted.overwrite, picture))
    except Exception as error:
        answer.error = error
    return answer
