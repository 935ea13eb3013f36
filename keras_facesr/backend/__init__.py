"""The only package that knows which Keras backend computes: gradients, distributions and replicas.

All other code calls these functions and runs on both backends:

- ``gradients(loss_fn, variables)``: the values that ``loss_fn`` returns, and the gradients of its first one
- ``input_gradient(function, x)``: the gradient of the sum of ``function(x)`` at x, which can be differentiated again
- ``no_gradients()``: a context in which nothing is kept for a backward pass
- ``diagonal_gaussian(mean, stddev)``: a distribution object, independent over all axes but the batch's
- ``resize(images, height, width)``: bilinear, to a size that may be known only when the graph runs
- ``sample(distribution, seed)``: one draw that gradients pass through
- ``kl_divergence(q, p)``: of two such distributions, one value per batch entry
- ``of_shape(x, shape, message)``: the tensor ``x`` if it has this shape, otherwise an error; a size of None allows any
- ``compiled(function)``: the same function, compiled to a graph where the backend can
- ``is_symbolic(x)``: whether the values of a tensor are known only when the graph runs
- ``scope_of(model)``: the context in which a model's optimisers must be made
- ``is_made_for(model, optimizer)``: whether this optimiser was made there
- ``replica_count()``, ``replica_index()``: the replicas of the data-parallel strategy that a step runs under, and this one
- ``replica_mean(value)``: mean over the replicas, without gradients
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
