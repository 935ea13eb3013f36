"""Where the answers of a call go. A name follows from its own picture and from how that was given, never from other pictures.

A folder's tree is mirrored: of the folder ``t``, ``t/alice/1.png`` is answered in ``OUT_DIR/alice/1_sam.png``. A picture given
by itself is answered in ``OUT_DIR``. A ``.png`` loses its suffix, any other picture keeps it, ``portrait.jpg_sam.png``: no two
pictures of a folder share a name. Pictures of several folders given that share one nevertheless are a wrong call.

What is in ``OUT_DIR`` is not enlarged again. Where that is a folder below a given one, it is left out whole; where pictures and
answers share a folder, answers are known by what their files say of themselves (``data.images.is_answer``).
"""

import os
from pathlib import Path

from keras_facesr.data.images import SUFFIXES, find_images, is_answer
from keras_facesr.errors import CallError


def answer_name(picture, model, number=None):
    """File name of a model's answer to a picture, or of its answer of that number.

    >>> answer_name("t/alice/1.png", "sam"), answer_name("portrait.jpg", "sam", 2)
    ('1_sam.png', 'portrait.jpg_sam_2.png')
    """
    name = os.path.basename(picture)
    stem = name.removesuffix(".png")
    if os.path.splitext(stem)[1].lower() in SUFFIXES:  # a.jpg.png may stand beside a.jpg
        stem = name
    return f"{stem}_{model}.png" if number is None else f"{stem}_{model}_{number}.png"


def plan(inputs, out, model, samples=0):
    """The pictures that ``inputs`` mean, each once, and the paths of their answers below ``out``.

    Args:
        inputs: paths of pictures and of folders.
        out: folder of the answers.
        model: name of the model in those of its answers.
        samples: answers to each picture; 0 for the one without a number.

    Returns:
        dict of picture -> list of paths; and the folders among ``inputs`` that hold no picture but answers in ``out``.

    Raises:
        CallError: answers to two pictures would have the same path.
    """
    answers, owners, empty = {}, {}, []
    for given in map(Path, inputs):
        files, root = [given], given.parent
        if given.is_dir():
            files, root = _without_answers(find_images(given), given, out), given
            empty += [] if files else [given]
        for file in files:
            if file in answers:
                continue
            folder = out / file.relative_to(root).parent
            numbers = range(1, samples + 1) if samples else [None]
            answers[file] = [folder / answer_name(file, model, number) for number in numbers]
            first = owners.setdefault(answers[file][0], file)
            if first != file:
                raise CallError(
                    f"{first} and {file} would both be answered in {answers[file][0]}: give the folder above them, or each "
                    "an -o of its own"
                )
    return answers, empty


def _without_answers(files, given, out):
    """The files below ``given`` but for what an earlier call wrote to ``out``."""
    out, given = out.resolve(), given.resolve()
    if not (out.is_relative_to(given) or given.is_relative_to(out)):
        return files
    apart = out != given and out.is_relative_to(given)  # a folder that is there for answers alone
    return [file for file in files if not (file.resolve().is_relative_to(out) and (apart or is_answer(file)))]
