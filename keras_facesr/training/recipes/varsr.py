"""VarSR, its deterministic twins and other methods, for faces of 8x8 pixels and for digits; and the networks that judge."""

import dataclasses

from keras_facesr.training.recipes.recipe import FEATURES_WEIGHT, Recipe, Source, Stage

FACES = (Source("celeba", 64),)
AGAINST_A_CRITIC = {"critic": True, "critic_channels": 32, "perceptual_weight": FEATURES_WEIGHT}
MNIST, PLATES = (Source("mnist", 24),), (Source("digits", (16, 8)),)
OF_FACES = {"learning_rate": 1e-3, "optimizer": "muon"}  # faster than Adam at 5e-4
OF_DIGITS = {"batch_size": 32, "augmentation": None}
LATENT = {"lr_size": ((6, 6), (4, 2)), "latent_dim": 64, "blocks": 0}


def faces(name, model_class, config, *stages, **how):
    """A network for x8 on CelebA, at the paper's size."""
    return Recipe(name, model_class, {"scale": 8, "blocks": 8, **config}, FACES, stages, **how)


def varsr_of_faces(kl_weight, infix, *stages, **how):
    """VarSR for faces with one lambda_KL: a recipe by pixels, and one that continues it against a critic."""
    config = {"kl_weight": kl_weight}
    by_pixels_alone = f"varsr{infix}_x8_celeba"
    yield faces(by_pixels_alone, "VarSR", config, *stages, **how)
    yield faces(f"varsr_gan{infix}_x8_celeba", "VarSR", {**config, **AGAINST_A_CRITIC}, adversarial(500), start=by_pixels_alone)


def digits(name, model_class, *stages, **config):
    """Two networks for x4 on digits: ``name``_mnist, 6x6 to 24x24 pixels, and ``name``_plates, 4x2 to 16x8.

    They are trained by pixels alone unless ``stages`` says otherwise; the paper adds a critic. A value of ``config`` that
    differs between the two is a pair. There are 60,000 digits of MNIST but only 5,000 of plates, so plates get a fifth of the
    steps, which is 19 epochs.
    """
    stages = stages or (by_pixels(15_000, **OF_DIGITS),)
    fewer = tuple(dataclasses.replace(stage, steps=stage.steps // 5) for stage in stages)
    for which, (data, sources, own_stages) in enumerate((("mnist", MNIST, stages), ("plates", PLATES, fewer))):
        own = {key: value[which] if isinstance(value, tuple) else value for key, value in config.items()}
        yield Recipe(f"{name}_{data}", model_class, {"scale": 4, **own}, sources, own_stages, validation_images=500)


def by_pixels(steps, batch_size=16, **how):
    how = {"learning_rate": 5e-4, "jit_compile": False, **how}
    return Stage(steps, batch_size, **how)


def adversarial(steps, batch_size=16, features="face_features", **how):
    """Phase 2, after phase 1; it keeps the last weights, since a score by pixels does not show what it gains."""
    return Stage(steps, batch_size, 1e-4, phase=2, features=features, keep="last", jit_compile=False, **how)


def classifier(name, sources):
    loss = "sparse_categorical_crossentropy"
    stages = (Stage(1000, batch_size=64, learning_rate=1e-3, loss=loss, augmentation=None, jit_compile=False),)
    return Recipe(name, "DigitClassifier", {}, sources, stages, task="digit reading", validation_images=500)


def aliased(recipe, steps):
    """A network for digits reduced without antialiasing, which are as hard to read as the paper's."""
    (stage,) = recipe.stages
    return dataclasses.replace(
        recipe, name=f"{recipe.name}_aliased", degradation="aliased", stages=(dataclasses.replace(stage, steps=steps),)
    )


# The backbone of the input's size, on four times the images. A dimension of z costs 2.5e-5 a nat: it pays wherever it explains
# more than 0.2 % of what is left of the squared error.
SMALL = Recipe(
    name="varsr_small_x8",
    model_class="VarSR",
    config={
        "scale": 8,
        "backbone": "lr",
        "blocks": 24,
        "decoder_blocks": 3,
        "latent_dim": 64,
        "kl_weight": 0.0016,
        "answer_weight": 1.0,
    },
    sources=(Source("celeba", 64, "celeba", "celeba", 178),),
    stages=(by_pixels(8000, batch_size=32, learning_rate=7e-4, optimizer="muon", ema=0.999),),
    precision="mixed_bfloat16",
)

# Against a critic of its samples. Without ``answer_weight``: an answer that is the nearest one to the truth is never sharp.
SMALL_GAN = dataclasses.replace(
    SMALL,
    name="varsr_gan_small_x8",
    config={
        **SMALL.config,
        "answer_weight": 0.0,
        "judges_samples": True,
        "keeps_latent": True,
        "temperature": 1.25,
        "consistency_weight": 3.0,
        "critic": True,
        "critic_channels": 24,
        "objective": "paired",
        "adversarial_weight": 1e-2,
        "penalty_weight": 2.0,
    },
    stages=(adversarial(5500, features=None, critic_rate=3.0),),
    start="varsr_small_x8",
)

RECIPES = [
    SMALL,
    SMALL_GAN,
    Recipe(
        name="face_features",
        model_class="FaceFeatures",
        config={"channels": (16, 32, 64, 128)},
        task="face attributes",
        sources=(Source("celeba", 64, "celeba"), Source("utkface", 64, "utkface")),
        stages=(Stage(6000, batch_size=32, learning_rate=2e-3, optimizer="muon", jit_compile=False),),
        validation_images=300,
    ),
    *varsr_of_faces(0.02, "", by_pixels(4000, **OF_FACES)),
    *varsr_of_faces(0.01, "_kl01", by_pixels(1000), start="varsr_x8_celeba"),
    faces("srresnet_x8_celeba64", "SRResNet", {}, by_pixels(4000, loss="mse", **OF_FACES)),
    # MR-GAN's loss by pixels holds for the mean of many answers only; single answers need the critic.
    faces("mrgan_x8_celeba", "MRGAN", AGAINST_A_CRITIC, by_pixels(4000, **OF_FACES), adversarial(500)),
    faces(
        "srgan_x8_celeba64",
        "SRGAN",
        {"hr_size": (64, 64), "fidelity_weight": 1.0, **AGAINST_A_CRITIC},
        adversarial(500),
        parts={"generator": "srresnet_x8_celeba64"},
    ),
    classifier("digits_mnist", MNIST),
    classifier("digits_plates", PLATES),
    *digits("varsr_x4", "VarSR", **LATENT, kl_weight=(0.0125, 0.05), draws=5),
    *digits("autoencoder_x4", "Autoencoder", by_pixels(15_000, loss="mse", **OF_DIGITS)),
    *digits(
        "mrgan_x4",
        "MRGAN",
        by_pixels(10_000, **OF_DIGITS),
        adversarial(5000, features=None, **OF_DIGITS),
        **LATENT,
        critic=True,
        critic_channels=32,
        critic_convolutions=5,
    ),
    # The last weights are kept: PRSR's validation score is of the conditioner alone and does not show how the prior improves.
    *digits(
        "prsr_x4",
        "PRSR",
        by_pixels(15_000, keep="last", **OF_DIGITS),
        channels=32,
        depth=6,
        head=256,
        conditioner_channels=32,
        blocks=2,
    ),
]
RECIPES += [aliased(recipe, 5000) for recipe in RECIPES if recipe.name in ("varsr_x4_mnist", "autoencoder_x4_mnist")]
