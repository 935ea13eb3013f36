"""CAGFace for two cores, its small twins and the baselines that see the same patches, and the component network."""

import dataclasses

from keras_facesr.training.recipes.baselines import against_a_critic
from keras_facesr.training.recipes.recipe import FEATURES_WEIGHT, Recipe, Source, Stage

COMPONENT_NETWORK = "components_celebamask"
# Faces of at least 512 pixels in DATA_DIR/faces_512, CelebAMask-HQ in DATA_DIR/celebamask, CelebA in DATA_DIR/celeba.
FACES = (Source("folder", 512, "faces_512"), Source("celebamask", 256, "celebamask"))
FACES_OF_SIZES = (  # the same faces nearer and farther, and more of them
    Source("folder", 512, "faces_512", times=8),
    Source("folder", 384, "faces_512", times=5),
    Source("folder", 256, "faces_512", times=5),
    Source("celebamask", 256, "celebamask", times=6),
    Source("celeba", 176, "celeba"),
)
SHARP_FACES = (  # without CelebA's, whose pictures are soft at their own size
    Source("folder", 512, "faces_512", times=8),
    Source("folder", 256, "faces_512", times=4),
    Source("celebamask", 256, "celebamask", times=4),
)


def small(name, model_class, config, *stages, parts=None):
    """A network for x4 on patches of 128 pixels from both sets, 48,000 of them."""
    return Recipe(name, model_class, config, FACES, stages, crop=128, validation_images=12, parts=parts or {})


def patches(steps, **how):
    how = {"batch_size": 8, "learning_rate": 2e-3, "optimizer": "muon", **how}
    return Stage(steps, augmentation="six", jit_compile=False, **how)


def by_chain(steps):
    return patches(steps, phase=2, batch_size=16, learning_rate=7e-4, ema=0.998, check_every=250)


def cagface(name, *stages, **config):
    config = {"features": 32, "blocks": 12, "image_skip": True, **config}
    return small(name, "CAGFace", config, *stages, parts={"components": COMPONENT_NETWORK})


LARGER = {"batch_size": 32, "learning_rate": 1e-3, "ema": 0.999}
ATTENTIVE = cagface(  # nine tenths of the multiply-adds of cagface_small_x4
    "cagface_attentive_x4",
    patches(3000, phase=1, **LARGER),
    patches(4500, phase=2, **LARGER),
    patches(8250, phase=2, check_every=250, **{**LARGER, "learning_rate": 6e-4}),
    patches(8000, phase=2, check_every=250, sources=FACES_OF_SIZES, **{**LARGER, "learning_rate": 6e-4}),
    features=48,
    blocks=8,
    block="attentive",
    tail="shuffle",
)
REAL = dataclasses.replace(  # from the weights that were taught on bicubic pairs
    ATTENTIVE,
    name="cagface_real_x4",
    sources=SHARP_FACES,
    stages=(by_chain(2500), by_chain(2000)),
    degradation="blind",
    validation_images=32,
    start="cagface_attentive_x4",
)
SHARP = Recipe(  # from the same weights, against a critic
    name="cagface_gan_x4",
    model_class="CAGFaceGAN",
    config={
        "generator": ATTENTIVE.config,
        "objective": "paired",
        "critic": True,
        "pixelwise_critic": False,
        "critic_channels": 64,
        "critic_convolutions": 6,
        "critic_cell": 4,
        "critic_detail": 10.0,
        "penalty_weight": 0.2,
        "adversarial_weight": 5e-3,
        "perceptual_weight": 0.0,
        "consistency_weight": 10.0,
    },
    sources=SHARP_FACES,
    stages=(
        patches(5000, learning_rate=2e-4, critic_rate=2.0, optimizer="adam", phase=2, keep="last", ema=0.999, check_every=200),
    ),
    precision="mixed_bfloat16",
    crop=128,
    validation_images=12,
    parts={"generator": "cagface_attentive_x4"},
)
REAL_SHARP = dataclasses.replace(  # from the weights that mend; to a spoilt small picture no answer can be held
    SHARP,
    name="cagface_real_gan_x4",
    config={
        **SHARP.config,
        "critic_channels": 48,
        "penalty_weight": 1.0,
        "penalty_every": 4,
        "adversarial_weight": 0.02,
        "perceptual_weight": FEATURES_WEIGHT,
        "consistency_weight": 0.0,
        "grid_weight": 30.0,
    },
    stages=(
        dataclasses.replace(
            SHARP.stages[0], steps=3000, learning_rate=1e-4, optimizer="adversarial_adam", features="face_features"
        ),
    ),
    degradation="blind",
    validation_images=32,
    parts={"generator": "cagface_real_x4"},
)


def by_adam(steps, **how):
    return patches(steps, **{"optimizer": "adam", "learning_rate": 1e-3, **how})


def adversarial(name, model_class, **config):
    """A baseline that is trained by pixels, and on the last sixth of its patches against a critic."""
    config = {"scale": 4, "hr_size": (128, 128), "critic": True, "critic_channels": 16, **config}
    recipe = small(name, model_class, config, by_adam(5000))
    return against_a_critic(recipe, 1000, augmentation="six", features="face_features")


RECIPES = [
    Recipe(
        name=COMPONENT_NETWORK,
        model_class="ComponentNetwork",
        config={},
        task="face parsing",
        sources=(Source("celebamask", 256),),
        stages=(Stage(2000, batch_size=8, learning_rate=2e-3, check_every=250, jit_compile=False),),
        validation_images=60,
    ),
    dataclasses.replace(ATTENTIVE, precision="mixed_bfloat16"),
    dataclasses.replace(REAL, precision="mixed_bfloat16"),
    SHARP,
    REAL_SHARP,
    cagface("cagface_small_x4", patches(2000, phase=1), patches(4000, phase=2)),
    cagface("cagface_small_single_x4", patches(6000, phase=1), stages=1),
    # Widths and depths that give about CAGFace's number of multiply-adds (tests/test_baselines.py).
    # EDSR is trained by Adam: by Muon, at CAGFace's rate, it diverged.
    small("edsr_small_x4", "EDSR", {"scale": 4, "channels": 48, "blocks": 20}, by_adam(6000, learning_rate=5e-4, loss="mae")),
    small("srcnn_x4", "SRCNN", {"scale": 4}, by_adam(6000, loss="mse")),
    small("fsrcnn_x4", "FSRCNN", {"scale": 4}, by_adam(6000, loss="mse")),
    small("srfbn_small_x4", "SRFBN", {"scale": 4, "channels": 24, "groups": 3}, by_adam(6000)),
    small("enhancenet_small_x4", "EnhanceNet", {"scale": 4, "hr_size": (128, 128), "channels": 48}, by_adam(6000)),
    adversarial("srgan_small_x4", "SRGAN", channels=48, blocks=15, perceptual_weight=FEATURES_WEIGHT, fidelity_weight=1.0),
    adversarial("esrgan_small_x4", "ESRGAN", channels=32, blocks=5, growth=16),
]
