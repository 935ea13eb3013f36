"""The papers' other methods at their own size, with the loss, optimiser and first rate of each; for GPUs.

They see whole faces of UTKFace, x8, where most papers cut patches of photographs, and their rates fall along a cosine, where
most papers divide them now and then. SRResNet, SRGAN, EDSR and ESRGAN take their papers' steps, the others ``STEPS``; batches
have 16 images but for VDSR's 64. FSRCNN and SRCNN have their papers' size in the recipes for two cores already.
"""

from keras_facesr.recipes.recipe import Recipe, Stage
from keras_facesr.recipes.sam import FACES

STEPS = 200_000


def by_pixels(steps=STEPS, learning_rate=1e-4, batch_size=16, **how):
    return Stage(steps, batch_size, learning_rate, check_every=5000, jit_compile=False, **how)


def against_a_critic(steps=STEPS, learning_rate=1e-4, batch_size=16, **how):
    """VGG19's features cannot be had everywhere: ``face_features`` gives them."""
    return by_pixels(steps, learning_rate, batch_size, phase=2, keep="last", **how)


def full_size(name, model_class, *stages, **config):
    return Recipe(f"{name}_x8_utkface", model_class, {"scale": 8, **config}, (FACES,), stages)


JUDGED = {"hr_size": (128, 128), "critic": True}
BY_FEATURES = {"features": "face_features"}

RECIPES = [
    full_size("vdsr", "VDSR", by_pixels(learning_rate=0.1, batch_size=64, loss="mse", optimizer="clipped_sgd")),
    full_size("srresnet", "SRResNet", by_pixels(1_000_000, loss="mse")),
    full_size("srgan", "SRGAN", by_pixels(1_000_000), against_a_critic(200_000, **BY_FEATURES), **JUDGED),
    full_size("urdgn", "URDGN", against_a_critic(learning_rate=1e-3, optimizer="rmsprop"), **JUDGED),
    full_size("wavelet_srnet", "WaveletSRNet", by_pixels(learning_rate=2e-4)),
    full_size("edsr", "EDSR", by_pixels(300_000, loss="mae")),
    full_size("rdn", "RDN", by_pixels(loss="mae")),
    full_size("rrdbnet", "RRDBNet", by_pixels(1_000_000, 2e-4, loss="mae")),
    full_size("esrgan", "ESRGAN", by_pixels(1_000_000, 2e-4), against_a_critic(400_000, **BY_FEATURES), **JUDGED),
    full_size("enhancenet", "EnhanceNet", by_pixels(), hr_size=(128, 128)),  # ENet-E: textures want VGG19's features
    full_size("srfbn", "SRFBN", by_pixels()),
]
