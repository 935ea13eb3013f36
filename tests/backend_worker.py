"""Write what one backend computes with given weights: ``python backend_worker.py IN.npz OUT.npz``, KERAS_BACKEND as it is set.

IN.npz holds lr, hr, the noise of the training step, and the weights w0, w1, ... of the network below.
"""

import sys

import keras
import numpy as np

from keras_facesr import backend
from keras_facesr.models import sam
from keras_facesr.objectives.gaussian import standard_normal

SEEDS = ((0, 0), (0, 1), (1, 0), (77, 1))  # of training draws
CONFIG = {"scale": 4, "backbone": "lr", "channels": 8, "encoder_blocks": 2, "decoder_blocks": 1, "latent_channels": 4}


def network():
    model = sam.SAM(**CONFIG)
    model.build((None, None, None, 3))
    return model


if __name__ == "__main__":
    given = np.load(sys.argv[1])
    model = network()
    for index, weight in enumerate(model.weights):
        weight.assign(given[f"w{index}"])
    picture = keras.ops.convert_to_numpy(model(given["lr"]))
    keeps_graph = np.array(getattr(model.sample(given["lr"], 1, seed=0), "requires_grad", False))
    latent = keras.Variable(given["noise"])
    _, (pull,) = backend.gradients(lambda: (keras.ops.mean(model.decode(given["lr"], latent)),), [latent])
    unused = [keras.Variable(given["noise"])]
    missing = [backend.gradients(lambda: (keras.ops.mean(latent * 2.0),), others)[1] for others in (unused, [])]
    draws = [keras.ops.convert_to_numpy(standard_normal((5,), seed)) for seed in SEEDS]
    noise = keras.ops.convert_to_tensor(given["noise"])  # the backends' own generators differ
    sam.reparameterised_sample = lambda gaussian, seed: gaussian.mean + gaussian.stddev * noise
    model.compile(keras.optimizers.SGD(1.0))
    model.train_on_batch(given["lr"], given["hr"])
    moved = {f"w{index}": keras.ops.convert_to_numpy(weight) for index, weight in enumerate(model.weights)}
    tensorflow = np.array("tensorflow" in sys.modules)
    told = {"picture": picture, "tensorflow": tensorflow, "keeps_graph": keeps_graph, "draws": draws}
    np.savez(sys.argv[2], missing=np.array(missing == [[None], []]), pull=keras.ops.convert_to_numpy(pull), **told, **moved)
