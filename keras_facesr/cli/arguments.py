"""Parsing of a command line: errors in one line, and the types of the options' values."""

import argparse
import json
import re
import sys
from pathlib import Path


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong with a call."""

    def __init__(self, *args, **how):
        super().__init__(*args, **how)
        self.register("action", None, Once)

    def parse_args(self, args=None, namespace=None):
        args = sys.argv[1:] if args is None else args
        if any(re.fullmatch("(--[a-z-]+=)?", given) for given in args):  # as a path it would be the folder one is in
            self.error("an argument is empty, perhaps by a variable that is not set")
        parsed, left = self.parse_known_args(args, namespace)
        if left:
            apart = any(word.startswith("-") for word in left)
            advice = "" if apart else ": inputs stand side by side, all options before or after them"
            self.error(f"unrecognized arguments: {' '.join(left)}{advice}")
        return parsed

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class Once(argparse.Action):
    """Stores an argument's value. It refuses an option that is given twice: else the first value would be dropped silently."""

    def __call__(self, parser, namespace, values, option=None):
        given = namespace.__dict__.setdefault("given", set())
        if option in given:
            parser.error(f"{option} is given twice, and takes one value")
        given.update(self.option_strings)
        setattr(namespace, self.dest, values)


MODELS = {  # how ``--model`` is parsed where several may be named
    "required": True,
    "type": lambda text: [name.strip() for name in text.split(",")],
    "action": "extend",
    "metavar": "NAME[,NAME...]",
    "help": "models of one scale, or runs' folders without commas; may be repeated",
}


def report_options(option):
    """The options of a command whose result is a figure or a file."""
    option("--json", type=local, metavar="FILE", help="write the result as JSON, to stdout for -")
    option("--overwrite", action="store_true", help="replace files that exist already")


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def natural(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def size(text):
    """(height, width) from N, a square, or from HxW."""
    sides = text.split("x")
    if len(sides) > 2 or not all(sides):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a side nor HxW, a height and a width")
    return positive(sides[0]), positive(sides[-1])


def local(text):
    """The name of a file or folder of this machine; taken for one, an object store's address would be a folder "s3:"."""
    if "://" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is an address: give a path of this machine, facesr upscale takes others")
    return text


def local_path(text):
    return Path(local(text))


def address(text):
    """host:port, or "local", which an option without a value stands for."""
    host, _, number = text.rpartition(":")
    if text != "local" and not (host and number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no host:port; without one, give the option last")
    return text


def setting(text):
    """(name, value) from NAME=VALUE; the value is a number, or numbers in brackets."""
    name, _, written = text.partition("=")
    try:
        value = json.loads(written)
        if not all(type(number) in (int, float) for number in (value if isinstance(value, list) else [value])):
            raise ValueError("neither a number nor numbers in brackets")
        return name, value
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, such as residual_scaling=0.1") from error


def port(text):
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 1 to 65535")
    return int(text)
