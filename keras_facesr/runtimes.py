"""Exported files in their own runtimes, as models that ``inference`` and ``metrics.protocol`` take. No TensorFlow, no Keras.

A file says itself what it is: ``export`` puts its metadata into it.
"""

import importlib
import json
import zipfile
from pathlib import Path

import numpy as np

from keras_facesr.errors import ExportError

METADATA = "keras_facesr.json"  # name of the metadata in a TFLite file's archive, and their key in an ONNX file


class Exported:
    """An exported enlarger as a model: float32 (N, H, W, 3) in [0, 1] in and out, deterministic.

    Attributes:
        about: the metadata that ``export`` wrote.
        scale, size_multiple, largest_side: as of the network that it was made from.
    """

    is_stochastic = False

    def __init__(self, path, about):
        self.path, self.about = Path(path), about
        self.scale, self.size_multiple, self.largest_side = (about[key] for key in ("scale", "size_multiple", "largest_side"))

    def prepare(self, lr):
        """Nothing: the file does all that there is to do."""
        return lr

    def predict_on_batch(self, lr):
        """The enlarged images, float32 (N, scale * H, scale * W, 3)."""
        return self.run(np.ascontiguousarray(lr, np.float32))

    __call__ = predict_on_batch

    def run(self, *inputs):
        """The outputs for the file's inputs in their order: images, and for a sampler noise."""
        raise NotImplementedError


class LiteRT(Exported):
    """A TFLite file in LiteRT, on ``threads`` CPU threads."""

    def __init__(self, path, threads=None):
        interpreter = imported("ai_edge_litert.interpreter", "litert")
        try:
            with zipfile.ZipFile(path) as archive:
                about = json.loads(archive.read(METADATA))
            self.interpreter = interpreter.Interpreter(str(path), num_threads=threads)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ExportError(f"{path}: not a TFLite file of this package ({error})") from error
        super().__init__(path, about)
        details = {entry["name"].rsplit("_", 1)[-1].split(":")[0]: entry for entry in self.interpreter.get_input_details()}
        self.inputs = [details[name] for name in sorted(details, key=["lr", "noise"].index)]
        self.shapes = None

    def run(self, *inputs):
        shapes = [array.shape for array in inputs]
        if shapes != self.shapes:
            for entry, shape in zip(self.inputs, shapes):
                self.interpreter.resize_tensor_input(entry["index"], shape, strict=True)
            self.interpreter.allocate_tensors()
            self.shapes = shapes
        for entry, array in zip(self.inputs, inputs):
            self.interpreter.set_tensor(entry["index"], _quantized(array, entry))
        self.interpreter.invoke()
        (output,) = self.interpreter.get_output_details()
        return _real(self.interpreter.get_tensor(output["index"]), output)


class OnnxRuntime(Exported):
    """An ONNX file in ONNX Runtime, on ``threads`` CPU threads."""

    def __init__(self, path, threads=None):
        onnxruntime = imported("onnxruntime", "onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            about = json.loads(self.session.get_modelmeta().custom_metadata_map[METADATA])
        except Exception as error:  # ONNX Runtime has a class for each of its errors and no base for all
            raise ExportError(f"{path}: not an ONNX file of this package ({' '.join(str(error).split())})") from error
        super().__init__(path, about)
        self.names = [entry.name for entry in self.session.get_inputs()]

    def run(self, *inputs):
        return self.session.run(None, dict(zip(self.names, inputs)))[0]


def imported(module, extra):
    """The module, or ``ExportError`` with the extra that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise ExportError(f"{package} is not installed: pip install 'keras_facesr[{extra}]'") from error


def _quantized(array, entry):
    """Real numbers as the integers that the file takes; floats stay."""
    scale, zero = entry["quantization"]
    if not scale:
        return array.astype(entry["dtype"])
    limits = np.iinfo(entry["dtype"])
    return np.clip(np.rint(array / scale + zero), limits.min, limits.max).astype(entry["dtype"])


def _real(array, entry):
    scale, zero = entry["quantization"]
    return array if not scale else ((array.astype(np.float32) - zero) * scale).astype(np.float32)
