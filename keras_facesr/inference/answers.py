"""The paths of a call's answers. Each depends on its own picture and on how that was given, never on other pictures.

A folder's tree is mirrored: if the folder ``t`` is given, the answer to ``t/alice/1.png`` is ``OUT_DIR/alice/1_sam.png``; for
patterns and lists see ``inputs.pictures_of``. If a picture itself is given, its answer lies directly in ``OUT_DIR``. Names drop
the suffix ``.png`` and keep any other, as in ``portrait.jpg_sam.png``, so no two pictures of a folder share a name. If pictures
of different folders would still share a path, the call is refused.

Answers in ``OUT_DIR`` are not enlarged again, unless they are named one by one. If ``OUT_DIR`` is a folder below one that is
searched, all of it is left out; if pictures and answers share a folder, answers are recognised by the metadata in their files
(``data.images.is_answer``).
"""

import os
from pathlib import Path

from keras_facesr.data.files import is_remote
from keras_facesr.data.images import SUFFIXES, is_answer
from keras_facesr.errors import CallError
from keras_facesr.inference.inputs import as_path, pictures_of, searched


def answer_name(picture, model, number=None):
    """File name of a model's answer to a picture; of several answers, of the one with this ``number``.

    >>> answer_name("t/alice/1.png", "sam"), answer_name("portrait.jpg", "sam", 2)
    ('1_sam.png', 'portrait.jpg_sam_2.png')
    """
    name = os.path.basename(str(picture))
    stem = name.removesuffix(".png")
    if os.path.splitext(stem)[1].lower() in SUFFIXES:  # a.jpg.png may stand beside a.jpg
        stem = name
    return f"{stem}_{model}.png" if number is None else f"{stem}_{model}_{number}.png"


def plan(inputs, out, model, samples=0):
    """The pictures in ``inputs``, each once, and the paths of their answers below ``out``.

    Args:
        inputs: pictures, folders, patterns and lists, as they are written.
        out: folder of the answers, a path; None: no answers are written.
        model: the model's name, for the names of its answers.
        samples: number of answers to each picture; 0: one, whose name has no number.

    Returns:
        dict of picture -> list of paths; and those of ``inputs`` that stand for no picture, apart from answers in ``out``.

    Raises:
        CallError: answers to two pictures would have the same path.
    """
    answers, owners, empty = {}, {}, []
    for given in map(as_path, inputs):
        found = pictures_of(given)
        if out and (root := searched(given)):
            found = _without_answers(found, root, out)
        empty += [] if found else [given]
        for file, folders in found:
            if file in answers:
                continue
            numbers = range(1, samples + 1) if samples else [None]
            answers[file] = [(out or Path()).joinpath(*folders, answer_name(file, model, number)) for number in numbers]
            first = owners.setdefault(answers[file][0], file)
            if first != file:
                raise CallError(
                    f"{first} and {file} would both be answered in {answers[file][0]}: give the folder above them, or each "
                    "an -o of its own"
                )
    return answers, empty


def check_kept(answers, beside=None):
    """Raise CallError if an answer of ``plan`` would take the place of another picture that is to be enlarged.

    ``beside``: a compiled pattern of what the names of further files that are written beside an answer have more than its own.
    """
    pictures = {place(file): file for file in answers}
    if beside:
        pictures |= {beside.sub("", taken): file for taken, file in pictures.items() if beside.search(taken)}
    for file, targets in answers.items():
        for target in targets:
            other = pictures.get(place(target), file)
            if other != file:
                raise CallError(f"the answer to {file} would replace {other}, which is to be enlarged too: choose another -o")


def place(path):
    """What two paths of one file share; writing to a link replaces the link."""
    return str(path) if is_remote(path) else os.path.join(os.path.realpath(path.parent), path.name)


def _without_answers(found, root, out):
    """The pictures found below ``root``, without those that an earlier call wrote to ``out``."""
    if is_remote(root) != is_remote(out):
        return found
    out, root = out.resolve(), root.resolve()
    if not (out.is_relative_to(root) or root.is_relative_to(out)):
        return found
    apart = out != root and out.is_relative_to(root)  # then ``out`` is for answers only
    return [of for of in found if not (of[0].resolve().is_relative_to(out) and (apart or is_answer(of[0])))]
