"""Machines that are not a developer's own: no home, proxies, a disk that takes nothing, another Keras than ours."""

import errno
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import keras_facesr as fsr
from keras_facesr.data import files
from keras_facesr.importing import imported

ROOT = Path(fsr.__file__).parents[1]
NO_ENTRY = """
import pwd, sys
def unknown(uid): raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = unknown
"""
CALL = "from keras_facesr.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def face(tmp_path):
    Image.fromarray(np.full((16, 16, 3), 99, np.uint8)).save(tmp_path / "face.png")
    return tmp_path / "face.png"


def homeless(cwd, *arguments, code=CALL, **environment):
    """Python in a process of a user whom the system does not know, as ``docker run --user 12345`` starts it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "KERAS_FACESR_CACHE")}
    command = [sys.executable, "-c", NO_ENTRY + code, *map(str, arguments)]
    paths = os.pathsep.join([str(ROOT), *sys.path])
    environment = {**kept, "PYTHONPATH": paths, **environment}
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)


# Homes and caches.


def test_a_user_without_a_home_enlarges(face, tmp_path):
    run = homeless(tmp_path, "upscale", face, "-o", "out")
    assert (run.returncode, run.stderr) == (0, "") and (tmp_path / "out" / "face_sam.png").exists()
    told = homeless(tmp_path, "upscale", face, "-o", "out", "--runtime", "onnx")
    assert told.returncode == 1 and told.stderr == (
        "facesr: this user has no home folder: set KERAS_FACESR_CACHE to a folder to keep things in\n"
    )


@pytest.mark.slow
def test_keras_starts_without_a_home(face, tmp_path):
    code = "import keras_facesr as fsr; print(fsr.load('srcnn_x4').upscale(sys.argv[1]).shape)"
    run = homeless(tmp_path, face, code=code)
    assert run.stdout == "(64, 64, 3)\n", run.stderr
    assert list(tmp_path.iterdir()) == [face], "no folder called ~"


def test_a_home_that_may_not_be_looked_into_is_none(monkeypatch, tmp_path, facesr, face):
    """As /root for a container's other users, who have its name in HOME."""

    def forbidden(path, *arguments, **how):
        if str(path).startswith(str(tmp_path / "root")):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *arguments, **how)

    stat = os.stat
    monkeypatch.setattr(os, "stat", forbidden)
    monkeypatch.setenv("HOME", str(tmp_path / "root"))
    monkeypatch.delenv("KERAS_FACESR_CACHE", raising=False)
    result = facesr("upscale", face, "-o", tmp_path / "out", "--model", "srcnn_x4")
    assert (result.code, result.err) == (0, "")


def test_a_cache_that_cannot_be_written_is_named_before_anything_is_decoded(face, tmp_path, monkeypatch):
    from keras_facesr.data import cache
    from keras_facesr.data.datasets import folder

    monkeypatch.setattr(cache, "read_picture", lambda file: pytest.fail("decoded"))
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(face / "cache"))
    with pytest.raises(fsr.FacesrError, match=r"face.png/cache: cannot write .*Not a directory.*set KERAS_FACESR_CACHE to a"):
        cache.decoded(folder(tmp_path), 16)
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(files.os, "posix_fallocate", full_disk)
    with pytest.raises(fsr.FacesrError, match="No space left on device"):
        cache.decoded(folder(tmp_path), 16)


def test_a_cache_that_may_only_be_read_is_read(face, tmp_path, monkeypatch):
    from keras_facesr.data.cache import decoded
    from keras_facesr.data.datasets import folder

    before, _ = decoded(folder(tmp_path), 16, cache_dir=tmp_path / "cache", progress=False)
    monkeypatch.setattr(files.os, "posix_fallocate", lambda *_: pytest.fail("written to"))
    again, _ = decoded(folder(tmp_path), 16, cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(before, again)


def test_a_set_whose_name_is_as_long_as_names_can_be_is_decoded(face, tmp_path):
    from keras_facesr.data.cache import decoded
    from keras_facesr.data.datasets import folder

    long = tmp_path / ("顔" * (os.pathconf(tmp_path, "PC_NAME_MAX") // 3))
    long.mkdir()
    face.rename(long / "face.png")
    assert decoded(folder(long), 16, cache_dir=tmp_path / "cache", progress=False)[0].shape == (1, 16, 16, 3)


# Disks that take nothing.


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("arguments", ["models", "upscale face.png -o out --model near", "evaluate . --model near"])
@pytest.mark.parametrize("what, reason", [("full", "No space left on device"), ("place", "Not a directory")])
def test_a_report_that_cannot_be_written_is_named_before_the_work(
    facesr, catalogue, face, tmp_path, monkeypatch, arguments, what, reason
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fsr.presets, "load", lambda name: pytest.fail("loaded"))
    if what == "full":
        monkeypatch.setattr(files.os, "posix_fallocate", full_disk)
    target = "report.json" if what == "full" else "face.png/report.json"
    result = facesr(*arguments.split(), "--json", target)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"facesr: {target}: cannot be written ({reason}); make room, or choose another place\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.png"]


def test_a_report_is_not_written_over_a_folder(facesr, catalogue, tmp_path):
    result = facesr("models", "--json", tmp_path)
    assert (result.code, result.err) == (2, f"facesr: {tmp_path}: is a folder; --json takes a file\n")


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot be asked for room")
def test_the_system_is_asked_for_room(tmp_path):
    """A limit of a process's own is as a disk of that size."""
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));" + CALL
    command = [sys.executable, "-c", code, "models", "--json", str(tmp_path / "models.json")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "models.json: cannot be written (File too large)" in run.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", ["upscale face.png -o face.png/out", "upscale --demo -o face.png/out/demo.png"])
def test_pictures_that_could_not_be_written_are_not_enlarged(facesr, catalogue, face, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fsr.presets, "load", lambda name: pytest.fail("loaded"))
    result = facesr(*arguments.split(), "--model", "near")
    assert result.code == 1 and result.err.count("\n") == 1 and "cannot be written (Not a directory)" in result.err


def test_an_export_that_could_not_be_written_is_not_begun(facesr, catalogue, tmp_path, monkeypatch):
    from keras_facesr.exporting import write

    monkeypatch.setattr(write, "_write_tflite", lambda *_: pytest.fail("begun"))
    (tmp_path / "file").touch()
    result = facesr("export", "near", tmp_path / "file" / "near.tflite")
    assert result.code == 1 and result.err.count("\n") == 1
    assert "near.tflite: cannot be written (Not a directory)" in result.err
    monkeypatch.setattr(files.os, "posix_fallocate", full_disk)
    result = facesr("export", "near", tmp_path / "near.tflite")
    assert result.code == 1 and "near.tflite: cannot be written (No space left on device)" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# Another Keras than ours.


@pytest.fixture
def keras_json(tmp_path):
    """Write a ``keras.json``; returns the environment in which Keras reads it."""

    def write(**settings):
        (tmp_path / "keras").mkdir()
        (tmp_path / "keras" / "keras.json").write_text(json.dumps(settings))
        return {**os.environ, "KERAS_HOME": str(tmp_path / "keras")}

    return write


def python(code, *arguments, environment):
    command = [sys.executable, "-c", "import sys\n" + code, *map(str, arguments)]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_backend_that_is_not_installed_is_one_line(keras_json, face, tmp_path):
    environment = keras_json(backend="openvino")
    environment.pop("KERAS_BACKEND", None)
    call = ("upscale", face, "-o", tmp_path / "out", "--runtime", "keras")
    run = python(CALL, *call, environment=environment)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "(No module named 'openvino')" in run.stderr and "set KERAS_BACKEND=tensorflow" in run.stderr


def test_the_command_line_sets_keras_as_it_needs_it(facesr, catalogue, face, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(keras.config, "image_data_format", lambda: "channels_first")
        with pytest.raises(fsr.FacesrError, match="Keras is set to channels_first"):
            importlib.reload(importlib.import_module("keras_facesr.backend"))
    try:
        keras.config.set_image_data_format("channels_first")
        assert facesr("upscale", face, "-o", tmp_path / "out", "--model", "near").code == 0
        assert keras.config.image_data_format() == "channels_last"
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.slow
def test_images_with_channels_first_are_keras_own_matter(keras_json, face, tmp_path):
    environment = keras_json(image_data_format="channels_first", floatx="float64")
    code = (
        "import keras_facesr as fsr\n"
        "try: fsr.load('srcnn_x4')\n"
        "except fsr.FacesrError as error: assert 'channels_last' in str(error)\n"
        "else: sys.exit('loaded')\n"
    )
    run = python(code + CALL, *("upscale", face, "-o", tmp_path / "out", "--model", "srcnn_x4"), environment=environment)
    assert run.returncode == 0, run.stderr
    assert Image.open(tmp_path / "out" / "face_srcnn_x4.png").size == (64, 64)


# Extras that are there and broken.


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A package that lacks something of its own."""
    (tmp_path / "broken_extra").mkdir()
    (tmp_path / "broken_extra" / "__init__.py").write_text("import one_more_thing")
    monkeypatch.syspath_prepend(tmp_path)
    return "broken_extra.part"


def test_what_is_installed_and_broken_is_not_called_missing(broken, monkeypatch):
    with pytest.raises(fsr.FacesrError, match="^absent_extra is not installed: pip install 'keras_facesr.litert.'$"):
        imported("absent_extra.part", "litert")
    lacks = r"^broken_extra is installed, but cannot be imported \(No module named 'one_more_thing'\)$"
    with pytest.raises(fsr.FacesrError, match=lacks):
        imported(broken, "litert")


def test_a_broken_runtime_is_passed_over_unless_it_is_asked_for(broken, face, tmp_path, facesr, monkeypatch):
    from keras_facesr.inference.runtimes import LiteRT

    monkeypatch.setattr(LiteRT, "MODULE", broken)
    call = ("upscale", face, "-o", tmp_path / "out", "--model", "srcnn_x4", "--overwrite")
    result = facesr(*call, "--json", "-")
    assert result.code == 0 and json.loads(result.out)["runtime"] == "keras"
    asked = facesr(*call, "--runtime", "litert")
    assert asked.code == 2 and "is installed, but cannot be imported" in asked.err and asked.err.count("\n") == 1
