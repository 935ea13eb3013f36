"""``facesr table``: a table of a paper, made again."""

import sys

from keras_facesr.cli import console
from keras_facesr.cli.arguments import local_path, positive, report_options
from keras_facesr.cli.networks import find_preset, start_keras
from keras_facesr.errors import CallError, TrainingStopped

SUMMARY = "Make a table of a paper again: train what is missing at one budget, measure, compare."


def add_options(option):
    report_options(option)
    option("name", metavar="NAME", help="sam1, sam2, varsr1 to varsr5, ssrvae1 to ssrvae5, cagface2 or cagface3")
    option("data_dir", type=local_path, metavar="DATA_DIR", help="data sets of the table's recipes, with test parts")
    option(
        "--out",
        required=True,
        type=local_path,
        metavar="RUNS_DIR",
        help="folder of the rows' runs; a table that was stopped goes on there",
    )
    option("--budget", type=positive, metavar="N", help="images that each network sees (default: the table's)")
    option("--limit", type=positive, metavar="N", help="measure on N images, spread over the test part (default: the table's)")
    option("--guest", action="append", default=[], metavar="NAME", help="also measure this model or folder; may be repeated")
    option("--write", type=local_path, metavar="FILE", help="Markdown to write (default: RUNS_DIR/NAME.md)")


def run(args):
    from keras_facesr import tables
    from keras_facesr.training import recipes
    from keras_facesr.training.sources import training_set

    table = tables.find(args.name)  # before Keras starts, as all that follows
    guests = [find_preset(name) for name in args.guest]
    for recipe, folder in table.recipes.items() if args.budget or table.budget else ():
        for source in recipes.find(recipe).all_sources:
            training_set(source, args.data_dir / folder)
    target = args.write or args.out / f"{args.name}.md"
    if target.is_dir():
        raise CallError(f"{target}: is a folder; --write takes a file")
    console.check_new(target, args.overwrite)
    console.check_writable(target)
    start_keras(args.debug)
    from keras_facesr.tables.markdown import markdown
    from keras_facesr.tables.run import run as make

    def say(line):
        print(line, file=sys.stderr)

    how = {"say": say, "progress": lambda what: console.progress(what, None)}
    try:
        report = make(table, args.data_dir, args.out, args.budget, args.limit, guests, **how)
    except TrainingStopped as stopped:
        say(f"facesr: {stopped}")
        return 0
    console.write_text(target, markdown(report))
    if args.json != "-":
        print(markdown(report))
    console.write_json(args, report)
    return 0
