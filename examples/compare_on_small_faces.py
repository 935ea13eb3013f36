"""Real small faces, enlarged by networks trained on bicubic pairs and by networks trained on styleVAE's, side by side.

    python examples/compare_on_small_faces.py [FACES_DIR] [--models edsr_small_x4_bicubic,...] [-o compared.png]

FACES_DIR has small faces of some 16 pixels, with the whole head in the middle; eight are taken, evenly spread. Without it the
built-in face is degraded in eight ways. Each row shows a face: as it is, by bicubic interpolation, and by each model.
"""

import argparse

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset, spread
from keras_facesr.data.degrade import resize
from keras_facesr.data.files import place_for
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.errors import end_in_a_line
from keras_facesr.inference import demo_face

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("faces", nargs="?", metavar="FACES_DIR")
parser.add_argument("--models", default="edsr_small_x4_bicubic,edsr_small_x4_style,ssrvae_x4")
parser.add_argument("-o", "--out", default="compared.png")
args = parser.parse_args()
end_in_a_line()
out = place_for(args.out, ".png")

names = args.models.split(",")
if wrong := [name for name in names if presets.find(name).scale != 4]:
    raise fsr.FacesrError(f"{wrong[0]} does not enlarge four times")
if args.faces:
    lr = decoded(spread(open_dataset(args.faces), 8), 16)[0]  # uint8 (8, 16, 16, 3)
else:
    face = to_unit(resize(demo_face("head"), 64, 64)[None])
    lr = to_uint8(fsr.load("stylevae_wider").degrade(np.repeat(face, 8, axis=0), seed=0))

columns = {
    "as it is": [image.repeat(4, axis=0).repeat(4, axis=1) for image in lr],
    "bicubic": [resize(image, 64, 64) for image in lr],
    **{name: fsr.load(name).upscale(lr) for name in names},
}
picture = Image.fromarray(np.concatenate([np.concatenate(column, axis=0) for column in columns.values()], axis=1))
picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.NEAREST).save(out)
print(f"{out}: from left to right {', '.join(columns)}")
