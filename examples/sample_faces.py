"""Eight plausible faces for one small one, and where they differ.

    python examples/sample_faces.py [FACE] [--model varsr] [-o samples.png]

FACE is a small picture of a face (some 16x16 pixels for sam, 8x8 for varsr); without it a built-in one is reduced to that.
"""

import argparse

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.degrade import resize
from keras_facesr.data.images import read_picture, to_uint8, to_unit
from keras_facesr.inference import demo_face

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("face", nargs="?")
parser.add_argument("--model", default="sam")
parser.add_argument("-o", "--out", default="samples.png")
args = parser.parse_args()

model, preset = fsr.load(args.model), presets.find(args.model)
side = preset.hr_size // preset.scale
small = read_picture(args.face).rgb if args.face else resize(demo_face(), side, side)
lr = to_unit(small[None])  # (1, h, w, 3), in [0, 1]

samples = np.asarray(model.sample(lr, n=8, seed=0))[:, 0]  # (8, H, W, 3)
deviation = np.asarray(model.pixel_deviation(lr, n=32, seed=0))[0]  # (H, W, 1)

row = [np.asarray(model(lr))[0], *samples, np.repeat(deviation / deviation.max(), 3, axis=-1)]
Image.fromarray(to_uint8(np.concatenate(row, axis=1))).save(args.out)
print(f"{args.out}: the most probable face, eight samples, and their deviation (brightest: {255 * deviation.max():.1f} levels)")
