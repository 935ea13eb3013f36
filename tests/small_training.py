"""A training run of half a minute: ``python small_training.py DATA_DIR RUN_DIR [resume] [plain] [multiworker]``.

A plain run draws no noise, a thin one takes a second. Used by test_training.py and test_cluster.py, as are the functions here.
"""

import dataclasses
import sys

import h5py
import numpy as np
from PIL import Image

from keras_facesr.training.recipes.recipe import Recipe, Source, Stage

RECIPE = Recipe(
    name="small",
    model_class="SAM",
    config={
        "scale": 4,
        "backbone": "lr",
        "channels": 8,
        "encoder_blocks": 1,
        "decoder_blocks": 1,
        "latent_channels": 4,
        "head_channels": 4,
    },
    sources=(Source("folder", 32),),
    stages=(
        Stage(20, batch_size=4, learning_rate=1e-3, optimizer="muon", phase=1, check_every=10, jit_compile=False),
        Stage(20, batch_size=4, learning_rate=1e-3, phase=2, check_every=10, jit_compile=False),
    ),
    validation_images=4,
)

THIN_STAGE = Stage(4, batch_size=4, learning_rate=1e-3, loss="mse", check_every=2, jit_compile=False)
THIN = dataclasses.replace(  # whatever network it is that a run trains
    RECIPE,
    name="thin",
    model_class="VDSR",
    config={"scale": 4, "channels": 8, "depth": 3},
    stages=(dataclasses.replace(THIN_STAGE, optimizer="muon"), THIN_STAGE),
)

PLAIN_STAGE = Stage(10, batch_size=4, learning_rate=1e-3, phase=0, ema=0.5, check_every=5, jit_compile=False)
PLAIN = dataclasses.replace(RECIPE, stages=(PLAIN_STAGE, PLAIN_STAGE))


def write_faces(folder):
    """24 pictures of 40x40, pieces of a portrait, into a folder, which is returned."""
    from skimage.data import astronaut

    portrait, rng = astronaut(), np.random.default_rng(0)
    for index in range(24):
        top, left = rng.integers(0, 300, size=2)
        Image.fromarray(portrait[top : top + 160, left : left + 160]).resize((40, 40)).save(folder / f"{index}.png")
    return folder


def arrays(file):
    """Name -> array of what a file of weights holds."""
    found = {}
    with h5py.File(file) as weights:
        weights.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def assert_same_weights(file, other):
    found, expected = arrays(file), arrays(other)
    assert found.keys() == expected.keys() and len(found) > 5
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


if __name__ == "__main__":
    from keras_facesr.errors import FacesrError, TrainingStopped
    from keras_facesr.training.run import train

    data_dir, run_dir, *how = sys.argv[1:]
    strategy = "multiworker" if "multiworker" in how else "auto"
    try:
        train(PLAIN if "plain" in how else RECIPE, data_dir, run_dir, resume="resume" in how, strategy=strategy)
    except FacesrError as ended:
        print(ended, file=sys.stderr)
        sys.exit(not isinstance(ended, TrainingStopped))
