"""Where CAGFace looks: the attention maps of hair, skin and the parts of a face.

    python examples/attention_maps.py [FACE] [-o maps.png]

Without FACE, a built-in portrait is taken.
"""

import argparse

import numpy as np
from PIL import Image
from skimage.data import astronaut

import keras_facesr as fsr
from keras_facesr.data.files import place_for
from keras_facesr.data.images import read_picture, to_uint8, to_unit
from keras_facesr.errors import end_in_a_line

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("face", nargs="?")
parser.add_argument("-o", "--out", default="maps.png")
args = parser.parse_args()
end_in_a_line()
out = place_for(args.out, ".png")

face = read_picture(args.face).rgb if args.face else astronaut()[:256, 96:352]
model = fsr.load("cagface")
prepared = np.asarray(model.prepare(to_unit(face[None])))[0]  # (h, w, 6): the picture and the probabilities of three components
picture, probabilities = prepared[..., :3], prepared[..., 3:]
maps = probabilities * (picture @ np.float32([0.299, 0.587, 0.114]))[..., None]

row = [picture, *(np.repeat(maps[..., k : k + 1], 3, axis=-1) for k in range(3))]
Image.fromarray(to_uint8(np.concatenate(row, axis=1))).save(out)
print(f"{out}: the picture, and where its hair, its skin and its parts are")
