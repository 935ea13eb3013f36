"""``facesr video``: a film, its faces tracked, enlarged and pasted back."""

from keras_facesr.cli import console
from keras_facesr.cli.arguments import local_path, report_options
from keras_facesr.cli.networks import RUNTIMES, Loader
from keras_facesr.errors import FilmError

SUMMARY = "Enlarge a film, each face in it by the network that fits it; sound and times stay."


def add_options(option):
    report_options(option)
    option("input", metavar="FILM", help="a film in any format that FFmpeg reads")
    option("-o", "--out", type=local_path, required=True, metavar="FILE", help="the answer, a .mp4, .mov or .mkv")
    option("--scale", type=int, choices=(2, 4), default=4, help="times as high and wide (default: %(default)s)")
    option("--faces-only", action="store_true", help="enlarge the rest by bicubic interpolation: much faster")
    option("--resume", action="store_true", help="go on with a film that was interrupted, by Ctrl+C or otherwise")
    option("--runtime", choices=RUNTIMES, default="auto", help="what runs the networks (default: the fastest at hand)")


def run(args):
    from keras_facesr.photos import networks
    from keras_facesr.video import restore_video

    with console.waiting("starting LiteRT", args.debug):
        networks.started()
    how = {"faces_only": args.faces_only, "resume": args.resume, "overwrite": args.overwrite, "load": Loader(args)}
    try:
        with console.progress("video", None, unit="frames") as show:
            done = restore_video(args.input, args.out, args.scale, **how, show=show)
    except FilmError as error:
        if error.restored:
            console.write_json(args, {**_entry(args, error.restored), "error": str(error)})
        raise
    console.write_json(args, _entry(args, done))
    if args.json != "-":
        anew = "," if done.enlarged == done.frames else f", {done.enlarged} of them now:"  # whose faces and speed follow
        faces = f"{done.faces} face{'s' * (done.faces != 1)} followed in {done.with_faces}" if done.faces else "no face found"
        told = f"{anew} {faces}; {done.enlarged / done.seconds:.2f} frames/s" if done.enlarged else ", all of them done before"
        print(f"{args.input} -> {done.path}: {done.frames} frame{'s' * (done.frames != 1)}{told}")
    return 0


def _entry(args, done):
    return {"input": args.input, "scale": args.scale, **vars(done), "path": str(done.path)}
