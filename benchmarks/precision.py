"""Training losses in mixed precision compared with those in float32: the same recipe, faces, order and noise.

    python benchmarks/precision.py RECIPE=DATA_DIR ... [--steps 200] [--precision mixed_bfloat16] [--json FILE]

Every stage of a recipe takes ``--steps`` steps by ``facesr train``'s own code, and starts from the weights of the stage before
in the same precision. The networks that make a recipe's small faces or attention maps compute in it as well. A stage's warm-up
and decay are scaled down to the steps that it takes. Figures are means over the last quarter of the steps.
"""

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from keras_facesr.data.files import written_whole
from keras_facesr.training import recipes
from keras_facesr.training.run import train

QUARTERS = 4


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", metavar="RECIPE=DATA_DIR")
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="of each stage (default: %(default)s)")
    parser.add_argument("--precision", default="mixed_bfloat16", help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, too")
    args = parser.parse_args()
    if args.steps % QUARTERS:
        parser.error(f"{args.steps} steps cannot be parted in {QUARTERS}")
    found = {}
    for run in args.runs:
        name, _, data_dir = run.partition("=")
        recipe = shortened(recipes.find(name), args.steps)
        found[name] = compared(*(losses(recipe, data_dir, precision) for precision in ("float32", args.precision)))
    Console().print(table(found, args.precision))
    if args.json:
        with written_whole(args.json) as temporary:
            temporary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def shortened(recipe, steps):
    """The recipe with so many steps in every stage, and a check after every quarter of them."""
    stages = [dataclasses.replace(stage, steps=steps, check_every=steps // QUARTERS, keep="last") for stage in recipe.stages]
    return dataclasses.replace(recipe, stages=tuple(stages), validation_images=8)


def losses(recipe, data_dir, precision):
    """The loss of each stage's last quarter."""
    with tempfile.TemporaryDirectory() as folder:
        train(recipe, data_dir, Path(folder) / "run", precision=precision)
        rows = map(json.loads, (Path(folder) / "run" / "history.jsonl").read_text(encoding="utf-8").splitlines())
        return list({row["stage"]: row["loss"] for row in rows}.values())


def compared(plain, mixed):
    """[{loss in float32, in the other precision, relative difference}, ...], one for each stage."""
    return [{"float32": a, "mixed": b, "difference": b / a - 1} for a, b in zip(plain, mixed, strict=True)]


def table(found, precision):
    sheet = Table("", "stage", "loss in float32", f"in {precision}", "difference", box=None, pad_edge=False)
    for name, stages in found.items():
        for k, row in enumerate(stages, 1):
            sheet.add_row(name, str(k), f"{row['float32']:.5f}", f"{row['mixed']:.5f}", f"{100 * row['difference']:+.2f} %")
    return sheet


if __name__ == "__main__":
    main()
