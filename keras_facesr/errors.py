"""Errors, and one warning, that a user can cause and mend. Each message says in one line what is wrong and what to do."""

import sys
from numbers import Integral


class FacesrError(ValueError):
    """Base of all errors that keras_facesr raises on purpose; the command line prints them without a traceback."""


class CallError(FacesrError):
    """A call that cannot be carried out as written."""


class ImageError(FacesrError):
    """An image file that cannot be read, or an output that may not be written."""


class FilmError(FacesrError):
    """A film that cannot be read, or not from some frame on.

    Attributes:
        restored: the ``RestoredVideo`` of the frames before that; None if nothing was done.
    """

    restored = None


class DatasetError(FacesrError):
    """A data set that is missing, incomplete or in another layout than its reader expects."""


class PresetError(FacesrError):
    """An unknown preset, or weights that are missing or differ from the released ones."""


class WeightsError(FacesrError):
    """A file of another framework's weights that is damaged, holds more than tensors, or is of no network known here."""


class TrainingError(FacesrError):
    """A run that cannot start as asked: an unknown recipe, a folder of another run, nothing to resume."""


class TableError(FacesrError):
    """A table that cannot be made as asked: an unknown name, a network that is missing, a run with another budget."""


class TrainingFailed(FacesrError):
    """A run that ended early: a full disk, a loss that is not a number, another machine that cannot be reached."""


class TrainingStopped(FacesrError):
    """A run that was asked to end: it has saved its state and can be resumed, so this is not a failure."""


class ExportError(FacesrError):
    """A model that cannot be exported as asked, or a runtime that is not installed or has no file of the model."""


class ExportFailed(FacesrError):
    """An exported file that was not written: there was no place for it, or it does not compute what the model does."""


class SizeWarning(UserWarning):
    """A picture has another size than the only one that the network was trained on."""


def reason(error):
    """An exception's message in one line; of the operating system's and FFmpeg's the words alone, without number and path."""
    said = getattr(error, "strerror", None) or str(error)
    return " ".join(said.split()) or type(error).__name__


def check_whole_number(value, name, least=1):
    """Raise ``CallError`` unless the argument of that name is a whole number, Python's or NumPy's, from ``least`` on."""
    if not isinstance(value, Integral) or value < least:
        raise CallError(f"{name} must be a whole number from {least} on, not {value!r}")


def check_above_zero(value, name):
    """Raise ``CallError`` unless the argument of that name is a number above 0."""
    if not value > 0:
        raise CallError(f"{name} must be a number above 0, not {value!r}")


def check_choice(value, name, choices):
    """Raise ``CallError`` unless the argument of that name is one of the choices."""
    if value not in tuple(choices):
        raise CallError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")


def end_in_a_line():
    """For scripts: an error that the user can mend, or one of the operating system, ends them with one line and exit code 2."""
    former = sys.excepthook

    def end(kind, error, trace):
        if not issubclass(kind, (FacesrError, OSError)):
            return former(kind, error, trace)
        print(f"{error.filename}: {reason(error)}" if getattr(error, "filename", None) else reason(error), file=sys.stderr)
        sys.exit(2)

    sys.excepthook = end
