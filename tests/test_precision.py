"""Each system's recipe learns in mixed precision what it learns in float32."""

import dataclasses
import functools

import keras
import numpy as np
import pytest

from keras_facesr import recipes
from keras_facesr.data.degrade import resize
from keras_facesr.data.pipeline import PairStream, UnpairedStream
from keras_facesr.tasks import prepared
from keras_facesr.training import computing_in

STEPS, LAST = 200, 50  # and those at the end whose mean loss is compared
IMAGES = 32
SYSTEMS = {  # name: recipe, index of the stage, figure that falls
    "sam": ("sam_small_x8_utkface", 3, "loss"),
    "varsr": ("varsr_x8_celeba", 0, "loss"),
    "cagface": ("cagface_small_x4", 0, "huber"),
    "ssrvae": ("ssrvae_x4", 0, "loss"),
    "stylevae": ("stylevae_wider", 0, "loss"),
}


def pieces(side, seed):
    """Pieces of a portrait: uint8 (IMAGES, side, side, 3)."""
    from skimage.data import astronaut

    portrait, rng = astronaut(), np.random.default_rng(seed)
    corners = rng.integers(0, len(portrait) - 160, size=(IMAGES, 2))
    return np.stack([resize(portrait[top : top + 160, left : left + 160], side, side) for top, left in corners])


def stream_of(recipe, stage, model):
    hr = pieces(recipe.sources[0].size, seed=0)
    if recipe.task == "degradation":
        return UnpairedStream(pieces(recipe.sources[1].size, seed=1), hr, stage.batch_size)
    prepare = (lambda lr: prepared(model, lr)) if recipe.crop else None
    return PairStream(hr, model.scale, stage.batch_size, crop=recipe.crop, prepare=prepare)


@functools.cache
def last_losses(system, precision):
    """Mean figures of the last steps: name -> value."""
    name, index, _ = SYSTEMS[system]
    recipe = recipes.find(name)
    stage = dataclasses.replace(recipe.stages[index], steps=STEPS, check_every=STEPS, batch_size=2)
    with computing_in(precision):
        keras.utils.set_random_seed(0)
        model = recipe.model(stage)
        stream = stream_of(recipe, stage, model)
        stage.prepare(model, jit_compile=False)
        for step in range(STEPS):
            if step == STEPS - LAST:
                model.reset_metrics()
            figures = model.train_on_batch(*stream.batch(step), return_dict=True)
    return {name: float(value) for name, value in figures.items()}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_mixed_precision_trains_to_the_loss_of_float32(system, precision):
    figure = SYSTEMS[system][2]
    assert last_losses(system, precision)[figure] == pytest.approx(last_losses(system, "float32")[figure], rel=0.02)
