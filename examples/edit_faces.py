"""Small faces that smile, or do not: VarSR's latent moved along an attribute, and judged for it.

    python examples/edit_faces.py CELEBA_DIR [--faces 4] [-o edited.png]

The direction of an attribute is the difference of the mean latents of true faces with and without it, those of CelebA's
training part; the faces that are edited are of its test part. The presets varsr_x8_celeba and face_features are trained by
`facesr train` if they did not come with the package.
"""

import argparse

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.degrade import degrade
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.metrics.stochastic import consistency
from keras_facesr.models.face_features import ATTRIBUTES

STRENGTHS = (-2, -1, 0, 1, 2)

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("celeba")
parser.add_argument("--faces", type=int, default=4)
parser.add_argument("-o", "--out", default="edited.png")
args = parser.parse_args()

model, judge = fsr.load("varsr"), fsr.load("face_features")
train = open_dataset(args.celeba, "train", kind="celeba").subset(slice(2000))
true, unreadable = decoded(train, 64)
assert not unreadable, f"cannot be read: {unreadable[0]}"
test = decoded(open_dataset(args.celeba, "test", kind="celeba").subset(slice(args.faces)), 64)[0]
small = degrade(test, model.scale)  # uint8 (N, 8, 8, 3)
lr = to_unit(small)

rows = []
for attribute in ("Smiling", "Male", "Eyeglasses"):
    has = train.labels[attribute]
    direction = model.attribute_direction(to_unit(true[has]), to_unit(true[~has]))
    edited = np.asarray(model.edit(lr, direction, STRENGTHS))  # (5, N, 64, 64, 3)
    rows += [np.concatenate(column, axis=1) for column in edited.transpose(1, 0, 2, 3, 4)]
    for strength, faces in zip(STRENGTHS, edited):
        logits = np.asarray(judge(faces))[:, ATTRIBUTES.index(attribute)]
        levels = np.mean([consistency(face, lr, model.scale) for face, lr in zip(to_uint8(faces), small)])
        probability = np.mean(1 / (1 + np.exp(-logits)))
        print(f"{attribute} {strength:+d}: probability {probability:.2f}, {levels:.2f} levels from the input")

Image.fromarray(to_uint8(np.concatenate(rows))).save(args.out)
print(f"{args.out}: a row for each face, strengths {STRENGTHS}; Smiling, Male, Eyeglasses")
