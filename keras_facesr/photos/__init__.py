"""Whole photographs: find the faces, enlarge each as its network has learnt them, paste them back.

``networks`` and ``detect`` find, ``align`` frames, ``choose`` says by which network, ``paste`` puts back, ``restore`` does it
all.
"""

from keras_facesr.photos.restore import FoundFace, Restored, restore_photo

__all__ = ["FoundFace", "Restored", "restore_photo"]
