"""The command line: its commands, and their exit codes.

0: all done; 1: an input failed, or an answer exists already; 2: a wrong call.

Nothing heavy is imported before it is needed, so that help and the list of models answer at once.
"""

import signal
import sys

from keras_facesr.cli import compare, console, evaluate, export, import_, models, page, photo, table, train, upscale, video
from keras_facesr.cli.arguments import Parser
from keras_facesr.errors import CallError, ExportError, TableError, TrainingError
from keras_facesr.termination import when_asked_to_end
from keras_facesr.version import __version__

COMMANDS = {  # each has a SUMMARY, ``add_options(option)`` and ``run(args)``, which returns the exit code
    "models": models,
    "upscale": upscale,
    "photo": photo,
    "video": video,
    "compare": compare,
    "evaluate": evaluate,
    "export": export,
    "import": import_,
    "demo": page,
    "train": train,
    "table": table,
}


def main(argv=None):
    """Run one command line (by default the process's own) and return its exit code."""
    # SIGTERM ends a command as Ctrl+C does: what is half written is removed, what is done stays.
    with (
        when_asked_to_end(signal.default_int_handler, signal.SIGTERM),
        console.unfailing_streams(),
        console.warnings_in_a_line(),
    ):
        args = parser().parse_args(argv)
        try:
            console.check_json(args)
            code = args.run(args)
        except KeyboardInterrupt as stopped:  # a training says what it has saved
            print(f"facesr: {stopped if stopped.args else 'stopped'}", file=sys.stderr)
            return 130
        except Exception as error:
            console.report(error, args.debug)
            return 2 if isinstance(error, (CallError, TableError, TrainingError, ExportError)) else 1
        if error := console.lost():
            print(f"facesr: not all of this could be printed ({error.strerror}); what is written is whole", file=sys.stderr)
        return code


def parser():
    """The parser of the command line. The parsed arguments are the options and ``run``, the command's function."""
    parser = Parser("facesr", description="Small faces in, large faces out, with released weights.")
    parser.add_argument("--version", action="version", version=f"facesr {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.SUMMARY, description=command.SUMMARY)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        command.add_options(sub.add_argument)
        sub.set_defaults(run=command.run)
    return parser
