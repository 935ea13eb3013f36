"""The preset and the runtime of a call: what ``--model`` and ``--runtime`` mean."""

import os
from pathlib import Path

from keras_facesr import presets, released
from keras_facesr.cli import console
from keras_facesr.errors import CallError, FacesrError, PresetError
from keras_facesr.importing import prepared_keras

RUNTIMES = ("auto", "keras", "litert", "onnx")


def find_preset(name, *tasks):
    """The preset of this name, for one of ``tasks``, by default super-resolution.

    Raises:
        CallError: the name is unknown, or the model is for another task.
        PresetError: its weights are neither at hand nor to be fetched.
    """
    tasks = tasks or ("super-resolution",)
    try:
        preset = presets.find(name)
    except PresetError as error:
        raise CallError(str(error)) from error
    if preset.task not in tasks:
        raise CallError(f"{name} is for {preset.task}, not for {' or '.join(tasks)}; `facesr models` lists all")
    released.check_at_hand(preset)
    return preset


def common(found, attribute, advice):
    """The value of an attribute that all presets must share; CallError with ``advice`` if they do not."""
    values = {preset.name: getattr(preset, attribute) for preset in found}
    if len(set(values.values())) > 1:
        differing = ", ".join(f"{name} {value}" for name, value in values.items())
        raise CallError(f"the models differ in {attribute} ({differing}): {advice}")
    return next(iter(values.values()))


def short_name(model):
    """A model's name for the names of files; a run has the name of its folder."""
    return Path(model).resolve().name


def in_runtime(args, preset, samples=None):
    """The name of the runtime of ``--runtime``, for "auto" the fastest at hand, and the model in it.

    ``samples`` says whether the model is to draw samples, which only Keras does; by default it does if the call asks for them.
    """
    from keras_facesr.inference import runtimes

    samples = args.samples if samples is None else samples
    check_draws(args.runtime, samples)
    if samples and args.runtime == "auto":
        start_keras(args.debug)  # without TensorFlow's remarks; it tells whether the model draws
    runtime = runtimes.fastest(preset, samples) if args.runtime == "auto" else args.runtime
    if runtime == "keras":
        return runtime, load(args, preset)
    with console.waiting(f"starting {runtime}", args.debug):
        return runtime, runtimes.load(preset, runtime)


class Loader:
    """Loads models by their presets' names, each once in a call."""

    def __init__(self, args):
        self.args, self.models = args, {}

    def __call__(self, name, samples):
        if name not in self.models:
            self.models[name] = in_runtime(self.args, find_preset(name), samples)[1]
        return self.models[name]


def load(args, preset):
    start_keras(args.debug)
    return presets.load(preset.name)


def check_draws(runtime, samples):
    """Raise CallError if samples are asked of a ``--runtime`` that draws none."""
    if samples and runtime not in ("auto", "keras"):
        raise CallError(f"samples are drawn by Keras: --runtime {runtime} and --samples exclude each other")


def check_samples(args, models):
    """Raise CallError if ``--samples`` is given and none of the models, by name, draws any."""
    if args.samples and not any(model.is_stochastic for model in models.values()):
        raise CallError(f"--samples needs a stochastic model; there is one answer to each face by {' and '.join(models)}")


def seed_of(args):
    """The seed of what a call draws, 0 by default; CallError if ``--seed`` is given and nothing is drawn."""
    from keras_facesr.data.degrade import ALIASED

    degrades = hasattr(args, "degradation")
    if args.seed is not None and not args.samples and (not degrades or args.degradation in (None, ALIASED)):
        wanted = "--samples N or a --degradation that is drawn" if degrades else "--samples N"
        raise CallError(f"--seed says what is drawn, and nothing is drawn without {wanted}: add it, or leave out --seed")
    return args.seed or 0


def protocol_of(args, scale, hr_size, **how):
    """The ``Protocol`` by which true faces become pairs; what it refuses is a CallError."""
    from keras_facesr.data.degrade import ALIASED
    from keras_facesr.metrics.protocol import Protocol

    try:
        return Protocol(scale, hr_size, antialias=args.degradation != ALIASED, **how)
    except FacesrError as error:
        raise CallError(str(error)) from error


def reducer(args, scale):
    """The chain or the styleVAE of ``--degradation``, which reduces faces instead of bicubic interpolation."""
    from keras_facesr.data.blind import CHAINS, Blind
    from keras_facesr.inference.methods import KerasDegradation

    if args.degradation in CHAINS:
        return Blind(args.degradation, scale)
    try:
        preset = find_preset(args.degradation, "degradation")
    except CallError as error:
        raise CallError(f"--degradation: {error}; aliased, {' and '.join(CHAINS)} need no model") from error
    if preset.config["scale"] != scale:
        raise CallError(f"{args.degradation} reduces {preset.config['scale']} times, the models enlarge {scale} times")
    return KerasDegradation(preset.name, load(args, preset))


def start_keras(debug):
    """Import Keras and its backend, which takes seconds: under a spinner and without TensorFlow's messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if debug else "3")
    with console.waiting("starting Keras", debug):
        prepared_keras()
