"""The functions that are exported, in TensorFlow: one for each signature of a file or of a SavedModel."""

import numpy as np

from keras_facesr.inference.runtimes import PREPARE, PREPARED, WHOLE
from keras_facesr.inference.sizes import fitting_size

SERVED_PIXELS = 2**22  # most output pixels of a picture that a SavedModel enlarges from a file; bounds a server's memory


def enlarge(model, lr):
    """The most probable answer: float32 (N, H, W, 3) in [0, 1] to (N, scale * H, scale * W, 3)."""
    return model(lr, training=False)


def sample(model, lr, noise):
    """One sample for each image, from standard normal ``noise`` of the latent's shape."""
    latent = model.encode(lr)
    return model.decode(lr, latent.mean + latent.stddev * noise)


def enlarge_levels(model, lr, enlarge=enlarge, **inputs):
    """uint8 (N, H, W, 3) of any size to uint8 (N, scale * H, scale * W, 3), by ``enlarge``, or ``sample`` with its noise."""
    import tensorflow as tf

    height, width = tf.shape(lr)[1], tf.shape(lr)[2]
    sr = enlarge(model, whole(model, tf.cast(lr, tf.float32) / 255.0), **inputs)
    sr = sr[:, : height * model.scale, : width * model.scale]
    return tf.cast(tf.round(tf.clip_by_value(sr, 0.0, 1.0) * 255.0), tf.uint8)


def whole(model, images):
    """Pad images of any size to one that the network takes (``fitting_size``): repeat their lower and right edges."""
    import tensorflow as tf

    for axis, least in zip((1, 2), model.least_size):
        side = tf.shape(images)[axis]
        fitting = -(-tf.maximum(side, least) // model.size_multiple) * model.size_multiple
        images = tf.gather(images, tf.minimum(tf.range(fitting), side - 1), axis=axis)
    return images


def enlarge_files(model, files):
    """(N,) picture files to (N,) PNG files and (N,) errors; for each picture one of the two is empty.

    A server merges the requests of several clients into one batch, so a bad file must not fail the others.
    """
    import tensorflow as tf

    most = SERVED_PIXELS // model.scale**2
    if model.largest_side:
        most = min(most, model.largest_side**2)

    def one(file):
        # A failing operation fails the whole graph; a data set that ignores errors only leaves the element out.
        decoded = tf.data.Dataset.from_tensors(file).map(decoded_file).ignore_errors()
        lr = decoded.reduce(tf.zeros((0, 0, 3), tf.uint8), lambda _, image: image)
        pixels = tf.size(lr) // 3
        too_large = tf.where(pixels > most, f"more than {most} pixels", "")
        error = tf.where(pixels == 0, "not a whole JPEG, PNG, GIF or BMP file", too_large)
        answer = lambda: tf.io.encode_png(enlarge_levels(model, lr[None])[0])  # noqa: E731
        return tf.cond(error == "", answer, lambda: tf.constant("")), error

    # One after the other: memory is needed for one picture only, and each already uses all cores.
    png, errors = tf.map_fn(one, files, fn_output_signature=(tf.string, tf.string), parallel_iterations=1)
    return {"sr_bytes": png, "errors": errors}  # REST encodes in base64 the outputs whose names end in _bytes, and no others


def decoded_file(file):
    """The pixels of a picture file, uint8 (H, W, 3); an operation fails if it is none."""
    import tensorflow as tf

    rgb = tf.io.decode_image(file, channels=3, expand_animations=False)

    def looked_up():  # TensorFlow takes the numbers of a palette's colours for levels of gray
        places = tf.io.decode_raw(tf.strings.substr(file, 10, 8), tf.int32)  # of the pixels; of the palette, behind 14 bytes
        palette = tf.io.decode_raw(tf.strings.substr(file, 14 + places[1], places[0] - places[1] - 14), tf.uint8)
        return tf.gather(tf.reshape(palette, (-1, 4))[:, 2::-1], tf.cast(rgb[..., 0], tf.int32))  # blue comes first

    has_palette = (tf.strings.substr(file, 0, 2) == b"BM") & (tf.strings.substr(file, 28, 1) == b"\x08")
    return tf.cond(has_palette, looked_up, lambda: rgb)


def signatures(model, about):
    """The functions of a TFLite or ONNX file with the specifications of their inputs, by name; ``WHOLE`` comes first.

    If a network prepares whole pictures, its TFLite file for any size has two more functions: ``PREPARE`` prepares a picture,
    ``PREPARED`` enlarges parts of a prepared one.
    """
    import tensorflow as tf

    height, width = about["size"] or (None, None)
    lr = tf.TensorSpec((1 if about["size"] else None, height, width, 3), name="lr")
    if about["sampler"]:
        noise = tf.TensorSpec(latent_shape(model, about["size"]), name="noise")
        return {WHOLE: (lambda lr, noise: sample(model, lr, noise), [lr, noise])}
    whole = {WHOLE: (lambda lr: enlarge(model, lr), [lr])}
    if not about["prepares"] or about["format"] != "tflite" or about["size"]:
        return whole
    channels = model.prepare(np.zeros((1, *fitting_size(model, 1, 1), 3), "float32")).shape[-1]
    prepared = tf.TensorSpec((None, None, None, channels), name="lr")
    return {**whole, PREPARE: (model.prepare, [lr]), PREPARED: (lambda lr: enlarge(model, lr), [prepared])}


def latent_shape(model, size=None):
    """The latent's shape for inputs of ``size``; without a size, axes that grow with the input are None."""

    def shape(height, width):
        return tuple(model.encode(np.zeros((1, height, width, 3), "float32")).mean.shape)

    if size:
        return shape(*size)
    height, width = fitting_size(model, 1, 1)
    return (None, *(a if a == b else None for a, b in zip(shape(height, width)[1:], shape(2 * height, 2 * width)[1:])))
