"""The output of the command line: lines, one-line errors, progress, JSON. The work goes on even if its output fails.

A character that the terminal cannot show is printed as its escape; output that a full disk or a closed pipe refuses is lost.
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

from keras_facesr.data.files import check_new, is_there, written_whole
from keras_facesr.data.files import check_writable as try_to_write
from keras_facesr.errors import CallError, FacesrError, SizeWarning, reason

PATIENCE = 2.0  # seconds until a progress bar appears


class _Unfailing(io.FileIO):
    """The descriptor of a standard stream, whose writes always succeed."""

    failure = None  # the first error; a closed pipe is none, its reader has seen enough

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
    """Within the block printing never raises an error, whatever code prints."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:  # closed: else a picture could be opened under this number, and messages be written into it
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
    if hasattr(stream, "reconfigure"):  # a stream that other code has put in the place of the standard one
        stream.reconfigure(errors="backslashreplace")
    return stream


@contextmanager
def warnings_in_a_line():
    """Within the block a ``SizeWarning`` is printed as one line, and Pillow's warnings are dropped: its errors are reported."""
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
    """The error by which output on stdout was lost, or None."""
    sys.stdout.flush()
    return getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "failure", None)


def delivered():
    """Raise FacesrError if the output that a command was asked for was lost."""
    if error := lost():
        raise FacesrError(f"standard output cannot be written ({reason(error)})")


def check_writable(path, room=2**16):
    """Raise FacesrError, before the work, if a file of ``room`` bytes cannot be written there."""
    try:
        try_to_write(path, room)
    except OSError as error:
        raise FacesrError(f"{path}: cannot be written ({reason(error)}); make room, or choose another place") from error


def check_json(args):
    """Raise an error, before the work, if the file of ``--json`` cannot be written."""
    if getattr(args, "json", None) not in (None, "-"):
        if os.path.isdir(args.json):
            raise CallError(f"{args.json}: is a folder; --json takes a file")
        if Path(args.json).resolve() in _paths(args):
            raise CallError(f"{args.json}: --json would replace what is read or written there: give it another name")
        for option in ("skip_existing", "resume"):  # they exclude --overwrite, the remedy of ``check_new``
            if getattr(args, option, False) and is_there(args.json):
                given = option.replace("_", "-")
                raise FacesrError(f"{args.json}: exists already, and --{given} replaces nothing: give --json another name")
        check_new(args.json, args.overwrite)
        check_writable(args.json)


def _paths(args):
    """What the arguments other than ``--json`` name, each as if it were a file: those that are none do no harm."""
    for name, value in vars(args).items():
        for each in value if isinstance(value, list) else [value]:
            if name != "json" and isinstance(each, (str, Path)):
                with suppress(OSError, ValueError):  # no path: too long, or a byte that no name holds
                    yield Path(each).resolve()


def write_json(args, result):
    """Write the result to the file of ``--json``, or to stdout for ``-``; without ``--json`` do nothing."""
    text = json.dumps(result, indent=2)
    if args.json == "-":
        print(text)
        delivered()
    elif args.json:
        write_text(args.json, text + "\n")


def write_text(path, text):
    """Write a text file under a temporary name, then rename it; its folder is made where it is missing."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FacesrError(f"{path}: cannot be written ({reason(error)})") from error


@contextmanager
def progress(label, total, unit=None):
    """Yield a function that is called with how much is done. In a terminal a bar appears on stderr after ``PATIENCE``.

    With a ``unit`` the bar says how many of it are done in a second. The function may be told another total, too.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    # If stdout is a terminal, its lines appear above the bar; if it is redirected, they go where it leads.
    bar = Progress(console=console, transient=True, redirect_stdout=sys.stdout.isatty())
    task = bar.add_task(label, total=total)
    began = time.monotonic()

    def show(done, total=total):
        speed = bar.tasks[task].speed if unit else None
        said = f"{label}, {speed:.2f} {unit}/s" if speed else label
        bar.update(task, completed=done, total=total, description=said)
        if console.is_terminal and time.monotonic() - began > PATIENCE:
            bar.start()

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


@contextmanager
def waiting(what, debug=False):
    """Show a spinner on stderr; unless ``debug``, messages of TensorFlow's libraries and LiteRT are dropped meanwhile."""
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
    """Print an error as one line on stderr; with ``debug`` the traceback comes before it."""
    if debug:
        traceback.print_exception(error)
    print(f"facesr: {one_line(error, name)}", file=sys.stderr)


class Failures(list):
    """The failed inputs of a call, as its JSON report lists them; ``add`` also prints the error."""

    def __init__(self, debug):
        super().__init__()
        self.debug = debug

    def add(self, path, error):
        name = str(path)
        report(error, self.debug, name)
        self.append({"input": name, "error": one_line(error, name)})


def one_line(error, name=""):
    """An error as one line that names its file; an unexpected one with its type as well."""
    of_the_system = isinstance(error, OSError) and error.strerror
    text = f"{error.filename or 'stopped'}: {error.strerror}" if of_the_system else str(error)
    text, name = _joined(text), _joined(name)
    if of_the_system or isinstance(error, FacesrError):
        return text if name in text else f"{name}: {text}"
    return f"{name or 'stopped'}: {type(error).__name__}: {text[:300]} (unexpected; --debug shows where)"


def _joined(text):
    """The lines of a text as one; spaces within a line stay, as names of files have some."""
    return " ".join(filter(None, map(str.strip, text.splitlines())))
