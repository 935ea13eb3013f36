"""Models as files for other runtimes: SavedModel for servers, TFLite for phones, ONNX. Each is proven before it is written.

A conversion may end well and leave a file that computes something else. So every file is run at once in its own runtime,
beside the Keras model, on a face, and takes its place only if both agree.
"""

import hashlib
import io
import json
import os
import shutil
import warnings
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from keras_facesr import __version__, presets, runtimes
from keras_facesr.data.degrade import resize
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.errors import ExportError, ExportFailed
from keras_facesr.files import check_writable, reason, temporary_beside
from keras_facesr.importing import imported
from keras_facesr.inference import demo_face
from keras_facesr.metrics.fidelity import psnr
from keras_facesr.sizes import fitting_size

FORMATS = {".tflite": "tflite", ".onnx": "onnx", "": "savedmodel"}
TOLERANCES = {None: 1e-4, "float16": 5e-3}  # largest difference from the Keras model, of values in [0, 1]
ONE_LEVEL = 1.001 / 255  # what rounding to 8 bits makes of the least difference
LEAST_PSNR = 38.0  # dB of an int8 file against the Keras model
ONNX_OPSET = 17
SERVED_PIXELS = 2**22  # output pixels of one picture that a SavedModel enlarges from a file, at most: a server's memory
CALIBRATION_IMAGES = 200  # of those given, at most


def export(model, path, format=None, quantize=None, size=None, calibration=None, sampler=False, overwrite=False):
    """Write a model for another runtime, and prove that it computes the same.

    - SavedModel: ``serving_default`` takes and gives uint8 (N, H, W, 3) of any sizes; ``encoded`` takes the bytes of JPEG or
      PNG files, (N,) strings, and gives those of PNG files, ``sr_bytes``, with ``errors``: where one is not empty, that
      picture could not be enlarged and its bytes are empty. ``sample``, of stochastic models, takes ``lr`` uint8
      (N, H, W, 3) and standard normal ``noise``, float32 of the latent's shape: draws independent of each other.
    - TFLite and ONNX take and give float32 (N, H, W, 3) in [0, 1], H and W multiples of the model's ``size_multiple``, from its
      ``least_size`` on. An int8 TFLite file takes and gives int8, the levels less 128.

    Args:
        model: a network of this package, on the TensorFlow backend.
        path: file or, for a SavedModel, folder to write.
        format: "savedmodel", "tflite" or "onnx"; by default as the suffix of ``path`` says.
        quantize: None, or for TFLite "float16" (weights) or "int8" (weights and values).
        size: (height, width) of the only input that the file takes, with N = 1; None: any.
        calibration: for int8, small faces, uint8 (N, H, W, 3) of ``size``.
        sampler: for TFLite and ONNX, write what samples from a stochastic model: ``lr`` and ``noise`` to one sample of each.
        overwrite: whether a file, or a SavedModel, that is there already may be replaced, once the new one is proven.

    Returns:
        ``{"path", "format", "quantize", "bytes", "images", "difference" or "psnr"}``: what was written, and how near it came.

    Raises:
        ExportError: a call that makes no sense.
        ExportFailed: the file cannot be written, or does not agree with the model. Nothing is written then, nor replaced.
    """
    path = Path(path)
    format = format or FORMATS.get(path.suffix)
    _check(model, path, format, quantize, size, calibration, sampler, overwrite)
    try:
        check_writable(path, room=4 * model.count_params())  # every file is made by way of one with float32 weights
        path.parent.mkdir(parents=True, exist_ok=True)
        return _export(model, path, format, quantize, size, calibration, sampler)
    except OSError as error:
        raise ExportFailed(f"{path}: cannot be written ({reason(error)}); make room, or choose another place") from error


def _export(model, path, format, quantize, size, calibration, sampler):
    staged = temporary_beside(path)
    about = _metadata(model, format, quantize, size, sampler)
    try:
        {"savedmodel": _write_savedmodel, "tflite": _write_tflite, "onnx": _write_onnx}[format](
            model, staged, about, calibration
        )
        proof = _proven(model, staged, about, path)
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
    """Put what is staged in the place of a file or of a SavedModel; a folder can only be renamed to where none is."""
    if not path.is_dir():
        os.replace(staged, path)
        return
    former = staged.with_name(staged.name + ".former")
    os.replace(path, former)
    os.replace(staged, path)
    shutil.rmtree(former)


def _check(model, path, format, quantize, size, calibration, sampler, overwrite):
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ExportError(f"models are exported on TensorFlow, not on {keras.backend.backend()}: unset KERAS_BACKEND")
    if format not in FORMATS.values():
        raise ExportError(f"{path}: no format is known by {path.suffix!r}; give savedmodel, tflite or onnx")
    if model.is_autoregressive and format != "savedmodel":
        loop = f"the loop in which {type(model).__name__} answers"
        raise ExportError(f"{path}: no {format} file holds {loop}; export a SavedModel")
    if path.exists() and not overwrite:
        raise ExportError(f"{path}: exists already; overwrite replaces it")
    if path.is_dir() and not (path / "saved_model.pb").exists():
        raise ExportError(f"{path}: is a folder, and no SavedModel to replace; name another")
    if path.is_dir() != (format == "savedmodel") and path.exists():
        raise ExportError(f"{path}: a SavedModel is a folder, other formats are files; name another")
    if quantize not in (*TOLERANCES, "int8") or (quantize and format != "tflite"):
        raise ExportError(f"{format} files are not quantized to {quantize}: float16 and int8 are TFLite's")
    if (quantize == "int8") != (calibration is not None):
        raise ExportError("int8 takes calibration images, and nothing else does")
    if quantize == "int8" and (size is None or np.shape(calibration)[1:] != (*size, 3) or calibration.dtype != np.uint8):
        raise ExportError("int8 takes one size, and calibration images uint8 (N, H, W, 3) of that size")
    if size and fitting_size(model, *size) != tuple(size):
        height, width = fitting_size(model, 1, 1)
        takes = f"multiples of {model.size_multiple}, at least {width} pixels wide and {height} high"
        raise ExportError(f"{size[1]} pixels wide and {size[0]} high: this model takes {takes}")
    if size and format == "savedmodel":
        raise ExportError("a SavedModel takes any size: leave the size out")
    if sampler and (format == "savedmodel" or not model.is_stochastic):
        raise ExportError("a sampler is a TFLite or ONNX file of a stochastic model")


def _metadata(model, format, quantize, size, sampler):
    """What a file says of itself."""
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


# What is exported, in TensorFlow.


def _enlarge(model, lr):
    return model(lr, training=False)


def _sample(model, lr, noise):
    """One sample of each image, for standard normal noise of the latent's shape."""
    latent = model.encode(lr)
    return model.decode(lr, latent.mean + latent.stddev * noise)


def _enlarge_levels(model, lr, enlarge=_enlarge, **inputs):
    """uint8 images of any size, to uint8."""
    import tensorflow as tf

    height, width = tf.shape(lr)[1], tf.shape(lr)[2]
    sr = enlarge(model, _whole(model, tf.cast(lr, tf.float32) / 255.0), **inputs)
    sr = sr[:, : height * model.scale, : width * model.scale]
    return tf.cast(tf.round(tf.clip_by_value(sr, 0.0, 1.0) * 255.0), tf.uint8)


def _whole(model, images):
    """Images of any size, their lower and right edges repeated up to a size that the network takes (``fitting_size``)."""
    import tensorflow as tf

    for axis, least in zip((1, 2), model.least_size):
        side = tf.shape(images)[axis]
        whole = -(-tf.maximum(side, least) // model.size_multiple) * model.size_multiple
        images = tf.gather(images, tf.minimum(tf.range(whole), side - 1), axis=axis)
    return images


def _enlarge_files(model, files):
    """(N,) picture files to (N,) PNG files and (N,) errors, of which one in each pair is empty.

    A server merges the requests of strangers into one batch, so a bad file must not fail the others.
    """
    import tensorflow as tf

    decode = lambda file: tf.io.decode_image(file, channels=3, expand_animations=False)  # noqa: E731
    most = SERVED_PIXELS // model.scale**2
    if model.largest_side:
        most = min(most, model.largest_side**2)

    def one(file):
        # A failing operation fails the whole graph, but a data set leaves its elements out.
        decoded = tf.data.Dataset.from_tensors(file).map(decode).ignore_errors()
        lr = decoded.reduce(tf.zeros((0, 0, 3), tf.uint8), lambda _, image: image)
        pixels = tf.size(lr) // 3
        too_large = tf.where(pixels > most, f"more than {most} pixels", "")
        error = tf.where(pixels == 0, "not a whole JPEG, PNG, GIF or BMP file", too_large)
        enlarge = lambda: tf.io.encode_png(_enlarge_levels(model, lr[None])[0])  # noqa: E731
        return tf.cond(error == "", enlarge, lambda: tf.constant("")), error

    # One after the other: the memory is that of one picture, and each takes all cores as it is.
    png, errors = tf.map_fn(one, files, fn_output_signature=(tf.string, tf.string), parallel_iterations=1)
    return {"sr_bytes": png, "errors": errors}  # REST encodes what is called _bytes as base64, and only that


def _signature(model, about):
    """The function, and the specification of its inputs, of a TFLite or ONNX file."""
    import tensorflow as tf

    height, width = about["size"] or (None, None)
    lr = tf.TensorSpec((1 if about["size"] else None, height, width, 3), name="lr")
    if not about["sampler"]:
        return (lambda lr: _enlarge(model, lr)), [lr]
    noise = tf.TensorSpec(_latent_shape(model, about["size"]), name="noise")
    return (lambda lr, noise: _sample(model, lr, noise)), [lr, noise]


def _latent_shape(model, size=None):
    """The shape of the latent for inputs of one size, or with None where it follows the input."""

    def shape(height, width):
        return tuple(model.encode(np.zeros((1, height, width, 3), "float32")).mean.shape)

    if size:
        return shape(*size)
    height, width = fitting_size(model, 1, 1)
    return (None, *(a if a == b else None for a, b in zip(shape(height, width)[1:], shape(2 * height, 2 * width)[1:])))


# Writing.


def _write_savedmodel(model, folder, about, _):
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(model)
    images = tf.TensorSpec((None, None, None, 3), tf.uint8, name="lr")
    files = tf.TensorSpec((None,), tf.string, name="files")
    archive.add_endpoint("serving_default", lambda lr: {"sr": _enlarge_levels(model, lr)}, [images])
    archive.add_endpoint("encoded", lambda files: _enlarge_files(model, files), [files])
    if model.is_stochastic:
        noise = tf.TensorSpec(_latent_shape(model), name="noise")
        sample = lambda lr, noise: {"sr": _enlarge_levels(model, lr, _sample, noise=noise)}  # noqa: E731
        archive.add_endpoint("sample", sample, [images, noise])
    archive.write_out(str(folder), verbose=False)
    extra = folder / "assets.extra"
    extra.mkdir()
    (extra / runtimes.METADATA).write_text(json.dumps(about, indent=2))


def _write_tflite(model, file, about, calibration):
    import keras
    import tensorflow as tf

    function, signature = _signature(model, about)
    folder = file.with_name(file.name + ".savedmodel")
    try:
        archive = keras.export.ExportArchive()
        archive.track(model)
        archive.add_endpoint("serving_default", function, signature)
        archive.write_out(str(folder), verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=["serving_default"])
        if about["quantize"]:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if about["quantize"] == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if about["quantize"] == "int8":
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.int8
            faces = calibration[:: -(-len(calibration) // CALIBRATION_IMAGES)]
            converter.representative_dataset = lambda: ([to_unit(face[None])] for face in faces)
        content = converter.convert()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    archive = io.BytesIO(content)
    with zipfile.ZipFile(archive, "a") as zipped:  # readers of TFLite look at its start, readers of ZIP at its end
        zipped.writestr(runtimes.METADATA, json.dumps(about, indent=2))
    file.write_bytes(archive.getvalue())


def _write_onnx(model, file, about, _):
    import tensorflow as tf

    onnx, tf2onnx = (imported(name, "onnx") for name in ("onnx", "tf2onnx"))
    function, signature = _signature(model, about)
    graph, _ = tf2onnx.convert.from_function(tf.function(function, signature), signature, opset=ONNX_OPSET)
    onnx.helper.set_model_props(graph, {runtimes.METADATA: json.dumps(about)})
    onnx.save(graph, file)


# Proving.


def _proven(model, file, about, path):
    """Run the file beside the model on the built-in face, at several sizes if it takes several.

    Returns how near they came; ExportFailed if that is not near enough.
    """
    if about["quantize"] == "int8":
        _check_kernels(file, path)
    runs = _savedmodel_runs(model, file) if file.is_dir() else _file_runs(model, file, about)
    pairs = [(np.asarray(found, np.float32), np.asarray(expected, np.float32)) for found, expected in runs]
    if about["quantize"] == "int8":
        nearest = min(psnr(to_uint8(a)[0], to_uint8(b)[0]) for a, b in pairs)
        near_enough, proof = nearest >= LEAST_PSNR, {"psnr": nearest}
        figures = f"{nearest:.1f} dB, at least {LEAST_PSNR:g} are wanted"
    else:
        difference = max(float(np.abs(a - b).max()) for a, b in pairs)
        tolerance = ONE_LEVEL if file.is_dir() else TOLERANCES[about["quantize"]]
        near_enough, proof = difference <= tolerance, {"difference": difference}
        figures = f"a difference of {difference:.2g}, at most {tolerance:.2g} is allowed"
    if not near_enough:
        raise ExportFailed(f"{path}: not written, it does not compute what the model does ({figures})")
    return {"images": len(pairs), **proof}


def _check_kernels(file, path):
    """ExportFailed where XNNPACK, which runs int8 on phones, refuses the file: LiteRT would not say so, but end the process."""
    import tensorflow as tf

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
            interpreter = tf.lite.Interpreter(str(file))
        interpreter.allocate_tensors()
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ExportFailed(
            f"{path}: not written, XNNPACK refuses it ({reason}); try other calibration faces, or float16"
        ) from error


def _file_runs(model, file, about):
    """(what the file answers, what the model does) in [0, 1], for a TFLite or ONNX file."""
    runtime = {"tflite": runtimes.LiteRT, "onnx": runtimes.OnnxRuntime}[about["format"]](file)
    for levels in _faces(model, about["size"]):
        inputs = [to_unit(levels)]
        if about["sampler"]:
            inputs.append(_noise(model, inputs[0]))
        expected = (_sample if about["sampler"] else _enlarge)(model, *inputs)
        yield runtime.run(*inputs), expected


def _savedmodel_runs(model, folder):
    """The same for each signature of a SavedModel, of pictures that its signatures take and the network alone would not."""
    import tensorflow as tf

    signatures = tf.saved_model.load(str(folder)).signatures
    for levels in _faces(model):
        levels = levels[:, : levels.shape[1] - 1] if model.size_multiple > 1 else levels
        expected = _enlarge_levels(model, levels) / 255
        yield signatures["serving_default"](lr=tf.constant(levels))["sr"] / 255, expected
        (file,) = signatures["encoded"](files=tf.io.encode_png(levels[0])[None])["sr_bytes"]
        yield tf.io.decode_png(file)[None] / 255, expected
        if model.is_stochastic:
            noise = _noise(model, _whole(model, to_unit(levels)))
            expected = _enlarge_levels(model, levels, _sample, noise=noise) / 255
            yield signatures["sample"](lr=tf.constant(levels), noise=tf.constant(noise))["sr"] / 255, expected


def _faces(model, size=None):
    """The built-in face reduced to the one size, or to a square and an oblong one: uint8 (1, H, W, 3)."""
    sizes = [size] if size else [fitting_size(model, 16, 16), fitting_size(model, 24, 36)]
    return [resize(demo_face(), height, width)[None] for height, width in sizes]


def _noise(model, lr):
    """Standard normal noise of the latent's shape for these inputs."""
    shape = tuple(model.encode(lr).mean.shape)
    return np.random.default_rng(0).standard_normal(shape, np.float32)
