"""The devices of a run: one device, all GPUs of a machine, or several machines together."""

import contextlib
import json
import os
import signal
import threading
import traceback
from pathlib import Path

import keras

from keras_facesr.errors import TrainingError, TrainingFailed, check_choice

if keras.backend.backend() == "tensorflow":  # otherwise TensorFlow need not be installed
    import tensorflow as tf

EXAMPLE = '{"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", "index": 0}}'
STRATEGIES = ("auto", "mirrored", "multiworker")
PROCESSOR = Path("/proc/cpuinfo")


def devices_for(strategy):
    """The devices that a strategy, one of ``STRATEGIES``, means here.

    Raises:
        CallError: there is no such strategy.
        TrainingError: another than "auto" on PyTorch; "multiworker" with a TF_CONFIG that does not say which machines train.
    """
    check_choice(strategy, "strategy", STRATEGIES)
    if keras.backend.backend() != "tensorflow":
        if strategy != "auto":
            raise TrainingError("several devices train on TensorFlow only: set KERAS_BACKEND=tensorflow")
        return OneDevice()
    if strategy == "multiworker":
        return Cluster()
    if strategy == "mirrored" or len(tf.config.list_logical_devices("GPU")) > 1:
        return Replicas(tf.distribute.MirroredStrategy())
    return OneDevice()


def precision_here(precision):
    """The precision in which a recipe with this precision is trained here: float32 if bfloat16 would not be faster.

    bfloat16 is faster on GPUs, and on processors with AVX-512 BF16 or AMX; on others it is slower than float32.
    """
    gains = precision != "mixed_bfloat16" or _has_gpu() or {"avx512_bf16", "amx_bf16"} & _processor_flags()
    return precision if gains else "float32"


def _has_gpu():
    if keras.backend.backend() == "tensorflow":
        return bool(tf.config.list_physical_devices("GPU"))
    import torch

    return torch.cuda.is_available()


def _processor_flags():
    """The processor's features as Linux lists them; an empty set on other systems."""
    return set(PROCESSOR.read_text().split()) if PROCESSOR.exists() else set()


class OneDevice:
    """The device that Keras chooses by itself."""

    replicas = 1  # number of parts that each batch is divided into
    xla = True  # whether XLA may compile a step
    writes = True  # whether this process writes the run's folder

    def scope(self):
        """The context in which a model and its optimisers are made."""
        return contextlib.nullcontext()

    def fit(self, model, batches, steps, epochs, callback):
        """Train for ``epochs`` times ``steps`` batches."""
        model.fit(batches, steps_per_epoch=steps, epochs=epochs, callbacks=[callback], shuffle=False, verbose=0)

    def any(self, flag):
        """Whether the flag is set on any machine; all machines call this together and get the same answer."""
        return flag

    def wait(self):
        """Wait until all machines have called this."""


class Replicas(OneDevice):
    """The devices of a ``tf.distribute`` strategy."""

    xla = False

    def __init__(self, strategy):
        self.strategy, self.replicas = strategy, strategy.num_replicas_in_sync

    def scope(self):
        return self.strategy.scope()


class Cluster(Replicas):
    """The devices of all machines that TF_CONFIG names; must be made before TensorFlow computes anything.

    They train together by TensorFlow's MultiWorkerMirroredStrategy: each machine makes the whole batch and trains on its part
    of it. The first machine writes the run's folder, the others read it.

    Raises:
        TrainingError: TF_CONFIG is missing or malformed, or the connection that it describes cannot be opened.
    """

    def __init__(self):
        task, (first, *_) = _tasks()
        self.writes = task == first
        try:
            super().__init__(tf.distribute.MultiWorkerMirroredStrategy())
        except (tf.errors.OpError, ValueError, RuntimeError) as error:
            raise TrainingError(f"TF_CONFIG: {' '.join(str(error).split())}") from error
        if threading.current_thread() is threading.main_thread():
            # Once machines are connected, TensorFlow catches SIGTERM and does nothing. This restores Python's handler.
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        self._share = tf.function(lambda flag: self.strategy.run(lambda: _mean(tf.identity(flag))), autograph=False)

    @contextlib.contextmanager
    def scope(self):
        with _together(), self.strategy.scope():
            yield

    def fit(self, model, batches, steps, epochs, callback):
        """As Keras' ``fit``, which does not support several machines."""
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
        """The values that a function has returned on this machine's first replica."""
        return tf.nest.map_structure(lambda value: self.strategy.experimental_local_results(value)[0], values)


@contextlib.contextmanager
def _together():
    """Turn TensorFlow's errors about a lost machine into an error of one line."""
    errors = tf.errors
    try:
        yield
    except (errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.DeadlineExceededError) as error:
        # The frames hold TensorFlow's pool of threads: at Python's own end it would complain about its closed pipe.
        traceback.clear_frames(error.__traceback__)
        raise TrainingFailed(
            "another machine has ended or cannot be reached: see what it says, then start all again with --resume"
        ) from error


def _mean(values):
    """Mean over all replicas of each tensor of a structure; every replica gets it."""
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)


def _tasks():
    """This machine's task in TF_CONFIG, and the tasks of all machines, each (type, index); the first one is the chief."""
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
