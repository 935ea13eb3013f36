"""The small SAM presets on UTKFace and the yardsticks that see the same images."""

from keras_facesr.recipes.recipe import Recipe, Source, Stage

FACES = Source("utkface", 128)
WARM_STEPS = {4: 3000, 8: 28000, 16: 4000}  # of each scale's warm starts


def sam_small(scale, warm_starts, phase_1, phase_2, phase_1_rate=1e-3, **config):
    """SAM with the LR-size backbone; ``warm_starts`` are stages of phase 0, the other numbers steps."""
    return Recipe(
        name=f"sam_small_x{scale}_utkface",
        model_class="SAM",
        config={"scale": scale, "backbone": "lr", "stochastic_weight": 0.1, **config},
        sources=(FACES,),
        stages=(
            *warm_starts,
            Stage(phase_1, batch_size=8, learning_rate=phase_1_rate, optimizer="muon", phase=1),
            Stage(phase_2, batch_size=16, learning_rate=2e-3, optimizer="muon", phase=2, check_every=250),
        ),
    )


def warm_start(steps, learning_rate=2e-3, **config):
    """The deterministic path alone, at less than half the cost of phase 1; ``config`` is the network's at this stage."""
    return Stage(steps, batch_size=8, learning_rate=learning_rate, optimizer="muon", phase=0, config=config)


def yardstick(name, model_class, scale, **config):
    """A baseline by mean squared error on the images of the ``sam_small`` of its scale, as many as its warm starts see."""
    how = {"batch_size": 8, "loss": "mse", "jit_compile": False}
    steps = WARM_STEPS[scale] // 2
    return Recipe(
        name=f"{name}_x{scale}_utkface",
        model_class=model_class,
        config={"scale": scale, **config},
        sources=(FACES,),
        stages=(Stage(steps, learning_rate=1e-3, **how), Stage(steps, learning_rate=5e-4, **how)),
    )


RECIPES = [
    sam_small(
        8,
        # A shallower network learns what it can at less cost; then six blocks join.
        warm_starts=[warm_start(5000, encoder_blocks=10), warm_start(14000, encoder_blocks=10), warm_start(9000, 1e-3)],
        phase_1=2500,
        phase_1_rate=7e-4,
        phase_2=500,
        encoder_blocks=16,
        decoder_blocks=2,
    ),
    sam_small(4, [warm_start(3000)], phase_1=500, phase_2=250, channels=48, encoder_blocks=6, decoder_blocks=2),
    sam_small(16, [warm_start(4000)], phase_1=1000, phase_2=250, channels=96, encoder_blocks=10, decoder_blocks=2),
    # SRResNet's width and depth are those that come to SAM's multiply-adds (tests/test_baselines.py).
    *[yardstick("srcnn", "SRCNN", scale) for scale in (4, 8, 16)],
    yardstick("srresnet_small", "SRResNet", 4, channels=32, blocks=14),
    yardstick("srresnet_small", "SRResNet", 8, channels=36, blocks=17),
    yardstick("srresnet_small", "SRResNet", 16, channels=27, blocks=17),
]
