"""Faces that come with the package, as many as a benchmark needs."""

import numpy as np

from keras_facesr.data.degrade import centre_square, resize
from keras_facesr.inference import demo_face


def varied(count, side):
    """The built-in face, cut, mirrored and lit by chance: uint8 (count, side, side, 3)."""
    chance = np.random.default_rng(0)
    face = centre_square(demo_face())
    faces = []
    for _ in range(count):
        width = chance.integers(len(face) * 3 // 4, len(face) + 1)
        top, left = chance.integers(len(face) - width + 1, size=2)
        lit = np.clip(face[top : top + width, left : left + width] * chance.uniform(0.5, 1.3), 0, 255).astype(np.uint8)
        faces.append(resize(lit[:, :: chance.choice([1, -1])], side, side))
    return np.stack(faces)
