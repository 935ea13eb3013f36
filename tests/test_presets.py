import hashlib
import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import numpy as np
import pytest
from small_training import arrays

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.degrade import degrade
from keras_facesr.errors import PresetError
from keras_facesr.inference import demo_faces
from keras_facesr.training.recipes.recipe import JUDGE


@pytest.fixture
def edited(catalogue, tmp_path, monkeypatch):
    """Copy nearest_x4 into a catalogue of its own and change its config.json; returns its folder."""
    monkeypatch.setattr(presets, "CATALOGUE", tmp_path / "saved_models")
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))

    def edit(**changes):
        folder = tmp_path / "saved_models" / "nearest_x4"
        shutil.copytree(catalogue / "nearest_x4", folder)
        entry = json.loads((folder / "config.json").read_text())
        for key, value in changes.items():
            entry[key] = {**entry[key], **value} if isinstance(value, dict) else value
        (folder / "config.json").write_text(json.dumps(entry))
        return folder

    return edit


@pytest.fixture
def server(catalogue):
    """Address of an HTTP server that hands out the stand-ins' files."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=catalogue)) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}/nearest_x4"
        http.shutdown()


def test_models_are_listed_sorted_and_without_aliases(catalogue):
    assert fsr.list_models() == ["nearest_x4", "noisy_x2", "noisy_x4", "one_x1"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*x4*", ["nearest_x4", "noisy_x4"]),
        ("noisy_*", ["noisy_x2", "noisy_x4"]),
        ("near", ["nearest_x4"]),
        ("x", []),
    ],
)
def test_a_pattern_matches_names_and_aliases(catalogue, pattern, names):
    assert fsr.list_models(pattern) == names


def test_an_alias_and_its_name_are_the_same_preset(catalogue):
    assert presets.find("near") == presets.find("nearest_x4")
    assert presets.find("near").aliases == ["near"]


@pytest.mark.parametrize("name", ["nearst_x4", "../nearest_x4", "nearest_x4/", ""])
def test_an_unknown_name_is_refused(catalogue, name):
    with pytest.raises(PresetError, match="no model is called"):
        fsr.load(name)


@pytest.mark.parametrize("name", [None, 3, ["near"], b"near"])
def test_what_is_no_name_is_refused_in_one_line(catalogue, name):
    with pytest.raises(PresetError, match="is neither a model's name nor the path of a folder"):
        fsr.load(name)
    with pytest.raises(PresetError, match="is no pattern of names: give text"):
        fsr.list_models(name)


def test_a_folder_that_is_no_ended_run_is_told_from_a_misspelt_name(catalogue, tmp_path, monkeypatch):
    with pytest.raises(PresetError, match="nor is it the folder of a run that has ended"):
        presets.find(tmp_path / "runs")
    (tmp_path / "nears").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PresetError, match="no model is called 'nears', nor is it the folder of a run that has ended"):
        presets.find("nears")
    with pytest.raises(PresetError, match="no model is called 'xyz': facesr models, or list_models"):
        presets.find("xyz")


def test_a_misspelt_name_gets_the_closest_ones(catalogue):
    with pytest.raises(PresetError, match="'NEAR': did you mean near"):
        presets.find("NEAR")
    with pytest.raises(PresetError, match="did you mean nearest_x4"):
        presets.find("nearst_x4")


def test_a_loaded_model_is_built_and_has_the_released_weights(catalogue, tmp_path):
    model = fsr.load("near")
    assert model.built and model.scale == 4
    assert float(model.gain.numpy()) == 1.0


def test_weights_none_is_a_fresh_model_that_needs_no_file(edited):
    folder = edited()
    (folder / "model.weights.h5").unlink()
    assert fsr.load("nearest_x4", weights=None).built


def test_weights_of_ones_own_come_from_a_path(catalogue, tmp_path):
    model = fsr.load("near")
    model.gain.assign(0.5)
    model.save_weights(tmp_path / "own.weights.h5")
    assert float(fsr.load("near", weights=tmp_path / "own.weights.h5").gain.numpy()) == 0.5


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("model.pickle", b"\x80\x04", "only"),
        ("absent.weights.h5", None, "no such"),
        ("text.weights.h5", b"not HDF5", "not the weights"),
    ],
)
def test_a_path_that_is_not_a_weights_file_is_refused_by_name(catalogue, tmp_path, name, content, reason):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PresetError, match=f"{name}: .*{reason}"):
        fsr.load("near", weights=tmp_path / name)


@pytest.mark.parametrize("weights", [True, False, 1])
def test_weights_that_are_no_path_are_refused_in_one_line(catalogue, weights):
    with pytest.raises(PresetError, match=f"^{weights}: weights are read from .weights.h5 files only$"):
        fsr.load("near", weights=weights)


def test_weights_of_another_network_are_refused(catalogue, tmp_path):
    from stand_ins import Convolved

    other = Convolved()
    other.build((None, None, None, 3))
    other.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(PresetError, match="other.weights.h5: not the weights of this Nearest"):
        fsr.load("near", weights=tmp_path / "other.weights.h5")


def test_altered_weights_are_refused_before_they_are_read(edited):
    weights = edited() / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(PresetError, match="SHA-256"):
        fsr.load("nearest_x4")


def test_missing_weights_without_an_address_say_where_to_put_the_file(edited, tmp_path):
    (edited() / "model.weights.h5").unlink()
    with pytest.raises(PresetError) as refused:
        fsr.load("nearest_x4")
    assert str(tmp_path / "cache" / "weights" / "nearest_x4" / "model.weights.h5") in str(refused.value)


def test_missing_weights_are_fetched_once_and_kept(edited, server, tmp_path):
    folder = edited(weights={"url": f"{server}/model.weights.h5"})
    (folder / "model.weights.h5").unlink()
    path = presets.released_weights(presets.find("nearest_x4"))
    assert [entry.name for entry in path.parent.iterdir()] == ["model.weights.h5"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == presets.find("nearest_x4").weights.sha256
    fetched_at = path.stat().st_mtime_ns
    assert presets.released_weights(presets.find("nearest_x4")).stat().st_mtime_ns == fetched_at


@pytest.mark.parametrize("file", ["config.json", "absent.h5"])
def test_a_fetch_of_something_else_leaves_nothing_and_says_what_to_do(edited, server, tmp_path, file):
    folder = edited(weights={"url": f"{server}/{file}"})
    (folder / "model.weights.h5").unlink()
    with pytest.raises(PresetError, match="by hand at .*model.weights.h5"):
        fsr.load("nearest_x4")
    assert list((tmp_path / "cache" / "weights" / "nearest_x4").iterdir()) == []


def test_without_a_network_the_error_says_where_to_put_the_file(edited, tmp_path):
    folder = edited(weights={"url": "http://127.0.0.1:9/model.weights.h5"})
    (folder / "model.weights.h5").unlink()
    with pytest.raises(PresetError, match="cannot fetch .* by hand at .*model.weights.h5"):
        fsr.load("nearest_x4")


def test_a_configuration_names_no_class_outside_the_registry(edited):
    edited(**{"class": "subprocess.Popen"})
    with pytest.raises(PresetError, match="no model class 'subprocess.Popen'"):
        fsr.load("nearest_x4")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"class": "Nearest"}'])
def test_a_broken_configuration_is_refused_by_name(edited, text):
    (edited() / "config.json").write_text(text)
    with pytest.raises(PresetError, match="config.json: not a preset"):
        presets.find("nearest_x4")


@pytest.mark.slow
def test_every_released_preset_matches_its_description_and_its_weights_of_16_bits():
    names = fsr.list_models()
    assert presets.ALIASES["sam"] in names
    for name in names:
        preset = presets.find(name)
        model = fsr.load(name)
        scale = model.scale if preset.task == "super-resolution" else None
        assert (preset.name, preset.scale, preset.parameters) == (name, scale, model.count_params())
        assert (preset.folder / "README.md").is_file()
        released = arrays(presets.released_weights(preset)).values()
        assert sum(values.size for values in released) == preset.parameters  # no critic, no optimizer
        # The judge of faces stays as it was when it judged those of the cards: rounded it would move their figures.
        assert {values.dtype.name for values in released} == {"float32" if name == JUDGE else "float16"}


def test_the_released_model_loads_by_its_alias_and_enlarges():
    model = fsr.load("sam")
    sr = model.upscale(np.zeros((16, 16, 3), np.uint8))
    assert sr.shape == (128, 128, 3) and sr.dtype == np.uint8


@pytest.mark.parametrize(("name", "silent"), [("sam_small_x4", 0), ("sam_small_x8", 3), ("sam_small_x16", 0)])
def test_no_more_rectifiers_of_a_released_network_than_are_known_are_silent_on_faces(name, silent, monkeypatch):
    active, rectify = [], keras.layers.ReLU.call

    def counting(layer, x):
        active.append(float(np.mean(keras.ops.convert_to_numpy(x) > 0)))
        return rectify(layer, x)

    model = fsr.load(name)
    lr = degrade(demo_faces(8, 128), model.scale)
    monkeypatch.setattr(keras.layers.ReLU, "call", counting)
    model(lr / np.float32(255))
    assert len(active) > 10 and sum(share < 1e-3 for share in active) <= silent
