"""What an input of a call stands for: a picture, or those of a folder, a pattern or a list, here or in an object store."""

import os
from pathlib import Path

from keras_facesr.data.files import is_remote, is_there
from keras_facesr.data.images import SUFFIXES, find_images
from keras_facesr.errors import CallError, reason
from keras_facesr.importing import imported

WILDCARDS = frozenset("*?[")


def as_path(given):
    """The path of a file or folder of this machine or, written like "s3://bucket/faces", of an object store.

    Raises:
        ExportError: the extra ``ray`` is not installed, which brings stores.
        CallError: there are no stores of this kind, or their own package is not installed.
    """
    if "://" not in str(given):
        return Path(given)
    stores = imported("upath", "ray")
    try:
        path = stores.UPath(given)
        path.fs.protocol
    except (ImportError, ValueError) as error:
        raise CallError(f"{given}: {reason(error)}") from error
    return path


def pictures_of(given):
    """The pictures that an input stands for, each with the folders of its answers below that of all answers.

    The trees of a folder and of a pattern, below its last folder without a wildcard, are mirrored. A list is a text file of
    pictures' paths, one a line; these are mirrored as they are written, but for "..". Hidden files are left out if they are not
    in a list.

    Args:
        given: path, from ``as_path``.

    Returns:
        list of (picture, tuple of folders' names).

    Raises:
        CallError: a list is no text in UTF-8; "**" is a part of a name in a pattern.
    """
    if (root := searched(given)) is not None:
        if root != given:
            try:
                files = _shown(root.glob(str(given.relative_to(root))), root)
            except ValueError as error:  # of pathlib; from Python 3.13 on such a part is as "*"
                raise CallError(f"{given}: ** stands for whole folders: write it between slashes, as in **/*.png") from error
        else:
            files = _shown(given.rglob("*"), given) if is_remote(given) else find_images(given)
        return [(file, _folder(file, root)) for file in files]
    if given.suffix.lower() == ".txt" and is_there(given):
        with given.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            names = [name for line in lines if (name := line.rstrip("\r\n"))]
        if any("\0" in name for name in names):
            raise CallError(f"{given}: is a list in UTF-16, as some programs of Windows write it, or no text: save it as UTF-8")
        files = [as_path(name) for name in names]
        return [(file, _folder(file, file.anchor)) for file in files]
    return [(given, ())]


def searched(given):
    """The folder that is searched for an input's pictures: itself, or of a pattern the last without a wildcard; or None.

    A folder that is there by a name with brackets is none of a pattern's wildcards.
    """
    if given.is_dir():
        return given
    if WILDCARDS & {*str(given)} and not is_there(given):
        return next(parent for parent in given.parents if not WILDCARDS & {*str(parent)} or parent.is_dir())
    return None


def _shown(paths, root):
    """Those that are pictures by their suffixes and not hidden below ``root``, sorted."""
    shown = (path for path in paths if path.suffix.lower() in SUFFIXES)
    return sorted(path for path in shown if not any(part.startswith(".") for part in path.relative_to(root).parts))


def _folder(file, root):
    """The names of the folders from ``root`` to a file."""
    return tuple(part for part in file.relative_to(root).parts[:-1] if part != os.pardir)
