"""Both phases of SAM with Keras' own `fit` on all GPUs of a machine, which share each batch.

    python examples/train_on_all_gpus.py FACES_DIR [--batch 32] [--steps 1000] [-o sam.keras]
    python examples/train_on_all_gpus.py --quick               a tiny network on two parts of the CPU, on the built-in face

`facesr train` does so by itself if there are several GPUs.
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
parser.add_argument("--batch", type=int, default=32, help="of all devices together, a multiple of their number")
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("-o", "--out", default="sam.keras")
parser.set_defaults(**({"steps": 2, "batch": 4} if parser.parse_args().quick else {}))
args = parser.parse_args()
end_in_a_line()
check_whole_number(args.steps, "--steps")
out = place_for(args.out, ".keras")
if args.quick:
    size, faces = {"channels": 8, "encoder_blocks": 1, "icap_blocks": 0}, demo_faces(8, 128)
else:
    (faces, unreadable), size = decoded(open_faces(args.faces, split="train"), size=128), {}
    print(f"faces: {len(faces)}, unreadable files: {len(unreadable)}")
stream = PairStream(faces, scale=8, batch_size=args.batch)  # whole batches, of one size

# TensorFlow takes seconds to start: a wrong call has been answered by now.
import keras
import tensorflow as tf

from keras_facesr.models.sam import SAM

if args.quick:
    parts = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"] if args.quick else None)
if args.batch % (devices := strategy.num_replicas_in_sync):
    parser.error(f"{devices} devices cannot share batches of {args.batch} images evenly")
print(f"{devices} devices")

with strategy.scope():
    model = SAM(scale=8, backbone="lr", stochastic_weight=0.1, **size)
for phase in (1, 2):
    model.phase = phase
    with strategy.scope():
        model.compile(keras.optimizers.Adam(5e-4))
    model.fit(stream.as_dataset(steps=args.steps), steps_per_epoch=args.steps, shuffle=False)

model.save(out)  # opened again by keras.saving.load_model, after `import keras_facesr`
