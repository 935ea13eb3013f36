"""Files that are written whole or not at all, and the question, before hours of work, whether one can be written."""

import os
import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path):
    """Yield a temporary path beside `path` to write to; it takes that place only if the block succeeds."""
    temporary = temporary_beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(path):
    """A new hidden path in the folder of `path`; its name is short, as that of `path` may be as long as names can be."""
    return Path(path).with_name(f".{secrets.token_hex(6)}.tmp")


def is_there(path):
    """Whether something is at `path`. OSError where nothing can ever be, as its name is too long, and where nobody may look."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_writable(path, room=2**16):
    """Try whether a file of `room` bytes can be written at `path`, or in the folder that it is; nothing is left behind.

    Folders need not be there yet. OSError where it cannot: a disk that is full or may only be read, somebody else's folder, a
    file where a folder must be.
    """
    path = Path(path).absolute()
    folder = path if path.is_dir() else next(parent for parent in path.parents if os.path.lexists(parent))
    with tempfile.TemporaryFile(dir=folder) as trial:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(trial.fileno(), 0, room)
        else:
            trial.write(bytes(min(room, 2**16)))
