"""Readers of the face sets of the literature, in the layouts in which they are published.

None of them downloads anything. If something is missing, the error says where to get the set and which layout is expected.
`split=None` means all parts of a set of faces; of digits one part is asked for.
"""

import re

import numpy as np

from keras_facesr.data.digits import digits, mnist
from keras_facesr.data.images import find_images
from keras_facesr.data.layouts import ARRANGED_OTHERWISE, HELP, all_there, existing, images_in, lines_of, parts_of
from keras_facesr.data.sets import BoxSet, ImageSet
from keras_facesr.errors import CallError, DatasetError

# The pixel values of a CelebAMask mask, 0 to 18; left and right as seen in the picture.
MASK_CLASSES = (
    "background skin nose glasses l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat earring necklace neck cloth"
).split()

# For each class, the class of its mirror image: left eyes, brows and ears become right ones (l_lip is the lower lip).
_SIDES = {f"{side}_{part}": f"{other}_{part}" for side, other in ("lr", "rl") for part in ("eye", "brow", "ear")}
MIRRORED_MASK_CLASSES = tuple(MASK_CLASSES.index(_SIDES.get(name, name)) for name in MASK_CLASSES)

# UTKFace: age_gender_race_time; in a few names the race, or the digit of the gender, is missing.
_UTKFACE_NAME = re.compile(r"(\d{1,3})_(\d*)_(?:(\d*)_)?\d{14,}")


def open_dataset(root, split=None, kind="auto"):
    """Open a set of face images, recognised by its layout.

    Without `kind`, CelebA is recognised by its `list_eval_partition.txt`, CelebAMask by its `images` and `masks`, UTKFace
    and LFW by their file names, MNIST by its archives, digits by their folders. Anything else is a plain folder; if it has
    parts, the sub-folder named `split` is taken. A set without parts is used whole, whatever `split` says; but LFW and a
    folder named "test" are not opened for training.

    Args:
        root: folder of the set.
        split: "train", "test" or, but for digits, None for all.
        kind: "auto", "celeba", "celebamask", "utkface", "lfw" or "folder"; "mnist" or "digits".

    Returns:
        ImageSet; ArraySet for "mnist" and "digits".

    Raises:
        DatasetError: there is no such folder, it has not the layout of `kind`, or there is no such split.
    """
    root = existing(root, "folder" if kind == "auto" else kind)
    kind = _recognise(root) if kind == "auto" else kind
    if kind == "lfw":
        if split == "train":
            raise DatasetError(f"{root}: LFW is a benchmark, to test on; train on another set")
        return lfw(root)
    if kind == "folder":
        parts = parts_of(root, split, "folder")
        return ImageSet(_name(root), root, tuple(file for part in parts for file in folder(part).files))
    readers = {"celeba": celeba, "celebamask": celebamask, "utkface": utkface, "mnist": mnist, "digits": digits}
    if kind not in readers:
        kinds = ", ".join(readers)
        raise DatasetError(f"unknown kind of data set {kind!r}: choose auto, {kinds}, lfw or folder")
    return readers[kind](root, split)


def open_faces(root, split=None):
    """A set of faces, recognised by its layout: an ``ImageSet``.

    Raises:
        CallError: it holds digits.
        DatasetError: as of ``open_dataset``.
    """
    kind = _recognise(existing(root, "folder"))
    if kind in ("mnist", "digits"):
        raise CallError(f"{root}: holds digits; give a folder with pictures of faces")
    return open_dataset(root, split, kind)


def spread(images, limit):
    """At most ``limit`` images of an ``ImageSet`` or ``ArraySet``, evenly spread, since sets are often sorted; None: all."""
    count = min(limit or len(images), len(images))
    return images.subset([k * len(images) // count for k in range(count)])


def folder(root):
    """All images in a folder and below it, such as FFHQ's 00000/00012.png; no labels."""
    root = existing(root, "folder")
    return ImageSet(_name(root), root, images_in(root, "folder"))


def utkface(root, split=None):
    """UTKFace (Zhang et al., 2017): aligned 200x200 faces.

    Labels, int16 (N,), -1 if missing in the file name or out of range: `age` in years, `gender`
    (0 male, 1 female), `race` (0 White, 1 Black, 2 Asian, 3 Indian, 4 other).
    """
    root = existing(root, "utkface")
    parts = parts_of(root, split, "utkface")
    files = tuple(file for part in parts for file in images_in(part, "utkface"))
    if not any(_UTKFACE_NAME.match(file.name) and file.parent in parts for file in files):
        raise DatasetError(f"{root}: no UTKFace images, none there has such a name; {HELP['utkface']}")
    known = np.array([_utkface_labels(file.name) for file in files], np.int16)
    return ImageSet("utkface", root, files, dict(zip(("age", "gender", "race"), known.T)), framing="utkface")


def celeba(root, split=None):
    """CelebA (Liu et al., 2015), aligned and cropped to 178x218.

    Args:
        split: "train", "val", "test" (0, 1, 2 in `list_eval_partition.txt`) or None.

    Labels: the 40 attributes by name, bool (N,), if `list_attr_celeba.txt` is there.
    """
    root = existing(root, "celeba")
    if split not in (None, "train", "val", "test"):
        raise DatasetError(f"CelebA has no split {split!r}: choose train, val or test")
    partition = root / "list_eval_partition.txt"
    rows = [line.split() for line in lines_of(partition, "celeba") if line]
    if not all(len(row) == 2 and row[1] in ("0", "1", "2") for row in rows):
        raise DatasetError(f"{partition}: every line must be a file name and 0, 1 or 2")
    wanted = {"train": "0", "val": "1", "test": "2"}.get(split)
    names = sorted(name for name, part in rows if wanted in (None, part))
    files = tuple(root / "img_align_celeba" / name for name in names)
    all_there(files, root, "celeba")
    return ImageSet("celeba", root, files, _celeba_attributes(root / "list_attr_celeba.txt", names), framing="celeba")


def lfw(root):
    """Labeled Faces in the Wild (Huang et al., 2007), any alignment; label `identity`, str (N,)."""
    root = existing(root, "lfw")
    files = tuple(file for file in images_in(root, "lfw") if _is_lfw(file))
    if not files:
        raise DatasetError(f"{root}: no LFW images; {HELP['lfw']}")
    return ImageSet("lfw", root, files, {"identity": np.array([file.parent.name for file in files])}, framing="lfw")


def celebamask(root, split=None):
    """CelebAMask-HQ (Lee et al., 2020) with one mask for each face, whose pixel values index `MASK_CLASSES`."""
    root = existing(root, "celebamask")
    parts = parts_of(root, split, "celebamask")
    files = tuple(file for part in parts for file in images_in(part / "images", "celebamask"))
    masks = tuple(file.parents[1] / "masks" / f"{file.stem}.png" for file in files)
    all_there(masks, root, "celebamask")
    return ImageSet("celebamask", root, files, masks=masks, framing="celebamask")


def wider_face(root, split):
    """WIDER FACE (Yang et al., 2016) from its official annotation file.

    Faces marked invalid and boxes without area are left out, so a photo may have no box.

    Args:
        split: "train" or "val"; the boxes of the test part are not published.

    Returns:
        BoxSet, in the order of the annotation file.
    """
    root = existing(root, "wider_face")
    if split not in ("train", "val"):
        raise DatasetError(f"WIDER FACE has no boxes for split {split!r}: choose train or val")
    annotation = root / "wider_face_split" / f"wider_face_{split}_bbx_gt.txt"
    lines = iter([line for line in lines_of(annotation, "wider_face") if line])
    files, boxes = [], []
    try:
        for name in lines:
            files.append(root / f"WIDER_{split}" / "images" / name)
            count = int(next(lines))
            # x y w h blur expression illumination invalid occlusion pose; no face: one row of zeros
            rows = [[int(value) for value in next(lines).split()] for _ in range(max(count, 1))]
            valid = [row[:4] for row in rows if row[2] > 0 and row[3] > 0 and not row[7]]
            boxes.append(np.array(valid, int).reshape(-1, 4))
    except (StopIteration, ValueError, IndexError) as error:
        raise DatasetError(f"{annotation}: damaged at {files[-1].name}; {HELP['wider_face']}") from error
    all_there(files, root, "wider_face")
    return BoxSet(tuple(files), tuple(boxes))


def _recognise(root):
    if (root / "list_eval_partition.txt").exists():
        return "celeba"
    for part in (root, root / "train", root / "test"):
        if (part / "images").is_dir() and (part / "masks").is_dir():
            return "celebamask"
    if any((root / name).exists() for name in ("mnist.npz", "t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz")):
        return "mnist"
    if any((root / "test" / str(digit)).is_dir() for digit in range(10)):
        return "digits"
    for mark, kind in ARRANGED_OTHERWISE.items():  # taken for a plain folder, it would give masks or training faces to test on
        if (root / mark).exists():
            raise DatasetError(f"{root}: is arranged in another way, it has {mark}; {HELP[kind]}")
    files = find_images(root)
    if not files:
        raise DatasetError(f"{root}: holds no image; {HELP['folder']}")
    first = files[0]
    if _UTKFACE_NAME.match(first.name) and first.parent in (root, root / "train", root / "test"):
        return "utkface"
    return "lfw" if all(file.parent != root and _is_lfw(file) for file in files) else "folder"


def _is_lfw(file):
    return re.fullmatch(re.escape(file.parent.name) + r"_\d{4}", file.stem) is not None


def _utkface_labels(name):
    match = _UTKFACE_NAME.match(name)
    numbers = [int(text) if text else -1 for text in match.groups()] if match else [-1, -1, -1]
    return [number if number <= most else -1 for number, most in zip(numbers, (116, 1, 4))]


def _celeba_attributes(file, names):
    if not file.exists():
        return {}
    _, attributes, *rows = [*(line.split() for line in lines_of(file, "celeba") if line), [], []]
    values = {row[0]: row[1:] for row in rows if row}
    wrong = [name for name in names if name not in values or len(values[name]) != len(attributes)]
    try:
        if wrong:
            raise ValueError(f"not {wrong[0]}")
        signs = np.array([values[name] for name in names], np.int8)
    except ValueError as error:
        raise DatasetError(f"{file}: every image needs one line of {len(attributes)} values ({error})") from error
    return dict(zip(attributes, (signs > 0).T))


def _name(root):
    return root.resolve().name or "images"
