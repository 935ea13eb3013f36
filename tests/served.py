"""What tests of model servers share: a tiny network, and pictures as the bytes of their files."""

import io

import keras
from PIL import Image

from keras_facesr import classes


def packed(levels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(levels).save(file, kind)
    return file.getvalue()


def small_sam():
    keras.utils.set_random_seed(0)
    config = {"scale": 4, "backbone": "lr", "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1, "latent_channels": 4}
    return classes.build_model("SAM", config)
