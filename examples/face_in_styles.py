"""One face, reduced by bicubic and then degraded in eight ways, as small faces are by cameras and compression.

    python examples/face_in_styles.py [FACE] [--like REAL_DIR] [-o styles.png]

FACE is a clean face of some 64 pixels, with the whole head in the middle; without it a built-in one is taken. The styles are
random, or those of the first eight small faces in REAL_DIR, which are then shown in a row above.
"""

import argparse

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_faces
from keras_facesr.data.degrade import centre_square, degrade, resize
from keras_facesr.data.files import place_for
from keras_facesr.data.images import read_picture, to_uint8, to_unit
from keras_facesr.errors import end_in_a_line
from keras_facesr.inference import demo_face

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("face", nargs="?")
parser.add_argument("--like", metavar="REAL_DIR")
parser.add_argument("-o", "--out", default="styles.png")
args = parser.parse_args()
end_in_a_line()
out = place_for(args.out, ".png")

face = centre_square(read_picture(args.face).rgb if args.face else demo_face("celeba"))
real = open_faces(args.like).subset(slice(8)) if args.like else None
model = fsr.load("stylevae_wider")
side = model.lr_size * model.scale
face = resize(face, side, side)
bicubic = degrade(face, model.scale)

rows, style = [], None
if args.like:
    real = decoded(real, model.lr_size)[0]
    if len(real) < 8:
        raise fsr.FacesrError(f"{args.like}: {len(real)} faces; eight are wanted")
    rows, style = [[np.full_like(bicubic, 255), *real]], to_unit(real)
spoilt = to_uint8(model.degrade(np.repeat(to_unit(face[None]), 8, axis=0), style=style, seed=0))  # (8, 16, 16, 3)
rows.append([bicubic, *spoilt])
picture = Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0))
picture.resize((picture.width * 8, picture.height * 8), Image.Resampling.NEAREST).save(out)
print(f"{out}: bicubic, then eight styles{' below the faces that they are taken from' if args.like else ''}")
