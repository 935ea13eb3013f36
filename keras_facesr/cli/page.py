"""``facesr demo``: a local page in a browser."""

from keras_facesr.cli import console
from keras_facesr.cli.arguments import port
from keras_facesr.cli.networks import find_preset, start_keras
from keras_facesr.errors import CallError

SUMMARY = "Show a local page: drop a face or a photograph, compare models, draw samples."


def add_options(option):
    option("--model", default="sam", metavar="NAME", help="chosen first (default: %(default)s)")
    option("--port", type=port, metavar="N", help="port of 127.0.0.1 (default: the first free one from 7860)")


def run(args):
    preset = find_preset(args.model)
    if preset.is_ones_own:
        raise CallError(f"the page shows released models alone: facesr upscale --model {args.model} takes a folder")
    if not preset.enlarges_faces:
        raise CallError(f"the page enlarges faces, and {preset.name} was not made for them: facesr upscale takes others")
    from keras_facesr.demo.page import check_port, serve
    from keras_facesr.demo.photo_jobs import lacking

    check_port(args.port)
    start_keras(args.debug)
    with console.waiting("starting LiteRT", args.debug):
        lacking()  # the page says it; what finds faces starts here, where its remarks are not printed
    serve(preset.name, args.port, lambda url: print(f"the page is at {url} until Ctrl+C", flush=True))
    return 0
