"""Write a network's weights and answers after one step of SGD on several replicas, for each phase of a system that is named.

``python replicas_worker.py REPLICAS NOISE OUT_DIR SYSTEM-PHASE...``, where REPLICAS is a number of CPU devices or
"multiworker", and NOISE is "fixed", or "drawn" by each replica for itself.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from keras_facesr import classes
from keras_facesr.data.images import to_uint8
from keras_facesr.models import sam, stylevae, varsr
from keras_facesr.objectives import gaussian
from keras_facesr.training.devices import OneDevice, Replicas, devices_for
from keras_facesr.training.tasks import told

COMPONENTS = {"channels": 8, "context_channels": (4, 4, 8, 8), "context_blocks": (1, 1, 1)}
SAM = {"scale": 4, "channels": 8, "encoder_blocks": 1, "decoder_blocks": 1, "latent_channels": 4, "head_channels": 4}
# Name: class, constructor arguments, HR size, LR size.
SYSTEMS = {
    "sam": ("SAM", {**SAM, "backbone": "lr"}, 32, 8),
    "sam_enlarged": ("SAM", SAM, 32, 8),
    "varsr": (
        "VarSR",
        {"scale": 4, "lr_size": (8, 8), "latent_dim": 4, "channels": 4, "blocks": 1, "critic": True, "critic_convolutions": 2}
        | {"critic_channels": 4, "draws": 2},
        32,
        8,
    ),
    "cagface": ("CAGFace", {"features": 8, "blocks": 1, "component_size": 32, "components": COMPONENTS}, 32, 8),
    "stylevae": (
        "StyleVAE",
        {"lr_size": 16, "style_dim": 4, "channels": 4, "encoder_blocks": 1, "generator_blocks": 1}
        | {"blind_content": True, "appearance_weight": 0.5},
        64,
        16,
    ),
    "ssrvae": ("SSRVAE", {"channels": 8, "global_blocks": 1, "local_blocks": 1, "window": 3}, 32, 8),
}


def fixed_noise(distribution, seed):
    return distribution.mean + 0.7 * distribution.stddev


def devices_of(replicas):
    if replicas == "multiworker":
        return devices_for("multiworker")
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * int(replicas))
    names = [f"CPU:{k}" for k in range(int(replicas))]
    return Replicas(tf.distribute.MirroredStrategy(names)) if len(names) > 1 else OneDevice()


def stepped(devices, system, phase):
    """Name -> array after one step on a batch of eight: each of the weights, and the network's answers."""
    class_name, config, hr_size, lr_size = SYSTEMS[system]
    rng = np.random.default_rng(0)
    hr, lr = (rng.random((8, side, side, 3), "float32") for side in (hr_size, lr_size))
    with devices.scope():
        keras.utils.set_random_seed(0)
        model = classes.build_model(class_name, config)
        if hasattr(type(model), "phase"):
            model.phase = phase
        loss = "mae" if class_name == "SSRVAE" else None
        model.compile(keras.optimizers.SGD(0.01), loss=loss, jit_compile=False)
    batches = tf.data.Dataset.from_tensors((lr, hr))
    devices.fit(model, batches, steps=1, epochs=1, callback=keras.callbacks.Callback())
    weights = {f"{k:03d} {weight.path}": weight.numpy() for k, weight in enumerate(model.weights)}
    return {**weights, "answers": told(model, to_uint8(hr if system == "stylevae" else lr))}


if __name__ == "__main__":
    replicas, noise, out, *phases = sys.argv[1:]
    devices = devices_of(replicas)
    if noise == "fixed":
        for module in (gaussian, sam, stylevae, varsr):
            assert hasattr(module, "reparameterised_sample")
            module.reparameterised_sample = fixed_noise
    for name in phases:
        system, phase = name.split("-")
        np.savez(f"{out}/{name}.npz", **stepped(devices, system, int(phase)))
    devices.wait()
