"""The sizes that a network takes, and the one that it was trained on. No Keras, as this serves exported files too."""

import sys
import warnings
import weakref

from keras_facesr.errors import SizeWarning

_TOLD = weakref.WeakSet()  # models that have warned


def fitting_size(model, height, width):
    """(height, width) of the smallest input that the network takes and that a picture of this size fits into."""
    multiple = model.size_multiple
    return tuple(-(-max(side, least) // multiple) * multiple for side, least in zip((height, width), model.least_size))


def size_remark(model, height, width):
    """The warning that a picture of this size is not of the model's ``own_size``; None if it is, or the model has none."""
    if not model.own_size or (height, width) == tuple(model.own_size):
        return None
    high, wide = model.own_size
    own = f"{wide}x{high}" if wide == high else f"{wide} wide and {high} high"
    return (
        f"{width}x{height} pixels, but {model.preset} was trained on {own} only: the answer may show patterns or distorted "
        f"parts; cut the face (or digit) out and resize it to {own}, or take a model for any size (facesr models)"
    )


def warn_of_size(model, height, width, name=None):
    """Give ``size_remark`` as a ``SizeWarning``, after the picture's name if that is known, once for each loaded model."""
    remark = size_remark(model, height, width)
    if remark and model not in _TOLD:
        _TOLD.add(model)
        warnings.warn(f"{name}: {remark}" if name else remark, SizeWarning, stacklevel=_callers_level())


def _callers_level():
    """The ``stacklevel`` by which ``warn_of_size`` names the line outside this package that asked, not one of its own."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("keras_facesr."):
        frame, level = frame.f_back, level + 1
    return level
