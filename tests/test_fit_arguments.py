"""What of Keras' ``compile`` and ``fit`` a network honours, and what it refuses by name: nothing is ignored in silence."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_networks import SMALL, loss, pairs, unbuilt

from keras_facesr import backend

OWN = sorted(name for name in SMALL if loss(name) is None)
ANSWER_THEIR_OWN_WAY = ("CAGFace", "ComponentNetwork", "FaceFeatures", "PRSR")  # to ``validation_answer``
KERAS_LOSS = sorted({*SMALL} - {*OWN, "DigitClassifier"})  # enlargers all


def compiled(name, **how):
    model = unbuilt(name)
    model.compile("sgd", loss(name), **how)
    return model


def refused(call, *words):
    """Whether a call is refused in one line with these words in it."""
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert all(re.search(word, message) for word in words) and "\n" not in message, message


@pytest.mark.parametrize("name", OWN)
def test_a_network_with_a_loss_of_its_own_refuses_another(name):
    refused(lambda: unbuilt(name).compile("sgd", "mse"), f"^{name} has a loss of its own")
    refused(lambda: unbuilt(name).compile("sgd", loss_weights=[2.0]), f"^{name} has a loss of its own")


@pytest.mark.parametrize("name", OWN)
def test_weights_of_samples_and_classes_are_refused(name):
    model, (x, y) = compiled(name), pairs(name)
    weights = np.ones(len(x), "float32")
    refused(lambda: model.fit(x, y, sample_weight=weights, verbose=0), f"^{name} weighs all of a batch alike")
    refused(lambda: model.fit(tf.data.Dataset.from_tensors((x, y, weights)), verbose=0), "without sample_weight$")
    refused(lambda: model.evaluate(x, y, sample_weight=weights, verbose=0), "without sample_weight$")
    refused(lambda: model.fit(x, y, class_weight={0: 2.0}, verbose=0), f"^{name} knows no classes")


@pytest.mark.parametrize("name", KERAS_LOSS)
def test_where_the_loss_is_keras_own_weights_are_of_whole_images(name):
    x, y = pairs(name, count=4)  # as many as an input has columns: weights must not be taken for theirs
    weights = np.array([0.0, 1.0, 3.0, 0.5], "float32")
    model = compiled(name, run_eagerly=True)
    found = model.evaluate(x, y, sample_weight=weights, verbose=0)
    errors = np.mean((keras.ops.convert_to_numpy(model(x)) - y) ** 2, axis=(1, 2, 3))
    assert found == pytest.approx(np.mean(weights * errors), rel=1e-4)


@pytest.mark.parametrize("name", sorted({*SMALL} - {"DigitClassifier"}))
def test_targets_that_do_not_belong_to_the_inputs_are_refused(name):
    x, y = pairs(name)
    model = compiled(name, run_eagerly=name in KERAS_LOSS)  # whose graph is made whole before its loss is; see the next test
    learns = f"^{name} learns .* do not belong to these inputs$"
    refused(lambda: model.fit(x, y[..., :1], verbose=0), learns)
    if name != "FaceFeatures":
        refused(lambda: model.fit(x, y[..., 0], verbose=0), learns)
    if name not in ("FaceFeatures", "StyleVAE"):  # of which the second learns from faces of two kinds
        refused(lambda: model.fit(x, y[:, ::2, ::2], verbose=0), learns)
    refused(lambda: model.fit(x, verbose=0), f"^{name} learns from pairs of inputs and targets")
    if name in KERAS_LOSS:
        levels = (255 * y).astype(np.uint8)
        refused(
            lambda: model.fit(x, levels, verbose=0), f"^{name} learns from images of float values in .0, 1., not from uint8$"
        )


@pytest.mark.parametrize("name", ["ComponentNetwork", "FaceFeatures", "SAM", "StyleVAE"])  # of each kind of targets
def test_images_of_integers_or_without_their_batch_are_refused(name):
    x, y = pairs(name)
    model = compiled(name)
    levels = "^" + name + " learns from images of float values in .0, 1., not from uint8$"
    refused(lambda: model.fit((255 * x).astype(np.uint8), y, verbose=0), levels)
    if model.learns_images:
        refused(lambda: model.fit(x, (255 * y).astype(np.uint8), verbose=0), levels)
    refused(lambda: model.fit(x[..., 0], y, verbose=0), f"^{name} learns from batches of images")


@pytest.mark.parametrize("name, side, least", [("SAM", 6, 8), ("VarSR", 3, 4)])
def test_small_images_of_a_size_that_a_network_does_not_take_are_refused(name, side, least):
    x, y = np.ones((2, side, side, 3), "float32"), np.ones((2, 4 * side, 4 * side, 3), "float32")
    sizes = rf"^{name} takes no images of \({side}, {side}\) pixels; the next size is \({least}, {least}\)$"
    refused(lambda: compiled(name).fit(x, y, verbose=0), sizes)


@pytest.mark.parametrize("name", ["CAGFace", "FaceFeatures", "SAM", "StyleVAE"])
def test_batches_of_float64_teach_what_those_of_float32_do(name):
    """As NumPy makes them of levels divided by 255: of arrays Keras casts them itself, of generators it does not."""
    single, losses = pairs(name), []
    double = [part.astype("float64") if part.dtype.kind == "f" else part for part in single]
    for batch in (single, double):
        model, dataset = compiled(name, run_eagerly=True), tf.data.Dataset.from_tensors(tuple(batch))
        taught = model.fit(dataset, shuffle=False, verbose=0).history["loss"]
        losses.append([*taught, model.evaluate(dataset, verbose=0, return_dict=True)["loss"]])
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("name", ["SAM", "VarSR", "StyleVAE"])
@pytest.mark.parametrize("wrapped", [lambda optimizer: optimizer, keras.optimizers.LossScaleOptimizer])
def test_each_of_the_batches_that_make_one_update_has_noise_of_its_own(name, wrapped, monkeypatch):
    seeds, sample = [], backend.sample
    monkeypatch.setattr(backend, "sample", lambda latent, seed: (seeds.append(tuple(map(int, seed))), sample(latent, seed))[1])
    model, (x, y) = unbuilt(name), pairs(name)
    model.compile(wrapped(keras.optimizers.SGD(gradient_accumulation_steps=2)), run_eagerly=True)
    model.fit(x, y, batch_size=1, verbose=0)
    assert len(seeds) == len({*seeds}) == 4


@pytest.mark.parametrize("name", ["CAGFace", "EDSR"])
def test_targets_whose_colours_only_the_graph_counts_are_refused_as_well(name):
    """As of pictures that ``tf.io`` has decoded."""
    x, y = pairs(name)
    shapes = (tf.TensorSpec((None, *x.shape[1:])), tf.TensorSpec((None, None, None, None)))
    model = compiled(name)
    for wrong in (y[..., :1], y[:, ::2, ::2]):
        batches = tf.data.Dataset.from_generator(lambda: [(x, wrong)], output_signature=shapes)  # noqa: B023
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} learns .* do not belong to these inputs"):
            model.fit(batches, verbose=0)
    history = model.fit(tf.data.Dataset.from_generator(lambda: [(x, y)], output_signature=shapes), verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_a_critic_refuses_targets_of_another_size_than_its_own():
    model = unbuilt("VarSR", critic=True)
    model.phase = 2
    model.compile("sgd")
    x, y = np.ones((2, 5, 5, 3), "float32"), np.ones((2, 20, 20, 3), "float32")
    refused(lambda: model.fit(x, y, verbose=0), r"^VarSR: its critic judges \(None, 16, 16, 3\), not \(None, 20, 20, 3\)")


@pytest.mark.parametrize(
    "name",
    [
        name if name in ANSWER_THEIR_OWN_WAY else pytest.param(name, marks=pytest.mark.slow)
        for name in OWN
        if name != "StyleVAE"
    ],
)
def test_metrics_are_of_the_answer_in_training_and_in_evaluation(name):
    x, y = pairs(name)
    true = "accuracy" if name == "ComponentNetwork" else "mae"
    model = compiled(name, metrics=[true], weighted_metrics=[true], run_eagerly=True)
    answer = keras.ops.convert_to_numpy(model.validation_answer(x))
    expected = np.mean(answer.argmax(-1) == y if true == "accuracy" else np.abs(answer - y))
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert found[true] == pytest.approx(expected, rel=1e-4)
    assert {*found} <= {"loss", true, f"weighted_{true}", "attribute_loss", "age_error"}  # no zeros of what is not evaluated
    history = model.fit(x, y, validation_data=(x, y), verbose=0).history
    answer = keras.ops.convert_to_numpy(model.validation_answer(x))
    expected = np.mean(answer.argmax(-1) == y if true == "accuracy" else np.abs(answer - y))
    assert history[f"val_{true}"][0] == pytest.approx(expected, rel=1e-4)
    assert {"loss", *model.figures, true, "val_loss"} <= {*history}


def test_a_metric_in_graph_mode_is_that_of_all_images():
    x, y = pairs("SAM", count=3)
    model = compiled("SAM", metrics=[keras.metrics.MeanSquaredError("error")])
    history = model.fit(x, y, batch_size=2, shuffle=False, epochs=2, validation_data=(x, y), verbose=0).history
    error = np.mean((keras.ops.convert_to_numpy(model.validation_answer(x)) - y) ** 2)
    assert history["val_error"][-1] == pytest.approx(error, rel=1e-4) and history["val_loss"][-1] == pytest.approx(
        error, rel=1e-4
    )
    assert len(history["error"]) == 2 and history["error"][0] != history["error"][1]


def test_stylevae_has_no_answers_that_metrics_could_compare():
    refused(lambda: unbuilt("StyleVAE").compile("sgd", metrics=["mae"]), "^StyleVAE has no true answers")


def test_a_network_without_weights_says_so_and_reports_its_loss():
    x, y = pairs("Bicubic")
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        history = compiled("Bicubic").fit(x, y, epochs=2, verbose=0).history
    assert history["loss"][0] == history["loss"][1] > 0
