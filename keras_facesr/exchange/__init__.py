"""Weights of the field's published networks: PyTorch's files read into Keras networks, and Keras networks written as such."""

from keras_facesr.exchange.folder import import_weights

__all__ = ["import_weights"]
