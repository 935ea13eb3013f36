"""VarSR, its rivals and deterministic twins, for faces of 8x8 pixels and for digits; and the networks that judge them."""

from keras_facesr.recipes.recipe import Recipe, Source, Stage

FACES = (Source("celeba", 64),)
AGAINST_A_CRITIC = {"critic": True, "critic_channels": 32, "perceptual_weight": 0.05}
MNIST, PLATES = (Source("mnist", 24),), (Source("digits", (16, 8)),)


def faces(name, model_class, config, *stages, **how):
    """A network for x8 on CelebA, at the paper's size."""
    return Recipe(name, model_class, {"scale": 8, "blocks": 8, **config}, FACES, stages, **how)


def digits(name, model_class, sources, **config):
    """A network for x4 on digits: 6x6 to 24x24 pixels (MNIST), 4x2 to 16x8 (plates); by pixels alone, as in the paper."""
    stages = (by_pixels(8000, batch_size=32, augmentation=None, loss="mse" if model_class == "Autoencoder" else None),)
    return Recipe(name, model_class, {"scale": 4, **config}, sources, stages, validation_images=500)


def by_pixels(steps, batch_size=16, **how):
    how = {"learning_rate": 5e-4, "jit_compile": False, **how}
    return Stage(steps, batch_size, **how)


def adversarial(steps):
    """Phase 2 from a network that phase 1 has trained: what it gains, no pixel's score shows."""
    return Stage(steps, 16, 1e-4, phase=2, features="face_features", keep="last", jit_compile=False)


def classifier(name, sources):
    loss = "sparse_categorical_crossentropy"
    stages = (Stage(3000, batch_size=64, learning_rate=1e-3, loss=loss, jit_compile=False),)
    return Recipe(name, "DigitClassifier", {}, sources, stages, task="digit reading", validation_images=500)


RECIPES = [
    Recipe(
        name="face_features",
        model_class="FaceFeatures",
        config={"channels": (24, 48, 96, 192)},
        task="face attributes",
        sources=(Source("celeba", 64, "celeba"), Source("utkface", 64, "utkface")),
        stages=(Stage(5000, batch_size=32, learning_rate=1e-3),),
        validation_images=300,
    ),
    faces("varsr_x8_celeba", "VarSR", {}, by_pixels(6000)),
    faces("srresnet_x8_celeba64", "SRResNet", {}, by_pixels(6000, loss="mse")),
    faces("varsr_gan_x8_celeba", "VarSR", AGAINST_A_CRITIC, adversarial(1000), start="varsr_x8_celeba"),
    faces(
        "srgan_x8_celeba64",
        "SRGAN",
        {"hr_size": (64, 64), **AGAINST_A_CRITIC},
        adversarial(1000),
        parts={"generator": "srresnet_x8_celeba64"},
    ),
    classifier("digits_mnist", MNIST),
    classifier("digits_plates", PLATES),
    digits("varsr_x4_mnist", "VarSR", MNIST, lr_size=(6, 6), latent_dim=64, blocks=0, kl_weight=0.01),
    digits("varsr_x4_plates", "VarSR", PLATES, lr_size=(4, 2), latent_dim=64, blocks=0, kl_weight=0.05),
    digits("autoencoder_x4_mnist", "Autoencoder", MNIST),
    digits("autoencoder_x4_plates", "Autoencoder", PLATES),
]
