"""CAGFace against a critic: its loss by pixels is CAGFace's own, and it takes patches that were cut after ``prepare``."""

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import uniform_filter
from small_networks import CRITIC, SMALL

from keras_facesr.models.cagface import CAGFace
from keras_facesr.models.cagface_gan import CAGFaceGAN
from keras_facesr.objectives.grid import WINDOW, grid_error

RNG = np.random.default_rng(0)
LR, HR = RNG.random((4, 8, 8, 3), "float32"), RNG.random((4, 32, 32, 3), "float32")


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = CAGFaceGAN(hr_size=(32, 32), generator=SMALL["CAGFace"], **{**CRITIC, "consistency_weight": 3.0})
    model.build()
    return model


def test_its_loss_by_pixels_is_half_of_cagfaces_in_phase_2(model):
    twin = CAGFace(**SMALL["CAGFace"])
    twin.build()
    twin.set_weights(model.generator.get_weights())
    twin.phase = 2
    reports = []
    for network in (model, twin):
        network.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        reports.append(network.train_on_batch(LR, HR, return_dict=True))
    assert reports[0]["loss"] == pytest.approx(reports[1]["loss"] / 2, rel=1e-5)
    assert all(reports[0][name] == pytest.approx(reports[1][name], rel=1e-5) for name in ("huber_x2", "huber_x4"))


def test_against_the_critic_it_takes_pictures_and_what_prepare_makes_of_them_alike(model):
    model.phase = 2
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    prepared = keras.ops.convert_to_numpy(model.prepare(LR))
    of_pictures, of_patches = (model.train_on_batch(lr, HR, return_dict=True) for lr in (LR, prepared))
    assert prepared.shape == (4, 8, 8, 6) and of_pictures == pytest.approx(of_patches, rel=1e-4)
    weighted = (of_pictures["huber_x2"] + of_pictures["huber_x4"]) / 2 + 5e-3 * of_pictures["adversarial"]
    assert of_pictures["loss"] == pytest.approx(weighted + 3.0 * of_pictures["consistency"], rel=1e-4)


def test_an_answer_reduced_again_is_held_to_the_small_picture_alone(model):
    prepared = model.prepare(LR)
    sr = keras.ops.convert_to_numpy(model(prepared))
    channels = map(Image.fromarray, np.moveaxis(sr, 3, 1).reshape(-1, 32, 32))
    channels = [channel.resize((8, 8), Image.Resampling.BICUBIC) for channel in channels]
    reduced = np.moveaxis(np.stack(channels).reshape(4, 3, 8, 8), 1, 3)
    found = float(model.inconsistency(prepared, 2.0 * sr - 1.0))
    assert found == pytest.approx(np.square(reduced - LR).mean(), rel=1e-3)


def test_a_grid_counts_whole_and_other_detail_a_sixty_fourth():
    draw = lambda *shape: RNG.standard_normal(shape, "float32")  # noqa: E731
    true, pattern = draw(2, 128, 128, 3), draw(1, 4, 4, 3)
    grid = np.tile(pattern - pattern.mean((1, 2), keepdims=True), (2, 32, 32, 1))
    shares = {}
    for name, added in {"grid": grid, "noise": draw(*true.shape)}.items():
        local = np.stack([uniform_filter(image, (5, 5, 0), mode="constant") for image in added])
        inside = np.square(added - local)[:, 4:-4, 4:-4]  # means of 5x5 pixels leave out what lies beyond the border
        shares[name] = float(grid_error(true, true + added, 4)) / inside.mean()
    assert shares["grid"] == pytest.approx(1.0, rel=0.02) and shares["noise"] == pytest.approx(1 / WINDOW**2, rel=0.2)


def test_its_loss_against_the_critic_holds_answers_to_no_grid(model):
    with pytest.raises(ValueError, match=r"hr_size is \(16, 32\): a grid_weight needs 32 pixels a side or more"):
        CAGFaceGAN(hr_size=(16, 32), grid_weight=7.0)
    settings = {**model.get_config(), "hr_size": (64, 64), "grid_weight": 7.0}
    model = CAGFaceGAN.from_config(settings)
    model.build()
    model.phase = 2
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    lr, hr = (RNG.uniform(0.4, 0.6, (2, side, side, 3)).astype("float32") for side in (16, 64))  # answers need no clipping
    report = model.train_on_batch(lr, hr, return_dict=True)
    assert report["grid"] == pytest.approx(float(grid_error(hr, model(lr), 4)), rel=1e-4)
    others = (report["huber_x2"] + report["huber_x4"]) / 2 + 5e-3 * report["adversarial"] + 3.0 * report["consistency"]
    assert report["loss"] == pytest.approx(others + 7.0 * report["grid"], rel=1e-4)


def test_the_component_network_is_frozen_and_both_stages_learn(model):
    learnt = {id(variable) for variable in model.learning_variables}
    assert not learnt & {id(variable) for variable in model.generator.components.variables}
    parts = [part for stage in (1, 2) for part in model.generator.stage_parts(stage)]
    assert learnt == {id(variable) for part in parts for variable in part.trainable_variables}
