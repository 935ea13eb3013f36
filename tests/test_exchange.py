"""Weights of other frameworks' files without them: how their axes lie, by definition, and what is refused."""

import json
import pickle
import sys

import keras
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import keras_facesr as fsr
from keras_facesr import classes, presets
from keras_facesr.errors import CallError, ExportError, WeightsError
from keras_facesr.exchange.parts import Part
from keras_facesr.exchange.published import network_of
from keras_facesr.exchange.pytorch import exchangeable, to_tensors
from keras_facesr.exchange.tensors import read_tensors
from keras_facesr.exporting.write import check_call
from keras_facesr.layers.resampling import PixelShuffle, PixelUnshuffle

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.standard_normal(shape).astype("float32")


def correlated(x, weight, bias):
    """PyTorch's convolution by its definition: x (C, H, W), weight (O, C, 3, 3), zeros around x."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("chwij,ocij->ohw", windows, weight) + bias[:, None, None]


def transposed(x, weight, bias, stride):
    """PyTorch's transposed convolution: each pixel of x (C, H, W) adds weight (C, O, stride + 4, stride + 4); 2 are cut off."""
    (_, height, width), (_, outputs, side, _) = x.shape, weight.shape
    y = np.zeros((outputs, (height - 1) * stride + side, (width - 1) * stride + side))
    for i in range(height):
        for j in range(width):
            y[:, i * stride : i * stride + side, j * stride : j * stride + side] += np.tensordot(x[:, i, j], weight, 1)
    return y[:, 2:-2, 2:-2] + bias[:, None, None]


def shuffled(x, factor):
    """PyTorch's pixel shuffle: channel c * factor^2 + i * factor + j becomes row i and column j of channel c."""
    channels, height, width = x.shape
    y = np.zeros((channels // factor**2, height * factor, width * factor))
    for k in range(channels):
        c, i, j = np.unravel_index(k, (channels // factor**2, factor, factor))
        y[c, i::factor, j::factor] = x[k]
    return y


def unshuffled(x, factor):
    return np.stack([plane[i::factor, j::factor] for plane in x for i in range(factor) for j in range(factor)])


def answer(layers, part, tensors, x):
    """What Keras' layers give for x (C, H, W), once the part's layer has PyTorch's tensors."""
    stack = keras.Sequential(layers)
    stack.build((None, None, None, len(x)))
    for name, variable in part.variables.items():
        array = tensors[name.removeprefix("layer.")]
        assert part.shapes()[name] == array.shape
        variable.assign(part.to_keras(array))
        np.testing.assert_array_equal(part.to_pytorch(variable.numpy()), array)
    return keras.ops.convert_to_numpy(stack(x.transpose(1, 2, 0)[None]))[0].transpose(2, 0, 1)


def test_the_axes_of_a_convolution_lie_as_pytorch_defines_them_also_beside_pixel_shuffles():
    x, weight, bias = random(2, 6, 9), random(12, 18, 3, 3), random(12)
    layer = keras.layers.Conv2D(12, 3, padding="same")
    part = Part(layer, "layer", shuffle=2, unshuffle=3)
    found = answer([PixelUnshuffle(3), layer, PixelShuffle(2)], part, {"weight": weight, "bias": bias}, x)
    np.testing.assert_allclose(found, shuffled(correlated(unshuffled(x, 3), weight, bias), 2), atol=1e-4)


def test_the_axes_of_a_transposed_convolution_lie_as_pytorch_defines_them():
    x, weight, bias = random(2, 4, 3), random(2, 3, 7, 7), random(3)
    layer = keras.layers.Conv2DTranspose(3, 7, 3, padding="same")
    found = answer([layer], Part(layer, "layer"), {"weight": weight, "bias": bias}, x)
    np.testing.assert_allclose(found, transposed(x, weight, bias, 3), atol=1e-4)


def compact(width=4, convolutions=2, scale=2):
    """The tensors of an SRVGGNetCompact with random weights, by the published names."""
    tensors, inputs = {}, 3
    for k in range(convolutions + 2):
        outputs = width if k <= convolutions else 3 * scale**2
        tensors[f"body.{2 * k}.weight"], tensors[f"body.{2 * k}.bias"] = 0.2 * random(outputs, inputs, 3, 3), random(outputs)
        if k <= convolutions:
            tensors[f"body.{2 * k + 1}.weight"] = random(outputs)
        inputs = outputs
    return tensors


@pytest.fixture
def file(tmp_path):
    save_file(compact(), tmp_path / "compact.safetensors")
    return tmp_path / "compact.safetensors"


def test_an_imported_network_computes_what_its_tensors_say_and_its_folder_stands_for_a_name(file, tmp_path):
    tensors, lr = compact_of(file), RNG.random((3, 5, 7), "float32")
    y = lr
    for k in range(0, 8, 2):
        y = correlated(y, tensors[f"body.{k}.weight"], tensors[f"body.{k}.bias"])
        if k < 6:
            y = np.where(y > 0, y, y * tensors[f"body.{k + 1}.weight"][:, None, None])
    expected = shuffled(y, 2) + lr.repeat(2, axis=1).repeat(2, axis=2)
    model = fsr.import_weights(file, tmp_path / "mine")
    found = keras.ops.convert_to_numpy(model(lr.transpose(1, 2, 0)[None], training=True))[0]
    np.testing.assert_allclose(found.transpose(2, 0, 1), expected, atol=1e-4)
    preset = presets.find(tmp_path / "mine")
    assert (preset.class_name, preset.scale, preset.hr_size) == ("SRVGGNetCompact", 2, None)
    assert model.preset == preset.name and preset.terms == "those of the source"
    assert sorted(each.name for each in (tmp_path / "mine").iterdir()) == ["README.md", "config.json", "model.weights.h5"]
    with pytest.raises(WeightsError, match="mine: holds a model already; overwrite replaces it"):
        fsr.import_weights(file, tmp_path / "mine")
    back = to_tensors(fsr.load(tmp_path / "mine"))
    assert back.keys() == tensors.keys()
    assert all(np.array_equal(back[name], array) for name, array in tensors.items())


def test_no_file_of_ones_own_is_replaced_by_an_import(file, facesr, tmp_path):
    for name in ("README.md", "model.weights.h5"):
        (own := tmp_path / name).write_text("my own")
        with pytest.raises(WeightsError, match=f"{name}: exists already; overwrite replaces it"):
            fsr.import_weights(file, tmp_path)
        refused = facesr("import", file, "-o", tmp_path)
        assert (refused.code, refused.err) == (1, f"facesr: {own}: exists already; --overwrite replaces it\n")
        assert own.read_text() == "my own"
        own.unlink()


def test_a_folder_that_is_called_like_a_released_model_is_what_was_imported(file, facesr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fsr.import_weights(file, "sam").preset == str(tmp_path / "sam")
    done = facesr("import", file, "-o", "cagface", "--json", "-")
    assert done.code == 0 and json.loads(done.out)["class"] == "SRVGGNetCompact"


def test_of_weights_that_cannot_be_written_nothing_is_left(file, tmp_path, monkeypatch):
    def full(network, path):
        path.write_bytes(b"half of it")
        raise RuntimeError("Unable to write: no space left")  # as h5py

    monkeypatch.setattr(keras.Model, "save_weights", full)
    with pytest.raises(WeightsError, match="mine: cannot be written .*no space left.*; make room"):
        fsr.import_weights(file, tmp_path / "mine")
    assert not any((tmp_path / "mine").iterdir())


def compact_of(file):
    """A file's tensors, read by what a safetensors file is: the length of a JSON header, the header, the values."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    values = {name: content[start:][slice(*about["data_offsets"])] for name, about in header.items()}
    return {name: np.frombuffer(values[name], "float32").reshape(about["shape"]) for name, about in header.items()}


def test_files_of_16_bits_are_read_as_their_values(tmp_path):
    values = {"a": np.array([0.1, -2.0], np.float16), "b": np.array([3.0, 0.25], ml_dtypes.bfloat16)}
    save_file(values, tmp_path / "half.safetensors")
    for name, array in read_tensors(tmp_path / "half.safetensors").items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, values[name].astype("float32"))


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda t: t.pop("body.2.bias"), r"not understood as SRVGGNetCompact: it lacks body.2.bias$"),
        (lambda t: t.update({"head.weight": random(3)}), "it has besides head.weight$"),
        (
            lambda t: t.update({"body.2.weight": random(4, 5, 3, 3)}),
            r"it has body.2.weight \(4, 5, 3, 3\) instead of \(4, 4, 3, 3\)$",
        ),
        (
            lambda t: t.update({"body.0.weight": random(4, 1, 3, 3)}),
            r"it has body.0.weight \(4, 1, 3, 3\) instead of \(4, 3, 3, 3\)$",
        ),
        (
            lambda t: (t.clear(), t.update({"conv1.weight": random(1), "fc.weight": random(1)})),
            "no enlarger .* conv1.weight, fc.weight$",
        ),
        (lambda t: t.clear(), "holds no tensors$"),
        (
            lambda t: t["body.2.bias"].__setitem__(1, np.nan),
            "damaged, or its training failed: not all values are finite in body.2.bias$",
        ),
    ],
)
def test_other_tensors_than_a_networks_are_refused_and_named_in_a_line(change, reason, tmp_path):
    tensors = compact()
    change(tensors)
    save_file(tensors, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=rf"^[^\n]*other.safetensors: [^\n]*{reason}"):
        network_of(tmp_path / "other.safetensors")


def test_tensors_that_would_have_the_same_place_are_refused_and_none_is_left_out(tmp_path):
    names = "head.0.weight", "body.0.body.0.weight", "body.1.weight", "body.2.weight", "tail.0.0.weight", "tail.1.weight"
    arrays = [random(4, 3, 3, 3), *(random(4, 4, 3, 3) for _ in range(3)), random(16, 4, 3, 3), random(3, 4, 3, 3)]
    save_file(dict(zip(names, arrays)), tmp_path / "two.safetensors")
    with pytest.raises(WeightsError, match=r"two.safetensors: not understood as EDSR: .* body.1.weight, body.2.weight$"):
        network_of(tmp_path / "two.safetensors")


@pytest.mark.parametrize("shift", ["sub_mean.weight", "add_mean.shifter.bias"])
def test_a_shift_of_colours_that_is_not_understood_is_refused_not_left_out(shift, tmp_path):
    names = "conv_first.weight", "body.0.conv1.weight", "conv_after_body.weight", "upsample.0.weight"
    save_file({**{name: random(4, 3, 3, 3) for name in names}, shift: random(3)}, tmp_path / "shifted.safetensors")
    with pytest.raises(WeightsError, match=r"shifted.safetensors: no EDSR: it lacks 'sub_mean.bias'$"):
        network_of(tmp_path / "shifted.safetensors")


def test_an_rdn_that_grows_by_less_than_its_width_is_refused_by_its_tensors(tmp_path):
    shapes = {
        **{"SFENet1": (8, 3, 3, 3), "SFENet2": (8, 8, 3, 3), "GFF.0": (8, 8, 1, 1), "GFF.1": (8, 8, 3, 3)},
        **{"RDBs.0.convs.0.conv.0": (4, 8, 3, 3), "RDBs.0.LFF": (8, 12, 1, 1)},
        **{"UPNet.0": (16, 8, 3, 3), "UPNet.2": (3, 4, 3, 3)},  # as narrow as the growth
    }
    weights = {f"{name}.weight": random(*shape) for name, shape in shapes.items()}
    save_file(weights | {f"{name}.bias": random(shape[0]) for name, shape in shapes.items()}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match=r"not understood as RDN: it has UPNet.0.weight \(16, 8, 3, 3\) instead of \(32, "):
        network_of(tmp_path / "a.safetensors")


def test_an_error_has_the_names_of_the_file_not_those_they_stand_for(tmp_path):
    names = "model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight", "model.1.sub.1.weight", "model.2.weight", "model.4.weight"
    save_file({name: random(4, 3, 1, 1) for name in names}, tmp_path / "old.safetensors")
    with pytest.raises(WeightsError, match=r"; has model.0.weight \(4, 3, 1, 1\) instead of \(4, 3, 3, 3\), model.1.sub.0"):
        network_of(tmp_path / "old.safetensors")


def test_a_damaged_file_or_one_of_another_kind_is_refused_in_a_line(file):
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(WeightsError, match=r"^[^\n]*compact.safetensors: damaged, or no safetensors file \([^\n]*\)$"):
        network_of(file)
    with pytest.raises(WeightsError, match="compact.h5: weights are read from .safetensors and .pth files$"):
        network_of(file.rename(file.with_suffix(".h5")))
    with pytest.raises(WeightsError, match="none.pth: no such file$"):
        network_of(file.with_name("none.pth"))


def test_without_pytorch_a_pth_is_not_read_at_all(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "code.pth").write_bytes(pickle.dumps(print))
    with pytest.raises(ExportError, match=r"torch is not installed: pip install 'keras_facesr\[import\]'"):
        network_of(tmp_path / "code.pth")


def test_arguments_that_no_tensor_tells_are_given_and_unknown_ones_refused(file):
    with pytest.raises(WeightsError, match="compact.safetensors: no SRVGGNetCompact: .*'depth'"):
        network_of(file, depth=3)
    with pytest.raises(WeightsError, match="compact.safetensors: no SRVGGNetCompact: .*'tensors'"):
        network_of(file, tensors=3)
    with pytest.raises(CallError, match="SAM: weights are taken over into RRDBNet, "):
        network_of(file, "SAM")
    with pytest.raises(WeightsError, match="compact.safetensors: no EDSR: it lacks 'conv_first.weight'"):
        network_of(file, "EDSR")


def test_a_class_that_takes_no_weights_is_a_wrong_call(file, facesr, tmp_path):
    refused = facesr("import", file, "-o", tmp_path / "mine", "--model", "SAM")
    assert refused.code == 2 and refused.err.startswith("facesr: SAM: weights are taken over into RRDBNet, ")


def test_the_command_sets_arguments_of_networks_alone(file, facesr, tmp_path):
    refused = facesr("import", file, "-o", tmp_path / "mine", "--set", "model=3")
    assert refused.code == 2 and refused.err == "facesr: --set model: is no argument of a network\n"


@pytest.mark.parametrize(
    "name, config, reason",
    [
        (
            "SRResNet",
            {"channels": 4, "blocks": 1},
            "no SRResNet is known in PyTorch: RRDBNet, SRVGGNetCompact, MSRResNet, EDSR, RDN, SRFBN are written",
        ),
        (
            "RRDBNet",
            {"scale": 8, "channels": 4, "blocks": 1, "growth": 2},
            "PyTorch's RRDBNet enlarges 4 times, this one 8 times",
        ),
        ("RDN", {"channels": 8, "growth": 4, "blocks": 1}, "PyTorch's RDN grows by its width, this one of 8 by 4"),
    ],
)
def test_what_was_not_published_in_pytorch_is_not_written_for_it(name, config, reason):
    with pytest.raises(ExportError, match=reason):
        exchangeable(classes.model_class(name)(**config))


def test_a_network_for_pytorch_is_not_written_under_a_name_that_no_reader_opens(tmp_path):
    with pytest.raises(ExportError, match=r"^[^\n]*net.pth: networks for PyTorch are written as .safetensors files"):
        check_call(tmp_path / "net.pth", format="pytorch")


@pytest.mark.slow
def test_the_command_imports_what_all_commands_take_and_export_writes_back(file, facesr, tmp_path):
    from keras_facesr.data.images import write_png

    (tmp_path / "faces").mkdir()
    for k in range(2):
        write_png(tmp_path / "faces" / f"{k}.png", RNG.integers(0, 256, (24, 24, 3), np.uint8))
    folder = tmp_path / "mine"
    done = facesr("import", file, "-o", folder, "--json", "-")
    assert done.code == 0 and json.loads(done.out)["class"] == "SRVGGNetCompact"
    assert facesr("upscale", tmp_path / "faces", "-o", tmp_path / "large", "--model", folder).code == 0
    assert len([*(tmp_path / "large").iterdir()]) == 2
    report = json.loads(facesr("evaluate", tmp_path / "faces", "--model", folder, "--json", "-").out)
    assert report["images"] == 2 and str(folder) in report["models"]
    exported = facesr("export", folder, tmp_path / "back.safetensors", "--format", "pytorch", "--json", "-")
    assert exported.code == 0 and json.loads(exported.out)["border"] == json.loads(exported.out)["difference"] <= 1e-4
    written, given = compact_of_export(tmp_path / "back.safetensors"), compact_of(file)
    assert written.keys() == given.keys() and all(np.array_equal(written[name], given[name]) for name in given)
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    refused = facesr("import", tmp_path / "bad.safetensors", "-o", tmp_path / "bad")
    assert refused.code == 1 and refused.err.count("\n") == 1 and not (tmp_path / "bad").exists()


def compact_of_export(file):
    from safetensors.numpy import load_file

    return load_file(file)
