"""One runtime in this process, for ``runtimes.py``: loads a preset or its exported file, then answers lines of JSON.

{"batch": N} -> {"seconds": of one call on N faces}        {} -> {"megabytes": peak of this process}
"""

import os
import resource
import sys
import time

from turns import answer_lines

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
WARM_CALLS = 2  # calls of each batch size that are not measured


def prepare():
    runtime, model, file, size, threads = sys.argv[1:]
    began = time.perf_counter()
    network = LOADERS[runtime](model, file, int(threads))
    import numpy as np

    faces = np.random.default_rng(0).random((8, int(size), int(size), 3), np.float32)
    network(faces[:1])  # the first call counts as loading: it builds graphs and allocates memory
    ready = {"load": time.perf_counter() - began}
    warmed = set()

    def answer(batch=None):
        if batch is None:
            return {"megabytes": peak_megabytes()}
        lr = faces[:batch]
        for _ in range(0 if batch in warmed else WARM_CALLS):
            network(lr)
        warmed.add(batch)
        began = time.perf_counter()
        network(lr)
        return {"seconds": time.perf_counter() - began}

    return ready, answer


# Each loader returns the function that a user's program would call: float32 (N, H, W, 3) in [0, 1] -> NumPy.


def load_keras(model, _, threads):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    import keras_facesr as fsr

    return fsr.load(model).predict_on_batch


def load_savedmodel(model, folder, threads):
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    loaded = tf.saved_model.load(folder)  # must be kept while its signature is in use
    serve = loaded.signatures["serving_default"]
    return lambda lr, loaded=loaded: serve(lr=tf.constant(np.uint8(lr * 255)))["sr"].numpy()


def load_litert(model, file, threads):
    from keras_facesr.inference.runtimes import LiteRT

    return LiteRT(file, threads or None).predict_on_batch


def load_fixed_litert(model, file, threads):
    import numpy as np

    from keras_facesr.inference.runtimes import LiteRT

    network = LiteRT(file, threads or None)
    return lambda lr: np.concatenate([network.predict_on_batch(face[None]) for face in lr])


def load_onnx(model, file, threads):
    from keras_facesr.inference.runtimes import OnnxRuntime

    return OnnxRuntime(file, threads or None).predict_on_batch


def load_torch(model, _, threads):
    os.environ["KERAS_BACKEND"] = "torch"
    import torch

    if threads:
        torch.set_num_threads(threads)
    import keras_facesr as fsr

    network = fsr.load(model)
    return lambda lr: network.eagerly(network, lr)


LOADERS = {
    "keras": load_keras,
    "savedmodel": load_savedmodel,
    "litert": load_litert,
    "litert-fixed": load_fixed_litert,
    "onnx": load_onnx,
    "torch": load_torch,
}


def peak_megabytes():
    """The most memory that this process ever held; macOS counts in bytes, Linux in units of 1024."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


if __name__ == "__main__":
    answer_lines(prepare)
