"""Writes a film in parts, each whole or not there, and joins them with the sound of the film that was given.

The parts lie in a hidden folder beside the answer until it is finished, so that an interrupted film is gone on with behind its
last whole part.
"""

import heapq
import io
import json
import math
import os
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from keras_facesr.data.files import written_whole
from keras_facesr.errors import CallError, FacesrError, reason
from keras_facesr.importing import imported
from keras_facesr.video.read import EXTRA, SWSCALE, local, opened

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None

# No frame refers to a later one (bf): parts then follow each other without overlapping times.
CODEC, OPTIONS = "libx264", {"crf": "17", "preset": "medium", "bf": "0"}
FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
LARGEST = 16384  # pixels a side of H.264
UNFINISHED, ABOUT = "unfinished.tmp", "about.json"


def _on_disk(path):
    """Wait until a file is on the disk: else it may have its name when the power fails, and no content."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


class Parts:
    """The parts of an answer.

    Attributes:
        folder: where they are.
        done: number of frames in those that are whole.
    """

    def __init__(self, out, about):
        """``about`` says in JSON's types what the frames depend on: parts of which another is said belong to another answer."""
        self.out, self.folder, self.about = Path(out), Path(out).with_name(f".{Path(out).name}.parts"), about
        self.lock = None

    @property
    def begun(self):
        return (self.folder / ABOUT).exists()

    @property
    def done(self):
        return sum(int(path.stem.split("_")[1]) for path in self.files())

    def files(self):
        """In the order of their frames; a name is the first frame's number and how many there are."""
        return sorted(self.folder.glob("*_*.nut"))

    def claim(self):
        """Raise CallError if another call is writing the answer; else no other can, until ``release`` or this process's end."""
        if not (fcntl and self.begun):
            return
        lock = open(self.folder / ABOUT, "rb+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise CallError(f"{self.out}: is being written by another call: wait for its end, or give another name") from error
        except OSError:  # a file system without locks
            pass
        self.lock = lock

    def release(self):
        if self.lock:
            self.lock.close()
        self.lock = None

    def begin(self):
        """Start with no part."""
        self.claim()
        self.remove()
        self.folder.mkdir(parents=True)
        with written_whole(self.folder / ABOUT) as temporary:
            temporary.write_text(json.dumps(self.about), encoding="utf-8")
            _on_disk(temporary)
        self.claim()

    def check_same(self):
        """Raise CallError if the parts that are there belong to another answer."""
        before = json.loads((self.folder / ABOUT).read_text(encoding="utf-8"))
        if others := [name for name, value in self.about.items() if before.get(name) != value]:
            raise CallError(f"{self.folder}: was begun with another {' and '.join(others)}; --overwrite begins anew")

    @contextmanager
    def kept(self):
        """Within the block FacesrError, and what is left, if a file cannot be written, as on a full disk; then ``release``."""
        try:
            yield
        except (imported("av", EXTRA).FFmpegError, OSError) as error:
            there = f"its first {self.done} frames are kept" if self.done else "no frame was done"
            raise FacesrError(
                f"{self.out}: cannot be written ({reason(error)}); {there}: make room, and --resume goes on"
            ) from error
        finally:
            self.release()

    def remove(self):
        self.release()
        shutil.rmtree(self.folder, ignore_errors=True)


class Part:
    """One part while it is written. Its file has a name of its own once it is closed."""

    def __init__(self, parts, film, scale):
        self.parts, self.av, self.film, self.count = parts, imported("av", EXTRA), film, 0
        self.path = parts.folder / UNFINISHED
        self.container = self.av.open(local(self.path), "w", format="nut")
        self.stream = self.container.add_stream(CODEC, rate=film.rate, options=OPTIONS)
        encoder, colours = self.stream.codec_context, film.colours
        encoder.width, encoder.height, encoder.pix_fmt = film.width * scale, film.height * scale, "yuv420p"
        encoder.time_base, encoder.sample_aspect_ratio = film.time_base, film.aspect
        encoder.colorspace, encoder.color_range = colours.matrix, colours.range
        encoder.color_primaries, encoder.color_trc = colours.primaries, colours.transfer

    def add(self, pixels, pts):
        """Encode a frame, uint8 (scale * H, scale * W, 3), of this time in the film's ``time_base``."""
        frame = self.av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        colours = self.film.colours
        how = {"dst_colorspace": SWSCALE[colours.matrix], "dst_color_range": colours.range}
        frame = frame.reformat(format="yuv420p", interpolation="BICUBIC", **how)
        frame.pts, frame.time_base = pts, self.film.time_base
        self.container.mux(self.stream.encode(frame))
        self.count += 1

    def close(self):
        """Finish the file; one without frames, or that cannot be finished, is removed."""
        try:
            with self.container:
                if self.count:
                    self.container.mux(self.stream.encode(None))
            if self.count:
                _on_disk(self.path)
                self.path.rename(self.parts.folder / f"{self.parts.done:08}_{self.count}.nut")
        finally:
            self.path.unlink(missing_ok=True)


def check_sound(film, out):
    """Raise CallError, before the work, if the format of ``out`` has no place for the film's sound."""
    av, suffix = imported("av", EXTRA), Path(out).suffix.lower()
    with opened(film.path) as source:
        if source.streams.audio and not _known(source):
            raise CallError(f"{film.path}: FFmpeg does not know the format of its sound; convert that first")
        for sound in _known(source):
            try:
                with av.open(io.BytesIO(), "w", format=FORMATS[suffix]) as trial:
                    trial.add_stream_from_template(sound)
                    trial.start_encoding()
            except (av.FFmpegError, ValueError) as error:
                kind = sound.codec_context.name
                others = " or ".join(other for other in FORMATS if other != suffix)
                raise CallError(f"{out}: {suffix} has no place for the film's sound, {kind}; try {others}") from error


def join(parts, film, out, whole=True):
    """Write the parts and the sound as one film, from time 0 on: what there is of it, whole or not.

    Args:
        parts: ``Parts`` with at least one frame.
        film: the ``Film`` that was given, decoded up to the last of these frames.
        out: path; its suffix says the format.
        whole: whether these are all of its frames; if not, the sound ends with them.

    Raises:
        OSError or av.FFmpegError: the file cannot be written; nothing is left of it.
    """
    av = imported("av", EXTRA)
    with written_whole(out) as temporary, ExitStack() as files:
        source = files.enter_context(opened(film.path))
        first = files.enter_context(av.open(local(parts.files()[0])))
        answer = files.enter_context(av.open(local(temporary), "w", format=FORMATS[Path(out).suffix.lower()]))
        answer.metadata.update(source.metadata)
        pictures = answer.add_stream_from_template(first.streams.video[0])
        pictures.time_base = film.time_base
        sounds = {sound.index: _like(sound, answer) for sound in _known(source)}
        lasts = film.lasts * film.time_base
        end = math.inf if whole else _last_time(av, parts.files()[-1]) + lasts
        answer.set_chapters(_chapters(source, film.starts, end))
        tracks = [_pictures(av, parts.files(), pictures, lasts)]
        if sounds:
            tracks.append(_sound(source, sounds, end))
        for _, packet in heapq.merge(*tracks, key=lambda timed: timed[0]):
            late = round(film.starts / packet.time_base)
            packet.dts, packet.pts = (time if time is None else time - late for time in (packet.dts, packet.pts))
            answer.mux(packet)
    _on_disk(out)  # before the parts are removed


def _known(source):
    """The sounds that can be carried over: not those whose format FFmpeg does not know, as the spatial one of newer iPhones."""
    return [sound for sound in source.streams.audio if sound.codec_context]


def _like(sound, answer):
    """A new track of the answer for a sound, of the same language and title; the default one if it was."""
    track = answer.add_stream_from_template(sound)
    title_is = {"name": "title"}  # as FFmpeg reads, and writes, that of an .mp4
    track.metadata.update({title_is.get(key, key): value for key, value in sound.metadata.items()})
    track.disposition = sound.disposition
    return track


def _chapters(source, starts, end):
    """The film's chapters up to ``end``, as ``set_chapters`` takes them, for an answer that begins at 0."""
    chapters = []
    for chapter in source.chapters():
        first, last = (chapter[name] * chapter["time_base"] for name in ("start", "end"))
        if first < end:
            times = {"start": first - starts, "end": min(last, end) - starts}
            ticks = {name: round(max(time, 0) / chapter["time_base"]) for name, time in times.items()}
            chapters.append(chapter | ticks)
    return chapters


def _pictures(av, paths, stream, lasts):
    """Yield (time, packet), each shown up to the next one's time; the last one ``lasts`` seconds, if that is not 0."""
    before = None
    for path in paths:
        with av.open(local(path)) as part:
            for packet in part.demux(video=0):
                if packet.pts is not None:  # the last one is empty
                    packet.dts = packet.pts  # short parts are read without; no frame refers to a later one
                    packet.stream, time = stream, packet.pts * packet.time_base
                    if before:
                        yield _shown(*before, time - before[0])
                    before = time, packet
    yield _shown(*before, lasts) if lasts else before


def _shown(time, packet, seconds):
    packet.duration = round(seconds / packet.time_base)
    return time, packet


def _sound(source, streams, end):
    for packet in source.demux(*(source.streams[index] for index in streams)):
        if packet.dts is not None:
            time = packet.dts * packet.time_base
            if time < end:
                packet.stream = streams[packet.stream.index]
                yield time, packet


def _last_time(av, path):
    with av.open(local(path)) as part:
        return max(packet.pts * packet.time_base for packet in part.demux(video=0) if packet.pts is not None)
