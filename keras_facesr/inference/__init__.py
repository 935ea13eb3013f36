"""Inference on pictures of any size and kind, by a network or by an exported file in its own runtime.

The names below are for users; their modules say what each one takes and returns.
"""

from keras_facesr.inference.built_in import demo_face, demo_faces, demonstrate
from keras_facesr.inference.comparison import compare
from keras_facesr.inference.methods import KerasDegradation, KerasJudge, KerasMethod, KerasReader
from keras_facesr.inference.pictures import enlarge_picture, picture_deviation, sample_picture, traverse_picture, upscale

__all__ = [
    "KerasDegradation",
    "KerasJudge",
    "KerasMethod",
    "KerasReader",
    "compare",
    "demo_face",
    "demo_faces",
    "demonstrate",
    "enlarge_picture",
    "picture_deviation",
    "sample_picture",
    "traverse_picture",
    "upscale",
]
