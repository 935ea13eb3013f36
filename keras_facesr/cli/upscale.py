"""``facesr upscale``: enlarges pictures and folders, or the built-in face to show what a model does."""

import os
import sys
import warnings
from itertools import compress
from pathlib import Path

from keras_facesr.cli import console
from keras_facesr.cli.arguments import natural, positive, report_options
from keras_facesr.cli.networks import RUNTIMES, find_preset, in_runtime, short_name
from keras_facesr.data.files import is_there
from keras_facesr.errors import CallError, FacesrError, SizeWarning

SUMMARY = "Enlarge pictures, and all below folders, into OUT_DIR: face.png to face_sam.png, other.jpg to other.jpg_sam.png."


def add_options(option):
    report_options(option)
    option("inputs", nargs="*", metavar="INPUT", help="picture or folder")
    option("--demo", action="store_true", help="compare on the built-in face: LR, bicubic, ours, truth")
    option("-o", "--out", type=Path, metavar="OUT_DIR", help="folder to write to, or for one answer a .png (--demo: default .)")
    option("--model", default="sam", metavar="NAME", help="see `facesr models`; or a run's folder (default: %(default)s)")
    option("--samples", type=positive, metavar="N", help="N plausible answers each, face_sam_1.png and on")
    option("--seed", type=natural, default=0, metavar="N", help="seed of the samples (default: %(default)s)")
    option("--runtime", choices=RUNTIMES, default="auto", help="what runs the network (default: the fastest at hand)")
    option("--ensemble", action="store_true", help="answer with the mean over the picture and its mirror image: twice the time")
    option("--consistent", action="store_true", help="change nothing that was seen: the answer reduced again is the picture")
    option("--tile", type=positive, metavar="N", help="cut larger pictures into tiles of N input pixels a side")
    option("--skip-existing", action="store_true", help="go on after an interruption: leave out pictures that are answered")


def run(args):
    if args.demo and (args.inputs or args.samples or args.tile or args.ensemble or args.consistent or args.skip_existing):
        raise CallError("--demo enlarges the built-in face alone: give it no pictures nor options of theirs")
    if not args.demo and not args.inputs:
        raise CallError("nothing to enlarge: give INPUT, a picture or a folder, or --demo")
    if not args.demo and args.out is None:
        raise CallError("nowhere to write: give -o OUT_DIR")
    if args.samples and args.tile:
        raise CallError("--samples and --tile exclude each other: a sample is of one whole face")
    if args.samples and args.ensemble:
        raise CallError("--samples and --ensemble exclude each other: a mean of samples is none")
    if args.samples and args.consistent:
        raise CallError("--samples and --consistent exclude each other: samples are written as they are drawn")
    if args.overwrite and args.skip_existing:
        raise CallError("--overwrite and --skip-existing exclude each other")
    file, preset = _answer_file(args), find_preset(args.model)
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
    from keras_facesr.inference.answers import plan

    failed, done, skipped, odd = console.Failures(args.debug), [], [], []
    if file:
        answers, empty = {Path(args.inputs[0]): [file]}, []
    else:
        answers, empty = plan(args.inputs, args.out, short_name(args.model), args.samples)
    for folder in empty:
        why = f" (answers in {args.out} are not enlarged again)" if is_there(args.out) else ""
        failed.add(folder, FacesrError(f"{folder}: no picture in this folder{why}"))
    console.check_writable(file or args.out)
    runtime, model = in_runtime(args, preset)
    if args.samples and not model.is_stochastic:
        raise CallError(f"{args.model} has one answer for each face: --samples needs a stochastic model")
    warnings.simplefilter("ignore", SizeWarning)  # here they are printed with the file's name
    with console.progress("upscale", len(answers)) as show:
        for index, (picture, targets) in enumerate(answers.items()):
            try:
                if args.skip_existing and all(map(is_there, targets)):
                    skipped.append({"input": str(picture), "outputs": [str(target) for target in targets]})
                else:
                    written = _upscale_file(args, model, picture, targets, lambda part: show(index + part), odd)
                    done.append({"input": str(picture), "outputs": [str(path) for path in written]})
                    if args.json != "-":
                        print(f"{picture} -> {', '.join(done[-1]['outputs'])}", flush=True)
            except Exception as error:  # whatever is wrong with one picture, the others are done
                failed.add(picture, error)
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
    """Enlarge one file; returns the paths written.

    ``show`` is called with the part done, 0 to 1; a file of another size than the model's own is added to ``odd``.
    """
    from keras_facesr.data.images import read_picture, write_png
    from keras_facesr.inference.pictures import enlarge_picture, sample_picture
    from keras_facesr.inference.sizes import size_remark

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
        how = {"ensemble": args.ensemble, "consistently": args.consistent}
        images = [enlarge_picture(model, picture, args.tile, lambda done, total: show(done / total), **how)]
    return [write_png(target, pixels, args.overwrite, picture) for target, pixels in compress(zip(targets, images), missing)]


def _demo(args, preset, file):
    if not preset.enlarges_faces:
        raise CallError(f"--demo enlarges a face, and {preset.name} was not made for faces: give it pictures of your own")
    target = file or (args.out or Path()) / f"demo_{short_name(args.model)}.png"
    console.check_new(target, args.overwrite)
    console.check_writable(target)
    runtime, model = in_runtime(args, preset)

    import numpy as np

    from keras_facesr.data.images import write_png
    from keras_facesr.inference.built_in import demonstrate

    picture, figures = demonstrate(model, args.model, preset.demo_size, preset.framing)
    write_png(target, np.asarray(picture), args.overwrite)
    if args.json != "-":
        rows = "; ".join(f"{name} {figures[name]['psnr']:.2f} dB" for name in (args.model, "bicubic"))
        print(f"{target}: LR, bicubic, {args.model}, truth; x{model.scale} to {figures['hr_size']} pixels")
        print(f"gain of {args.model} over bicubic: {figures['gain_db']:+.2f} dB ({rows})")
    console.write_json(args, {"model": preset.name, "runtime": runtime, "output": str(target), **figures})
    return 0
