"""What every network with many answers checks and pads, tried on a small one of each class; and in a graph."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_models import SMALL

from keras_facesr import classes
from keras_facesr.errors import CallError, ImageError
from keras_facesr.inference.sizes import fitting_size
from keras_facesr.models.stochastic import Stochastic
from keras_facesr.models.stylevae import StyleVAE

DRAWN = sorted(name for name in SMALL if issubclass(classes.model_class(name), Stochastic))
VARIANTS = {**{name: (name, SMALL[name]) for name in DRAWN}, "VarSR for digits": ("VarSR", {**SMALL["VarSR"], "blocks": 0})}
LR = np.random.default_rng(0).random((2, 4, 8, 3), "float32")
WRONG = {  # lr, what the error says
    "levels": (np.zeros((1, 8, 8, 3), np.uint8), "lr is uint8: give float32 in"),
    "long integers": (np.zeros((1, 8, 8, 3), np.int64), "lr is int64"),
    "truth values": (np.zeros((1, 8, 8, 3), bool), "lr is bool"),
    "levels as numbers": (200 * LR, "lr has values from .* to 199"),
    "signed": (2 * LR - 1, "lr has values from -"),
    "no number": (np.full((1, 8, 8, 3), np.nan, "float32"), "nan"),
    "one image": (LR[0], r"shape \(4, 8, 3\): give images"),
    "gray": (LR[..., :1], "give images"),
}


@pytest.fixture(scope="module", params=VARIANTS)
def model(request):
    keras.utils.set_random_seed(0)
    name, config = VARIANTS[request.param]
    return classes.build_model(name, config)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def calls(model):
    """The methods that take small images, by name."""
    z = model.encode(LR).mean
    found = {
        "sample": lambda lr: model.sample(lr, 2, seed=0),
        "encode": lambda lr: model.encode(lr).mean,
        "decode": lambda lr: model.decode(lr, z),
        "traverse": lambda lr: model.traverse(lr, 2, seed=0),
        "pixel_deviation": lambda lr: model.pixel_deviation(lr, 2, seed=0),
    }
    if hasattr(model, "edit"):
        found["edit"] = lambda lr: model.edit(lr, np.ones(model.latent_dim, "float32"))
    if hasattr(model, "deterministic"):
        found["deterministic"] = lambda lr: model.deterministic(lr)
    return found


def test_the_classes_with_many_answers_are_these():
    assert DRAWN == ["MRGAN", "PRSR", "SAM", "SAMGAN", "VarSR"]
    assert all(getattr(classes.model_class(name), "is_stochastic", False) == (name in DRAWN) for name in SMALL)


def test_what_is_no_image_in_0_to_1_is_refused_in_one_line_by_every_method(model):
    for call in calls(model).values():
        for lr, line in WRONG.values():
            with pytest.raises(ImageError, match=line) as caught:
                call(lr)
            assert "\n" not in str(caught.value)


def test_numbers_of_other_precision_and_lists_and_tensors_are_images_too(model):
    expected = numpy(model.encode(LR).mean)
    for lr in (LR.astype(np.float64), LR.tolist(), tf.constant(LR)):
        np.testing.assert_allclose(numpy(model.encode(lr).mean), expected, atol=1e-6)
    for lr in (LR.astype(np.float16), LR * 1.0005):  # rounded, here or there
        np.testing.assert_allclose(numpy(model.encode(lr).mean), expected, atol=1e-2)


@pytest.mark.parametrize("size", [(3, 7), (1, 1)])
def test_an_image_of_any_size_is_padded_by_its_edges_and_its_answer_cut_back(model, size):
    lr = LR[:, : size[0], : size[1]]
    rows, columns = fitting_size(model, *size)
    padded = np.pad(lr, ((0, 0), (0, rows - size[0]), (0, columns - size[1]), (0, 0)), mode="edge")
    height, width = (side * model.scale for side in size)
    cut = lambda answers: numpy(answers)[..., :height, :width, :]  # noqa: E731
    np.testing.assert_array_equal(numpy(model.sample(lr, 2, seed=1)), cut(model.sample(padded, 2, seed=1)))
    np.testing.assert_array_equal(numpy(model.traverse(lr, 3, seed=1)), cut(model.traverse(padded, 3, seed=1)))
    z = model.encode(lr).mean
    np.testing.assert_array_equal(numpy(z), numpy(model.encode(padded).mean))
    np.testing.assert_array_equal(numpy(model.decode(lr, z)), cut(model.decode(padded, z)))
    assert numpy(model.pixel_deviation(lr, 2, seed=1)).shape == (2, height, width, 1)


def test_latents_of_another_shape_are_refused_in_one_line(model):
    shape = model.encode(LR).mean.shape
    for z in (np.zeros((1, *shape[1:])), np.zeros(shape[1:]), np.zeros((*shape[:-1], shape[-1] + 1)), "z", np.nan):
        with pytest.raises(CallError, match=r"^z (has the shape .*: give latents shaped as|must be finite numbers)"):
            model.decode(LR, z)
    np.testing.assert_array_equal(numpy(model.decode(LR, np.zeros(shape).tolist())), numpy(model.decode(LR, tf.zeros(shape))))


def test_numpys_integers_are_seeds(model):
    """Which kinds there are is tried on the Gaussian itself, in test_gaussian."""
    lr = LR[:, :, :4]
    for seed, same in ((5, np.int64(5)), ([5, 6], np.array([5, 6]))):
        np.testing.assert_array_equal(numpy(model.sample(lr, 2, seed=same)), numpy(model.sample(lr, 2, seed=seed)))


@pytest.mark.parametrize("model", sorted({*VARIANTS} - {"PRSR"}), indirect=True)  # its loop is traced whenever it draws
def test_a_graph_is_traced_once_for_all_sizes_and_does_the_same(model):
    traced = []

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def answer(lr):
        traced.append(lr)
        return model.decode(lr, model.encode(lr).mean)

    for lr in (LR, LR[:1, :, :4]):
        np.testing.assert_allclose(answer(lr).numpy(), numpy(model.decode(lr, model.encode(lr).mean)), atol=1e-5)
    assert len(traced) == 1
    with pytest.raises(Exception, match="lr is uint8"):  # TensorFlow makes an error of its own of it
        tf.function(lambda lr: model.encode(lr).mean)(WRONG["levels"][0])


def test_training_may_see_values_outside_of_0_to_1_as_before(model):
    hr = np.zeros(model.compute_output_shape(LR.shape), "float32")
    model.compile("sgd", run_eagerly=True)
    assert np.isfinite(model.train_on_batch(1.2 * LR, hr)).all()


def test_the_network_that_spoils_faces_refuses_the_same():
    model = StyleVAE(scale=2, lr_size=8, style_dim=4, channels=4, encoder_blocks=1, generator_blocks=1)
    model.build()
    for call in (model.encode, model.degrade, lambda images: model.degrade(LR, style=images)):
        for images, line in WRONG.values():
            with pytest.raises(ImageError, match=line.removeprefix("lr ")):
                call(images)
    assert numpy(model.degrade(LR, style=LR)).shape == (2, 2, 4, 3)
