"""Both phases of SAM with Keras' own `fit`, on a folder of faces.

    python examples/train_sam.py FACES_DIR [--steps 1000] [-o sam.weights.h5]

`facesr train` does the same with validation, checkpoints, logs and averaged weights.
"""

import argparse

import keras

from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.pipeline import PairStream
from keras_facesr.models.sam import SAM

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("faces")
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("-o", "--out", default="sam.weights.h5")
args = parser.parse_args()

faces, unreadable = decoded(open_dataset(args.faces, split="train"), size=128)
print(f"{len(faces)} faces, {len(unreadable)} unreadable files")
stream = PairStream(faces, scale=8, batch_size=8)

model = SAM(scale=8, backbone="lr", stochastic_weight=0.1)  # without backbone="lr": the paper's network, for a GPU
model.build((None, None, None, 3))
for phase in (1, 2):
    model.phase = phase
    model.compile(keras.optimizers.Adam(5e-4), jit_compile=keras.backend.backend() == "tensorflow")
    model.fit(stream.as_dataset(steps=args.steps), steps_per_epoch=args.steps)

model.optimizer = None  # the released file holds no optimiser
model.save_weights(args.out)
