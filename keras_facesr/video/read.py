"""Reads a film frame by frame: upright RGB pixels, times, and what else an answer has to carry over."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from keras_facesr.errors import FilmError, reason
from keras_facesr.importing import imported

EXTRA = "video"
# FFmpeg's numbers of matrices, ranges and transfer functions; swscale has its own for the matrices.
BT709, BT601 = 1, 6
LIMITED = 1  # luma from 16 to 235
HDR = (16, 18)  # PQ and HLG
SMOOTH = 0x4 | 0x2000 | 0x40000  # of swscale: bicubic, exact rounding, colours between their samples, which else are repeated
SWSCALE = {BT709: 1, 4: 4, 5: 5, BT601: 5, 7: 7, 9: 9}
HD = 720  # rows from which players take an untagged film for BT.709


@dataclass(frozen=True)
class Colours:
    """How RGB is encoded, in FFmpeg's numbers: the matrix, its range, the primaries and the transfer function."""

    matrix: int
    range: int
    primaries: int
    transfer: int


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        rgb: uint8 (H, W, 3), upright.
        pts: its time in the film's ``time_base``.
    """

    rgb: np.ndarray
    pts: int


def local(path):
    """The path of a file of this machine as FFmpeg takes it: of "10:30.mp4" it would ask for the protocol "10"."""
    return os.path.abspath(path)


def opened(path):
    """A film's file. Its texts may be in any encoding, as those of old .avi files are: what is not UTF-8 is replaced."""
    return imported("av", EXTRA).open(local(path), metadata_errors="replace")


class Film:
    """A film's file and what its first frame tells.

    Attributes:
        path: of the file.
        height, width: of its upright frames, in pixels.
        time_base: the unit of its times in seconds, a ``Fraction``.
        rate: frames per second on average, a ``Fraction``.
        starts: its first time in seconds, a ``Fraction``, at which players begin; 0 if it is before that.
        aspect: width of an upright pixel by its height, a ``Fraction``.
        count: number of its frames, estimated where the file does not say it; None: unknown.
        lasts: how long the frame that was decoded last is shown, in ``time_base``; 0 if unknown.
        colours: ``Colours``; of an untagged film those that players take it for.
    """

    def __init__(self, path):
        """Raise FilmError if the file is missing, broken, no film or in HDR, ExportError without the extra ``video``."""
        self.path, self.av = path, imported("av", EXTRA)
        with self._opened() as (container, stream):
            first = next(self._decoded(container, stream), None)
            if first is None:
                raise FilmError(f"{path}: no frame of it can be decoded")
            if first.color_trc in HDR:
                raise FilmError(f"{path}: is in HDR, which is not read; convert it to BT.709 first")
            self.quarters, self.mirrored = _turned(first)
            sides, aspect = (first.height, first.width), stream.sample_aspect_ratio or Fraction(1)
            lies = self.quarters % 2
            self.height, self.width = sides[::-1] if lies else sides
            self.aspect = 1 / aspect if lies else aspect
            self.time_base, self.starts = stream.time_base, max(Fraction(container.start_time or 0, self.av.time_base), 0)
            self.rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            self.count, self.lasts = stream.frames or self._estimated(container, stream), 0
            untagged = BT601 if first.height < HD else BT709
            matrix = first.colorspace if first.colorspace in SWSCALE else untagged
            self.colours = Colours(matrix, first.color_range or LIMITED, first.color_primaries, first.color_trc)

    def frames(self, first=0):
        """Yield each ``Frame`` from number ``first`` on.

        Raises:
            FilmError: the file is broken from some frame on, or its frames change their size.
        """
        with self._opened() as (container, stream):
            last = None
            for number, frame in enumerate(self._deinterlaced(self._decoded(container, stream), stream)):
                pts = self._next(last) if frame.pts is None else frame.pts
                last = pts if last is None else max(pts, last + 1)
                self.lasts = frame.duration or self.lasts
                if number >= first:
                    yield Frame(self._upright(frame), last)

    @contextmanager
    def _opened(self):
        """The file and its first film; pictures and covers are none."""
        with self._readable("cannot be read as a film"):
            container = opened(self.path)
        with container:
            covers = self.av.stream.Disposition.attached_pic
            films = [stream for stream in container.streams.video if not stream.disposition & covers]
            if not films:
                raise FilmError(f"{self.path}: has no moving pictures")
            if "pipe" in container.format.name or container.format.name == "image2":
                raise FilmError(f"{self.path}: is a picture, not a film: facesr photo enlarges it")
            if not films[0].codec_context:
                raise FilmError(f"{self.path}: is in a format that this FFmpeg cannot decode; convert it first")
            films[0].thread_type = "AUTO"
            yield container, films[0]

    @contextmanager
    def _readable(self, wrong):
        try:
            yield
        except (self.av.FFmpegError, OSError) as error:
            raise FilmError(f"{self.path}: {wrong} ({reason(error)})") from error

    def _decoded(self, container, stream):
        frames = container.decode(stream)
        while True:
            with self._readable("is broken from here on"):
                frame = next(frames, None)
            if frame is None:
                return
            yield frame

    def _deinterlaced(self, frames, stream):
        """The frames, from the first interlaced one on through FFmpeg's bwdif, which leaves alone those that are not."""
        graph = None
        for frame in frames:
            self._check_size(frame)
            if frame.interlaced_frame and not graph:
                graph = self.av.filter.Graph()
                nodes = graph.add_buffer(template=stream), graph.add("bwdif", "mode=send_frame:deint=interlaced")
                graph.link_nodes(*nodes, graph.add("buffersink")).configure()
            yield from self._through(graph, frame) if graph else [frame]
        if graph:
            yield from self._through(graph, None)

    def _through(self, graph, frame):
        """The frames that a graph has ready once it got this one; None: all that are left."""
        with self._readable("is broken from here on"):
            graph.push(frame)
        while True:
            try:
                ready = graph.pull()
            except (self.av.error.BlockingIOError, self.av.error.EOFError):
                return
            times = ready.time_base / self.time_base  # bwdif's own unit is half of ours
            ready.pts = None if ready.pts is None else round(ready.pts * times)
            ready.duration = round(ready.duration * times)
            yield ready

    def _estimated(self, container, stream):
        if stream.duration:
            return round(stream.duration * stream.time_base * self.rate)
        return round(Fraction(container.duration, self.av.time_base) * self.rate) if container.duration else None

    def _next(self, last):
        """The time of a frame that has none, as in raw streams."""
        return 0 if last is None else last + max(1, round(1 / (self.rate * self.time_base)))

    def _check_size(self, frame):
        size = (frame.width, frame.height)[:: -1 if self.quarters % 2 else 1]
        if size != (self.width, self.height):
            now = f"{size[0]}x{size[1]}"
            raise FilmError(f"{self.path}: its frames change from {self.width}x{self.height} to {now} pixels; cut it there")

    def _upright(self, frame):
        colours = {"src_colorspace": SWSCALE[self.colours.matrix], "src_color_range": self.colours.range}
        how = {} if frame.format.is_rgb else colours
        rgb = np.rot90(frame.to_ndarray(format="rgb24", interpolation=SMOOTH, **how), self.quarters)
        rgb = np.fliplr(rgb) if self.mirrored else rgb
        return np.ascontiguousarray(rgb)


def _turned(frame):
    """By how many quarters a frame is to be turned counterclockwise, and whether it is then to be mirrored left to right."""
    quarters = round(frame.rotation / 90) % 4
    if (matrix := frame.side_data.get("DISPLAYMATRIX")) is None:
        return quarters, False
    a, b, _, c, d, *_ = np.frombuffer(matrix, np.int32) / 2**16
    return ((2 - quarters) % 4, True) if a * d < b * c else (quarters, False)  # its angle is of the mirrored matrix
