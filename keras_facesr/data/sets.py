"""The classes of open data sets: image files with labels or masks, gray images in memory, photos with boxes."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from keras_facesr.data.degrade import resize


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Image files of one set, with their labels and masks.

    Attributes:
        name: the set's name, such as "celeba"; for a plain folder, the folder's name.
        root: the folder that holds all files.
        files: paths, sorted within each part.
        labels: name -> array (N, ...) aligned with `files`; empty if the set has none.
        masks: paths of the pixel labels aligned with `files`, or None.
        framing: the set in `framing.FRAMINGS` as whose pictures faces lie in these; None: not known, as of a plain folder.
    """

    name: str
    root: Path
    files: tuple[Path, ...]
    labels: dict[str, np.ndarray] = field(default_factory=dict)
    masks: tuple[Path, ...] | None = None
    framing: str | None = None

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
