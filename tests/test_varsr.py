"""VarSR against its paper's equations, closed forms, and its claims on what each phase may change."""

import re

import keras
import numpy as np
import pytest
from keras import layers, ops
from PIL import Image

from keras_facesr.errors import CallError, ImageError
from keras_facesr.layers.blocks import ResidualBlock
from keras_facesr.layers.resampling import BicubicReduction
from keras_facesr.models.baselines.mrgan import MRGAN
from keras_facesr.models.varsr import VarSR
from keras_facesr.objectives.gaussian import reparameterised_sample, standard_normal

SMALL = {"scale": 4, "lr_size": (8, 8), "latent_dim": 6, "channels": 4, "blocks": 1}
CRITIC = {"critic": True, "critic_convolutions": 2, "critic_channels": 4}


def small(**changes):
    keras.utils.set_random_seed(0)
    model = VarSR(**{**SMALL, **changes})
    model.build((None, None, None, 3))
    return model


def pairs(n=4, lr_size=(8, 8), scale=4):
    rng = np.random.default_rng(0)
    height, width = lr_size
    return rng.random((n, height, width, 3), "float32"), rng.random((n, height * scale, width * scale, 3), "float32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def convolutions(part):
    return [layer for layer in part._flatten_layers() if isinstance(layer, layers.Conv2D)]


def test_the_default_generator_is_srresnet_at_the_inputs_size_with_the_latent_at_two_places():
    model = VarSR()
    kernels = [tuple(layer.kernel.shape) for layer in convolutions(model.generator)]
    body = [(3, 3, 64, 64)] * (2 * 8 + 1)
    ups = [(3, 3, 128, 256), (3, 3, 64, 256), (3, 3, 64, 256)]
    assert sorted(kernels) == sorted([(3, 3, 3, 64), (3, 3, 128, 64), *body, *ups, (3, 3, 64, 3)])
    dense = [tuple(layer.kernel.shape) for layer in model.generator.layers if isinstance(layer, layers.Dense)]
    assert dense == [(256, 64)] * 2


def test_the_backbone_of_the_inputs_size_enlarges_by_one_shuffle_and_starts_as_bicubic_for_any_latent():
    model = small(backbone="lr", blocks=3, decoder_blocks=2)
    trunk, tail = ([tuple(layer.kernel.shape) for layer in convolutions(part)] for part in (model.trunk, model.generator))
    assert sorted(trunk) == sorted([(3, 3, 3, 4), *[(3, 3, 4, 4)] * (2 * 3 + 1)])
    assert sorted(tail) == sorted([(3, 3, 8, 4), *[(3, 3, 4, 4)] * (2 * 2), (3, 3, 8, 3 * 4**2)])
    lr, hr = pairs()
    channels = map(Image.fromarray, np.moveaxis(lr, 3, 1).reshape(-1, 8, 8))
    bicubic = np.stack([channel.resize((32, 32), Image.Resampling.BICUBIC) for channel in channels]).reshape(4, 3, 32, 32)
    np.testing.assert_allclose(numpy(model.sample(lr, 1, seed=0))[0], np.moveaxis(bicubic, 1, 3).clip(0, 1), atol=2e-3)
    model.compile("adam")
    model.fit(lr, hr, epochs=2, verbose=0)
    samples, z = numpy(model.sample(lr, 2, seed=0)), model.encode(lr).sample(2, seed=0)
    assert np.abs(samples[0] - samples[1]).max() > 0
    np.testing.assert_allclose(samples[1], numpy(model.decode(lr, z[1])), atol=1e-6)
    with pytest.raises(ValueError, match="backbone is 'enlarged': choose"):
        VarSR(backbone="enlarged")


@pytest.mark.parametrize("lr_size", [(6, 6), (4, 2)])
def test_an_input_of_the_trained_size_is_seen_as_it_is(lr_size):
    model = small(lr_size=lr_size, blocks=0)
    (lr, _) = pairs(1, lr_size)
    lr = (255 * lr).round().astype(np.uint8)
    expected = numpy(model(lr / np.float32(255)))
    np.testing.assert_allclose(model.upscale(lr[0]), 255 * expected[0], atol=0.51)


def test_the_latent_does_not_vanish_in_the_trunk():
    """An instance norm takes away what is the same everywhere: the latent must have met the image before the first one."""
    model = small(lr_size=(16, 16), blocks=1)
    (block,) = [layer for layer in model.generator.layers if isinstance(layer, ResidualBlock)]
    trunk = keras.Model(model.generator.inputs, block.output - block.input)
    lr, (one, other) = pairs(1, (16, 16))[0], np.random.default_rng(0).normal(size=(2, 1, model.latent_dim)).astype("float32")
    apart = numpy(trunk([lr, one]) - trunk([lr, other]))[:, 4:-4, 4:-4]  # the borders feel it in any case
    assert np.abs(apart).max() > 1e-3


@pytest.mark.parametrize("size", [(8, 8), (6, 6), (4, 2), (64, 64), (16, 8)])
def test_an_encoder_sees_the_whole_image_of_its_size(size):
    """Every pixel changes both statistics' features: the last convolution covers all that the pyramid leaves."""
    from keras_facesr.models.varsr import encoder

    keras.utils.set_random_seed(0)
    network = encoder(size, latent_dim=3, channels=4, name="e", dtype="float32")
    black = np.zeros((1, *size, 3), "float32")
    mean = numpy(network(black)[0])
    for row in (0, size[0] - 1):
        for column in (0, size[1] - 1):
            spot = black.copy()
            spot[0, row, column] = 1.0
            assert np.abs(numpy(network(spot)[0]) - mean).max() > 0
    *_, last = [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]
    assert tuple(last.output.shape[1:3]) == (None, None) and network(black)[0].shape == (1, 3)


@pytest.mark.parametrize("lr_size, blocks", [((8, 8), 1), ((6, 6), 0), ((4, 2), 0)])
def test_answers_of_faces_and_digits_have_their_shapes_and_agree(lr_size, blocks):
    model = small(lr_size=lr_size, blocks=blocks)
    lr, hr = pairs(3, lr_size)
    shape = (3, *(4 * side for side in lr_size), 3)
    prior, posterior = model.encode(lr), model.encode_hr(hr)
    assert prior.mean.shape == posterior.mean.shape == prior.log_variance.shape == (3, 6)
    np.testing.assert_array_equal(numpy(model(lr)), numpy(model.decode(lr, prior.mean)))
    samples = numpy(model.sample(lr, 5, seed=3))
    assert samples.shape == (5, *shape) and model.pixel_deviation(lr, 4).shape == (*shape[:3], 1)
    np.testing.assert_array_equal(numpy(model.sample(lr, 5, seed=3)), samples)
    assert np.abs(samples[0] - samples[1]).max() > 0
    z = model.encode(lr).sample(2, seed=3)
    for answer, alpha in zip(numpy(model.traverse(lr, 3, seed=3)), (0.0, 0.5, 1.0)):
        np.testing.assert_allclose(answer, numpy(model.decode(lr, z[0] + alpha * (z[1] - z[0]))), atol=1e-6)
    np.testing.assert_array_equal(numpy(model.transfer(lr, hr)), numpy(model.decode(lr, posterior.mean)))
    assert model.transfer(lr, hr[:1]).shape == shape


def test_editing_walks_along_the_direction_that_an_attribute_has():
    model = small()
    lr, hr = pairs(70)
    direction = model.attribute_direction(hr, hr[:3])
    mean = lambda images: numpy(model.encode_hr(images).mean).mean(0)  # noqa: E731
    np.testing.assert_allclose(direction, mean(hr) - mean(hr[:3]), atol=1e-5)
    edited = numpy(model.edit(lr[:2], direction, strengths=(-1, 0, 2)))
    assert edited.shape == (3, 2, 32, 32, 3)
    np.testing.assert_array_equal(edited[1], numpy(model(lr[:2])))
    z = model.encode(lr[:2]).mean + 2 * direction
    np.testing.assert_array_equal(edited[2], numpy(model.decode(lr[:2], z)))
    np.testing.assert_array_equal(numpy(model.edit(lr[:2], direction.tolist(), (k for k in (-1, 0, 2)))), edited)


def test_what_edits_and_transfers_nothing_is_refused_in_a_line():
    model = small()
    lr, hr = pairs(3)
    for direction in ("Smiling", None, 1.0, np.full(6, np.nan)):
        with pytest.raises(CallError, match="^direction must be finite numbers, not "):
            model.edit(lr, direction)
    for strengths in (2, (), "all"):
        with pytest.raises(CallError, match="^strengths must be finite numbers, not "):
            model.edit(lr, np.zeros(6), strengths)
    with pytest.raises(CallError, match=r"have the shapes \(6,\) and \(n,\), not \(5,\) and \(2,\)$"):
        model.edit(lr, np.zeros(5), (1, 2))
    with pytest.raises(ImageError, match="^an attribute's direction needs true faces with it and without it"):
        model.attribute_direction(hr, hr[:0])
    with pytest.raises(ImageError, match=r"^hr has the shape \(3, 16, 16, 3\): give large faces, \(N, 32, 32, 3\)$"):
        model.attribute_direction(hr, hr[:, :16, :16])
    with pytest.raises(ImageError, match="^3 small faces get the latents of as many large ones or of one, not of 2$"):
        model.transfer(lr, hr[:2])


def test_phase_1_reports_the_squared_error_and_the_divergence_of_the_encoders():
    model = small(kl_weight=0.5)
    lr, hr = pairs()
    q, p = model.encode_hr(hr), model.encode(lr)
    (mq, vq), (mp, vp) = ((numpy(g.mean), np.exp(numpy(g.log_variance))) for g in (q, p))
    kl = 0.5 * np.mean(np.log(vp / vq) + (vq + (mq - mp) ** 2) / vp - 1)  # closed form, mean over dimensions
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    report = model.train_on_batch(lr, hr, return_dict=True)
    assert report["kl"] == pytest.approx(kl, rel=1e-4)
    assert report["loss"] == pytest.approx(report["mse"] + 0.5 * report["kl"], rel=1e-5)
    assert 0.07 < report["mse"] < 0.7  # noise against something near gray, in [0, 1]


def test_of_many_draws_the_best_is_held_to_the_truth_as_well():
    model = small(kl_weight=0.5, draws=3)
    lr, hr = pairs()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    latents = model.encode(lr).spread(standard_normal((2, 3, 4, 6), model.step_seed(0, purpose=2)))
    errors = [np.mean((numpy((model.signed(lr, z) + 1.0) / 2.0) - hr) ** 2, axis=(1, 2, 3)) for z in latents]
    report = model.train_on_batch(lr, hr, return_dict=True)
    best = report["loss"] - report["mse"] - 0.5 * report["kl"]
    assert best == pytest.approx(np.mean(np.min(errors, axis=0)), rel=1e-4)


def test_the_most_probable_answer_is_held_to_the_truth_as_much_as_it_weighs():
    model = small(kl_weight=0.5, answer_weight=2.0)
    lr, hr = pairs()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    error = np.mean((numpy((model.signed(lr, model.encode(lr).mean) + 1.0) / 2.0) - hr) ** 2)
    report = model.train_on_batch(lr, hr, return_dict=True)
    assert report["loss"] - report["mse"] - 0.5 * report["kl"] == pytest.approx(2.0 * error, rel=1e-4)
    assert VarSR.from_config(model.get_config()).answer_weight == 2.0


def test_the_best_of_many_draws_teaches_the_encoder_of_small_images():
    model = small(kl_weight=0.0, draws=2)
    before = [numpy(weight) for weight in model.lr_encoder.weights]
    model.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    model.train_on_batch(*pairs())
    assert all(np.any(old != numpy(new)) for old, new in zip(before[-4:], model.lr_encoder.weights[-4:]))


def features(images):
    return [images, ops.mean(images, axis=(1, 2))]


def test_phase_2_reports_the_critics_verdict_and_the_features_errors():
    model = small(**CRITIC, adversarial_weight=0.1, perceptual_weight=0.2)
    lr, hr = pairs()
    *_, log_variance = [layer for layer in model.hr_encoder.layers if isinstance(layer, layers.Dense)]
    log_variance.bias.assign(np.full(6, -40))  # the critic sees the very output that the generator is judged by
    model.phase = 2
    model.compile(keras.optimizers.SGD(0.0), features=features, run_eagerly=True)
    error = numpy(model.signed(lr, model.encode_hr(hr).mean) + 1) / 2 - hr
    report = model.train_on_batch(lr, hr, return_dict=True)
    assert report["mse"] == pytest.approx(np.mean(error**2), rel=1e-4)
    parts = report["mse"] + 0.01 * report["kl"] + 0.1 * report["adversarial"] + 0.2 * report["perceptual"]
    assert report["loss"] == pytest.approx(parts, rel=1e-5)
    assert report["perceptual"] > report["mse"]  # the first feature is the image itself
    real = float(ops.mean(model.critic(2 * hr - 1)))
    assert report["critic"] == pytest.approx(-report["adversarial"] - real, abs=1e-4)


def test_a_critic_of_samples_judges_what_the_small_face_alone_tells_and_it_is_held_to_the_small_face(monkeypatch):
    model = small(**CRITIC, objective="paired", judges_samples=True, consistency_weight=0.3, adversarial_weight=0.1)
    turns = []
    lr, hr = pairs()
    model.phase = 2
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    shown = numpy(model.judged_answer(lr, hr, turn=0))
    with monkeypatch.context() as patch:
        patch.setattr(model, "fidelity", lambda lr, hr, turn: turns.append(turn) or type(model).fidelity(model, lr, hr, turn))
        report = model.train_on_batch(lr, hr, return_dict=True)
    assert turns == [0], "the critic's step computes no other answer"
    scores = [numpy(model.critic(images)).astype(float) for images in (2 * hr - 1, shown)]
    assert report["adversarial"] == pytest.approx(np.log1p(np.exp(scores[0] - scores[1])).mean(), rel=1e-4)
    reduced = numpy(BicubicReduction(4)((shown + 1) / 2))
    assert report["consistency"] == pytest.approx(np.mean((reduced - lr) ** 2), rel=1e-4)
    parts = report["mse"] + 0.01 * report["kl"] + 0.1 * report["adversarial"] + 0.3 * report["consistency"]
    assert report["loss"] == pytest.approx(parts, rel=1e-5)
    assert report["penalty"] > 0 and not np.array_equal(shown, numpy(model.judged_answer(lr, hr, turn=1)))


def test_a_temperature_widens_what_is_sampled_and_changes_nothing_that_is_learnt():
    model, wide, (lr, hr) = small(), small(temperature=1.5), pairs()
    wide.set_weights(model.get_weights())
    assert numpy(wide.encode(lr).stddev) == pytest.approx(1.5 * numpy(model.encode(lr).stddev))
    assert numpy(wide(lr)) == pytest.approx(numpy(model(lr)), abs=1e-6)
    for network in (model, wide):
        network.compile("adam")  # whose steps the seed counts
    learnt = [[float(value) for value in network.fidelity(lr, 2 * hr - 1, turn=0)[1:]] for network in (model, wide)]
    assert learnt[0] == pytest.approx(learnt[1])
    with pytest.raises(CallError, match="temperature must be a number above 0, not 0.0"):
        small(temperature=0.0)


@pytest.mark.parametrize(
    "phase, critic_steps, keeps_latent",
    [(1, 1, False), (1, 1, True), (2, 1, False), (2, 1, True), pytest.param(2, 3, False, marks=pytest.mark.slow)],
)
def test_a_phase_changes_its_own_parts_alone(phase, critic_steps, keeps_latent):
    model = small(**CRITIC, critic_steps=critic_steps, keeps_latent=keeps_latent)
    lr, hr = pairs()
    model.phase = phase
    model.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    parts = ("generator", "lr_encoder", "hr_encoder", "critic")
    before = {part: [v.numpy() for v in getattr(model, part).variables] for part in parts}
    model.train_on_batch(lr, hr)
    changed = {
        part: any(np.any(v.numpy() != old) for v, old in zip(getattr(model, part).variables, values))
        for part, values in before.items()
    }
    learns = not (keeps_latent and phase == 2)
    assert changed == {"generator": True, "lr_encoder": learns, "hr_encoder": learns, "critic": phase == 2}
    if phase == 2:
        assert int(model.critic_optimizer.iterations.numpy()) == critic_steps
        assert int(model.optimizer.iterations.numpy()) == 1


def test_a_critic_learns_by_an_optimiser_like_one_of_several():
    each = keras.optimizers.OptimizerMap(keras.optimizers.Adam(1e-3), {".*bias": keras.optimizers.SGD(1e-3)})
    model = small(**CRITIC)
    model.phase = 2
    model.compile(keras.optimizers.MultiOptimizer(each), run_eagerly=True)
    assert isinstance(model.critic_optimizer, keras.optimizers.MultiOptimizer)
    before = [v.numpy() for v in model.critic.trainable_variables]
    model.train_on_batch(*pairs())
    assert any(np.any(v.numpy() != old) for v, old in zip(model.critic.trainable_variables, before))


@pytest.mark.slow
def test_a_critic_learns_to_tell_made_faces_from_true_ones():
    model = small(**CRITIC, critic_steps=5)
    lr, hr = pairs()
    model.phase = 2
    model.compile(keras.optimizers.SGD(0.0), critic_optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    verdicts = [model.train_on_batch(lr, hr, return_dict=True)["critic"] for _ in range(15)]
    assert verdicts[-1] < verdicts[0] - 0.1


@pytest.mark.slow
def test_training_lowers_the_error_and_the_true_faces_latent_helps():
    model = small(latent_dim=16, channels=16, kl_weight=1e-4)
    lr, hr = pairs()
    hr = np.clip(lr.repeat(4, 1).repeat(4, 2) + np.array([-0.4, -0.2, 0.2, 0.4], "float32").reshape(4, 1, 1, 1), 0, 1)
    lr[:] = lr[:1]  # one small face, four large ones
    model.compile(keras.optimizers.Adam(2e-3), jit_compile=False)
    first, *_, last = [model.train_on_batch(lr, hr, return_dict=True)["mse"] for _ in range(60)]
    assert last < 0.5 * first
    error = lambda sr: float(np.mean((numpy(sr) - hr) ** 2))  # noqa: E731
    assert error(model.transfer(lr, hr)) < 0.8 * error(model(lr))


def test_a_summary_counts_the_critic():
    model, lines = small(**CRITIC), []
    model.build()
    model.summary(print_fn=lines.append)
    (total,) = re.findall(r"Total params: ([\d,]+)", "\n".join(lines))
    assert int(total.replace(",", "")) == model.count_params()


def test_weights_of_phase_2_load_where_no_critic_is(tmp_path):
    lr, _ = pairs()
    without, judged = small(), small(**CRITIC, seed=1)
    judged.save_weights(tmp_path / "judged.weights.h5")
    without.load_weights(tmp_path / "judged.weights.h5")
    np.testing.assert_array_equal(numpy(without(lr)), numpy(judged(lr)))


@pytest.mark.parametrize("wrong", [{"scale": 6}, {"scale": 1}])
def test_what_the_constructor_cannot_build_is_refused(wrong):
    with pytest.raises(ValueError, match=f"scale is {wrong['scale']}"):
        VarSR(**wrong)


def test_phases_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="phase is 3"):
        small().phase = 3
    with pytest.raises(ValueError, match=r"VarSR\(critic=True\)"):
        small().phase = 2


@pytest.mark.parametrize("moments", [1, 2])
def test_mrgan_holds_the_moments_of_its_answers_to_the_truth(moments):
    keras.utils.set_random_seed(0)
    model = MRGAN(**SMALL, moments=moments, answers=3)
    model.build((None, None, None, 3))
    lr, hr = pairs()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    draws = [reparameterised_sample(model.encode(lr), model.step_seed(0, 2 + k)) for k in range(3)]
    answers = (1 + np.stack([numpy(model.signed(lr, z)) for z in draws])) / 2
    error = (hr - answers.mean(0)) ** 2
    if moments == 2:
        variance = answers.var(0) + 2.5e-5
        error = 0.5 * (error / variance + np.log(variance))
    report = model.train_on_batch(lr, hr, return_dict=True)
    assert report["loss"] == report["reconstruction"] == pytest.approx(error.mean(), rel=1e-4)
    with pytest.raises(ValueError, match="moments is 3"):
        MRGAN(moments=3)
