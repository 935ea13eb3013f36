"""Readers of the face sets of the literature, in the layouts in which they are published.

None of them downloads anything; where something is missing, the error says where the set is to be had and how
it is to lie on the disk. `split=None` means all parts of a set.
"""

import gzip
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from keras_facesr.data.degrade import resize
from keras_facesr.data.images import find_images, read_picture
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
    "digits": "expected: images of single digits, all of one size, in ROOT/train/<digit> and ROOT/test/<digit>, digit 0 to 9",
    "wider_face": "WIDER FACE is at http://shuoyang1213.me/WIDERFACE; expected: ROOT/WIDER_<split>/images "
    "and ROOT/wider_face_split/wider_face_<split>_bbx_gt.txt",
}

# The pixel values of a CelebAMask mask, 0 to 18; left and right as seen in the picture.
MASK_CLASSES = (
    "background skin nose glasses l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat earring necklace neck cloth"
).split()

# The class of each class's mirror image: left eyes, brows and ears become right ones (l_lip is the lower lip).
_SIDES = {f"{side}_{part}": f"{other}_{part}" for side, other in ("lr", "rl") for part in ("eye", "brow", "ear")}
MIRRORED_MASK_CLASSES = tuple(MASK_CLASSES.index(_SIDES.get(name, name)) for name in MASK_CLASSES)

# UTKFace: age_gender_race_time; a few names lack the race, or the digit of the gender.
_UTKFACE_NAME = re.compile(r"(\d{1,3})_(\d*)_(?:(\d*)_)?\d{14,}")


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Image files of one set, with what is known of them.

    Attributes:
        name: of the set, such as "celeba"; a plain folder's own name otherwise.
        root: folder that all files are below.
        files: paths, sorted within each part.
        labels: name -> array (N, ...) aligned with `files`; empty where the set has none.
        masks: paths of the pixel labels aligned with `files`, or None.
    """

    name: str
    root: Path
    files: tuple[Path, ...]
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    masks: tuple[Path, ...] | None = None

    def __len__(self):
        return len(self.files)

    def subset(self, indices):
        """The same set with only the images at `indices` (integers, or a slice), in that order."""
        indices = np.arange(len(self))[indices]
        return replace(
            self,
            files=tuple(self.files[i] for i in indices),
            labels={name: values[indices] for name, values in self.labels.items()},
            masks=None if self.masks is None else tuple(self.masks[i] for i in indices),
        )


@dataclass(frozen=True, eq=False)
class ArraySet:
    """Gray images in memory: `images` uint8 (N, H, W), `labels` uint8 (N,)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self):
        return len(self.images)

    def subset(self, indices):
        """The same set with only the images at `indices` (integers, or a slice), in that order."""
        return ArraySet(self.images[indices], self.labels[indices])

    def rgb(self):
        """All images as RGB, uint8 (N, H, W, 3)."""
        return np.repeat(self.images[..., None], 3, axis=-1)

    def resized(self, height, width):
        """All images as RGB of one size, uint8 (N, height, width, 3), by Pillow's antialiased bicubic."""
        images = np.stack([resize(image, height, width) for image in self.images])
        return ArraySet(images, self.labels).rgb()


@dataclass(frozen=True, eq=False)
class BoxSet:
    """Photos with boxes: `boxes[i]`, int (k, 4): x, y, width, height in pixels of each face of `files[i]`."""

    files: tuple[Path, ...]
    boxes: tuple[np.ndarray, ...]

    def __len__(self):
        return len(self.files)


def open_dataset(root, split=None, kind="auto"):
    """Open a set of face images, recognised by its layout.

    Without `kind`, CelebA is known by its `list_eval_partition.txt`, CelebAMask by its `images` and `masks`,
    UTKFace and LFW by their file names, MNIST by its archives, digits by their folders; all else is a plain
    folder, of which the sub-folder named `split` is taken if there are parts. A set without parts is used whole,
    whatever `split` says; but LFW and a folder named "test" are not opened for training.

    Args:
        root: folder of the set.
        split: "train", "test" or None for all.
        kind: "auto", "celeba", "celebamask", "utkface", "lfw" or "folder"; "mnist" or "digits".

    Returns:
        ImageSet; ArraySet for the last two.

    Raises:
        DatasetError: nothing there, not the layout of `kind`, or no such split.
    """
    root = _existing(root, "folder" if kind == "auto" else kind)
    kind = _recognise(root) if kind == "auto" else kind
    if kind == "lfw":
        if split == "train":
            raise DatasetError(f"{root}: LFW is a benchmark, to test on; train on another set")
        return lfw(root)
    if kind == "folder":
        parts = _parts(root, split, "folder")
        return ImageSet(_name(root), root, tuple(file for part in parts for file in folder(part).files))
    readers = {"celeba": celeba, "celebamask": celebamask, "utkface": utkface, "mnist": mnist, "digits": digits}
    if kind not in readers:
        kinds = ", ".join(readers)
        raise DatasetError(f"unknown kind of data set {kind!r}: choose auto, {kinds}, lfw or folder")
    return readers[kind](root, split)


def spread(images, limit):
    """At most ``limit`` of an ``ImageSet`` or ``ArraySet``, evenly spread (sorted names are often sorted faces); None: all."""
    count = min(limit or len(images), len(images))
    return images.subset([k * len(images) // count for k in range(count)])


def folder(root):
    """All images in a folder and below it, such as FFHQ's 00000/00012.png; no labels."""
    root = _existing(root, "folder")
    return ImageSet(_name(root), root, _images(root, "folder"))


def utkface(root, split=None):
    """UTKFace (Zhang et al., 2017): aligned 200x200 faces.

    Labels, int16 (N,), -1 where the file name lacks them or is out of range: `age` in years, `gender`
    (0 male, 1 female), `race` (0 White, 1 Black, 2 Asian, 3 Indian, 4 other).
    """
    root = _existing(root, "utkface")
    files = tuple(file for part in _parts(root, split, "utkface") for file in _images(part, "utkface"))
    known = np.array([_utkface_labels(file.name) for file in files], np.int16)
    return ImageSet("utkface", root, files, dict(zip(("age", "gender", "race"), known.T)))


def celeba(root, split=None):
    """CelebA (Liu et al., 2015), aligned and cropped to 178x218.

    Args:
        split: "train", "val", "test" (0, 1, 2 in `list_eval_partition.txt`) or None.

    Labels: the 40 attributes by name, bool (N,), where `list_attr_celeba.txt` is there.
    """
    root = _existing(root, "celeba")
    if split not in (None, "train", "val", "test"):
        raise DatasetError(f"CelebA has no split {split!r}: choose train, val or test")
    partition = root / "list_eval_partition.txt"
    rows = [line.split() for line in _lines(partition, "celeba") if line]
    if not all(len(row) == 2 and row[1] in ("0", "1", "2") for row in rows):
        raise DatasetError(f"{partition}: every line must be a file name and 0, 1 or 2")
    wanted = {"train": "0", "val": "1", "test": "2"}.get(split)
    names = sorted(name for name, part in rows if wanted in (None, part))
    files = tuple(root / "img_align_celeba" / name for name in names)
    _all_there(files, root, "celeba")
    return ImageSet("celeba", root, files, _celeba_attributes(root / "list_attr_celeba.txt", names))


def lfw(root):
    """Labeled Faces in the Wild (Huang et al., 2007), any alignment; label `identity`, str (N,)."""
    root = _existing(root, "lfw")
    files = tuple(file for file in _images(root, "lfw") if _is_lfw(file))
    if not files:
        raise DatasetError(f"{root}: no LFW images; {HELP['lfw']}")
    return ImageSet("lfw", root, files, {"identity": np.array([file.parent.name for file in files])})


def celebamask(root, split=None):
    """CelebAMask-HQ (Lee et al., 2020) with one mask a face; its pixel values index `MASK_CLASSES`."""
    root = _existing(root, "celebamask")
    parts = _parts(root, split, "celebamask")
    files = tuple(file for part in parts for file in _images(part / "images", "celebamask"))
    masks = tuple(file.parents[1] / "masks" / f"{file.stem}.png" for file in files)
    _all_there(masks, root, "celebamask")
    return ImageSet("celebamask", root, files, masks=masks)


def mnist(root, split):
    """MNIST (LeCun et al., 1998) from its idx files, packed or not, or from Keras' mnist.npz.

    Args:
        split: "train" (60,000) or "test" (10,000).

    Returns:
        ArraySet with uint8 images (N, 28, 28) and uint8 digits (N,).
    """
    root = _existing(root, "mnist")
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
        ArraySet with uint8 images (N, H, W), all of one size, and uint8 digits (N,).
    """
    root = _existing(root, "digits")
    if split not in ("train", "test"):
        raise DatasetError(f"{root}: no split {split!r}; choose train or test")
    folders = {digit: root / split / str(digit) for digit in range(10)}
    files = [(file, digit) for digit, place in folders.items() if place.is_dir() for file in find_images(place)]
    if not files:
        raise DatasetError(f"{root / split}: no digit; {HELP['digits']}")
    images = [np.asarray(Image.fromarray(read_picture(file).rgb).convert("L")) for file, _ in files]
    for (file, _), image in zip(files, images):
        if image.shape != images[0].shape:
            sizes = " and ".join("{1}x{0}".format(*shape) for shape in (images[0].shape, image.shape))
            raise DatasetError(f"{file}: images of {sizes} pixels in one set; {HELP['digits']}")
    return ArraySet(np.stack(images), np.array([digit for _, digit in files], np.uint8))


def wider_face(root, split):
    """WIDER FACE (Yang et al., 2016) from its official annotation file.

    Faces marked invalid and boxes without area are left out; a photo may be left without a box.

    Args:
        split: "train" or "val"; the boxes of the test part are not published.

    Returns:
        BoxSet, in the order of the annotation file.
    """
    root = _existing(root, "wider_face")
    if split not in ("train", "val"):
        raise DatasetError(f"WIDER FACE has no boxes for split {split!r}: choose train or val")
    annotation = root / "wider_face_split" / f"wider_face_{split}_bbx_gt.txt"
    lines = iter([line for line in _lines(annotation, "wider_face") if line])
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
    _all_there(files, root, "wider_face")
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
    _, header, *rows = [line for line in _lines(file, "celeba") if line] or [None, ""]
    attributes = header.split()
    values = dict(row.split(maxsplit=1) for row in rows)
    try:
        signs = np.array([values[name].split() for name in names], np.int8)
        signs = signs.reshape(len(names), len(attributes))
    except (KeyError, ValueError) as error:
        wanted = f"every image needs one line of {len(attributes)} values"
        raise DatasetError(f"{file}: {wanted} ({error})") from error
    return dict(zip(attributes, (signs > 0).T))


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


def _existing(root, kind):
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder; {HELP.get(kind, HELP['folder'])}")
    return root


def _name(root):
    return root.resolve().name or "images"


def _parts(root, split, kind):
    """The folders that make up a split: ROOT/train and ROOT/test where there are such, else ROOT itself."""
    if split not in (None, "train", "test"):
        raise DatasetError(f"{root}: no split {split!r}; choose train or test")
    if split == "train" and root.resolve().name == "test":
        raise DatasetError(f"{root}: is a test part, not to train on; give the folder above it")
    parts = [root / name for name in ("train", "test") if (root / name).is_dir()]
    wanted = [part for part in parts if split in (None, part.name)]
    if parts and not wanted:
        raise DatasetError(f"{root}: has {parts[0].name}/ but no {split}/; {HELP[kind]}")
    return wanted or [root]


def _images(root, kind):
    files = tuple(find_images(root)) if root.is_dir() else ()
    if not files:
        raise DatasetError(f"{root}: holds no image; {HELP[kind]}")
    return files


def _lines(file, kind):
    try:
        return [line.strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read; {HELP[kind]}") from error


def _all_there(files, root, kind):
    missing = [file for file in files if not file.exists()]
    if missing:
        count = f"{len(missing)} of {len(files)} files missing"
        raise DatasetError(f"{root}: {count}, such as {missing[0]}; {HELP[kind]}")
    if not files:
        raise DatasetError(f"{root}: lists no image of this split; {HELP[kind]}")
