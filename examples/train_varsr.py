"""Both phases of VarSR with Keras' own `fit`: by pixels, then against a critic.

    python examples/train_varsr.py FACES_DIR [--steps 1000] [-o varsr.weights.h5]
    python examples/train_varsr.py --quick                     a few steps of a tiny network, on the built-in face

The recipes `varsr_x8_celeba` and then `varsr_gan_x8_celeba` of `facesr train` do the same, with validation, checkpoints and
averaged weights.
"""

import argparse

import keras_facesr as fsr
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
parser.add_argument("-o", "--out", default="varsr.weights.h5")
parser.set_defaults(**({"steps": 2} if parser.parse_args().quick else {}))
args = parser.parse_args()
end_in_a_line()
check_whole_number(args.steps, "--steps")
out = place_for(args.out, ".weights.h5")

if args.quick:
    size = {"channels": 8, "blocks": 1, "latent_dim": 16, "critic_channels": 4, "critic_convolutions": 5}
    faces = demo_faces(8, 64)
else:
    faces, unreadable = decoded(open_faces(args.faces, split="train"), size=64)
    print(f"faces: {len(faces)}, unreadable files: {len(unreadable)}")
    size = {}
stream = PairStream(faces, scale=8, batch_size=8)

# TensorFlow takes seconds to start: a wrong call has been answered by now.
import keras

from keras_facesr.models.varsr import VarSR

features = fsr.load("face_features").maps  # what the perceptual loss compares
model = VarSR(critic=True, perceptual_weight=0.01, **size)
for phase, rate in ((1, 5e-4), (2, 1e-4)):
    model.phase = phase
    model.compile(keras.optimizers.Adam(rate, beta_2=0.99), features=features, jit_compile=False)
    model.fit(stream.as_dataset(steps=args.steps), steps_per_epoch=args.steps, shuffle=False)

model.optimizer = model.critic_optimizer = None  # weights alone are saved
model.save_weights(out)
