"""Small faces enlarged with more or less of an attribute, such as a smile: VarSR's latent is moved along it.

    python examples/edit_faces.py CELEBA_DIR [--faces 4] [-o edited.png]
    python examples/edit_faces.py --quick                      untrained networks, on the built-in face

A direction is the difference of the mean latents of true faces with and without an attribute, from CelebA's training part.
Faces of its test part are edited, and face_features judges how far each edited face has the attribute.
"""

import argparse

import numpy as np

import keras_facesr as fsr
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import celeba
from keras_facesr.data.degrade import degrade
from keras_facesr.data.files import place_for
from keras_facesr.data.images import to_uint8, to_unit, write_png
from keras_facesr.errors import check_whole_number, end_in_a_line
from keras_facesr.inference import demo_faces
from keras_facesr.metrics.stochastic import consistency

EDITED, STRENGTHS = ("Smiling", "Male", "Eyeglasses"), (-2, -1, 0, 1, 2)
parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
data = parser.add_mutually_exclusive_group(required=True)
data.add_argument("celeba", nargs="?")
data.add_argument("--quick", action="store_true")
parser.add_argument("--faces", type=int, default=4)
parser.add_argument("-o", "--out", default="edited.png")
args = parser.parse_args()
end_in_a_line()
check_whole_number(args.faces, "--faces")
out = place_for(args.out, ".png")
if args.quick:
    true, test, labels = demo_faces(8, 64), demo_faces(args.faces, 64), dict.fromkeys(EDITED, np.arange(8) < 4)
else:
    train, test = celeba(args.celeba, "train").subset(slice(2000)), celeba(args.celeba, "test").subset(slice(args.faces))
    (true, unreadable), test, labels = decoded(train, 64), decoded(test, 64)[0], train.labels
    if unreadable or not labels:
        raise fsr.FacesrError(f"{(*unreadable, 'list_attr_celeba.txt')[0]}: cannot be read")
    if alike := [name for name in EDITED if len({*labels.get(name, ())}) < 2]:
        raise fsr.FacesrError(f"{args.celeba}: its training faces all have the attribute {alike[0]}, or none has")
# TensorFlow takes seconds to start: a wrong call has been answered by now.
from keras_facesr.models.face_features import ATTRIBUTES

model, judge = (fsr.load(name, weights=None if args.quick else "released") for name in ("varsr", "face_features"))
small, rows = degrade(test, model.scale), []  # uint8 (N, 8, 8, 3)
for attribute in EDITED:
    direction = model.attribute_direction(*(to_unit(true[labels[attribute] == has]) for has in (True, False)))
    direction /= np.linalg.norm(direction)  # strengths are in units of z
    edited = np.asarray(model.edit(to_unit(small), direction, STRENGTHS))  # (5, N, 64, 64, 3)
    rows += [np.concatenate(column, axis=1) for column in edited.transpose(1, 0, 2, 3, 4)]
    for strength, faces in zip(STRENGTHS, edited):
        probability = np.mean(1 / (1 + np.exp(-np.asarray(judge(faces))[:, ATTRIBUTES.index(attribute)])))
        levels = np.mean([consistency(face, lr, model.scale) for face, lr in zip(to_uint8(faces), small)])
        print(f"{attribute} {strength:+d}: probability {probability:.2f}, {levels:.2f} levels from the input")
write_png(out, to_uint8(np.concatenate(rows)), overwrite=True)
print(f"{out}: a row for each face, strengths {STRENGTHS}; {', '.join(EDITED)}")
