"""Every example runs as its first lines say, in its quick mode where it trains, and is short enough to be read."""

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from processes import run_script

from keras_facesr.inference import demo_faces

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
CALLS = {  # of examples/*.py -> arguments, and what is written
    "attention_maps": ("-o maps.png", "maps.png"),
    "edit_faces": ("--quick --faces 2", "edited.png"),
    "face_in_styles": ("", "styles.png"),
    "realistic_pairs": ("--quick", "pairs/lr/000007.png"),
    "sample_faces": ("faces/0.png", "samples.png"),
    "train_cagface": ("--quick", "cagface.weights.h5"),
    "train_sam": ("--quick --steps 3", "sam.weights.h5"),
    "train_ssrvae": ("--quick", "ssrvae.weights.h5"),
    "train_varsr": ("--quick", "varsr.weights.h5"),
    "transfer_faces": ("--quick --faces 2", "transferred.png"),
}
OTHERS = {"enlarge_folder", "train_on_all_gpus"}  # have tests of their own below, as those in folders have elsewhere
QUICK = ("train_sam",)  # what newcomers run first; test_document_code.py runs README's code by a released network
SCRIPTS = [path for path in sorted(EXAMPLES.rglob("*.py")) if "parse_args" in path.read_text()]
MISCALL = """
import runpy, sys
for call in sys.argv[1:]:
    script, *arguments = call.split()
    sys.path[0], sys.argv = script.rpartition("/")[0], [script, *arguments]
    try:
        try:
            runpy.run_path(script, run_name="__main__")
        except Exception as error:
            sys.excepthook(type(error), error, None)
    except SystemExit as ended:
        print(script, ended.code, *{"keras", "tensorflow"} & {*sys.modules}, flush=True)
"""  # one process for all calls, since each begins with what the one before has imported, too
MISSING = [  # what is given is not there or holds no faces, or the answer cannot be written there, or a number makes no sense
    *[f"{name} digits" for name in ("train_sam", "train_cagface", "train_varsr", "train_on_all_gpus")],
    *[f"{name} absent" for name in CALLS if name not in ("face_in_styles", "realistic_pairs")],
    "enlarge_folder absent",
    "train_on_all_gpus absent",
    "face_in_styles --like absent",
    "realistic_pairs faces absent",
    "realistic_pairs --quick -o faces/0.png/absent",
    "enlarge_folder faces --model absent",
    "sample_faces --model absent",
    "train_sam --quick -o absent.h5",
    "train_cagface --quick --size 0",
    "edit_faces celeba",
    "edit_faces smiling",
    "transfer_faces celeba",
    "attention_maps -o faces/0.png/absent.png",
    "attention_maps -o faces/absent.png",
    "enlarge_folder faces -o faces/0.png/absent",
    "serving/prepare sam faces/0.png/absent",
    "edit_faces --quick --faces 0",
    "transfer_faces --quick --faces -1",
    *[f"{name} --quick --steps 0" for name in (*CALLS, *OTHERS) if "train" in name or "pairs" in name],
]


def write_faces(folder, count):
    """Small faces, 0.png and on."""
    for k, face in enumerate(demo_faces(count, 16)):
        Image.fromarray(face).save(folder / f"{k}.png")


@pytest.fixture
def here(tmp_path):
    """A working folder with two small faces in ``faces``."""
    (tmp_path / "faces").mkdir()
    write_faces(tmp_path / "faces", 2)
    return tmp_path


@pytest.fixture
def run(here, tmp_path_factory):
    """``python examples/NAME.py ARGUMENTS`` in the working folder."""
    cache = str(tmp_path_factory.mktemp("cache"))
    return lambda name, arguments: run_script(EXAMPLES / f"{name}.py", *arguments.split(), cwd=here, KERAS_FACESR_CACHE=cache)


def test_every_example_is_run():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*CALLS, *OTHERS}


@pytest.mark.parametrize("name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CALLS])
def test_an_example_runs_as_it_stands_and_writes_what_it_says(name, run, here):
    arguments, written = CALLS[name]
    ended = run(name, arguments)
    assert ended.returncode == 0, ended.stderr
    assert "--steps 3" not in arguments or "3/3" in ended.stdout, "an option that is given counts in the quick mode, too"
    if written.endswith(".png"):
        assert len(np.unique(np.asarray(Image.open(here / written)))) > 10, "a picture"
    else:
        assert (here / written).stat().st_size > 10_000


@pytest.mark.slow
def test_a_face_too_large_to_sample_is_named(run, here):
    Image.fromarray(demo_faces(1, 250)[0]).save(here / "large.png")
    ended = run("sample_faces", "large.png")
    assert ended.returncode == 2 and "\nlarge.png: 250x250 pixels are too many to sample" in f"\n{ended.stderr}"


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: path.name)
def test_an_example_has_fewer_than_sixty_lines(path):
    assert len(path.read_text().splitlines()) < 60


def miscall(calls, cwd=None):
    """Make calls that are answered without Keras: the process that made them."""
    return subprocess.run(
        [sys.executable, "-c", MISCALL, *calls], cwd=cwd, capture_output=True, text=True, timeout=60, check=True
    )


def test_a_wrong_call_is_answered_without_starting_tensorflow():
    called = miscall([f"{script} --wrong" for script in SCRIPTS])
    assert called.stdout.splitlines() == [f"{script} 2" for script in SCRIPTS]
    assert called.stderr.startswith("usage: ") and called.stderr.count("error: ") == len(SCRIPTS)


def test_what_is_not_there_is_named_in_one_line_without_starting_tensorflow(here):
    (here / "faces" / "absent.png").mkdir()  # no place for a file
    (here / "digits" / "test" / "3").mkdir(parents=True)
    (here / "celeba" / "img_align_celeba").mkdir(parents=True)
    shutil.copy(here / "faces" / "0.png", here / "celeba" / "img_align_celeba" / "1.jpg")
    shutil.copy(here / "faces" / "0.png", here / "celeba" / "img_align_celeba" / "2.jpg")
    (here / "celeba" / "list_eval_partition.txt").write_text("1.jpg 0\n2.jpg 2\n")  # without attributes
    shutil.copytree(here / "celeba", here / "smiling")
    (here / "smiling" / "list_attr_celeba.txt").write_text("2\nSmiling Male Eyeglasses\n1.jpg 1 1 1\n2.jpg 1 -1 -1\n")
    called = miscall([f"{EXAMPLES}/{call.replace(' ', '.py ', 1)}" for call in MISSING], here)
    assert called.stdout.splitlines() == [f"{EXAMPLES}/{call.split()[0]}.py 2" for call in MISSING]
    reasons = (
        "absent",
        "digits: holds digits",
        "must be a whole number",
        "list_attr_celeba.txt: cannot be read",
        "smiling: its training faces all have the attribute Smiling, or none has",
        "celeba: 1 test faces",
    )
    named = [any(reason in line for reason in reasons) for line in called.stderr.splitlines()]
    assert named == [True] * len(MISSING), called.stderr


def test_without_tritons_package_its_server_says_so_in_a_line(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pytriton", None)
    monkeypatch.setattr("sys.argv", ["triton_server.py", str(here / "faces" / "0.png")])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(EXAMPLES / "serving" / "triton_server.py"), run_name="__main__")
    assert "pytriton" in (line := capsys.readouterr().err.splitlines()[-1]) and "README.md says how" in line


@pytest.mark.parametrize("wrong", ["absent.png", "text.png", "half.png", "absent.tflite", "text.tflite", "folder"])
def test_on_a_phone_a_wrong_file_is_named_in_one_line(wrong, here, monkeypatch, capfd):
    face = (here / "faces" / "0.png").read_bytes()
    for name, held in (("text.png", b"a face"), ("half.png", face[: len(face) // 2]), ("text.tflite", b"a model")):
        (here / name).write_bytes(held)
    (here / "folder").mkdir()
    model = ROOT / "saved_models" / "srcnn_x4" / "model.float16.tflite"
    files = {".tflite": [here / wrong, "faces/0.png", "large.png"], "": [model, "faces/0.png", here / wrong]}
    files = files.get(Path(wrong).suffix, [model, here / wrong, "large.png"])
    monkeypatch.chdir(here)
    monkeypatch.setattr("sys.argv", ["enlarge.py", *map(str, files)])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(EXAMPLES / "mobile" / "enlarge.py"), run_name="__main__")
    said = capfd.readouterr().err
    assert said.splitlines()[-1].removeprefix("enlarge.py: error: ").startswith(f"{here / wrong}: ")
    assert "Traceback" not in said and said.count("\n") == (1 if "." in wrong else 2)  # usage, where the call is wrong
    assert not (here / "large.png").exists()


def test_a_folder_with_a_broken_picture_is_enlarged_but_for_that(run, here):
    (here / "faces" / "broken.png").write_bytes(b"no picture")
    (here / "faces" / "alice").mkdir()
    write_faces(here / "faces" / "alice", 1)  # another 0.png
    Image.open(here / "faces" / "0.png").save(here / "faces" / "0.jpg")
    ended = run("enlarge_folder", "faces -o large")
    assert ended.returncode == 1 and "broken.png" in ended.stderr
    written = sorted(path.relative_to(here / "large").as_posix() for path in (here / "large").rglob("*.png"))
    assert written == ["0.jpg.png", "0.png", "1.png", "alice/0.png"]


@pytest.mark.slow
def test_what_was_trained_on_all_gpus_is_opened_by_keras(run, here):
    ended = run("train_on_all_gpus", "--quick --batch 3")
    assert ended.returncode == 2 and ended.stderr.endswith("error: 2 devices cannot share batches of 3 images evenly\n")
    assert run("train_on_all_gpus", "--quick").returncode == 0
    assert keras.saving.load_model(here / "sam.keras").phase == 2


@pytest.mark.slow
def test_a_face_in_the_styles_of_real_ones(run, here):
    """A row above them shows where the eight styles come from."""
    write_faces(here / "faces", 8)
    assert run("face_in_styles", "--like faces").returncode == 0
    assert Image.open(here / "styles.png").size == (128 * 9, 128 * 2)


@pytest.mark.slow
def test_pairs_that_were_made_are_trained_on(run):
    assert run("realistic_pairs", "--quick").returncode == 0
    assert run("train_ssrvae", "pairs --steps 1").returncode == 0
