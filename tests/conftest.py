"""What several test files share: a catalogue of stand-in models, and the command line run in this process."""

import hashlib
import json
import os
import sys
from dataclasses import dataclass

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # processes that tests start find what the tests do


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def facesr(capsys):
    """Run ``facesr ARGUMENTS`` and return its exit code and what it printed."""
    from keras_facesr.cli import main

    def run(*arguments):
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            code = leaving.code
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def stand_in_catalogue(tmp_path_factory):
    """A ``saved_models`` folder with nearest_x4 (alias ``near``), noisy_x4, noisy_x2, and a reader of digits, one_x1."""
    import stand_ins

    root = tmp_path_factory.mktemp("saved_models")
    for class_name, scale in (("Nearest", 4), ("Noisy", 4), ("Noisy", 2), ("One", None)):
        name = f"{class_name.lower()}_x{scale or 1}"
        folder = root / name
        folder.mkdir()
        config = {"scale": scale} if scale else {}
        model = getattr(stand_ins, class_name)(**config)
        model.build((None, None, None, 3))
        weights = folder / "model.weights.h5"
        model.save_weights(weights)
        sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        entry = {
            "name": name,
            "class": class_name,
            "task": "super-resolution" if scale else "digit reading",
            "config": config,
            "scale": scale,
            "hr_size": 64 if scale else None,
            "parameters": 1,
            "weights": {"file": weights.name, "sha256": sha256, "url": None},
            "description": "nearest neighbour",
            "data": "none",
            "terms": "none",
            "recipe": "none",
            "figures": {},
        }
        (folder / "config.json").write_text(json.dumps(entry))
    return root


@pytest.fixture
def catalogue(stand_in_catalogue, monkeypatch):
    """``keras_facesr.presets`` with the stand-ins in place of the released models."""
    from keras_facesr import classes, presets

    monkeypatch.setattr(presets, "CATALOGUE", stand_in_catalogue)
    monkeypatch.setattr(presets, "ALIASES", {"near": "nearest_x4"})
    monkeypatch.setattr(classes, "MODEL_CLASSES", {name: "stand_ins" for name in ("Nearest", "Noisy", "One")})
    monkeypatch.setattr(presets.Preset, "own_size", None)  # they do as well with any
    return stand_in_catalogue
