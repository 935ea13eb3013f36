"""The papers' systems and baselines at their papers' size, with the loss, optimiser and first rate of each paper; for GPUs.

SAM, CAGFace and SSRVAE have the data of their small recipes. The other methods see whole faces of UTKFace, x8, while most
papers cut patches from photographs. Their rates fall along a cosine, while most papers divide them now and then. SRResNet,
SRGAN, EDSR and ESRGAN take their papers' steps, the others ``STEPS``. Batches have 16 images, for VDSR 64. VarSR, FSRCNN and
SRCNN have their papers' size in the recipes for two cores already, VarSR's with another optimiser (docs/papers/varsr.md).
"""

import dataclasses

from keras_facesr.training.recipes.cagface import COMPONENT_NETWORK, small
from keras_facesr.training.recipes.recipe import FEATURES_WEIGHT, Recipe, Stage
from keras_facesr.training.recipes.sam import FACES
from keras_facesr.training.recipes.ssrvae import SSRVAE_STYLE, stylevae

STEPS = 200_000


def by_pixels(steps=STEPS, learning_rate=1e-4, batch_size=16, **how):
    return Stage(steps, batch_size, learning_rate, check_every=5000, jit_compile=False, **how)


def against_a_critic(steps=STEPS, learning_rate=1e-4, batch_size=16, **how):
    """Phase 2. Its features are those of ``face_features``, as VGG19's weights are not available everywhere."""
    return by_pixels(steps, learning_rate, batch_size, phase=2, keep="last", **how)


def full_size(name, model_class, *stages, **config):
    return Recipe(f"{name}_x8_utkface", model_class, {"scale": 8, **config}, (FACES,), stages)


def sam(scale):
    """SAM at the paper's rates, 2.5e-4 for phase 1 and 5e-3 for phase 2 (section 4.1), without augmentation."""
    phase_1 = by_pixels(phase=1, learning_rate=2.5e-4, augmentation=None)
    phase_2 = by_pixels(50_000, phase=2, learning_rate=5e-3, augmentation=None)
    return Recipe(f"sam_x{scale}_utkface", "SAM", {"scale": scale}, (FACES,), (phase_1, phase_2))


def cagface(*phases):
    """CAGFace with F = 256 features and L = 16 blocks, on patches."""
    stages = [by_pixels(phase=phase, augmentation="six") for phase in phases]
    return small("cagface_x4", "CAGFace", {}, *stages, parts={"components": COMPONENT_NETWORK})


JUDGED = {"hr_size": (128, 128), "critic": True}
BY_FEATURES = {"features": "face_features"}

RECIPES = [
    *map(sam, (4, 8, 16)),
    cagface(1, 2),
    # Adam at 1e-4, ten epochs of the paper's 180,000 faces for styleVAE; both at the classes' width of 64 channels,
    # as the paper prints none.
    dataclasses.replace(stylevae("stylevae_64_wider", channels=64), stages=(by_pixels(110_000),)),
    dataclasses.replace(SSRVAE_STYLE, name="ssrvae_64_x4", config={"scale": 4}, stages=(by_pixels(loss="mae"),)),
    full_size("vdsr", "VDSR", by_pixels(learning_rate=0.1, batch_size=64, loss="mse", optimizer="clipped_sgd")),
    full_size("srresnet", "SRResNet", by_pixels(1_000_000, loss="mse")),
    full_size(
        "srgan",
        "SRGAN",
        by_pixels(1_000_000),
        against_a_critic(200_000, **BY_FEATURES),
        perceptual_weight=FEATURES_WEIGHT,  # the paper, too, scales features so that their errors are about as large as pixels'
        **JUDGED,
    ),
    full_size("urdgn", "URDGN", against_a_critic(learning_rate=1e-3, optimizer="rmsprop"), **JUDGED),
    full_size("wavelet_srnet", "WaveletSRNet", by_pixels(learning_rate=2e-4)),
    full_size("edsr", "EDSR", by_pixels(300_000, loss="mae")),
    full_size("rdn", "RDN", by_pixels(loss="mae")),
    full_size("rrdbnet", "RRDBNet", by_pixels(1_000_000, 2e-4, loss="mae")),
    full_size("esrgan", "ESRGAN", by_pixels(1_000_000, 2e-4), against_a_critic(400_000, **BY_FEATURES), **JUDGED),
    full_size("enhancenet", "EnhanceNet", by_pixels(), hr_size=(128, 128)),  # ENet-E: textures need VGG19's features
    full_size("srfbn", "SRFBN", by_pixels()),
]
