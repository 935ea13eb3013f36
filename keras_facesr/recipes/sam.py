"""The small SAM presets on UTKFace and the yardsticks that see the same images."""

from keras_facesr.recipes.recipe import Recipe, Source, Stage


def sam_small(scale, warm_starts, phase_1, phase_2, **config):
    """SAM with the LR-size backbone; all numbers are steps, and each warm start is a cosine of its own."""
    return Recipe(
        name=f"sam_small_x{scale}_utkface",
        model_class="SAM",
        config={"scale": scale, "backbone": "lr", "stochastic_weight": 0.1, **config},
        sources=(Source("utkface", 128),),
        stages=(
            *[Stage(steps, batch_size=8, learning_rate=2e-3, optimizer="muon", phase=0) for steps in warm_starts],
            Stage(phase_1, batch_size=8, learning_rate=1e-3, optimizer="muon", phase=1),
            Stage(phase_2, batch_size=16, learning_rate=2e-3, optimizer="muon", phase=2, check_every=250),
        ),
    )


def yardstick(name, model_class, steps, **config):
    """A baseline by mean squared error on the images of ``sam_small_x8_utkface``."""
    stage = Stage(steps, batch_size=8, learning_rate=1e-3, loss="mse", check_every=1000, jit_compile=False)
    return Recipe(
        name=name,
        model_class=model_class,
        config={"scale": 8, **config},
        sources=(Source("utkface", 128),),
        stages=(stage,),
    )


RECIPES = [
    sam_small(8, warm_starts=(5000, 14000), phase_1=1000, phase_2=500, encoder_blocks=10, decoder_blocks=2),
    sam_small(4, warm_starts=(3000,), phase_1=500, phase_2=250, channels=48, encoder_blocks=6, decoder_blocks=2),
    sam_small(16, warm_starts=(4000,), phase_1=1000, phase_2=250, channels=96, encoder_blocks=10, decoder_blocks=2),
    # The yardsticks train for as many images as sam_small_x8_utkface (168,000 in all stages) or, where that takes longer,
    # for as many minutes. SRResNet's width and depth are those that come to the same multiply-adds (tests/test_baselines.py).
    yardstick("srcnn_x8_utkface", "SRCNN", steps=21_000),
    yardstick("srresnet_small_x8_utkface", "SRResNet", steps=15_000, channels=32, blocks=12),
]
