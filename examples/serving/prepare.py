"""Write a released model where TensorFlow Serving looks for it, with the requests that warm it up.

    python prepare.py sam models/sam --version 1

makes models/sam/1/, whole or not at all. A server that watches models/sam loads it and keeps the version before.
It needs ``pip install 'keras_facesr[serving]'``.
"""

import argparse
import tempfile
from pathlib import Path

import keras_facesr as fsr
from keras_facesr.data.degrade import resize
from keras_facesr.data.files import place_for
from keras_facesr.errors import end_in_a_line
from keras_facesr.importing import imported
from keras_facesr.inference import demo_face

WARM_SIDES = (16, 32, 64)  # pixels of the faces that a server enlarges before it says that it is ready


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("preset", metavar="NAME", help="see `facesr models`")
    parser.add_argument("folder", type=Path, help="of the model: its name is what clients call it")
    parser.add_argument("--version", type=int, default=1, metavar="N", help="a larger one than the last")
    args = parser.parse_args()
    end_in_a_line()
    version = args.folder / str(args.version)
    if version.exists():
        parser.error(f"{version}: exists already; a version is never changed, give the next number")
    place_for(version, "")
    imported("tensorflow_serving.apis", "serving")  # what is not installed is told before the export, not after
    model = fsr.load(args.preset)
    # The server ignores folders whose name is not a number; the numbered folder appears only when it is complete.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=args.folder) as partial:
        report = fsr.export(model, Path(partial) / "model", format="savedmodel")
        write_warmup(Path(partial) / "model", args.folder.name)
        (Path(partial) / "model").rename(version)
    print(f"{version}: {report['bytes'] / 1e6:.1f} MB, {len(WARM_SIDES)} requests to warm up")


def write_warmup(savedmodel, model):
    """Write warm-up requests, as a client would send them, to the file where a server looks for them."""
    import tensorflow as tf
    from over_grpc import grpc_request
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    with tf.io.TFRecordWriter(str(savedmodel / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        for side in WARM_SIDES:
            file = tf.io.encode_jpeg(resize(demo_face(), side, side)).numpy()
            log = PredictionLog()
            log.predict_log.request.CopyFrom(grpc_request([file], model))
            writer.write(log.SerializeToString())


if __name__ == "__main__":
    main()
