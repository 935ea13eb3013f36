"""What a run trains on: one device, all GPUs of a machine, or several machines that learn as one."""

import contextlib
import json
import os
import signal
import threading
from pathlib import Path

import keras

from keras_facesr.errors import TrainingError, TrainingFailed

if keras.backend.backend() == "tensorflow":  # else it need not be installed
    import tensorflow as tf

EXAMPLE = '{"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", "index": 0}}'
PROCESSOR = Path("/proc/cpuinfo")


def devices_for(strategy):
    """The devices that "auto", "mirrored" or "multiworker" means here.

    Raises:
        TrainingError: "multiworker" where TF_CONFIG does not say who trains, or on PyTorch.
    """
    if keras.backend.backend() != "tensorflow":
        if strategy == "multiworker":
            raise TrainingError("several machines train on TensorFlow only: set KERAS_BACKEND=tensorflow")
        return OneDevice()
    if strategy == "multiworker":
        return Cluster()
    if strategy == "mirrored" or len(tf.config.list_logical_devices("GPU")) > 1:
        return Replicas(tf.distribute.MirroredStrategy())
    return OneDevice()


def precision_here(precision):
    """The precision in which a recipe that names this one is trained here: float32 where bfloat16 gains nothing.

    It does on GPUs, and on processors with AVX-512 BF16 or AMX; others multiply it more slowly than float32.
    """
    gains = precision != "mixed_bfloat16" or _has_gpu() or {"avx512_bf16", "amx_bf16"} & _processor_flags()
    return precision if gains else "float32"


def _has_gpu():
    if keras.backend.backend() == "tensorflow":
        return bool(tf.config.list_physical_devices("GPU"))
    import torch

    return torch.cuda.is_available()


def _processor_flags():
    """What Linux says that the processor can do; elsewhere nothing."""
    return set(PROCESSOR.read_text().split()) if PROCESSOR.exists() else set()


class OneDevice:
    """The device that Keras takes by itself."""

    replicas = 1  # parts that each batch is divided into
    xla = True  # whether XLA may compile a step
    writes = True  # whether this process is the one that writes the run's folder

    def scope(self):
        """The context in which a model and its optimisers are made."""
        return contextlib.nullcontext()

    def fit(self, model, batches, steps, epochs, callback):
        """Train for ``epochs`` times ``steps`` batches."""
        model.fit(batches, steps_per_epoch=steps, epochs=epochs, callbacks=[callback], shuffle=False, verbose=0)

    def any(self, flag):
        """Whether the flag is set on any machine: all ask together, and have the same answer."""
        return flag

    def wait(self):
        """Go on when all machines have come here."""


class Replicas(OneDevice):
    """The devices of a ``tf.distribute`` strategy."""

    xla = False

    def __init__(self, strategy):
        self.strategy, self.replicas = strategy, strategy.num_replicas_in_sync

    def scope(self):
        return self.strategy.scope()


class Cluster(Replicas):
    """The devices of all machines that TF_CONFIG names; to be made before TensorFlow computes anything.

    They learn as one, by TensorFlow's MultiWorkerMirroredStrategy: each machine makes the whole batches and learns from its
    part of them. The first one writes, the others read the same folder.

    Raises:
        TrainingError: TF_CONFIG is missing or malformed, or no connection can be offered as it says.
    """

    def __init__(self):
        task, (first, *_) = _tasks()
        self.writes = task == first
        try:
            super().__init__(tf.distribute.MultiWorkerMirroredStrategy())
        except (tf.errors.OpError, ValueError, RuntimeError) as error:
            raise TrainingError(f"TF_CONFIG: {' '.join(str(error).split())}") from error
        if threading.current_thread() is threading.main_thread():
            # Machines once connected, TensorFlow hears SIGTERM and does nothing; back to what Python does.
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        self._share = tf.function(lambda flag: self.strategy.run(lambda: _mean(tf.identity(flag))), autograph=False)

    @contextlib.contextmanager
    def scope(self):
        with _together(), self.strategy.scope():
            yield

    def fit(self, model, batches, steps, epochs, callback):
        """As Keras' ``fit``, which does not know several machines."""
        replica_step = lambda part: _mean(model.train_step(part))  # noqa: E731
        step = tf.function(lambda batch: self.strategy.run(replica_step, args=(batch,)), autograph=False)
        with _together():
            batches = iter(self.strategy.experimental_distribute_dataset(batches))
            callback.set_model(model)
            callback.on_train_begin()
            for epoch in range(epochs):
                model.reset_metrics()
                callback.on_epoch_begin(epoch)
                for number in range(steps):
                    figures = self._here(step(next(batches)))
                    callback.on_train_batch_end(number, figures)
                callback.on_epoch_end(epoch, figures)
            callback.on_train_end()

    def any(self, flag):
        with _together():
            return float(self._here(self._share(tf.constant(float(flag))))) > 0

    def wait(self):
        self.any(False)

    def _here(self, values):
        """What a function has returned to this machine's first replica."""
        return tf.nest.map_structure(lambda value: self.strategy.experimental_local_results(value)[0], values)


@contextlib.contextmanager
def _together():
    """Turn the loss of another machine into one line for people."""
    errors = tf.errors
    try:
        yield
    except (errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.DeadlineExceededError) as error:
        raise TrainingFailed(
            "another machine has ended or cannot be reached: see what it says, then start all again with --resume"
        ) from error


def _mean(values):
    """Mean of each tensor of a structure over all replicas, on each of them."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)


def _tasks():
    """This machine's task in TF_CONFIG, and all that train, each (type, index); the first of them is the chief."""
    text = os.environ.get("TF_CONFIG")
    advice = f"each machine needs its own TF_CONFIG, such as {EXAMPLE}, with another index"
    if text is None:
        raise TrainingError(f"TF_CONFIG is not set: {advice}")
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], (config["task"]["type"], config["task"]["index"])
        tasks = [(kind, index) for kind in ("chief", "worker") for index in range(len(cluster.get(kind, [])))]
        if task not in tasks:
            raise ValueError
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise TrainingError(f"TF_CONFIG: {text!r} does not say who trains; {advice}") from error
    return task, tasks
