"""Files that are written whole or not at all, and a check, before hours of work, that a file can be written."""

import os
import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path

from keras_facesr.errors import CallError, reason


@contextmanager
def written_whole(path):
    """Yield a temporary path beside `path` to write to; it is renamed to `path` only if the block succeeds."""
    temporary = temporary_beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(path):
    """A new hidden path in the folder of `path`; its name is short, as `path` may have the longest name allowed."""
    return Path(path).with_name(f".{secrets.token_hex(6)}.tmp")


def is_there(path):
    """Whether something is at `path`. OSError if its name is too long, or if its folder may not be read."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_writable(path, room=2**16):
    """Check that a file of `room` bytes can be written at `path`, or in it if it is a folder; nothing is left behind.

    Folders need not be there yet. OSError if it cannot be written: the disk is full or read-only, the folder belongs to
    somebody else, or there is a file where a folder must be.
    """
    path = Path(path).absolute()
    folder = path if path.is_dir() else next(parent for parent in path.parents if os.path.lexists(parent))
    with tempfile.TemporaryFile(dir=folder) as trial:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(trial.fileno(), 0, room)
        else:
            trial.write(bytes(min(room, 2**16)))


def place_for(path, suffix):
    """Path of a file that is written after long work; its folder is made.

    Raises:
        CallError: its name does not end in `suffix`, or it cannot be written there.
    """
    path = Path(path)
    if not path.name.endswith(suffix):
        raise CallError(f"{path}: give a name that ends in {suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_writable(path)
    except OSError as error:
        raise CallError(f"{path}: cannot be written ({reason(error)}); choose another place") from error
    return path
