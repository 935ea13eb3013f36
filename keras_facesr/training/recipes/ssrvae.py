"""styleVAE and the networks trained on its pairs, for faces of 16x16 pixels; their twins see bicubic pairs of the same faces.

DATA_DIR holds CelebA in ``celeba`` and real small faces, cut from WIDER FACE, in ``wider_lq/train`` and ``wider_lq/test``.
"""

import dataclasses

from keras_facesr.training.recipes.baselines import against_a_critic
from keras_facesr.training.recipes.recipe import FEATURES_WEIGHT, Recipe, Source, Stage

CLEAN = Source("celeba", 64, "celeba")
REAL = Source("folder", 16, "wider_lq")
CRITIC = {"critic": True, "critic_channels": 16, "perceptual_weight": FEATURES_WEIGHT, "fidelity_weight": 1.0}


def stylevae(name, **config):
    """A styleVAE of half the class' width; ``config`` is what an ablation changes (Table 5).

    The weights were found on held-out faces: ``kl_weight`` keeps the styles of real faces where random styles are drawn,
    ``information_weight`` is too small to make a code of the style, and ``content_weight`` prevents patterns that no face has.
    """
    return Recipe(
        name,
        "StyleVAE",
        {"channels": 32, "kl_weight": 2.0, "content_weight": 4.0, "blind_content": True, "appearance_weight": 0.5, **config},
        sources=(CLEAN, REAL),
        stages=(Stage(1000, batch_size=32, learning_rate=1e-3, optimizer="muon", check_every=250, jit_compile=False),),
        task="degradation",
    )


def pair(name, model_class, loss="mae", **config):
    """A network for x4 on styleVAE's pairs, and its twin on bicubic pairs: ``name``_style and ``name``_bicubic."""
    bicubic = Recipe(
        f"{name}_bicubic",
        model_class,
        {"scale": 4, **config},
        sources=(CLEAN,),
        stages=(Stage(2000, batch_size=16, learning_rate=1e-3, optimizer="muon", loss=loss, jit_compile=False),),
    )
    return dataclasses.replace(bicubic, name=f"{name}_style", degradation="stylevae_wider"), bicubic


SSRVAE_STYLE, SSRVAE_BICUBIC = pair("ssrvae_x4", "SSRVAE", channels=32)


def blind_to(name, **config):
    """SSRVAE's bicubic twin without some of its attention (Table 4)."""
    return dataclasses.replace(SSRVAE_BICUBIC, name=name, config={**SSRVAE_BICUBIC.config, **config})


RECIPES = [
    stylevae("stylevae_wider"),
    stylevae("stylevae_wider_no_adain", adain=False),
    stylevae("stylevae_wider_no_information", information_weight=0.0),
    stylevae("stylevae_wider_plain", adain=False, information_weight=0.0),
    dataclasses.replace(SSRVAE_STYLE, name="ssrvae_x4"),
    SSRVAE_BICUBIC,
    blind_to("ssrvae_x4_bicubic_local", global_attention=False),
    blind_to("ssrvae_x4_bicubic_global", local_attention=False),
    blind_to("ssrvae_x4_bicubic_plain", global_attention=False, local_attention=False),
    *pair("srcnn_x4", "SRCNN", "mse"),
    # Their widths and depths cost no more than SSRVAE (tests/test_baselines.py).
    *pair("edsr_small_x4", "EDSR", channels=32, blocks=18),
    *pair("rdn_small_x4", "RDN", channels=32, blocks=5, convolutions=5, growth=16),
    *(
        against_a_critic(recipe, steps=1000, features="face_features")
        for recipe in pair("srgan_small_x4", "SRGAN", None, hr_size=(64, 64), channels=32, blocks=14, **CRITIC)
    ),
]
