"""LPIPS and the network of FID as their authors publish them: their packages, on PyTorch, and the weights that these fetch.

``facesr evaluate --lpips --fid`` uses them, and the extra ``distances`` installs them. If their weights cannot be fetched,
``face_features`` can judge instead, under other names (``metrics.perceptual``). Make them before any network is loaded: if
PyTorch starts after TensorFlow has computed in the same process, the process crashes.
"""

import sys
from importlib.util import find_spec

import numpy as np

from keras_facesr.errors import FacesrError
from keras_facesr.importing import imported

EXTRA = "distances"
LPIPS_LEAST = 32  # pixels a side, which AlexNet's poolings reduce to one
POOLED = 2048  # values of Inception's last pooling, which FID compares


class LPIPS:
    """Learned perceptual image patch similarity, version 0.1 on AlexNet (Zhang et al., 2018).

    Raises:
        FacesrError: its package is not installed, TensorFlow was started before PyTorch, or AlexNet's weights are not at hand
            and cannot be fetched.
    """

    about = "version 0.1 on AlexNet"

    def __init__(self):
        package = _package("lpips")
        self.network = _with_weights("LPIPS", lambda: package.LPIPS(net="alex", verbose=False))

    def distance(self, images_a, images_b):
        """The distance of each pair of uint8 (N, H, W, 3) images: (N,), 0 for equal ones."""
        import torch

        with torch.no_grad():
            return self.network(_tensor(images_a), _tensor(images_b), normalize=True).numpy().reshape(-1)


class Inception:
    """The Inception network of FID (Heusel et al., 2017), with the weights that FID was defined by.

    Raises:
        FacesrError: its package is not installed, TensorFlow was started before PyTorch, or the weights are not at hand and
            cannot be fetched.
    """

    def __init__(self):
        package = _package("pytorch_fid.inception")
        block = package.InceptionV3.BLOCK_INDEX_BY_DIM[POOLED]
        self.network = _with_weights("FID's Inception", lambda: package.InceptionV3([block]).eval())

    def embed(self, images):
        """Its features (N, 2048) of uint8 (N, H, W, 3) images, which it resizes to its 299 pixels."""
        import torch

        with torch.no_grad():
            (pooled,) = self.network(_tensor(images))
            return pooled.numpy().reshape(len(images), POOLED)


def _package(module):
    """The module; FacesrError if PyTorch would have to start after TensorFlow for it."""
    if find_spec(module.partition(".")[0]) and "tensorflow" in sys.modules and "torch" not in sys.modules:
        raise FacesrError(f"{module} runs on PyTorch, which cannot start after TensorFlow: make it, or import torch, first")
    return imported(module, EXTRA)


def _with_weights(name, load):
    try:
        return load()
    except Exception as error:  # both packages pass on the errors of urllib and of their hash checks
        reason = " ".join(str(error).split())
        raise FacesrError(
            f"the weights of {name} cannot be fetched ({reason}): try again with a connection, or --judge face_features"
        ) from error


def _tensor(images):
    """uint8 (N, H, W, 3) -> PyTorch float32 (N, 3, H, W) in [0, 1]."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float() / 255
