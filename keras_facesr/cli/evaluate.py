"""``facesr evaluate``: models beside bicubic interpolation, measured on faces by one protocol."""

import sys

from keras_facesr.cli import console
from keras_facesr.cli.arguments import MODELS, local_path, natural, positive, report_options
from keras_facesr.cli.framing import framing_of, known_framing, square_cut
from keras_facesr.cli.networks import (
    RUNTIMES,
    check_samples,
    common,
    find_preset,
    in_runtime,
    load,
    protocol_of,
    reducer,
    seed_of,
)
from keras_facesr.errors import CallError, FacesrError

SUMMARY = "Measure models beside bicubic interpolation, by one protocol."


def add_options(option):
    report_options(option)
    option("data_dir", type=local_path, metavar="DATA_DIR", help="data set or folder of faces; its test part, if it has one")
    option("--model", **MODELS)
    option("--hr-size", type=positive, metavar="N", help="side of the true image (default: the model's own)")
    option("--colour", choices=("rgb", "luma"), default="rgb", help="rgb (default) or BT.601 luma")
    option("--samples", type=positive, default=0, metavar="N", help="also judge N samples per face")
    option("--seed", type=natural, metavar="N", help="seed of samples and degradations (default: 0)")
    option("--judge", metavar="NAME", help="also judge by what this network sees or reads, such as face_features")
    option("--lpips", action="store_true", help="also LPIPS, from the truth (extra distances)")
    option("--fid", action="store_true", help="also FID, between the answers and the true faces (extra distances)")
    option("--identity", action="store_true", help="also whom the answers show, by dlib's network (extra identity)")
    option("--degradation", metavar="NAME", help="reduce by blind_held_out, style, another styleVAE, or aliased")
    option("--clean", type=local_path, metavar="CLEAN_DIR", help="compare real small faces in DATA_DIR, enlarged, with these")
    option("--framing", metavar="SET", help="cut the faces to the framing of this set, such as utkface (data.framing.FRAMINGS)")
    option("--ensemble", action="store_true", help="answers are means over the picture and its mirror image")
    option("--runtime", choices=RUNTIMES, default="keras", help="what runs the networks (default: %(default)s)")
    option("--limit", type=positive, metavar="N", help="measure on N images, spread over the set")


def run(args):
    args.seed = seed_of(args)
    names = list(dict.fromkeys(args.model))
    found = [find_preset(name) for name in names]
    scale = common(found, "scale", "one evaluation has one scale")
    hr_size = args.hr_size or common(found, "hr_size", "give --hr-size")

    from keras_facesr.inference.methods import KerasMethod
    from keras_facesr.metrics.report import format_table

    def start():
        """The methods by name; their models are loaded only after the data and the call have been checked."""
        used, models = zip(*(in_runtime(args, preset) for preset in found))
        runtimes.update(zip(names, used))
        return {name: KerasMethod(model, args.ensemble) for name, model in zip(names, models)}

    runtimes = {}
    measure = _measure_unpaired if args.clean else _measure
    report, failed = measure(args, scale, hr_size, start)
    if len(failed) > 1:
        print(f"facesr: {len(failed)} pictures are left out", file=sys.stderr)
    report |= {"runtimes": runtimes, "failed": failed}
    if args.ensemble:
        report["protocol"]["ensemble"] = "means over the picture and its mirror image"
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
    """The report on pairs made of a set's faces, and the ``Failures`` of files that could not be used."""
    from keras_facesr.data.datasets import open_dataset, spread
    from keras_facesr.data.framing import points_in
    from keras_facesr.data.images import read_picture
    from keras_facesr.data.sets import ArraySet
    from keras_facesr.metrics.protocol import evaluate

    faces = spread(open_dataset(args.data_dir, split="test"), args.limit)
    square = square_cut(args, faces, args.data_dir)
    protocol = protocol_of(args, scale, hr_size, colour=args.colour, square=square)
    how = {"samples": args.samples, "seed": args.seed}
    how |= _published(args, min(protocol.hr_shape) if hr_size else None)  # before TensorFlow starts
    how |= _judge(args, faces) | _identity(args, faces, square)
    if (framing := known_framing(faces)) and args.samples:
        how["face"] = points_in(square, within=framing)
    if args.degradation and protocol.antialias:
        how["degradation"] = reducer(args, scale)
    methods = start()
    check_samples(args, methods)
    failed = console.Failures(args.debug)

    def readable():
        if isinstance(faces, ArraySet):
            yield from faces.rgb()
            return
        for file in faces.files:
            try:
                rgb = read_picture(file).rgb
                protocol.pair(rgb)  # refuses a picture that is too small, while its file's name is known
                yield rgb
            except FacesrError as error:
                failed.add(file, error)

    with console.progress("evaluate", len(faces)) as show:
        return evaluate(methods, readable(), protocol, on_image=show, **how), failed


def _measure_unpaired(args, scale, hr_size, start):
    """The report on real small faces beside clean ones, and the ``Failures`` of files that could not be used."""
    if not args.judge:
        raise CallError("--clean compares sets of faces by what a network sees in them: give --judge, such as face_features")
    if args.samples or args.degradation or args.lpips or args.identity or args.framing or args.colour != "rgb":
        excluded = "--samples, --degradation, --lpips, --identity, --framing and --colour"
        raise CallError(f"--clean excludes {excluded}: real small faces have no truth")
    if not isinstance(hr_size, int) or hr_size % scale:  # digits of licence plates have a height and a width
        raise CallError(f"--hr-size N is the side of the enlarged faces here, a multiple of the scale {scale}")

    from keras_facesr.data.cache import decoded
    from keras_facesr.data.datasets import open_faces, spread
    from keras_facesr.metrics.unpaired import evaluate_unpaired

    real, others = (spread(open_faces(folder, split="test"), args.limit) for folder in (args.data_dir, args.clean))
    published = _published(args, hr_size)  # before TensorFlow starts
    judge = _judge(args, real).get("judge")
    if judge is None:
        raise CallError(f"{args.judge} reads digits: faces are judged by a network such as face_features")
    small, unread = decoded(real, hr_size // scale)
    clean, unread_clean = decoded(others, hr_size)
    failed = console.Failures(args.debug)
    for file in [real.root / name for name in unread] + [others.root / name for name in unread_clean]:
        failed.add(file, FacesrError("left out, it cannot be read as a picture"))
    with console.progress("evaluate", len(small)) as show:
        return evaluate_unpaired(start(), small, clean, scale, judge, **published, on_image=show), failed


def _judge(args, faces):
    """The network of ``--judge`` as arguments of ``evaluate``: a judge of faces, or a reader of digits with their labels."""
    if not args.judge:
        return {}
    from keras_facesr.data.sets import ArraySet
    from keras_facesr.inference.methods import KerasJudge, KerasReader

    preset = find_preset(args.judge, "face attributes", "digit reading")
    if preset.task == "face attributes":
        return {"judge": KerasJudge(args.judge, load(args, preset))}
    if not isinstance(faces, ArraySet):
        raise CallError(f"{args.judge} reads digits, and {args.data_dir} holds none")
    return {"reader": KerasReader(args.judge, load(args, preset)), "labels": faces.labels}


def _identity(args, faces, square):
    """The network that tells whom answers show, as an argument of ``evaluate``; ``square`` is cut from the pictures."""
    if not args.identity:
        return {}
    from keras_facesr.metrics.identity import Embedding

    return {"identity": Embedding.of_set(framing_of(faces, "--identity", args.data_dir), square)}


def _published(args, side):
    """The networks of ``--lpips`` and ``--fid`` as arguments of ``evaluate``; ``side`` of the true pictures, in pixels."""
    if not (args.lpips or args.fid):
        return {}
    from keras_facesr.metrics.published import LPIPS, LPIPS_LEAST, Inception

    if args.lpips and side and side < LPIPS_LEAST:
        raise CallError(f"--lpips takes pictures of {LPIPS_LEAST} pixels a side and more, these have {side}")
    with console.waiting("starting PyTorch", args.debug):
        return {**({"lpips": LPIPS()} if args.lpips else {}), **({"inception": Inception()} if args.fid else {})}
