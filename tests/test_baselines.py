"""The yardsticks against their papers' counts, and against SAM's cost."""

import keras
import numpy as np
import pytest

from keras_facesr import classes
from keras_facesr.layers.resampling import BicubicEnlargement
from keras_facesr.metrics.costs import multiply_adds
from keras_facesr.models.baselines.edsr import EDSR
from keras_facesr.models.baselines.fsrcnn import FSRCNN
from keras_facesr.models.baselines.rdn import RDN
from keras_facesr.models.baselines.rrdbnet import RRDBNet
from keras_facesr.models.baselines.srcnn import SRCNN
from keras_facesr.models.baselines.srfbn import SRFBN
from keras_facesr.models.baselines.srresnet import SRResNet
from keras_facesr.models.baselines.vdsr import VDSR
from keras_facesr.models.own_loss import ObjectiveSR
from keras_facesr.training import recipes
from keras_facesr.training.optimizers import OPTIMIZERS
from keras_facesr.training.recipes import baselines


def built(model):
    model.build((None, None, None, 3))
    return model


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_srcnn_has_the_8032_weights_of_the_9_1_5_network_with_three_times_the_colours():
    extract, mapping, reconstruct = 9 * 9 * 64, 64 * 32, 5 * 5 * 32  # for one channel in, one out
    assert extract + mapping + reconstruct == 8032  # Dong et al., section 4.1
    assert built(SRCNN()).count_params() == 3 * extract + mapping + 3 * reconstruct + (64 + 32 + 3)


def test_srcnn_has_the_57184_weights_of_the_9_5_5_network_with_three_times_the_colours():
    extract, mapping, reconstruct = 9 * 9 * 64, 5 * 5 * 64 * 32, 5 * 5 * 32
    assert extract + mapping + reconstruct == 57_184  # Dong et al., section 4.3.3
    assert built(SRCNN(kernels=(9, 5, 5))).count_params() == 3 * extract + mapping + 3 * reconstruct + (64 + 32 + 3)


def test_fsrcnn_has_the_12464_weights_of_the_56_12_4_network_with_three_times_the_colours():
    features, inner, enlarge = 5 * 5 * 56, 56 * 12 + 4 * 9 * 12 * 12 + 12 * 56, 9 * 9 * 56
    assert features + inner + enlarge == 12_464  # Dong et al., table 1
    biases_and_slopes = 2 * (56 + 12 + 4 * 12 + 56) + 3
    assert built(FSRCNN()).count_params() == 3 * features + inner + 3 * enlarge + biases_and_slopes


def test_vdsr_has_the_665_thousand_weights_of_the_paper_with_three_times_the_colours():
    end, hidden = 9 * 64, 18 * 9 * 64 * 64  # one channel in or out
    assert end + hidden + end == 664_704  # "665K" in Ahn et al. (CARN, 2018), table 1
    assert built(VDSR()).count_params() == 3 * end + hidden + 3 * end + (19 * 64 + 3)


def test_srfbn_has_the_published_parameters_but_for_the_fixed_colour_means():
    # 3.63 M in Li et al.; their code counts 3,631,478, of which 24 shift the colours by DIV2K's means and back.
    assert built(SRFBN(scale=4)).count_params() == 3_631_478 - 2 * (9 + 3)


def test_srresnet_has_the_parameters_that_its_figure_adds_up_to():
    conv = lambda inputs, outputs, kernel=3: kernel * kernel * inputs * outputs + outputs  # noqa: E731
    norm, slopes = 4 * 64, 64
    stem = conv(3, 64, 9) + slopes
    body = 16 * (2 * (conv(64, 64) + norm) + slopes) + conv(64, 64) + norm
    upsampler = 2 * (conv(64, 256) + slopes) + conv(64, 3, 9)
    assert built(SRResNet(scale=4)).count_params() == stem + body + upsampler


def test_edsr_has_the_parameters_of_the_published_networks():
    assert built(EDSR(scale=4)).count_params() == 1_517_571  # the baseline's, x4
    large = {"channels": 256, "blocks": 32, "residual_scaling": 0.1}
    assert built(EDSR(scale=2, **large)).count_params() == 40_729_603
    assert built(EDSR(scale=4, **large)).count_params() == 43_089_923  # "43M" in Lim et al., table 1


def test_rdn_has_the_22_million_parameters_that_its_table_adds_up_to():
    conv = lambda inputs, outputs, kernel=3: kernel * kernel * inputs * outputs + outputs  # noqa: E731
    block = sum(conv(64 + 64 * k, 64) for k in range(8)) + conv(64 + 8 * 64, 64, 1)
    trunk = conv(3, 64) + conv(64, 64) + 16 * block + conv(16 * 64, 64, 1) + conv(64, 64)
    assert trunk + conv(64, 4 * 64) + conv(64, 3) == 22_123_395  # x2; "22M" in Li et al. (SRFBN), section 4.4
    assert built(RDN(scale=4)).count_params() == trunk + 2 * conv(64, 4 * 64) + conv(64, 3)


def test_rrdbnet_has_the_published_parameters():
    assert built(RRDBNet(scale=4)).count_params() == 16_697_987  # of the authors' RRDB_ESRGAN_x4: 16.7 M


@pytest.mark.parametrize("network", [SRResNet, EDSR, RDN])
def test_pixel_shuffles_start_as_the_papers_draw_them_without_icnr(network):
    """None of them asks for equal kernels within a square of output pixels (ICNR came later)."""
    first = built(network(scale=2, channels=4, blocks=1)).upsampler.layers[0].kernel.numpy()
    phases = first.reshape(3, 3, 4, 4, 4)  # the fourth axis: the pixel of the square
    assert np.abs(phases - phases[..., :1, :]).max() > 0


@pytest.mark.parametrize("network, also", [(SRResNet, [3]), (EDSR, [3]), (RDN, [3]), (RRDBNet, [])])
def test_a_residual_yardstick_enlarges_by_any_power_of_two_and_those_with_pixel_shuffles_by_three(network, also):
    lr = np.zeros((1, 5, 7, 3), "float32")
    scales = [2, 4, 8, *also]
    assert [built(network(scale, channels=4, blocks=1))(lr).shape[1] for scale in scales] == [5 * scale for scale in scales]
    refused = 6 if also else 3
    with pytest.raises(ValueError, match=f"scale is {refused}: it must be a power of two, above 1{', or 3' * bool(also)}$"):
        network(refused, channels=4, blocks=1)


def test_edsr_weighs_what_its_blocks_add():
    keras.utils.set_random_seed(0)
    lr = np.random.default_rng(0).random((1, 4, 4, 3), "float32")
    networks = [built(EDSR(channels=4, blocks=1, residual_scaling=scaling)) for scaling in (0.0, 0.5, 1.0)]
    for network in networks[1:]:
        network.set_weights(networks[0].get_weights())
    features = [numpy(network.body.layers[0](network.stem(lr))) for network in networks]
    assert np.abs(features[2] - features[0]).max() > 0
    np.testing.assert_allclose(features[1] - features[0], (features[2] - features[0]) / 2, atol=1e-6)


def test_multiply_adds_are_those_of_every_kind_of_convolution():
    how = {"padding": "same", "use_bias": False}
    parts = keras.layers.Conv2D(4, 3, **how), keras.layers.DepthwiseConv2D(5, **how)
    network = keras.Sequential([*parts, keras.layers.Conv2DTranspose(2, 4, strides=2, **how)])
    assert multiply_adds(network, 8, 16) == 8 * 16 * (3 * 3 * 3 * 4 + 5 * 5 * 4 + 4 * 4 * 4 * 2)


@pytest.fixture(scope="module")
def costs_of_sam():
    return {scale: multiply_adds(recipes.find(f"sam_small_x{scale}_utkface").model()) for scale in (4, 8, 16)}


@pytest.fixture(scope="module")
def cost_of_cagface():
    cagface = classes.build_model("CAGFace", recipes.find("cagface_small_x4").config)
    return multiply_adds(cagface, channels=6)  # once its attention maps are there, as in training


@pytest.fixture(scope="module")
def cost_of_ssrvae():
    return multiply_adds(recipes.find("ssrvae_x4").model())


def test_the_small_edsr_costs_what_the_small_cagface_costs(cost_of_cagface):
    assert multiply_adds(recipes.find("edsr_small_x4").model()) == pytest.approx(cost_of_cagface, rel=0.01)


@pytest.mark.parametrize("scale", [4, 8, 16])
def test_the_small_srresnet_costs_what_the_small_sam_costs(costs_of_sam, scale):
    cost = multiply_adds(recipes.find(f"srresnet_small_x{scale}_utkface").model())
    assert cost == pytest.approx(costs_of_sam[scale], rel=0.02)


@pytest.mark.parametrize("recipe", baselines.RECIPES, ids=lambda recipe: recipe.name)
def test_no_small_baseline_costs_more_than_the_small_sam_and_all_but_fsrcnn_come_near(costs_of_sam, recipe):
    cost, limit = multiply_adds(recipe.model()), costs_of_sam[recipe.config["scale"]]
    assert cost < 1.01 * limit
    assert cost > 0.75 * limit or recipe.model_class == "FSRCNN"


@pytest.mark.parametrize("name", ["fsrcnn", "srfbn_small", "srgan_small", "esrgan_small", "enhancenet_small"])
def test_no_network_beside_the_small_cagface_costs_more(cost_of_cagface, name):
    assert multiply_adds(recipes.find(f"{name}_x4").model()) < 1.01 * cost_of_cagface


@pytest.mark.parametrize("name", ["edsr_small", "rdn_small", "srgan_small"])
def test_no_network_beside_the_small_ssrvae_costs_more(cost_of_ssrvae, name):
    assert multiply_adds(recipes.find(f"{name}_x4_bicubic").model()) < 1.01 * cost_of_ssrvae


def squares():
    """Four images of 16 pixels a side, of four squares each, and the same at 4 pixels."""
    hr = np.random.default_rng(0).random((4, 2, 2, 3)).repeat(8, 1).repeat(8, 2).astype("float32")
    return hr[:, ::4, ::4], hr


@pytest.mark.slow  # test_plain_fit sees each of them learn a little
@pytest.mark.parametrize(
    "network, config",
    [
        (SRCNN, {}),
        (SRResNet, {"channels": 16, "blocks": 1}),
        (EDSR, {"channels": 16, "blocks": 1}),
        (FSRCNN, {}),
        (VDSR, {"channels": 16, "depth": 4}),
        (RDN, {"channels": 16, "blocks": 2, "convolutions": 2, "growth": 8}),
        (RRDBNet, {"channels": 16, "blocks": 1, "growth": 8}),
        (SRFBN, {"channels": 8, "groups": 2, "steps": 2}),
    ],
)
def test_a_yardstick_learns(network, config):
    keras.utils.set_random_seed(0)
    model = built(network(scale=4, **config))
    loss = None if isinstance(model, ObjectiveSR) else "mse"
    model.compile(keras.optimizers.Adam(5e-3), loss=loss, jit_compile=False)
    losses = model.fit(*squares(), epochs=80, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("scale", [2, 4, 8, 16])
@pytest.mark.parametrize("network, config", [(FSRCNN, {"features": 4, "shrunk": 2}), (SRFBN, {"channels": 2, "groups": 2})])
def test_a_deconvolution_covers_the_whole_output_at_any_scale(network, config, scale):
    keras.utils.set_random_seed(0)
    model = built(network(scale=scale, **config))
    lr = np.random.default_rng(0).random((1, 3, 2, 3), "float32")
    away_from_the_bias = numpy(model(lr, training=True)) - numpy(model(0 * lr, training=True))
    assert away_from_the_bias.shape == (1, 3 * scale, 2 * scale, 3) and np.all(away_from_the_bias != 0)


def test_vdsr_is_bicubic_enlargement_where_its_last_convolution_is_silent():
    model = built(VDSR(scale=4, channels=4, depth=2))
    model.residual.layers[-1].kernel.assign(np.zeros((3, 3, 4, 3)))
    lr, _ = squares()
    np.testing.assert_allclose(numpy(model(lr)), np.clip(numpy(BicubicEnlargement(4)(lr)), 0, 1), atol=1e-6)


@pytest.mark.parametrize("rate", [0.1, 0.01])
def test_vdsrs_clipping_bounds_every_weights_step(rate):
    model = built(VDSR(scale=4, channels=4, depth=3))
    model.compile(OPTIMIZERS["clipped_sgd"](rate), loss="mse", run_eagerly=True)
    before = [variable.numpy() for variable in model.trainable_variables]
    model.train_on_batch(*squares())
    steps = [np.abs(variable.numpy() - old).max() for variable, old in zip(model.trainable_variables, before)]
    assert max(steps) == pytest.approx(0.01 * rate, rel=1e-2)


def test_srfbns_loss_is_the_mean_of_the_absolute_errors_of_its_steps():
    keras.utils.set_random_seed(0)
    model = built(SRFBN(scale=4, channels=4, groups=2))
    lr, hr = squares()
    answers = [numpy(answer) for answer in model.answers(lr)]
    assert len(answers) == 4
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    loss = model.train_on_batch(lr, hr, return_dict=True)["loss"]
    assert loss == pytest.approx(np.mean([np.abs(answer - hr).mean() for answer in answers]), rel=1e-5)
    np.testing.assert_array_equal(numpy(model(lr)), answers[-1].clip(0, 1))


def test_srfbn_is_saved_with_its_mixing_of_colours_given_as_an_array(tmp_path):
    mixing = np.eye(3, dtype="float32")[::-1]
    model, (lr, _) = built(SRFBN(scale=4, channels=4, groups=2, mixing=mixing)), squares()
    model.save(tmp_path / "srfbn.keras")
    again = keras.saving.load_model(tmp_path / "srfbn.keras")
    assert again.mixing == mixing.tolist()
    np.testing.assert_array_equal(numpy(again(lr)), numpy(model(lr)))


def test_srfbn_goes_on_from_the_state_that_the_last_step_left():
    keras.utils.set_random_seed(0)
    model = built(SRFBN(scale=4, channels=4, groups=2))
    lr, _ = squares()
    answers = [numpy(answer) for answer in model.answers(lr)]
    assert all(np.abs(later - earlier).max() > 1e-4 for earlier, later in zip(answers, answers[1:]))
    kernel = model.feedback.compress_in.conv.kernel.numpy()
    kernel[:, :, 4:] = 0  # what comes from the state
    model.feedback.compress_in.conv.kernel.assign(kernel)
    first, *others = (numpy(answer) for answer in model.answers(lr))
    assert all(np.array_equal(first, other) for other in others)
