"""Train a tiny network of each class twice on the same batches: by plain Keras, and by the stages of a recipe.

``python plain_fit_worker.py REPLICAS PRECISION OUT_DIR [NAME...]``, where REPLICAS is 1, or the number of CPU devices of a
MirroredStrategy. Writes OUT_DIR/report.json: name -> a row for each phase, or what went wrong. Used by test_plain_fit.py.
"""

import json
import sys
import traceback
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from small_networks import SMALL, critic, loss, pairs, phases, unbuilt

from keras_facesr import classes
from keras_facesr.training.devices import OneDevice, Replicas
from keras_facesr.training.recipes.recipe import Stage
from keras_facesr.training.run import computing_in

STEPS = 2  # of each phase, of the many of a stage: its rate would fall to zero


def devices_of(replicas):
    """One device, or so many of this machine's CPU; to be called before TensorFlow computes anything."""
    if replicas == 1:
        return OneDevice()
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
    return Replicas(tf.distribute.MirroredStrategy([f"CPU:{k}" for k in range(replicas)]))


def stage(name, phase):
    """A recipe's stage by which weights follow their gradients; its averaged weights are the latest."""
    how = {"optimizer": "clipped_sgd", "loss": loss(name), "ema": 0.0, "jit_compile": False}
    return Stage(100, batch_size=4, learning_rate=0.1, phase=phase, warmup=0, check_every=100, **how)


def another(optimizer):
    """One like it, as new."""
    return type(optimizer).from_config(optimizer.get_config())


def compiled_for(name, phase):
    """A network that is compiled for a phase, but was not built before."""
    model = unbuilt(name, **critic(name))
    if phase is not None:
        model.phase = phase
    model.compile(keras.optimizers.SGD(0.01), loss(name))
    return model


def callbacks(folder):
    """Those of Keras that save, stop, log, and take up a run again."""
    return [
        keras.callbacks.ModelCheckpoint(folder / "best.keras", monitor="val_loss", save_best_only=True),
        keras.callbacks.ModelCheckpoint(folder / "latest.weights.h5", save_weights_only=True),
        keras.callbacks.EarlyStopping("loss", patience=9),
        keras.callbacks.TensorBoard(folder / "logs"),
        keras.callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False),
    ]


def apart(model, other):
    """How far the weights of two networks are from each other at most."""
    return max((float(np.abs(a - b).max()) for a, b in zip(model.get_weights(), other.get_weights(), strict=True)), default=0)


def compared(name, devices, folder):
    """A row for each phase of a class: both ways' losses, how far apart their weights are, what validation says and should."""
    x, y = pairs(name)
    batches = tf.data.Dataset.from_tensors((x, y)).repeat(STEPS)
    with devices.scope():
        recipes_own = unbuilt(name, **critic(name))
        recipes_own.build((None, None, None, 3))
        model = unbuilt(name, **critic(name))
    rows = []
    for phase in phases(name):
        with devices.scope():
            stage(name, phase).prepare(recipes_own, jit_compile=False)
            if phase is not None:
                model.phase = phase
            model.compile(another(recipes_own.optimizer), loss(name))
        devices.fit(recipes_own, batches, STEPS, 1, keras.callbacks.Callback())
        place = folder / f"{name}-{phase}"
        seen = model.fit(batches, validation_data=(x, y), shuffle=False, callbacks=callbacks(place), verbose=0).history
        row = {"loss": seen["loss"][0], "recipe": recipes_own.history.history["loss"][0], "val_loss": seen["val_loss"][0]}
        if name in classes.MODEL_CLASSES and hasattr(model, "to_image"):
            row["error"] = float(np.mean((keras.ops.convert_to_numpy(model.validation_answer(x)) - y) ** 2))
        row["apart"], row["files"] = apart(model, recipes_own), sorted(path.name for path in place.iterdir())
        rows.append(row)
    model.save(folder / f"{name}.keras")
    with devices.scope():
        again = keras.saving.load_model(folder / f"{name}.keras")
    further = [each.fit(batches, shuffle=False, verbose=0).history["loss"][0] for each in (model, again)]
    rows[-1] |= {"further": further, "apart_further": apart(model, again)}
    return rows


if __name__ == "__main__":
    replicas, precision, out, *names = sys.argv[1:]
    devices, out, report = devices_of(int(replicas)), Path(out), {}
    with computing_in(precision):
        for name in names or SMALL:
            try:
                report[name] = compared(name, devices, out)
            except Exception:
                report[name] = traceback.format_exc()
            (out / "report.json").write_text(json.dumps(report, indent=1))
