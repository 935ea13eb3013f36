"""SAM against its paper's layer tables, equations and claims on what each phase may change."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_facesr.errors import ImageError
from keras_facesr.layers.blocks import ConvBlock, ResidualBlock
from keras_facesr.models.sam import SAM
from keras_facesr.objectives.gaussian import DiagonalGaussian, kl_divergence

SMALL = {"channels": 8, "encoder_blocks": 1, "decoder_blocks": 1, "latent_channels": 4, "head_channels": 4}


def small(scale=8, backbone="lr", **changes):
    keras.utils.set_random_seed(0)
    model = SAM(scale=scale, backbone=backbone, **{**SMALL, **changes})
    model.build((None, None, None, 3))
    return model


def pairs(scale=8, n=4, seed=0):
    rng = np.random.default_rng(seed)
    side = 32 // scale
    return rng.random((n, side, side, 3), "float32"), rng.random((n, 32, 32, 3), "float32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def kinds(part):
    """A part's blocks as the appendix lists them, such as ["ConvBlock/2", "ResidualBlock"]."""
    return [type(layer).__name__ + (f"/{layer.strides}" if isinstance(layer, ConvBlock) else "") for layer in part.layers]


def test_the_default_constructor_has_the_papers_layer_table():
    model = SAM()
    model.build((None, None, None, 3))
    assert kinds(model.encoder) == ["ConvBlock/2", *["ResidualBlock"] * 12, "Conv2D", "BatchNormalization"]
    assert kinds(model.decoder) == ["ConvBlock/1", "DeconvBlock/2", *["ResidualBlock"] * 3, "Conv2D", "Activation"]
    assert kinds(model.latent_decoder) == ["DeconvBlock/2", "ResidualBlock"] * 3
    assert kinds(model.icap_trunk) == [*["ConvBlock/2", "ResidualBlock"] * 4, "Conv2D"]
    assert kinds(model.ren_trunk) == [*["ConvBlock/2"] * 4, "Conv2D", "BatchNormalization"]
    for head in (model.ren_mean, model.ren_log_variance, model.icap_mean, model.icap_log_variance):
        names = [type(layer).__name__ for layer in head.stack.layers]
        assert names == ["Conv2D", "BatchNormalization", "LeakyReLU", "Conv2D", "BatchNormalization", "Activation"]
        assert [layer.filters for layer in head.stack.layers if isinstance(layer, layers.Conv2D)] == [32, 64]
    convolutions = [layer for layer in model._flatten_layers() if isinstance(layer, (layers.Conv2D, layers.Conv2DTranspose))]
    assert {layer.filters for layer in convolutions} == {64, 32, 3}
    assert all(layer.kernel_size == ((4, 4) if isinstance(layer, layers.Conv2DTranspose) else (3, 3)) for layer in convolutions)


def test_the_default_parts_have_the_parameters_that_their_tables_add_up_to():
    conv = lambda inputs, outputs, kernel=3: kernel * kernel * inputs * outputs + outputs  # noqa: E731
    norm = 4 * 64  # scale, shift and two moving statistics
    block, residual, deconv = conv(64, 64) + norm, 2 * (conv(64, 64) + norm), conv(64, 64, 4) + norm
    head = conv(64, 32) + 4 * 32 + conv(32, 64) + norm
    model = SAM()
    model.build((None, None, None, 3))
    expected = {
        model.encoder: conv(3, 64) + norm + 12 * residual + conv(64, 64) + norm,
        model.latent_decoder: 3 * (deconv + residual),
        model.decoder: block + deconv + 3 * residual + conv(64, 3),
        model.ren_trunk: conv(3, 64) + norm + 3 * block + conv(64, 64) + norm,
        model.icap_trunk: conv(3, 64) + norm + 3 * block + 4 * residual + conv(64, 64),
        model.ren_mean: head,
        model.icap_log_variance: head,
    }
    for part, parameters in expected.items():
        assert part.count_params() == parameters, part.name


def test_a_face_of_128_pixels_has_a_latent_of_8x8x64():
    model = SAM()
    model.build((None, None, None, 3))
    assert numpy(model.encode(np.zeros((1, 16, 16, 3), "float32")).mean).shape == (1, 8, 8, 64)


@pytest.mark.parametrize("backbone", ["enlarged", "lr"])
@pytest.mark.parametrize("scale", [2, 4, 8, 16])
def test_every_scale_and_backbone_gives_all_its_answers(scale, backbone):
    model, (lr, hr) = small(scale, backbone), pairs(scale, n=2)
    assert numpy(model(lr)).shape == numpy(model.deterministic(lr)).shape == hr.shape
    assert numpy(model.sample(lr, 3, seed=0)).shape == numpy(model.traverse(lr, 3, seed=0)).shape == (3, *hr.shape)
    assert numpy(model.pixel_deviation(lr, 3, seed=0)).shape == (2, 32, 32, 1)
    assert numpy(model.encode_residual(lr, hr).mean).shape == (2, 2, 2, 4)


@pytest.mark.parametrize("part", [(4, 4, 1, 32), (4, 4, 4, 16), (4, 3, 4, 24)], ids=str)
def test_a_residual_is_of_the_outputs_that_belong_to_the_small_faces(part):
    model, (lr, hr) = small(), pairs()
    faces, rows, true, true_rows = part
    with pytest.raises(ImageError, match=r"and lr \(.*\): give the outputs that belong to lr, sides in multiples of 2$"):
        model.encode_residual(lr[:faces, :rows], hr[:true, :true_rows])


def test_answers_agree_with_each_other():
    model, (lr, _) = small(), pairs()
    posterior = model.encode(lr)
    np.testing.assert_allclose(numpy(model(lr)), numpy(model.decode(lr, posterior.mean)), atol=1e-6)
    z = posterior.sample(2, seed=3)
    samples, ends = numpy(model.sample(lr, 2, seed=3)), numpy(model.traverse(lr, 4, seed=3))[[0, -1]]
    np.testing.assert_allclose(samples, numpy([numpy(model.decode(lr, z[k])) for k in range(2)]), atol=1e-6)
    np.testing.assert_allclose(samples, ends, atol=1e-5)
    np.testing.assert_allclose(
        numpy(model.pixel_deviation(lr, 2, seed=3))[..., 0], samples.std(axis=0).mean(axis=-1), atol=1e-6
    )


def test_the_statistics_of_the_latent_stay_within_one():
    model, (lr, hr) = small(), pairs(seed=1)
    for gaussian in (model._encode(1e3 * lr), model._encode_residual(1e3 * hr, training=False)):
        for statistic in (gaussian.mean, gaussian.log_variance):
            assert np.abs(numpy(statistic)).max() <= 1.0


def test_the_untrained_small_network_is_bicubic_enlargement():
    model, (lr, _) = small(), pairs()
    np.testing.assert_allclose(numpy(model.deterministic(lr)), np.clip(numpy(model.enlargement(lr)), 0, 1), atol=1e-6)


@pytest.mark.parametrize("backbone", ["enlarged", "lr"])
@pytest.mark.parametrize("phase, learning", [(0, "sr"), (1, "sr ren"), (2, "icap")])
def test_a_phase_changes_its_own_parts_and_no_bit_of_the_others(backbone, phase, learning):
    model, (lr, hr) = small(backbone=backbone), pairs()
    parts = {
        "sr": [model.encoder, model.latent_decoder, model.decoder],
        "ren": [model.ren_trunk, model.ren_mean, model.ren_log_variance],
        "icap": [model.icap_trunk, model.icap_mean, model.icap_log_variance],
    }
    weights = lambda name: [numpy(weight).copy() for part in parts[name] for weight in part.weights]  # noqa: E731
    before = {name: weights(name) for name in parts}
    model.phase = phase
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    for _ in range(3):
        model.train_on_batch(lr, hr)
    for name in parts:
        same = [np.array_equal(old, new) for old, new in zip(before[name], weights(name))]
        assert not all(same) if name in learning.split() else all(same), name


def test_phase_1_reports_its_objective():
    model, (lr, hr) = small(stochastic_weight=0.5), pairs()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    logs = model.train_on_batch(lr, hr, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["deterministic_mse"] + 0.5 * logs["stochastic_l1"], rel=1e-5)
    bicubic = numpy(model.enlargement(lr))  # what the untrained network adds nothing to
    assert logs["deterministic_mse"] == pytest.approx(np.mean((2 * hr - 2 * bicubic) ** 2), rel=1e-4)


@pytest.mark.parametrize("divergence", ["reverse", "forward"])
def test_phase_2_reports_its_divergence(divergence):
    model, (lr, hr) = small(divergence=divergence), pairs()
    model.phase = 2
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    logs = model.train_on_batch(lr, hr, return_dict=True)
    q = model.encode(lr, training=True)
    q, g = DiagonalGaussian(q.mean, q.log_variance), model.encode_residual(lr, hr)
    of_images = kl_divergence(q, g) if divergence == "reverse" else kl_divergence(g, q)
    assert logs["kl"] == pytest.approx(np.mean(numpy(of_images)), rel=1e-3)


@pytest.mark.slow
def test_training_lowers_both_errors_and_the_residuals_latent_helps():
    model, (lr, hr) = small(channels=16, latent_channels=8), pairs(n=4)
    model.compile(keras.optimizers.Adam(3e-3))
    first = model.train_on_batch(lr, hr, return_dict=True)
    for _ in range(150):
        last = model.train_on_batch(lr, hr, return_dict=True)
    assert last["deterministic_mse"] < first["deterministic_mse"] and last["stochastic_l1"] < first["stochastic_l1"]


@pytest.mark.parametrize("wrong", [{"scale": 3}, {"backbone": "unet"}, {"divergence": "both"}])
def test_what_the_constructor_cannot_build_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        SAM(**wrong)


def test_a_phase_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="phase is 3"):
        small().phase = 3


def test_residual_blocks_without_normalisation_start_near_the_identity():
    block = ResidualBlock(16, normalization=None)
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 16)).astype("float32")
    assert np.abs(numpy(block(x)) - x).mean() < 0.5 * np.abs(x).mean()


@pytest.mark.parametrize("scale", [4, 8])
def test_one_latent_for_the_whole_face_moves_all_of_it(scale):
    model, (lr, hr) = small(scale, latent="face"), pairs(scale)
    for gaussian in (model.encode(lr), model.encode_residual(lr, hr)):
        assert numpy(gaussian.mean).shape == numpy(gaussian.log_variance).shape == (4, 1, 1, 4)
    model.decoder.layers[-2].kernel.assign(np.random.default_rng(1).normal(0, 0.1, model.decoder.layers[-2].kernel.shape))
    first, second = numpy(model.sample(lr, 2, seed=0))
    moved = np.abs(first - second).reshape(4, 2, 16, 2, 16, 3).mean(axis=(2, 4, 5))  # of each cell of the paper's latent
    assert (moved > 0.01).all()


def test_an_unknown_latent_is_refused():
    with pytest.raises(ValueError, match="latent is 'pixel'"):
        small(latent="pixel")
