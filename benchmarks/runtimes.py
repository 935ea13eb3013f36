"""Measure one released network in every runtime: load time, latency, throughput and peak memory, also as ratios to Keras.

    python benchmarks/runtimes.py [--model sam] [--size 16] [--rounds 10] [--runtimes keras,litert,...] [--json FILE]

Each runtime has a process of its own, so none shares memory or threads with another. The processes are started one after the
other and then take turns, one call each in a round. So other work on the machine affects all of them alike, and a round's ratio
to Keras tells more than milliseconds. If ``spread`` is wide, measure again.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table
from turns import Worker, compared

from keras_facesr import presets
from keras_facesr.data.files import written_whole

RUNTIMES = {
    "keras": "tensorflow",
    "savedmodel": "tensorflow",
    "litert": "ai-edge-litert",
    "litert-fixed": "ai-edge-litert",
    "onnx": "onnxruntime",
    "torch": "torch",
}
BATCHES = (1, 8)
WIDTH = 110  # columns of the table, also in a file or a pipe
EXPORTS = {
    "savedmodel": ["model"],
    "litert": ["model.tflite", "--quantize", "float16"],
    "litert-fixed": ["fixed.tflite", "--quantize", "float16", "--size", "{size}"],  # one size, one face at a time
    "onnx": ["model.onnx"],
}
WORKER = Path(__file__).with_name("runtimes_worker.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="sam", metavar="NAME", help="see `facesr models` (default: %(default)s)")
    parser.add_argument("--size", type=int, metavar="N", help="side of the input in pixels (default: the model's own faces)")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="calls of each kind (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads (default: the runtimes' own choice)")
    parser.add_argument("--runtimes", default=",".join(RUNTIMES), metavar="NAME,...", help="(default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples, too")
    args = parser.parse_args()
    names = args.runtimes.split(",")
    if unknown := [name for name in names if name not in RUNTIMES]:
        parser.error(f"unknown runtime {unknown[0]!r}: there are {', '.join(RUNTIMES)}")
    preset = presets.find(args.model)
    size = args.size or max(preset.hr_size if isinstance(preset.hr_size, tuple) else (preset.hr_size or 128,)) // preset.scale
    with tempfile.TemporaryDirectory() as folder:
        samples = measured(names, preset.name, size, args.rounds, args.threads, folder)
    report = {
        "model": preset.name,
        "size": size,
        "rounds": args.rounds,
        "machine": {"processor": platform.processor() or platform.machine(), "python": platform.python_version()},
        "versions": {name: version(RUNTIMES[name]) for name in names},
        "runtimes": {name: summary(samples[name], samples[names[0]]) for name in names},
        "samples": samples,
    }
    Console(width=max(WIDTH, Console().width)).print(table(report))
    if args.json:
        with written_whole(args.json) as temporary:
            temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def measured(names, model, size, rounds, threads, folder):
    """{runtime: {"load": [s], "memory": [MB], "batch 1": [s, ...], "batch 8": [s, ...]}}; the runtimes' calls take turns."""
    console = Console(stderr=True)
    workers = {
        name: started(name, model, size, threads, folder) for name in track(names, "load", console=console, transient=True)
    }
    samples = {name: {"load": [worker.ready["load"]]} for name, worker in workers.items()}
    try:
        for _ in track(range(rounds), "measure", console=console, transient=True):
            for batch in BATCHES:
                for name, worker in workers.items():
                    samples[name].setdefault(f"batch {batch}", []).append(worker.ask(batch=batch)["seconds"])
        for name, worker in workers.items():
            samples[name]["memory"] = [worker.ask()["megabytes"]]
    finally:
        for worker in workers.values():
            worker.stop()
    return samples


def started(runtime, model, size, threads, folder):
    """Start ``runtimes_worker.py`` for one runtime."""
    file = exported(runtime, model, size, folder)
    return Worker(runtime, [sys.executable, WORKER, runtime, model, file, str(size), str(threads)], folder)


def exported(runtime, model, size, folder):
    """Path of the file that a runtime loads, or an empty string; another process writes it, as this takes memory."""
    if runtime not in EXPORTS:
        return ""
    name, *options = EXPORTS[runtime]
    file = str(Path(folder) / name)
    command = [sys.executable, "-m", "keras_facesr", "export", model, file, *(option.format(size=size) for option in options)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stderr.strip())
    return file


def summary(samples, reference):
    """Medians, and ratios to the reference with their spread; below 1 is better."""
    figures = {name: compared(values, reference[name]) for name, values in samples.items()}
    largest = max(BATCHES)
    return figures | {"faces per second": largest / figures[f"batch {largest}"]["median"]}


def table(report):
    first = next(iter(report["runtimes"]))
    title = (
        f"{report['model']}, {report['size']}x{report['size']} px; ratios to {first}, middle half of {report['rounds']} rounds"
    )
    sheet = Table("runtime", title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("load, s", "batch 1, ms", "ratio", "batch 8, ms", "ratio", "faces/s", "peak, MB", "ratio"):
        sheet.add_column(heading, justify="right", no_wrap=True)
    for name, figures in report["runtimes"].items():
        cells = [f"{figures['load']['median']:.2f}"]
        for batch in BATCHES:
            found = figures[f"batch {batch}"]
            low, high = found["spread"]
            cells += [f"{1e3 * found['median']:.1f}", f"{found['ratio']:.2f} ({low:.2f}-{high:.2f})"]
        memory = figures["memory"]
        cells += [f"{figures['faces per second']:.1f}", f"{memory['median']:.0f}", f"{memory['ratio']:.2f}"]
        sheet.add_row(name, *cells)
    return sheet


if __name__ == "__main__":
    main()
