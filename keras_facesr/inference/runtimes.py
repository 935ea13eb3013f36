"""Exported files in their own runtimes, as models for ``inference`` and ``metrics.protocol``. No TensorFlow, no Keras.

``export`` writes metadata into each file, so the file itself says what it holds. A released preset may come with such files
(``exports`` in its ``config.json``); for other presets the user exports one into the cache.
"""

import ctypes
import functools
import json
import os
import sys
import threading
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from keras_facesr import presets, released
from keras_facesr.errors import ExportError, ImageError
from keras_facesr.importing import imported
from keras_facesr.inference.sizes import fitting_size

METADATA = "keras_facesr.json"  # name of the metadata in a TFLite file's archive, and their key in an ONNX file
# Signatures of a TFLite file; most files have only the first. Runtimes without names call the first in alphabetical order.
WHOLE, PREPARE, PREPARED = "serving_default", "serving_prepare", "serving_prepared"


class Exported:
    """An exported network as a model: it takes and returns float32 (N, H, W, 3) in [0, 1], and is deterministic.

    Threads may share a model. In LiteRT their calls take turns, as each uses all cores; in ONNX Runtime they run at once.

    Attributes:
        MODULE, EXTRA: the runtime's Python module, and the extra of this package that installs it; None: it needs no extra.
        FILE: name of such a file in a preset's cache folder.
        about: the metadata that ``export`` wrote.
        scale, size_multiple, least_size, largest_side, preset, own_size: those of the exported network.
    """

    is_stochastic = False
    own_size = None

    def __init__(self, path, about):
        self.path, self.about = Path(path), about
        self.scale, self.size_multiple, self.largest_side = (about[key] for key in ("scale", "size_multiple", "largest_side"))
        self.preset = about.get("preset")
        self.least_size = about.get("least_size", (1, 1))  # older files lack it; their networks take any size

    def prepare(self, lr):
        """As ``FaceSR.prepare``, before a picture is cut into tiles: here ``lr`` itself.

        Raises:
            ImageError: the file's network prepares whole pictures, so the file cannot take tiles.
        """
        if self.about.get("prepares"):
            height, width = lr.shape[1:3]
            raise ImageError(f"{width}x{height} pixels are too many at once for {self.path.name}, take --runtime auto")
        return lr

    def predict_on_batch(self, lr):
        """The enlarged images, float32 (N, scale * H, scale * W, 3); ImageError if the file takes only another size."""
        size = self.about.get("size")
        if size and lr.shape[:3] != (1, *size):
            raise ImageError(f"{self.path.name} takes one picture at a time, {size[1]} pixels wide and {size[0]} high")
        return self.run(np.ascontiguousarray(lr, np.float32))

    __call__ = predict_on_batch

    def eagerly(self, function, images):
        """``function(images)``, as there is no graph."""
        return function(images)

    def run(self, *inputs):
        """The output for the file's inputs, in this order: images and, for a sampler, noise."""
        raise NotImplementedError


class LiteRT(Exported):
    """A TFLite file in LiteRT, on ``threads`` CPU threads, by default as many as there are cores."""

    MODULE, EXTRA, FILE = "ai_edge_litert.interpreter", None, "model.tflite"

    def __init__(self, path, threads=None):
        self.turn = threading.Lock()  # an interpreter has one set of tensors
        self.start = functools.partial(
            imported(self.MODULE, self.EXTRA).Interpreter, str(path), num_threads=threads or _cores()
        )
        try:
            with zipfile.ZipFile(path) as archive:
                about = json.loads(archive.read(METADATA))
            self.release()
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ExportError(f"{path}: not a TFLite file of this package ({error})") from error
        super().__init__(path, about)

    def release(self):
        """Start anew, without the memory that the interpreter keeps for the largest picture that it has seen."""
        with self.turn:
            interpreter = self.start()
            self.signatures = {name: interpreter.get_signature_runner(name) for name in interpreter.get_signature_list()}

    def prepare(self, lr):
        return self._run(PREPARE, np.ascontiguousarray(lr, np.float32)) if PREPARE in self.signatures else super().prepare(lr)

    def run(self, *inputs):
        return self._run(WHOLE if inputs[0].shape[-1] == 3 else PREPARED, *inputs)

    def _run(self, signature, *inputs):
        """The output of one of the file's signatures."""
        with self.turn:
            function = self.signatures[signature]
            (output,) = function.get_output_details().values()
            taken = function.get_input_details()
            names = sorted(taken, key=["lr", "noise"].index)
            (answer,) = function(**{name: _quantized(array, taken[name]) for name, array in zip(names, inputs)}).values()
            return _real(answer, output)


class OnnxRuntime(Exported):
    """An ONNX file in ONNX Runtime, on ``threads`` CPU threads, by default as many as there are cores."""

    MODULE, EXTRA, FILE = "onnxruntime", "onnx", "model.onnx"

    def __init__(self, path, threads=None):
        onnxruntime = imported(self.MODULE, self.EXTRA)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or _cores()
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            about = json.loads(self.session.get_modelmeta().custom_metadata_map[METADATA])
        except Exception as error:  # ONNX Runtime's errors have no base class of their own
            raise ExportError(f"{path}: not an ONNX file of this package ({' '.join(str(error).split())})") from error
        super().__init__(path, about)
        self.names = [entry.name for entry in self.session.get_inputs()]

    def run(self, *inputs):
        return self.session.run(None, dict(zip(self.names, inputs)))[0]


RUNTIMES = {"litert": LiteRT, "onnx": OnnxRuntime}  # fastest first, for one face with the start of the runtime included


def load(preset, runtime, threads=None):
    """Load a released preset in a runtime, one of ``RUNTIMES``, on ``threads`` CPU threads, by default one for each core.

    ``preset`` is a ``Preset`` or a name of one.

    Raises:
        ExportError: the runtime is unknown or not installed, or has no file of this preset, or the file in its place has other
            weights, takes only one size or is a sampler.
        PresetError: an unknown name, or the released file is missing or was altered.
    """
    preset = preset if isinstance(preset, presets.Preset) else presets.find(preset)
    if runtime not in RUNTIMES:
        raise ExportError(f"no runtime is called {runtime!r}: choose {' or '.join(RUNTIMES)}")
    kind = RUNTIMES[runtime]
    imported(kind.MODULE, kind.EXTRA)
    if runtime in preset.exports:
        path = released.path_of(preset, preset.exports[runtime])
    else:
        path = released.at_hand(preset, kind.FILE)
    if path is None:
        own = released.cache_folder(preset) / kind.FILE
        raise ExportError(f"{preset.name} brings no file for {runtime}: make one, facesr export {preset.name} {own}")
    model = kind(path, threads)
    about = {**dict.fromkeys(("preset_sha256", "size", "sampler")), **model.about}
    if about["preset_sha256"] != preset.weights.sha256 or about["size"] or about["sampler"]:
        raise ExportError(f"{path}: not {preset.name} as released, or not for any size: remove it, or export it anew")
    model.own_size = preset.own_size
    # A runtime prepares itself, and prints its messages, at its first image: let it do so here.
    model.predict_on_batch(np.zeros((1, *fitting_size(model, 16, 16), 3)))
    return model


def release(model):
    """Give back the memory that a model keeps for its next picture: some 700 MB in LiteRT after a large one."""
    if isinstance(model, LiteRT):
        model.release()
        if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
            libc.malloc_trim(0)  # glibc itself keeps half of what it is given back


def fastest(preset, samples=0):
    """Name of the fastest runtime that is installed and has a released file of the preset at hand; otherwise "keras".

    Only Keras draws samples, so "keras" also if a stochastic preset is to draw some.
    """
    if samples and preset.is_stochastic:
        return "keras"
    for runtime, kind in RUNTIMES.items():
        if runtime in preset.exports and released.at_hand(preset, preset.exports[runtime].file):
            with suppress(ExportError):
                imported(kind.MODULE, kind.EXTRA)
                return runtime
    return "keras"


def _cores():
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _quantized(array, entry):
    """An input as the file takes it: quantized if the file takes integers."""
    scale, zero = entry["quantization"]
    if not scale:
        return array.astype(entry["dtype"])
    limits = np.iinfo(entry["dtype"])
    return np.clip(np.rint(array / scale + zero), limits.min, limits.max).astype(entry["dtype"])


def _real(array, entry):
    scale, zero = entry["quantization"]
    return array if not scale else ((array.astype(np.float32) - zero) * scale).astype(np.float32)
