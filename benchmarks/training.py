"""Training speed of a recipe's stage, compared with a bare loop over the same compiled step, and with PyTorch.

    python benchmarks/training.py [--recipe sam_small_x8_utkface] [--stage 1] [--rounds 5] [--steps 10] [--json FILE]

``train`` is what ``facesr train`` runs between two checks: drawing and augmenting images, the step, and checking its figures.
``loop`` repeats the step on one batch, ``torch`` does so on PyTorch, and ``images`` only makes the batches. Each has a process
of its own, and they take turns, as in ``runtimes.py``. All images are the built-in face.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from turns import Worker, compared

from keras_facesr.data.files import written_whole
from keras_facesr.training import recipes

KINDS = {"train": "tensorflow", "loop": "tensorflow", "torch": "torch", "images": "tensorflow"}  # and the Keras backend of each
WIDTH = 100  # columns of the table, also in a file or a pipe
WORKER = Path(__file__).with_name("training_worker.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="sam_small_x8_utkface", metavar="NAME")
    parser.add_argument("--stage", type=int, default=1, metavar="N", help="of the recipe, counted from 1")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns of each (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="training steps of a turn (default: %(default)s)")
    parser.add_argument("--kinds", default=",".join(KINDS), metavar="NAME,...", help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples, too")
    args = parser.parse_args()
    stages = recipes.find(args.recipe).stages
    kinds = args.kinds.split(",")
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        parser.error(f"unknown {unknown[0]!r}: there are {', '.join(KINDS)}")
    if not 1 <= args.stage <= len(stages):
        parser.error(f"{args.recipe} has {len(stages)} stages")
    with tempfile.TemporaryDirectory() as folder:
        seconds = measured(kinds, args, folder)
    images = stages[args.stage - 1].batch_size * args.steps
    report = {
        "recipe": args.recipe,
        "stage": args.stage,
        "rounds": args.rounds,
        "kinds": {kind: summary(seconds[kind], seconds[kinds[0]], images) for kind in kinds},
        "seconds": seconds,
    }
    Console(width=max(WIDTH, Console().width)).print(table(report))
    if args.json:
        with written_whole(args.json) as temporary:
            temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def measured(kinds, args, folder):
    """{kind: [seconds of each turn]}."""
    console = Console(stderr=True)
    workers = {}
    for kind in track(kinds, "start", console=console, transient=True):
        command = [sys.executable, WORKER, kind, args.recipe, str(args.stage), folder]
        environment = {**os.environ, "KERAS_BACKEND": KINDS[kind], "KERAS_FACESR_CACHE": str(Path(folder) / "cache")}
        workers[kind] = Worker(kind, command, folder, environment)
    seconds = {kind: [] for kind in kinds}
    try:
        for _ in track(range(args.rounds), "measure", console=console, transient=True):
            for kind, worker in workers.items():
                seconds[kind].append(worker.ask(steps=args.steps)["seconds"])
    finally:
        for worker in workers.values():
            worker.stop()
    return seconds


def summary(seconds, reference, images):
    """Seconds, images per second, and the reference's speed as a multiple of this one, with its spread."""
    figures = compared(seconds, reference)
    return figures | {"images per second": images / figures["median"]}


def table(report):
    first = next(iter(report["kinds"]))
    ratio = f"{first}'s speed over it (middle half of {report['rounds']} rounds)"
    title = f"{report['recipe']}, stage {report['stage']}"
    sheet = Table("", "images/s", ratio, title=title, title_justify="left", box=None, pad_edge=False)
    for kind, figures in report["kinds"].items():
        low, high = figures["spread"]
        sheet.add_row(kind, f"{figures['images per second']:.1f}", f"{figures['ratio']:.2f} ({low:.2f}-{high:.2f})")
    return sheet


if __name__ == "__main__":
    main()
