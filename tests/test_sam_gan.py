"""SAM against a critic of its samples: its SR network alone learns on, f(x, 0) by SAM's own loss."""

import keras
import numpy as np
import pytest
from small_networks import CRITIC, SMALL

import keras_facesr as fsr
from keras_facesr.models.sam import SAM
from keras_facesr.models.sam_gan import SAMGAN
from keras_facesr.training import recipes

RNG = np.random.default_rng(0)
LR, HR = RNG.random((4, 8, 8, 3), "float32"), RNG.random((4, 32, 32, 3), "float32")
numpy = keras.ops.convert_to_numpy


def sam_gan(generator=None, **changes):
    keras.utils.set_random_seed(0)
    model = SAMGAN(4, (32, 32), {**SMALL["SAM"], **(generator or {})}, **{**CRITIC, **changes})
    model.build()
    return model


def step(model, phase, rate=0.0):
    model.phase = phase
    model.compile(keras.optimizers.SGD(rate), run_eagerly=True)
    return model.train_on_batch(LR, HR, return_dict=True)


@pytest.mark.parametrize("phase", [1, 2])
def test_the_sr_network_learns_and_what_z_holds_stays(phase):
    model = sam_gan()
    network = model.generator
    learning = [network.encoder, network.latent_decoder, network.decoder]
    before = [numpy(variable) for variable in network.variables]
    step(model, phase, rate=0.1)
    pairs = zip(network.variables, before)
    changed = {id(variable) for variable, former in pairs if (numpy(variable) != former).any()}
    own = [{id(variable) for variable in part.variables} for part in learning]
    assert changed <= set().union(*own) and all(changed & variables for variables in own)


def test_without_a_weight_of_the_samples_its_loss_is_the_squared_error_of_the_deterministic_answer():
    model = sam_gan({"stochastic_weight": 0.0}, answer_weight=1.0)
    twin = SAM(**SMALL["SAM"])
    twin.build()
    twin.set_weights(model.generator.get_weights())
    twin.phase = 0
    report = step(model, 1)
    twin.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    of_twin = twin.train_on_batch(LR, HR, return_dict=True)
    assert report["loss"] == pytest.approx(of_twin["loss"] / 4, rel=1e-5)
    assert report["deterministic_mse"] == pytest.approx(of_twin["loss"], rel=1e-5)


def test_the_loss_against_the_critic_is_the_weighted_sum_that_is_documented():
    report = step(sam_gan({"stochastic_weight": 0.5}, answer_weight=0.3, adversarial_weight=0.03, consistency_weight=2.0), 2)
    by_pixels = (0.3 * report["deterministic_mse"] + 0.5 * report["stochastic_l1"]) / 4
    assert report["loss"] == pytest.approx(by_pixels + 0.03 * report["adversarial"] + 2.0 * report["consistency"], rel=1e-5)


def test_its_samples_are_sams_drawn_wider_by_the_temperature():
    model = sam_gan(temperature=1.5)
    of_sam, widened = model.generator.encode(LR), model.encode(LR)
    np.testing.assert_allclose(numpy(widened.mean), numpy(of_sam.mean), rtol=1e-6)
    np.testing.assert_allclose(numpy(widened.stddev), 1.5 * numpy(of_sam.stddev), rtol=1e-5)
    z = RNG.standard_normal(of_sam.mean.shape).astype("float32")
    np.testing.assert_array_equal(numpy(model.decode(LR, z)), numpy(model.generator.decode(LR, z)))
    assert model.sample(LR, 3, seed=1).shape == (3, *HR.shape)
    with pytest.raises(ValueError, match="temperature must be a number above 0, not 0"):
        sam_gan(temperature=0)


def test_the_recipe_starts_from_the_released_sam():
    model, sam = recipes.find("sam_gan_small_x8").model(), fsr.load("sam_small_x8")
    levels = RNG.integers(0, 256, (1, 16, 16, 3), "uint8")
    np.testing.assert_array_equal(model.upscale(levels), sam.upscale(levels))
