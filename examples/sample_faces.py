"""Eight plausible faces for one small one, and where they differ.

    python examples/sample_faces.py [FACE] [-o samples.png]

FACE is a small picture of a face (some 16x16 pixels); without it a built-in one is reduced to that.
"""

import argparse

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr.data.degrade import centre_square, resize
from keras_facesr.data.images import read_picture
from keras_facesr.inference import demo_face

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("face", nargs="?")
parser.add_argument("-o", "--out", default="samples.png")
args = parser.parse_args()

model = fsr.load("sam")
small = read_picture(args.face).rgb if args.face else resize(centre_square(demo_face()), 16, 16)
lr = small[None].astype("float32") / 255  # (1, h, w, 3), in [0, 1]

samples = np.asarray(model.sample(lr, n=8, seed=0))[:, 0]  # (8, H, W, 3)
deviation = np.asarray(model.pixel_deviation(lr, n=32, seed=0))[0]  # (H, W, 1)

row = [np.asarray(model(lr))[0], *samples, np.repeat(deviation / deviation.max(), 3, axis=-1)]
Image.fromarray((np.clip(np.concatenate(row, axis=1), 0, 1) * 255).round().astype("uint8")).save(args.out)
print(f"{args.out}: the most probable face, eight samples, and their deviation (brightest: {255 * deviation.max():.1f} levels)")
