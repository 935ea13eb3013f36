"""A network that has learnt from one size says so where a picture has another, in Python and in the shell."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.images import read_picture
from keras_facesr.errors import SizeWarning
from keras_facesr.inference import enlarge_picture, runtimes, sample_picture, sizes
from keras_facesr.inference.sizes import size_remark

OWN = {name: preset for name in fsr.list_models() if (preset := presets.find(name)).own_size}


def face(height, width):
    return np.ascontiguousarray(astronaut()[80 : 80 + height, 190 : 190 + width])


def told(call):
    """What a call warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(warning.message) for warning in caught if issubclass(warning.category, SizeWarning)]


def test_every_preset_that_was_trained_on_one_size_has_it_as_its_own():
    own = {name: preset.own_size for name, preset in OWN.items()}
    assert own["ssrvae_x4"] == own["sam_small_x8"] == (16, 16)
    assert (own["varsr_x8_celeba"], own["varsr_x4_plates"]) == ((8, 8), (4, 2))
    others = {*fsr.list_models()} - {*own}
    assert {"cagface_small_x4", "edsr_small_x4", "stylevae_wider", "face_features"} <= others
    assert all(presets.find(name).hr_size is None for name in others)


@pytest.mark.parametrize("name", OWN)
def test_other_sizes_are_remarked_on_and_the_own_is_not(name):
    preset = OWN[name]
    model = type("Model", (), {"own_size": preset.own_size, "preset": name})
    height, width = preset.own_size
    own = f"{width}x{height}" if width == height else f"{width} wide and {height} high"
    assert size_remark(model, height, width) is None
    for other in ((height + 1, width), (height, width - 1), (4 * height, 4 * width), (1000, 1500)):
        remark = size_remark(model, *other)
        assert remark.startswith(f"{other[1]}x{other[0]} pixels, but {name} was trained on {own} only")
        assert "\n" not in remark and f"resize it to {own}" in remark


def test_a_loaded_network_warns_by_every_way_in_and_fresh_weights_do_not(tmp_path):
    model = fsr.load("varsr_x4_plates")
    Image.fromarray(face(9, 12)).save(tmp_path / "a.png")
    lr = face(9, 12)[None].astype("float32") / 255
    picture = read_picture(tmp_path / "a.png")
    named = f"{tmp_path / 'a.png'}: "
    for call, name in (
        (lambda: model.upscale(tmp_path / "a.png"), named),
        (lambda: fsr.upscale(model, face(9, 12)), "array: "),
        (lambda: fsr.upscale(model, np.stack([face(9, 12)] * 2)), ""),
        (lambda: enlarge_picture(model, picture), named),
        (lambda: sample_picture(model, picture, 2), named),
        (lambda: model.sample(lr, 2, seed=0), ""),
        (lambda: model.traverse(lr, 2, seed=0), ""),
    ):
        sizes._TOLD.clear()
        (remark,) = told(call)
        assert remark.startswith(f"{name}12x9 pixels, but varsr_x4_plates was trained on 2 wide and 4 high only")
    sizes._TOLD.clear()
    assert not told(lambda: model.upscale(face(4, 2)))
    assert fsr.load("varsr_x4_plates", weights=None).own_size is None


def test_the_warning_names_the_line_that_asked_and_none_of_the_package(tmp_path):
    model = fsr.load("varsr_x4_plates")
    Image.fromarray(face(9, 12)).save(tmp_path / "a.png")
    for call in (
        lambda: model.upscale(tmp_path / "a.png"),
        lambda: fsr.upscale(model, face(9, 12)),
        lambda: fsr.compare(tmp_path / "a.png", {"plates": model}),
        lambda: model.sample(face(9, 12)[None].astype("float32") / 255, 2, seed=0),
    ):
        sizes._TOLD.clear()
        with pytest.warns(SizeWarning) as caught:
            call()
        assert [warning.filename for warning in caught if warning.category is SizeWarning] == [__file__]


def test_an_ensemble_warns_once_for_its_model_as_well():
    model = fsr.load("srcnn_x4_style")
    assert len(told(lambda: [model.upscale(face(9, 12), ensemble=True) for _ in range(3)])) == 1


def test_a_photograph_in_tiles_and_an_exported_file_warn_too():
    model = runtimes.load(presets.find("srcnn_x4_style"), "litert")
    (remark,) = told(lambda: fsr.upscale(model, face(60, 90), tile=32))
    assert remark.startswith("array: 90x60 pixels, but srcnn_x4_style was trained on 16x16 only")
    assert not told(lambda: fsr.upscale(model, face(16, 16)))


def test_a_loaded_model_says_it_once_however_many_pictures_follow():
    model = fsr.load("srcnn_x4_style")
    assert len(told(lambda: [fsr.upscale(model, face(side, 20)) for side in (16, 17, 18)])) == 1
    assert not told(lambda: fsr.upscale(model, face(19, 19)))
    assert len(told(lambda: fsr.upscale(fsr.load("srcnn_x4_style"), face(19, 19)))) == 1


@pytest.fixture
def of_one_size(catalogue, monkeypatch):
    """The stand-in models, as if they had learnt from 16x16 pixels alone."""
    monkeypatch.setattr(presets.Preset, "own_size", (16, 16))


def test_the_shell_names_the_first_picture_and_counts_the_others(facesr, of_one_size, tmp_path):
    for name, side in (("a", 16), ("b", 20), ("c", 30)):
        Image.fromarray(face(side, side)).save(tmp_path / f"{name}.png")
    result = facesr("upscale", tmp_path, "-o", tmp_path / "out", "--model", "near", "--json", tmp_path / "r.json")
    assert result.code == 0
    first, count = result.err.splitlines()
    assert first.startswith(f"facesr: {tmp_path / 'b.png'}: 20x20 pixels, but nearest_x4 was trained on 16x16 only")
    assert count == "facesr: 2 of 3 pictures have another size than the model's own"
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["other_sizes"] == [str(tmp_path / "b.png"), str(tmp_path / "c.png")] and len(report["done"]) == 3


def test_the_shell_says_nothing_where_sizes_fit_and_one_line_where_it_measures_on_others(facesr, of_one_size, tmp_path):
    for k in range(3):
        Image.fromarray(face(64 + k, 64 + k)).save(tmp_path / f"{k}.png")
    assert facesr("evaluate", tmp_path, "--model", "near").err == ""
    result = facesr("evaluate", tmp_path, "--model", "near", "--hr-size", 32)
    assert (result.code, result.err.count("\n")) == (0, 1)
    assert result.err.startswith("facesr: 8x8 pixels, but nearest_x4 was trained on 16x16 only")
