"""A published network in Keras, told and filled by the tensors of its file."""

import re

import numpy as np

from keras_facesr import classes
from keras_facesr.errors import CallError, WeightsError
from keras_facesr.exchange.architectures import ARCHITECTURES
from keras_facesr.exchange.tensors import read_tensors

NAMED = 4  # the most tensors that an error names


def network_of(path, model=None, /, **arguments):
    """The network of a .safetensors or .pth file, built and with its weights; arguments as for ``import_weights``."""
    return network_with(read_tensors(path), path, model, **arguments)


def network_with(tensors, path, model=None, /, **arguments):
    """The same for the tensors that are read already; ``path`` is named in errors."""
    name = model or told(tensors)
    if name is None:
        known = ", ".join(ARCHITECTURES)
        raise WeightsError(f"{path}: no enlarger that is known here ({known}); it holds {listed(tensors)}")
    if name not in ARCHITECTURES:
        raise CallError(f"{name}: weights are taken over into {', '.join(ARCHITECTURES)}")
    architecture = ARCHITECTURES[name]
    renamed = architecture.renamed(tensors)
    known = {renamed[old]: array for old, array in tensors.items()}
    try:
        known = architecture.settled(known)
        config = {**architecture.config(known), **arguments}
        network = classes.build_model(name, config)
    except KeyError as error:
        raise WeightsError(f"{path}: no {name}: it lacks {error}") from error
    except (IndexError, ZeroDivisionError) as error:
        raise WeightsError(f"{path}: no {name}: its tensors have fewer axes than such a network's") from error
    except (ValueError, TypeError) as error:  # arguments that no such network has
        raise WeightsError(f"{path}: no {name}: {' '.join(str(error).split())}") from error
    if len(known) < len(tensors):  # all but one of each would be left out
        places = [*renamed.values()]
        twice = listed(old for old, new in renamed.items() if places.count(new) > 1)
        raise WeightsError(f"{path}: not understood as {name}: it has more than one tensor for the same place, {twice}")
    parts = [*architecture.parts(network)]
    weights = {new: array for new, array in known.items() if not re.match(architecture.constants, new)}
    _check(path, name, parts, weights, {new: old for old, new in renamed.items()})
    for part in parts:
        for tensor, variable in part.variables.items():
            variable.assign(part.to_keras(known[tensor]).reshape(variable.shape))
    return network


def told(tensors):
    """The class of the network that has these tensors; None for an unknown one."""
    for name, architecture in ARCHITECTURES.items():
        if {*architecture.marks} <= {*architecture.renamed(tensors).values()}:
            return name
    return None


def listed(names):
    """The first of some names, and how many there are besides."""
    names = [*names]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _check(path, name, parts, tensors, names):
    """WeightsError if these are not exactly the tensors that the network's parts have, in their shapes, and all are numbers.

    ``names`` are those in the file.
    """
    wanted = {tensor: shape for part in parts for tensor, shape in part.shapes().items()}
    lacking = listed(each for each in wanted if each not in tensors)
    unknown = listed(names[each] for each in tensors if each not in wanted)
    reshaped = listed(
        f"{names[each]} {tensors[each].shape} instead of {shape}"
        for each, shape in wanted.items()
        if each in tensors and tensors[each].shape != shape
    )
    said = {"lacks": lacking, "has besides": unknown, "has": reshaped}
    if any(said.values()):
        found = "; ".join(f"{verb} {what}" for verb, what in said.items() if what)
        raise WeightsError(f"{path}: not understood as {name}: it {found}")
    if spoilt := listed(names[each] for each, array in tensors.items() if not np.isfinite(array).all()):
        raise WeightsError(f"{path}: damaged, or its training failed: not all values are finite in {spoilt}")
