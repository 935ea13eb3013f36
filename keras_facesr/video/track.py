"""Follows faces from frame to frame, and holds still what only trembles.

All faces are sought every ``EVERY`` frames and after a cut. In between the mesh alone looks where each face was, which takes
a thirtieth of the time (docs/video.md). The mesh's points tremble by some hundredths of the distance of the eyes, and a
network would turn that into flicker: so points are averaged over time, the more the less they move, and a face keeps its
place until the average has left it.
"""

from dataclasses import dataclass, replace

import numpy as np

from keras_facesr.data.degrade import resize
from keras_facesr.photos.detect import A_FACE, SAME_FACE, Face, find_faces, found_again, overlap

EVERY = 12  # frames from one search to the next
PATIENCE = 3  # frames in which a face may be missing
CUT = 30  # mean change in levels, of a frame reduced to ``GLANCE`` pixels, from which it begins another scene
GLANCE = 18, 32
FOLLOWED = 0.1  # distances of the eyes: a face that moves as far from one frame to the next is not averaged
LEAST_WEIGHT = 0.2  # of a new frame in the average
TREMBLE = 0.05  # distances of the eyes by which the average may be off before the face is moved
OTHER_WIDTH = 0.15  # change of the width after which the network may be another


@dataclass
class Track:
    """One face over time.

    Attributes:
        seen: the ``Face`` as it was last found.
        mean: averaged over time.
        held: as it is enlarged.
        missing: number of frames since it was found.
    """

    seen: Face
    mean: Face
    held: Face
    missing: int = 0

    def see(self, face):
        """Take in the face of a new frame."""
        self.seen, self.missing = face, 0
        eyes = abs(face.points[1] - face.points[0])
        weight = np.clip(np.abs(face.points - self.mean.points).mean() / (FOLLOWED * eyes), LEAST_WEIGHT, 1)
        names = ("points", "centre", "width", "height", "aside")
        self.mean = Face(score=face.score, **{name: _between(self.mean, face, name, weight) for name in names})
        if np.abs(self.mean.points - self.held.points).max() > TREMBLE * eyes:
            same_width = abs(self.mean.width / self.held.width - 1) < OTHER_WIDTH
            kept = {"width": self.held.width, "aside": self.held.aside} if same_width else {}
            self.held = replace(self.mean, **kept)


class Tracker:
    """Follows the faces of a film, frame after frame.

    Attributes:
        tracks: list of ``Track``, of the faces in the frame that was followed last.
        count: number of tracks that were begun.
    """

    def __init__(self):
        self.tracks, self.count, self.frames, self.glance = [], 0, 0, None

    def follow(self, rgb):
        """Follow the faces into a new frame, uint8 (H, W, 3): list of ``Face``, and whether the frame begins another scene."""
        glance = resize(rgb, *GLANCE).astype(np.float32)
        is_cut = self.glance is not None and np.abs(glance - self.glance).mean() > CUT
        self.glance = glance
        if is_cut:
            self.tracks, self.frames = [], 0
        found = find_faces(rgb)[0] if self.frames % EVERY == 0 else []
        self.frames += 1
        for track in self.tracks:
            self._continue(track, rgb, found)
        for face in found:
            self.tracks.append(Track(face, face, face))
            self.count += 1
        self.tracks = _each_once([track for track in self.tracks if track.missing <= PATIENCE])
        return [track.held for track in self.tracks], is_cut

    def _continue(self, track, rgb, found):
        """Find a track's face in a new frame, among ``found``, from which it is taken, or where it was."""
        nearest = max(found, key=lambda face: overlap(face, track.seen), default=None)
        if nearest and overlap(nearest, track.seen) > SAME_FACE:
            found.remove(nearest)
        else:
            nearest = found_again(rgb, track.seen)
        if nearest.score >= A_FACE and overlap(nearest, track.seen) > SAME_FACE:
            track.see(nearest)
        else:
            track.missing += 1


def _between(one, other, name, weight):
    return getattr(one, name) + weight * (getattr(other, name) - getattr(one, name))


def _each_once(tracks):
    """Of tracks that have run into one face only the eldest."""
    kept = []
    for track in tracks:
        if all(overlap(track.seen, other.seen) <= SAME_FACE for other in kept):
            kept.append(track)
    return kept
