"""Films: the faces of each frame enlarged as in a photograph, but tracked, held still and joined to a film again.

``read`` decodes a film, ``track`` follows its faces, ``steady`` damps what flickers, ``write`` encodes parts of the answer and
joins them, and ``restore`` does all of this.
"""

from keras_facesr.video.restore import RestoredVideo, restore_video

__all__ = ["RestoredVideo", "restore_video"]
