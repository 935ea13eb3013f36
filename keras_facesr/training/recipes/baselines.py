"""The papers' other methods on UTKFace, each of a width and depth that costs no more than the ``sam_small`` of its scale.

They see the same images as often as SAM's baselines (``recipes.sam.yardstick``), and some more against a critic.
tests/test_baselines.py counts their multiply-adds.
"""

import dataclasses

from keras_facesr.training.recipes.recipe import Stage
from keras_facesr.training.recipes.sam import yardstick

FACE = {"hr_size": (128, 128)}


def small(name, model_class, loss=None, scale=8, **config):
    """A baseline as SAM's (``yardstick``), with another loss, or the network's own if ``loss`` is None."""
    recipe = yardstick(name, model_class, scale, **config)
    return dataclasses.replace(recipe, stages=tuple(dataclasses.replace(stage, loss=loss) for stage in recipe.stages))


def against_a_critic(recipe, steps, **how):
    """The recipe with a further stage, phase 2."""
    stage = Stage(steps, batch_size=8, learning_rate=1e-4, phase=2, keep="last", jit_compile=False, **how)
    return dataclasses.replace(recipe, stages=(*recipe.stages, stage))


def urdgn(scale, steps, **config):
    """URDGN, trained by pixels and then against its discriminator."""
    return against_a_critic(small("urdgn_small", "URDGN", scale=scale, **FACE, critic=True, **config), steps)


RECIPES = [
    small("fsrcnn", "FSRCNN", "mse"),
    # VDSR's paper clips gradients because of SGD's high rates; Adam bounds its steps itself.
    small("vdsr_small", "VDSR", "mse", 4, channels=16, depth=17),
    small("vdsr_small", "VDSR", "mse", channels=16, depth=14),
    small("vdsr_small", "VDSR", "mse", 16, channels=12, depth=13),
    small("edsr_small", "EDSR", "mae", channels=44, blocks=8),
    small("rdn_small", "RDN", "mae", channels=32, blocks=6, convolutions=5, growth=32),
    small("rrdbnet_small", "RRDBNet", "mae", channels=28, blocks=4, growth=14),
    small("srfbn_small", "SRFBN", channels=20, groups=2),
    small("wavelet_srnet_small", "WaveletSRNet", scale=4, channels=20, stages=3, packet_channels=8),
    small("wavelet_srnet_small", "WaveletSRNet", channels=20, stages=4, packet_channels=4),
    small("wavelet_srnet_small", "WaveletSRNet", scale=16, channels=24, stages=4, packet_channels=3),
    urdgn(4, steps=500, channels=(16, 28, 28, 20)),
    urdgn(8, steps=1000, channels=(16, 32, 32, 24)),
    urdgn(16, steps=500, channels=(16, 32, 28, 18)),
    small("enhancenet_small", "EnhanceNet", **FACE, channels=32),
    against_a_critic(
        small("esrgan_small", "ESRGAN", **FACE, channels=28, blocks=4, growth=14, critic=True, critic_channels=16),
        steps=4000,
        features="face_features",
    ),
]
