"""What the command line says: lines, errors of one line, progress, JSON. Saying it never fails what is done.

A letter that a terminal cannot show is shown as its escape; what a full disk or a closed pipe would not take is lost.
"""

import io
import json
import os
import sys
import time
import traceback
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

from keras_facesr.data.files import check_writable as try_to_write
from keras_facesr.data.files import is_there, written_whole
from keras_facesr.errors import CallError, FacesrError, SizeWarning, reason

PATIENCE = 2.0  # seconds until a progress bar appears


class _Unfailing(io.FileIO):
    """The descriptor of a standard stream, whose writes always succeed."""

    failure = None  # the first error, but for a reader that has seen enough

    def write(self, data):
        try:
            return super().write(data)
        except BrokenPipeError:
            pass
        except OSError as error:
            self.failure = self.failure or error
        return len(data)


@contextmanager
def unfailing_streams():
    """Within the block nothing that is printed raises, whatever prints it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # closed: else a picture would be opened under this number, and a library's remarks written into it
            os.open(os.devnull, os.O_RDWR)
    former = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_unfailing, former)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = former


def _unfailing(stream):
    if stream is None:
        return open(os.devnull, "w")
    buffer = getattr(stream, "buffer", None)
    if isinstance(getattr(buffer, "raw", buffer), io.FileIO):
        with suppress(OSError):
            stream.flush()
        raw = _Unfailing(stream.fileno(), "wb", closefd=False)
        how = {"encoding": stream.encoding, "line_buffering": stream.line_buffering, "write_through": stream.write_through}
        return io.TextIOWrapper(io.BufferedWriter(raw), errors="backslashreplace", **how)
    if hasattr(stream, "reconfigure"):  # what something else has put in the stream's place
        stream.reconfigure(errors="backslashreplace")
    return stream


@contextmanager
def warnings_in_a_line():
    """Within the block a picture's size is remarked on in one line, and Pillow's remarks are left to the errors."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        others = warnings.showwarning

        def show(message, category, *where):
            if issubclass(category, SizeWarning):
                print(f"facesr: {message}", file=sys.stderr)
            else:
                others(message, category, *where)

        warnings.showwarning = show
        yield


def lost():
    """The error that kept standard output from what was printed, or None."""
    sys.stdout.flush()
    return getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "failure", None)


def delivered():
    """FacesrError if what a command was asked to print was lost."""
    if error := lost():
        raise FacesrError(f"standard output cannot be written ({reason(error)})")


def check_new(path, overwrite):
    """CallError if a file is there that may not be replaced."""
    if is_there(path) and not overwrite:
        raise CallError(f"{path}: exists already; --overwrite replaces it")


def check_writable(path, room=2**16):
    """FacesrError, before the work, if a file of ``room`` bytes cannot be written there."""
    try:
        try_to_write(path, room)
    except OSError as error:
        raise FacesrError(f"{path}: cannot be written ({reason(error)}); make room, or choose another place") from error


def check_json(args):
    """Whether the file of ``--json`` can be written, before the work."""
    if getattr(args, "json", None) not in (None, "-"):
        check_new(args.json, args.overwrite)
        if os.path.isdir(args.json):
            raise CallError(f"{args.json}: is a folder; --json takes a file")
        check_writable(args.json)


def write_json(args, result):
    """Print to stdout for ``-``, or write a file whole; nothing without ``--json``."""
    text = json.dumps(result, indent=2)
    if args.json == "-":
        print(text)
        delivered()
    elif args.json:
        write_text(args.json, text + "\n")


def write_text(path, text):
    """Write a text file whole, with its folder."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FacesrError(f"{path}: cannot be written ({reason(error)})") from error


@contextmanager
def progress(label, total):
    """Yield a function that takes how much is done: a bar on stderr, in a terminal, after ``PATIENCE``."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    # Lines on stdout pass above the bar in a terminal, and go where they are sent if that is elsewhere.
    bar = Progress(console=console, transient=True, redirect_stdout=sys.stdout.isatty())
    task = bar.add_task(label, total=total)
    began = time.monotonic()

    def show(done):
        bar.update(task, completed=done)
        if console.is_terminal and time.monotonic() - began > PATIENCE:
            bar.start()

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


@contextmanager
def waiting(what, debug=False):
    """A spinner on the error stream, where TensorFlow's libraries and LiteRT write nothing meanwhile, at any log level."""
    from rich.console import Console

    with os.fdopen(os.dup(2), "w", errors="backslashreplace") as stderr, open(os.devnull, "w") as nowhere:
        if not debug:
            os.dup2(nowhere.fileno(), 2)
        try:
            with Console(file=stderr).status(what, spinner="line"):
                yield
        finally:
            os.dup2(stderr.fileno(), 2)


def report(error, debug, name=""):
    """One line on stderr; the traceback before it if asked for."""
    if debug:
        traceback.print_exception(error)
    print(f"facesr: {one_line(error, name)}", file=sys.stderr)


class Failures(list):
    """The inputs of a call that failed, as its report lists them; each is told of when it is added."""

    def __init__(self, debug):
        super().__init__()
        self.debug = debug

    def add(self, path, error):
        name = str(path)
        report(error, self.debug, name)
        self.append({"input": name, "error": one_line(error, name)})


def one_line(error, name=""):
    """An error as a sentence; one that nobody expected with its type and the file that it befell."""
    text = " ".join(str(error).split())
    of_the_system = isinstance(error, OSError) and error.strerror
    if of_the_system:
        text = f"{error.filename or 'stopped'}: {error.strerror}"
    if of_the_system or isinstance(error, FacesrError):
        return text if name in text else f"{name}: {text}"
    return f"{name or 'stopped'}: {type(error).__name__}: {text[:300]} (unexpected; --debug shows where)"
