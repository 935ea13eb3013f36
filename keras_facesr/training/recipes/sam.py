"""The small SAM presets, and the baselines that see the same images of UTKFace."""

import dataclasses

from keras_facesr.training.recipes.recipe import Recipe, Source, Stage

FACES = Source("utkface", 128)
# Faces of three sets, all cut to UTKFace's framing; ``whole`` is the side of the pictures that they are cut from.
FRAMED = tuple(
    Source(kind, 128, kind, "utkface", whole) for kind, whole in zip(("utkface", "celeba", "celebamask"), (200, 178, 256))
)
CELEBA = Source("celeba", 128, "celeba", "celeba", 178)
PHASE_0_STEPS = {4: 3000, 8: 8000, 16: 4000}  # by scale


def sam_small(scale, phase_1, phase_2, **config):
    """SAM with the LR-size backbone; phase 0, the deterministic path alone, costs less for each image than phase 1.

    The rates are for Muon: in phase 0, at 2e-3 most of the encoder's ReLU units become zero for good; 3.5e-4 is slower.
    """
    return Recipe(
        name=f"sam_small_x{scale}_utkface",
        model_class="SAM",
        config={"scale": scale, "backbone": "lr", "stochastic_weight": 0.1, **config},
        sources=(FACES,),
        stages=(
            Stage(PHASE_0_STEPS[scale], batch_size=8, learning_rate=7e-4, optimizer="muon", phase=0),
            Stage(phase_1, batch_size=8, learning_rate=5e-4, optimizer="muon", phase=1),
            Stage(phase_2, batch_size=16, learning_rate=2e-3, optimizer="muon", phase=2, check_every=250),
        ),
    )


def yardstick(name, model_class, scale, **config):
    """A baseline, trained by mean squared error on as many images as phase 0 of the ``sam_small`` of its scale sees."""
    how = {"batch_size": 8, "loss": "mse", "jit_compile": False}
    steps = PHASE_0_STEPS[scale] // 2
    return Recipe(
        name=f"{name}_x{scale}_utkface",
        model_class=model_class,
        config={"scale": scale, **config},
        sources=(FACES,),
        stages=(Stage(steps, learning_rate=1e-3, **how), Stage(steps, learning_rate=5e-4, **how)),
    )


def sam_of_sets(scale, *steps, **config):
    """SAM with the LR-size backbone on faces of three sets, in larger batches and bfloat16, for ten times the images.

    Its latent is one for a face, of few numbers: few enough that a hundred samples cover the variation (docs/papers/sam.md).
    ``steps`` are (number, rate) of phases 0, 1 and 2.
    """
    how = {"batch_size": 32, "optimizer": "muon", "jit_compile": False}
    averages = ({"ema": 0.999}, {"ema": 0.999}, {"check_every": 250})
    return Recipe(
        name=f"sam_small_x{scale}",
        model_class="SAM",
        config={"scale": scale, "backbone": "lr", "decoder_blocks": 2, "latent": "face", "divergence": "forward", **config},
        sources=FRAMED,
        precision="mixed_bfloat16",
        stages=tuple(
            Stage(number, learning_rate=rate, phase=phase, **how, **averages[phase])
            for phase, (number, rate) in enumerate(steps)
        ),
    )


def gone_on(recipe, name, *steps, **changes):
    """The same network, from the weights of ``recipe``'s preset, for other faces or other small images."""
    how = {"batch_size": 32, "optimizer": "muon", "jit_compile": False, "ema": 0.999}
    stages = (
        Stage(number, learning_rate=rate, phase=phase, check_every=250, **how) for phase, (number, rate) in enumerate(steps)
    )
    return dataclasses.replace(recipe, name=name, stages=tuple(stages), start=recipe.name, **changes)


SAM_X4 = sam_of_sets(
    4, (14000, 1e-3), (1500, 5e-4), (1000, 1e-3), channels=48, encoder_blocks=10, latent_channels=8, stochastic_weight=0.1
)
SAM_X8 = sam_of_sets(8, (20000, 1e-3), (9500, 5e-4), (2000, 1e-3), encoder_blocks=24, latent_channels=8, stochastic_weight=0.1)
SAM_X8_GAN = dataclasses.replace(  # against a critic of its samples
    SAM_X8,
    name="sam_gan_small_x8",
    model_class="SAMGAN",
    config={
        "scale": 8,
        "generator": {name: value for name, value in SAM_X8.config.items() if name != "scale"},
        "critic": True,
        "critic_channels": 32,
        "critic_cell": 4,
        "objective": "paired",
        "adversarial_weight": 1e-2,
        "consistency_weight": 3.0,
        "penalty_weight": 2.0,
    },
    stages=(Stage(2000, 16, 1e-4, critic_rate=3.0, phase=2, keep="last", ema=0.998, check_every=100, jit_compile=False),),
    parts={"generator": SAM_X8.name},
)

RECIPES = [
    SAM_X8,
    SAM_X8_GAN,
    gone_on(  # CelebA's own framing: the whole head and what is round it
        SAM_X8, "sam_small_x8_celeba", (12000, 7e-4), (2000, 5e-4), (1000, 1e-3), sources=(CELEBA,)
    ),
    sam_of_sets(
        16,
        (10000, 5e-4),
        (5000, 3e-4),
        (1500, 1e-3),
        channels=96,
        encoder_blocks=16,
        latent_channels=12,
        stochastic_weight=0.3,
    ),
    SAM_X4,
    gone_on(SAM_X4, "sam_real_x4", (6500, 1e-3), (1000, 5e-4), (500, 1e-3), degradation="blind"),
    sam_small(4, phase_1=500, phase_2=250, channels=48, encoder_blocks=6, decoder_blocks=2),
    sam_small(8, phase_1=1500, phase_2=500, encoder_blocks=16, decoder_blocks=2),
    sam_small(16, phase_1=1000, phase_2=250, channels=96, encoder_blocks=10, decoder_blocks=2),
    # SRResNet's widths and depths give about SAM's number of multiply-adds (tests/test_baselines.py).
    *[yardstick("srcnn", "SRCNN", scale) for scale in (4, 8, 16)],
    yardstick("srresnet_small", "SRResNet", 4, channels=32, blocks=14),
    yardstick("srresnet_small", "SRResNet", 8, channels=36, blocks=17),
    yardstick("srresnet_small", "SRResNet", 16, channels=27, blocks=17),
]
