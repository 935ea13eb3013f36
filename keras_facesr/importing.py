"""Imports of what may be missing or broken, each with an error of one line."""

import hashlib
import os
import tempfile
from importlib import import_module, metadata
from pathlib import Path

from keras_facesr.errors import ExportError, FacesrError, reason


def imported(module, extra=None):
    """The module of a package that an extra of this one installs, or, without one, this package itself where there are wheels.

    Raises:
        ExportError: it is not installed, or it is and cannot be imported.
    """
    package = module.partition(".")[0]
    try:
        import_module(package)
        return import_module(module)
    except Exception as error:  # a broken installation can raise anything
        if isinstance(error, ModuleNotFoundError) and error.name == package:
            wanted = f"'keras_facesr[{extra}]'" if extra else package.replace("_", "-")
            raise ExportError(f"{package} is not installed: pip install {wanted}") from error
        raise ExportError(f"{package} is installed, but cannot be imported ({reason(error)})") from error


def located(package, file, sha256, extra):
    """Path of a file that an extra of this package installs, whose code is not needed: of known content, or an error.

    Args:
        package: the distribution that holds it, as pip names it.
        file: its path in the folder where packages are installed.
        sha256: of its content.
        extra: of this package.

    Raises:
        ExportError: it is not installed, or is another file.
    """
    mend = f"pip install 'keras_facesr[{extra}]'"
    try:
        path = Path(metadata.distribution(package).locate_file(file))
        content = path.read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        raise ExportError(f"{package} is not installed: {mend}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ExportError(f"{path}: not the file that is known here (its SHA-256 differs): {mend}")
    return path


def prepared_keras():
    """Import Keras as ``import_keras`` does, and set it as networks need it, whatever keras.json says: this process is ours."""
    config = import_keras().config
    config.set_image_data_format("channels_last")
    config.set_floatx("float32")


def import_keras():
    """Import Keras, and with it the backend that its settings name.

    Raises:
        FacesrError: the backend is not installed or unknown.
    """
    if os.path.expanduser("~") == "~":  # no home: TensorFlow would make a folder of that name where it stands
        os.environ.setdefault("KERAS_HOME", os.path.join(tempfile.gettempdir(), ".keras"))
    try:
        return import_module("keras")
    except (ImportError, ValueError) as error:
        backend = "its backend is what KERAS_BACKEND says, or else keras.json: set KERAS_BACKEND=tensorflow"
        raise FacesrError(f"Keras cannot start ({reason(error)}); {backend}") from error
