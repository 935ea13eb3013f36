"""A tiny network of every class in the catalogue: its constructor's arguments, its phases, and what it learns from."""

import keras
import numpy as np

from keras_facesr import classes
from keras_facesr.models.adversarial import AdversarialSR
from keras_facesr.models.component_network import CLASSES
from keras_facesr.models.face_features import LABELS
from keras_facesr.models.own_loss import OwnLoss

SMALL = {
    "Autoencoder": {"scale": 4, "channels": 4},
    "Bicubic": {"scale": 4},
    "CAGFace": {
        "features": 8,
        "blocks": 1,
        "component_size": 64,
        "components": {"channels": 8, "context_channels": (4, 4, 8, 8), "context_blocks": (1, 1, 1)},
    },
    "CAGFaceGAN": {"scale": 4, "hr_size": (16, 16), "generator": {}},
    "ComponentNetwork": {"channels": 8, "context_channels": (4, 4, 8, 8), "context_blocks": (1, 1, 1)},
    "DigitClassifier": {"channels": (4, 4)},
    "EDSR": {"scale": 4, "channels": 8, "blocks": 1},
    "ESRGAN": {"scale": 4, "hr_size": (16, 16), "channels": 4, "blocks": 1, "growth": 2},
    "EnhanceNet": {"scale": 4, "hr_size": (16, 16), "channels": 4, "blocks": 1},
    "FSRCNN": {"scale": 4, "features": 8, "shrunk": 4, "mappings": 1},
    "FaceFeatures": {"channels": (4, 4), "embedding_size": 8},
    "MRGAN": {"scale": 4, "lr_size": (4, 4), "latent_dim": 4, "channels": 4, "blocks": 1, "answers": 2},
    "MSRResNet": {"scale": 4, "channels": 4, "blocks": 1},
    "PRSR": {"scale": 2, "channels": 4, "depth": 1, "conditioner_channels": 4, "blocks": 1},
    "RDN": {"scale": 4, "channels": 4, "blocks": 2, "convolutions": 2, "growth": 2},
    "RRDBNet": {"scale": 4, "channels": 4, "blocks": 1, "growth": 2},
    "SAM": {"scale": 4, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1, "latent_channels": 4}
    | {"latent_blocks": 0, "icap_blocks": 0},
    "SAMGAN": {"scale": 4, "hr_size": (16, 16), "generator": {}},
    "SRCNN": {"scale": 4, "features": (8, 4)},
    "SRFBN": {"scale": 4, "channels": 4, "groups": 2, "steps": 2},
    "SRVGGNetCompact": {"scale": 4, "channels": 4, "convolutions": 1},
    "SRGAN": {"scale": 4, "hr_size": (16, 16), "channels": 8, "blocks": 1},
    "SRResNet": {"scale": 4, "channels": 8, "blocks": 1},
    "SSRVAE": {"scale": 4, "channels": 8, "global_blocks": 1, "local_blocks": 1, "window": 3},
    "StyleVAE": {"lr_size": 8, "style_dim": 4, "channels": 4, "encoder_blocks": 1, "generator_blocks": 1},
    "URDGN": {"scale": 4, "hr_size": (16, 16), "channels": (4, 4, 4, 4)},
    "VDSR": {"scale": 4, "channels": 4, "depth": 3},
    "VarSR": {"scale": 4, "lr_size": (4, 4), "latent_dim": 4, "channels": 4, "blocks": 1},
    "WaveletSRNet": {"scale": 4, "channels": 4, "stages": 2, "blocks": 1, "packet_channels": 2},
}

SMALL["CAGFaceGAN"]["generator"] = SMALL["CAGFace"]
SMALL["SAMGAN"]["generator"] = SMALL["SAM"]

NO_ENLARGERS = ("ComponentNetwork", "DigitClassifier", "FaceFeatures", "StyleVAE")
CRITIC = {"critic": True, "critic_convolutions": 2, "critic_channels": 4, "perceptual_weight": 0.0}  # of a tiny one


def unbuilt(name, **changes):
    """A new network of a class, as its constructor leaves it; always the same."""
    keras.utils.set_random_seed(0)
    return classes.model_class(name)(**{**SMALL[name], **changes})


def phases(name):
    """Those that a class trains in; one None if it has none."""
    if issubclass(classes.model_class(name), AdversarialSR):
        return (1, 2)
    return {"SAM": (0, 1, 2), "CAGFace": (1, 2)}.get(name, (None,))


def critic(name):
    """What the constructor of a class takes for phase 2 beside ``SMALL``."""
    return CRITIC if issubclass(classes.model_class(name), AdversarialSR) else {}


def loss(name):
    """What a class has to be compiled with; None if its loss is its own."""
    if issubclass(classes.model_class(name), OwnLoss):
        return None
    return "sparse_categorical_crossentropy" if name == "DigitClassifier" else "mse"


def pairs(name, count=4):
    """Inputs and targets that a tiny network of a class can learn from, NumPy."""
    rng = np.random.default_rng(0)
    side = {"ComponentNetwork": 32, "DigitClassifier": 8, "FaceFeatures": 8, "SAM": 8, "StyleVAE": 8}.get(name, 4)
    x = rng.random((count, side, side, 3), "float32")
    if name == "ComponentNetwork":
        return x, rng.integers(0, CLASSES, (count, side, side))
    if name == "DigitClassifier":
        return x, rng.integers(0, 10, count)
    if name == "FaceFeatures":
        return x, rng.random((count, len(LABELS)), "float32")
    scale = SMALL[name].get("scale", 4)
    return x, x.repeat(scale, axis=1).repeat(scale, axis=2)
