"""The latent Gaussian against its closed forms."""

import keras
import numpy as np
import pytest
from scipy.stats import kstest, norm

from keras_facesr.errors import CallError
from keras_facesr.objectives.gaussian import DiagonalGaussian, kl_divergence, reparameterised_sample

SHAPE = (3, 2, 2, 5)


def gaussian(seed):
    rng = np.random.default_rng(seed)
    mean, log_variance = rng.uniform(-1, 1, SHAPE), rng.uniform(-1, 1, SHAPE)
    tensors = [keras.ops.convert_to_tensor(part.astype("float32")) for part in (mean, log_variance)]
    return DiagonalGaussian(*tensors), mean, log_variance


def standard(n):
    return DiagonalGaussian(keras.ops.zeros((n, 1)), keras.ops.zeros((n, 1)))


def test_kl_divergence_equals_its_closed_form():
    (q, mq, vq), (p, mp, vp) = gaussian(0), gaussian(1)
    closed = 0.5 * (vp - vq + (np.exp(vq) + (mq - mp) ** 2) / np.exp(vp) - 1).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(kl_divergence(q, p)), closed, rtol=1e-5)


def test_kl_divergence_of_a_gaussian_from_itself_is_zero():
    q, _, _ = gaussian(0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(kl_divergence(q, q)), np.zeros(3), atol=1e-5)


@pytest.mark.parametrize("draw", ["spread", "independent", "reparameterised"])
def test_draws_have_the_mean_and_the_deviation_that_they_are_asked_for(draw):
    q, mean, log_variance = gaussian(2)
    if draw != "reparameterised":
        draws = keras.ops.convert_to_numpy(q.sample(1000, seed=0, independent=draw == "independent"))
    else:
        draws = np.stack([keras.ops.convert_to_numpy(reparameterised_sample(q, (1, step))) for step in range(1000)])
    standard_error = np.exp(0.5 * log_variance).max() / np.sqrt(1000)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=5 * standard_error)
    np.testing.assert_allclose(draws.std(axis=0), np.exp(0.5 * log_variance), rtol=0.12)


def test_draws_together_lie_one_in_each_part_of_the_probability_along_every_axis():
    q, mean, log_variance = gaussian(2)
    draws = keras.ops.convert_to_numpy(q.sample(7, seed=1))
    part = np.floor(7 * norm.cdf((draws - mean) / np.exp(0.5 * log_variance)))
    np.testing.assert_array_equal(np.sort(part, axis=0), np.arange(7).reshape(-1, 1, 1, 1, 1) * np.ones(SHAPE))
    orders = {tuple(order) for order in part.reshape(7, -1).T}
    assert len(orders) > 50  # of 60 axes: each has an order of its own


def test_each_draw_alone_is_one_of_the_gaussian_and_an_only_one_is_chance_itself():
    for draws in keras.ops.convert_to_numpy(standard(2000).sample(3, seed=0)):
        assert kstest(draws.ravel(), norm.cdf).pvalue > 0.001
    chance = np.random.default_rng(0).normal(size=(2, 1, 2000, 1)).astype("float32")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(standard(2000).spread(chance))[0], chance[1, 0], atol=2e-3)


@pytest.mark.parametrize("n, factor", [(2, 1.41), (5, 1.18), (10, 1.09)])
def test_draws_together_lie_further_apart_than_independent_ones(n, factor):
    """What docs/measuring.md says of it; independent standard normal numbers are 2 / sqrt(pi) apart."""
    for independent, apart in ((False, factor), (True, 1)):
        one, other, *_ = keras.ops.convert_to_numpy(standard(100_000).sample(n, seed=0, independent=independent))
        assert np.abs(one - other).mean() == pytest.approx(apart * 2 / np.sqrt(np.pi), rel=0.01)


@pytest.mark.parametrize("independent", [False, True])
def test_with_a_seed_for_each_of_the_batch_each_is_drawn_as_it_would_be_alone(independent):
    q, _, _ = gaussian(2)
    together = keras.ops.convert_to_numpy(q.sample(4, (7, 8, 9), independent))
    for index, seed in enumerate((7, 8, 9)):
        alone = DiagonalGaussian(q.mean[index : index + 1], q.log_variance[index : index + 1])
        draws = keras.ops.convert_to_numpy(alone.sample(4, seed, independent))
        np.testing.assert_allclose(together[:, [index]], draws, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", [(7, 8), [7, 8, 9, 10], 1.5, "7", (7, 8, "9"), np.array([0.5, 1, 2])])
def test_a_seed_that_is_none_or_too_few_or_many_are_refused_in_a_line(seed):
    with pytest.raises(CallError, match="^seed must be a whole number, (or one for each of the 3 images, )?not "):
        gaussian(2)[0].sample(4, seed=seed)


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, (7, 8, 2**64)])
def test_a_seed_of_more_than_64_bits_is_refused_in_a_line(seed):
    with pytest.raises(CallError, match="^seed must be a whole number of 64 bits, not "):
        gaussian(2)[0].sample(4, seed=seed)
    assert len(gaussian(2)[0].sample(4, seed=2**63 - 1)) == len(gaussian(2)[0].sample(4, seed=-(2**63))) == 4


def test_numpys_integers_are_seeds_as_pythons_are():
    q, _, _ = gaussian(2)
    draws = lambda seed: keras.ops.convert_to_numpy(q.sample(2, seed=seed))  # noqa: E731
    for seed in (np.int64(7), np.uint8(7), np.array(7)):
        np.testing.assert_array_equal(draws(seed), draws(7))
    for seeds in (np.array([7, 8, 9]), [np.int32(7), np.int32(8), 9], range(7, 10)):
        np.testing.assert_array_equal(draws(seeds), draws((7, 8, 9)))
    np.testing.assert_array_equal(draws(True), draws(1))
    assert not np.array_equal(draws(None), draws(None))
    assert draws(keras.random.SeedGenerator(7)).shape == (2, *SHAPE)


def test_a_training_draw_follows_from_both_of_its_seeds_alone():
    q, _, _ = gaussian(3)
    draws = {seed: keras.ops.convert_to_numpy(reparameterised_sample(q, seed)) for seed in ((0, 0), (0, 1), (1, 0))}
    keras.random.normal((3,))  # other draws in between do not matter
    np.testing.assert_array_equal(draws[0, 0], keras.ops.convert_to_numpy(reparameterised_sample(q, (0, 0))))
    assert not np.allclose(draws[0, 0], draws[0, 1]) and not np.allclose(draws[0, 0], draws[1, 0])
