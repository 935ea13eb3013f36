"""PRSR: what each value may know, and drawing with a memory against drawing by whole passes."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax, softmax
from scipy.stats import norm

from keras_facesr import backend
from keras_facesr.models.baselines.prsr import PRSR

SMALL = {"scale": 2, "channels": 7, "depth": 2, "conditioner_channels": 4, "blocks": 1}  # seven: not the same for each colour
LR = np.random.default_rng(0).random((2, 3, 2, 3), "float32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = PRSR(**SMALL)
    model.build()
    rng = np.random.default_rng(0)
    for variable in model.prior.trainable_variables:  # strong enough for values to depend on each other
        variable.assign(rng.normal(scale=0.5, size=variable.shape))
    return model


def drawn_by_whole_passes(model, lr, choose):
    """``choose(logits, place)`` -> levels (N,), of logits (N, 256) that the whole prior gives anew for each value."""
    condition = numpy(model.condition(lr))
    image = np.zeros(condition.shape[:-1], "float32")
    for place in np.ndindex(image.shape[1:]):
        logits = numpy(model.prior(ops.convert_to_tensor(image))) + condition
        image[(slice(None), *place)] = choose(logits[(slice(None), *place)], place) / 255
    return image


@pytest.mark.parametrize("place", [(0, 0, 0), (0, 2, 1), (2, 0, 2), (3, 4, 0), (3, 4, 1), (3, 4, 2), (5, 8, 1)])
def test_a_value_knows_all_before_it_within_reach_and_none_from_itself_on(model, place):
    row, column, colour = place
    images = np.random.default_rng(1).random((1, 6, 9, 3), "float32")
    weights = np.random.default_rng(2).normal(size=256).astype("float32")
    value = lambda images: ops.sum(model.prior(images)[:, row, column, colour] * weights)  # noqa: E731
    slope = numpy(backend.input_gradient(value, ops.convert_to_tensor(images)))[0]
    known = np.zeros(images.shape[1:], bool).reshape(-1)
    known[: np.ravel_multi_index(place, images.shape[1:])] = True
    known = known.reshape(images.shape[1:])
    assert not slope[~known].any()
    assert slope[max(0, row - 3) : row + 1, max(0, column - 3) : column + 4][
        known[max(0, row - 3) : row + 1, max(0, column - 3) : column + 4]
    ].all()  # what the first convolution sees, the places above to the right among it


def test_drawing_with_a_memory_is_drawing_by_whole_passes(model):
    z = np.random.default_rng(3).normal(size=(2, 6, 4, 3)).astype("float32")

    def choose(logits, place):
        probabilities = np.exp(log_softmax(1.1 * logits.astype("float64"), axis=-1))
        return (np.cumsum(probabilities, axis=-1)[:, :-1] < norm.cdf(z[(slice(None), *place)])[:, None]).sum(-1)

    found = numpy(model.decode(LR, z))
    np.testing.assert_allclose(found, drawn_by_whole_passes(model, LR, choose), atol=1e-6)
    assert len(np.unique(found)) > 30


def test_the_most_probable_answer_takes_the_likeliest_value_each_time(model):
    expected = drawn_by_whole_passes(model, LR, lambda logits, place: logits.argmax(-1))
    np.testing.assert_allclose(numpy(model(LR)), expected, atol=1e-6)


def test_validation_looks_at_the_conditioners_mean(model):
    shares = softmax(numpy(model.condition(LR)).astype("float64"), axis=-1)
    expected = (shares * np.arange(256)).sum(-1) / 255
    np.testing.assert_allclose(numpy(model.validation_answer(LR)), expected, atol=1e-5)


def test_samples_are_repeatable_and_differ(model):
    samples = numpy(model.sample(LR, 2, seed=1))
    assert samples.shape == (2, 2, 6, 4, 3) and np.abs(samples[0] - samples[1]).max() > 0
    np.testing.assert_array_equal(samples, numpy(model.sample(LR, 2, seed=1)))
    second = model.encode(LR).sample(2, seed=1)[1]
    np.testing.assert_array_equal(samples[1], numpy(model.decode(LR, second)))
    np.testing.assert_allclose(255 * samples, np.round(255 * samples), atol=1e-4)


def test_samples_have_the_distribution_that_the_logits_give(model):
    """The first value, which has nothing before it: of many draws as often as softmax says."""
    lr = LR[:1, :1, :1].repeat(2000, 0)
    z = np.zeros((2000, 2, 2, 3), "float32")
    z[:, 0, 0, 0] = norm.ppf((np.arange(2000) + 0.5) / 2000)
    drawn = np.bincount(np.round(255 * numpy(model.decode(lr, z))[:, 0, 0, 0]).astype(int), minlength=256) / 2000
    logits = numpy(model.condition(lr[:1]) + model.prior(ops.zeros((1, 2, 2, 3))))[0, 0, 0, 0]
    np.testing.assert_allclose(drawn, np.exp(log_softmax(1.1 * logits)), atol=1.1e-3)


def test_the_loss_is_the_cross_entropy_of_the_true_levels_with_the_prior_and_without(model):
    hr = np.random.default_rng(4).random((2, 6, 4, 3), "float32")
    total, both, alone = (float(value) for value in model.objective(LR, hr))
    assert total == pytest.approx(both + alone, rel=1e-6)
    condition = numpy(model.condition(LR, training=True))
    levels = np.round(255 * hr).astype(int)[..., None]
    for found, logits in ((both, condition + numpy(model.prior(hr))), (alone, condition)):
        expected = -np.take_along_axis(log_softmax(logits.astype("float64"), axis=-1), levels, axis=-1).mean()
        assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_training_teaches_what_comes_next():
    keras.utils.set_random_seed(0)
    model = PRSR(**{**SMALL, "depth": 1})
    model.build()
    hr = np.tile(np.array([0.2, 0.8], "float32")[None, :, None, None], (4, 3, 4, 3))  # rows by turns: the prior's to know
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    first, *_, last = model.fit(np.full((4, 3, 2, 3), 0.5, "float32"), hr, epochs=30, verbose=0).history["cross_entropy"]
    assert first > 5 and last < 2.5


def test_the_default_prior_and_conditioner_have_the_published_layers():
    model = PRSR()
    model.build()
    taps = lambda inputs, outputs, n: n * inputs * outputs + outputs  # noqa: E731
    gated = taps(64, 128, 10) + taps(128, 128, 1) + taps(64, 128, 3) + taps(64, 64, 1)  # of 5x5, what may be seen
    head = taps(64, 1024, 1) + taps(1024, 768, 1)
    assert model.prior.count_params() == taps(3, 64, 4 * 7) + 20 * gated + head
    block = 2 * (taps(32, 32, 9) + 4 * 32)
    conditioner = taps(3, 32, 1) + 18 * block + 2 * taps(32, 32, 9) + taps(32, 768, 1)
    assert model.conditioner.count_params() == conditioner
