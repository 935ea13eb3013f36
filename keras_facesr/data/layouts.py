"""The layouts of sets on the disk: what a folder must hold, and the error that says so if it does not."""

import os
from pathlib import Path

from keras_facesr.data.images import find_images
from keras_facesr.errors import DatasetError

HELP = {
    "utkface": "UTKFace is at https://susanqq.github.io/UTKFace; expected: age_gender_race_time.jpg files in "
    "ROOT or in ROOT/train and ROOT/test",
    "celeba": "CelebA is at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html; expected: "
    "ROOT/img_align_celeba/*.jpg, ROOT/list_eval_partition.txt and, for labels, ROOT/list_attr_celeba.txt",
    "lfw": "LFW is at https://www.kaggle.com/datasets/jessicali9530/lfw-dataset; expected: ROOT/<person>/<person>_0001.jpg",
    "celebamask": "CelebAMask-HQ is at https://github.com/switchablenorms/CelebAMask-HQ; expected: "
    "images/*.jpg and masks/*.png of the same names in ROOT or in ROOT/train and ROOT/test",
    "folder": "give a folder with image files in it or below it, or in its train/ and test/ sub-folders",
    "mnist": "MNIST is at https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz; expected: "
    "ROOT/mnist.npz or the four ROOT/{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]",
    "digits": "expected: square images of digits, all of one size, in ROOT/train/<digit> and ROOT/test/<digit>, digit 0 to 9",
    "wider_face": "WIDER FACE is at http://shuoyang1213.me/WIDERFACE; expected: ROOT/WIDER_<split>/images "
    "and ROOT/wider_face_split/wider_face_<split>_bbx_gt.txt",
}

ARRANGED_OTHERWISE = {  # what a set has as its publishers arrange it, in another way than it is read here
    "CelebAMask-HQ-mask-anno": "celebamask",
    "Eval/list_eval_partition.txt": "celeba",
    "list_eval_partition.csv": "celeba",
}


def existing(root, kind):
    """The ``Path`` of a set's folder; DatasetError if it does not exist, or is a file."""
    if not isinstance(root, (str, os.PathLike)):
        raise DatasetError(f"{root!r} is not the path of a folder; {HELP.get(kind, HELP['folder'])}")
    root = Path(root)
    if not root.is_dir():
        wrong = "is a file, not a folder" if root.exists() else "no such folder"
        raise DatasetError(f"{root}: {wrong}; {HELP.get(kind, HELP['folder'])}")
    return root


def parts_of(root, split, kind):
    """The folders of a split: of ROOT/train and ROOT/test those that it includes; ROOT itself if neither exists."""
    if split not in (None, "train", "test"):
        raise DatasetError(f"{root}: no split {split!r}; choose train or test")
    if split == "train" and root.resolve().name == "test":
        raise DatasetError(f"{root}: is a test part, not to train on; give the folder above it")
    parts = [root / name for name in ("train", "test") if (root / name).is_dir()]
    wanted = [part for part in parts if split in (None, part.name)]
    if parts and not wanted:
        raise DatasetError(f"{root}: has {parts[0].name}/ but no {split}/; {HELP[kind]}")
    below = {part.parent for name in ("train", "test") for part in root.glob(f"*/{name}/")} if split and not parts else ()
    if below:  # several sets, or one further down: its test part must not be trained on
        one = root / kind if root / kind in below else min(below)
        raise DatasetError(f"{root}: holds folders with parts of their own; give the one of one set, such as {one}")
    return wanted or [root]


def images_in(root, kind):
    """Paths of the images in a folder and below it, sorted; DatasetError if there is none."""
    files = tuple(find_images(root)) if root.is_dir() else ()
    if not files:
        raise DatasetError(f"{root}: holds no image; {HELP[kind]}")
    return files


def lines_of(file, kind):
    """The lines of a text file, without the space around them."""
    try:
        return [line.strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read; {HELP[kind]}") from error


def all_there(files, root, kind):
    """DatasetError if a listed file is missing, or if no file is listed."""
    missing = [file for file in files if not file.exists()]
    if missing:
        count = f"{len(missing)} of {len(files)} files missing"
        raise DatasetError(f"{root}: {count}, such as {missing[0]}; {HELP[kind]}")
    if not files:
        raise DatasetError(f"{root}: lists no image of this split; {HELP[kind]}")
