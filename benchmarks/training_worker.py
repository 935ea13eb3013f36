"""One way to train in this process, for ``training.py``: answers {"steps": N} with {"seconds": the time they took}."""

import dataclasses
import os
import sys
import time
from pathlib import Path

from turns import answer_lines

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
FACES = 48
WARM_STEPS = 3


def prepare():
    kind, recipe_name, stage_number, folder = sys.argv[1:]
    import keras

    from keras_facesr.training import recipes
    from keras_facesr.training.tasks import TASKS

    recipe = on_built_in_faces(recipes.find(recipe_name))
    stage = recipe.stages[int(stage_number) - 1]
    keras.utils.set_random_seed(recipe.seed)
    model = recipe.model()
    task = TASKS[recipe.task](recipe, written_faces(Path(folder) / "faces", recipe), model)
    stream = task.stream(stage, seed=0)
    if kind != "images":
        stage.prepare(model, jit_compile=kind != "torch")
    train = {"train": by_fit, "loop": by_loop, "torch": by_torch, "images": by_drawing}[kind](model, stage, stream)
    train(WARM_STEPS)
    return {}, lambda steps: {"seconds": train(steps)}


def on_built_in_faces(recipe):
    """The recipe with images from one folder."""
    from keras_facesr.training.recipes.recipe import Source

    return dataclasses.replace(recipe, sources=(Source("folder", recipe.sources[0].size),), validation_images=1)


def written_faces(folder, recipe):
    """Write faces of the recipe's image size to the folder, and return it."""
    from PIL import Image

    from keras_facesr.inference.built_in import demo_faces

    if not folder.exists():
        folder.mkdir()
        for index, face in enumerate(demo_faces(FACES, recipe.sources[0].size)):
            Image.fromarray(face).save(folder / f"{index}.png")
    return folder


# Each returns a function that takes so many training steps and returns the seconds.


def by_fit(model, stage, stream):
    """Train as ``facesr train`` does between two checks."""
    from keras_facesr.training.devices import OneDevice
    from keras_facesr.training.run import RunKeeper

    class Clock(RunKeeper):
        def on_epoch_end(self, epoch, logs=None):
            self.seconds = time.monotonic() - self.started

    devices = OneDevice()
    clock = Clock(stage, 0, stream, task=None, run=None, devices=devices, files=None)

    def train(steps):
        stage_of_turn = dataclasses.replace(stage, steps=steps, check_every=steps)
        clock.stage, clock.step = stage_of_turn, 0
        devices.fit(model, stream.as_dataset(0, steps), steps, 1, clock)
        return clock.seconds

    return train


def by_loop(model, stage, stream):
    """Repeat the compiled step on one batch."""
    import tensorflow as tf

    batch = tuple(tf.constant(images) for images in stream.batch(0))
    step = tf.function(lambda: model.train_step(batch), jit_compile=model.jit_compile)
    return lambda steps: timed(step, steps)


def by_torch(model, stage, stream):
    """Repeat PyTorch's step on one batch."""
    import torch

    batch = tuple(torch.from_numpy(images) for images in stream.batch(0))
    return lambda steps: timed(lambda: model.train_step(batch), steps)


def by_drawing(model, stage, stream):
    """Only make the batches."""

    def draw(steps):
        began = time.monotonic()
        for _ in stream.as_dataset(0, steps):
            pass
        return time.monotonic() - began

    return draw


def timed(step, steps):
    """Seconds of so many steps, until the figures of the last one are computed."""
    began = time.monotonic()
    for _ in range(steps):
        figures = step()
    [float(value) for value in figures.values()]
    return time.monotonic() - began


if __name__ == "__main__":
    answer_lines(prepare)
