"""The preset and the runtime of a call: what ``--model`` and ``--runtime`` mean."""

import os
from pathlib import Path

from keras_facesr import presets
from keras_facesr.cli import console
from keras_facesr.errors import CallError, PresetError
from keras_facesr.importing import import_keras

RUNTIMES = ("auto", "keras", "litert", "onnx")


def find_preset(name, *tasks):
    """The preset of a model for one of these tasks, by default for super-resolution, whose weights can be had."""
    tasks = tasks or ("super-resolution",)
    try:
        preset = presets.find(name)
    except PresetError as error:
        raise CallError(str(error)) from error
    if preset.task not in tasks:
        raise CallError(f"{name} is for {preset.task}, not for {' or '.join(tasks)}; `facesr models` lists all")
    presets.check_at_hand(preset)
    return preset


def short_name(model):
    """A model's name in those of files: a run's is that of its folder."""
    return Path(model).resolve().name


def in_runtime(args, preset, samples=None):
    """The name of the runtime that is asked for, or for "auto" is the fastest at hand, and the model in it.

    ``samples``: whether it is to draw such; by default if the call asks for them.
    """
    from keras_facesr.inference import runtimes

    samples = args.samples if samples is None else samples
    if samples and args.runtime in runtimes.RUNTIMES:
        raise CallError(f"samples are drawn by Keras: --runtime {args.runtime} and --samples exclude each other")
    runtime = args.runtime
    if runtime == "auto":
        runtime = "keras" if samples else runtimes.fastest(preset)
    if runtime == "keras":
        return runtime, load(args, preset)
    with console.waiting(f"starting {runtime}", args.debug):
        return runtime, runtimes.load(preset, runtime)


def load(args, preset):
    start_keras(args.debug)
    return presets.load(preset.name)


def start_keras(debug):
    """Import Keras and its backend, seconds of work, under a spinner and without TensorFlow's remarks."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if debug else "3")
    with console.waiting("starting Keras", debug):
        config = import_keras().config
        config.set_image_data_format("channels_last")  # whatever keras.json says: this process is ours
        config.set_floatx("float32")
