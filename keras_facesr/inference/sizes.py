"""Which sizes a network takes, and which one it has learnt from. No Keras, as exported files are asked too."""

import warnings
import weakref

from keras_facesr.errors import SizeWarning

_TOLD = weakref.WeakSet()  # models


def fitting_size(model, height, width):
    """(height, width) of the smallest input that the network takes and that holds a picture of these."""
    multiple = model.size_multiple
    return tuple(-(-max(side, least) // multiple) * multiple for side, least in zip((height, width), model.least_size))


def size_remark(model, height, width):
    """What to know before a picture of this size is enlarged by a model of another ``own_size``; None if there is nothing."""
    if not model.own_size or (height, width) == tuple(model.own_size):
        return None
    high, wide = model.own_size
    own = f"{wide}x{high}" if wide == high else f"{wide} wide and {high} high"
    return (
        f"{width}x{height} pixels, where {model.preset} has learnt from {own} alone: the answer may show patterns or distorted "
        f"parts; cut the face (or digit) out and resize it to {own}, or take a model for any size (facesr models)"
    )


def warn_of_size(model, height, width):
    """``size_remark`` as a ``SizeWarning``, once for each model that is loaded."""
    remark = size_remark(model, height, width)
    if remark and model not in _TOLD:
        _TOLD.add(model)
        warnings.warn(remark, SizeWarning, stacklevel=3)
