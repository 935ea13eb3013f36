"""Enlarges a film: every frame as a photograph is, with its faces tracked, and the sound carried over."""

import functools
import os
import signal
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from keras_facesr.data.files import is_there
from keras_facesr.data.images import Picture
from keras_facesr.errors import CallError, FacesrError, FilmError, reason
from keras_facesr.inference import runtimes
from keras_facesr.photos import networks
from keras_facesr.photos.restore import check_scale, enlarge_parts, load_fastest
from keras_facesr.termination import when_asked_to_end
from keras_facesr.version import __version__
from keras_facesr.video.read import Film
from keras_facesr.video.steady import Steady
from keras_facesr.video.track import Tracker
from keras_facesr.video.write import FORMATS, LARGEST, Part, Parts, check_sound, join

PART_SECONDS, PART_FRAMES = 60, (24, 250)  # work after which a part is closed, and least and most frames of one


@dataclass
class RestoredVideo:
    """An enlarged film.

    Attributes:
        path: of its file.
        frames: their number, in all.
        enlarged: number of frames that this call has enlarged; the others were there from an interrupted one.
        faces: number of faces that were followed in these.
        with_faces: number of these frames that have a face.
        seconds: that this call took.
    """

    path: Path
    frames: int
    enlarged: int = 0
    faces: int = 0
    with_faces: int = 0
    seconds: float = 0.0


def restore_video(source, out, scale=4, faces_only=False, resume=False, overwrite=False, load=load_fastest, show=None):
    """Enlarge a film and the faces in it.

    Ctrl+C or SIGTERM end it with the frames so far in ``out``, which plays; ``resume`` then goes on behind them.

    Args:
        source: path of a film that FFmpeg reads.
        out: path of the answer, H.264 in .mp4, .mov or .mkv.
        scale: 2 or 4.
        faces_only: enlarge what is no face by bicubic interpolation: much faster.
        resume: go on after an interruption; if there was none, begin.
        overwrite: replace the file that is there.
        load: function of a preset's name and a number of samples, here 0, that returns the model.
        show: called with (frames done, frames in all or None).

    Returns:
        RestoredVideo.

    Raises:
        CallError: another scale or suffix; ``out`` is being written by another call; nothing fits what is to be resumed.
        FilmError: the film cannot be read, or only in part: ``out`` then has the frames before that, of which the error tells.
        FacesrError: ``out`` is there already, or was begun; or the disk is full, or a network cannot be loaded: it is as it
            was, and ``resume`` goes on.
        ExportError: PyAV or the networks that find faces are not installed (extra ``video``).
        KeyboardInterrupt: it was interrupted; its message says what is in ``out``.
    """
    began, out = time.monotonic(), Path(out)
    check_scale(scale)
    film = Film(source)
    networks.started()
    parts = _parts(film, out, scale, faces_only, resume, overwrite)
    restored = RestoredVideo(out, parts.done)
    stop = _Stop()
    with parts.kept(), when_asked_to_end(stop, signal.SIGINT, signal.SIGTERM):
        ended = None
        try:
            with closing(_enlarged(film, parts, scale, faces_only, load, stop, restored)) as frames:
                for _ in frames:
                    if show:
                        show(restored.frames, film.count)
        except (KeyboardInterrupt, FilmError) as error:
            ended = error
        except FacesrError:  # not the film's: once it is mended, what is done is gone on with
            if not parts.done:
                parts.remove()
            raise
        stop.waits = True  # whatever is asked now, what is there is joined
        if restored.frames:
            join(parts, film, out, whole=not ended)
    restored.seconds = time.monotonic() - began
    if isinstance(ended, KeyboardInterrupt):
        there = f"{out} has the first {restored.frames} frames" if restored.frames else "no frame was done"
        raise KeyboardInterrupt(f"stopped: {there}; --resume goes on")
    parts.remove()
    if ended:
        there = f"{out} has the {restored.frames} frames before that" if restored.frames else "no frame was done"
        broken = FilmError(f"{ended}; {there}")
        broken.restored = restored if restored.frames else None
        raise broken from ended
    return restored


def _parts(film, out, scale, faces_only, resume, overwrite):
    """The parts to go on with, or none, ready to be written; or an error."""
    if out.suffix.lower() not in FORMATS:
        raise CallError(f"{out}: give a name that ends in {', '.join(FORMATS)}")
    if out.is_dir():
        raise CallError(f"{out}: is a folder; give the name of a file")
    if resume and overwrite:
        raise CallError("--resume and --overwrite exclude each other")
    if max(film.height, film.width) * scale > LARGEST:
        size = f"{film.width * scale}x{film.height * scale}"
        raise CallError(f"{film.path}: enlarged it would have {size} pixels, H.264 has at most {LARGEST} a side")
    if is_there(out) and os.path.samefile(out, film.path):
        raise CallError(f"{out}: is the film that is read; give another name")
    check_sound(film, out)
    status = os.stat(film.path)
    about = {"film": [status.st_size, status.st_mtime_ns], "--scale": scale, "--faces-only": faces_only, "version": __version__}
    parts = Parts(out, about)
    if resume and parts.begun:
        parts.check_same()
        parts.claim()
    elif not overwrite and (is_there(out) or parts.done):
        hint = "--resume goes on with it, --overwrite begins anew" if parts.begun else "--overwrite replaces it"
        raise FacesrError(f"{out}: {'exists' if is_there(out) else 'was begun'} already; {hint}")
    else:
        try:
            parts.begin()
        except OSError as error:
            parts.remove()
            raise CallError(f"{out}: cannot be written ({reason(error)}); choose another place") from error
    return parts


def _enlarged(film, parts, scale, faces_only, load, stop, restored):
    """Enlarge and write the frames that are missing; yield each once it is written."""
    tracker, steady, part, load, used = Tracker(), Steady(), None, functools.cache(load), set()
    least, most = PART_FRAMES
    try:
        for frame in film.frames(parts.done):
            faces, is_cut = tracker.follow(frame.rgb)
            picture = Picture(frame.rgb, None, False, str(film.path))
            enlarged = enlarge_parts(picture, faces_only=faces_only, load=load, known=faces, release=used.add)
            answer = steady(frame.rgb, enlarged.joined(scale, [0] * len(faces), keep=False), is_cut)
            with stop.later():
                if part is None:
                    part, since = Part(parts, film, scale), time.monotonic()
                part.add(answer, frame.pts)
                restored.frames += 1
                restored.enlarged += 1
                restored.faces, restored.with_faces = tracker.count, restored.with_faces + bool(faces)
                if part.count >= most or part.count >= least and time.monotonic() - since > PART_SECONDS:
                    full, part = part, None
                    full.close()
                    del full  # its encoder holds dozens of frames
            yield frame
    finally:
        stop.waits = True
        for network in used:
            runtimes.release(network)
        if part:
            part.close()


class _Stop:
    """A signal's handler: interrupts at once, or behind what must not be interrupted."""

    def __init__(self):
        self.waits = self.asked = False

    def __call__(self, number, frame):
        self.asked = True
        if not self.waits:
            raise KeyboardInterrupt

    @contextmanager
    def later(self):
        self.waits = True
        yield
        self.waits = False
        if self.asked:
            raise KeyboardInterrupt
