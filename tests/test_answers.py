"""Where answers go: a name follows from its own picture alone, and what was answered before is known."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_facesr.data.images import SUFFIXES, find_images, is_answer
from keras_facesr.errors import CallError
from keras_facesr.inference import demo_faces, many
from keras_facesr.inference.answers import answer_name, plan


def write(path, level):
    """A gray picture of two pixels; its answer by ``near`` has that level throughout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((1, 2), level, np.uint8)).save(path, lossless=True)
    return path


def levels(folder):
    """Path below ``folder`` -> level of each PNG file."""
    found = {path.relative_to(folder).as_posix(): np.unique(Image.open(path)) for path in folder.rglob("*.png")}
    return {name: int(level) for name, (level,) in found.items()}


@pytest.fixture
def tree(tmp_path):
    """Ten pictures of as many levels; many share a name but for their folder or suffix."""
    names = "1.png 1.webp 1.bmp 1.bmp.png alice/1.png alice/FACE.png alice/face.png bob/1.png bob/1-2.png bob/late/1.png"
    for level, name in enumerate(names.split()):
        write(tmp_path / "t" / name, level)
    return tmp_path / "t"


ANSWERS = (
    "1_near.png 1.webp_near.png 1.bmp_near.png 1.bmp.png_near.png alice/1_near.png alice/FACE_near.png alice/face_near.png "
    "bob/1_near.png bob/1-2_near.png bob/late/1_near.png"
).split()


@pytest.mark.parametrize(
    "picture, number, name",
    [
        ("face.png", None, "face_sam.png"),
        ("a/b/face.png", 3, "face_sam_3.png"),
        ("portrait.jpg", None, "portrait.jpg_sam.png"),
        ("portrait.jpg.png", None, "portrait.jpg.png_sam.png"),
        ("FACE.PNG", None, "FACE.PNG_sam.png"),
        ("v1.2.png", None, "v1.2_sam.png"),
        ("no_suffix", None, "no_suffix_sam.png"),
    ],
)
def test_an_answer_is_named_after_its_picture(picture, number, name):
    assert answer_name(picture, "sam", number) == name


def test_no_two_pictures_of_a_folder_share_a_name():
    endings = [*SUFFIXES, *map(str.upper, SUFFIXES)]
    stems = ["a", "a_sam", "a_1", *(f"a{ending}" for ending in endings)]
    pictures = {stem + ending for stem, ending in itertools.product(stems, endings)}
    for number in (None, 1):
        assert len({answer_name(picture, "sam", number) for picture in pictures}) == len(pictures)


def test_the_tree_of_a_folder_is_mirrored(facesr, catalogue, tree, tmp_path):
    assert facesr("upscale", tree, "-o", tmp_path / "out", "--model", "near").code == 0
    assert levels(tmp_path / "out") == dict(zip(ANSWERS, range(10)))


def test_an_answer_keeps_its_place_whatever_else_is_given(tree, tmp_path):
    before, _ = plan([tree], tmp_path / "out", "near")
    write(tree / "aaron" / "1.png", 99)
    after, _ = plan([write(tmp_path / "0.png", 98), tree, tree / "bob"], tmp_path / "out", "near")
    assert before.items() < after.items() and len(after) == len(before) + 2


def test_pictures_of_several_folders_that_would_share_a_name_are_a_wrong_call(facesr, catalogue, tree, tmp_path):
    inputs, out = (tree / "alice", tree / "bob"), tmp_path / "out"
    result = facesr("upscale", *inputs, "-o", out, "--model", "near")
    assert result.code == 2 and result.err.count("\n") == 1 and not out.exists()
    assert f"{tree / 'alice/1.png'} and {tree / 'bob/1.png'} would both be answered in {out / '1_near.png'}" in result.err
    with pytest.raises(CallError):
        plan(inputs, out, "near", samples=2)


# Going on after an interruption.


def test_an_interrupted_call_goes_on_and_ends_well(facesr, catalogue, tree, tmp_path, monkeypatch):
    call = ("upscale", tree, "-o", tmp_path / "out", "--model", "near")
    enlarge, done = many.enlarge_in_passes, []

    def interrupted(*arguments):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(enlarge(*arguments))
        return done[-1]

    with monkeypatch.context() as patch:
        patch.setattr(many, "MOST", 2)
        patch.setattr(many, "enlarge_in_passes", interrupted)
        stopped = facesr(*call)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.png")}
    assert (stopped.code, len(before)) == (130, 4)
    assert all(f" -> {path}\n" in stopped.out for path in before), "what is written has been told of"
    assert facesr(*call).code == 1, "without being told, an answer that is there is an error"
    for path in set((tmp_path / "out").rglob("*.png")) - set(before):
        path.unlink()
    result = facesr(*call, "--skip-existing")
    assert (result.code, result.err) == (0, "") and result.out.endswith("pictures answered already: 4 of 10\n")
    assert levels(tmp_path / "out") == dict(zip(ANSWERS, range(10)))
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_a_call_that_is_asked_to_end_leaves_nothing_half_written_and_has_told_what_is_done(tmp_path):
    faces, out = tmp_path / "faces", tmp_path / "out"
    faces.mkdir()
    for k, face in enumerate(demo_faces(12, 128)):
        Image.fromarray(face).save(faces / f"{k}.png")
    command = [sys.executable, "-m", "keras_facesr", "upscale", faces, "-o", out, "--model", "cagface"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()  # of a pipe, as soon as it is done
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130
    assert " -> " in first and Path(first.split(" -> ")[1].strip()).is_file()
    assert {path.suffix for path in out.rglob("*") if path.is_file()} == {".png"}


def test_of_some_samples_those_that_are_missing_are_drawn_as_they_would_have_been(facesr, catalogue, tree, tmp_path):
    out = tmp_path / "out"
    call = ("upscale", tree / "1.png", "-o", out, "--model", "noisy_x4", "--samples", 3, "--skip-existing")
    assert facesr(*call).code == 0
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "1_noisy_x4_2.png").unlink()
    result = facesr(*call, "--json", "-")
    assert result.code == 0 and f"{out / '1_noisy_x4_2.png'}" in result.out and "_3.png" not in result.out
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


# The folder of the answers among the pictures.


@pytest.mark.parametrize(("given", "below"), [("", ""), ("", "large"), ("**/*.*", ""), ("**/*.*", "large")])
def test_answers_are_not_enlarged_again_where_they_lie_among_the_pictures(facesr, catalogue, tree, given, below):
    own = write(tree / "anna_near.png", 77)  # of a user who calls pictures so
    call = ("upscale", tree / given, "-o", tree / below, "--model", "near")
    assert facesr(*call).code == 0
    before = levels(tree)
    assert len(before) == 9 + 11 and not is_answer(own)  # .webp and .bmp are not counted
    again = facesr(*call, "--skip-existing")
    assert again.code == 0 and "pictures answered already: 11 of 11" in again.out and levels(tree) == before


def test_a_report_that_is_there_has_a_remedy_where_nothing_is_replaced(facesr, catalogue, tree, tmp_path):
    call = ("upscale", tree / "bob", "-o", tmp_path / "out", "--model", "near", "--json", tmp_path / "report.json")
    assert facesr(*call).code == 0
    again = facesr(*call, "--skip-existing")
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert "give --json another name" in again.err and "--overwrite" not in again.err
    assert facesr(*call[:-1], tmp_path / "again.json", "--skip-existing").code == 0


def test_where_nothing_is_written_no_picture_is_left_out(tree, monkeypatch):
    monkeypatch.chdir(tree / "bob")
    answers, _ = plan([tree], None, "near")
    assert [*answers] == find_images(tree)


def test_an_answer_is_known_by_what_it_says_not_by_its_name(facesr, catalogue, tree):
    call = ("upscale", tree / "bob", "-o", tree / "bob", "--model", "near")
    assert facesr(*call).code == 0
    os.rename(tree / "bob" / "1_near.png", tree / "bob" / "best.png")
    assert facesr(*call, "--skip-existing").code == 0
    assert not (tree / "bob" / "best_near.png").exists() and (tree / "bob" / "1_near.png").exists()


def test_answers_are_enlarged_where_that_is_asked_for(facesr, catalogue, tree, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert facesr("upscale", tree / "bob", "-o", first, "--model", "near").code == 0
    assert facesr("upscale", first, "-o", second, "--model", "near").code == 0
    assert Image.open(second / "late" / "1_near_near.png").size == (32, 16)
    assert facesr("upscale", first / "1_near.png", "-o", first, "--model", "near").code == 0
    (first / "1_near_near.png").unlink()
    nothing = facesr("upscale", first, "-o", first, "--model", "near")
    assert nothing.code == 1 and f"{first}: no picture there (answers in" in nothing.err


# One answer in a file of its own.


def test_no_answer_replaces_a_picture_that_is_to_be_enlarged_too(facesr, catalogue, tmp_path):
    own = tmp_path / "own"
    for level, name in enumerate(("1.png", "1_near.png")):
        write(own / name, level)
    for given in ([own], [own / "1.png", own / "1_near.png"]):
        refused = facesr("upscale", *given, "-o", own, "--model", "near", "--overwrite")
        replaced = f"the answer to {own / '1.png'} would replace {own / '1_near.png'}, which is to be enlarged too"
        assert refused.code == 2 and refused.err == f"facesr: {replaced}: choose another -o\n"
        assert levels(own) == {"1.png": 0, "1_near.png": 1}


def test_an_answer_is_not_written_over_its_own_picture(facesr, catalogue, tmp_path):
    write(tmp_path / "own" / "1.png", 7)
    out = tmp_path / "own" / ".." / "own" / "1.png"
    for how in ([], ["--overwrite"]):
        refused = facesr("upscale", tmp_path / "own" / "1.png", "-o", out, "--model", "near", *how)
        assert refused.code == 2 and refused.err == f"facesr: {out}: is the picture that is read; give another name\n"
    assert levels(tmp_path / "own") == {"1.png": 7}


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_no_answer_replaces_a_picture_that_is_given_by_another_path(facesr, catalogue, tmp_path):
    for level, name in enumerate(("1.png", "1_near.png")):
        write(tmp_path / "own" / name, level)
    (tmp_path / "link").symlink_to(tmp_path / "own", target_is_directory=True)
    given = [tmp_path / "link" / name for name in ("1.png", "1_near.png")]
    refused = facesr("upscale", *given, "-o", tmp_path / "own", "--model", "near", "--overwrite")
    assert refused.code == 2 and "would replace" in refused.err and levels(tmp_path / "own") == {"1.png": 0, "1_near.png": 1}


def test_the_answer_to_one_picture_is_written_to_the_file_that_is_named(facesr, catalogue, tree, tmp_path):
    call = ("upscale", tree / "1.webp", "-o", tmp_path / "new" / "Big.PNG", "--model", "near")
    assert facesr(*call).code == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["Big.PNG"]
    assert Image.open(tmp_path / "new" / "Big.PNG").size == (8, 4)
    again = facesr(*call)
    assert again.code == 1 and "Big.PNG: exists already" in again.err
    assert facesr(*call, "--skip-existing").code == 0 and facesr(*call, "--overwrite").code == 0
    assert facesr("upscale", "--demo", "-o", tmp_path / "demo.png", "--model", "near").code == 0
    assert Image.open(tmp_path / "demo.png").width > 1000


@pytest.mark.parametrize("inputs, options", [("t", ""), ("t/1.png t/1.webp", ""), ("t/1.png", "--samples 1 --model noisy_x4")])
def test_several_answers_need_a_folder(facesr, catalogue, tree, tmp_path, monkeypatch, inputs, options):
    monkeypatch.chdir(tmp_path)
    result = facesr("upscale", *inputs.split(), "-o", "big.png", *(options or "--model near").split())
    assert result.code == 2 and result.err == "facesr: big.png: is for one answer to one picture; for more, -o takes a folder\n"


def test_a_folder_may_be_called_like_a_picture_if_it_is_there(facesr, catalogue, tree, tmp_path):
    refused = facesr("upscale", tree / "1.png", "-o", tmp_path / "big.jpg", "--model", "near")
    assert refused.code == 2 and "only PNG files are written" in refused.err and not (tmp_path / "big.jpg").exists()
    for name in ("big.jpg", "big.png"):
        (tmp_path / name).mkdir()
        assert facesr("upscale", tree / "1.png", "-o", tmp_path / name, "--model", "near").code == 0
        assert [path.name for path in (tmp_path / name).iterdir()] == ["1_near.png"]


# Names as long as names can be.


def test_the_longest_name_is_written_and_a_longer_one_refused_before_the_work(facesr, catalogue, tmp_path, monkeypatch):
    most = os.pathconf(tmp_path, "PC_NAME_MAX")
    fits = write(tmp_path / "t" / ("顔" * ((most - 9) // 3) + "a" * ((most - 9) % 3) + ".png"), 7)
    longer = write(fits.with_name("c" + fits.name), 8)
    enlarge, enlarged = many.enlarge_in_passes, []
    monkeypatch.setattr(many, "enlarge_in_passes", lambda model, lr: enlarged.append(len(lr)) or enlarge(model, lr))
    result = facesr("upscale", tmp_path / "t", "-o", tmp_path / "out", "--model", "near")
    assert result.code == 1 and result.err.count("\n") == 1 and "File name too long" in result.err and longer.stem in result.err
    (written,) = (tmp_path / "out").iterdir()
    assert len(os.fsencode(written.name)) == most and enlarged == [1]


def test_what_stands_in_the_way_of_a_folder_fails_by_name_and_the_others_are_done(facesr, catalogue, tree, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "bob").write_text("a file")
    result = facesr("upscale", tree, "-o", tmp_path / "out", "--model", "near")
    *named, summary = result.err.splitlines()
    assert result.code == 1 and len(named) == 3 and all(f"{tree / 'bob'}/" in line for line in named)
    assert summary == "facesr: 3 of 10 pictures failed"
    assert set(levels(tmp_path / "out")) == {name for name in ANSWERS if not name.startswith("bob/")}
    assert Path(tmp_path / "out" / "bob").read_text() == "a file"
