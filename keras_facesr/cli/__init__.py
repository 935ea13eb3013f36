"""The ``facesr`` command: one file for each of its commands, which parses, calls and prints. No logic of its own."""

from keras_facesr.cli.main import main

__all__ = ["main"]
