"""Whether faces can be found here: the extra ``photos``."""

from keras_facesr.errors import ExportError
from keras_facesr.photos import networks


def installed():
    try:
        networks.started()
    except ExportError:
        return False
    return True
