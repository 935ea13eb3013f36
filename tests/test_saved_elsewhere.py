"""What one process saves, another opens after ``import keras_facesr`` alone, which itself imports nothing heavy."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from small_networks import SMALL, pairs, unbuilt

import keras_facesr
from keras_facesr.classes import homes
from keras_facesr.layers.attention import LocalAttention
from keras_facesr.layers.blocks import ResidualBlock
from keras_facesr.layers.resampling import PixelShuffle
from keras_facesr.training.optimizers import ConvMuon

OPEN = """
import sys
from importlib.util import find_spec
import {first}
import numpy as np
import keras_facesr
assert {first} is not keras_facesr or not {{"keras", "tensorflow"}} & {{*sys.modules}}
assert find_spec("keras")  # as libraries do that look whether it is installed
import keras
for folder in sys.argv[1:]:
    model = keras.saving.load_model(folder + "/model.keras")
    answer = getattr(model, "validation_answer", model)(np.load(folder + "/x.npy"))
    np.save(folder + "/answer.npy", keras.ops.convert_to_numpy(answer))
    print(type(model).__module__, type(getattr(model, "optimizer", None)).__module__)
"""


def save(model, x, folder):
    """Save a model as a file, with an input; returns its answer."""
    folder.mkdir()
    model.save(folder / "model.keras")
    np.save(folder / "x.npy", x)
    return keras.ops.convert_to_numpy(getattr(model, "validation_answer", model)(x))


def opened(folders, first="keras_facesr"):
    """What a new process finds in files that ``save`` wrote: modules of the models and their optimisers, and answers."""
    command = [sys.executable, "-c", OPEN.format(first=first), *map(str, folders)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    modules = [line.split() for line in run.stdout.splitlines() if line.startswith(("keras", "builtins"))]
    return modules, [np.load(folder / "answer.npy") for folder in folders]


@pytest.mark.slow
def test_every_class_is_itself_again_in_a_new_process(tmp_path):
    expected = {}
    for name in SMALL:
        model = unbuilt(name)
        model.build((None, None, None, 3))
        expected[name] = save(model, pairs(name)[0], tmp_path / name)
    modules, answers = opened([tmp_path / name for name in SMALL])
    for name, (module, _), answer in zip(SMALL, modules, answers, strict=True):
        assert module == homes()[name]
        np.testing.assert_allclose(answer, expected[name], atol=1e-6, err_msg=name)


def test_layers_in_other_networks_and_optimisers_are_found_also_where_keras_is_imported_first(tmp_path):
    layers = [ResidualBlock(4), LocalAttention(3, group=4), PixelShuffle(2)]
    model = keras.Sequential([keras.Input((6, 6, 4)), *layers])
    model.compile(ConvMuon(1e-3), "mse")
    x = np.random.default_rng(0).random((2, 6, 6, 4), "float32")
    expected = save(model, x, tmp_path / "other")
    [[_, optimizer]], [answer] = opened([tmp_path / "other"], first="keras")
    assert optimizer == "keras_facesr.training.optimizers"
    np.testing.assert_allclose(answer, expected, atol=1e-6)


def test_no_class_that_a_saved_file_may_hold_is_forgotten():
    package, found = Path(keras_facesr.__file__).parent, {}
    for file in package.rglob("*.py"):
        module = ".".join(["keras_facesr", *file.relative_to(package).with_suffix("").parts])
        for name in re.findall(r"^@keras\.saving\.register_keras_serializable.*\nclass (\w+)", file.read_text(), re.MULTILINE):
            found[name] = module
    assert found == homes()
