"""Runs a recipe: stages of `fit` with validation, logs, an average of the weights, and checkpoints to go on from."""

import contextlib
import dataclasses
import json
import os
import shutil
import time
import warnings
from pathlib import Path

import keras
import numpy as np

from keras_facesr import presets, recipes
from keras_facesr.errors import TrainingError
from keras_facesr.tasks import TASKS
from keras_facesr.tensorboard import EventLog


def train(recipe, data_dir, run_dir, epochs=None, resume=False, strategy="auto", degradation=None):
    """Train a preset as its recipe says, and leave the best weights in ``run_dir``.

    The folder holds ``recipe.json``, ``checkpoint-<k>-<step>/`` (the latest whole state), ``stage<k>.weights.h5`` (the best
    averaged weights of a finished stage), ``history.jsonl``, ``logs/`` for TensorBoard, and at the end
    ``model.weights.h5``. All are written under a temporary name first. A run that is killed at any moment goes on
    with ``resume`` and ends with the weights of an uninterrupted one.

    Args:
        recipe: name of a recipe (``keras_facesr.recipes``) or a ``Recipe``.
        data_dir: the data set that the recipe names, in its published layout, or the folder of several.
        run_dir: folder of the run; new unless ``resume``.
        epochs: passes over the data per stage instead of the recipe's steps.
        resume: go on where the run in ``run_dir`` stopped.
        degradation: ``"bicubic"``, ``"blind"`` or the preset of a ``StyleVAE``, instead of the recipe's.
        strategy: ``"mirrored"`` trains on all GPUs of the machine, ``"auto"`` does so if there are several.

    Returns:
        the trained model, with its best weights.

    Raises:
        TrainingError: unknown recipe, a run folder in use, or nothing to resume.
        DatasetError: the data is missing or laid out otherwise.
    """
    recipe = recipes.find(recipe) if isinstance(recipe, str) else recipe
    recipe = dataclasses.replace(recipe, degradation=degradation or recipe.degradation)
    run = Run(Path(run_dir), recipe, resume)
    scope = _strategy(strategy)
    for index, stage in enumerate(recipe.stages):
        if run.stage_file(index).exists():
            continue
        with scope.scope() if scope else contextlib.nullcontext():
            keras.utils.set_random_seed(recipe.seed)
            model = recipe.model(stage)
        if index:
            _go_on_from(run.stage_file(index - 1), model, grown=stage.config != recipe.stages[index - 1].config)
        elif recipe.start:
            _go_on_from(presets.released_weights(presets.find(recipe.start)), model, grown=True)
        task = TASKS[recipe.task](recipe, data_dir, model)
        stream = task.stream(stage, seed=recipe.seed + index)
        if epochs is not None:
            stage = stage.for_steps(epochs * stream.steps_per_epoch)
        with scope.scope() if scope else contextlib.nullcontext():
            stage.prepare(model, jit_compile=scope is None)
        _fit(model, stage, index, stream, task, run)
    last = run.stage_file(len(recipe.stages) - 1)
    model = recipe.model()
    model.load_weights(last)
    run.replace(run.folder / "model.weights.h5", lambda temporary: shutil.copyfile(last, temporary))
    return model


def _go_on_from(weights, model, grown):
    """Load weights; what a grown network has beyond them keeps its own."""
    with warnings.catch_warnings():
        if grown:
            warnings.filterwarnings("ignore", "A total of .* objects could not be loaded")
        model.load_weights(weights, skip_mismatch=grown)


def _fit(model, stage, index, stream, task, run):
    keeper = RunKeeper(stage, index, task, run)
    first_step = keeper.restore(model)
    if first_step < stage.steps:
        model.fit(
            stream.as_dataset(first_step, stage.steps - first_step),
            steps_per_epoch=stage.check_every,
            initial_epoch=first_step // stage.check_every,
            epochs=stage.steps // stage.check_every,
            callbacks=[keeper],
            shuffle=False,
            verbose=0,
        )
    run.finish_stage(index)


class RunKeeper(keras.callbacks.Callback):
    """Every ``check_every`` steps: validates the averaged weights, keeps the best, logs, and saves the whole state."""

    def __init__(self, stage, index, task, run):
        super().__init__()
        self.stage, self.index, self.task, self.run = stage, index, task, run
        self.best = -np.inf
        self.progress = None

    def restore(self, model):
        """Load the latest checkpoint of this stage, if any; the step to go on from."""
        checkpoints = self.run.checkpoints(self.index)
        if not checkpoints:
            return 0
        state = json.loads((checkpoints[-1] / "state.json").read_text())
        model.load_weights(checkpoints[-1] / "state.weights.h5")
        self.best = state["best"]
        return state["step"]

    def on_train_begin(self, logs=None):
        self.progress = progress_bar()
        self.bar = self.progress.add_task(f"stage {self.index + 1}", total=self.stage.steps, figures="")
        self.progress.start()

    def on_train_end(self, logs=None):
        self.progress.stop()

    def on_epoch_begin(self, epoch, logs=None):
        self.first_step, self.started = epoch * self.stage.check_every, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.progress.update(self.bar, completed=self.first_step + batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self.started
        step = (epoch + 1) * self.stage.check_every
        figures = {name: float(value) for name, value in (logs or {}).items()}
        with averaged_weights(self.model):
            figures |= self.task.validate(self.model)
            if self.stage.keep == "last" or figures[self.task.score] > self.best:
                self.best = figures[self.task.score]
                self.run.write_weights(self.model, self.run.best_file)
            self.run.log.images(f"stage{self.index + 1}/{self.task.pictures_name}", self.task.pictures(self.model), step)
        figures["images_per_second"] = self.stage.check_every * self.stage.batch_size / seconds
        self.run.log.scalars({f"stage{self.index + 1}/{name}": value for name, value in figures.items()}, step)
        self.run.write_checkpoint(self.model, self.index, step, {"best": self.best})
        with open(self.run.folder / "history.jsonl", "a") as history:
            history.write(json.dumps({"stage": self.index + 1, "step": step, **figures}) + "\n")
        shown = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.progress.update(self.bar, figures=f"{self.task.score} {figures[self.task.score]:.4g}")
        self.progress.console.print(f"stage {self.index + 1} step {step}: {shown}", highlight=False)


@contextlib.contextmanager
def averaged_weights(model):
    """Within the block the model has its exponentially averaged weights, where its optimiser keeps such."""
    own = [variable.numpy() for variable in model.learning_variables]
    model.optimizer.finalize_variable_values(model.learning_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.learning_variables, own):
            variable.assign(value)


def progress_bar():
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True),
    )


def _strategy(name):
    """The ``tf.distribute`` strategy of that name, or None for one device."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    several = len(tf.config.list_logical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if name == "mirrored" or (name == "auto" and several) else None


class Run:
    """The folder of one training run and its files, each replaced as a whole."""

    def __init__(self, folder, recipe, resume):
        self.folder = folder
        description = json.dumps(dataclasses.asdict(recipe), indent=1)
        written = folder / "recipe.json"
        if written.exists():
            if not resume:
                raise TrainingError(f"{folder}: holds a run already; add --resume to go on with it, or name a new folder")
            if written.read_text() != description:
                raise TrainingError(f"{written}: the run was started with another recipe; name a new folder")
        elif resume:
            raise TrainingError(f"{folder}: holds no run to resume; leave out --resume to start one")
        folder.mkdir(parents=True, exist_ok=True)
        self.replace(written, lambda temporary: temporary.write_text(description))
        self.log = EventLog(folder / "logs")

    def stage_file(self, index):
        return self.folder / f"stage{index + 1}.weights.h5"

    @property
    def best_file(self):
        return self.folder / "best.weights.h5"

    def finish_stage(self, index):
        os.replace(self.best_file, self.stage_file(index))
        for checkpoint in self.folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)

    def write_weights(self, model, file):
        """The model's weights alone: its optimisers are set aside while they are written."""
        names = [name for name in ("optimizer", "critic_optimizer") if hasattr(model, name)]
        held = {name: getattr(model, name) for name in names}
        try:
            for name in names:
                setattr(model, name, None)
            self.replace(file, model.save_weights)
        finally:
            for name, optimizer in held.items():
                setattr(model, name, optimizer)

    def checkpoints(self, index):
        """The whole checkpoints of a stage, oldest first."""
        return sorted(self.folder.glob(f"checkpoint-{index + 1}-*"))

    def write_checkpoint(self, model, index, step, state):
        """Weights, optimiser and ``state`` as one folder, which appears in one rename; older ones go afterwards."""
        unfinished = self.folder / "new.checkpoint"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        model.save_weights(unfinished / "state.weights.h5")
        (unfinished / "state.json").write_text(json.dumps({"step": step, **state}))
        older = self.checkpoints(index)
        unfinished.rename(self.folder / f"checkpoint-{index + 1}-{step:08d}")
        for checkpoint in older:
            shutil.rmtree(checkpoint)

    @staticmethod
    def replace(file, write):
        temporary = file.with_name("new." + file.name)
        write(temporary)
        os.replace(temporary, file)
