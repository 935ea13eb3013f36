"""Readers of single digits: MNIST, and folders of digits cut from elsewhere."""

import gzip

import numpy as np
from PIL import Image

from keras_facesr.data.images import find_images, read_picture
from keras_facesr.data.layouts import HELP, existing
from keras_facesr.data.sets import ArraySet
from keras_facesr.errors import DatasetError


def mnist(root, split):
    """MNIST (LeCun et al., 1998) from its idx files, compressed or not, or from Keras' mnist.npz.

    Args:
        split: "train" (60,000) or "test" (10,000).

    Returns:
        ArraySet with uint8 images (N, 28, 28) and uint8 digits (N,).
    """
    root = existing(root, "mnist")
    if split not in ("train", "test"):
        raise DatasetError(f"MNIST has no split {split!r}: choose train or test")
    try:
        if (root / "mnist.npz").exists():
            with np.load(root / "mnist.npz") as arrays:  # allow_pickle is off
                images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
        else:
            part = {"train": "train", "test": "t10k"}[split]
            images = _idx(root, f"{part}-images-idx3-ubyte", dimensions=3)
            labels = _idx(root, f"{part}-labels-idx1-ubyte", dimensions=1)
    except DatasetError:
        raise
    except Exception as error:  # zip, gzip and NumPy each have errors of their own for a damaged file
        raise DatasetError(f"{root}: MNIST files damaged ({error}); {HELP['mnist']}") from error
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1]:
        shapes = f"images {images.shape} and labels {labels.shape}"
        raise DatasetError(f"{root}: {shapes} are not MNIST; {HELP['mnist']}")
    return ArraySet(images, labels)


def digits(root, split):
    """Images of single digits in folders named by the digit, such as the characters of licence plates.

    Args:
        split: "train" or "test".

    Returns:
        ArraySet with uint8 images (N, H, H), all of one size, and uint8 digits (N,).
    """
    root = existing(root, "digits")
    if split not in ("train", "test"):
        raise DatasetError(f"{root}: no split {split!r}; choose train or test")
    folders = {digit: root / split / str(digit) for digit in range(10)}
    files = [(file, digit) for digit, place in folders.items() if place.is_dir() for file in find_images(place)]
    if not files:
        raise DatasetError(f"{root / split}: no digit; {HELP['digits']}")
    images = [np.asarray(Image.fromarray(read_picture(file).rgb).convert("L")) for file, _ in files]
    height, width = images[0].shape
    if height != width:  # they would be learnt whole, and measured cut
        raise DatasetError(f"{files[0][0]}: {width}x{height} pixels are no square, which alone is measured; {HELP['digits']}")
    for (file, _), image in zip(files, images):
        if image.shape != images[0].shape:
            sizes = " and ".join("{1}x{0}".format(*shape) for shape in (images[0].shape, image.shape))
            raise DatasetError(f"{file}: images of {sizes} pixels in one set; {HELP['digits']}")
    return ArraySet(np.stack(images), np.array([digit for _, digit in files], np.uint8))


def _idx(root, name, dimensions):
    """The array in an idx file: 0, 0, 8 (= uint8), number of dimensions, each as big-endian int32, data."""
    for file, opener in ((root / name, open), (root / f"{name}.gz", gzip.open)):
        if file.exists():
            with opener(file, "rb") as stream:
                content = stream.read()
            break
    else:
        raise DatasetError(f"{root / name}[.gz]: missing; {HELP['mnist']}")
    if content[:4] != bytes((0, 0, 8, dimensions)):
        raise DatasetError(f"{file}: not an idx file of {dimensions} dimensions; {HELP['mnist']}")
    shape = np.frombuffer(content, ">i4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
