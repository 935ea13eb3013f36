"""Models as files for other runtimes: ``export`` writes one, and proves that it computes what its model does."""

from keras_facesr.exporting.write import export

__all__ = ["export"]
