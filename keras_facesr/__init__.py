"""Face super-resolution with released weights, for Keras 3.

    import keras_facesr as fsr

    model = fsr.load("sam")                 # released weights, ready
    sr = model.upscale("face.png")          # uint8 array, model.scale times as high and wide
    fsr.restore_photo("group.jpg").pixels   # a whole photograph, each face by the network that fits it
    fsr.restore_video("film.mp4", "large.mp4")
    fsr.list_models("*x8*")                 # what else there is
    fsr.import_weights("net.pth", "mine")   # a network of the field, from its PyTorch file

Importing the package imports nothing heavy: each name below brings what it needs when it is first used, and Keras finds the
classes of saved models.
"""

from importlib import import_module

from keras_facesr.classes import register_with_keras
from keras_facesr.version import __version__

_HOMES = {
    "load": "presets",
    "list_models": "presets",
    "upscale": "inference",
    "compare": "inference",
    "export": "exporting",
    "FacesrError": "errors",
    "restore_photo": "photos",
    "restore_video": "video",
    "import_weights": "exchange",
}
__all__ = [*_HOMES, "__version__"]

register_with_keras()


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return sorted({*globals(), *__all__})
