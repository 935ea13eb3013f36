"""Both phases of CAGFace with Keras' own `fit`, on whole faces or on patches of large ones.

    python examples/train_cagface.py FACES_DIR [--size 256]                    whole faces of 256 pixels
    python examples/train_cagface.py FACES_DIR --size 1024 --patch 256         patches of faces of 1024 pixels
        [--steps 1000] [-o cagface.weights.h5]
    python examples/train_cagface.py --quick                                   a tiny network, on the built-in face

The component network sees whole faces before patches are cut: it would not recognise a face from a part of it.
"""

import argparse

from keras_facesr import presets
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
parser.add_argument("--size", type=int, default=256)
parser.add_argument("--patch", type=int, help="default: whole faces")
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("-o", "--out", default="cagface.weights.h5")
parser.set_defaults(**({"steps": 2, "size": 128, "patch": 64} if parser.parse_args().quick else {}))
args = parser.parse_args()
end_in_a_line()
check_whole_number(args.steps, "--steps")
check_whole_number(args.size, "--size")
out = place_for(args.out, ".weights.h5")

if args.quick:
    width, faces = {"features": 8, "blocks": 1}, demo_faces(8, args.size)
else:
    (faces, unreadable), width = decoded(open_faces(args.faces, split="train"), args.size), {"features": 32, "blocks": 12}
    print(f"faces: {len(faces)}, unreadable files: {len(unreadable)}")

# TensorFlow takes seconds to start: a wrong call has been answered by now.
import keras

from keras_facesr.models.cagface import CAGFace
from keras_facesr.training.tasks import prepared

model = CAGFace(image_skip=True, **width)  # without arguments: the paper's network, for a GPU
model.build((None, None, None, 3))
model.components.load_weights(presets.released_weights(presets.find("components_celebamask")))
stream = PairStream(faces, scale=4, batch_size=8, augmentation="six", crop=args.patch, prepare=lambda lr: prepared(model, lr))

for phase in (1, 2):  # the first stage alone, then both
    model.phase = phase
    model.compile(keras.optimizers.Adam(5e-4), jit_compile=False)  # XLA is slower on narrow layers of large images
    model.fit(stream.as_dataset(steps=args.steps), steps_per_epoch=args.steps, shuffle=False)

model.optimizer = None  # the released file holds no optimiser
model.save_weights(out)
