"""``facesr export``: a model as a file for another runtime."""

from keras_facesr.cli import console
from keras_facesr.cli.arguments import local, report_options, size
from keras_facesr.cli.networks import find_preset, load
from keras_facesr.errors import CallError, ImageError

SUMMARY = "Write a model for another runtime, proven to compute the same."


def add_options(option):
    report_options(option)
    option("model", metavar="NAME", help="see `facesr models`")
    option("out", type=local, metavar="OUT", help="file.tflite, file.onnx, file.safetensors, or a folder for a SavedModel")
    option("--format", choices=("savedmodel", "tflite", "onnx", "pytorch"), help="instead of what the suffix of OUT says")
    option("--quantize", choices=("float16", "int8"), help="of TFLite: weights, or weights and activations")
    option("--size", type=size, metavar="N|HxW", help="side, or height and width, of the only input that the file takes")
    option("--calibration", metavar="DIR", help="folder of faces that int8 takes its ranges from")
    option("--sampler", action="store_true", help="write the sampler of a stochastic model, which takes image and noise")


def run(args):
    preset = find_preset(args.model)
    if args.quantize == "int8" and not (args.calibration and args.size):
        raise CallError("--quantize int8 needs --calibration DIR, a folder of faces, and --size N")
    if args.calibration and args.quantize != "int8":
        raise CallError("--calibration is for --quantize int8 alone")
    from keras_facesr.exporting.write import check_call, check_place, export

    check_place(args.out, args.format)
    console.check_new(args.out, args.overwrite)
    calibration, failed = _calibration(args) if args.calibration else (None, [])
    names = ("format", "quantize", "size", "sampler", "overwrite")
    how = {"calibration": calibration, **{name: getattr(args, name) for name in names}}
    check_call(args.out, **how)  # before Keras starts
    console.check_writable(args.out)
    model = load(args, preset)
    with console.waiting("writing and proving", args.debug):
        report = export(model, args.out, **how)
    if args.json != "-":
        near = f"{report['psnr']:.1f} dB from" if "psnr" in report else f"within {report['difference']:.2g} of"
        border = f", {report['border']:.2g} up to the border" if "border" in report else ""
        images = f"{report['images']} image{'s' * (report['images'] != 1)}"
        print(f"{args.out}: {report['bytes'] / 1e6:.1f} MB, {near} the Keras model on {images}{border}")
    console.write_json(args, {"model": preset.name, **report, "failed": failed})
    return 1 if failed else 0


def _calibration(args):
    """Calibration faces for int8, spread over the folder, uint8 (N, H, W, 3), and the ``Failures`` of files."""
    import numpy as np

    from keras_facesr.data.datasets import open_faces, spread
    from keras_facesr.data.degrade import centre_square, resize
    from keras_facesr.data.images import read_picture
    from keras_facesr.exporting.write import CALIBRATION_IMAGES

    faces, failed = [], console.Failures(args.debug)
    for file in spread(open_faces(args.calibration), CALIBRATION_IMAGES).files:
        try:
            faces.append(resize(centre_square(read_picture(file).rgb), *args.size))
        except ImageError as error:
            failed.add(file, error)
    if not faces:
        raise CallError(f"{args.calibration}: none of its files can be read as a picture")
    return np.stack(faces), failed
