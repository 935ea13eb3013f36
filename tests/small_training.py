"""A training run of half a minute: ``python small_training.py DATA_DIR RUN_DIR [resume] [plain] [multiworker]``.

Used by test_training.py and test_replicas.py. A plain run draws no noise.
"""

import dataclasses
import sys

from keras_facesr.recipes.recipe import Recipe, Source, Stage

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

PLAIN = dataclasses.replace(
    RECIPE,
    stages=tuple(Stage(10, 4, learning_rate=1e-3, phase=0, check_every=5, jit_compile=False) for _ in range(2)),
)

if __name__ == "__main__":
    from keras_facesr.errors import FacesrError, TrainingStopped
    from keras_facesr.training import train

    data_dir, run_dir, *how = sys.argv[1:]
    strategy = "multiworker" if "multiworker" in how else "auto"
    try:
        train(PLAIN if "plain" in how else RECIPE, data_dir, run_dir, resume="resume" in how, strategy=strategy)
    except FacesrError as ended:
        print(ended, file=sys.stderr)
        sys.exit(not isinstance(ended, TrainingStopped))
