"""What recipes train for: the ways to make small faces."""

import keras
import numpy as np
import pytest

from keras_facesr import presets, tasks
from keras_facesr.data.degrade import degrade
from keras_facesr.errors import TrainingError
from keras_facesr.models.stylevae import StyleVAE

FACES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)


@pytest.fixture
def painter(monkeypatch):
    keras.utils.set_random_seed(0)
    painter = StyleVAE(scale=4, lr_size=4, style_dim=3, channels=4, encoder_blocks=1, generator_blocks=1)
    painter.build()
    monkeypatch.setattr(presets, "load", lambda name: painter)
    return painter


def test_small_faces_are_bicubic_unless_the_recipe_says_otherwise():
    assert tasks.degradation("bicubic", 4, seed=0) is None


@pytest.mark.parametrize("kind", ["blind", "some_stylevae"])
def test_faces_are_spoilt_in_several_ways_that_the_seed_repeats(kind, painter):
    variants, again, other = (tasks.degradation(kind, 4, seed)(FACES) for seed in (0, 0, 1))
    assert len(variants) == tasks.VARIANTS
    assert all(lr.shape == (3, 4, 4, 3) and lr.dtype == np.uint8 for lr in variants)
    assert len({lr.tobytes() for lr in (*variants, *other, degrade(FACES, 4))}) == 2 * tasks.VARIANTS + 1
    assert all(np.array_equal(a, b) for a, b in zip(variants, again))


def test_a_style_of_another_scale_is_refused(painter):
    with pytest.raises(TrainingError, match="some_stylevae reduces 4 times, the network enlarges 8 times"):
        tasks.degradation("some_stylevae", 8, seed=0)
