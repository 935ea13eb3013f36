"""Draw each released network's gain over bicubic against its cost, in multiply-adds and in milliseconds.

    python tools/chart.py [--rounds 20] [--json FILE]

It writes docs/figures/quality_and_cost.svg. Networks trained on degraded faces are left out: their gains are measured on such
faces and cannot be compared. Gains are those of the model cards; costs are for one face of the size measured there. The
networks take turns, call by call, and each one's shortest time counts, as other work on the machine only adds to it.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import LogLocator, NullFormatter  # noqa: E402

from keras_facesr import presets  # noqa: E402
from keras_facesr.data.files import written_whole  # noqa: E402
from keras_facesr.metrics.costs import multiply_adds  # noqa: E402

TARGET = Path(__file__).parents[1] / "docs" / "figures" / "quality_and_cost.svg"
COLOURS = {4: "tab:blue", 8: "tab:orange", 16: "tab:green"}
COSTS = {"multiply_adds": "multiply-adds for one face, millions", "milliseconds": "milliseconds for one face"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="calls of each network (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the points, too")
    args = parser.parse_args()
    released = [preset for preset in map(presets.find, presets.list_models()) if preset.enlarges_faces and compares(preset)]
    points = [point(preset) for preset in released]
    for row, least in zip(points, milliseconds(released, points, args.rounds)):
        row["milliseconds"] = least
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    matplotlib.rcParams["svg.hashsalt"] = TARGET.stem  # the same points make the same file
    with written_whole(TARGET) as temporary:
        drawn(points).savefig(temporary, format="svg", metadata={"Date": None})
    machine = {"processor": platform.machine(), "cores": len(os.sched_getaffinity(0))}
    text = json.dumps({"machine": machine, "rounds": args.rounds, "points": points}, indent=2)
    print(text)
    if args.json:
        with written_whole(args.json) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def compares(preset):
    """Whether its card has figures that can be compared: of faces reduced by bicubic interpolation."""
    return preset.figures and "real_faces" not in preset.figures


def point(preset):
    """A network's gain by its card, and its cost for one face of the size measured there, the first if there are several."""
    hr_size = [int(side) for side in np.broadcast_to(preset.figures["protocol"]["hr_size"], 2)]
    lr_size = [side // preset.scale for side in hr_size]
    cost = multiply_adds(preset.build(), *lr_size) / 1e6
    return {
        "model": preset.name,
        "scale": preset.scale,
        "lr_size": lr_size,
        "hr_size": hr_size,
        "gain_db": preset.gain,
        "multiply_adds": cost,
    }


def milliseconds(released, points, rounds):
    """The shortest time of each network's ``rounds`` calls on one face. The networks take turns; first calls do not count."""
    models = [presets.load(preset.name) for preset in released]
    faces = [np.random.default_rng(0).random((1, *row["lr_size"], 3), "float32") for row in points]
    taken = []
    for _ in range(rounds + 1):
        taken.append([])
        for model, face in zip(models, faces):
            started = time.perf_counter()
            model.predict_on_batch(face)
            taken[-1].append(1e3 * (time.perf_counter() - started))
    return np.min(taken[1:], axis=0).tolist()


def drawn(points):
    """Two panels of numbered points, and the list of the networks' numbers."""
    points = sorted(points, key=lambda row: (row["scale"], -row["gain_db"]))
    figure, (*panels, key) = plt.subplots(1, 3, figsize=(12, 4.2), width_ratios=(4, 4, 3), layout="constrained")
    panels[1].sharey(panels[0])
    for panel, (cost, label) in zip(panels, COSTS.items()):
        for number, row in enumerate(points, 1):
            place = (row[cost], row["gain_db"])
            panel.scatter(*place, s=130, color=COLOURS.get(row["scale"], "black"), edgecolors="white", zorder=2)
            panel.annotate(number, place, color="white", fontsize=7, ha="center", va="center_baseline", zorder=3)
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_major_formatter("{x:,g}")
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.tick_params(axis="x", labelsize=8)
        panel.set_xlabel(label)
        panel.grid(alpha=0.3)
        panel.margins(x=0.15, y=0.15)
    panels[0].set_ylabel("PSNR, gain over bicubic, dB")
    key.axis("off")
    for number, row in enumerate(points, 1):
        size = "{1}x{0}".format(*row["hr_size"])
        text = f"{number}  {row['model']}, x{row['scale']} to {size} px"
        place = (0, 1 - (number - 0.5) / max(len(points), 12))
        key.text(*place, text, color=COLOURS.get(row["scale"], "black"), fontsize=8, va="center", transform=key.transAxes)
    return figure


if __name__ == "__main__":
    main()
