"""URDGN, SRGAN, ESRGAN and EnhanceNet against their papers' layers and objectives."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_facesr.models.baselines.enhancenet import EnhanceNet
from keras_facesr.models.baselines.esrgan import ESRGAN
from keras_facesr.models.baselines.srgan import SRGAN
from keras_facesr.models.baselines.urdgn import URDGN, Discriminator
from keras_facesr.objectives.perceptual import feature_error, texture_error

RNG = np.random.default_rng(0)
LR, HR = RNG.random((4, 8, 8, 3), "float32"), RNG.random((4, 32, 32, 3), "float32")
CRITIC = {"critic": True, "critic_convolutions": 2, "critic_channels": 4}
SMALL = {
    URDGN: {"channels": (4, 4, 4, 4)},
    SRGAN: {"channels": 4, "blocks": 1},
    ESRGAN: {"channels": 4, "blocks": 1, "growth": 2},
    EnhanceNet: {"channels": 4, "blocks": 1, "texture_weights": (2.0,), "feature_weights": (3.0,), "patch": 8},
}


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def small(network, **changes):
    keras.utils.set_random_seed(0)
    model = network(**{"scale": 4, "hr_size": (32, 32), **SMALL[network], **CRITIC, **changes})
    model.build((None, None, None, 3))
    return model


def features(images):
    """Two maps: the image itself, and its means over squares of 4 pixels."""
    return [images, ops.average_pool(images, 4)]


def kernels(part):
    return [tuple(layer.kernel.shape) for layer in part._flatten_layers() if isinstance(layer, layers.Conv2D)]


def test_urdgns_generator_is_the_published_one_at_x8():
    model = URDGN()
    model.build((None, None, None, 3))
    assert kernels(model.generator) == [(3, 3, 3, 16), (3, 3, 16, 64), (5, 5, 64, 128), (5, 5, 128, 256), (5, 5, 256, 3)]
    norms = sum(4 * width for width in (16, 64, 128, 256))
    weights = sum(np.prod(shape) + shape[-1] for shape in kernels(model.generator))
    assert model.count_params() == norms + weights
    assert [small(URDGN, scale=scale, critic=False)(LR).shape[1] for scale in (2, 4, 8, 16)] == [16, 32, 64, 128]


def test_urdgns_discriminator_is_the_published_one_for_128_pixels():
    judge = Discriminator()
    judge.build((None, 128, 128, 3))
    widths = [32, 64, 128, 96]
    convolutions = sum(25 * a * b + b for a, b in zip([3, *widths], widths))
    assert judge.count_params() == convolutions + (8 * 8 * 96 * 1024 + 1024) + (1024 + 1)


def test_urdgns_discriminator_drops_units_anew_each_time():
    model = small(URDGN)
    assert np.abs(numpy(model.critic(HR)) - numpy(model.critic(HR))).max() > 0


@pytest.mark.parametrize(
    "network, weights",  # of the fidelity, of the critic's verdict and of the features
    [(URDGN, (1.0, 0.01, 0.0)), (SRGAN, (0.0, 1e-3, 1.0)), (ESRGAN, (1e-2, 5e-3, 1.0)), (EnhanceNet, (0.0, 2.0, 1.0))],
)
def test_phase_2_weighs_fidelity_verdict_and_features_as_the_paper_does(network, weights):
    model = small(network)
    model.phase = 2
    model.compile(keras.optimizers.SGD(0.0), features=features, run_eagerly=True)
    report = model.train_on_batch(LR, HR, return_dict=True)
    fidelity = report["mae" if network is ESRGAN else "mse"]
    parts = zip(weights, (fidelity, report["adversarial"], report["perceptual"]))
    assert report["loss"] == pytest.approx(sum(weight * part for weight, part in parts), rel=1e-4)


@pytest.mark.parametrize("network", [SRGAN, ESRGAN, EnhanceNet])
def test_phase_2_of_what_learns_by_features_is_not_compiled_without_any(network):
    model = small(network)
    model.phase = 2
    with pytest.raises(ValueError, match="perceptual_weight is 1: phase 2 learns by features"):
        model.compile("adam")


@pytest.mark.parametrize("network", [SRGAN, URDGN, EnhanceNet])
def test_squared_errors_are_of_images_in_0_to_1(network):
    model = small(network, critic=False)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    report = model.train_on_batch(LR, HR, return_dict=True)
    assert report["loss"] == report["mse"] == pytest.approx(np.square(numpy(model(LR, training=True)) - HR).mean(), rel=1e-4)


def test_esrgans_fidelity_is_the_absolute_error_of_images_in_0_to_1():
    model = small(ESRGAN, critic=False)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    report = model.train_on_batch(LR, HR, return_dict=True)
    assert report["loss"] == pytest.approx(np.abs(numpy(model(LR, training=True)) - HR).mean(), rel=1e-5)


def test_enhancenet_adds_to_bicubic_enlargement_and_looks_at_textures_in_patches_and_at_features():
    model = small(EnhanceNet)
    last = model.residual.layers[-1]
    last.kernel.assign(np.zeros(last.kernel.shape))
    np.testing.assert_allclose(numpy(model(LR)), np.clip(numpy(model.enlargement(LR)), 0, 1), atol=1e-5)
    model.__dict__["features"] = features
    made = HR[::-1]
    scale = 1.0 / HR.mean()  # features are compared at a mean of one
    expected = 2.0 * float(texture_error(scale * HR, scale * made, 8))
    expected += 3.0 * scale**2 * float(feature_error(lambda x: features(x)[1], HR, made))
    assert float(model.perceptual(HR, made)) == pytest.approx(expected, rel=1e-4)
    model.__dict__["features"] = lambda images: [maps / 12.75 for maps in features(images)]
    assert float(model.perceptual(HR, made)) == pytest.approx(expected, rel=1e-3)
    model.__dict__["features"] = lambda images: [images]
    with pytest.raises(ValueError, match="1 feature maps, but .* for 2"):
        model.perceptual(HR, made)


@pytest.mark.slow
@pytest.mark.parametrize("network", sorted(SMALL, key=lambda network: network.__name__))
def test_training_lowers_the_error_and_then_goes_on_against_the_critic(network):
    model = small(network)
    hr = LR.repeat(4, 1).repeat(4, 2)
    model.compile(keras.optimizers.Adam(3e-3), jit_compile=False)
    first, *_, last = model.fit(LR, hr, epochs=60, verbose=0).history["loss"]
    assert last < 0.8 * first
    model.phase = 2
    model.compile(keras.optimizers.Adam(1e-3), features=features, jit_compile=False)
    before = [[v.numpy() for v in part] for part in (model.learning_variables, model.critic.trainable_variables)]
    report = model.train_on_batch(LR, hr, return_dict=True)
    assert all(np.isfinite(value) for value in report.values())
    for part, values in zip((model.learning_variables, model.critic.trainable_variables), before):
        assert any(np.any(v.numpy() != old) for v, old in zip(part, values))


@pytest.mark.parametrize("given", [False, True], ids=["default", "given"])
def test_in_float16_the_critics_loss_is_scaled_as_the_networks(given):
    model = small(SRGAN, **CRITIC, perceptual_weight=0.0, dtype="mixed_float16")
    model.phase = 2
    critic_optimizer = keras.optimizers.Adam(1e-3) if given else None
    model.compile(keras.optimizers.Adam(1e-3, use_ema=True), critic_optimizer=critic_optimizer)
    for optimizer, averages in ((model.optimizer, True), (model.critic_optimizer, False)):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) and optimizer.inner_optimizer.use_ema == averages
