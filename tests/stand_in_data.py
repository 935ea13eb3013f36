"""The data sets that recipes and cards name, in their published layouts, of pieces of one portrait and of drawn digits."""

import numpy as np
from PIL import Image

from keras_facesr.inference import demo_faces
from keras_facesr.models.face_features import ATTRIBUTES

TRAIN, TEST = 24, 2  # images of each part; no batch of a recipe has more than 16


def lay_out(root):
    """All of them below ``root``, in folders of the names that recipes know; returns ``root``."""
    faces = list(demo_faces(TRAIN + TEST, 96))
    parts = {"train": faces[:TRAIN], "test": faces[TRAIN:]}
    for part, images in parts.items():
        for k, face in enumerate(images):
            write(root / "utkface" / part / f"{20 + 10 * k}_{k % 2}_0_2017010900000000{k}.jpg", face)
            write(root / "wider_lq" / part / f"{k}.png", face, side=16)
            write(root / "faces_512" / part / f"{k}.png", face, side=512)
            write(root / "celebamask" / part / "images" / f"{k}.jpg", face, side=256)
            write(root / "celebamask" / part / "masks" / f"{k}.png", np.arange(256, dtype=np.uint8).repeat(256) // 14)
    for k, face in enumerate(faces):
        write(root / "lfw" / f"Person_{k}" / f"Person_{k}_0001.jpg", face)
    celeba(root / "celeba", faces)
    digits(root)
    return root


def write(path, pixels, side=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels.reshape(256, 256) if pixels.ndim == 1 else pixels)
    (image.resize((side, side)) if side else image).save(path)


def celeba(root, faces):
    names = [f"{k:06}.jpg" for k in range(1, len(faces) + 1)]
    for name, face in zip(names, faces):
        write(root / "img_align_celeba" / name, face)
    parts = [0] * TRAIN + [2] * TEST
    (root / "list_eval_partition.txt").write_text("".join(f"{name} {part}\n" for name, part in zip(names, parts)))
    bits = [[k >> a % 5 & 1 for a in range(len(ATTRIBUTES))] for k in range(len(names))]  # no two faces have the same
    rows = [f"{name} " + " ".join("1" if bit else "-1" for bit in own) for name, own in zip(names, bits)]
    (root / "list_attr_celeba.txt").write_text("\n".join([str(len(names)), " ".join(ATTRIBUTES), *rows]) + "\n")


def digits(root):
    """Bars of so many strokes as the digit says, in MNIST's archive and in the folders of licence plates' digits."""
    images, labels = np.zeros((10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8)
    for digit in range(10):
        images[digit, 4:24, 4 : 5 + 2 * digit : 2] = 255
        for part in ("train", "test"):
            write(root / "plates" / part / str(digit) / "0.png", images[digit, 4:24, 4:24])
    (root / "mnist").mkdir()
    np.savez(root / "mnist" / "mnist.npz", x_train=images, y_train=labels, x_test=images[:3], y_test=labels[:3])
