"""``facesr upscale``: enlarges pictures and folders, or the built-in face to show what a model does."""

import sys
from pathlib import Path

from keras_facesr.cli import console
from keras_facesr.cli.arguments import address, natural, positive, report_options
from keras_facesr.cli.networks import RUNTIMES, find_preset, in_runtime, seed_of, short_name
from keras_facesr.data.files import is_there
from keras_facesr.errors import CallError, FacesrError

SUMMARY = "Enlarge pictures, and all below folders, into OUT_DIR: face.png to face_sam.png, other.jpg to other.jpg_sam.png."


def add_options(option):
    report_options(option)
    option("inputs", nargs="*", metavar="INPUT", help="picture, folder, 'quoted/*/pattern.png' or list.txt; s3://... too")
    option("--demo", action="store_true", help="compare on the built-in face: LR, bicubic, ours, truth")
    option("-o", "--out", metavar="OUT_DIR", help="folder to write to, or for one answer a .png (--demo: default .)")
    option("--model", default="sam", metavar="NAME", help="see `facesr models`; or a run's folder (default: %(default)s)")
    option("--samples", type=positive, metavar="N", help="N plausible answers each, face_sam_1.png and on")
    option("--seed", type=natural, metavar="N", help="seed of the samples (default: 0)")
    option("--runtime", choices=RUNTIMES, default="auto", help="what runs the network (default: the fastest at hand)")
    option("--ensemble", action="store_true", help="answer with the mean over the picture and its mirror image: twice the time")
    option("--consistent", action="store_true", help="change nothing that was seen: the answer reduced again is the picture")
    option("--tile", type=positive, metavar="N", help="cut larger pictures into tiles of N input pixels a side")
    option("--ray", nargs="?", const="local", type=address, metavar="ADDRESS", help="by a Ray cluster, or one of all cores")
    option("--skip-existing", action="store_true", help="go on after an interruption: leave out pictures that are answered")


def run(args):
    of_pictures = args.samples, args.tile, args.ensemble, args.consistent, args.skip_existing, args.ray
    if args.demo and (args.inputs or any(of_pictures)):
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
    args.seed = seed_of(args)
    file, preset = _answer_file(args), find_preset(args.model)
    return _demo(args, preset, file) if args.demo else _upscale_files(args, preset, file)


def _answer_file(args):
    """The file that ``-o`` names for the one answer of a call; None where it names a folder. ``args.out`` becomes a path."""
    from keras_facesr.data.images import SUFFIXES
    from keras_facesr.inference.answers import place
    from keras_facesr.inference.inputs import as_path, pictures_of

    if args.out is None:
        return None
    out = args.out = as_path(args.out)
    if out.is_dir():
        return None
    suffix = out.suffix.lower()
    if suffix in SUFFIXES - {".png"}:
        raise CallError(f"{out}: only PNG files are written; give -o a name that ends in .png, or a folder")
    if suffix != ".png":
        if is_there(out):
            raise CallError(f"{out}: is a file; -o takes a folder, or for one picture a .png")
        return None
    if not args.demo:
        first, *more = map(as_path, args.inputs)
        if more or args.samples or [file for file, _ in pictures_of(first)] != [first]:
            raise CallError(f"{out}: is for one answer to one picture; for more, -o takes a folder")
        if place(out) == place(first):
            raise CallError(f"{out}: is the picture that is read; give another name")
    return out


def _upscale_files(args, preset, file):
    from keras_facesr.inference import cluster, many
    from keras_facesr.inference.answers import check_kept, plan
    from keras_facesr.inference.inputs import as_path
    from keras_facesr.inference.sizes import size_remark

    failed, done, skipped, odd = console.Failures(args.debug), [], [], []
    if file:
        answers, empty = {as_path(args.inputs[0]): [file]}, []
    else:
        answers, empty = plan(args.inputs, args.out, short_name(args.model), args.samples)
    if args.overwrite and not file:
        check_kept(answers)
    for given in empty:
        why = f" (answers in {args.out} are not enlarged again)" if is_there(args.out) else ""
        failed.add(given, FacesrError(f"{given}: no picture there{why}"))
    console.check_writable(file or args.out)
    runtime, model = in_runtime(args, preset)
    if args.samples and not model.is_stochastic:
        raise CallError(f"{args.model} has one answer for each face: --samples needs a stochastic model")
    how = {"ensemble": args.ensemble, "consistently": args.consistent}
    how |= {"overwrite": args.overwrite, "skip_existing": args.skip_existing}
    wanted = many.Wanted(samples=args.samples, seed=args.seed, tile=args.tile, **how)
    if args.ray:
        with console.waiting("starting Ray", args.debug):
            cluster.start(args.ray)
    with console.progress("upscale", len(answers)) as show:
        told = 0
        if args.ray:
            source = cluster.answer_files(preset, runtime, answers, wanted)
        else:
            source = many.answer_files(model, answers, wanted, lambda part: show(told + part))
        for told, answer in enumerate(source, 1):
            if remark := answer.size and size_remark(model, *answer.size):
                if not odd:
                    print(f"facesr: {answer.file}: {remark}", file=sys.stderr)
                odd.append(str(answer.file))
            if answer.error:
                failed.add(answer.file, answer.error)
            else:
                paths = answer.targets if answer.skipped else answer.written
                told_of = {"input": str(answer.file), "outputs": [str(path) for path in paths]}
                (skipped if answer.skipped else done).append(told_of)
                if not answer.skipped and args.json != "-":
                    print(f"{answer.file} -> {', '.join(told_of['outputs'])}", flush=True)
            show(told)
    if skipped and args.json != "-":
        print(f"pictures answered already: {len(skipped)} of {len(answers)}")
    if len(failed) > 1:
        print(f"facesr: {len(failed)} of {len(failed) + len(done) + len(skipped)} pictures failed", file=sys.stderr)
    if len(odd) > 1:
        print(f"facesr: {len(odd)} of {len(answers)} pictures have another size than the model's own", file=sys.stderr)
    report = {"model": preset.name, "scale": model.scale, "runtime": runtime}
    console.write_json(args, {**report, "done": done, "skipped": skipped, "failed": failed, "other_sizes": odd})
    return 1 if failed else 0


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
