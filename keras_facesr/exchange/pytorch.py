"""A network of ours as the field's PyTorch programs know it: in BasicSR's names, or else in those of its authors."""

import numpy as np

from keras_facesr.errors import ExportError
from keras_facesr.exchange.architectures import ARCHITECTURES, mean_tensors


def exchangeable(model):
    """The network of a model that was published in PyTorch, too: the model itself, or the generator of one with a critic.

    Raises:
        ExportError: there is no such network.
    """
    network = getattr(model, "generator", model)
    name = type(network).__name__
    if name not in ARCHITECTURES:
        raise ExportError(f"no {name} is known in PyTorch: {', '.join(ARCHITECTURES)} are written as PyTorch files")
    if getattr(network, "mixing", None) is not None:
        raise ExportError(f"this {name} mixes colours, which is not written for PyTorch: take the file that it came from")
    enlargement, built = network.scale * getattr(network, "unshuffle", 1), ARCHITECTURES[name].enlargements
    if built and enlargement not in built:
        raise ExportError(f"PyTorch's {name} enlarges {' or '.join(map(str, built))} times, this one {enlargement} times")
    if name == "RDN" and network.growth != network.channels:  # the authors enlarge maps of the growth's width
        raise ExportError(f"PyTorch's RDN grows by its width, this one of {network.channels} by {network.growth}")
    return network


def is_centred_as_published(network):
    """Whether the network computes on the published one's values, so that the file computes the same up to the border."""
    (mean, img_range), (new_mean, new_range) = _centre(network), _published_centre(network)
    return np.array_equal(mean, new_mean) and img_range == new_range


def to_tensors(model):
    """The model's weights under the published names: name -> float32 array.

    A network that computes on other values than the published one gets a first and a last convolution that make up for it. Only
    its border differs then, as the zeros that convolutions pad with are another colour.
    """
    network = exchangeable(model)
    architecture = ARCHITECTURES[type(network).__name__]
    parts = [*architecture.parts(network)]
    tensors = {name: part.to_pytorch(variable.numpy()) for part in parts for name, variable in part.variables.items()}
    if not is_centred_as_published(network):
        _recentre(tensors, parts[0].name, parts[-1].name, _centre(network), _published_centre(network))
    return tensors | (mean_tensors(*_published_centre(network)) if architecture.holds_mean else {})


def _centre(network):
    """(mean, img_range) of the values that a network computes on, as (3,) float64 and a float."""
    return np.array(getattr(network, "mean", (0.0,) * 3), float), float(getattr(network, "img_range", 1.0))


def _published_centre(network):
    """The same of the published network; a mean that is in its file is our network's."""
    architecture = ARCHITECTURES[type(network).__name__]
    mean = network.mean if architecture.holds_mean else architecture.centre["mean"]
    return np.array(mean, float), architecture.centre["img_range"]


def _recentre(tensors, first, last, centre, published):
    """Fold the way from one centre of values to another into the first and the last convolution."""
    (mean, img_range), (new_mean, new_range) = centre, published
    kernel = tensors[f"{first}.weight"].astype(float)  # (outputs, inputs, rows, columns)
    shift = np.repeat(img_range * (new_mean - mean), kernel.shape[1] // 3)  # of each input; unshuffled, of factor^2 in a row
    tensors[f"{first}.weight"] = (kernel * img_range / new_range).astype("float32")
    tensors[f"{first}.bias"] = (tensors[f"{first}.bias"] + kernel.sum(axis=(2, 3)) @ shift).astype("float32")
    for name in (f"{last}.weight", f"{last}.bias"):
        tensors[name] = (tensors[name].astype(float) * new_range / img_range).astype("float32")
    tensors[f"{last}.bias"] = (tensors[f"{last}.bias"] + new_range * (mean - new_mean)).astype("float32")
