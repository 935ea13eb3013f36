"""The one place that knows which Keras backend computes: gradients, distributions and replicas.

Everything above is written against these functions once and runs on both backends:

- ``gradients(loss_fn, variables)``: the values that ``loss_fn`` returns, and the gradients of its first one
- ``input_gradient(function, x)``: the gradient of the sum of ``function(x)`` at x, through which gradients pass again
- ``no_gradients()``: a context within which nothing is kept for a backward pass
- ``diagonal_gaussian(mean, stddev)``: a distribution object, independent over all axes but the batch's
- ``resize(images, height, width)``: bilinear, to a size that may be known only when the graph runs
- ``sample(distribution, seed)``: one draw that gradients pass through
- ``kl_divergence(q, p)``: of two such distributions, one value per batch entry
- ``of_shape(x, shape, message)``: a tensor, or the message if it is not of this shape; a size of None is any
- ``compiled(function)``: the same function, without Python's part in each of its operations where the backend can
- ``is_symbolic(x)``: whether a tensor stands for values that are known only when the graph runs
- ``scope_of(model)``: the context in which a model's optimisers are to be made
- ``is_made_for(model, optimizer)``: whether one was
- ``replica_count()``, ``replica_index()``: of the data-parallel strategy that a step runs under
- ``replica_mean(value)``: over its replicas, without gradients
"""

import keras

from keras_facesr.errors import FacesrError

if keras.config.image_data_format() != "channels_last":
    raise FacesrError(
        "images are (N, H, W, C) here, and Keras is set to channels_first: change image_data_format in keras.json, or call "
        "keras.config.set_image_data_format('channels_last') first"
    )
if keras.backend.backend() == "tensorflow":
    from keras_facesr.backend.tensorflow import (
        compiled,
        diagonal_gaussian,
        gradients,
        input_gradient,
        is_made_for,
        is_symbolic,
        kl_divergence,
        no_gradients,
        of_shape,
        replica_count,
        replica_index,
        replica_mean,
        resize,
        sample,
        scope_of,
    )
elif keras.backend.backend() == "torch":
    from keras_facesr.backend.torch import (
        compiled,
        diagonal_gaussian,
        gradients,
        input_gradient,
        is_made_for,
        is_symbolic,
        kl_divergence,
        no_gradients,
        of_shape,
        replica_count,
        replica_index,
        replica_mean,
        resize,
        sample,
        scope_of,
    )
else:
    raise FacesrError(
        f"keras_facesr runs on TensorFlow or PyTorch, not on {keras.backend.backend()}: set KERAS_BACKEND=tensorflow or torch"
    )

__all__ = [
    "compiled",
    "diagonal_gaussian",
    "gradients",
    "input_gradient",
    "is_made_for",
    "is_symbolic",
    "kl_divergence",
    "no_gradients",
    "of_shape",
    "replica_count",
    "replica_index",
    "replica_mean",
    "resize",
    "sample",
    "scope_of",
]
