"""The folder of one training run: what it was started with and its state; each file is replaced as a whole."""

import contextlib
import dataclasses
import functools
import json
import os
import shutil
from importlib import metadata

import keras

from keras_facesr import presets
from keras_facesr.errors import TrainingError, TrainingFailed, TrainingStopped, reason
from keras_facesr.training.tensorboard import EventLog
from keras_facesr.version import __version__

KEPT_CHECKPOINTS = 2
WRITTEN = (  # what a run writes beside its recipe.json
    "data.json history.jsonl logs checkpoint-* stage*.weights.h5 best.weights.h5 model.weights.h5 config.json"
).split()


def by_the_writer(method):
    """If several machines share the folder, one of them runs the method, and it does nothing on the others."""

    @functools.wraps(method)
    def write(run, *arguments):
        if run.devices.writes:
            method(run, *arguments)

    return write


class RunFolder:
    """The folder of one run.

    Args:
        folder: its ``Path``; new unless ``resume``.
        recipe: the ``Recipe`` that is trained, with all changes.
        data: the description of its images by ``sources.data_description``.
        resume: whether a run is to be continued.
        devices: the devices it trains on (``devices.OneDevice``), which say whether this process writes.

    Raises:
        TrainingError: the folder holds a run and must not, or must and does not; it holds no run, but files with names of a
            run's; the run had another recipe or other data; the machines do not share the folder.
    """

    def __init__(self, folder, recipe, data, resume, devices):
        self.folder, self.devices = folder, devices
        started = folder / "recipe.json"
        if folder.exists() and not folder.is_dir():
            raise TrainingError(f"{folder}: is a file; give a run the name of a folder")
        if started.exists() and not resume:
            raise TrainingError(f"{folder}: holds a run already; add --resume to continue it, or name a new folder")
        if resume and not started.exists():
            raise TrainingError(f"{folder}: holds no run to resume; leave out --resume to start one")
        self.is_new = not started.exists()
        if self.is_new and (there := [path for pattern in WRITTEN for path in folder.glob(pattern)]):  # an import, or not ours
            raise TrainingError(f"{there[0]}: is there already, and a run would write it; name a new folder")
        devices.wait()  # until all machines have looked
        for file, text, _ in self._start_files(recipe, data):
            self._start(file, text)
        devices.wait()
        for file, text, what in self._start_files(recipe, data):
            if not file.exists():
                raise TrainingError(f"{file}: is not seen from here; the machines of a run must share its folder")
            if file.read_text() != text:
                raise TrainingError(f"{file}: the run was started with {what}; repeat that call, or name a new folder")
        if devices.writes:
            with self.writing():
                self.log = EventLog(folder / "logs")
        self.about = {"recipe": recipe.name, "seed": recipe.seed, "data": data, "versions": versions()}

    def _start_files(self, recipe, data):
        """The files that a run starts with: each path, its text, and what differs in a run with another text."""
        yield self.folder / "recipe.json", json.dumps(dataclasses.asdict(recipe), indent=1), "another recipe or other options"
        yield self.folder / "data.json", json.dumps(data, indent=1), "other data"

    @by_the_writer
    def _start(self, file, text):
        with self.writing():
            self.folder.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            self.replace(file, lambda temporary: temporary.write_text(text))

    @contextlib.contextmanager
    def begun(self):
        """Within the block, an error by which a new run cannot begin takes its files away, so that it can be called rightly.

        Not so where it can be resumed: after a full disk, or when it was asked to end. In the end the log is closed.
        """
        try:
            yield
        except (TrainingFailed, TrainingStopped):
            raise
        except Exception:
            self._withdraw()
            raise
        finally:
            self._close_log()

    @by_the_writer
    def _close_log(self):
        with contextlib.suppress(OSError):  # of a full disk, which was told of when it was written to
            self.log.close()

    @by_the_writer
    def _withdraw(self):
        if self.is_new and not self._saved():
            shutil.rmtree(self.folder / "logs", ignore_errors=True)  # ours: there was none before
            for name in ("data.json", "recipe.json"):  # the latter last: with it, what is left is a run's
                (self.folder / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # it holds something else
                self.folder.rmdir()

    def _saved(self):
        """The states that a run can be resumed from: its checkpoints, or else its stages."""
        return sorted(self.folder.glob("checkpoint-*")) or sorted(self.folder.glob("stage*"))

    def stage_file(self, index):
        """The best averaged weights of a finished stage."""
        return self.folder / f"stage{index + 1}.weights.h5"

    @property
    def best_file(self):
        """The best averaged weights of the stage in training."""
        return self.folder / "best.weights.h5"

    @by_the_writer
    def finish_stage(self, index):
        os.replace(self.best_file, self.stage_file(index))
        for checkpoint in self.folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)

    @by_the_writer
    def write_weights(self, model, file):
        """Write the model's weights without its optimisers, which are detached meanwhile."""
        names = [name for name in ("optimizer", "critic_optimizer") if hasattr(model, name)]
        held = {name: getattr(model, name) for name in names}
        try:
            for name in names:
                setattr(model, name, None)
            self.replace(file, model.save_weights)
        finally:
            for name, optimizer in held.items():
                setattr(model, name, optimizer)

    @by_the_writer
    def write_preset(self, recipe):
        """Describe the finished weights as a preset, so that they can be loaded by the folder's name like released ones."""
        about = {"description": f"as {recipe.name}, by a run of one's own", "terms": "those of the data"}
        text = json.dumps(presets.entry(recipe, self.folder / "model.weights.h5", **about), indent=2)
        self.replace(self.folder / "config.json", lambda temporary: temporary.write_text(text + "\n"))

    @by_the_writer
    def write_log(self, row):
        """Add a row to ``history.jsonl``; rows of the same or a later step, left by a killed run, are removed."""
        file = self.folder / "history.jsonl"
        rows = map(json.loads, file.read_text().splitlines()) if file.exists() else []
        kept = [each for each in rows if (each["stage"], each["step"]) < (row["stage"], row["step"])]
        text = "".join(json.dumps(each) + "\n" for each in [*kept, row])
        self.replace(file, lambda temporary: temporary.write_text(text))

    @by_the_writer
    def write_events(self, index, step, figures, pictures_name, pictures):
        """Show figures and pictures of a stage, uint8 (H, W, 3), in TensorBoard."""
        with self.writing():
            self.log.images(f"stage{index + 1}/{pictures_name}", pictures, step)
            self.log.scalars({f"stage{index + 1}/{name}": value for name, value in figures.items()}, step)

    def checkpoints(self, index):
        """The complete checkpoints of a stage, oldest first."""
        return sorted(self.folder.glob(f"checkpoint-{index + 1}-*"))

    @by_the_writer
    def write_checkpoint(self, model, index, step, best):
        """Write weights, optimiser and their description as one folder, by one rename; then delete the oldest."""
        unfinished = self.folder / "new.checkpoint"
        state = {"stage": index + 1, "step": step, "best": best, **self.about}
        with self.writing():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            model.save_weights(unfinished / "state.weights.h5")
            (unfinished / "state.json").write_text(json.dumps(state, indent=1))
            whole = self.folder / f"checkpoint-{index + 1}-{step:08d}"
            shutil.rmtree(whole, ignore_errors=True)
            unfinished.rename(whole)
        for checkpoint in self.checkpoints(index)[:-KEPT_CHECKPOINTS]:
            shutil.rmtree(checkpoint)

    def restore(self, model, index):
        """Load a stage's latest checkpoint, if there is one: (its step, the best score so far)."""
        checkpoints = self.checkpoints(index)
        if not checkpoints:
            return 0, None
        state = json.loads((checkpoints[-1] / "state.json").read_text())
        model.load_weights(checkpoints[-1] / "state.weights.h5")
        return state["step"], state["best"]

    def last_checkpoint(self):
        """From what a run that ends early can be resumed, in words."""
        saved = self._saved()
        return f"{saved[-1]} is whole" if saved else f"{self.folder} holds no checkpoint yet"

    @by_the_writer
    def replace(self, file, write):
        """Write a file under a temporary name, then rename it."""
        temporary = file.with_name("new." + file.name)
        with self.writing():
            write(temporary)
            os.replace(temporary, file)

    @contextlib.contextmanager
    def writing(self):
        """Turn the errors of a full or missing disk into an error of one line."""
        try:
            yield
        except (OSError, RuntimeError) as error:  # h5py raises either
            raise TrainingFailed(
                f"{self.folder}: cannot be written to ({reason(error)}); {self.last_checkpoint()}: make room, then add --resume"
            ) from error


def precision_of(folder):
    """The precision that the run in a folder was begun in; None if there is none."""
    started = folder / "recipe.json"
    return json.loads(started.read_text()).get("precision") if started.is_file() else None


def versions():
    """Versions of the packages that a run's figures depend on."""
    names = ("keras", keras.backend.backend(), "numpy", "pillow")
    return {"keras_facesr": __version__, **{name: metadata.version(name) for name in names}}
