"""What is made of images once and kept on disk: decoded squares of a set, and what networks make of all its images."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from keras_facesr.data.degrade import centre_square, resize
from keras_facesr.data.files import check_writable, written_whole
from keras_facesr.data.images import read_picture
from keras_facesr.data.pipeline import in_order
from keras_facesr.data.sets import ImageSet
from keras_facesr.errors import DatasetError, FacesrError, ImageError, check_whole_number, reason

FIRST = 4  # images of which a function's results tell whether it is the one that was called before
VERSION = 2  # raise it when the decoding of files to pixels changes
AHEAD = 64  # images that wait to be written, at most: a set may be larger than the memory


def cache_root():
    """Folder for files that can be made or fetched again: $KERAS_FACESR_CACHE, else ~/.cache/keras_facesr.

    Raises:
        FacesrError: the variable is not set and this user has no home folder, as in many containers.
    """
    try:
        return Path(os.environ.get("KERAS_FACESR_CACHE") or Path.home() / ".cache" / "keras_facesr")
    except RuntimeError as error:
        raise FacesrError("this user has no home folder: set KERAS_FACESR_CACHE to a folder to keep things in") from error


def decoded(image_set, size, cache_dir=None, progress=True):
    """Decode a set to squares of one size, or open what an earlier call decoded.

    Each image is cut to its centre square and resampled by Pillow's bicubic. The cache's name depends on the files (names,
    sizes, modification times), `size` and `VERSION`, so a changed set is decoded again.

    Args:
        image_set: `datasets.ImageSet`.
        size: side of the squares in pixels.
        cache_dir: folder for the cache; default `cache_root()`.
        progress: show a progress bar on stderr, in a terminal, while decoding.

    Returns:
        (images, skipped): a uint8 memory map (N, size, size, 3) in the order of `image_set.files`, without the files that
        could not be read; and the names of these files, relative to `image_set.root`.

    Raises:
        DatasetError: no file could be read, or the cache cannot be written.
        FacesrError: there is no place for a cache (`cache_root`).
        CallError: `size` is no whole number above 0.
    """
    if not isinstance(image_set, ImageSet):
        kind = type(image_set).__name__
        raise DatasetError(f"what is decoded is a set of image files, as data.datasets.open_faces opens it, not a {kind}")
    if not len(image_set):
        raise DatasetError(f"{image_set.root}: of its images none is left to decode")
    check_whole_number(size, "size")
    folder = Path(cache_dir) if cache_dir else cache_root()
    stem = f"{image_set.name[:40]}_{size}_{_fingerprint(image_set, size)}"  # a folder's name may be as long as names can be
    images_file, skipped_file = folder / f"{stem}.npy", folder / f"{stem}.skipped.json"
    if not os.path.exists(images_file):
        with _writing(folder):
            check_writable(images_file, room=len(image_set) * 3 * size**2)
            _decode(image_set, size, images_file, skipped_file, progress)
    return np.load(images_file, mmap_mode="r"), json.loads(skipped_file.read_text())


def made_once(make, images, cache_dir=None):
    """What a slow function makes of images: computed once, then opened.

    It is known by the images and by what the function makes of the first few alone, so that other weights or another seed
    make it anew.

    Args:
        make: function from images to an array with a row for each.
        images: uint8 (N, H, W, C).
        cache_dir: as of ``decoded``.

    Returns:
        a memory map.

    Raises:
        DatasetError, FacesrError: as ``decoded``, of the cache.
    """
    first = make(images[:FIRST])
    digest = hashlib.sha256(f"{images.shape}".encode())
    for row in (*first, *images):
        digest.update(np.ascontiguousarray(row))
    folder = Path(cache_dir) if cache_dir else cache_root()
    file = folder / f"made_{digest.hexdigest()[:24]}.npy"
    if not file.exists():
        with _writing(folder):
            check_writable(file, room=len(images) * first[0].nbytes)
        made = make(images)
        with _writing(folder), written_whole(file, suffix=".npy") as temporary:
            np.save(temporary, made)
    return np.load(file, mmap_mode="r")


@contextmanager
def _writing(folder):
    """Within the block, which writes into the folder, an OSError is a DatasetError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DatasetError(
            f"{folder}: cannot write the image cache ({reason(error)}); set KERAS_FACESR_CACHE to a folder with room"
        ) from error


def _decode(image_set, size, images_file, skipped_file, progress):
    from rich.console import Console
    from rich.progress import track

    def square(file):
        try:
            return resize(np.ascontiguousarray(centre_square(read_picture(file).rgb)), size, size)
        except ImageError:
            return None

    skipped, console = [], Console(stderr=True)
    with written_whole(images_file) as temporary, open(temporary, "wb+") as out, ThreadPoolExecutor() as pool:
        _write_header(out, len(image_set), size)
        squares = zip(image_set.files, in_order(pool, square, image_set.files, AHEAD))
        for file, pixels in track(
            squares,
            total=len(image_set),
            description=f"Decoding {image_set.name}",
            console=console,
            disable=not (progress and console.is_terminal),
        ):
            if pixels is None:
                skipped.append(str(file.relative_to(image_set.root)))
            else:
                out.write(pixels.data)
        if len(skipped) == len(image_set):
            raise DatasetError(f"{image_set.root}: none of its {len(image_set)} image files could be read")
        _write_header(out, len(image_set) - len(skipped), size)
        # The images are renamed last: if they are there, the list of skipped files is there too.
        with written_whole(skipped_file) as temporary_list:
            temporary_list.write_text(json.dumps(skipped))


def _write_header(out, count, size):
    """Write the .npy header at the start; NumPy pads it, so a smaller count does not change its length."""
    out.seek(0)
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)}
    np.lib.format.write_array_header_1_0(out, header)


def _fingerprint(image_set, size):
    digest = hashlib.sha256(f"{VERSION} {size}".encode())
    for file in image_set.files:
        state = file.stat() if file.exists() else None  # a dangling link is skipped like any broken file
        identity = (state.st_size, state.st_mtime_ns) if state else None
        digest.update(os.fsencode(f"\n{file.relative_to(image_set.root)} {identity}"))
    return digest.hexdigest()[:16]
