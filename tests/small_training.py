"""A training run of half a minute: ``python small_training.py DATA_DIR RUN_DIR [resume]``. Used by test_training.py."""

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

if __name__ == "__main__":
    from keras_facesr.errors import TrainingStopped
    from keras_facesr.training import train

    try:
        train(RECIPE, sys.argv[1], sys.argv[2], resume=sys.argv[3:] == ["resume"])
    except TrainingStopped as stopped:
        print(stopped, file=sys.stderr)
