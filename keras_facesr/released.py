"""The released files of presets: beside their configuration, among installed yardsticks, in the cache, or at an address."""

import hashlib
import os
import shutil
from dataclasses import dataclass

from keras_facesr import yardsticks
from keras_facesr.data.files import check_writable, written_whole
from keras_facesr.errors import FacesrError, PresetError, reason


@dataclass(frozen=True)
class ReleasedFile:
    """A released file, weights or an export: name, SHA-256 in hexadecimal, and address (None: it comes with the package)."""

    file: str
    sha256: str
    url: str | None


def path_of(preset, released):
    """Path of one of the preset's files, its SHA-256 verified; fetched into the cache if not at hand."""
    path = at_hand(preset, released.file)
    if path is None:
        if released.url is None:
            raise _missing(preset, released.file)
        return _fetch(preset, released, cache_folder(preset) / released.file)
    if sha256_of(path) != released.sha256:
        own = "facesr train ... --resume, or facesr import, writes it again"
        remedy = own if preset.is_ones_own else "put the original back"
        remedy = yardsticks.REMEDY if path.parent in yardsticks.folders(preset.name) else remedy
        raise PresetError(f"{path}: not what was released (its SHA-256 differs): {remedy}")
    return path


def check_at_hand(preset):
    """Raise PresetError, before the work, if the preset's weights are neither at hand nor to be fetched."""
    if preset.weights.url is None and at_hand(preset, preset.weights.file) is None:
        raise _missing(preset, preset.weights.file)


def at_hand(preset, file):
    """Path of a file of this name beside the preset's configuration, among the installed yardsticks, or in its cache folder.

    None if it is in none of them.
    """
    for folder in (preset.folder, *yardsticks.folders(preset.name)):
        if (folder / file).is_file():
            return folder / file
    try:
        kept = cache_folder(preset) / file
    except FacesrError:  # there is none
        return None
    return kept if os.path.isfile(kept) else None


def cache_folder(preset):
    """The folder for files of this preset that did not come with the package; one's own folder for a run or an import.

    Raises FacesrError if this user has no place for a cache.
    """
    if preset.is_ones_own:
        return preset.folder
    from keras_facesr.data.cache import cache_root  # imports NumPy, which a list of presets does not need

    return cache_root() / "weights" / preset.name


def sha256_of(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _missing(preset, file):
    """The error about a released file that is not there and has no address."""
    if preset.name in yardsticks.NAMES:
        return PresetError(f"{file} of {preset.name} comes with {yardsticks.DISTRIBUTION}: {yardsticks.REMEDY}")
    by_hand = f"put {file} by hand at {cache_folder(preset) / file}"
    return PresetError(f"{file} of {preset.name} did not come with it: reinstall, or {by_hand}")


def _fetch(preset, released, target):
    """Download to a temporary name beside ``target``, verify, rename."""
    by_hand = f"put {released.file} by hand at {target}"
    try:
        check_writable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PresetError(
            f"{target}: cannot be written ({reason(error)}); set KERAS_FACESR_CACHE to a folder with room, or {by_hand}"
        ) from error
    with written_whole(target) as partial:
        try:
            _download(released.url, partial)
        except OSError as error:
            raise PresetError(f"cannot fetch {released.url} ({error}): {by_hand}") from error
        if sha256_of(partial) != released.sha256:
            raise PresetError(f"{released.url}: its SHA-256 is not that of {preset.name}: {by_hand}")
    return target


def _download(url, path):
    """Download ``url`` to ``path``; in a terminal with a progress bar."""
    from urllib.request import urlopen

    from rich.console import Console
    from rich.progress import wrap_file

    console = Console(stderr=True)
    with urlopen(url, timeout=30) as response, path.open("wb") as file:
        size = int(response.headers["Content-Length"] or 0)
        bar = {"console": console, "disable": not console.is_terminal, "transient": True}
        with wrap_file(response, size, description=f"fetching {url}", **bar) as body:
            shutil.copyfileobj(body, file)
