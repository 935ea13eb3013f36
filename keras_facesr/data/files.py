"""Files that are written whole or not at all, and a check, before hours of work, that a file can be written.

Paths are of this machine or, as `universal_pathlib` has them, of an object store.
"""

import os
import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path

from keras_facesr.errors import CallError, FacesrError, reason

MARK = ""  # begins the names of this process's temporary files; see `clear_away`


@contextmanager
def written_whole(path, suffix=".tmp"):
    """Yield a temporary path beside `path` to write to; it is renamed to `path` only if the block succeeds.

    `suffix` is the temporary name's, where what writes goes by it. A store shows no object before it is whole, so what is for a
    store is written here, and then sent.
    """
    if is_remote(path):
        with tempfile.TemporaryDirectory() as folder:
            yield (temporary := Path(folder, path.name))
            path.write_bytes(temporary.read_bytes())
        return
    temporary = temporary_beside(path).with_suffix(suffix)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(path):
    """A new hidden path in the folder of `path`; its name is short, as `path` may have the longest name allowed."""
    return Path(path).with_name(f".{MARK}{secrets.token_hex(6)}.tmp")


def clear_away(mark, folders):
    """Remove the temporary files that processes of this `MARK`, if they were killed, have left in the folders."""
    for folder in folders:
        for left in () if is_remote(folder) else folder.glob(f".{mark}*.tmp"):
            left.unlink(missing_ok=True)


@contextmanager
def fetched(path):
    """Yield the path of a temporary copy, of the same name, of a file in a store."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_bytes(path.read_bytes())
        yield copy


def is_remote(path):
    """Whether a path is of a store, which the operating system does not know."""
    return not isinstance(path, (str, os.PathLike))


def make_folder_of(path):
    """Make the folder that a file is to lie in; stores need none."""
    if not is_remote(path):
        path.parent.mkdir(parents=True, exist_ok=True)


def is_there(path):
    """Whether something is at `path`. OSError if its name is too long, or if its folder may not be read."""
    if is_remote(path):
        return path.exists()
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_new(path, overwrite):
    """Raise FacesrError if the file exists and may not be replaced."""
    if is_there(path) and not overwrite:
        raise FacesrError(f"{path}: exists already; --overwrite replaces it")


def check_writable(path, room=2**16):
    """Check that a file of `room` bytes can be written at `path`, or in it if it is a folder; nothing is left behind.

    Folders need not be there yet. OSError if it cannot be written: the disk is full or read-only, the folder belongs to
    somebody else, or there is a file where a folder must be. Room in a store is not looked for.
    """
    if is_remote(path):
        try:
            (trial := path / f".{secrets.token_hex(6)}.tmp").write_bytes(b"")
            return trial.unlink()
        except Exception as error:  # of the store's own package
            raise OSError(reason(error)) from error
    path = Path(path).absolute()
    folder = path if path.is_dir() else next(parent for parent in path.parents if os.path.lexists(parent))
    with tempfile.TemporaryFile(dir=folder) as trial:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(trial.fileno(), 0, max(room, 1))  # it takes no 0
        else:
            trial.write(bytes(min(room, 2**16)))


def place_for(path, suffix):
    """Path of a file that is written after long work; its folder is made.

    Raises:
        CallError: its name does not end in `suffix`, a folder has that name, or it cannot be written there.
    """
    path = Path(path)
    if not path.name.endswith(suffix):
        raise CallError(f"{path}: give a name that ends in {suffix}")
    if path.is_dir():
        raise CallError(f"{path}: is a folder; give the name of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_writable(path)
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({reason(error)}); choose another place") from error
    return path
