"""Every script that a card or a document calls is run as it stands there, in a process of its own.

Benchmarks take fewer rounds, and leave out PyTorch where that is not installed. Scripts that write into the repository do so
in a copy, which holds a few released models.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
import stand_in_data
from documents import BESIDE, PAGES, ROOT, commands
from finding import installed
from PIL import Image
from skimage.data import astronaut

from keras_facesr import presets
from keras_facesr.inference import demo_faces

COMMANDS = {command: page for page in (*BESIDE, *PAGES) for command in commands(page, "python")}
FEWER = {"--rounds": "2", "--steps": "4", "--repeat": "2"}
KEPT = "srcnn_x4_bicubic", "srcnn_x8_utkface", "face_features"  # of the released models, where all would take an hour
WORDS = {"FILE": "docs/formats.md", "NAME": "srcnn_x8_utkface"}
ELSEWHERE = {  # scripts that are not called here, and why
    "client.py": "test_serving.py sends what it sends to a stand-in for the server",
    "triton_server.py": "needs Triton; test_oip.py asks the network that it serves, over its protocol",
    "benchmarks/serving.py": "asks that server a thousand times a round",
    "python tools/measure.py": "named as what measures a preset, without the data that it takes",
}


def calls(folder):
    """Commands of the scripts in a folder of the repository, as parameters of a test."""
    found = [command for command in COMMANDS if (COMMANDS[command].parent / shlex.split(command)[1]).is_relative_to(folder)]
    found += [command for command in COMMANDS if shlex.split(command)[1].startswith(folder.relative_to(ROOT).as_posix() + "/")]
    return [command for command in dict.fromkeys(found) if not any(part in command for part in ELSEWHERE)] + [
        command for command in COMMANDS if command.startswith("python tools/measure.py ") and folder.name == "tools"
    ]


def run(command, cwd, repository=ROOT, **known):
    """Do it in a folder: what it printed."""
    known = WORDS | known
    words = [known.get(word, word) for word in shlex.split(command)[1:]]
    words = ["=".join(known.get(part, part) for part in word.split("=")) for word in words]
    script = next(place / words[0] for place in (repository, COMMANDS[command].parent) if (place / words[0]).exists())
    words = [FEWER.get(before, word) for before, word in zip(["", *words], words)]
    environment = {**os.environ, "PYTHONPATH": str(repository), "KERAS_FACESR_CACHE": str(cwd / "cache")}
    called = [sys.executable, str(script), *words[1:]]
    done = subprocess.run(called, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_torch(command, option, names):
    """The command, with an option that leaves out PyTorch where that is not installed."""
    return command if find_spec("torch") or option in command else f"{command} {option} {names}"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return stand_in_data.lay_out(tmp_path_factory.mktemp("data"))


@pytest.fixture
def here(tmp_path):
    Image.fromarray(demo_faces(1, 17)[0]).save(tmp_path / "face.png")
    (tmp_path / "photographs").mkdir()
    Image.fromarray(astronaut()).save(tmp_path / "photographs" / "astronaut.png")
    return tmp_path


@pytest.fixture
def repository(tmp_path):
    """A copy of the repository with some of the released models."""
    copy = tmp_path / "repository"
    for folder in ("keras_facesr", "tools", "benchmarks", "examples", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in KEPT:
        shutil.copytree(ROOT / "saved_models" / name, copy / "saved_models" / name)
    return copy


def test_every_script_that_is_called_is_run_by_a_test():
    run_here = {command for folder in ("examples", "benchmarks", "tools") for command in calls(ROOT / folder)}
    rest = {shlex.split(command)[1] for command in set(COMMANDS) - run_here}
    assert rest == {"client.py", "triton_server.py", "benchmarks/serving.py", "tools/measure.py"}


@pytest.mark.slow
@pytest.mark.parametrize("command", calls(ROOT / "examples"))
def test_examples(command, here, data):
    mobile = here / "examples" / "mobile"  # from where ../../saved_models is that of the repository
    mobile.mkdir(parents=True)
    (here / "saved_models").symlink_to(ROOT / "saved_models")
    shutil.copy(here / "face.png", mobile)
    run(command, mobile if "saved_models" in command else here, CELEBA_DIR=str(data / "celeba"))
    assert [*here.glob("*s.png"), *here.glob("*d.png"), *here.rglob("large.png"), *here.glob("models/sam/1/saved_model.pb")]


def check_runtimes(report):
    """The first runtime is what others are compared with, and every sample is kept."""
    assert len(report["runtimes"]) > 1 and next(iter(report["runtimes"].values()))["batch 1"]["ratio"] == 1
    for samples in report["samples"].values():
        assert {name: len(values) for name, values in samples.items()} == {"load": 1, "batch 1": 2, "batch 8": 2, "memory": 1}


def check_training(report):
    """The first kind of loop is what others are compared with, and making the images alone is quicker than to train on them."""
    figures = report["kinds"]
    assert next(iter(figures.values()))["ratio"] == 1
    assert "images" not in figures or figures["images"]["images per second"] > figures["train"]["images per second"] > 1
    assert all(len(turns) == 2 for turns in report["seconds"].values())


CHECKS = {"runtimes.py": check_runtimes, "training.py": check_training}


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in calls(ROOT / "benchmarks") if "formats" not in command])
def test_benchmarks(command, here, data):
    if "photos.py" in command and not installed():
        pytest.skip("needs the extra photos")
    if "runtimes.py" in command:
        command_here = without_torch(command, "--runtimes", "keras,savedmodel,litert,onnx")
    elif "training.py" in command:
        command_here = without_torch(command, "--kinds", "train,loop,images")
    else:
        trains = not any(name in command for name in ("degradations", "distances", "modes", "photos", "tones"))
        command_here = f"{command} --steps 4" if trains and "--steps" not in command else command
    if any(script in command for script in CHECKS) and "--json" not in command:
        command_here += " --json report.json"
    COMMANDS[command_here] = COMMANDS[command]
    folders = {"precision": data / "utkface", "degradations": data / "celebamask", "photos": here / "photographs"}
    data_dir = next((folder for script, folder in folders.items() if script in command), data)
    recipe = {"RECIPE": "srcnn_x8_utkface", "DATA_DIR": str(data_dir)}
    sets = {f"{name.upper()}_DIR": str(data / name) for name in ("utkface", "celeba", "lfw")}
    sets["REAL_DIR"] = str(data / "wider_lq")
    assert "|" in (said := run(command_here, here, **sets, **recipe)) or "ratio" in said or said
    if check := next((check for script, check in CHECKS.items() if script in command), None):
        check(json.loads(next(here.glob("*.json")).read_text()))


@pytest.mark.slow
@pytest.mark.parametrize("command", [command for command in COMMANDS if "formats.py" in command])
def test_every_model_in_every_format(command, repository):
    before = (repository / "docs" / "formats.md").read_text()
    run(command, repository, repository)
    after = (repository / "docs" / "formats.md").read_text()
    assert f"| `{KEPT[0]}` |" in after and len(after) < len(before)


@pytest.mark.slow
@pytest.mark.parametrize("command", calls(ROOT / "tools"))
def test_tools(command, repository, data, tmp_path):
    if "chart" in command or "curves" in command:
        pytest.importorskip("matplotlib")
    if "gallery" in command or "curves" in command:
        for name in set(presets.list_models()) - set(KEPT):
            (repository / "saved_models" / name).symlink_to(ROOT / "saved_models" / name)
    name, trained = KEPT[0], tmp_path / "run"
    if "RUN_DIR" in command:
        call = [sys.executable, ROOT / "tests" / "one_step.py", "train", name, data, "--out", trained]
        subprocess.run(call, env={**os.environ, "KERAS_FACESR_CACHE": str(tmp_path / "cache")}, check=True)
    written = {
        "chart": repository / "docs/figures/quality_and_cost.svg",
        "curves": repository / "docs/figures/training_curves.svg",
        "gallery": repository / "docs/gallery.md",
        "measure": repository / "saved_models" / WORDS["NAME"] / "README.md",
        "release": repository / "saved_models" / name / "README.md",
    }
    target = next(file for tool, file in written.items() if tool in command)
    before = target.stat().st_mtime_ns
    run(command, repository, repository, RUN_DIR=str(trained), DATA_DIR=str(data))
    assert target.stat().st_mtime_ns > before
