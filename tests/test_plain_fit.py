"""Every class trains by plain Keras as its recipe trains it: constructed, compiled and fitted, unbuilt, in graph mode."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from plain_fit_worker import another, apart, compiled_for, stage
from processes import ended, started
from small_networks import SMALL, critic, loss, pairs, phases, unbuilt

from keras_facesr import classes
from keras_facesr.training.devices import OneDevice

RUNS = [(name, phase) for name in SMALL for phase in phases(name)]
SETTINGS = [("1", "float32"), ("2", "float32"), ("1", "mixed_bfloat16")]  # devices, precision
CALLBACKS_LEAVE = ["backup", "best.keras", "latest.weights.h5", "logs"]


def test_no_class_of_the_catalogue_is_forgotten():
    assert {*SMALL} == {*classes.MODEL_CLASSES}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_an_unbuilt_network_takes_the_step_of_its_recipe_and_learns(name):
    x, y = pairs(name)
    recipes_own = unbuilt(name)
    recipes_own.build((None, None, None, 3))
    stage(name, phase=None).prepare(recipes_own, jit_compile=False)
    recipes_own.run_eagerly = True
    OneDevice().fit(recipes_own, tf.data.Dataset.from_tensors((x, y)), 1, 1, keras.callbacks.Callback())

    model, seen = unbuilt(name), []
    keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(model.get_weights()))
    model.compile(another(recipes_own.optimizer), loss(name))
    losses = model.fit(x, y, epochs=5, shuffle=False, callbacks=[keep], verbose=0).history["loss"]
    assert losses[0] == pytest.approx(recipes_own.history.history["loss"][0], rel=1e-4)
    for ours, theirs in zip(seen[0], recipes_own.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert losses[-1] < losses[0] or name == "Bicubic"


@pytest.fixture(scope="module")
def reports(request, tmp_path_factory):
    """What ``plain_fit_worker.py`` finds on so many devices in a precision: name -> a row for each phase."""
    found = {}
    selected = sorted({item.callspec.params["name"] for item in request.session.items if "reports" in item.fixturenames})

    def report(devices, precision):
        if (devices, precision) not in found:
            folder = tmp_path_factory.mktemp("plain_fit")
            ended([started("plain_fit_worker.py", devices, precision, str(folder), *selected)])
            found[devices, precision] = json.loads((folder / "report.json").read_text())
        return found[devices, precision]

    return report


@pytest.mark.slow
@pytest.mark.parametrize("devices, precision", SETTINGS)
@pytest.mark.parametrize("name, phase", RUNS)
def test_a_phase_by_plain_fit_is_that_of_the_recipe_on_as_many_devices(name, phase, devices, precision, reports):
    rows = reports(devices, precision)[name]
    assert isinstance(rows, list), rows
    row = rows[phases(name).index(phase)]
    assert row["loss"] == pytest.approx(row["recipe"], rel=1e-5) and row["apart"] < 1e-6
    assert row["val_loss"] == pytest.approx(row.get("error", row["val_loss"]), rel=1e-2 if "16" in precision else 1e-4)
    assert row["files"] == CALLBACKS_LEAVE
    if phase == phases(name)[-1]:  # saved whole, opened, and trained further as if nothing had been
        assert row["further"][0] == pytest.approx(row["further"][1], rel=1e-5) and row["apart_further"] < 1e-6


def test_the_strategy_of_the_network_is_that_of_its_optimiser_wherever_it_is_compiled():
    x, y = pairs("FSRCNN")
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = unbuilt("FSRCNN")
    with pytest.raises(ValueError, match="none of the strategy's, .* within the scope that FSRCNN was made in"):
        model.compile(keras.optimizers.SGD(), "mse")
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    assert model.optimizer.iterations == 2


class Interruption(keras.callbacks.Callback):
    """Of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    "name, phase",
    [run if run == ("URDGN", 2) else pytest.param(*run, marks=pytest.mark.slow) for run in RUNS],
)
def test_an_interrupted_fit_is_taken_up_again_to_the_same_weights(name, phase, tmp_path):
    x, y = pairs(name)
    backup = lambda: keras.callbacks.BackupAndRestore(tmp_path / "backup")  # noqa: E731
    models = [compiled_for(name, phase) for _ in range(3)]
    how = {"epochs": 2, "shuffle": False, "verbose": 0}
    models[0].fit(x, y, **how)
    with pytest.raises(KeyboardInterrupt):
        models[1].fit(x, y, callbacks=[backup(), Interruption()], **how)
    models[2].fit(x, y, callbacks=[backup()], **how)
    assert apart(models[1], models[0]) > 0 or name == "Bicubic"
    assert apart(models[2], models[0]) < 1e-6


def test_a_model_that_learns_against_a_critic_goes_on_as_it_was_saved(tmp_path):
    x, y = pairs("URDGN")
    model = compiled_for("URDGN", 2)
    model.fit(x, y, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.critic_optimizer) is type(model.critic_optimizer) and again.critic_optimizer.iterations == 1
    for each in (model, again):
        each.fit(x, y, shuffle=False, verbose=0)
    assert apart(model, again) < 1e-6


def test_a_model_that_learns_by_features_asks_for_them_again_after_loading(tmp_path):
    model = unbuilt("SRGAN", **critic("SRGAN") | {"perceptual_weight": 1.0})
    model.phase = 2
    model.compile("adam", features=lambda images: images)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="must call `compile"):
        again.fit(*pairs("SRGAN"), verbose=0)
    with pytest.raises(ValueError, match="phase 2 learns by features"):
        again.compile("adam")


@pytest.mark.parametrize(
    "phase, figures", [(0, ["deterministic_mse"]), (1, ["deterministic_mse", "stochastic_l1"]), (2, ["kl"])]
)
def test_every_phase_of_sam_has_the_loss_that_callbacks_watch_and_its_parts(phase, figures):
    model = compiled_for("SAM", phase)
    assert [metric.name for metric in model.metrics] == ["loss", *figures]
