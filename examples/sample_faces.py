"""Eight plausible faces for one small one, and where they differ.

    python examples/sample_faces.py [FACE] [--model varsr] [-o samples.png]

FACE is a small picture of a face (some 16x16 pixels for sam, 8x8 for varsr); without it a built-in one is reduced to that size.
"""

import argparse
from dataclasses import replace

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.degrade import resize
from keras_facesr.data.files import place_for
from keras_facesr.data.images import read_picture, to_uint8
from keras_facesr.errors import end_in_a_line
from keras_facesr.inference import demo_face, picture_deviation, sample_picture

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("face", nargs="?")
parser.add_argument("--model", default="sam")
parser.add_argument("-o", "--out", default="samples.png")
args = parser.parse_args()
end_in_a_line()
out = place_for(args.out, ".png")

preset = presets.find(args.model)
face = replace(read_picture(args.face or demo_face(preset.framing)), alpha=None, is_gray=False)  # all are shown in RGB
model = fsr.load(args.model)
if model.own_size and not args.face:
    face = replace(face, rgb=resize(face.rgb, *model.own_size))

samples = sample_picture(model, face, n=8, seed=0)  # eight, uint8 (H, W, 3)
deviation = picture_deviation(model, face, n=32, seed=0)  # (H, W), in units of [0, 1]

brightness = np.repeat(to_uint8(deviation / deviation.max())[..., None], 3, axis=-1)
Image.fromarray(np.concatenate([model.upscale(face.rgb), *samples, brightness], axis=1)).save(out)
print(f"{out}: the most probable face, eight samples, and their deviation (brightest: {255 * deviation.max():.1f} levels)")
