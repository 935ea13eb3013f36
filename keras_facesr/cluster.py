"""Several machines that learn as one, by TensorFlow's MultiWorkerMirroredStrategy."""

import contextlib
import json
import os
import signal
import threading

import tensorflow as tf

from keras_facesr.devices import Replicas
from keras_facesr.errors import TrainingError, TrainingFailed

EXAMPLE = '{"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", "index": 0}}'
# What TensorFlow raises where another machine is gone.
GONE = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)


class Cluster(Replicas):
    """The devices of all machines that TF_CONFIG names; to be made before TensorFlow computes anything.

    Each machine makes the whole batches and learns from its part of them. The first one writes, the others read the
    same folder.

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
    try:
        yield
    except GONE as error:
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
