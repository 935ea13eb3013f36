"""Pairs with realistic small faces: styleVAE is trained on two folders of unpaired faces, and then degrades the clean ones.

    python examples/realistic_pairs.py REAL_DIR CLEAN_DIR [--steps 5000] [-o pairs]
    python examples/realistic_pairs.py --quick                 a few steps of a tiny network, on the built-in face

REAL_DIR has small faces as cameras made them, CLEAN_DIR large clean ones. The script writes pairs/lr and pairs/hr, of 16 and
64 pixels, for `train_ssrvae.py` or any other network.
"""

import argparse
from pathlib import Path

import numpy as np

from keras_facesr.data.blind import blind
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_faces
from keras_facesr.data.files import place_for
from keras_facesr.data.images import to_uint8, to_unit, write_png
from keras_facesr.data.pipeline import UnpairedStream
from keras_facesr.errors import check_whole_number, end_in_a_line
from keras_facesr.inference import demo_faces

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("folders", nargs="*", metavar="REAL_DIR CLEAN_DIR")
parser.add_argument("--quick", action="store_true")
parser.add_argument("--steps", type=int, default=5000)
parser.add_argument("-o", "--out", type=Path, default="pairs")
parser.set_defaults(**({"steps": 2} if parser.parse_args().quick else {}))
args = parser.parse_args()
end_in_a_line()
if len(args.folders) != (0 if args.quick else 2):
    parser.error("give REAL_DIR and CLEAN_DIR, or --quick")
if args.out.exists():
    parser.error(f"{args.out}: is there already; name another folder")
check_whole_number(args.steps, "--steps")
place_for(args.out, "")
if args.quick:
    clean, rng = demo_faces(8, 64), np.random.default_rng(0)
    real = np.stack([blind(face, 4, rng) for face in demo_faces(8, 64)])
    size = {"channels": 8, "style_dim": 8, "encoder_blocks": 2}
else:
    real, clean, size = *(decoded(open_faces(folder), side)[0] for folder, side in zip(args.folders, (16, 64))), {}
stream = UnpairedStream(real, clean, batch_size=8)

# TensorFlow takes seconds to start: a wrong call has been answered by now.
import keras

from keras_facesr.models.stylevae import StyleVAE

model = StyleVAE(**size)
model.compile(keras.optimizers.Adam(1e-4, beta_2=0.999), jit_compile=False)
model.fit(stream.as_dataset(steps=args.steps), steps_per_epoch=args.steps, shuffle=False)

for k, hr in enumerate(clean):
    lr = np.asarray(model.degrade(to_unit(hr[None]), seed=k))[0]  # (16, 16, 3), in a random style
    write_png(args.out / "lr" / f"{k:06}.png", to_uint8(lr))
    write_png(args.out / "hr" / f"{k:06}.png", hr)
print(f"{args.out}: {len(clean)} pairs")
