"""Models as files for others: SavedModel for servers, TFLite for phones, ONNX, weights for PyTorch. Each is proven first.

A conversion may succeed and yet yield a file that computes something else. So every new file is first run on a face in its own
runtime, beside the Keras model, and takes its place only if both agree.
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
from importlib.metadata import version
from numbers import Integral
from pathlib import Path

import numpy as np

from keras_facesr import presets
from keras_facesr.data.files import check_writable, temporary_beside
from keras_facesr.data.images import to_unit
from keras_facesr.errors import CallError, ExportError, ExportFailed, reason
from keras_facesr.exchange.pytorch import exchangeable, to_tensors
from keras_facesr.exchange.tensors import write_tensors
from keras_facesr.exporting import graphs
from keras_facesr.exporting.proof import TOLERANCES, proven
from keras_facesr.importing import imported
from keras_facesr.inference.pictures import check_enlarges
from keras_facesr.inference.runtimes import METADATA
from keras_facesr.inference.sizes import fitting_size
from keras_facesr.version import __version__

FORMATS = {".tflite": "tflite", ".onnx": "onnx", ".safetensors": "pytorch", ".pth": "pytorch", "": "savedmodel"}
ONNX_OPSET = 17
CALIBRATION_IMAGES = 200  # the most that are used of those given
ON_SAMPLERS = "a sampler is a TFLite or ONNX file of a stochastic model"


def export(model, path, format=None, quantize=None, size=None, calibration=None, sampler=False, overwrite=False):
    """Write a model for another runtime, and prove that it computes the same.

    - SavedModel: ``serving_default`` takes and returns uint8 (N, H, W, 3) of any size. ``encoded`` takes the bytes of JPEG,
      PNG, GIF or BMP files, (N,) strings, and returns those of PNG files, ``sr_bytes``, and ``errors``; if a picture cannot be
      enlarged, its error is not empty and its bytes are. ``sample``, of stochastic models, takes ``lr``, uint8
      (N, H, W, 3), and ``noise``, independent standard normal draws, float32 of the latent's shape.
    - TFLite and ONNX files take and return float32 (N, H, W, 3) in [0, 1]; H and W are multiples of the model's
      ``size_multiple`` and at least its ``least_size``. An int8 TFLite file takes and returns int8, 8-bit levels less 128. If a
      network must see whole pictures, its TFLite file for any size has two more signatures, for large pictures:
      ``serving_prepare`` prepares a whole picture, (N, H, W, C) in [0, 1], and ``serving_prepared`` enlarges parts of it.
    - PyTorch: the weights of an RRDBNet, SRVGGNetCompact, MSRResNet or EDSR under BasicSR's names, of an RDN or SRFBN under
      the authors' (extra ``import``). Where the network computes on other values than the published one, only the border of
      its answers differs, by "border".

    Args:
        model: a network of this package, on the TensorFlow backend.
        path: file or, for a SavedModel, folder to write.
        format: "savedmodel", "tflite", "onnx" or "pytorch"; by default the one that the suffix of ``path`` means.
        quantize: None, or for TFLite "float16" (weights) or "int8" (weights and activations).
        size: (height, width) of the only input that the file takes, with N = 1; None: any size.
        calibration: for int8, small faces that the ranges of the activations are taken from, uint8 (N, H, W, 3) of ``size``.
        sampler: for TFLite and ONNX, write the sampler of a stochastic model: ``lr`` and ``noise`` to one sample of each image.
        overwrite: whether an existing file or SavedModel may be replaced, once the new one is proven.

    Returns:
        ``{"path", "format", "quantize", "bytes", "images", "difference" or "psnr"}``: what was written, the number of answers
        that were compared, and the largest difference from the Keras model, of values in [0, 1], or the lowest PSNR in dB;
        for PyTorch also "border", the largest difference up to the border.

    Raises:
        ExportError: the arguments do not fit together, or the file exists and may not be replaced.
        ExportFailed: the file cannot be written, or does not agree with the model. Then nothing is written or replaced.
    """
    path = Path(path)
    format = check_call(path, format, quantize, size, calibration, sampler, overwrite)
    size = None if size is None else tuple(map(int, size))  # NumPy's whole numbers would not go into JSON
    _check_model(model, path, format, size, sampler)
    try:
        check_writable(path, room=4 * model.count_params())  # every file is converted from one with float32 weights
        path.parent.mkdir(parents=True, exist_ok=True)
        return _export(model, path, format, quantize, size, calibration, sampler)
    except OSError as error:
        raise ExportFailed(f"{path}: cannot be written ({reason(error)}); make room, or choose another place") from error


def _export(model, path, format, quantize, size, calibration, sampler):
    staged = temporary_beside(path)
    about = _metadata(model, format, quantize, size, sampler)
    try:
        writers = {"savedmodel": _write_savedmodel, "tflite": _write_tflite, "onnx": _write_onnx, "pytorch": _write_pytorch}
        writers[format](model, staged, about, calibration)
        proof = proven(model, staged, about, path)
        _replace(path, staged)
    finally:
        shutil.rmtree(staged, ignore_errors=True) if staged.is_dir() else staged.unlink(missing_ok=True)
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return {
        "path": str(path),
        "format": format,
        "quantize": quantize,
        "bytes": sum(file.stat().st_size for file in files),
        **proof,
    }


def _replace(path, staged):
    """Put the staged file or SavedModel in its place; a folder there is moved away first, as folders cannot be replaced."""
    if not path.is_dir():
        os.replace(staged, path)
        return
    former = staged.with_name(staged.name + ".former")
    os.replace(path, former)
    os.replace(staged, path)
    former.unlink() if former.is_symlink() else shutil.rmtree(former)


def check_place(path, format=None):
    """ExportError if at ``path`` is what no export replaces, even where it may: no hint at overwriting would help."""
    path = Path(path)
    format = format or FORMATS.get(path.suffix)
    if path.is_dir() and not (path / "saved_model.pb").exists():
        raise ExportError(f"{path}: is a folder, and no SavedModel to replace; name another")
    if path.is_dir() != (format == "savedmodel") and path.exists():
        raise ExportError(f"{path}: a SavedModel is a folder, other formats are files; name another")


def check_call(path, format=None, quantize=None, size=None, calibration=None, sampler=False, overwrite=False):
    """The format of a call of ``export``, with its arguments; ExportError if the call makes no sense for any model.

    Without Keras: who loads a model for the call can ask before.
    """
    path = Path(path)
    format = format or FORMATS.get(path.suffix)
    if format not in FORMATS.values():
        raise ExportError(f"{path}: no format is known by {format or path.suffix!r}; give savedmodel, tflite, onnx or pytorch")
    if format == "pytorch" and path.suffix != ".safetensors":  # every reader goes by it
        raise ExportError(f"{path}: networks for PyTorch are written as .safetensors files, not {path.suffix!r}; name it so")
    check_place(path, format)
    if path.exists() and not overwrite:
        raise ExportError(f"{path}: exists already; overwrite replaces it")
    if quantize not in (*TOLERANCES, "int8") or (quantize and format != "tflite"):
        raise ExportError(f"{format} files are not quantized to {quantize}: float16 and int8 are TFLite's")
    if (quantize == "int8") != (calibration is not None):
        raise ExportError("int8 takes calibration images, and nothing else does")
    if size is not None and not (np.shape(size) == (2,) and all(isinstance(side, Integral) for side in size)):
        raise ExportError(f"size must be (height, width), two whole numbers, not {size!r}")
    if quantize == "int8" and sampler:
        raise ExportError("a sampler is not quantized to int8: faces give no range for its noise; take float16")
    if quantize == "int8" and not (size is not None and _are_levels(calibration, size)):
        raise ExportError("int8 takes one size, and calibration images uint8 (N, H, W, 3) of that size")
    if size is not None and format in ("savedmodel", "pytorch"):
        raise ExportError(
            f"{'a SavedModel' if format == 'savedmodel' else 'a PyTorch network'} takes any size: leave the size out"
        )
    if sampler and format in ("savedmodel", "pytorch"):
        raise ExportError(ON_SAMPLERS)
    return format


def _are_levels(images, size):
    return getattr(images, "dtype", None) == np.uint8 and tuple(images.shape[1:]) == (*size, 3) and len(images) > 0


def _check_model(model, path, format, size, sampler):
    """Raise an ExportError for what this model cannot be written as."""
    import keras

    try:
        check_enlarges(model)
    except CallError as error:
        raise ExportError(str(error)) from error
    if not isinstance(model, keras.Model):
        raise ExportError(f"{type(model).__name__}: is an exported file; give the network itself, such as load('sam')")
    if keras.backend.backend() != "tensorflow":
        raise ExportError(f"models are exported on TensorFlow, not on {keras.backend.backend()}: unset KERAS_BACKEND")
    if format == "pytorch":
        exchangeable(model)
    if model.is_autoregressive and format != "savedmodel":
        loop = f"the loop in which {type(model).__name__} answers"
        raise ExportError(f"{path}: no {format} file holds {loop}; export a SavedModel")
    if size and fitting_size(model, *size) != tuple(size):
        height, width = fitting_size(model, 1, 1)
        takes = f"multiples of {model.size_multiple}, at least {width} pixels wide and {height} high"
        raise ExportError(f"{size[1]} pixels wide and {size[0]} high: this model takes {takes}")
    if sampler and not model.is_stochastic:
        raise ExportError(ON_SAMPLERS)


def _metadata(model, format, quantize, size, sampler):
    """The metadata that is written into a file."""
    from keras_facesr.models.base import FaceSR

    digest = hashlib.sha256()
    for variable in model.variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return {
        "format": format,
        "model": type(model).__name__,
        "preset": model.preset,
        "preset_sha256": _released_sha256(model),
        "scale": model.scale,
        "size_multiple": model.size_multiple,
        "least_size": model.least_size,
        "largest_side": model.largest_side,
        "prepares": type(model).prepare is not FaceSR.prepare,
        "size": size,
        "input": "uint8 RGB" if format == "savedmodel" else "RGB in [0, 1]",
        "quantize": quantize,
        "sampler": sampler,
        "weights_sha256": digest.hexdigest(),  # of all variables' bytes, in their order
        "versions": {"keras_facesr": __version__, **{name: version(name) for name in ("keras", "tensorflow")}},
    }


def _released_sha256(model):
    """SHA-256 of the weights file that a model was loaded from; None if there is none, or its weights have changed since."""
    if not model.preset:
        return None
    loaded = presets.load(model.preset)
    if not all(np.array_equal(now, then) for now, then in zip(model.variables, loaded.variables)):
        return None
    return presets.find(model.preset).weights.sha256


def _write_savedmodel(model, folder, about, _):
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(model)
    images = tf.TensorSpec((None, None, None, 3), tf.uint8, name="lr")
    files = tf.TensorSpec((None,), tf.string, name="files")
    archive.add_endpoint("serving_default", lambda lr: {"sr": graphs.enlarge_levels(model, lr)}, [images])
    archive.add_endpoint("encoded", lambda files: graphs.enlarge_files(model, files), [files])
    if model.is_stochastic:
        noise = tf.TensorSpec(graphs.latent_shape(model), name="noise")
        sample = lambda lr, noise: {"sr": graphs.enlarge_levels(model, lr, graphs.sample, noise=noise)}  # noqa: E731
        archive.add_endpoint("sample", sample, [images, noise])
    archive.write_out(str(folder), verbose=False)
    extra = folder / "assets.extra"
    extra.mkdir()
    (extra / METADATA).write_text(json.dumps(about, indent=2))


def _write_tflite(model, file, about, calibration):
    import keras
    import tensorflow as tf

    signatures = graphs.signatures(model, about)
    folder = file.with_name(file.name + ".savedmodel")
    try:
        archive = keras.export.ExportArchive()
        archive.track(model)
        for name, (function, inputs) in signatures.items():
            archive.add_endpoint(name, function, inputs)
        archive.write_out(str(folder), verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[*signatures])
        if about["quantize"]:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if about["quantize"] == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if about["quantize"] == "int8":
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
            faces = calibration[:: -(-len(calibration) // CALIBRATION_IMAGES)]
            black_white = np.stack([np.full_like(faces[0], level) for level in (0, 255)])  # so that the range is that of levels
            converter.representative_dataset = lambda: ([to_unit(face[None])] for face in (*faces, *black_white))
        content = converter.convert()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    archive = io.BytesIO(content)
    with zipfile.ZipFile(archive, "a") as zipped:  # readers of TFLite look at its start, readers of ZIP at its end
        zipped.writestr(METADATA, json.dumps(about, indent=2))
    file.write_bytes(archive.getvalue())


def _write_onnx(model, file, about, _):
    import tensorflow as tf

    onnx, tf2onnx = (imported(name, "onnx") for name in ("onnx", "tf2onnx"))
    (function, inputs), *_ = graphs.signatures(model, about).values()
    graph, _ = tf2onnx.convert.from_function(tf.function(function, inputs), inputs, opset=ONNX_OPSET)
    onnx.helper.set_model_props(graph, {METADATA: json.dumps(about)})
    onnx.save(graph, file)


def _write_pytorch(model, file, about, _):
    write_tensors(file, to_tensors(model), {METADATA: json.dumps(about)})
