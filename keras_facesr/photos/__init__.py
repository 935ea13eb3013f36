"""Whole photographs: find the faces, enlarge each in the framing that its network was trained on, paste them back.

``networks`` and ``detect`` find faces, ``choose`` picks a network for each, ``align`` cuts it to the network's frame, ``paste``
puts it back, and ``restore`` does all of this.
"""

from keras_facesr.photos.restore import FoundFace, Restored, restore_photo

__all__ = ["FoundFace", "Restored", "restore_photo"]
