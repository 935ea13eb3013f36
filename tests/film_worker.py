"""``python film_worker.py IN OUT`` restores a film by stand-in networks, as tests/test_video.py does, in a process of its own.

Prints a line of JSON: its frames, faces, frames with faces, and the bytes of memory that the process holds after each frame.
"""

import json
import sys

from processes import resident
from test_photos import blocks

from keras_facesr.video import restore_video

if __name__ == "__main__":
    memory = []
    done = restore_video(
        *sys.argv[1:], scale=2, faces_only=True, load=blocks, show=lambda done, total: memory.append(resident())
    )
    print(json.dumps([done.frames, done.faces, done.with_faces, memory]))
