"""What every model that enlarges promises, tried on a small one of each class."""

import re

import keras
import numpy as np
import pytest
from small_networks import NO_ENLARGERS, SMALL, loss

from keras_facesr import classes
from keras_facesr.errors import CallError
from keras_facesr.inference.sizes import fitting_size
from keras_facesr.training.run import computing_in

ENLARGERS = sorted({*SMALL} - {*NO_ENLARGERS})  # for the others see test_cagface, test_judges, test_ssrvae


@pytest.fixture(scope="module", params=ENLARGERS)
def model(request):
    keras.utils.set_random_seed(0)
    return classes.build_model(request.param, SMALL[request.param])


def inputs(model, height=2, width=3, n=2):
    """Images of some multiples of the least size that the model takes."""
    rows, columns = fitting_size(model, 1, 1)
    return np.random.default_rng(0).random((n, height * rows, width * columns, 3), "float32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_images_of_several_sizes_come_out_scale_times_as_large_as_float32_in_0_to_1(model):
    for height, width in ((2, 3), (5, 2)):
        lr = inputs(model, height, width)
        sr = numpy(model(lr))
        assert sr.dtype == np.float32
        assert sr.shape == (len(lr), lr.shape[1] * model.scale, lr.shape[2] * model.scale, 3)
        assert sr.shape == model.compute_output_shape(lr.shape)
        assert sr.min() >= 0.0 and sr.max() <= 1.0


@pytest.mark.parametrize("name", sorted({*SMALL} - {"DigitClassifier"}))
def test_a_number_given_as_text_is_refused_by_name_at_once(name):
    numbers = [argument for argument, value in SMALL[name].items() if type(value) in (int, float)]
    for argument in numbers:
        with pytest.raises(CallError, match=f"^{name}: {argument} must be a (whole )?number from [01] on, not '"):
            classes.model_class(name)(**{**SMALL[name], argument: str(SMALL[name][argument])})
    assert numbers


def test_a_number_given_in_its_place_may_be_numpys_but_no_text():
    cls = classes.model_class("SRCNN")
    assert cls(np.int64(2)).scale == 2
    with pytest.raises(CallError, match="^SRCNN: scale must be a whole number from 1 on, not '2'$"):
        cls("2")


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("Bicubic", {"scale": 0}, "scale must be a whole number from 1 on, not 0"),
        ("SRCNN", {"scale": 2.5}, "scale must be a whole number from 1 on, not 2.5"),
        ("EDSR", {"blocks": -1}, "blocks must be a whole number from 0 on, not -1"),
        ("SAM", {"stochastic_weight": -1}, "stochastic_weight must be a number from 0 on, not -1"),
        ("VarSR", {"kl_weight": float("nan")}, "kl_weight must be a number from 0 on, not nan"),
        ("VarSR", {"draws": -1}, "draws must be a whole number from 0 on, not -1"),
        ("VarSR", {"lr_size": 8}, "lr_size must be several numbers, such as (8, 8), not 8"),
        ("VarSR", {"lr_size": (4.0, 4.0)}, "lr_size must be a whole number from 1 on, not 4.0"),
        ("URDGN", {"hr_size": 16}, "hr_size must be several numbers, such as (128, 128), not 16"),
        ("SRGAN", {"critic_steps": 0}, "critic_steps must be a whole number from 1 on, not 0"),
        ("EDSR", {"img_range": 0}, "img_range must be a number above 0, not 0"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_at_once(name, given, told):
    with pytest.raises(CallError, match=f"^{name}: {re.escape(told)}$"):
        classes.model_class(name)(**{**SMALL[name], **given})


@pytest.mark.parametrize("name", ENLARGERS)
def test_in_mixed_precision_images_come_out_as_float32_and_near_those_of_float32(name):
    answers = []
    for precision in ("float32", "mixed_bfloat16"):
        with computing_in(precision):
            keras.utils.set_random_seed(0)
            model = classes.build_model(name, SMALL[name])
            answers.append(numpy(model(inputs(model))))
    assert answers[1].dtype == np.float32
    if name != "PRSR":  # whose values each depend on all before them
        assert np.abs(answers[1] - answers[0]).max() < (1e-6 if name == "Bicubic" else 0.05)


@pytest.mark.parametrize("name", sorted({*ENLARGERS} - {"Bicubic"}))
def test_evaluating_gives_the_squared_error_of_the_answer_over_all_images(name):
    keras.utils.set_random_seed(0)
    model = classes.build_model(name, SMALL[name])
    lr = inputs(model, 2, 2, n=3)
    hr = np.random.default_rng(1).random(model.compute_output_shape(lr.shape), "float32")
    model.compile("adam", loss(name), run_eagerly=True)
    figures = model.evaluate(lr, hr, batch_size=2, verbose=0, return_dict=True)
    assert figures == {"loss": pytest.approx(np.mean((numpy(model.validation_answer(lr)) - hr) ** 2), rel=1e-4)}


@pytest.mark.parametrize(
    "name, how",
    [("SAM", {}), ("CAGFace", {}), ("VarSR", {"critic": True}), ("VarSR", {"critic": True, "perceptual_weight": 1.0})],
)
def test_a_model_is_in_its_phase_again_after_saving_whole(name, how, tmp_path):
    model = classes.build_model(name, {**SMALL[name], **how})
    model.phase = 2
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.phase == 2 and not again.compiled
    assert [v.shape for v in again.trainable_variables] == [v.shape for v in model.trainable_variables]


@pytest.mark.parametrize("name", ["SAM", "CAGFace", "VarSR"])
def test_a_configuration_without_a_phase_makes_a_network_in_its_first(name):
    """Such as a preset's."""
    assert classes.model_class(name).from_config(SMALL[name]).phase == 1


def test_an_image_alone_gives_what_it_gives_in_a_batch(model):
    lr = inputs(model)
    np.testing.assert_allclose(numpy(model(lr[1:])), numpy(model(lr))[1:], atol=1e-5)


def test_a_model_is_itself_again_after_saving_whole(model, tmp_path):
    lr = inputs(model)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is type(model) and again.get_config() == model.get_config()
    np.testing.assert_array_equal(numpy(again(lr)), numpy(model(lr)))


def test_weights_make_a_new_network_the_same(model, tmp_path):
    lr, name = inputs(model), type(model).__name__
    model.save_weights(tmp_path / "model.weights.h5")
    keras.utils.set_random_seed(1)
    again = classes.build_model(name, SMALL[name])
    again.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(numpy(again(lr)), numpy(model(lr)))


def test_a_model_says_where_it_was_published_and_what_it_can(model):
    assert model.paper and isinstance(model.scale, int)
    for method in ("sample", "encode", "decode"):
        assert hasattr(model, method) == model.is_stochastic
