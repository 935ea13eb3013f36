"""``facesr train``: trains a model as its recipe says."""

import sys

from keras_facesr.cli.arguments import local, positive
from keras_facesr.cli.networks import start_keras
from keras_facesr.errors import TrainingStopped

SUMMARY = "Train a model as its recipe says."


def add_options(option):
    option("recipe", metavar="RECIPE", help="name of a recipe, the same as that of its model")
    option("data_dir", metavar="DATA_DIR", help="data set, or folder of those that the recipe names; its training part")
    option("--out", type=local, required=True, metavar="RUN_DIR", help="folder for checkpoints, logs and weights")
    option("--epochs", type=positive, metavar="N", help="passes over the data in each stage, instead of the recipe's steps")
    option("--resume", action="store_true", help="go on with the run in RUN_DIR")
    option(
        "--degradation",
        metavar="KIND",
        help="how faces are reduced: bicubic, aliased, blind, style or another styleVAE (default: the recipe's)",
    )
    option("--precision", choices=("float32", "mixed_bfloat16", "mixed_float16"), help="number type of the computations")
    option("--accumulation", type=positive, metavar="N", help="batches that make one update (default: the recipe's, 1)")
    option("--strategy", choices=("auto", "mirrored", "multiworker"), default="auto", help="devices: docs/distributed.md")


def run(args):
    from keras_facesr.training import recipes
    from keras_facesr.training.sources import training_set

    for source in recipes.find(args.recipe).all_sources:  # before Keras starts
        training_set(source, args.data_dir)
    start_keras(args.debug)
    from keras_facesr.training.run import train

    names = ("epochs", "resume", "strategy", "degradation", "precision", "accumulation")
    try:
        train(args.recipe, args.data_dir, args.out, **{name: getattr(args, name) for name in names})
        print(f"{args.out}: has ended; the folder can be given as the name of a model")
    except TrainingStopped as stopped:
        print(f"facesr: {stopped}", file=sys.stderr)
    return 0
