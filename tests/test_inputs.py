"""What may be given for pictures: folders, patterns, lists, and all of these in an object store."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from keras_facesr.inference.inputs import as_path

NAMES = ("a/1.png", "a/2.png", "b/1.png", "b/.hidden.png", "b/late/1.png")


def picture(level):
    """A PNG file of two pixels of one level."""
    content = io.BytesIO()
    Image.fromarray(np.full((1, 2), level, np.uint8)).save(content, "PNG")
    return content.getvalue()


def levels(folder):
    """Path below the folder -> level of each answer."""
    found = {}
    for path in folder.rglob("*.png"):
        with path.open("rb") as file:
            (found[path.relative_to(folder).as_posix()],) = np.unique(Image.open(file)).tolist()
    return found


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """The folder that one is in, with pictures below ``t``."""
    monkeypatch.chdir(tmp_path)
    for level, name in enumerate(NAMES):
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_bytes(picture(level))
    return tmp_path


@pytest.fixture
def memory():
    """A store in memory, with the same pictures."""
    pytest.importorskip("upath", reason="stores need universal_pathlib: pip install 'keras_facesr[ray]'")
    store = as_path("memory://faces")
    for level, name in enumerate(NAMES):
        (store / "t" / name).write_bytes(picture(level))
    yield store
    store.fs.rm("/", recursive=True)


def test_a_pattern_mirrors_the_tree_below_its_first_wildcard(facesr, catalogue, pictures):
    assert facesr("upscale", "t/*/1.png", "-o", "out", "--model", "near").code == 0
    assert levels(pictures / "out") == {"a/1_near.png": 0, "b/1_near.png": 2}
    assert facesr("upscale", "t/**/*.png", "-o", "all", "--model", "near").code == 0
    assert {*levels(pictures / "all").values()} == {0, 1, 2, 4}, "hidden ones are left out"
    (pictures / "t" / "c[1].png").write_bytes((pictures / "t" / "a" / "2.png").read_bytes())
    assert facesr("upscale", "t/c[1].png", "-o", "named", "--model", "near").code == 0
    assert levels(pictures / "named") == {"c[1]_near.png": 1}, "a picture's own name is no pattern"
    (pictures / "t" / "d [2]").mkdir()
    (pictures / "t" / "d [2]" / "1.png").write_bytes((pictures / "t" / "b" / "1.png").read_bytes())
    assert facesr("upscale", "t/d [2]/*.png", "-o", "bracketed", "--model", "near").code == 0
    assert levels(pictures / "bracketed") == {"1_near.png": 2}, "nor is that of a folder"
    nothing = facesr("upscale", "t/*.jpg", "-o", "out", "--model", "near")
    assert nothing.code == 1 and nothing.err == "facesr: t/*.jpg: no picture there (answers in out are not enlarged again)\n"


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="there ** within a name is *")
@pytest.mark.parametrize("pattern", ["t/**.png", "t/***", "**png"])
def test_two_stars_within_a_name_are_refused_in_a_line(facesr, catalogue, pictures, pattern):
    refused = facesr("upscale", pattern, "-o", "out", "--model", "near")
    assert refused.code == 2 and refused.err.startswith(f"facesr: {pattern}: ** stands for whole folders: write it between")


def test_a_list_is_of_paths_that_are_mirrored_as_they_are_written(facesr, catalogue, pictures):
    (pictures / "list.txt").write_text(f"t/a/1.png\r\n\n../{pictures.name}/t/a/2.png\n{pictures}/t/b/1.png\nt/none.png\n")
    result = facesr("upscale", "list.txt", "-o", "out", "--model", "near")
    assert result.code == 1 and result.err == "facesr: t/none.png: no such file\n"
    absolute = str(pictures).lstrip("/")
    assert levels(pictures / "out") == {
        "t/a/1_near.png": 0,
        f"{pictures.name}/t/a/2_near.png": 1,
        f"{absolute}/t/b/1_near.png": 2,
    }
    refused = facesr("upscale", "list.txt", "-o", "one.png", "--model", "near")
    assert refused.code == 2 and "is for one answer to one picture" in refused.err


def test_a_list_in_utf_16_is_no_list_of_strange_names(facesr, catalogue, pictures):
    (pictures / "list.txt").write_text("t/a/1.png\nt/a/2.png\n", encoding="utf-16")
    refused = facesr("upscale", "list.txt", "-o", "out", "--model", "near")
    assert refused.code == 2 and refused.err.startswith("facesr: list.txt: is a list in UTF-16")
    (pictures / "list.txt").write_text("t/a/1.png\nt/a/2.png\n", encoding="utf-8-sig")
    assert facesr("upscale", "list.txt", "-o", "out", "--model", "near").code == 0


def test_pictures_and_answers_may_lie_in_a_store(facesr, catalogue, pictures, memory):
    unknown = facesr("upscale", "nowhere://x", "-o", "out", "--model", "near")
    assert unknown.code == 2 and unknown.err.startswith("facesr: nowhere://x: ") and unknown.err.count("\n") == 1
    (memory / "t" / "a" / "3.png").write_bytes(b"no picture")
    call = ("upscale", "memory://faces/t", "-o", "memory://faces/out", "--model", "near")
    result = facesr(*call)
    assert result.code == 1 and result.err.startswith("facesr: memory://faces/t/a/3.png: ") and result.err.count("\n") == 1
    whole = {"a/1_near.png": 0, "a/2_near.png": 1, "b/1_near.png": 2, "b/late/1_near.png": 4}
    assert levels(memory / "out") == whole
    assert "exists already" in facesr(*call).err and "4 of 5 pictures" in facesr(*call, "--skip-existing").out
    assert facesr("upscale", "memory://faces/t/*/1.png", "-o", "here", "--model", "near").code == 0
    assert levels(pictures / "here") == {"a/1_near.png": 0, "b/1_near.png": 2}
    (memory / "list.txt").write_text("memory://faces/t/b/late/1.png\nt/a/2.png\n")
    assert facesr("upscale", "memory://faces/list.txt", "-o", "memory://faces/new", "--model", "near").code == 0
    assert levels(memory / "new") == {"faces/t/b/late/1_near.png": 4, "t/a/2_near.png": 1}
    assert facesr("upscale", "t/a/2.png", "-o", "memory://faces/one/big.png", "--model", "near").code == 0
    assert levels(memory / "one") == {"big.png": 1}
    among = ("upscale", "memory://faces/t/b", "-o", "memory://faces/t/b", "--model", "near", "--skip-existing")
    assert facesr(*among).code == facesr(*among).code == 0
    assert {*levels(memory / "t" / "b")} == {".hidden.png", "1.png", "1_near.png", "late/1.png", "late/1_near.png"}
