"""``facesr import``: a network of the field, from its PyTorch file to a folder that stands for a model's name."""

from pathlib import Path

from keras_facesr import presets
from keras_facesr.cli import console
from keras_facesr.cli.arguments import local, report_options, setting
from keras_facesr.cli.networks import start_keras
from keras_facesr.errors import CallError

SUMMARY = "Take over a published network's weights from its PyTorch file."


def add_options(option):
    report_options(option)
    option("file", type=local, metavar="FILE", help="file.safetensors, or file.pth (extra import)")
    option("-o", "--out", type=local, required=True, metavar="FOLDER", help="folder to write; it stands for a model's name")
    classes = "RRDBNet, SRVGGNetCompact, MSRResNet, EDSR, RDN or SRFBN"
    option("--model", dest="class_name", metavar="CLASS", help=f"{classes} (default: as the tensors say)")
    values = {"type": setting, "action": "append", "default": [], "metavar": "NAME=VALUE"}
    option("--set", **values, help="argument that no tensor tells, such as residual_scaling=0.1 of an EDSR; may be repeated")


def run(args):
    from keras_facesr.exchange.folder import FILES, check_folder, import_weights
    from keras_facesr.exchange.tensors import check_file

    given = dict(args.set)
    if taken := given.keys() & {"path", "folder", "model", "overwrite"}:  # by other options
        raise CallError(f"--set {min(taken)}: is no argument of a network")
    if len(given) < len(args.set):  # else a value would be dropped silently
        raise CallError("--set gives one argument two values: give it once")
    check_file(args.file)  # before Keras starts, as all that follows
    check_folder(args.out, overwrite=True)  # first what --overwrite does not mend
    for name in FILES:
        console.check_new(Path(args.out) / name, args.overwrite)
    console.check_writable(args.out)
    start_keras(args.debug)
    with console.waiting("reading and writing", args.debug):
        import_weights(args.file, args.out, args.class_name, args.overwrite, **given)
    preset = presets.find(Path(args.out).resolve())
    if args.json != "-":
        about = f"{preset.class_name} x{preset.scale}, {preset.parameters:,} weights"
        print(f"{args.out}: {about}; its terms are those of its source")
    names = {"class": "class_name", **{name: name for name in ("scale", "parameters", "config", "recipe")}}
    console.write_json(args, {"path": args.out, **{key: getattr(preset, name) for key, name in names.items()}})
    return 0
