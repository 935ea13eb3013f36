"""The proof that a file computes what its model does: both are run on the built-in face, before the file takes its place."""

import warnings

import numpy as np

from keras_facesr.data.degrade import resize
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.errors import ExportFailed
from keras_facesr.exchange.published import network_with
from keras_facesr.exchange.pytorch import exchangeable, is_centred_as_published
from keras_facesr.exchange.tensors import from_safetensors
from keras_facesr.exporting import graphs
from keras_facesr.inference import runtimes
from keras_facesr.inference.built_in import demo_face
from keras_facesr.inference.sizes import fitting_size
from keras_facesr.metrics.fidelity import psnr

TOLERANCES = {None: 1e-4, "float16": 5e-3}  # largest difference from the Keras model, of values in [0, 1]
ONE_LEVEL = 1.001 / 255  # rounding to 8 bits can turn the smallest difference into one level
BORDER = 32  # input pixels up to which a network shows what its convolutions pad with
LEAST_PSNR = 38.0  # in dB, of an int8 file's answers compared with the Keras model's


def proven(model, file, about, path):
    """Run the file and the model on the built-in face: at two sizes, or at the only one that the file takes.

    Returns ``{"images"}``, the number of compared answers, and "difference", the largest one of values in [0, 1]; for int8
    instead "psnr", the lowest one in dB. For PyTorch "border" is the largest difference in whole answers, and "difference",
    of a network on other values than the published one's, the largest one behind the border. Raises ExportFailed if the file
    is not near enough to the model.
    """
    if about["quantize"] == "int8":
        _check_kernels(file, path)
    runs = {"savedmodel": _savedmodel_runs, "pytorch": _pytorch_runs}.get(about["format"], _file_runs)(model, file, about)
    pairs = [(np.asarray(found, np.float32), np.asarray(expected, np.float32)) for found, expected in runs]
    if about["quantize"] == "int8":
        nearest = min(psnr(to_uint8(a)[0], to_uint8(b)[0]) for a, b in pairs)
        near_enough, proof = nearest >= LEAST_PSNR, {"psnr": nearest}
        figures = f"{nearest:.1f} dB, at least {LEAST_PSNR:g} are wanted"
    else:
        tolerance, proof = ONE_LEVEL if file.is_dir() else TOLERANCES[about["quantize"]], {}
        if about["format"] == "pytorch":
            proof["border"] = _difference(pairs)
            pairs, tolerance = _behind_the_border(model, pairs)
        difference = proof["difference"] = _difference(pairs)
        near_enough = difference <= tolerance
        figures = f"a difference of {difference:.2g}, at most {tolerance:.2g} is allowed"
    if not near_enough:
        raise ExportFailed(f"{path}: not written, it does not compute what the model does ({figures})")
    return {"images": len(pairs), **proof}


def _check_kernels(file, path):
    """ExportFailed if XNNPACK, which runs int8 on phones, refuses the file: LiteRT would end the process without a word."""
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
    """Pairs of (the file's output, the model's output) in [0, 1], for a TFLite or ONNX file."""
    signatures = graphs.signatures(model, about)
    runtime = {"tflite": runtimes.LiteRT, "onnx": runtimes.OnnxRuntime}[about["format"]](file)
    for levels in _faces(model, about["size"]):
        inputs = [to_unit(levels)]
        if about["sampler"]:
            inputs.append(_noise(model, inputs[0]))
        expected = (graphs.sample if about["sampler"] else graphs.enlarge)(model, *inputs)
        yield runtime.run(*inputs), expected
        if runtimes.PREPARE in signatures:
            prepared = model.prepare(inputs[0])
            yield runtime.prepare(inputs[0]), prepared
            yield runtime.predict_on_batch(prepared), expected


def _pytorch_runs(model, file, _):
    """The same for a PyTorch file, read again: by the network of ours that it is for this package."""
    network = exchangeable(model)
    hidden = {name: getattr(network, name) for name in ("residual_scaling", "steps") if hasattr(network, name)}  # in no tensor
    again = network_with(from_safetensors(file), file, type(network).__name__, **hidden)
    side = 3 * BORDER * network.size_multiple
    for levels in (*_faces(model, (side, side)), *_faces(model)):
        yield again(to_unit(levels)), graphs.enlarge(model, to_unit(levels))


def _behind_the_border(model, pairs):
    """What of the answers is to agree, and how near: all of them, or of networks on other values the middle of the first."""
    network = exchangeable(model)
    if is_centred_as_published(network):
        return pairs, TOLERANCES[None]
    cut = slice(BORDER * network.size_multiple * model.scale, -BORDER * network.size_multiple * model.scale)
    return [tuple(answer[:, cut, cut] for answer in pairs[0])], TOLERANCES["float16"]


def _difference(pairs):
    return max(float(np.abs(a - b).max()) for a, b in pairs)


def _savedmodel_runs(model, folder, _):
    """The same for each signature of a SavedModel, at sizes that its signatures take and the network alone may not."""
    import tensorflow as tf

    signatures = tf.saved_model.load(str(folder)).signatures
    for levels in _faces(model):
        levels = levels[:, : levels.shape[1] - 1] if model.size_multiple > 1 else levels
        expected = graphs.enlarge_levels(model, levels) / 255
        yield signatures["serving_default"](lr=tf.constant(levels))["sr"] / 255, expected
        (file,) = signatures["encoded"](files=tf.io.encode_png(levels[0])[None])["sr_bytes"]
        yield tf.io.decode_png(file)[None] / 255, expected
        if model.is_stochastic:
            noise = _noise(model, graphs.whole(model, to_unit(levels)))
            expected = graphs.enlarge_levels(model, levels, graphs.sample, noise=noise) / 255
            yield signatures["sample"](lr=tf.constant(levels), noise=tf.constant(noise))["sr"] / 255, expected


def _faces(model, size=None):
    """The built-in face reduced to ``size``, or else to a square and to an oblong size: uint8 (1, H, W, 3) each."""
    sizes = [size] if size else [fitting_size(model, 16, 16), fitting_size(model, 24, 36)]
    return [resize(demo_face(), height, width)[None] for height, width in sizes]


def _noise(model, lr):
    """Standard normal noise of the latent's shape for these inputs."""
    shape = tuple(model.encode(lr).mean.shape)
    return np.random.default_rng(0).standard_normal(shape, np.float32)
