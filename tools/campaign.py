"""Train a queue of recipes one after the other, at low priority; a run that was stopped is resumed.

    python tools/campaign.py QUEUE RUNS_DIR [--niceness 10]

QUEUE is a text file with a line for each run: the recipe, its data, and the number of images that its network sees, if that
differs from the recipe's. Empty lines and text after a # are ignored.

    sam_small_x8          ~/data          1024000
    cagface_small_x4      ~/data/large    # the recipe's own budget

Each run has the folder RUNS_DIR/<recipe> (``keras_facesr.training.train``). Finished runs are skipped, stopped runs resumed,
and a failed run is reported before the next one starts; the exit code is then 1. So the command can be given again at any
time, with lines added or moved. ``tools/release.py`` makes presets of finished runs, with the curve of their training.
"""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from keras_facesr.errors import CallError, FacesrError, TrainingStopped, end_in_a_line
from keras_facesr.training import recipes
from keras_facesr.training.run import train

FAILED, STOPPED = 1, 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("queue", type=Path)
    parser.add_argument("runs_dir", type=Path)
    parser.add_argument("--niceness", type=int, default=10, help="of the trainings, 0 to 19 (default: %(default)s)")
    parser.add_argument("--only", metavar="LINE", help=argparse.SUPPRESS)  # the argument of each run's own process
    args = parser.parse_args()
    end_in_a_line()
    if args.only:
        sys.exit(run(args.only, args.runs_dir))
    os.nice(args.niceness)
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl+C reaches the training as well, which saves its state
    tried, failed = set(), []
    while waiting := [line for line in lines(args.queue) if line not in tried and not has_ended(line, args.runs_dir)]:
        line = waiting[0]  # the file is read again after each run
        tried.add(line)
        print(f"== {line}", flush=True)
        command = [sys.executable, __file__, args.queue, args.runs_dir, "--only", line]
        code = subprocess.run(command, check=False).returncode
        if code == STOPPED:
            sys.exit(STOPPED)
        if code:
            failed.append(line.split()[0])
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        sys.exit(FAILED)


def lines(queue):
    """The runs of a queue, one text for each, with its parts separated by single blanks."""
    texts = (line.split("#")[0].split() for line in queue.read_text().splitlines())
    return [" ".join(text) for text in texts if text]


def run_dir(line, runs_dir):
    return runs_dir / line.split()[0]


def has_ended(line, runs_dir):
    return (run_dir(line, runs_dir) / "config.json").exists()


def run(line, runs_dir):
    """Train the run of a line; returns the exit code of its process."""
    name, *others = line.split()
    folder = run_dir(line, runs_dir)
    try:
        recipe = recipes.find(name)
        if len(others) not in (1, 2) or not all(map(str.isdecimal, others[1:])):
            raise CallError(f"a line is RECIPE DATA_DIR [IMAGES], without blanks in them, not {line!r}")
        data_dir, *images = others
        recipe = recipe.for_images(int(images[0])) if images else recipe
        train(recipe, Path(data_dir).expanduser(), folder, resume=(folder / "recipe.json").exists())
    except (TrainingStopped, KeyboardInterrupt) as stopped:
        print(stopped if stopped.args else f"{name}: stopped", file=sys.stderr)
        return STOPPED
    except FacesrError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    main()
