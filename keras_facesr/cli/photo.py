"""``facesr photo``: whole photographs, their faces found, enlarged and pasted back."""

import re
import sys
from contextlib import suppress

from keras_facesr import presets
from keras_facesr.cli import console
from keras_facesr.cli.arguments import local_path, natural, positive, report_options
from keras_facesr.cli.networks import RUNTIMES, Loader, check_draws, check_samples, find_preset, seed_of, start_keras
from keras_facesr.data.files import is_there, make_folder_of
from keras_facesr.errors import CallError, FacesrError

SUMMARY = "Enlarge photographs into OUT_DIR, each face by the network that fits it: group.jpg to group.jpg_photo.png."
NAME = "photo"  # in the names of answers
FACE = re.compile(r"_face_\d+(?=\.png$)")  # in the names of faces' files, behind that of the photograph's answer


def add_options(option):
    report_options(option)
    option("inputs", nargs="+", metavar="PHOTO", help="picture, folder, 'quoted/*/pattern.jpg' or list.txt")
    option("-o", "--out", type=local_path, metavar="OUT_DIR", help="folder to write to")
    option("--scale", type=int, choices=(2, 4), default=4, help="times as high and wide (default: %(default)s)")
    option("--model", metavar="NAME", help="network for all faces (default: by their width; --dry-run prints the table)")
    option("--clean", action="store_true", help="take networks for photographs that were only reduced: no noise, no JPEG")
    option("--background", metavar="NAME", help=f"network for the rest (default: {presets.BACKGROUND})")
    option("--faces-only", action="store_true", help="enlarge the rest by bicubic interpolation: much faster")
    option("--samples", type=positive, default=0, metavar="N", help="N photographs each, with other plausible faces")
    option("--seed", type=natural, metavar="N", help="seed of the samples (default: 0)")
    option("--keep-faces", action="store_true", help="write each face's answer beside the photograph's, _face_1.png and on")
    option("--dry-run", action="store_true", help="find the faces and print which network each would get; write no picture")
    option("--skip-existing", action="store_true", help="go on after an interruption: leave out what is answered")
    option("--runtime", choices=RUNTIMES, default="auto", help="what runs the networks (default: the fastest at hand)")


def run(args):
    if args.out is None and not args.dry_run:
        raise CallError("nowhere to write: give -o OUT_DIR, or --dry-run")
    if args.out is None and args.skip_existing:
        raise CallError("--skip-existing leaves out what OUT_DIR holds: give -o OUT_DIR")
    if args.overwrite and args.skip_existing:
        raise CallError("--overwrite and --skip-existing exclude each other")
    if args.faces_only and args.background:
        raise CallError("--faces-only and --background exclude each other: one is bicubic interpolation, one a network")
    if args.clean and args.model:
        raise CallError("--clean and --model exclude each other: one names networks by width, the other one for all faces")
    args.seed = seed_of(args)
    check_draws(args.runtime, args.samples)
    background = presets.full_name(args.background or presets.BACKGROUND)  # faces may ask for the same, by that name
    for name in filter(None, (args.model, background)):
        find_preset(name)

    from keras_facesr.data.images import SUFFIXES
    from keras_facesr.inference.answers import check_kept, plan
    from keras_facesr.photos import choose, networks, restore

    if args.out and not args.out.is_dir() and (args.out.suffix.lower() in SUFFIXES or is_there(args.out)):
        raise CallError(f"{args.out}: -o takes a folder")
    restore.check_networks(args.model, background)
    if args.samples and args.model:  # else the photographs would all be the same
        start_keras(args.debug)  # which tells whether it draws
        check_samples(args, {args.model: find_preset(args.model)})
    with console.waiting("starting LiteRT", args.debug):
        networks.started()
    answers, empty = plan(args.inputs, args.out, NAME, args.samples)
    if args.out and (args.overwrite or args.keep_faces):
        check_kept(answers, FACE if args.keep_faces else None)
    failed, done, skipped = console.Failures(args.debug), [], []
    for given in empty:
        failed.add(given, FacesrError(f"{given}: no picture there"))
    if args.dry_run and args.json != "-":
        print("\n".join(choose.table(_networks(args))))
    elif not args.dry_run:
        console.check_writable(args.out)
    load = Loader(args)

    def answered(targets):
        with suppress(OSError):  # as of a name that is too long: it is told of when the photograph's turn comes
            return args.skip_existing and all(map(is_there, targets))

    if not (args.dry_run or all(map(answered, answers.values()))):  # what cannot be had is said once, not of each photograph
        if not args.faces_only:
            load(background, 0)
        if args.model:
            load(presets.full_name(args.model), args.samples)
    with console.progress("photo", len(answers)) as show:
        for index, (photo, targets) in enumerate(answers.items()):
            try:
                if answered(targets):
                    skipped.append({"input": str(photo), "outputs": [str(target) for target in targets]})
                else:
                    entry, line = _do(args, photo, targets, background, load, lambda part: show(index + part))
                    done.append(entry)
                    if args.json != "-":
                        print(line, flush=True)
            except Exception as error:  # whatever is wrong with one photograph, the others are done
                failed.add(photo, error)
            show(index + 1)
    if skipped and args.json != "-":
        print(f"photographs answered already: {len(skipped)} of {len(answers)}")
    if len(failed) > 1:
        print(f"facesr: {len(failed)} of {len(failed) + len(done) + len(skipped)} photographs failed", file=sys.stderr)
    report = {"scale": args.scale, "background": "bicubic" if args.faces_only else background}
    console.write_json(args, {**report, "done": done, "skipped": skipped, "failed": failed})
    return 1 if failed else 0


def _networks(args):
    """What ``photos.restore`` takes as ``model``."""
    from keras_facesr.photos.choose import CLEAN

    return CLEAN if args.clean else args.model


def _do(args, photo, targets, background, load, show):
    """Enlarge one photograph, or with ``--dry-run`` find its faces. Returns its entry of the report, and a line about it."""
    from keras_facesr.data.images import read_picture, write_png
    from keras_facesr.photos.restore import enlarge_parts, find, summary

    picture = read_picture(photo)
    if args.dry_run:
        faces, doubtful = find(picture, _networks(args), show)
        lines = [f"{photo}: {summary(faces, doubtful)}", *map(_line, faces)]
        return _entry(photo, faces, doubtful), "\n".join(lines)
    make_folder_of(targets[0])  # where a name that is too long is seen before the work
    missing = [number for number, target in enumerate(targets) if not (args.skip_existing and is_there(target))]
    for number in missing:
        console.check_new(targets[number], args.overwrite)  # before the work; write_png checks again
    if args.keep_faces and missing:
        console.check_new(_face_file(targets[0], 1), args.overwrite or args.skip_existing)  # of more it is not known yet
    how = {"samples": args.samples, "seed": args.seed, "load": load, "show": show}
    parts = enlarge_parts(picture, _networks(args), background, args.faces_only, **how)
    faces = _write_faces(args, targets, parts.faces) if args.keep_faces else []
    outputs = []
    for number in missing:  # one after the other, as each may have hundreds of megabytes
        pixels = parts.joined(args.scale, [number] * len(parts.faces), keep=number != missing[-1])
        outputs.append(write_png(targets[number], pixels, args.overwrite, picture))
    outputs += faces
    entry = {**_entry(photo, parts.faces, parts.doubtful), "outputs": [str(path) for path in outputs]}
    return entry, f"{photo} -> {', '.join(map(str, outputs))}: {summary(parts.faces, parts.doubtful)}"


def _write_faces(args, targets, faces):
    """Write each face's answers, of several each beside its photograph; before these, which tell that all is answered.

    Returns their paths.
    """
    from keras_facesr.data.images import write_png

    written, overwrite = [], args.overwrite or args.skip_existing
    for number, face in enumerate(faces, 1):
        for target, crop in zip(targets, face.crops):
            path = _face_file(target, number)
            console.check_new(path, overwrite)
            written.append(write_png(path, crop, overwrite))
    return written


def _face_file(target, number):
    return f"{target.with_suffix('')}_face_{number}.png"


def _entry(photo, faces, doubtful):
    return {"input": str(photo), "faces": [face.as_json() for face in faces], "doubtful": doubtful}


def _line(face):
    x, y = (round((low + high) / 2) for low, high in (face.box[::2], face.box[1::2]))
    return f"    {face.width:.0f} px wide at {x},{y}, turned by {round(face.angle)} degrees: {face.preset or face.left_for}"
