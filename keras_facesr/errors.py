"""What a user can cause and mend: errors, and a warning; each says in one line what is wrong and what to do."""


class FacesrError(ValueError):
    """Base of all errors that keras_facesr raises on purpose; the command line prints them without a traceback."""


class CallError(FacesrError):
    """A call that cannot be carried out as written."""


class ImageError(FacesrError):
    """An image file that cannot be read, or an output that may not be written."""


class DatasetError(FacesrError):
    """A data set that is missing, incomplete or laid out otherwise than its reader expects."""


class PresetError(FacesrError):
    """An unknown preset, or weights that are missing or not those that were released."""


class TrainingError(FacesrError):
    """A run that cannot start as asked: unknown recipe, foreign run folder, nothing to resume."""


class TableError(FacesrError):
    """A table that cannot be made as asked: an unknown name, a network that is missing, a run with another budget."""


class TrainingFailed(FacesrError):
    """A run that ended early: a full disk, or a figure that is no number any more."""


class TrainingStopped(FacesrError):
    """A run that was asked to end has saved its state and can be resumed: no failure."""


class ExportError(FacesrError):
    """A model that cannot be written for another runtime as asked, or a runtime that is not there or has no file of it."""


class ExportFailed(FacesrError):
    """A file that was not written, as it does not compute what the model does."""


class SizeWarning(UserWarning):
    """A picture is not of the one size that a network has learnt from."""


def reason(error):
    """What an exception says, in one line: of the operating system's its bare words."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(said.split()) or type(error).__name__
