"""``facesr compare``: the answers of several models to the same faces, side by side on one sheet."""

from pathlib import Path

from keras_facesr.cli import console
from keras_facesr.cli.arguments import MODELS, local_path, natural, positive, report_options
from keras_facesr.cli.framing import square_cut
from keras_facesr.cli.networks import RUNTIMES, check_samples, common, find_preset, in_runtime, protocol_of, reducer, seed_of
from keras_facesr.errors import CallError, FacesrError

SUMMARY = "Show small faces, bicubic interpolation and the answers of several models side by side, on one labelled sheet."


def add_options(option):
    report_options(option)
    option("faces", nargs="+", type=local_path, metavar="FACE", help="picture, set or folder of faces; of a set, its test part")
    option("-o", "--out", type=local_path, required=True, metavar="OUT", help="the sheet, a .png")
    option("--model", **MODELS)
    option("--truth", action="store_true", help="FACEs are large: reduce them as facesr evaluate does, show truth and figures")
    option("--hr-size", type=positive, metavar="N", help="with --truth: side of the true image (default: the model's own)")
    option("--degradation", metavar="NAME", help="with --truth: reduce by blind_held_out, style, another styleVAE, or aliased")
    option("--framing", metavar="SET", help="with --truth: cut a data set's faces to the framing of this one, such as utkface")
    option("--samples", type=positive, default=0, metavar="N", help="also N plausible answers of each stochastic model")
    option("--seed", type=natural, metavar="N", help="seed of samples and degradations (default: 0)")
    option("--runtime", choices=RUNTIMES, default="auto", help="what runs the networks (default: the fastest at hand)")
    option("--limit", type=positive, metavar="N", help="show N faces, spread over those given")


def run(args):
    if not args.truth and (args.hr_size or args.degradation or args.framing):
        raise CallError("--hr-size, --degradation and --framing say how large faces become small ones: give --truth")
    if args.out.suffix.lower() != ".png" or args.out.is_dir():
        raise CallError(f"{args.out}: -o takes the name of one picture, a .png")
    args.seed = seed_of(args)
    names = list(dict.fromkeys(args.model))
    found = [find_preset(name) for name in names]
    scale = common(found, "scale", "one sheet has one scale")
    files, square = _files(args)
    if args.out.resolve() in [file.resolve() for file in files]:
        raise CallError(f"{args.out}: is one of the faces, which the sheet would replace: choose another -o")
    protocol = None
    if args.truth:  # how true faces become pairs, as in ``facesr evaluate``
        protocol = protocol_of(args, scale, args.hr_size or common(found, "hr_size", "give --hr-size"), square=square)
    console.check_new(args.out, args.overwrite)
    console.check_writable(args.out)
    failed = console.Failures(args.debug)
    faces = _readable(files, protocol, 2 + len(names), failed)
    degradation = reducer(args, scale) if args.degradation and protocol.antialias else None
    runtimes, models = zip(*(in_runtime(args, preset) for preset in found))
    models = dict(zip(names, models))
    check_samples(args, models)

    from keras_facesr.data.images import write_png
    from keras_facesr.inference.comparison import compare

    with console.progress("compare", len(faces)) as show:
        shown = compare(faces, models, protocol, degradation, args.samples, args.seed, show)
    write_png(args.out, shown.pixels, args.overwrite)
    if args.json != "-":
        enlarged = f"; the truth of {shown.enlarged} of {len(faces)} is enlarged itself" if shown.enlarged else ""
        print(f"{args.out}: {', '.join(shown.columns)}; x{scale}{enlarged}")
        for face, figures in zip(faces, shown.figures if protocol else ()):
            print(f"{face.name}:", "; ".join(f"{name} {row['psnr']:.2f} dB" for name, row in figures.items()))
    how = {"scale": scale, "samples": args.samples, "seed": args.seed, "runtimes": dict(zip(names, runtimes))}
    if protocol:
        reduced = degradation.name if degradation else args.degradation or "bicubic"
        how |= {"hr_size": protocol.hr_size or "native", "enlarged": shown.enlarged}
        how |= {"degradation": reduced, "framing": args.framing}
    rows = [{"input": face.name, "figures": figures} for face, figures in zip(faces, shown.figures)]
    console.write_json(args, {"output": str(args.out), **how, "columns": shown.columns, "faces": rows, "failed": failed})
    return 1 if failed else 0


def _files(args):
    """The files of the call's faces, and the square that ``--framing`` cuts out of their pictures."""
    from keras_facesr.data.datasets import open_faces, spread
    from keras_facesr.data.sets import ImageSet

    files, squares = [], []
    for given in args.faces:
        faces = open_faces(given, split="test") if given.is_dir() else ImageSet("", given.parent, (given,))
        files += faces.files
        squares.append(square_cut(args, faces, given))
    if len({*squares}) > 1:
        raise CallError("--framing cuts the pictures of one set in one way: give the faces of one set")
    return spread(ImageSet("", Path(), tuple(dict.fromkeys(files))), args.limit).files, squares[0]


def _readable(files, protocol, columns, failed):
    """The faces of the call as ``Picture``s, without those that cannot be used; a sheet has so many columns at least."""
    from keras_facesr.data.images import read_picture
    from keras_facesr.inference import sheet

    sheet.check(columns, len(files))
    pictures = []
    for file in files:
        try:
            pictures.append(read_picture(file))
            if protocol:
                protocol.pair(pictures[-1].rgb)
        except FacesrError as error:
            failed.add(file, error)
    if not pictures:
        raise FacesrError("no face can be shown")
    return pictures
