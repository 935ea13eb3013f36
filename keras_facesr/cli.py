"""The ``facesr`` command: parses, calls, prints. Exit code 0: all done; 1: an input failed; 2: a wrong call.

Nothing heavy is imported before it is needed, so that help and the list of models answer at once.
"""

import argparse
import json
import os
import sys
import time
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path

from keras_facesr import __version__, presets
from keras_facesr.errors import ExportError, FacesrError, ImageError, PresetError, TableError, TrainingError, TrainingStopped
from keras_facesr.sizes import SizeWarning, size_remark

PATIENCE = 2.0  # seconds until a progress bar appears
RUNTIMES = ("auto", "keras", "litert", "onnx")


class CallError(FacesrError):
    """A call that cannot be carried out as written."""


def main(argv=None):
    """Run one command line (by default the process's own) and return its exit code."""
    args = _parser().parse_args(argv)
    try:
        if getattr(args, "json", None) not in (None, "-"):
            _check_new(Path(args.json), args.overwrite)
        with _warnings_in_a_line():
            return args.run(args)
    except KeyboardInterrupt:
        print("facesr: stopped", file=sys.stderr)
        return 130
    except Exception as error:
        _report(error, args.debug)
        return 2 if isinstance(error, (CallError, TableError, TrainingError, ExportError)) else 1


def _models(args):
    names = presets.list_models(args.pattern)
    if not names:
        raise CallError(f"no model matches {args.pattern!r}; `facesr models` lists all")
    found = [presets.find(name) for name in names]
    if args.json != "-":
        _print_models(found)
    _write_json(args, [_describe(preset) for preset in found])
    return 0


def _upscale(args):
    if args.demo and (args.inputs or args.samples or args.tile):
        raise CallError("--demo enlarges the built-in face alone: give it no pictures, --samples or --tile")
    if not args.demo and not args.inputs:
        raise CallError("nothing to enlarge: give INPUT, a picture or a folder, or --demo")
    if not args.demo and args.out is None:
        raise CallError("nowhere to write: give -o OUT_DIR")
    if args.samples and args.tile:
        raise CallError("--samples and --tile exclude each other: a sample is of one whole face")
    if args.out and args.out.exists() and not args.out.is_dir():
        raise CallError(f"{args.out}: is a file; -o takes a folder")
    preset = _preset(args.model)
    return _demo(args, preset) if args.demo else _upscale_files(args, preset)


def _upscale_files(args, preset):
    failed, done, odd = [], [], []

    def fail(name, error):
        _report(error, args.debug, name)
        failed.append({"input": name, "error": _one_line(error, name)})

    files = _find_files(args.inputs, args.out, fail)
    runtime, model = _in_runtime(args, preset)
    if args.samples and not model.is_stochastic:
        raise CallError(f"{args.model} has one answer for each face: --samples needs a stochastic model")
    warnings.simplefilter("ignore", SizeWarning)  # named with the file here
    with _progress("upscale", len(files)) as show:
        for index, (file, stem) in enumerate(zip(files, _distinct_stems(files))):
            try:
                written = _upscale_file(args, model, file, stem, lambda part: show(index + part), odd)
                done.append({"input": str(file), "outputs": [str(path) for path in written]})
                if args.json != "-":
                    _say(f"{file} -> {', '.join(done[-1]['outputs'])}")
            except Exception as error:  # whatever is wrong with one picture, the others are done
                fail(str(file), error)
            show(index + 1)
    if len(failed) > 1:
        print(f"facesr: {len(failed)} of {len(failed) + len(done)} pictures failed", file=sys.stderr)
    if len(odd) > 1:
        print(f"facesr: {len(odd)} of {len(files)} pictures have another size than the model's own", file=sys.stderr)
    report = {"model": preset.name, "scale": model.scale, "runtime": runtime, "done": done, "failed": failed}
    _write_json(args, {**report, "other_sizes": odd})
    return 1 if failed else 0


def _upscale_file(args, model, file, stem, show, odd):
    """Enlarge one file; returns the paths written. ``show`` takes the part done, 0 to 1; ``odd`` gets a file of an odd size."""
    from keras_facesr.data.images import read_picture, write_png
    from keras_facesr.inference import enlarge_picture, sample_picture

    numbers = [f"_{k}" for k in range(1, args.samples + 1)] if args.samples else [""]
    targets = [args.out / f"{stem}_{_short(args.model)}{number}.png" for number in numbers]
    for target in targets:
        _check_new(target, args.overwrite)  # before the work; write_png checks again
    picture = read_picture(file)
    if remark := size_remark(model, *picture.rgb.shape[:2]):
        if not odd:
            print(f"facesr: {file}: {remark}", file=sys.stderr)
        odd.append(str(file))
    if args.samples:
        images = sample_picture(model, picture, args.samples, args.seed)
    else:
        images = [enlarge_picture(model, picture, args.tile, lambda done, total: show(done / total))]
    return [write_png(target, pixels, args.overwrite, picture) for target, pixels in zip(targets, images)]


def _demo(args, preset):
    if not preset.enlarges_faces:
        raise CallError(f"--demo enlarges a face, and {preset.name} was not made for faces: give it pictures of your own")
    target = (args.out or Path()) / f"demo_{_short(args.model)}.png"
    _check_new(target, args.overwrite)
    runtime, model = _in_runtime(args, preset)

    import numpy as np

    from keras_facesr.data.images import write_png
    from keras_facesr.inference import demonstrate

    picture, figures = demonstrate(model, args.model, preset.demo_size, preset.framing)
    write_png(target, np.asarray(picture), args.overwrite)
    if args.json != "-":
        rows = "; ".join(f"{name} {figures[name]['psnr']:.2f} dB" for name in (args.model, "bicubic"))
        _say(f"{target}: LR, bicubic, {args.model}, truth; x{model.scale} to {figures['hr_size']} pixels")
        print(f"gain of {args.model} over bicubic: {figures['gain_db']:+.2f} dB ({rows})")
    _write_json(args, {"model": preset.name, "runtime": runtime, "output": str(target), **figures})
    return 0


def _evaluate(args):
    names = args.model.split(",")
    found = [_preset(name) for name in names]
    scale = _common(found, "scale", "one evaluation has one scale")
    hr_size = args.hr_size or _common(found, "hr_size", "give --hr-size")

    from keras_facesr.inference import KerasMethod
    from keras_facesr.metrics.report import format_table

    def start():
        """The methods by name; started when the data and the call are known to be right."""
        used, models = zip(*(_in_runtime(args, preset) for preset in found))
        runtimes.update(zip(names, used))
        return {name: KerasMethod(model) for name, model in zip(names, models)}

    runtimes = {}
    measure = _measure_unpaired if args.clean else _measure
    report, failed = measure(args, scale, hr_size, start)
    if len(failed) > 1:
        print(f"facesr: {len(failed)} pictures are left out", file=sys.stderr)
    report["runtimes"] = runtimes
    if args.json != "-":
        from rich.console import Console

        Console().print(format_table(report))
        if {*runtimes.values()} != {"keras"}:
            _say("; ".join(f"{name} by {runtime}" for name, runtime in runtimes.items()))
    _write_json(args, report)
    return 1 if failed else 0


def _measure(args, scale, hr_size, start):
    """The report on pairs made of a set's faces, and the files that could not be used."""
    from keras_facesr.data.datasets import ArraySet, open_dataset, spread
    from keras_facesr.data.degrade import ALIASED
    from keras_facesr.data.images import read_picture
    from keras_facesr.metrics.protocol import Protocol, evaluate

    try:
        protocol = Protocol(scale, hr_size, args.colour, antialias=args.degradation != ALIASED)
    except FacesrError as error:
        raise CallError(str(error)) from error
    faces = spread(open_dataset(args.data_dir, split="test"), args.limit)
    how = {"samples": args.samples, "seed": args.seed}
    how |= _published(args, min(protocol.hr_shape) if hr_size else None)  # before what starts TensorFlow
    how |= _judge(args, faces)
    if args.degradation and protocol.antialias:
        how["degradation"] = _degradation(args, scale)
    methods = start()
    if args.samples and not any(method.is_stochastic for method in methods.values()):
        raise CallError(f"--samples needs a stochastic model; {args.model} has one answer for each face")
    failed = []

    def readable():
        if isinstance(faces, ArraySet):
            yield from faces.rgb()
            return
        for file in faces.files:
            try:
                rgb = read_picture(file).rgb
                protocol.pair(rgb)  # refuses what is too small to measure on, while the file is known
                yield rgb
            except FacesrError as error:
                _report(error, args.debug, str(file))
                failed.append(file)

    with _progress("evaluate", len(faces)) as show:
        return evaluate(methods, readable(), protocol, on_image=show, **how), failed


def _measure_unpaired(args, scale, hr_size, start):
    """The report on real small faces beside clean ones, and the files that could not be used."""
    if not args.judge:
        raise CallError("--clean compares sets of faces by what a network sees in them: give --judge, such as face_features")
    if args.samples or args.degradation or args.lpips or args.colour != "rgb":
        raise CallError("--clean excludes --samples, --degradation, --lpips and --colour: real small faces have no truth")
    if not isinstance(hr_size, int) or hr_size % scale:  # licence plates' digits have two sides
        raise CallError(f"--hr-size N is the side of the enlarged faces here, a multiple of the scale {scale}")

    from keras_facesr.data.cache import decoded
    from keras_facesr.data.datasets import open_dataset, spread
    from keras_facesr.metrics.unpaired import evaluate_unpaired

    real = spread(open_dataset(args.data_dir, split="test"), args.limit)
    published = _published(args, hr_size)  # before what starts TensorFlow
    judge = _judge(args, real).get("judge")
    if judge is None:
        raise CallError(f"{args.judge} reads digits: faces are judged by a network such as face_features")
    small, failed = decoded(real, hr_size // scale)
    others = spread(open_dataset(args.clean, split="test"), args.limit)
    clean, failed_clean = decoded(others, hr_size)
    failed = [real.root / name for name in failed] + [others.root / name for name in failed_clean]
    for file in failed:
        _report(FacesrError("left out, it cannot be read as a picture"), args.debug, str(file))
    with _progress("evaluate", len(small)) as show:
        return evaluate_unpaired(start(), small, clean, scale, judge, **published, on_image=show), failed


def _degradation(args, scale):
    """The styleVAE that spoils the faces which ``evaluate`` reduces."""
    from keras_facesr.inference import KerasDegradation

    preset = _preset(args.degradation, "degradation")
    if preset.config["scale"] != scale:
        raise CallError(f"{args.degradation} reduces {preset.config['scale']} times, the models enlarge {scale} times")
    return KerasDegradation(preset.name, _load(args, preset))


def _judge(args, faces):
    """What else ``evaluate`` shall look at the answers with, as its arguments."""
    if not args.judge:
        return {}
    from keras_facesr.data.datasets import ArraySet
    from keras_facesr.inference import KerasJudge, KerasReader

    preset = _preset(args.judge, "face attributes", "digit reading")
    if preset.task == "face attributes":
        return {"judge": KerasJudge(args.judge, _load(args, preset))}
    if not isinstance(faces, ArraySet):
        raise CallError(f"{args.judge} reads digits, and {args.data_dir} holds none")
    return {"reader": KerasReader(args.judge, _load(args, preset)), "labels": faces.labels}


def _published(args, side):
    """LPIPS and FID's network, as far as they are asked for, as arguments of ``evaluate``; ``side`` is the true pictures'."""
    if not (args.lpips or args.fid):
        return {}
    from keras_facesr.metrics.published import LPIPS, LPIPS_LEAST, Inception

    if args.lpips and side and side < LPIPS_LEAST:
        raise CallError(f"--lpips takes pictures of {LPIPS_LEAST} pixels a side and more, these have {side}")
    with _waiting("starting PyTorch", args.debug):
        return {**({"lpips": LPIPS()} if args.lpips else {}), **({"inception": Inception()} if args.fid else {})}


def _train(args):
    _start_keras(args.debug)
    from keras_facesr.training import train

    names = ("epochs", "resume", "strategy", "degradation", "precision", "accumulation")
    try:
        train(args.recipe, args.data_dir, args.out, **{name: getattr(args, name) for name in names})
    except TrainingStopped as stopped:
        print(f"facesr: {stopped}", file=sys.stderr)
    return 0


def _table(args):
    from keras_facesr import tables

    table = tables.find(args.name)
    target = args.write or args.out / f"{table.name}.md"
    _check_new(target, args.overwrite)
    _start_keras(args.debug)
    from keras_facesr.data.images import written_whole
    from keras_facesr.tables.markdown import markdown
    from keras_facesr.tables.run import run

    def say(line):
        print(line, file=sys.stderr)

    how = {"say": say, "progress": lambda what: _progress(what, None)}
    try:
        report = run(table, args.data_dir, args.out, args.budget, args.limit, **how)
    except TrainingStopped as stopped:
        say(f"facesr: {stopped}")
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(target) as temporary:
        temporary.write_text(markdown(report), encoding="utf-8")
    if args.json != "-":
        _say(markdown(report))
    _write_json(args, report)
    return 0


def _export(args):
    preset = _preset(args.model)
    if args.quantize == "int8" and not (args.calibration and args.size):
        raise CallError("--quantize int8 needs --calibration DIR, a folder of faces, and --size N")
    if args.calibration and args.quantize != "int8":
        raise CallError("--calibration is for --quantize int8 alone")
    _check_new(Path(args.out), args.overwrite)
    calibration, failed = _calibration(args) if args.calibration else (None, [])
    model = _load(args, preset)
    from keras_facesr.exporting import export

    how = {"quantize": args.quantize, "size": args.size, "calibration": calibration, "sampler": args.sampler}
    with _waiting("writing and proving", args.debug):
        report = export(model, args.out, args.format, overwrite=args.overwrite, **how)
    if args.json != "-":
        near = f"{report['psnr']:.1f} dB from" if "psnr" in report else f"within {report['difference']:.2g} of"
        _say(f"{args.out}: {report['bytes'] / 1e6:.1f} MB, {near} the Keras model on {report['images']} images")
    _write_json(args, {"model": preset.name, **report})
    return 1 if failed else 0


def _calibration(args):
    """Faces from the whole folder for int8 to find its ranges on, uint8 (N, H, W, 3), and the files that are no pictures."""
    import numpy as np

    from keras_facesr.data.datasets import open_dataset, spread
    from keras_facesr.data.degrade import centre_square, resize
    from keras_facesr.data.images import read_picture
    from keras_facesr.exporting import CALIBRATION_IMAGES

    faces, failed = [], []
    for file in spread(open_dataset(args.calibration), CALIBRATION_IMAGES).files:
        try:
            faces.append(resize(centre_square(read_picture(file).rgb), *args.size))
        except ImageError as error:
            _report(error, args.debug, str(file))
            failed.append(file)
    if not faces:
        raise CallError(f"{args.calibration}: none of its files can be read as a picture")
    return np.stack(faces), failed


def _page(args):
    preset = _preset(args.model)
    if preset.is_a_run:
        raise CallError(f"the page shows released models alone: facesr upscale --model {args.model} takes a run")
    if not preset.enlarges_faces:
        raise CallError(f"the page enlarges faces, and {preset.name} was not made for them: facesr upscale takes others")
    from keras_facesr.demo.page import serve

    _start_keras(args.debug)
    serve(preset.name, args.port, lambda url: print(f"the page is at {url} until Ctrl+C", flush=True))
    return 0


def _preset(name, *tasks):
    """The preset of a model for one of these tasks, by default for super-resolution."""
    tasks = tasks or ("super-resolution",)
    try:
        preset = presets.find(name)
    except PresetError as error:
        raise CallError(str(error)) from error
    if preset.task not in tasks:
        raise CallError(f"{name} is for {preset.task}, not for {' or '.join(tasks)}; `facesr models` lists all")
    return preset


def _short(model):
    """A model's name in those of files: a run's is that of its folder."""
    return Path(model).resolve().name


def _in_runtime(args, preset):
    """The name of the runtime that is asked for, or for "auto" is the fastest at hand, and the model in it."""
    from keras_facesr import runtimes

    if args.samples and args.runtime in runtimes.RUNTIMES:
        raise CallError(f"samples are drawn by Keras: --runtime {args.runtime} and --samples exclude each other")
    runtime = args.runtime
    if runtime == "auto":
        runtime = "keras" if args.samples else runtimes.fastest(preset)
    if runtime == "keras":
        return runtime, _load(args, preset)
    with _waiting(f"starting {runtime}", args.debug):
        return runtime, runtimes.load(preset, runtime)


def _load(args, preset):
    _start_keras(args.debug)
    return presets.load(preset.name)


def _start_keras(debug):
    """Import Keras and its backend, seconds of work, under a spinner and without TensorFlow's remarks."""
    if "keras" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if debug else "3")
        with _waiting("starting Keras", debug):
            import keras  # noqa: F401


@contextmanager
def _waiting(what, debug=False):
    """A spinner on the error stream, where TensorFlow's libraries and LiteRT write nothing meanwhile, at any log level."""
    from rich.console import Console

    with os.fdopen(os.dup(2), "w") as stderr, open(os.devnull, "w") as nowhere:
        if not debug:
            os.dup2(nowhere.fileno(), 2)
        try:
            with Console(file=stderr).status(what):
                yield
        finally:
            os.dup2(stderr.fileno(), 2)


def _find_files(inputs, out, fail):
    """All picture files that the arguments mean, but for earlier answers in ``out``; a folder without any fails by name."""
    from keras_facesr.data.images import find_images

    files, out = [], out.resolve()
    for named in inputs:
        found = find_images(named)
        if out.is_relative_to(Path(named).resolve()) and out != Path(named).resolve():
            found = [file for file in found if not file.resolve().is_relative_to(out)]
        if os.path.isdir(named) and not found:
            fail(named, FacesrError(f"{named}: no picture in this folder"))
        files += found
    return list(dict.fromkeys(files))


def _distinct_stems(files):
    """Stems for output names: a second face.png becomes face-2, as does FACE.png, for all file systems."""
    taken = set()
    for file in files:
        stem, number = file.stem, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{file.stem}-{number}"
        taken.add(stem.casefold())
        yield stem


def _common(found, attribute, advice):
    """The one value that all presets have in common."""
    values = {preset.name: getattr(preset, attribute) for preset in found}
    if len(set(values.values())) > 1:
        differing = ", ".join(f"{name} {value}" for name, value in values.items())
        raise CallError(f"the models differ in {attribute} ({differing}): {advice}")
    return next(iter(values.values()))


def _check_new(path, overwrite):
    if path.exists() and not overwrite:
        raise CallError(f"{path}: exists already; --overwrite replaces it")


def _write_json(args, result):
    """Print to stdout for ``-``, or write a file whole; nothing without ``--json``."""
    text = json.dumps(result, indent=2)
    if args.json == "-":
        print(text)
    elif args.json:
        from keras_facesr.data.images import written_whole

        path = Path(args.json)
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def _describe(preset):
    """A preset as plain data, as ``config.json`` has it."""
    entry = {"name": preset.name, "aliases": preset.aliases, "class": preset.class_name}
    names = "task config scale hr_size parameters description data terms recipe figures"
    entry |= {name: getattr(preset, name) for name in names.split()}
    exports = {runtime: vars(file) for runtime, file in preset.exports.items()}
    return {**entry, "weights": vars(preset.weights), "exports": exports}


def _print_models(found):
    """Two lines for each model: its figures in columns, then what it is."""
    names = [f"{preset.name} ({', '.join(preset.aliases)})" if preset.aliases else preset.name for preset in found]
    width = max(map(len, names))
    print(f"{'':<{width}}       scale       makes  parameters  over bicubic")
    for name, preset in zip(names, found):
        scale = f"x{preset.scale}" if preset.scale else "-"
        sides = preset.hr_size if isinstance(preset.hr_size, tuple) else 2 * (preset.hr_size,)
        size = "{}x{}".format(*sides) if preset.hr_size else "any"
        gain = "-" if preset.gain is None else f"{preset.gain:+.2f} dB"
        print(f"{name:<{width}}{scale:>12}{size:>12}{preset.parameters:>12,}{gain:>14}")
        print(f"    {preset.description}")


@contextmanager
def _warnings_in_a_line():
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


@contextmanager
def _progress(label, total):
    """Yield a function that takes how much is done: a bar on stderr, in a terminal, after ``PATIENCE``."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    bar = Progress(console=console, transient=True)
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


def _say(text):
    """A line on stdout, whatever bytes a file name is made of."""
    print(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _report(error, debug, name=""):
    """One line on stderr; the traceback before it if asked for."""
    if debug:
        traceback.print_exception(error)
    print(f"facesr: {_one_line(error, name)}", file=sys.stderr)


def _one_line(error, name=""):
    """An error as a sentence; one that nobody expected with its type and the file that it befell."""
    text = " ".join(str(error).split())
    if isinstance(error, FacesrError):
        return text if name in text else f"{name}: {text}"
    return f"{name or 'stopped'}: {type(error).__name__}: {text[:300]} (unexpected; --debug shows where)"


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _natural(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _size(text):
    """(height, width) of N, a square, or of HxW."""
    sides = [_positive(side) for side in text.split("x")]
    if len(sides) > 2:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a side nor HxW, a height and a width")
    return sides[0], sides[-1]


def _port(text):
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 1 to 65535")
    return int(text)


def _parser():
    parser = _Parser("facesr", description="Small faces in, large faces out, with released weights.")
    parser.add_argument("--version", action="version", version=f"facesr {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, summary, figures=True):
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        if figures:
            sub.add_argument("--json", metavar="FILE", help="write the result as JSON, to stdout for -")
            sub.add_argument("--overwrite", action="store_true", help="replace files that exist already")
        sub.set_defaults(run=run)
        return sub.add_argument

    option = command("models", _models, "List the released models.")
    option("pattern", nargs="?", default="*", metavar="PATTERN", help="such as '*x8*'")

    option = command("upscale", _upscale, "Enlarge pictures or folders into OUT_DIR/<stem>_<model>.png.")
    option("inputs", nargs="*", metavar="INPUT", help="picture or folder")
    option("--demo", action="store_true", help="compare on the built-in face: LR, bicubic, ours, truth")
    option("-o", "--out", type=Path, metavar="OUT_DIR", help="folder to write to (--demo: default .)")
    option("--model", default="sam", metavar="NAME", help="see `facesr models`; or a run's folder (default: %(default)s)")
    option("--samples", type=_positive, metavar="N", help="N plausible answers each, <stem>_<model>_<k>.png")
    option("--seed", type=_natural, default=0, metavar="N", help="of the samples (default: %(default)s)")
    option("--runtime", choices=RUNTIMES, default="auto", help="what runs the network (default: the fastest at hand)")
    option("--tile", type=_positive, metavar="N", help="cut larger pictures into squares of N input pixels")

    option = command("evaluate", _evaluate, "Measure models beside bicubic interpolation, by one protocol.")
    option("data_dir", metavar="DATA_DIR", help="data set or folder of faces; its test part, if it has one")
    option("--model", required=True, metavar="NAME[,NAME...]", help="models of one scale, or folders of runs without commas")
    option("--hr-size", type=_positive, metavar="N", help="side of the true image (default: the model's own)")
    option("--colour", choices=("rgb", "luma"), default="rgb", help="rgb (default) or BT.601 luma")
    option("--samples", type=_positive, default=0, metavar="N", help="also judge N samples per face")
    option("--seed", type=_natural, default=0, metavar="N", help="of the samples (default: %(default)s)")
    option("--judge", metavar="NAME", help="also judge by what this network sees or reads, such as face_features")
    option("--lpips", action="store_true", help="also LPIPS, from the truth (extra distances)")
    option("--fid", action="store_true", help="also FID, between the answers and the true faces (extra distances)")
    option("--degradation", metavar="NAME", help="style or another styleVAE, or aliased, in place of bicubic")
    option("--clean", metavar="CLEAN_DIR", help="DATA_DIR holds real small faces: judge the enlarged ones beside these as sets")
    option("--runtime", choices=RUNTIMES, default="keras", help="what runs the networks (default: %(default)s)")
    option("--limit", type=_positive, metavar="N", help="measure on N images, spread over the set")

    option = command("export", _export, "Write a model for another runtime, proven to compute the same.")
    option("model", metavar="NAME", help="see `facesr models`")
    option("out", metavar="OUT", help="file.tflite, file.onnx, or a folder for a SavedModel")
    option("--format", choices=("savedmodel", "tflite", "onnx"), help="instead of what the suffix of OUT says")
    option("--quantize", choices=("float16", "int8"), help="TFLite weights, or weights and values")
    option("--size", type=_size, metavar="N|HxW", help="side, or height and width, of the only input that the file takes")
    option("--calibration", metavar="DIR", help="faces that int8 finds its ranges on")
    option("--sampler", action="store_true", help="write what samples from a stochastic model: image and noise")

    option = command("demo", _page, "Show a local page: drop a face, compare models, draw samples.", figures=False)
    option("--model", default="sam", metavar="NAME", help="chosen first (default: %(default)s)")
    option("--port", type=_port, metavar="N", help="of 127.0.0.1 (default: the first free one from 7860)")

    option = command("train", _train, "Train a model as its recipe says.", figures=False)
    option("recipe", metavar="RECIPE", help="name of a recipe, as of the model that it makes")
    option("data_dir", metavar="DATA_DIR", help="data set; its training part, if it has one")
    option("--out", required=True, metavar="RUN_DIR", help="folder for checkpoints, logs and weights")
    option("--epochs", type=_positive, metavar="N", help="passes over the data in each stage, instead of the recipe's steps")
    option("--resume", action="store_true", help="go on with the run in RUN_DIR")
    option(
        "--degradation",
        metavar="KIND",
        help="small faces: bicubic, aliased, blind, style or its like (default: the recipe's)",
    )
    option("--precision", choices=("float32", "mixed_bfloat16", "mixed_float16"), help="in which networks compute")
    option("--accumulation", type=_positive, metavar="N", help="batches that make one update (default: the recipe's, 1)")
    option("--strategy", choices=("auto", "mirrored", "multiworker"), default="auto", help="devices: docs/distributed.md")

    option = command("table", _table, "Make a table of a paper again: train what is missing at one budget, measure, compare.")
    option("name", metavar="NAME", help="sam1, sam2, varsr1 to varsr5, ssrvae1 to ssrvae5, cagface2 or cagface3")
    option("data_dir", metavar="DATA_DIR", help="data sets of the table's recipes, their training and test parts")
    option(
        "--out",
        required=True,
        type=Path,
        metavar="RUNS_DIR",
        help="folder of the rows' runs; a table that was stopped goes on there",
    )
    option("--budget", type=_positive, metavar="N", help="images that each network sees (default: the table's)")
    option("--limit", type=_positive, metavar="N", help="measure on N images, spread over the test part (default: the table's)")
    option("--write", type=Path, metavar="FILE", help="Markdown to write (default: RUNS_DIR/NAME.md)")
    return parser
