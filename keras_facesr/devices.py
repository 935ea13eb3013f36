"""What a run trains on: one device, all GPUs of a machine, or several machines that learn as one."""

import contextlib
from pathlib import Path

import keras

from keras_facesr.errors import TrainingError

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
        from keras_facesr.cluster import Cluster

        return Cluster()
    import tensorflow as tf

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
        import tensorflow as tf

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
