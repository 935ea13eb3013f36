"""SSRVAE's network with Keras' own `fit`, on pairs of small and large faces such as `realistic_pairs.py` writes.

    python examples/train_ssrvae.py PAIRS_DIR [--steps 5000] [-o ssrvae.weights.h5]
    python examples/train_ssrvae.py --quick                    a few steps of a tiny network, on the built-in face

PAIRS_DIR has lr/ and hr/ with files of the same names; the large pictures are four times as high and wide.
"""

import argparse
from pathlib import Path

import numpy as np

from keras_facesr.data.blind import blind
from keras_facesr.data.datasets import folder
from keras_facesr.data.files import place_for
from keras_facesr.data.images import read_picture
from keras_facesr.data.pipeline import PairStream
from keras_facesr.errors import check_whole_number, end_in_a_line
from keras_facesr.inference import demo_faces

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
data = parser.add_mutually_exclusive_group(required=True)
data.add_argument("pairs", nargs="?", type=Path)
data.add_argument("--quick", action="store_true")
parser.add_argument("--steps", type=int, default=5000)
parser.add_argument("-o", "--out", default="ssrvae.weights.h5")
parser.set_defaults(**({"steps": 2} if parser.parse_args().quick else {}))
args = parser.parse_args()
end_in_a_line()
check_whole_number(args.steps, "--steps")
out = place_for(args.out, ".weights.h5")

if args.quick:
    hr, rng = demo_faces(8, 64), np.random.default_rng(0)
    lr = np.stack([blind(face, 4, rng) for face in hr])
    size = {"channels": 8, "global_blocks": 1, "local_blocks": 1}
else:
    names = [file.name for file in folder(args.pairs / "hr").files]
    pairs = [[read_picture(args.pairs / kind / name).rgb for name in names] for kind in ("lr", "hr")]
    if any(len({picture.shape for picture in pictures}) > 1 for pictures in pairs):
        parser.error(f"{args.pairs}: pictures of several sizes make no batch; cut them to one")
    lr, hr = map(np.stack, pairs)
    size = {}
stream = PairStream(hr, scale=4, batch_size=8, degrades=lambda _: [lr])

# TensorFlow takes seconds to start: a wrong call has been answered by now.
import keras

from keras_facesr.models.ssrvae import SSRVAE

model = SSRVAE(**size)
model.compile(keras.optimizers.Adam(1e-4, beta_2=0.999), loss="mae", jit_compile=False)
model.fit(stream.as_dataset(steps=args.steps), steps_per_epoch=args.steps, shuffle=False)

model.optimizer = None  # weights alone are saved
model.save_weights(out)
