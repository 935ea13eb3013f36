"""Both phases of SAM with Keras' own `fit`, on a folder of faces.

    python examples/train_sam.py FACES_DIR [--steps 1000] [-o sam.weights.h5]
    python examples/train_sam.py --quick                       a few steps of a tiny network, on the built-in face

`facesr train` does the same with validation, checkpoints, logs and averaged weights.
"""

import argparse

from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_faces
from keras_facesr.data.files import place_for
from keras_facesr.data.pipeline import PairStream
from keras_facesr.errors import check_whole_number, end_in_a_line
from keras_facesr.inference import demo_faces

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
data = parser.add_mutually_exclusive_group(required=True)
data.add_argument("faces", nargs="?")
data.add_argument("--quick", action="store_true")
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("-o", "--out", default="sam.weights.h5")
parser.set_defaults(**({"steps": 2} if parser.parse_args().quick else {}))
args = parser.parse_args()
end_in_a_line()
check_whole_number(args.steps, "--steps")
out = place_for(args.out, ".weights.h5")

if args.quick:
    size = {"channels": 8, "encoder_blocks": 1, "decoder_blocks": 1, "latent_blocks": 0, "icap_blocks": 0}
    faces = demo_faces(8, 128)
else:
    faces, unreadable = decoded(open_faces(args.faces, split="train"), size=128)
    print(f"faces: {len(faces)}, unreadable files: {len(unreadable)}")
    size = {}
stream = PairStream(faces, scale=8, batch_size=8)

# TensorFlow takes seconds to start: a wrong call has been answered by now.
import keras

from keras_facesr.models.sam import SAM

model = SAM(scale=8, backbone="lr", stochastic_weight=0.1, **size)  # without backbone="lr": the paper's network, for a GPU
xla = keras.backend.backend() == "tensorflow" and not args.quick
for phase in (1, 2):
    model.phase = phase
    model.compile(keras.optimizers.Adam(5e-4), jit_compile=xla)
    model.fit(stream.as_dataset(steps=args.steps), steps_per_epoch=args.steps, shuffle=False)

model.optimizer = None  # the released file holds no optimiser
model.save_weights(out)
