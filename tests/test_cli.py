import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import stand_in_data
from PIL import Image
from skimage.data import astronaut

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.cli import console, evaluate, networks
from keras_facesr.data import png
from keras_facesr.data.framing import square

ROOT = Path(fsr.__file__).parents[1]
FACE = np.ascontiguousarray(astronaut()[76:172:6, 176:272:6])  # uint8 (16, 16, 3)


def python(*arguments):
    """Run Python in the folder that holds the package."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def shortest(runs, *arguments):
    """Seconds of the quickest of some runs: other work on the machine is not what is measured."""
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        assert python(*arguments).returncode == 0
        seconds.append(time.perf_counter() - began)
    return min(seconds)


@pytest.fixture
def face(tmp_path):
    Image.fromarray(FACE).save(tmp_path / "face.png")
    return tmp_path / "face.png"


@pytest.fixture
def faces(tmp_path):
    """A folder of five 64x64 faces, one of them broken."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for k in range(4):
        Image.fromarray(astronaut()[60 + k : 124 + k, 190:254]).save(folder / f"{k}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    return folder


# Speed and weight.


@pytest.mark.timed
def test_help_answers_within_half_a_second():
    assert shortest(3, "-m", "keras_facesr", "--help") < 0.5


@pytest.mark.timed
def test_importing_the_package_adds_less_than_three_tenths_of_a_second_to_keras():
    code = "import keras, time; t = time.time(); import keras_facesr; print(time.time() - t)"
    assert min(float(python("-c", code).stdout) for _ in range(2)) < 0.3


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("", "tensorflow torch keras numpy PIL rich"),
        ("cli.main(['upscale', '--help'])", "tensorflow torch keras numpy PIL rich"),
        ("cli.main(['models', '--json', '-'])", "tensorflow torch keras numpy PIL rich"),
        ("cli.main(['models'])", "tensorflow torch keras numpy PIL rich"),
        ("cli.main(['table', 'sam9', '.', '--out', 'runs'])", "tensorflow torch keras"),
        ("cli.main(['train', 'sam9', '.', '--out', 'runs'])", "tensorflow torch keras"),
        ("cli.main(['train', 'sam_small_x8', 'absent', '--out', 'runs'])", "tensorflow torch keras"),
        ("cli.main(['export', 'sam', 'sam.h5'])", "tensorflow torch keras"),
        ("cli.main(['import', 'absent.pth', '-o', 'mine'])", "tensorflow torch keras"),
        ("cli.main(['upscale', '--demo', '--model', 'sam9'])", "tensorflow torch keras"),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code, absent):
    tell = "atexit.register(lambda: print('loaded:', *sys.modules, file=sys.stderr))"
    run = python("-c", f"import atexit, sys; {tell}; from keras_facesr import cli; {code}")
    loaded = run.stderr.rpartition("loaded:")[2].split()
    assert "keras_facesr" in loaded
    assert not set(absent.split()) & set(loaded)


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        pytest.param("--runtime keras", "face_sam.png", marks=pytest.mark.slow),
        pytest.param("--samples 1", "face_sam_1.png", marks=pytest.mark.slow),
        ("--runtime litert", "face_sam.png"),
    ],
)
def test_one_face_goes_from_shell_to_file_without_a_remark(options, answer, face, tmp_path):
    run = python("-m", "keras_facesr", "upscale", face, "-o", tmp_path / "out", *options.split())
    assert Image.open(tmp_path / "out" / answer).size == (128, 128)
    assert run.stderr == "", "the libraries' remarks on the machine are kept from the user"


@pytest.mark.timed
@pytest.mark.parametrize(
    ("model", "side", "runtime", "limit"), [("sam", 16, "keras", 8), ("sam", 16, "litert", 2), ("cagface", 128, "litert", 2)]
)
def test_one_face_takes_few_seconds_from_shell_to_file(model, side, runtime, limit, tmp_path):
    Image.fromarray(FACE).resize((side, side)).save(tmp_path / "face.png")
    how = ("--overwrite", "--model", model, "--runtime", runtime)
    assert shortest(3, "-m", "keras_facesr", "upscale", tmp_path / "face.png", "-o", tmp_path / "out", *how) < limit


# The front door.


def test_the_package_offers_what_it_promises_and_nothing_else():
    assert {"load", "list_models", "upscale", "__version__"} <= set(dir(fsr))
    assert fsr.load is presets.load
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        fsr.lod


def test_the_version_is_printed(facesr):
    result = facesr("--version")
    assert (result.code, result.out) == (0, f"facesr {fsr.__version__}\n")


# Wrong calls.


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("", "required: COMMAND"),
        ("enlarge", "invalid choice"),
        ("upscale", "INPUT"),
        ("upscale FACE", "-o OUT_DIR"),
        ("upscale FACE -o NOTES", "NOTES: is a file; -o takes a folder"),
        ("upscale FACE -o OUT --model near --overwrite --skip-existing", "exclude each other"),
        ("upscale FACE -o OUT --model near --model noisy_x4", "--model is given twice"),
        ("upscale FACE -o OUT --out OUT", "--out is given twice"),
        ("upscale FACE -o OUT NOTES", "NOTES: inputs stand side by side, all options before or after them"),
        ("export near OUT --size 16 --quantize float16 --size 32", "--size is given twice"),
        ("upscale FACE -o OUT --model nearst_x4", "did you mean nearest_x4"),
        ("upscale FACE -o OUT --model near --samples 0", "above 0"),
        ("upscale FACE -o OUT --model noisy_x4 --samples 2 --ensemble", "a mean of samples is none"),
        ("evaluate FACES --model near --framing imdb", "known are the framings of utkface, celeba"),
        ("evaluate FACES --model near --framing utkface", "faces is not known, only in utkface, celeba"),
        (
            "evaluate FACES --model near --clean FACES --judge eye --framing utkface",
            "--framing and --colour: real small faces have no truth",
        ),
        ("upscale FACE -o OUT --model near --samples 2", "stochastic"),
        ("upscale FACE -o OUT --model noisy_x4 --samples 2 --tile 8", "exclude"),
        ("upscale FACE -o OUT --model near --tile -3", "above 0"),
        ("upscale FACE -o OUT --model near --seed x", "whole number"),
        ("upscale FACE -o OUT --model noisy_x4 --seed 0", "nothing is drawn without --samples N: add it"),
        ("photo FACE -o OUT --seed 1", "nothing is drawn without --samples N: add it"),
        ("compare FACE -o SHEET --model noisy_x4 --truth --degradation aliased --seed 1", "or a --degradation that is drawn"),
        ("evaluate FACES --model noisy_x4 --seed 1", "or a --degradation that is drawn"),
        ("evaluate FACES --model near --clean DIGITS --judge face_features --hr-size 64", "DIGITS: holds digits"),
        ("evaluate DIGITS --model near --clean FACES --judge face_features --hr-size 64", "DIGITS: holds digits"),
        ("compare DIGITS -o SHEET --model near", "DIGITS: holds digits"),
        ("export near OUT --format tflite --quantize int8 --size 16 --calibration DIGITS", "DIGITS: holds digits"),
        ("photo FACE -o OUT --model near --background near --samples 2", "there is one answer to each face by near"),
        ("photo FACE -o s3://bucket/out", "'s3://bucket/out' is an address: give a path of this machine"),
        ("export near s3://bucket/near.tflite", "is an address"),
        ("import s3://bucket/near.pth -o OUT", "is an address"),
        ("import FACE -o s3://bucket/near", "is an address"),
        ("train cagface FACES --out s3://bucket/run", "is an address"),
        ("table sam1 FACES --out s3://bucket/runs", "is an address"),
        ("table sam1 FACES --out OUT --write s3://bucket/sam1.md", "is an address"),
        ("models --json s3://bucket/models.json", "is an address"),
        ("compare FACE -o SHEET --model near --json SHEET", "--json would replace what is read or written there"),
        ("table sam1 FACES --out OUT --write SHEET --json SHEET", "--json would replace what is read or written there"),
        ("upscale FACE -o OUT --model near --json FACE --overwrite", "--json would replace what is read or written there"),
        ("photo FACE -o OUT --json FACE --overwrite", "--json would replace what is read or written there"),
        ("evaluate s3://bucket/faces --model near", "'s3://bucket/faces' is an address: give a path of this machine"),
        ("compare s3://bucket/face.png -o SHEET --model near", "is an address: give a path of this machine"),
        ("compare FACE -o FACE --model near --overwrite", "is one of the faces, which the sheet would replace"),
        ("photo FACE -o OUT --samples 2 --runtime litert", "--runtime litert and --samples exclude each other"),
        ("import FACE -o OUT --set steps=3 --set steps=4", "--set gives one argument two values"),
        ("photo FACE -o OUT --faces-only --background edsr_small_x4", "exclude each other"),
        ("upscale --demo FACE -o OUT --model near", "built-in face"),
        ("upscale --demo -o OUT --model near --ray", "built-in face"),
        ("upscale -o OUT --model near --ray FACE", "is no host:port"),
        ("compare FACE -o OUT --model near", "-o takes the name of one picture, a .png"),
        ("compare FACE -o SHEET --model near,noisy_x2", "nearest_x4 4, noisy_x2 2): one sheet has one scale"),
        ("compare FACE -o SHEET --model near --hr-size 64", "give --truth"),
        ("compare FACES -o SHEET --truth --model near --hr-size 30", "multiple of the scale 4"),
        ("compare FACE -o SHEET --model near --samples 2", "there is one answer to each face by near"),
        ("export near FACES", "is a folder, and no SavedModel to replace; name another"),
        ("export near NOTES --format savedmodel", "a SavedModel is a folder, other formats are files"),
        ("models *x3*", "no model matches '*x3*'"),
        ("evaluate FACES --model near,noisy_x2", "nearest_x4 4, noisy_x2 2"),
        ("evaluate FACES --model near --hr-size 30", "multiple of the scale 4"),
        ("evaluate FACES --model near --samples 3", "stochastic"),
        ("evaluate FACES --model near --degradation noisy_x4", "not for degradation"),
        ("evaluate FACES --model near --degradation blnd", "aliased, blind and blind_held_out need no model"),
        ("evaluate FACES --model near --clean FACES", "give --judge"),
        ("evaluate FACES --model near --clean FACES --judge one_x1 --colour luma", "no truth"),
        ("evaluate FACES --model near --clean FACES --judge one_x1 --hr-size 30", "multiple of the scale 4"),
        ("train", "required"),
    ],
)
def test_a_wrong_call_exits_with_2_and_one_line(arguments, reason, facesr, catalogue, face, faces, tmp_path):
    paths = {"FACE": face, "FACES": faces, "OUT": tmp_path / "out", "NOTES": tmp_path / "NOTES"}
    paths["SHEET"] = paths["OUT"] / "sheet.png"
    paths["NOTES"].touch()
    paths["DIGITS"] = tmp_path / "DIGITS"
    (paths["DIGITS"] / "test" / "7").mkdir(parents=True)
    result = facesr(*(paths.get(argument, argument) for argument in arguments.split()))
    assert result.code == 2
    assert result.err.count("\n") == 1 and reason in result.err
    assert not (tmp_path / "out").exists()


# facesr models


def test_models_are_listed_with_what_they_do(facesr, catalogue):
    result = facesr("models", "n*_x4")
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines()[1:]]
    assert rows[0] == ["nearest_x4", "(near)", "x4", "64x64", "1", "-"]
    assert rows[2][0] == "noisy_x4" and [" ".join(row) for row in rows[1::2]] == [
        presets.find(name).description for name in ("nearest_x4", "noisy_x4")
    ]


def test_a_listed_gain_is_that_of_the_models_card(facesr):
    (row,) = [line for line in facesr("models", "sam").out.splitlines() if "(sam)" in line]
    rows = re.findall(r"\| (?:bicubic|sam_small_x8) \| ([\d.]+) ", (presets.find("sam").folder / "README.md").read_text())
    bicubic, ours = map(float, rows[:2])  # of the first table
    assert float(row.split()[-2]) == pytest.approx(ours - bicubic, abs=0.011)


def test_models_as_json_have_all_that_is_known(facesr, catalogue):
    listed = json.loads(facesr("models", "--json", "-").out)
    assert [entry["name"] for entry in listed] == fsr.list_models()
    on_disk = json.loads((catalogue / "nearest_x4" / "config.json").read_text())
    assert listed[0] == {**on_disk, "aliases": ["near"], "exports": {}}


# facesr upscale


def test_upscale_writes_stem_and_model_and_says_so(facesr, catalogue, face, tmp_path):
    result = facesr("upscale", face, "-o", tmp_path / "new" / "out", "--model", "near")
    target = tmp_path / "new" / "out" / "face_near.png"
    assert (result.code, result.out, result.err) == (0, f"{face} -> {target}\n", "")
    np.testing.assert_array_equal(np.asarray(Image.open(target)), FACE.repeat(4, 0).repeat(4, 1))
    assert list(target.parent.iterdir()) == [target]


def test_an_existing_output_stays_unless_overwriting_is_allowed(facesr, catalogue, face, tmp_path):
    target = tmp_path / "out" / "face_near.png"
    target.parent.mkdir()
    target.write_bytes(b"precious")
    refused = facesr("upscale", face, "-o", target.parent, "--model", "near")
    assert refused.code == 1 and refused.err.count("\n") == 1 and f"{target}: exists already" in refused.err
    assert target.read_bytes() == b"precious"
    assert facesr("upscale", face, "-o", target.parent, "--model", "near", "--overwrite").code == 0
    assert Image.open(target).size == (64, 64)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    "arguments",
    [
        "upscale FACE -o OUT",
        "upscale --demo -o OUT",
        "compare FACE -o OUT",
        "upscale FACE -o FOLDER --json OUT",
        "upscale FACE -o FOLDER --json OUT --skip-existing",
        "video FACE -o FILM --json OUT --resume",
        "models --json OUT",
    ],
)
def test_an_answer_that_exists_already_ends_every_command_alike(arguments, facesr, catalogue, face, tmp_path):
    paths = {"FACE": face, "OUT": tmp_path / "out.png", "FOLDER": tmp_path / "folder", "FILM": tmp_path / "film.mp4"}
    paths["OUT"].write_bytes(b"precious")
    how = () if arguments.startswith(("models", "video")) else ("--model", "near")
    refused = facesr(*(paths.get(argument, argument) for argument in arguments.split()), *how)
    assert refused.code == 1, "2 would say that the call is wrong, and it was right the first time"
    assert refused.err.count("\n") == 1 and "out.png: exists already" in refused.err
    replaces_nothing = arguments.endswith(("--skip-existing", "--resume"))
    assert ("give --json another name" if replaces_nothing else "--overwrite replaces it") in refused.err
    assert paths["OUT"].read_bytes() == b"precious" and not paths["FOLDER"].exists()


def test_an_output_that_fails_halfway_leaves_the_old_file_alone(facesr, catalogue, face, tmp_path, monkeypatch):
    target = tmp_path / "out" / "face_near.png"
    target.parent.mkdir()
    target.write_bytes(b"precious")

    def full_disk(path, *args, **kwargs):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(png, "save", full_disk)
    result = facesr("upscale", face, "-o", target.parent, "--model", "near", "--overwrite")
    assert result.code == 1 and result.err.count("\n") == 1 and "No space left" in result.err
    assert [path.read_bytes() for path in target.parent.iterdir()] == [b"precious"]


def test_keras_is_started_quietly_before_it_is_asked_which_model_draws(facesr, catalogue, face, tmp_path, monkeypatch):
    happened = []
    monkeypatch.setattr(networks, "start_keras", lambda debug: happened.append("started"))
    monkeypatch.setattr(presets.Preset, "is_stochastic", property(lambda preset: happened.append("asked") or True))
    assert facesr("upscale", face, "-o", tmp_path / "out", "--model", "noisy_x4", "--samples", 2).code == 0
    assert happened[:2] == ["started", "asked"]


def test_samples_are_numbered_differ_and_follow_the_seed(facesr, catalogue, face, tmp_path):
    def run(folder, seed):
        out, how = tmp_path / folder, ("--model", "noisy_x4", "--samples", 3, "--seed", seed)
        assert facesr("upscale", face, "-o", out, *how).code == 0
        return {path.name: path.read_bytes() for path in out.iterdir()}

    first, again, other = run("first", 5), run("again", 5), run("other", 6)
    assert sorted(first) == [f"face_noisy_x4_{k}.png" for k in (1, 2, 3)]
    assert first == again and first != other
    assert len(set(first.values())) == 3


def test_tiles_are_the_size_that_is_asked_for(facesr, catalogue, tmp_path, monkeypatch):
    from stand_ins import Nearest

    Image.fromarray(astronaut()[:40, :56]).save(tmp_path / "large.png")
    sizes = []
    call = Nearest.call
    watched = lambda model, lr: sizes.append(tuple(lr.shape)) or call(model, lr)  # noqa: E731
    monkeypatch.setattr(Nearest, "call", watched)
    picture, out = tmp_path / "large.png", tmp_path / "out"
    assert facesr("upscale", picture, "-o", out, "--model", "near", "--tile", 32).code == 0
    assert set(sizes) == {(1, 32, 32, 3)} and len(sizes) > 1
    large = np.asarray(Image.open(tmp_path / "out" / "large_near.png"))
    np.testing.assert_array_equal(large, astronaut()[:40, :56].repeat(4, 0).repeat(4, 1))


def test_what_was_done_and_what_failed_is_told_as_json(facesr, catalogue, faces, tmp_path):
    told = tmp_path / "did.json"
    result = facesr("upscale", faces, "-o", tmp_path / "out", "--model", "near", "--json", told)
    assert result.code == 1
    report = json.loads(told.read_text())
    assert (report["model"], report["scale"], report["runtime"]) == ("nearest_x4", 4, "keras")
    assert [Path(entry["input"]).name for entry in report["done"]] == ["0.png", "1.png", "2.png", "3.png"]
    assert report["done"][0]["outputs"] == [str(tmp_path / "out" / "0_near.png")]
    assert [entry["input"] for entry in report["failed"]] == [str(faces / "broken.png")]
    assert report["failed"][0]["error"] in result.err


def test_a_dash_prints_json_alone_to_stdout(facesr, catalogue, face, tmp_path):
    result = facesr("upscale", face, "-o", tmp_path / "out", "--model", "near", "--json", "-")
    assert json.loads(result.out)["failed"] == []


def test_a_name_is_printed_as_it_is_but_in_one_line(facesr, catalogue, tmp_path):
    names = ("two  spaces.png", "two\nlines.png")
    *told, summary = facesr("upscale", *(tmp_path / name for name in names), "-o", tmp_path, "--model", "near").err.splitlines()
    assert told == [f"facesr: {tmp_path}/two  spaces.png: no such file", f"facesr: {tmp_path}/two lines.png: no such file"]


def test_an_error_nobody_expected_is_one_line_with_the_name_and_the_others_are_done(
    facesr, catalogue, faces, tmp_path, monkeypatch
):
    from keras_facesr.inference import many

    enlarge, second = many.enlarge_in_passes, astronaut()[62:126, 190:254]

    def fails_once(model, lr):
        if any(np.array_equal(image, second) for image in lr):
            raise RuntimeError("out of\nluck")
        return enlarge(model, lr)

    monkeypatch.setattr(many, "enlarge_in_passes", fails_once)
    result = facesr("upscale", faces, "-o", tmp_path / "out", "--model", "near")
    assert result.code == 1
    assert f"{faces / '2.png'}: RuntimeError: out of luck" in result.err.splitlines()[0]
    assert result.err.count("\n") == 3  # the others are broken.png's and the count
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["0_near.png", "1_near.png", "3_near.png"]


def test_debug_shows_the_traceback_and_nothing_else_does(facesr, catalogue, tmp_path):
    arguments = ("upscale", tmp_path / "absent.png", "-o", tmp_path / "out", "--model", "near")
    assert "Traceback" not in facesr(*arguments).err
    assert "Traceback" in facesr(*arguments, "--debug").err


def test_a_file_name_that_is_not_text_is_done_too(facesr, catalogue, tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    Image.fromarray(FACE).save(tmp_path / name)
    report = tmp_path / "did.json"
    result = facesr("upscale", tmp_path / name, "-o", tmp_path / "out", "--model", "near", "--json", report)
    assert (result.code, result.err) == (0, "")
    assert json.loads(report.read_text())["done"][0]["input"] == str(tmp_path / name)


def test_nothing_moves_on_stderr_where_no_terminal_watches(facesr, catalogue, face, tmp_path, monkeypatch):
    monkeypatch.setattr(console, "PATIENCE", 0)
    assert facesr("upscale", face, "-o", tmp_path / "out", "--model", "near").err == ""


def test_a_terminal_sees_a_bar_once_work_takes_long(facesr, catalogue, face, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    monkeypatch.setattr(console, "PATIENCE", 0)
    assert "upscale" in facesr("upscale", face, "-o", tmp_path / "a", "--model", "near").err
    monkeypatch.setattr(console, "PATIENCE", 60)
    assert "upscale" not in facesr("upscale", face, "-o", tmp_path / "b", "--model", "near").err


# facesr upscale --demo


def test_the_demonstration_writes_one_picture_and_prints_its_gain(facesr, catalogue, tmp_path):
    report = tmp_path / "demo.json"
    result = facesr("upscale", "--demo", "-o", tmp_path / "out", "--model", "near", "--json", report)
    figures = json.loads(report.read_text())
    assert result.code == 0 and result.err == ""
    assert f"gain of near over bicubic: {figures['gain_db']:+.2f} dB" in result.out
    assert set(figures) == {"model", "runtime", "output", "scale", "hr_size", "bicubic", "near", "gain_db"}
    assert figures["gain_db"] == pytest.approx(figures["near"]["psnr"] - figures["bicubic"]["psnr"])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["demo_near.png"]
    width, height = Image.open(tmp_path / "out" / "demo_near.png").size
    assert width > 3 * height


def test_the_demonstration_overwrites_nothing(facesr, catalogue, tmp_path):
    (tmp_path / "demo_near.png").write_bytes(b"precious")
    assert facesr("upscale", "--demo", "-o", tmp_path, "--model", "near").code == 1
    assert (tmp_path / "demo_near.png").read_bytes() == b"precious"


def test_the_demonstration_of_the_released_model_gains_over_bicubic(facesr, tmp_path):
    result = facesr("upscale", "--demo", "-o", tmp_path, "--json", "-")
    assert result.code == 0
    assert json.loads(result.out)["gain_db"] > 1


def test_a_network_for_digits_is_not_shown_on_a_face(facesr, tmp_path):
    result = facesr("upscale", "--demo", "-o", tmp_path, "--model", "varsr_x4_plates")
    assert result.code == 2 and result.err.count("\n") == 1
    assert "varsr_x4_plates was not made for faces" in result.err and not list(tmp_path.iterdir())


# facesr evaluate


def test_evaluate_measures_what_is_readable_and_names_the_rest(facesr, catalogue, faces, tmp_path):
    result = facesr("evaluate", faces, "--model", "near,noisy_x4", "--json", tmp_path / "report.json")
    assert result.code == 1
    assert result.err.count("\n") == 1 and "broken.png" in result.err
    report = json.loads((tmp_path / "report.json").read_text())
    protocol = report["protocol"]
    assert (report["images"], protocol["hr_size"], protocol["colour"]) == (4, 64, "RGB")
    assert list(report["models"]) == ["bicubic", "near", "noisy_x4"]
    assert set(report["models"]["near"]) == {"psnr", "ssim", "sharpness", "detail"}
    assert f"{report['models']['near']['psnr']:.2f}" in result.out


@pytest.mark.parametrize("models", ["near,noisy_x4", "near --model noisy_x4", "near --model noisy_x4,near --model near"])
def test_evaluate_measures_every_model_that_is_named(facesr, catalogue, faces, models):
    result = facesr("evaluate", faces, "--limit", 1, "--json", "-", "--model", *models.split())
    assert list(json.loads(result.out)["models"]) == ["bicubic", "near", "noisy_x4"]


def test_evaluate_judges_samples_of_stochastic_models(facesr, catalogue, faces):
    (faces / "broken.png").unlink()
    options = ("--samples", 3, "--limit", 2, "--json", "-")
    result = facesr("evaluate", faces, "--model", "near,noisy_x4", *options)
    assert (result.code, result.err) == (0, "")
    report = json.loads(result.out)
    assert report["images"] == 2
    assert set(report["models"]["near"]) == {"psnr", "ssim", "sharpness", "detail", "consistency"}
    assert {"psnr_best", "ssim_best", "diversity", "consistency"} < set(report["models"]["noisy_x4"])
    assert "diversity_face" not in report["models"]["noisy_x4"]  # where faces lie in a plain folder is not known


def test_evaluate_takes_no_judge_that_is_none(facesr, catalogue, faces):
    result = facesr("evaluate", faces, "--model", "near", "--judge", "noisy_x4")
    assert result.code == 2
    wanted = "face attributes or digit reading"
    assert result.err == f"facesr: noisy_x4 is for super-resolution, not for {wanted}; `facesr models` lists all\n"


def test_evaluate_reads_digits_in_folders_of_digits_and_nowhere_else(facesr, catalogue, faces, tmp_path):
    for digit, level in ((1, 40), (1, 90), (7, 200)):
        folder = tmp_path / "digits" / "test" / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 20), level, np.uint8)).save(folder / f"{level}.png")
    options = ("--model", "noisy_x4", "--hr-size", 16, "--samples", 2, "--judge", "one_x1", "--json", "-")
    report = json.loads(facesr("evaluate", tmp_path / "digits", *options).out)
    assert (report["images"], report["protocol"]["reader"]) == (3, "one_x1")
    assert report["models"]["noisy_x4"]["digits_best"] == pytest.approx(2 / 3)
    result = facesr("evaluate", faces, *options)
    assert (result.code, result.err) == (2, f"facesr: one_x1 reads digits, and {faces} holds none\n")


def test_evaluate_judges_real_small_faces_beside_clean_ones(facesr, catalogue, faces, monkeypatch, tmp_path):
    class Eye:
        name = "eye"

        def see(self, images):
            pixels = images.astype(float)
            return [pixels, pixels**2], pixels.reshape(len(images), -1)[:, ::1000]

    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(evaluate, "_judge", lambda args, faces: {"judge": Eye()})
    options = ("--judge", "eye", "--clean", faces, "--json", "-")
    result = facesr("evaluate", faces, "--model", "near,noisy_x4", *options)
    report = json.loads(result.out)
    *_, broken, summary = result.err.splitlines()
    assert result.code == 1 and broken.endswith("broken.png: left out, it cannot be read as a picture")
    assert [entry["input"] for entry in report["failed"]] == [str(faces / "broken.png")] * 2
    assert summary == "facesr: 2 pictures are left out"
    assert (report["images"], report["protocol"]["clean"], report["protocol"]["lr_size"]) == (4, 4, [16, 16])
    near, noisy, bicubic = (report["models"][name]["frechet"] for name in ("near", "noisy_x4", "bicubic"))
    assert near == noisy > 0 and bicubic != near


def test_oblong_digits_are_not_judged_as_small_faces(facesr, faces):
    result = facesr("evaluate", faces, "--model", "varsr_x4_plates", "--judge", "face_features", "--clean", faces)
    assert result.code == 2 and "--hr-size N is the side of the enlarged faces here" in result.err
    assert result.err.count("\n") == 1


def test_evaluate_takes_the_size_the_colour_and_the_reduction_that_it_is_told(facesr, catalogue, faces):
    options = ("--hr-size", 32, "--colour", "luma", "--degradation", "aliased", "--json", "-")
    protocol = json.loads(facesr("evaluate", faces, "--model", "near", *options).out)["protocol"]
    assert (protocol["hr_size"], protocol["colour"]) == (32, "BT.601 luma")
    assert protocol["degradation"] == "bicubic without antialiasing (a = -0.5)"


def test_evaluate_cuts_the_faces_as_another_set_has_them(facesr, catalogue, tmp_path):
    celeba = stand_in_data.lay_out(tmp_path) / "celeba"
    cut, whole = (
        json.loads(facesr("evaluate", celeba, "--model", "near", "--json", "-", *options).out)
        for options in (("--framing", "utkface"), ())
    )
    left, top, side = square("utkface", within="celeba")
    assert f"centre square {side:.3f} of its side, from {left:.3f} of it on the left and {top:.3f}" in cut["protocol"]["crop"]
    assert whole["protocol"]["crop"].startswith("centre square;") and cut["models"]["near"] != whole["models"]["near"]
    wider = facesr("evaluate", celeba, "--model", "near", "--framing", "lfw")
    assert wider.code == 2 and "--framing lfw: pictures of celeba show too little round the face" in wider.err


def test_evaluate_says_that_its_answers_are_means_with_those_to_mirror_images(facesr, catalogue, faces):
    plain, both = (
        json.loads(facesr("evaluate", faces, "--model", "near", "--json", "-", *options).out)
        for options in ((), ("--ensemble",))
    )
    assert both["protocol"] == {**plain["protocol"], "ensemble": "means over the picture and its mirror image"}
    assert both["models"] == plain["models"], "nearest neighbours know neither left nor right"


def test_evaluate_without_its_data_says_so_in_one_line(facesr, catalogue, tmp_path):
    result = facesr("evaluate", tmp_path / "absent", "--model", "near")
    assert result.code == 1
    assert result.err.count("\n") == 1 and str(tmp_path / "absent") in result.err


# facesr train


def test_train_passes_its_arguments_on(facesr, monkeypatch, tmp_path):
    import types

    calls = []
    training = types.SimpleNamespace(train=lambda *positional, **named: calls.append((positional, named)))
    monkeypatch.setitem(sys.modules, "keras_facesr.training.run", training)
    run = tmp_path / "run"
    (tmp_path / "1_0_0_20170109000000000.jpg").touch()  # a face of UTKFace, by its name
    ended = facesr("train", "srcnn_x8_utkface", tmp_path, "--out", run, "--epochs", 2, "--resume")
    assert (ended.code, ended.out) == (0, f"{run}: has ended; the folder can be given as the name of a model\n")
    how = {"epochs": 2, "resume": True, "strategy": "auto", "degradation": None, "precision": None, "accumulation": None}
    assert calls == [(("srcnn_x8_utkface", str(tmp_path), str(run)), how)]


def test_export_passes_its_arguments_on_and_tells_how_near_the_file_came(facesr, catalogue, faces, monkeypatch, tmp_path):
    calls = []

    def export(model, path, format, **how):
        calls.append((type(model).__name__, path, format, how))
        return {"bytes": 2_500_000, "images": 1, "psnr": 41.234}

    from keras_facesr.exporting import write

    monkeypatch.setattr(write, "export", export)
    (faces / "broken.png").unlink()
    out = tmp_path / "near.tflite"
    result = facesr("export", "near", out, "--quantize", "int8", "--size", 16, "--calibration", faces)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{out}: 2.5 MB, 41.2 dB from the Keras model on 1 image\n"
    ((name, path, format, how),) = calls
    assert (name, path, format) == ("Nearest", str(out), None)
    assert how["calibration"].shape == (4, 16, 16, 3) and how["size"] == (16, 16)
    assert (how["quantize"], how["sampler"]) == ("int8", False)


@pytest.mark.parametrize("text, size", [("16", (16, 16)), ("4x2", (4, 2))])
def test_the_one_size_of_a_file_is_a_side_or_height_and_width(facesr, catalogue, monkeypatch, tmp_path, text, size):
    sizes = []
    monkeypatch.setattr("keras_facesr.exporting.write.export", lambda *_, size, **__: sizes.append(size) or {})
    assert facesr("export", "near", tmp_path / "near.tflite", "--size", text, "--json", "-").code == 0
    assert sizes == [size]


@pytest.mark.parametrize(
    "text, reason",
    [("0", "'0' is not a whole number above 0"), ("4x2x3", "neither a side nor HxW"), ("16x", "'16x' is neither")],
)
def test_what_is_no_size_is_a_wrong_call(facesr, tmp_path, text, reason):
    result = facesr("export", "near", tmp_path / "near.tflite", "--size", text)
    assert result.code == 2 and reason in result.err and result.err.count("\n") == 1


@pytest.mark.parametrize("setting", ['residual_scaling="0.1"', "residual_scaling=true", 'mean=[1, "0"]', "steps=", "0.1"])
def test_what_is_no_number_is_no_setting_of_an_imported_network(facesr, setting):
    result = facesr("import", "net.pth", "-o", "mine", "--set", setting)
    assert result.code == 2 and "is not NAME=VALUE, such as residual_scaling=0.1" in result.err and result.err.count("\n") == 1


@pytest.mark.parametrize(
    "command, words", [("photo", "'quoted/*/pattern.jpg' or list.txt"), ("train", "or folder of those that the recipe names")]
)
def test_the_help_names_all_that_a_command_takes(facesr, command, words):
    assert words in " ".join(facesr(command, "--help").out.split())


def test_an_import_into_a_run_is_refused_without_a_word_on_overwriting_which_would_not_help(facesr, tmp_path):
    (tmp_path / "run").mkdir()
    for file in ("net.pth", "run/recipe.json", "run/config.json"):
        (tmp_path / file).touch()
    refused = facesr("import", tmp_path / "net.pth", "-o", tmp_path / "run")
    assert (refused.code, refused.err) == (1, f"facesr: {tmp_path / 'run'}: holds a training run; name another folder\n")


@pytest.mark.parametrize("limit, used, code", [(3, (0, 1, 3), 0), (200, (0, 1, 2, 3), 1)])
def test_int8_is_calibrated_on_faces_from_the_whole_folder(facesr, catalogue, faces, monkeypatch, tmp_path, limit, used, code):
    calibration = []
    monkeypatch.setattr("keras_facesr.exporting.write.export", lambda *_, **how: calibration.append(how["calibration"]) or {})
    monkeypatch.setattr("keras_facesr.exporting.write.CALIBRATION_IMAGES", limit)
    how = ("--quantize", "int8", "--size", 16, "--calibration", faces, "--json", "-")
    result = facesr("export", "near", tmp_path / "near.tflite", *how)
    expected = [Image.open(faces / f"{k}.png").resize((16, 16), Image.Resampling.BICUBIC) for k in used]
    np.testing.assert_array_equal(calibration, [np.stack(expected)])
    assert result.code == code and ("broken.png" in result.err) == bool(code)
    assert [entry["input"] for entry in json.loads(result.out)["failed"]] == [str(faces / "broken.png")] * code


def test_an_exported_file_stays_unless_overwriting_is_allowed(facesr, catalogue, monkeypatch, tmp_path):
    allowed = []
    monkeypatch.setattr("keras_facesr.exporting.write.export", lambda *_, overwrite, **__: allowed.append(overwrite) or {})
    (tmp_path / "near.tflite").touch()
    call = ("export", "near", tmp_path / "near.tflite", "--json", "-")
    refused = facesr(*call)
    assert refused.code == 1 and refused.err.endswith("near.tflite: exists already; --overwrite replaces it\n")
    assert facesr(*call, "--overwrite").code == 0 and allowed == [True]


@pytest.mark.parametrize("options", [("--quantize", "int8"), ("--quantize", "int8", "--size", 16)])
def test_int8_without_faces_or_size_is_a_wrong_call(facesr, catalogue, tmp_path, options):
    result = facesr("export", "near", tmp_path / "near.tflite", *options)
    assert result.code == 2 and "--calibration DIR" in result.err and result.err.count("\n") == 1


def test_calibration_of_what_is_not_int8_is_a_wrong_call(facesr, catalogue, faces, tmp_path):
    result = facesr("export", "near", tmp_path / "near.tflite", "--calibration", faces)
    assert (result.code, result.err) == (2, "facesr: --calibration is for --quantize int8 alone\n")


def test_a_run_that_cannot_start_is_a_wrong_call(facesr, tmp_path):
    result = facesr("train", "no_such_recipe", tmp_path, "--out", tmp_path / "run")
    assert result.code == 2
    assert result.err.count("\n") == 1 and "no_such_recipe" in result.err


def test_an_empty_argument_is_not_taken_for_the_folder_one_is_in(facesr, tmp_path):
    without_out = ("upscale", "face.png", "-o", ""), ("upscale", "face.png", "--out=")
    for call in (("upscale", "", "-o", tmp_path), *without_out, ("evaluate", "", "--model", "sam")):
        result = facesr(*call)
        assert (result.code, result.err) == (
            2,
            "facesr: an argument is empty, perhaps by a variable that is not set (see facesr --help)\n",
        )


def test_an_interrupted_command_says_so_without_a_traceback(facesr, catalogue, monkeypatch):
    monkeypatch.setattr(presets, "list_models", lambda pattern: signal.raise_signal(signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs lack
    try:
        result = facesr("models")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (result.code, result.err) == (130, "facesr: stopped\n")
