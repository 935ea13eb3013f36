"""Every command of a card or a document is run as it stands there, on data sets of a few images that stand in for the true.

Networks are the released ones. What trains takes one step a stage on two images.
"""

import dataclasses
import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec

import processes
import pytest
import stand_in_data
import tensorflow as tf
from documents import BESIDE, PAGES, ROOT, commands
from films import write_film
from finding import installed
from one_step import shorten
from PIL import Image

from keras_facesr import classes, presets, tables
from keras_facesr.cli.main import parser
from keras_facesr.exchange.pytorch import to_tensors
from keras_facesr.exchange.tensors import write_tensors
from keras_facesr.inference import demo_faces
from keras_facesr.metrics.report import tabulated
from keras_facesr.training import recipes

COMMANDS = {command: page for page in (*BESIDE, *PAGES) for command in commands(page, "facesr")}
SETS = {"UTKFace": "utkface", "CelebA,": "celeba", "MNIST": "mnist", "digits": "plates", "faces of": "faces_512"}
SAM = "sam_small_x8"
WORDS = {"RECIPE": "srcnn_x8_utkface", "NAME": SAM, "FOLDER": SAM, "READER": "digits_plates", "N": "64", "RUNS_DIR": "runs"}


def calls(*programs, quick=lambda words: False):
    """Commands of ``facesr`` as parameters of a test; those that are not quick are slow."""
    words = {command: shlex.split(command)[1:] for command in COMMANDS}
    of_these = [command for command in COMMANDS if words[command][0] in programs]
    return [pytest.param(c, marks=[] if quick(words[c]) else pytest.mark.slow, id=" ".join(words[c])) for c in of_these]


def filled_in(command, **known):
    """A command's arguments, with what there is in place of words in capitals."""
    known = WORDS | known
    return [",".join(known.get(part, part) for part in word.split(",")) for word in shlex.split(command)[1:]]


def names_below(command):
    """What a command's NAMES stands for: the models of the next table of its page that are measured with the first of them."""
    text = " ".join(COMMANDS[command].read_text().split()).partition(f"`{command}`")[2]
    rows = map(presets.find, dict.fromkeys(re.findall(r"\| \[`(\w+)`\]\([./]+saved_models", text)))
    sets = itertools.groupby(rows, key=lambda preset: (preset.scale, preset.hr_size, preset.data))
    return ",".join(preset.name for preset in next(sets, ("", ()))[1])


def set_of(model, words):
    """Folder of the data that a preset's figures are measured on."""
    data = presets.find(model).data
    folder = next(folder for start, folder in SETS.items() if data.startswith(start))
    return "celebamask" if folder == "faces_512" and "512" not in words else folder


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return stand_in_data.lay_out(tmp_path_factory.mktemp("data"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with what the pages speak of: face.png, portrait.jpg, faces/ with eight of them, list.txt of two."""
    (tmp_path / "faces").mkdir()
    for k, face in enumerate(demo_faces(8, 24)):
        Image.fromarray(face).save(tmp_path / "faces" / f"{k}.png")
    (tmp_path / "list.txt").write_text("faces/0.png\nfaces/5.png\n")
    Image.fromarray(demo_faces(1, 17)[0]).save(tmp_path / "face.png")  # of a size that no network takes as it is
    Image.fromarray(demo_faces(1, 40)[0]).save(tmp_path / "portrait.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def ended_run(here, command):
    """The folder of a run that has ended, relative to the working folder; its network is a released one of a fitting scale."""
    released = presets.find("cagface" if "RUN_DIR,cagface" in command else "sam_small_x8").folder
    shutil.copytree(released, here / "runs" / "mine")
    (here / "runs" / "mine" / "recipe.json").touch()
    return "runs/mine"


@pytest.fixture
def short_recipes(monkeypatch):
    shorten(monkeypatch.setattr)


@pytest.fixture
def quickest():
    """Sets for a table's recipes what takes less: tracing a step or two of a network takes longer than computing them."""
    yield lambda names: tf.config.run_functions_eagerly(not any("prsr" in name for name in names))  # a pass for every pixel
    tf.config.run_functions_eagerly(False)


def test_every_command_is_run_by_a_test():
    programs = {shlex.split(command)[1] for command in COMMANDS}
    known = {"models", "upscale", "evaluate", "train", "table", "export", "demo", "photo", "video", "compare", "import"}
    assert programs == known


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_parses_and_names_what_there_is(command):
    args = parser().parse_args(filled_in(command, NAMES="sam", RUN_DIR="sam"))
    models = getattr(args, "model", None) or "sam"
    assert all(presets.find(model) for model in (models if isinstance(models, list) else [models]))
    assert not hasattr(args, "recipe") or recipes.find(args.recipe)
    if "NAMES" not in command and getattr(args, "samples", 0) and isinstance(models, list):
        assert any(presets.find(model).is_stochastic for model in models), "samples of others are refused"


@pytest.mark.parametrize("command", calls("models", "upscale", quick=lambda words: not {"onnx", "litert"} & {*words}))
def test_pictures_are_enlarged(command, here, ended_run, facesr):
    before = {*here.rglob("*.png")}
    result = facesr(*filled_in(command, RUN_DIR=ended_run))
    if "onnx" in command:  # whose page shows this answer
        assert result.code == 2 and "sam_small_x8 brings no file for onnx: make one, facesr export" in result.err
        return
    remarks = [line for line in result.err.splitlines() if " was trained on " not in line and "another size" not in line]
    assert (result.code, remarks) == (0, [])
    assert "models" in command or {*here.rglob("*.png")} > before


@pytest.mark.parametrize("command", calls("compare", quick=lambda words: "face.png" in words and "--truth" not in words))
def test_answers_are_shown_side_by_side(command, here, request, facesr):
    sets = {"CELEBA_DIR": str(request.getfixturevalue("data") / "celeba")} if "CELEBA_DIR" in command else {}
    result = facesr(*filled_in(command, **sets))
    assert result.code == 0 and all(" was trained on " in line for line in result.err.splitlines()), result.err
    assert Image.open(result.out.partition(":")[0]).width > 4 * 256


@pytest.mark.skipif(not installed(), reason="needs the extra photos")
@pytest.mark.parametrize("command", calls("photo", quick=lambda words: True))
def test_photographs_are_restored(command, here, facesr):
    result = facesr(*filled_in(command))
    assert (result.code, result.err) == (0, "") and "portrait.jpg" in result.out
    assert "--dry-run" in command or (here / "out" / "portrait.jpg_photo.png").exists()


@pytest.mark.skipif(not installed() or not find_spec("av"), reason="needs the extra video")
@pytest.mark.parametrize("command", calls("video"))
def test_films_are_enlarged(command, here, facesr):
    write_film(here / "film.mp4", [demo_faces(1, 40)[0]] * 3)
    result = facesr(*filled_in(command))
    assert (result.code, result.err) == (0, "") and "film.mp4 -> large.mp4: 3 frames" in result.out


def filled(headings, cells):
    """Which columns have a figure, by heading without breaks."""
    return {re.sub(r"[-\s]", "", heading): bool(cell) for heading, cell in zip(headings, cells)}


def hr_size(words):
    """The side of the true faces that a command asks for, 64 by itself where small faces have no truth."""
    return int(words[words.index("--hr-size") + 1]) if "--hr-size" in words else 64


@pytest.mark.parametrize("command", calls("evaluate"))
def test_models_are_measured(command, here, data, ended_run, facesr):
    words = filled_in(command, RUN_DIR=ended_run, NAMES=names_below(command))
    unjudged = "--identity" in words and not find_spec("dlib")
    if unjudged:  # the extra is not installed: all but the figures that it adds
        words.remove("--identity")
    models = words[words.index("--model") + 1].split(",")
    where = {"DATA_DIR": set_of(models[0], words), "REAL_DIR": "wider_lq", "CLEAN_DIR": "celeba", "CELEBA_DIR": "celeba"}
    words = [str(data / where[word]) if word in where else word for word in words]
    report = here / "report.json"
    result = facesr(*words, *([] if "--json" in words else ["--json", report]))
    strangers = [name for name in models if "--clean" in words and presets.find(name).hr_size not in (None, hr_size(words))]
    remarks = [line.partition(" was trained on ")[0].rpartition(" ")[2] for line in result.err.splitlines()]
    assert (result.code, remarks) == (0, strangers), result.err
    found = json.loads(report.read_text())
    assert list(found["models"]) == list(dict.fromkeys(["bicubic", *models]))
    if COMMANDS[command].parent.parent.name == "saved_models":
        table = COMMANDS[command].read_text().partition(f"`{command}`")[2].split("\n\n")[1].splitlines()
        (_, *headings), _, *rows = ([cell.strip() for cell in row.split("|")[1:-1]] for row in table)
        shown = {name: filled(headings, cells) for name, *cells in rows if name in found["models"]}
        if unjudged:
            shown = {name: {key: row[key] for key in row if not key.startswith("id.")} for name, row in shown.items()}
        headings, rows = tabulated(found)
        given = {name: filled(headings, cells) for name, cells in rows.items()}
        assert shown.keys() == given.keys()
        assert all(shown[name].items() <= given[name].items() for name in shown)  # what is measured since is on later cards


@pytest.mark.parametrize("command", calls("export"))
def test_files_are_exported(command, here, ended_run, facesr):
    if "onnx" in command:
        pytest.importorskip("tf2onnx")
    result = facesr(*filled_in(command, RUN_DIR=ended_run))
    assert result.code == 0 and "the Keras model on" in result.out, result.err


@pytest.mark.parametrize("command", calls("import"))
def test_networks_are_imported(command, here, facesr):
    config = {"channels": 4, "blocks": 1, **({"growth": 2} if "RRDBNet" in command else {})}
    network = classes.build_model("RRDBNet" if "RRDBNet" in command else "EDSR", config)
    write_tensors(here / "net.safetensors", to_tensors(network), {})
    result = facesr(*filled_in(command, FILE="net.safetensors", FOLDER="mine"))
    assert result.code == 0 and presets.load("mine").count_params() == network.count_params(), result.err


def data_dir(recipe, data):
    """What the recipe knows as DATA_DIR: the one set, or the folder of all."""
    (kind, folder), *_ = ((source.kind, source.folder) for source in recipe.sources)
    return data if folder else data / {"digits": "plates"}.get(kind, kind)


@pytest.mark.parametrize("command", [call for call in calls("train") if f"{call.values[0]} --resume" not in COMMANDS])
def test_recipes_train(command, here, data, facesr, short_recipes):
    recipe = recipes.find(filled_in(command, NAME=WORDS["RECIPE"])[1])
    words = filled_in(command, NAME=recipe.name, DATA_DIR=str(data_dir(recipe, data)), RUN_DIR="runs/new")
    if "multiworker" in words:  # a cluster of one machine, whose process must compute nothing before
        with processes.free_port() as port:
            task = {"cluster": {"worker": [f"localhost:{port}"]}, "task": {"type": "worker", "index": 0}}
        processes.ended([processes.started("one_step.py", *words, TF_CONFIG=json.dumps(task))])
    else:
        if "--resume" in words:  # of a run that the same command has begun
            assert facesr(*[word for word in words if word != "--resume"]).code == 0
        result = facesr(*words)
        assert result.code == 0, result.err
    model = presets.load(words[words.index("--out") + 1])
    released = recipe.name in presets.list_models()  # others are for the tables' rows alone
    without_critic = dataclasses.replace(recipe, config=recipe.config_without_critic)
    assert model.count_params() == (presets.find(recipe.name).parameters if released else without_critic.model().count_params())


@pytest.mark.parametrize(
    "command",  # of two that differ only in sizes, which are all cut here, the longer one
    [call for call in calls("table") if not any(other.startswith(f"{call.values[0]} -") for other in COMMANDS)],
)
def test_tables_are_made(command, here, data, facesr, short_recipes, quickest):
    table = tables.find(shlex.split(command)[2])
    quickest(table.recipes)
    first = recipes.find(next(iter(table.recipes)))
    where = data if any(table.recipes.values()) else data_dir(first, data)
    result = facesr(*filled_in(command, DATA_DIR=str(where)))
    assert result.code == 0, result.err
    made = (here / "runs" / f"{table.name}.md").read_text()
    assert made.strip() in result.out and all(f"`{name}`, " in made for name in table.recipes)


@pytest.mark.parametrize("command", calls("demo"))
def test_the_page_is_shown(command):
    pytest.importorskip("gradio")
    pipes = {"stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-m", "keras_facesr", *filled_in(command)], cwd=ROOT, **pipes) as page:
        said = page.stdout.readline()
        page.terminate()
    assert said.startswith("the page is at http://127.0.0.1:") and page.returncode == 0
