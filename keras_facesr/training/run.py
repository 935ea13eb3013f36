"""Runs a recipe: stages of `fit` with validation, logs, averaged weights, and checkpoints from which a run is resumed."""

import contextlib
import dataclasses
import math
import os
import shutil
import signal
import time
import warnings
from collections import Counter
from pathlib import Path

import keras

from keras_facesr import presets
from keras_facesr.errors import TrainingError, TrainingFailed, TrainingStopped, check_choice
from keras_facesr.termination import when_asked_to_end
from keras_facesr.training import recipes
from keras_facesr.training.devices import devices_for, precision_here
from keras_facesr.training.run_folder import RunFolder, precision_of
from keras_facesr.training.sources import check_largest_batch, data_description, training_files
from keras_facesr.training.tasks import TASKS


def train(recipe, data_dir, run_dir, resume=False, strategy="auto", **changes):
    """Train a preset by its recipe, and leave the best weights in ``run_dir``.

    The folder holds ``recipe.json`` and ``data.json`` (what the run was started with), ``checkpoint-<k>-<step>/`` (the
    latest complete states), ``stage<k>.weights.h5`` (the best averaged weights of a finished stage), ``history.jsonl``,
    ``logs/`` for TensorBoard, and at the end ``model.weights.h5`` and ``config.json``, with which the folder can be loaded
    like a preset (``presets.find``). All are written under a temporary name first. A run killed at any moment continues with
    ``resume`` and ends with the weights of an uninterrupted one; on SIGTERM and on Ctrl+C it saves its state first.

    Args:
        recipe: name of a recipe (``keras_facesr.training.recipes``) or a ``Recipe``.
        data_dir: the data set that the recipe names, in its published layout, or a folder that holds several.
        run_dir: folder of the run; new unless ``resume``.
        resume: continue where the run in ``run_dir`` stopped.
        strategy: ``"mirrored"`` trains on all GPUs of the machine; ``"auto"`` does so if there are several;
            ``"multiworker"`` trains on several machines, each of which makes this call with its own TF_CONFIG
            (docs/distributed.md). They share ``run_dir``, and the first machine writes it.
        **changes: changes to the recipe: ``epochs``, ``degradation``, ``precision`` or ``accumulation``. None keeps the
            recipe's value, except that a run begun where bfloat16 is not faster is in float32 (``devices.precision_here``); a
            resumed run keeps its own.

    Returns:
        the trained model, with its best weights.

    Raises:
        TrainingError: the recipe is unknown, or needs a preset that is not released, or a change has no effect on it;
            ``run_dir`` holds a run already, or none to resume, or one on other data; TF_CONFIG names no cluster; a batch
            cannot be divided evenly among the devices.
        CallError: ``epochs`` or ``accumulation`` is no whole number above 0, or another argument or name in the recipe is none
            of those that there are.
        TrainingFailed: the disk is full, a figure is no longer a number, or another machine is gone.
        TrainingStopped: the process was asked to end (SIGTERM), and has saved its state.
        KeyboardInterrupt: Ctrl+C; the state is saved as well, but at a second Ctrl+C the run ends at once, without.
        DatasetError: the data is missing, too few, or has another layout.
    """
    recipe = recipe if isinstance(recipe, recipes.Recipe) else recipes.find(recipe)
    if not isinstance(run_dir, (str, os.PathLike)):
        raise TrainingError(f"{run_dir!r} is not the path of a folder: give a run one of its own")
    recipe = dataclasses.replace(recipe, **{name: value for name, value in changes.items() if value is not None})
    recipe = dataclasses.replace(recipe, degradation=presets.full_name(recipe.degradation))
    missing = sorted(recipe.teachers - set(presets.list_models()))
    if recipe.stylevae in missing:
        known = "bicubic, aliased, blind, or a released styleVAE, such as style"
        raise TrainingError(f"{recipe.name}: no degradation is called {recipe.stylevae!r}; there are {known}")
    if missing:
        raise TrainingError(f"{recipe.name} learns from {missing[0]}, which is not released: train and release that first")
    devices = devices_for(strategy)  # machines must be connected before TensorFlow computes anything
    for stage in recipe.stages:
        if stage.batch_size % devices.replicas:
            raise TrainingError(f"{devices.replicas} devices cannot share batches of {stage.batch_size} images evenly")
    check_largest_batch(recipe, data_dir)
    if changes.get("precision") is None:
        begun_in = precision_of(Path(run_dir)) if resume else None
        recipe = dataclasses.replace(recipe, precision=begun_in or precision_here(recipe.precision))
    run = RunFolder(Path(run_dir), recipe, data_description(recipe, data_dir), resume, devices)
    with computing_in(recipe.precision), run.begun():
        for index, stage in enumerate(recipe.stages):
            if not run.stage_file(index).exists():
                _train_stage(recipe, data_dir, index, stage, run, devices)
    last = run.stage_file(len(recipe.stages) - 1)
    model = recipe.model()
    model.load_weights(last)
    run.replace(run.folder / "model.weights.h5", lambda temporary: shutil.copyfile(last, temporary))
    run.write_preset(recipe)
    devices.wait()  # for the machine that writes
    return model


def _train_stage(recipe, data_dir, index, stage, run, devices):
    with devices.scope():
        keras.utils.set_random_seed(recipe.seed)
        model = recipe.model()
    if index:
        model.load_weights(run.stage_file(index - 1))
    elif recipe.start:
        _start_from(presets.find(recipe.start), model)
    check_choice(recipe.task, "task", TASKS)
    task = TASKS[recipe.task](recipe, data_dir, model)
    stream = task.stream(stage, seed=recipe.seed + index)
    if recipe.epochs is not None:
        stage = stage.for_steps(recipe.epochs * stream.steps_per_epoch)
    with devices.scope():
        stage.prepare(model, jit_compile=devices.xla, accumulation=recipe.accumulation)
    keeper = RunKeeper(stage, index, stream, task, run, devices, lambda: training_files(recipe, data_dir, stage))
    _fit(model, keeper, devices)
    devices.wait()  # until all have read the last checkpoint, which is deleted with the stage's end
    run.finish_stage(index)
    if keeper.is_to_end():  # all machines decide together; the weights that the next stage starts from are written
        raise keeper.stopped()


def _start_from(preset, model):
    """Load a preset's weights, all of them; parts of the network that it lacks, such as a critic, keep their own."""
    theirs, own = (Counter(tuple(weights.shape) for weights in network.weights) for network in (preset.build(), model))
    if not theirs <= own:
        raise TrainingError(f"the weights of {preset.name} do not fit a {type(model).__name__} of this recipe's config")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "A total of .* objects could not be loaded")
        model.load_weights(presets.released_weights(preset), skip_mismatch=True)


def _fit(model, keeper, devices):
    stage, stream = keeper.stage, keeper.stream
    with keeper.until_terminated(), keeper.progress:
        while keeper.restore(model) < stage.steps:  # also after each fit, which leaves the averaged weights in the network
            # A run that was stopped between two checks first trains up to the next check.
            steps = stage.check_every - keeper.step % stage.check_every
            checks = (stage.steps - keeper.step) // stage.check_every if steps == stage.check_every else 1
            devices.fit(model, stream.as_dataset(keeper.step, steps * checks), steps, checks, keeper)


class RunKeeper(keras.callbacks.Callback):
    """Every ``check_every`` steps: validates the averaged weights, keeps the best, logs, and saves the whole state.

    After every step it checks that the figures are still numbers, and whether the process was asked to end.
    ``files()`` lists the names of the stream's images, in the order of its indices.
    """

    def __init__(self, stage, index, stream, task, run, devices, files):
        super().__init__()
        self.stage, self.index, self.stream, self.task, self.run, self.files = stage, index, stream, task, run, files
        self.devices = devices
        self.step, self.best = 0, None
        self.asked = None  # the signal by which this process was asked to end
        self.progress = progress_bar(shown=devices.writes)
        self.bar = self.progress.add_task(f"stage {index + 1}", total=stage.steps, figures="")

    def restore(self, model):
        """Load this stage's latest checkpoint, if there is one, and return its step."""
        self.step, self.best = self.run.restore(model, self.index)
        return self.step

    def until_terminated(self):
        """Within the block, SIGTERM and the first Ctrl+C end the run after the current step, not in the middle of it."""
        return when_asked_to_end(self._ask, signal.SIGTERM, signal.SIGINT)

    def _ask(self, number, frame):
        if number == self.asked == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = number

    def is_to_end(self):
        """Whether this process, or another one of the same training, was asked to end."""
        return self.devices.any(self.asked is not None)

    def on_epoch_begin(self, epoch, logs=None):
        self.first_step, self.started = self.step, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self._check_numbers(logs, at="in training", files=True)
        self.step += 1
        self.progress.update(self.bar, completed=self.step)
        if self.step % self.stage.check_every and self.is_to_end():  # otherwise on_epoch_end follows, and checks
            self.run.write_checkpoint(self.model, self.index, self.step, self.best)
            raise self.stopped()

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.started
        figures = {name: float(value) for name, value in (logs or {}).items()}
        with averaged_weights(self.model):
            figures |= self.task.validate(self.model)
            self._check_numbers({self.task.score: figures[self.task.score]}, at="in validation")
            if self.stage.keep == "last" or self.best is None or figures[self.task.score] > self.best:
                self.best = figures[self.task.score]
                self.run.write_weights(self.model, self.run.best_file)
            pictures = self.task.pictures(self.model)
        figures["images_per_second"] = (self.step - self.first_step) * self.stage.batch_size / seconds
        self.run.write_events(self.index, self.step, figures, self.task.pictures_name, pictures)
        self.run.write_log({"stage": self.index + 1, "step": self.step, **figures})
        self.run.write_checkpoint(self.model, self.index, self.step, self.best)
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.progress.update(self.bar, figures=f"{self.task.score} {figures[self.task.score]:.4g}")
        self.progress.console.print(f"stage {self.index + 1} step {self.step}: {shown}", highlight=False)
        if self.is_to_end():
            raise self.stopped()

    def stopped(self):
        """The exception of a run that was asked to end and has saved its state."""
        self.devices.wait()  # for the machine that writes
        where = f"{self.run.folder}: stopped after step {self.step} of stage {self.index + 1}"
        kind = KeyboardInterrupt if self.asked == signal.SIGINT else TrainingStopped
        return kind(f"{where}, its state is saved; continue with --resume")

    def _check_numbers(self, figures, at, files=False):
        """End the run if a figure is not a number, as all that follows would be useless."""
        wrong = [name for name, value in figures.items() if not math.isfinite(float(value))]
        if not wrong:
            return
        names = self.files() if files else []
        batch = ", on " + ", ".join(names[index] for index in self.stream.chosen(self.step)) if files else ""
        step = self.step + 1 if files else self.step
        raise TrainingFailed(
            f"{wrong[0]} is not a number {at}, step {step} of stage {self.index + 1}{batch}; {self.run.last_checkpoint()}: "
            "a new run with a lower learning rate or in float32 often helps, or one without these images"
        )


@contextlib.contextmanager
def averaged_weights(model):
    """Within the block, the model has its exponentially averaged weights, if its optimiser keeps them."""
    own = [variable.numpy() for variable in model.learning_variables]
    model.optimizer.finalize_variable_values(model.learning_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.learning_variables, own):
            variable.assign(value)


@contextlib.contextmanager
def computing_in(precision):
    """Within the block, networks are built to compute in this precision (a Keras dtype policy)."""
    former = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(former)


def progress_bar(shown):
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True, quiet=not shown),
    )
