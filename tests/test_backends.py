"""TensorFlow and PyTorch compute the same; the latter needs nothing of the former."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backend_worker import network

pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("torch", "tensorflow")),
    reason="compares the backends: needs PyTorch beside TensorFlow (pip install torch)",
)


@pytest.fixture(scope="module")
def start_and_ends(tmp_path_factory):
    """Weights before one phase-1 step, and what each backend made of them."""
    folder, rng = tmp_path_factory.mktemp("backends"), np.random.default_rng(0)
    weights = {f"w{index}": np.asarray(weight) for index, weight in enumerate(network().weights)}
    for value in weights.values():  # no part may be idle: what starts at zero is moved a little
        value += rng.normal(scale=0.02, size=value.shape).astype("float32") * (value.ndim > 0)
    inputs = {
        "lr": rng.random((4, 8, 8, 3), "float32"),
        "hr": rng.random((4, 32, 32, 3), "float32"),
        "noise": rng.normal(size=(4, 2, 2, 4)).astype("float32"),
    }
    np.savez(folder / "in.npz", **inputs, **weights)
    ends = {}
    for name in ("tensorflow", "torch"):
        environment = {**os.environ, "KERAS_BACKEND": name}
        worker = Path(__file__).with_name("backend_worker.py")
        subprocess.run([sys.executable, worker, folder / "in.npz", folder / f"{name}.npz"], env=environment, check=True)
        ends[name] = np.load(folder / f"{name}.npz")
    return weights, ends


def test_the_same_weights_give_the_same_picture(start_and_ends):
    _, ends = start_and_ends
    np.testing.assert_allclose(ends["torch"]["picture"], ends["tensorflow"]["picture"], atol=1e-4)


def test_one_step_of_phase_1_moves_the_weights_equally(start_and_ends):
    start, ends = start_and_ends
    for (name, before), weight in zip(start.items(), network().weights):
        np.testing.assert_allclose(ends["torch"][name], ends["tensorflow"][name], atol=1e-5, err_msg=weight.path)
        if "kernel" in weight.path:
            assert np.array_equal(before, ends["torch"][name]) == ("icap" in weight.path), weight.path


def test_a_latent_that_is_a_variable_can_be_sought_by_gradients(start_and_ends):
    _, ends = start_and_ends
    assert np.abs(ends["torch"]["pull"]).min() > 0
    np.testing.assert_allclose(ends["torch"]["pull"], ends["tensorflow"]["pull"], rtol=1e-3, atol=1e-7)


def test_what_a_loss_does_not_depend_on_has_no_gradient(start_and_ends):
    """Keras then passes it over: of a subclass' own loss, or of a network that is frozen as a whole."""
    assert all(end["missing"] for end in start_and_ends[1].values())


def test_training_draws_differ_by_either_of_their_seeds(start_and_ends):
    """On PyTorch the first once did not count: MR-GAN's answers were all the same."""
    for end in start_and_ends[1].values():
        assert len({*map(tuple, end["draws"])}) == len(end["draws"])


def test_pytorch_runs_without_tensorflow(start_and_ends):
    _, ends = start_and_ends
    assert ends["tensorflow"]["tensorflow"] and not ends["torch"]["tensorflow"]


def test_samples_hold_no_feature_maps_for_a_backward_pass(start_and_ends):
    assert not any(end["keeps_graph"] for end in start_and_ends[1].values())
