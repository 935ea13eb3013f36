"""The yardsticks against their papers' counts, and against SAM's cost."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_facesr import presets, recipes
from keras_facesr.models.baselines.edsr import EDSR
from keras_facesr.models.baselines.srcnn import SRCNN
from keras_facesr.models.baselines.srresnet import SRResNet


def built(model):
    model.build((None, None, None, 3))
    return model


def multiply_adds(model, channels=3):
    """Of all convolutions for an input of 16x16, counted in TensorFlow's own graph rather than from the layers."""
    call = tf.function(lambda lr: model(lr, training=False))
    total = 0
    for operation in call.get_concrete_function(tf.TensorSpec((1, 16, 16, channels))).graph.get_operations():
        if operation.type == "Conv2D":
            _, height, width, _ = operation.outputs[0].shape
        elif operation.type == "Conv2DBackpropInput":  # a transposed convolution: each input pixel meets each tap
            _, height, width, _ = operation.inputs[2].shape
        else:
            continue
        total += math.prod(operation.inputs[1].shape) * height * width
    return total


def test_srcnn_has_the_8032_weights_of_the_9_1_5_network_with_three_times_the_colours():
    extract, mapping, reconstruct = 9 * 9 * 64, 64 * 32, 5 * 5 * 32  # for one channel in, one out
    assert extract + mapping + reconstruct == 8032  # Dong et al., section 4.1
    assert built(SRCNN()).count_params() == 3 * extract + mapping + 3 * reconstruct + (64 + 32 + 3)


def test_srresnet_has_the_parameters_that_its_figure_adds_up_to():
    conv = lambda inputs, outputs, kernel=3: kernel * kernel * inputs * outputs + outputs  # noqa: E731
    norm, slopes = 4 * 64, 64
    stem = conv(3, 64, 9) + slopes
    body = 16 * (2 * (conv(64, 64) + norm) + slopes) + conv(64, 64) + norm
    upsampler = 2 * (conv(64, 256) + slopes) + conv(64, 3, 9)
    assert built(SRResNet(scale=4)).count_params() == stem + body + upsampler


def test_edsr_has_the_parameters_of_the_published_networks():
    assert built(EDSR(scale=4)).count_params() == 1_517_571  # the baseline's, x4
    assert built(EDSR(scale=2, channels=256, blocks=32, residual_scaling=0.1)).count_params() == 40_729_603


@pytest.mark.parametrize("network", [SRResNet, EDSR])
def test_a_residual_yardstick_enlarges_by_any_power_of_two_and_no_other_scale(network):
    lr = np.zeros((1, 5, 7, 3), "float32")
    assert [built(network(scale, channels=4, blocks=1))(lr).shape[1] for scale in (2, 4, 8)] == [10, 20, 40]
    with pytest.raises(ValueError, match="scale is 3"):
        network(scale=3)


def test_edsr_weighs_what_its_blocks_add():
    keras.utils.set_random_seed(0)
    lr = np.random.default_rng(0).random((1, 4, 4, 3), "float32")
    networks = [built(EDSR(channels=4, blocks=1, residual_scaling=scaling)) for scaling in (0.0, 0.5, 1.0)]
    for network in networks[1:]:
        network.set_weights(networks[0].get_weights())
    features = [keras.ops.convert_to_numpy(network.body.layers[0](network.stem(lr))) for network in networks]
    assert np.abs(features[2] - features[0]).max() > 0
    np.testing.assert_allclose(features[1] - features[0], (features[2] - features[0]) / 2, atol=1e-6)


def test_the_small_srresnet_costs_what_the_small_sam_costs():
    sam, srresnet = (
        multiply_adds(recipes.find(name).model()) for name in ("sam_small_x8_utkface", "srresnet_small_x8_utkface")
    )
    assert srresnet == pytest.approx(sam, rel=0.01)


def test_the_small_edsr_costs_what_the_small_cagface_costs():
    cagface = presets.build_model("CAGFace", recipes.find("cagface_small_x4").config)
    patch = multiply_adds(cagface, channels=6)  # once its attention maps are there, as in training
    assert multiply_adds(recipes.find("edsr_small_x4").model()) == pytest.approx(patch, rel=0.01)


@pytest.mark.parametrize("model", [SRCNN(scale=4), SRResNet(channels=16, blocks=1), EDSR(channels=16, blocks=1)])
def test_a_yardstick_learns(model):
    keras.utils.set_random_seed(0)
    hr = np.random.default_rng(0).random((4, 2, 2, 3)).repeat(8, 1).repeat(8, 2).astype("float32")
    lr = hr[:, ::4, ::4]
    built(model).compile(keras.optimizers.Adam(1e-3), loss="mse")
    first, *_, last = (float(model.train_on_batch(lr, hr)) for _ in range(30))
    assert last < 0.5 * first
