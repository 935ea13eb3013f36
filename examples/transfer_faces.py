"""Small faces enlarged with the latents of large faces: VarSR's transfer of attributes.

    python examples/transfer_faces.py CELEBA_DIR [--faces 5] [-o transferred.png]
    python examples/transfer_faces.py --quick                  an untrained network, on the built-in face

Rows are small faces of CelebA's test part; columns are the large faces whose latents they get.
"""

import argparse

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.degrade import degrade, resize
from keras_facesr.data.files import place_for
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.errors import check_whole_number, end_in_a_line
from keras_facesr.inference import demo_faces

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
data = parser.add_mutually_exclusive_group(required=True)
data.add_argument("celeba", nargs="?")
data.add_argument("--quick", action="store_true")
parser.add_argument("--faces", type=int, default=5)
parser.add_argument("-o", "--out", default="transferred.png")
args = parser.parse_args()
end_in_a_line()
check_whole_number(args.faces, "--faces")
out = place_for(args.out, ".png")

if args.quick:
    faces = demo_faces(2 * args.faces, 64)
else:
    faces = decoded(open_dataset(args.celeba, "test", kind="celeba").subset(slice(2 * args.faces)), 64)[0]
if len(faces) < 2 * args.faces:
    raise fsr.FacesrError(f"{args.celeba}: {len(faces)} test faces; --faces {args.faces} takes twice as many")

# TensorFlow takes seconds to start: a wrong call has been answered by now.
from keras_facesr.models.varsr import VarSR

model = VarSR(channels=8, blocks=1, latent_dim=16) if args.quick else fsr.load("varsr")
large, true = faces[: args.faces], faces[args.faces :]
small = degrade(true, model.scale)  # uint8 (N, 8, 8, 3)

columns = [np.asarray(model.transfer(to_unit(small), to_unit(face[None]))) for face in large]  # each (N, 64, 64, 3)
given = np.concatenate([np.full((64, 64, 3), 255, np.uint8), *large], axis=1)
rows = [np.concatenate([resize(lr, 64, 64), *to_uint8(np.stack(row))], axis=1) for lr, row in zip(small, zip(*columns))]
Image.fromarray(np.concatenate([given, *rows])).save(out)
print(f"{out}: small faces (left, by bicubic) with what the large ones above have beyond them")
