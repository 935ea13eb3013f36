"""The small SAM presets on UTKFace and the yardsticks that see the same images."""

from keras_facesr.recipes.recipe import Recipe, Stage


def sam_small(scale, warm_start, phase_1, phase_2, **config):
    """SAM with the LR-size backbone; the three numbers are steps."""
    return Recipe(
        name=f"sam_small_x{scale}_utkface",
        model_class="SAM",
        config={"scale": scale, "backbone": "lr", "stochastic_weight": 0.1, **config},
        data="utkface",
        hr_size=128,
        stages=(
            Stage(warm_start, batch_size=8, learning_rate=2e-3, optimizer="muon", phase=0),
            Stage(phase_1, batch_size=8, learning_rate=1e-3, optimizer="muon", phase=1),
            Stage(phase_2, batch_size=16, learning_rate=2e-3, optimizer="muon", phase=2, check_every=250),
        ),
    )


RECIPES = [
    sam_small(8, warm_start=6000, phase_1=1500, phase_2=500, encoder_blocks=10, decoder_blocks=2),
]
