"""Every example runs, in its quick mode where it trains, and is short enough to be read."""

import runpy
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_facesr.inference import demo_faces

EXAMPLES = Path(__file__).parents[1] / "examples"
CALLS = {  # of examples/*.py -> arguments, and what is written; those in folders have tests of their own
    "attention_maps": ("-o maps.png", "maps.png"),
    "compare_on_small_faces": ("", "compared.png"),
    "edit_faces": ("--quick --faces 2", "edited.png"),
    "enlarge_folder": ("faces", "large/1.png"),
    "face_in_styles": ("", "styles.png"),
    "realistic_pairs": ("--quick", "pairs/lr/000007.png"),
    "sample_faces": ("faces/0.png", "samples.png"),
    "train_cagface": ("--quick", "cagface.weights.h5"),
    "train_sam": ("--quick", "sam.weights.h5"),
    "train_ssrvae": ("--quick", "ssrvae.weights.h5"),
    "train_varsr": ("--quick", "varsr.weights.h5"),
    "transfer_faces": ("--quick --faces 2", "transferred.png"),
}
IN_ITS_OWN_PROCESS = {"train_on_all_gpus": ("--quick", "sam.keras")}  # devices are counted once in a process's life


def write_faces(folder, count):
    """Small faces, 0.png and on."""
    for k, face in enumerate(demo_faces(count, 16)):
        Image.fromarray(face).save(folder / f"{k}.png")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with two small faces in ``faces``."""
    (tmp_path / "faces").mkdir()
    write_faces(tmp_path / "faces", 2)
    monkeypatch.chdir(tmp_path)
    tf.config.run_functions_eagerly(True)  # a few steps take less than tracing them
    yield tmp_path
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def run(here, monkeypatch):
    """Run an example in this process, as ``python examples/NAME.py ARGUMENTS`` would; returns its exit code."""

    def run(name, arguments):
        path = EXAMPLES / f"{name}.py"
        monkeypatch.setattr(sys, "argv", [str(path), *arguments.split()])
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as leaving:
            return leaving.code
        return 0

    return run


def test_every_example_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*CALLS, *IN_ITS_OWN_PROCESS}


@pytest.mark.parametrize("name", CALLS)
def test_an_example_runs_as_it_stands_and_writes_what_it_says(name, run, here):
    arguments, written = CALLS[name]
    assert not run(name, arguments)
    if written.endswith(".png"):
        assert len(np.unique(np.asarray(Image.open(here / written)))) > 10, "a picture"
    else:
        assert (here / written).stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_ITS_OWN_PROCESS)
def test_an_example_runs_in_its_own_process_and_writes_what_keras_opens(name, here):
    arguments, written = IN_ITS_OWN_PROCESS[name]
    subprocess.run([sys.executable, EXAMPLES / f"{name}.py", *arguments.split()], check=True)
    assert keras.saving.load_model(here / written).phase == 2


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: path.name)
def test_an_example_has_fewer_than_sixty_lines(path):
    assert len(path.read_text().splitlines()) < 60


def test_a_face_in_the_styles_of_real_ones(run, here):
    """A row above them shows where the eight styles come from."""
    write_faces(here / "faces", 8)
    assert not run("face_in_styles", "--like faces")
    assert Image.open(here / "styles.png").size == (128 * 9, 128 * 2)


def test_small_faces_of_a_folder_are_compared(run, here):
    assert not run("compare_on_small_faces", "faces --models ssrvae")
    assert Image.open(here / "compared.png").size == (2 * 64 * 3, 2 * 64 * 2), "as it is, bicubic, ssrvae; two faces"


@pytest.mark.slow
def test_pairs_that_were_made_are_trained_on(run, here):
    assert not run("realistic_pairs", "--quick")
    assert not run("train_ssrvae", "pairs --steps 1")


def test_a_folder_with_a_broken_picture_is_enlarged_but_for_that(run, here, capsys):
    (here / "faces" / "broken.png").write_bytes(b"no picture")
    assert run("enlarge_folder", "faces -o large") == 1
    assert sorted(path.name for path in (here / "large").iterdir()) == ["0.png", "1.png"]
    assert "broken.png" in capsys.readouterr().err
