"""The ``facesr`` command: parses, calls, prints. Exit code 0: all done; 1: an input failed; 2: a wrong call.

Nothing heavy is imported before it is needed, so that help and the list of models answer at once.
"""

import argparse
import os
import sys
import warnings
from itertools import compress
from pathlib import Path

from keras_facesr import __version__, console, presets
from keras_facesr.errors import (
    CallError,
    ExportError,
    FacesrError,
    ImageError,
    PresetError,
    TableError,
    TrainingError,
    TrainingStopped,
)
from keras_facesr.files import is_there
from keras_facesr.importing import import_keras
from keras_facesr.sizes import SizeWarning, size_remark

RUNTIMES = ("auto", "keras", "litert", "onnx")


def main(argv=None):
    """Run one command line (by default the process's own) and return its exit code."""
    with console.unfailing_streams(), console.warnings_in_a_line():
        args = _parser().parse_args(argv)
        try:
            console.check_json(args)
            code = args.run(args)
        except KeyboardInterrupt:
            print("facesr: stopped", file=sys.stderr)
            return 130
        except Exception as error:
            console.report(error, args.debug)
            return 2 if isinstance(error, (CallError, TableError, TrainingError, ExportError)) else 1
        if error := console.lost():
            print(f"facesr: not all of this could be printed ({error.strerror}); what is written is whole", file=sys.stderr)
        return code


def _models(args):
    names = presets.list_models(args.pattern)
    if not names:
        raise CallError(f"no model matches {args.pattern!r}; `facesr models` lists all")
    found = [presets.find(name) for name in names]
    if args.json != "-":
        _print_models(found)
    console.write_json(args, [_describe(preset) for preset in found])
    if not args.json:
        console.delivered()
    return 0


def _upscale(args):
    if args.demo and (args.inputs or args.samples or args.tile or args.skip_existing):
        raise CallError("--demo enlarges the built-in face alone: give it no pictures, --samples, --tile or --skip-existing")
    if not args.demo and not args.inputs:
        raise CallError("nothing to enlarge: give INPUT, a picture or a folder, or --demo")
    if not args.demo and args.out is None:
        raise CallError("nowhere to write: give -o OUT_DIR")
    if args.samples and args.tile:
        raise CallError("--samples and --tile exclude each other: a sample is of one whole face")
    if args.overwrite and args.skip_existing:
        raise CallError("--overwrite and --skip-existing exclude each other")
    file, preset = _answer_file(args), _preset(args.model)
    return _demo(args, preset, file) if args.demo else _upscale_files(args, preset, file)


def _answer_file(args):
    """The file that ``-o`` names for the one answer of a call; None where it names a folder."""
    from keras_facesr.data.images import SUFFIXES

    out = args.out
    if out is None or out.is_dir():
        return None
    suffix = out.suffix.lower()
    if suffix in SUFFIXES - {".png"}:
        raise CallError(f"{out}: only PNG files are written; give -o a name that ends in .png, or a folder")
    if suffix != ".png":
        if is_there(out):
            raise CallError(f"{out}: is a file; -o takes a folder, or for one picture a .png")
        return None
    if not args.demo and (len(args.inputs) > 1 or os.path.isdir(args.inputs[0]) or args.samples):
        raise CallError(f"{out}: is for one answer to one picture; for more, -o takes a folder")
    return out


def _upscale_files(args, preset, file):
    from keras_facesr.answers import plan

    failed, done, skipped, odd = [], [], [], []

    def fail(name, error):
        console.report(error, args.debug, name)
        failed.append({"input": name, "error": console.one_line(error, name)})

    if file:
        answers, empty = {Path(args.inputs[0]): [file]}, []
    else:
        answers, empty = plan(args.inputs, args.out, _short(args.model), args.samples)
    for folder in empty:
        fail(str(folder), FacesrError(f"{folder}: no picture in this folder (answers in {args.out} are not enlarged again)"))
    console.check_writable(file or args.out)
    runtime, model = _in_runtime(args, preset)
    if args.samples and not model.is_stochastic:
        raise CallError(f"{args.model} has one answer for each face: --samples needs a stochastic model")
    warnings.simplefilter("ignore", SizeWarning)  # named with the file here
    with console.progress("upscale", len(answers)) as show:
        for index, (picture, targets) in enumerate(answers.items()):
            try:
                if args.skip_existing and all(map(is_there, targets)):
                    skipped.append({"input": str(picture), "outputs": [str(target) for target in targets]})
                else:
                    written = _upscale_file(args, model, picture, targets, lambda part: show(index + part), odd)
                    done.append({"input": str(picture), "outputs": [str(path) for path in written]})
                    if args.json != "-":
                        print(f"{picture} -> {', '.join(done[-1]['outputs'])}")
            except Exception as error:  # whatever is wrong with one picture, the others are done
                fail(str(picture), error)
            show(index + 1)
    if skipped and args.json != "-":
        print(f"{len(skipped)} of {len(answers)} pictures were answered already")
    if len(failed) > 1:
        print(f"facesr: {len(failed)} of {len(failed) + len(done) + len(skipped)} pictures failed", file=sys.stderr)
    if len(odd) > 1:
        print(f"facesr: {len(odd)} of {len(answers)} pictures have another size than the model's own", file=sys.stderr)
    report = {"model": preset.name, "scale": model.scale, "runtime": runtime}
    console.write_json(args, {**report, "done": done, "skipped": skipped, "failed": failed, "other_sizes": odd})
    return 1 if failed else 0


def _upscale_file(args, model, file, targets, show, odd):
    """Enlarge one file; returns the paths written. ``show`` takes the part done, 0 to 1; ``odd`` gets a file of an odd size."""
    from keras_facesr.data.images import read_picture, write_png
    from keras_facesr.inference import enlarge_picture, sample_picture

    picture = read_picture(file)
    if remark := size_remark(model, *picture.rgb.shape[:2]):
        if not odd:
            print(f"facesr: {file}: {remark}", file=sys.stderr)
        odd.append(str(file))
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    missing = [not (args.skip_existing and is_there(target)) for target in targets]
    for target in compress(targets, missing):
        console.check_new(target, args.overwrite)  # before the work; write_png checks again
    if args.samples:
        images = sample_picture(model, picture, args.samples, args.seed)
    else:
        images = [enlarge_picture(model, picture, args.tile, lambda done, total: show(done / total))]
    return [write_png(target, pixels, args.overwrite, picture) for target, pixels in compress(zip(targets, images), missing)]


def _demo(args, preset, file):
    if not preset.enlarges_faces:
        raise CallError(f"--demo enlarges a face, and {preset.name} was not made for faces: give it pictures of your own")
    target = file or (args.out or Path()) / f"demo_{_short(args.model)}.png"
    console.check_new(target, args.overwrite)
    console.check_writable(target)
    runtime, model = _in_runtime(args, preset)

    import numpy as np

    from keras_facesr.data.images import write_png
    from keras_facesr.inference import demonstrate

    picture, figures = demonstrate(model, args.model, preset.demo_size, preset.framing)
    write_png(target, np.asarray(picture), args.overwrite)
    if args.json != "-":
        rows = "; ".join(f"{name} {figures[name]['psnr']:.2f} dB" for name in (args.model, "bicubic"))
        print(f"{target}: LR, bicubic, {args.model}, truth; x{model.scale} to {figures['hr_size']} pixels")
        print(f"gain of {args.model} over bicubic: {figures['gain_db']:+.2f} dB ({rows})")
    console.write_json(args, {"model": preset.name, "runtime": runtime, "output": str(target), **figures})
    return 0


def _evaluate(args):
    names = list(dict.fromkeys(args.model))
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
            print("; ".join(f"{name} by {runtime}" for name, runtime in runtimes.items()))
    console.write_json(args, report)
    if not args.json:
        console.delivered()
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
        raise CallError(f"--samples needs a stochastic model; {' and '.join(args.model)} give one answer to each face")
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
                console.report(error, args.debug, str(file))
                failed.append(file)

    with console.progress("evaluate", len(faces)) as show:
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
        console.report(FacesrError("left out, it cannot be read as a picture"), args.debug, str(file))
    with console.progress("evaluate", len(small)) as show:
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
    with console.waiting("starting PyTorch", args.debug):
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
    console.check_new(target, args.overwrite)
    console.check_writable(target)
    _start_keras(args.debug)
    from keras_facesr.tables.markdown import markdown
    from keras_facesr.tables.run import run

    def say(line):
        print(line, file=sys.stderr)

    how = {"say": say, "progress": lambda what: console.progress(what, None)}
    try:
        report = run(table, args.data_dir, args.out, args.budget, args.limit, **how)
    except TrainingStopped as stopped:
        say(f"facesr: {stopped}")
        return 0
    console.write_text(target, markdown(report))
    if args.json != "-":
        print(markdown(report))
    console.write_json(args, report)
    return 0


def _export(args):
    preset = _preset(args.model)
    if args.quantize == "int8" and not (args.calibration and args.size):
        raise CallError("--quantize int8 needs --calibration DIR, a folder of faces, and --size N")
    if args.calibration and args.quantize != "int8":
        raise CallError("--calibration is for --quantize int8 alone")
    console.check_new(args.out, args.overwrite)
    calibration, failed = _calibration(args) if args.calibration else (None, [])
    model = _load(args, preset)
    from keras_facesr.exporting import export

    how = {"quantize": args.quantize, "size": args.size, "calibration": calibration, "sampler": args.sampler}
    with console.waiting("writing and proving", args.debug):
        report = export(model, args.out, args.format, overwrite=args.overwrite, **how)
    if args.json != "-":
        near = f"{report['psnr']:.1f} dB from" if "psnr" in report else f"within {report['difference']:.2g} of"
        print(f"{args.out}: {report['bytes'] / 1e6:.1f} MB, {near} the Keras model on {report['images']} images")
    console.write_json(args, {"model": preset.name, **report})
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
            console.report(error, args.debug, str(file))
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
    with console.waiting(f"starting {runtime}", args.debug):
        return runtime, runtimes.load(preset, runtime)


def _load(args, preset):
    _start_keras(args.debug)
    return presets.load(preset.name)


def _start_keras(debug):
    """Import Keras and its backend, seconds of work, under a spinner and without TensorFlow's remarks."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if debug else "3")
    with console.waiting("starting Keras", debug):
        config = import_keras().config
        config.set_image_data_format("channels_last")  # whatever keras.json says: this process is ours
        config.set_floatx("float32")


def _common(found, attribute, advice):
    """The one value that all presets have in common."""
    values = {preset.name: getattr(preset, attribute) for preset in found}
    if len(set(values.values())) > 1:
        differing = ", ".join(f"{name} {value}" for name, value in values.items())
        raise CallError(f"the models differ in {attribute} ({differing}): {advice}")
    return next(iter(values.values()))


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


class _Parser(argparse.ArgumentParser):
    def __init__(self, *args, **how):
        super().__init__(*args, **how)
        self.register("action", None, _Once)

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class _Once(argparse.Action):
    """Keeps an argument's value. Of an option given twice the first value would be dropped in silence, so that is refused."""

    def __call__(self, parser, namespace, values, option=None):
        given = namespace.__dict__.setdefault("given", set())
        if option in given:
            parser.error(f"{option} is given twice, and takes one value")
        given.update(self.option_strings)
        setattr(namespace, self.dest, values)


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

    option = command("upscale", _upscale, "Enlarge pictures, and folders with all below them, into OUT_DIR/<stem>_<model>.png.")
    option("inputs", nargs="*", metavar="INPUT", help="picture or folder")
    option("--demo", action="store_true", help="compare on the built-in face: LR, bicubic, ours, truth")
    option("-o", "--out", type=Path, metavar="OUT_DIR", help="folder to write to, or for one answer a .png (--demo: default .)")
    option("--model", default="sam", metavar="NAME", help="see `facesr models`; or a run's folder (default: %(default)s)")
    option("--samples", type=_positive, metavar="N", help="N plausible answers each, <stem>_<model>_<k>.png")
    option("--seed", type=_natural, default=0, metavar="N", help="of the samples (default: %(default)s)")
    option("--runtime", choices=RUNTIMES, default="auto", help="what runs the network (default: the fastest at hand)")
    option("--tile", type=_positive, metavar="N", help="cut larger pictures into squares of N input pixels")
    option("--skip-existing", action="store_true", help="go on after an interruption: leave out pictures that are answered")

    option = command("evaluate", _evaluate, "Measure models beside bicubic interpolation, by one protocol.")
    option("data_dir", metavar="DATA_DIR", help="data set or folder of faces; its test part, if it has one")
    names = {"type": lambda text: text.split(","), "action": "extend", "metavar": "NAME[,NAME...]"}
    option("--model", required=True, **names, help="models of one scale, or folders of runs without commas; also several times")
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
