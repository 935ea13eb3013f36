"""Imported networks beside PyTorch's, and the way back; where PyTorch is not installed, test_exchange.py has to do."""

import os

import keras
import numpy as np
import pytest

torch = pytest.importorskip("torch")
import torch_networks as published  # noqa: E402

from keras_facesr.errors import ExportError, WeightsError  # noqa: E402
from keras_facesr.exchange.folder import import_weights  # noqa: E402
from keras_facesr.exchange.published import network_of  # noqa: E402
from keras_facesr.exchange.pytorch import to_tensors  # noqa: E402
from keras_facesr.exchange.tensors import read_tensors, write_tensors  # noqa: E402

NETWORKS = {
    "RRDBNet x4": (published.RRDBNet, {}),
    "RRDBNet x2, its input unshuffled": (published.RRDBNet, {"scale": 2}),
    "RRDBNet x1, its input unshuffled": (published.RRDBNet, {"scale": 1}),
    "RRDBNet x4, second names": (published.RRDBNet, {"older": True}),
    "RRDBNet x4, first names": (published.FirstESRGAN, {}),
    "RRDBNet x2, first names": (published.FirstESRGAN, {"doublings": 1}),
    "RRDBNet x1, first names": (published.FirstESRGAN, {"doublings": 0}),
    "SRVGGNetCompact x4": (published.SRVGGNetCompact, {}),
    "SRVGGNetCompact x1": (published.SRVGGNetCompact, {"scale": 1}),
    "MSRResNet x4": (published.MSRResNet, {}),
    "MSRResNet x3": (published.MSRResNet, {"scale": 3}),
    "MSRResNet x2, MMSR's names": (published.MSRResNet, {"scale": 2, "older": True}),
    "EDSR x4": (published.EDSR, {}),
    "EDSR x3": (published.EDSR, {"scale": 3}),
    "EDSR x2, authors' names": (published.AuthorsEDSR, {"scale": 2}),
    "EDSR x4, authors' names, other colours": (published.AuthorsEDSR, {"mean": (0.5, 0.4, 0.3)}),
    "EDSR x4, authors' names, no shift": (published.AuthorsEDSR, {"mean": (0.0, 0.0, 0.0)}),
    "EDSR x2, 256 channels": (published.AuthorsEDSR, {"scale": 2, "width": 256, "blocks": 2, "scaling": 0.1}),
    "RDN x4": (published.RDN, {}),
    "RDN x3": (published.RDN, {"scale": 3}),
    "SRFBN x4": (published.SRFBN, {}),
    "SRFBN x2": (published.SRFBN, {"scale": 2}),
}
NOT_BASICSR = (  # whose own tensors no file of BasicSR has
    *("RRDBNet x2, first names", "RRDBNet x1, first names"),
    *("EDSR x4, authors' names, other colours", "EDSR x4, authors' names, no shift"),
)
SIZES = (8, 8), (12, 20), (32, 16)


def random_network(kind, how):
    """A network of PyTorch with random weights, its slopes too."""
    torch.manual_seed(0)
    network = kind(**how).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.PReLU):
            torch.nn.init.uniform_(module.weight, 0.0, 0.5)
    return network


def test_averaged_weights_that_were_never_filled_are_passed_over(tmp_path):
    torch.save({"params_ema": {}, "params": {"weight": torch.ones(2)}}, tmp_path / "network.pth")
    assert [*read_tensors(tmp_path / "network.pth")] == ["weight"]


@pytest.mark.parametrize("name", NETWORKS)
def test_an_imported_network_answers_as_in_pytorch_and_comes_back_from_its_export_as_it_was(name, tmp_path):
    network = random_network(*NETWORKS[name])
    file = tmp_path / "network.pth"
    torch.save({"params": {"other": torch.zeros(1)}, "params_ema": network.state_dict()}, file)
    imported = network_of(file)
    assert type(imported).__name__ == name.split()[0]
    for height, width in SIZES:
        lr = np.random.default_rng(0).random((1, height, width, 3), "float32")
        with torch.no_grad():
            expected = network(torch.from_numpy(lr.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
        sr = keras.ops.convert_to_numpy(imported(lr, training=True))  # not clipped
        assert expected.std() > 0.01 and sr.shape == expected.shape
        assert np.abs(sr - expected).max() <= 1e-4
    if name not in NOT_BASICSR:
        tensors, given = to_tensors(imported), network.state_dict()
        assert all(np.array_equal(tensors[key], given[key]) for key in tensors.keys() & given.keys())
        write_tensors(tmp_path / "back.safetensors", tensors, {})
        again = network_of(tmp_path / "back.safetensors")
        for then, now in zip(imported.variables, again.variables, strict=True):
            np.testing.assert_array_equal(then.numpy(), now.numpy())


@pytest.mark.parametrize(
    "kept",
    [
        lambda named: named(""),
        lambda named: {"epoch": 3, "model": named("module."), "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]}},
        lambda named: {"state_dict": named("net."), "hyper_parameters": {"lr": 1e-4}},
        lambda named: {"params-ema": named("_orig_mod.module."), "params": {"other": torch.zeros(1)}},
        lambda named: {"model_state_dict": {"n_averaged": torch.tensor(3), **named("module.")}},
        lambda named: {"state_dict": named("generator.")},
    ],
)
def test_the_tensors_are_found_where_training_programs_keep_them(kept, tmp_path):
    network = random_network(published.FirstESRGAN, {})  # whose names begin as such a place is called: "model."
    expected = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    named = lambda prefix: {prefix + name: tensor for name, tensor in network.state_dict().items()}  # noqa: E731
    torch.save(kept(named), tmp_path / "checkpoint.pth")
    found = read_tensors(tmp_path / "checkpoint.pth")
    assert found.keys() == expected.keys() and all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("kind", [published.AuthorsEDSR, published.SRFBN])
def test_shifts_of_colours_that_were_trained_by_mistake_are_taken_over(kind, tmp_path):
    network = random_network(kind, {})
    with torch.no_grad():
        for shift in (network.sub_mean, network.add_mean):
            shift.weight += 0.1 * torch.randn(3, 3, 1, 1)
            shift.bias += 10 * torch.randn(3)
    torch.save(network.state_dict(), tmp_path / "trained.pth")
    lr = np.random.default_rng(0).random((1, 12, 9, 3), "float32")
    with torch.no_grad():
        expected = network(torch.from_numpy(lr.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    model = import_weights(tmp_path / "trained.pth", tmp_path / "mine")
    assert np.abs(keras.ops.convert_to_numpy(model(lr, training=True)) - expected).max() <= 1e-4
    if kind is published.SRFBN:
        with pytest.raises(ExportError, match="this SRFBN mixes colours"):
            to_tensors(model)


class Code:
    """What runs a command when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.mkdir, (str(self.file),)


def test_code_in_a_pickle_is_refused_and_never_run(tmp_path):
    torch.save(
        {"params": random_network(published.EDSR, {}).state_dict(), "more": Code(tmp_path / "run")}, tmp_path / "code.pth"
    )
    with pytest.raises(WeightsError, match=r"^[^\n]*code.pth: refused, .* tensors \(\w+.mkdir\): [^\n]* was run$"):
        network_of(tmp_path / "code.pth")
    assert not (tmp_path / "run").exists()
    torch.load(tmp_path / "code.pth", weights_only=False)
    assert (tmp_path / "run").exists()  # it would have run


@pytest.mark.parametrize("content", ["half", "nothing", "text"])
def test_a_damaged_pth_is_refused_in_a_line(content, tmp_path):
    file = tmp_path / "damaged.pth"
    torch.save(random_network(published.EDSR, {}).state_dict(), file)
    whole = file.read_bytes()
    file.write_bytes({"half": whole[: len(whole) // 2], "nothing": b"", "text": b"no weights"}[content])
    with pytest.raises(WeightsError, match=r"^[^\n]*damaged.pth: [^\n]*damaged[^\n]*$"):
        network_of(file)


def test_a_network_saved_whole_or_without_names_is_refused_in_a_line(tmp_path):
    torch.save(torch.zeros(3), tmp_path / "one.pth")
    with pytest.raises(WeightsError, match="one.pth: holds no tensors by name, but Tensor"):
        network_of(tmp_path / "one.pth")
    torch.save(published.EDSR(), tmp_path / "whole.pth")
    with pytest.raises(WeightsError, match="whole.pth: refused"):
        network_of(tmp_path / "whole.pth")


@pytest.mark.parametrize("kind", ["sparse", "meta"])
def test_tensors_that_are_no_plain_arrays_are_refused_in_a_line(kind, tmp_path, recwarn):
    tensor = torch.eye(3).to_sparse() if kind == "sparse" else torch.eye(3, device="meta")
    torch.save({"body.0.weight": tensor}, tmp_path / "odd.pth")
    with pytest.raises(WeightsError, match=r"^[^\n]*odd.pth: its tensors are no plain arrays \([^\n]*\)$"):
        network_of(tmp_path / "odd.pth")
    assert not recwarn.list
