"""Adversarial objectives against closed forms and finite differences."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.ndimage import uniform_filter
from small_networks import CRITIC, pairs, unbuilt

from keras_facesr import backend
from keras_facesr.layers.normalization import SpectralConv, schatten_norm
from keras_facesr.models.critic import Critic, ResidualCritic, UNetCritic, with_detail
from keras_facesr.objectives import adversarial

RNG = np.random.default_rng(0)
REAL, FAKE = (RNG.normal(size=(5, 1)).astype("float32") for _ in range(2))


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


def test_wasserstein_losses_are_differences_of_means():
    assert float(adversarial.wasserstein_critic(REAL, FAKE)) == pytest.approx(FAKE.mean() - REAL.mean(), abs=1e-6)
    assert float(adversarial.wasserstein_generator(FAKE)) == pytest.approx(-FAKE.mean(), abs=1e-6)


def test_standard_losses_are_cross_entropies():
    critic = -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean()
    assert float(adversarial.standard_critic(REAL, FAKE)) == pytest.approx(critic, abs=1e-6)
    assert float(adversarial.standard_generator(FAKE)) == pytest.approx(-np.log(sigmoid(FAKE)).mean(), abs=1e-6)


def test_relativistic_losses_compare_with_the_mean_of_the_others():
    real, fake = sigmoid(REAL - FAKE.mean()), sigmoid(FAKE - REAL.mean())
    critic = -np.log(real).mean() - np.log(1 - fake).mean()
    generator = -np.log(1 - real).mean() - np.log(fake).mean()
    assert float(adversarial.relativistic_critic(REAL, FAKE)) == pytest.approx(critic, abs=1e-6)
    assert float(adversarial.relativistic_generator(REAL, FAKE)) == pytest.approx(generator, abs=1e-6)


def test_paired_losses_compare_each_true_image_with_its_own_answer():
    critic, generator = (-np.log(sigmoid(sign * (REAL - FAKE))).mean() for sign in (1, -1))
    assert float(adversarial.paired_critic(REAL, FAKE)) == pytest.approx(critic, abs=1e-6)
    assert float(adversarial.paired_generator(REAL, FAKE)) == pytest.approx(generator, abs=1e-6)


def test_the_zero_centred_penalty_is_half_the_mean_squared_slope():
    critic = lambda images: ops.sum(images**3, axis=(1, 2, 3))[:, None] / 3  # its slope at x is x^2  # noqa: E731
    images = RNG.random((3, 2, 2, 3), "float32")
    penalty = adversarial.zero_centred_penalty(critic, ops.convert_to_tensor(images))
    assert float(penalty) == pytest.approx(np.sum(images**4) / 3 / 2, rel=1e-5)


def test_the_penalty_of_a_linear_critic_is_its_weights_norm_less_one_squared():
    weights = RNG.normal(size=(1, 4, 4, 3)).astype("float32")
    critic = lambda images: ops.sum(images * weights, axis=(1, 2, 3))[:, None]  # noqa: E731
    images = ops.convert_to_tensor(RNG.random((5, 4, 4, 3), "float32"))
    penalty = adversarial.gradient_penalty(critic, images, images[::-1], ops.full((5, 1, 1, 1), 0.3))
    assert float(penalty) == pytest.approx((np.linalg.norm(weights) - 1) ** 2, rel=1e-5)


def test_the_penalty_takes_the_slope_between_the_images_where_chance_put_the_point():
    critic = lambda images: ops.sum(images**2, axis=(1, 2, 3))[:, None] / 2  # its slope at x is x  # noqa: E731
    real, fake = (RNG.random((3, 2, 2, 3), "float32") for _ in range(2))
    share = np.array([0.0, 0.25, 1.0], "float32").reshape(3, 1, 1, 1)
    between = share * real + (1 - share) * fake
    expected = np.mean((np.linalg.norm(between.reshape(3, -1), axis=1) - 1) ** 2)
    tensors = (ops.convert_to_tensor(images) for images in (real, fake, share))
    assert float(adversarial.gradient_penalty(critic, *tensors)) == pytest.approx(expected, rel=1e-5)


def test_a_residual_critic_may_halve_nothing():
    assert ResidualCritic(halvings=0, channels=4)(np.zeros((2, 4, 4, 3), "float32")).shape == (2, 1)


def test_the_penalties_of_a_critic_of_pixels_are_those_of_its_mean():
    images = ops.convert_to_tensor(np.random.default_rng(0).random((2, 4, 4, 3), "float32"))
    pixels = lambda x: ops.sum(x**2, axis=-1, keepdims=True)  # noqa: E731
    mean = lambda x: ops.mean(pixels(x), axis=(1, 2))  # noqa: E731
    for penalty in (
        adversarial.zero_centred_penalty,
        lambda critic, x: adversarial.gradient_penalty(critic, x, x[::-1], ops.full((2, 1, 1, 1), 0.3)),
    ):
        assert float(penalty(pixels, images)) == pytest.approx(float(penalty(mean, images)), rel=1e-5)


def test_the_penaltys_own_gradient_is_that_of_finite_differences():
    """Of a smooth critic: where slopes jump, as at the kink of a ReLU, differences would see the jumps."""
    kernel = keras.Variable(RNG.normal(size=(3, 3, 3, 4)).astype("float32"))
    critic = lambda images: ops.mean(ops.tanh(ops.conv(images, kernel)), axis=(1, 2))  # noqa: E731
    real, fake = (ops.convert_to_tensor(RNG.uniform(-1, 1, (2, 8, 8, 3)).astype("float32")) for _ in range(2))
    penalty = lambda: adversarial.gradient_penalty(critic, real, fake, ops.full((2, 1, 1, 1), 0.5))  # noqa: E731
    _, (gradient,) = backend.gradients(lambda: (penalty(),), [kernel])
    start, direction = kernel.numpy(), RNG.normal(size=kernel.shape).astype("float32")
    values = []
    for step in (-1e-2, 1e-2):
        kernel.assign(start + step * direction)
        values.append(float(penalty()))
    assert np.sum(numpy(gradient) * direction) == pytest.approx((values[1] - values[0]) / 2e-2, rel=1e-2)


def test_the_default_critic_is_srgans_discriminator_for_64_pixels():
    critic = Critic()
    critic.build((None, 64, 64, 3))
    conv = lambda inputs, outputs: 9 * inputs * outputs + outputs  # noqa: E731
    widths = [64, 64, 128, 128, 256, 256, 512, 512]
    convolutions = sum(conv(a, b) for a, b in zip([3, *widths], widths))
    norms = 2 * sum(widths[1:])
    dense = 4 * 4 * 512 * 1024 + 1024 + 1024 + 1
    assert critic.count_params() == convolutions + norms + dense
    assert critic(np.zeros((2, 64, 64, 3), "float32")).shape == (2, 1)


def test_a_residual_critic_has_a_block_without_normalisation_at_each_size():
    critic = ResidualCritic(halvings=2, channels=4)
    critic.build((None, 16, 16, 3))
    conv = lambda inputs, outputs, area=9: area * inputs * outputs + outputs  # noqa: E731
    blocks = sum(2 * conv(width, width) for width in (4, 8, 16))
    dense = 4 * 4 * 16 * 16 + 16 + 16 + 1
    assert critic.count_params() == conv(3, 4) + blocks + conv(4, 8, 1) + conv(8, 16, 1) + dense
    assert critic(np.zeros((2, 16, 16, 3), "float32")).shape == (2, 1)


def test_a_residual_critic_of_cells_is_that_of_the_images_with_each_cell_in_the_channels():
    """So what repeats from cell to cell, as a pixel shuffle's grid does, is a difference of channels' means."""
    images = RNG.normal(size=(2, 16, 8, 3)).astype("float32")
    critic, of_channels = ResidualCritic(halvings=1, channels=4, cell=4), ResidualCritic(halvings=1, channels=4)
    cells = images.reshape(2, 4, 4, 2, 4, 3).swapaxes(2, 3).reshape(2, 4, 2, 48)
    critic.build(images.shape)
    of_channels.build(cells.shape)
    of_channels.set_weights(critic.get_weights())
    assert numpy(critic(images)) == pytest.approx(numpy(of_channels(cells)), abs=1e-5)
    assert critic.get_config()["cell"] == 4
    with pytest.raises(ValueError, match="16 x 10 pixels are no whole number of cells of 4: give another critic_cell"):
        ResidualCritic(cell=4).build((None, 16, 10, 3))


def test_a_critic_that_is_shown_detail_gets_what_the_mean_around_leaves_so_many_times_as_strong():
    images = RNG.normal(size=(2, 16, 8, 3)).astype("float32")
    inside = np.s_[:, 2:-2, 2:-2]
    detail = (images - uniform_filter(images, (0, 5, 5, 0)))[inside]
    seen = numpy(with_detail(ops.convert_to_tensor(images), 10.0))
    np.testing.assert_array_equal(seen[..., :3], images)
    np.testing.assert_allclose(seen[inside][..., 3:], 10 * detail, atol=1e-4)
    critic, plain = ResidualCritic(halvings=1, channels=4, detail=10.0), ResidualCritic(halvings=1, channels=4)
    critic.build(images.shape)
    plain.build(seen.shape)
    plain.set_weights(critic.get_weights())
    assert numpy(critic(images)) == pytest.approx(numpy(plain(seen)), abs=1e-5)
    assert critic.get_config()["detail"] == 10.0


@pytest.mark.parametrize("shape", [(3, 3, 2, 40), (4, 4, 8, 16), (1, 1, 6, 6)])
def test_the_schatten_norm_is_that_of_the_singular_values_just_above_the_largest(shape):
    kernel = RNG.normal(size=shape).astype("float32")
    values = np.linalg.svd(kernel.reshape(-1, shape[-1]).astype(np.float64), compute_uv=False)
    norm = float(schatten_norm(ops.convert_to_tensor(kernel)))
    assert norm == pytest.approx(np.sum(values**16) ** (1 / 16), rel=1e-4)
    assert values[0] < norm < len(values) ** (1 / 16) * values[0]


def test_a_spectral_convolution_convolves_with_its_kernel_by_its_norm():
    layer = SpectralConv(4, 3, padding="same", use_bias=False)
    layer.build((None, 5, 5, 2))
    layer.kernel.assign(7.0 * layer.kernel)
    images = RNG.normal(size=(2, 5, 5, 2)).astype("float32")
    expected = 2.0 * ops.conv(images, layer.kernel / schatten_norm(layer.kernel), padding="same")
    assert numpy(layer(images)) == pytest.approx(numpy(expected), abs=1e-5)


def test_a_u_net_scores_every_pixel_by_what_is_around_it():
    critic = UNetCritic(halvings=2, channels=4)
    critic.build((None, None, None, 3))
    conv = lambda inputs, outputs, area=9: area * inputs * outputs + outputs  # noqa: E731
    levels = conv(4, 8, 16) + conv(8, 16, 16) + conv(16, 8) + conv(8, 4)
    assert critic.count_params() == conv(6, 4) + levels + 2 * conv(4, 4) + conv(4, 1)
    images = RNG.uniform(-1, 1, (1, 96, 96, 3)).astype("float32")
    scores = numpy(critic(images))
    assert scores.shape == critic.compute_output_shape(images.shape) == (1, 96, 96, 1)
    images[:, 48:52, 48:52] *= -1.0
    changed = np.abs(numpy(critic(images)) - scores)[0, ..., 0] > 1e-9
    assert changed[48:52, 48:52].all() and not changed[:20].any() and not changed[:, 76:].any()


@pytest.mark.parametrize("name", ["VarSR", "URDGN", "CAGFaceGAN", "SAMGAN"])
def test_a_pixelwise_critic_is_a_u_net_that_learns_beside_the_network(name):
    model = unbuilt(name, **CRITIC, pixelwise_critic=True, objective="standard")
    lr, hr = pairs(name)
    model.phase = 2
    model.compile(keras.optimizers.SGD(1e-3), jit_compile=False)
    before = [numpy(variable) for variable in model.critic.trainable_variables]
    report = model.train_on_batch(lr, hr, return_dict=True)
    assert type(model.critic) is UNetCritic and np.isfinite([*report.values()]).all()
    assert all((numpy(variable) != former).any() for variable, former in zip(model.critic.trainable_variables, before))
    with pytest.raises(ValueError, match="images of 30 x 32 pixels cannot be halved 2 times: give fewer critic_conv"):
        UNetCritic(halvings=2, channels=4).build((None, 30, 32, 3))


@pytest.mark.parametrize("steps", [1, 3])
def test_a_critic_learns_first_from_the_answer_that_the_network_learnt_from(steps):
    lr, hr = (ops.convert_to_tensor(images) for images in pairs("ESRGAN"))
    model, answers = unbuilt("ESRGAN", **CRITIC, critic_steps=steps), []
    model.phase = 2
    model.compile(keras.optimizers.SGD(1.0), critic_optimizer=keras.optimizers.SGD(0.0), run_eagerly=True)
    own = model.fidelity

    def kept(lr, hr, turn):
        answer, *others = own(lr, hr, turn)
        answers.append(answer)
        return answer, *others

    model.fidelity = kept
    report = model.train_on_batch(lr, hr, return_dict=True)
    assert len(answers) == steps  # the first before the step of the network, which has no noise, the others after it
    objective = getattr(adversarial, f"{model.objective}_critic")
    judged = [float(objective(model.critic(2.0 * hr - 1.0), model.critic(sr))) for sr in answers]
    assert report["critic"] == pytest.approx(judged[-1], rel=1e-4) and len({*judged}) == min(steps, 2)


@pytest.mark.parametrize("objective", ["paired", "wasserstein"])
def test_a_penalty_of_every_third_step_weighs_three_times_as_much_there_and_nothing_between(objective):
    lr, hr = pairs("ESRGAN")
    seen = {}
    for every in (1, 3):
        model = unbuilt("ESRGAN", **CRITIC, objective=objective, penalty_every=every)
        model.phase = 2
        model.compile(keras.optimizers.SGD(0.0), jit_compile=False)
        seen[every] = [model.train_on_batch(lr, hr, return_dict=True)["penalty"] for _ in range(6)]
    np.testing.assert_allclose(seen[3], np.multiply([0, 0, 3, 0, 0, 3], seen[1]), rtol=1e-4)
    assert min(seen[1]) > 0 and model.get_config()["penalty_every"] == 3
    with pytest.raises(ValueError, match="penalty_every must be a whole number from 1 on, not 0"):
        unbuilt("ESRGAN", **CRITIC, penalty_every=0)


def test_a_u_net_sees_little_detail_as_well_as_much_light():
    critic = UNetCritic(halvings=2, channels=4)
    critic.build((None, None, None, 3))
    gray = np.zeros((1, 32, 32, 3), "float32")
    grid = gray + 0.02 * np.sign(np.sin(np.pi / 2 * (np.arange(32) + 0.5)))[:, None].astype("float32")  # of four pixels
    change = lambda images: np.abs(numpy(critic(images)) - numpy(critic(gray)))[:, 8:-8, 8:-8].mean()  # noqa: E731
    assert change(grid) > 2.0 * change(gray + 0.02)
