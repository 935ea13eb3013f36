"""styleVAE and SSRVAE against their paper's equations and closed forms."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_facesr.data.degrade import degrade
from keras_facesr.errors import CallError, ImageError
from keras_facesr.inference import upscale
from keras_facesr.models.ssrvae import SSRVAE
from keras_facesr.models.stylevae import COLOURS, SCALES, StyleVAE, appearance, bands, content_error
from keras_facesr.objectives.gaussian import standard_normal
from keras_facesr.objectives.mutual_information import corrected_bound, donsker_varadhan, moved_average, neighbours

RNG = np.random.default_rng(0)
SMALL = {"lr_size": 8, "style_dim": 5, "channels": 8, "encoder_blocks": 2, "generator_blocks": 1}


def small(**changes):
    keras.utils.set_random_seed(0)
    model = StyleVAE(**{**SMALL, **changes})
    model.build()
    return model


def keep(model, *gains):
    """Make the generator begin with so much of the reduced face at each scale, the finest first, to paint a change of."""
    (kept,) = (layer for layer in model.generator.layers if getattr(layer, "units", None) == 3 * (SCALES + 1))
    kept.bias.assign(np.repeat(gains, 3))


def faces(n=4):
    return RNG.random((n, 8, 8, 3), "float32"), RNG.random((n, 32, 32, 3), "float32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_the_bound_and_its_average_in_closed_form():
    joint, marginal = (RNG.normal(size=7).astype("float32") for _ in range(2))
    mean_exp, two = np.exp(marginal).mean(), np.float32(np.log(2))
    assert float(donsker_varadhan(joint, marginal)) == pytest.approx(joint.mean() - np.log(mean_exp), abs=1e-6)
    moved = float(moved_average(two, marginal, momentum=0.9))
    assert moved == pytest.approx(np.log(0.9 * 2 + 0.1 * mean_exp), abs=1e-6)
    assert float(corrected_bound(joint, marginal, two)) == pytest.approx(joint.mean() - mean_exp / 2, abs=1e-6)


def test_the_mutual_information_of_correlated_gaussians_is_found():
    keras.utils.set_random_seed(0)
    correlation = 0.8
    closed_form = -0.5 * np.log(1 - correlation**2)
    statistics = keras.Sequential([layers.Dense(48, activation="relu"), layers.Dense(48, activation="relu"), layers.Dense(1)])

    def draw(n):
        x, noise = RNG.normal(size=(2, n, 1))
        return x.astype("float32"), (correlation * x + np.sqrt(1 - correlation**2) * noise).astype("float32")

    class Estimator(keras.Model):
        """Climbs the corrected bound, as StyleVAE does."""

        def __init__(self):
            super().__init__()
            self.statistics, self.log_average = statistics, self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, pair):
            x, y = pair
            return [self.statistics(ops.concatenate([x, b], axis=-1))[:, 0] for b in (y, neighbours(y))]

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            joint, marginal = y_pred
            average = moved_average(self.log_average, marginal)
            self.log_average.assign(average)
            return -corrected_bound(joint, marginal, average)

    estimator = Estimator()
    estimator.compile(keras.optimizers.Adam(2e-3), jit_compile=False)
    x, y = draw(512 * 600)
    estimator.fit([x, y], np.zeros(len(x)), batch_size=512, epochs=1, shuffle=False, verbose=0)
    found = float(donsker_varadhan(*estimator(list(map(ops.convert_to_tensor, draw(50_000))))))
    assert found == pytest.approx(closed_form, abs=0.1)


@pytest.mark.parametrize("adain", [True, False])
def test_styles_come_from_chance_from_faces_and_by_hand(adain):
    model = small(adain=adain)
    real, clean = faces()
    by_chance = numpy(model.degrade(clean, seed=1))
    assert by_chance.shape == (4, 8, 8, 3) and by_chance.min() >= 0 and by_chance.max() <= 1
    np.testing.assert_array_equal(numpy(model.degrade(clean, seed=1)), by_chance)
    assert np.abs(numpy(model.degrade(clean, seed=2)) - by_chance).max() > 0
    like_real = numpy(model.degrade(clean, style=real))
    np.testing.assert_array_equal(numpy(model.degrade(clean, style=model.encode(real).mean)), like_real)
    np.testing.assert_array_equal(numpy(model.degrade(clean, style=np.zeros((1, 5), "float32"))), numpy(model(clean)))
    assert model.degrade(clean, style=real[:1]).shape == (4, 8, 8, 3)
    np.testing.assert_array_equal(numpy(model.degrade(clean, style=[[0.0] * 5])), numpy(model(clean)))
    np.testing.assert_array_equal(numpy(model.degrade(clean, seed=np.int64(1))), by_chance)


def test_styles_seeds_and_faces_that_do_not_fit_are_refused_in_a_line():
    model, real, clean = small(), np.zeros((4, 8, 8, 3), "float32"), np.zeros((4, 32, 32, 3), "float32")
    for style in (real[:2], np.zeros((2, 5), "float32"), np.zeros((4, 6), "float32")):
        with pytest.raises(CallError, match=r"^styles have the shape \(\d, \d\): give one or 4 of 5 numbers$"):
            model.degrade(clean, style)
    with pytest.raises(ImageError, match="^lr has the shape"):
        model.degrade(clean, "gray")
    with pytest.raises(CallError, match="^seed must be a whole number, not 1.5$"):
        model.degrade(clean, seed=1.5)
    with pytest.raises(ImageError, match=r"^hr has the shape \(4, 30, 32, 3\): give sides that are multiples of 4$"):
        model.degrade(clean[:, :30])


def test_styles_by_chance_have_the_mean_and_covariance_that_were_found(monkeypatch):
    model = small()
    root = RNG.normal(size=(5, 5)).astype("float32")
    model.mean_style.assign([1.0, -2.0, 0.0, 0.5, 3.0])
    model.style_covariance.assign(root @ root.T)
    monkeypatch.setattr(model, "_painted", lambda hr, style: style)
    styles = numpy(model.degrade(np.zeros((100_000, 1, 1, 3), "float32"), seed=0))
    np.testing.assert_allclose(styles.mean(axis=0), numpy(model.mean_style), atol=0.05)
    np.testing.assert_allclose(np.cov(styles.T), root @ root.T, atol=0.2)


def test_a_step_moves_the_mean_and_covariance_of_styles():
    model = small()
    model.compile("sgd", run_eagerly=True)
    before = np.array([1.0, -2.0, 0.0, 0.5, 3.0], "float32")
    model.mean_style.assign(before)
    real, clean = faces()
    noise = numpy(standard_normal((4, 5), (0, 0)))
    posterior = model.encode(real)
    styles = numpy(posterior.mean) + np.exp(numpy(posterior.log_variance) / 2) * noise
    model.train_on_batch(real, clean)
    np.testing.assert_allclose(numpy(model.mean_style), 0.99 * before + 0.01 * styles.mean(axis=0), atol=1e-6)
    covariance = (styles - before).T @ (styles - before) / 4
    np.testing.assert_allclose(numpy(model.style_covariance), 0.99 * np.eye(5) + 0.01 * covariance, atol=1e-6)


@pytest.mark.parametrize("information_weight", [0.0, 0.5])
def test_the_objective_is_reported_in_its_parts(information_weight):
    model = small(information_weight=information_weight, kl_weight=0.3, content_weight=2.0, appearance_weight=0.1)
    real, clean = faces()
    posterior = model.encode(real)
    mean, variance = numpy(posterior.mean), np.exp(numpy(posterior.log_variance))
    kl = 0.5 * np.mean(mean**2 + variance - 1 - np.log(variance))
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    report = model.train_on_batch(real, clean, return_dict=True)
    assert report["kl"] == pytest.approx(kl, rel=1e-3, abs=1e-6)
    assert 1e-3 < report["content"] < 10
    if not information_weight:
        assert report["information"] == 0
        assert report["loss"] == pytest.approx(
            0.3 * report["kl"] + 2 * report["content"] + 0.1 * report["appearance"], rel=1e-5
        )
    else:
        assert float(model.log_average) != 0


def box_mean(images, reach):
    """Means of the pixels up to ``reach`` away, of as many as there are."""
    means = np.empty_like(images)
    for row, column in np.ndindex(images.shape[1:3]):
        around = images[:, max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
        means[:, row, column] = around.mean(axis=(1, 2))
    return means


def test_appearance_knows_brightness_colours_and_detail_at_each_scale_and_nothing_else():
    images = 0.3 * RNG.normal(size=(2, 16, 16, 3)).astype("float32")
    numbers = numpy(appearance(images))
    assert numbers.shape == (2, 12)
    red, green, blue = np.moveaxis(images.astype("float64"), -1, 0)
    colours = np.stack([(red + green + blue) / 3**0.5, (red - blue) / 2**0.5, (red - 2 * green + blue) / 6**0.5], axis=-1)
    np.testing.assert_allclose(numbers[:, :3], 3 * colours.mean(axis=(1, 2)), rtol=1e-4, atol=1e-5)
    detail = colours - box_mean(colours, 1)
    energy = 0.75 * np.log((detail**2).mean(axis=(1, 2)) + 1e-4)
    np.testing.assert_allclose(numbers[:, 3:6], energy, rtol=1e-4)
    np.testing.assert_allclose(numpy(appearance(images[:, ::-1, ::-1])), numbers, atol=1e-5)
    redder = numpy(appearance(images + np.array([0.1, 0, 0], "float32"))) - numbers
    np.testing.assert_allclose(redder, [[0.3 / 3**0.5, 0.3 / 2**0.5, 0.3 / 6**0.5] + [0] * 9] * 2, atol=1e-4)
    gray = np.broadcast_to(images.mean(axis=-1, keepdims=True), images.shape)
    faded = numpy(appearance(gray))
    np.testing.assert_allclose(faded[:, [4, 5, 7, 8, 10, 11]], 0.75 * np.log(1e-4), atol=1e-3)
    coarse = RNG.normal(size=(2, 4, 4, 3)).astype("float32").repeat(4, 1).repeat(4, 2)
    finest, _, coarsest = np.split(numpy(appearance(coarse))[:, 3:] - numbers[:, 3:], 3, axis=-1)
    assert coarsest.mean() > finest.mean() + 1


def test_a_face_is_the_sum_of_its_bands():
    face = RNG.normal(size=(2, 16, 16, 3)).astype("float32")
    fine = box_mean(face, 1)
    middle = box_mean(fine, 2)
    coarse = box_mean(middle, 4)
    for part, expected in zip(bands(face), (face - fine, fine - middle, middle - coarse, coarse), strict=True):
        np.testing.assert_allclose(numpy(part), expected, atol=1e-5)


def test_a_style_keeps_each_colour_at_each_scale_to_a_degree_of_its_own():
    model = small()
    sizes = {3: RNG.normal(size=3), 3 * (SCALES + 1): RNG.normal(size=3 * (SCALES + 1))}
    for layer in model.generator.layers:
        if getattr(layer, "units", None) in sizes:
            layer.bias.assign(sizes[layer.units])
    change = [layer for layer in model.generator.layers if isinstance(layer, layers.Conv2D)][-1]
    assert change.filters == 3
    change.kernel.assign(np.zeros(change.kernel.shape))
    reduced = RNG.uniform(-1, 1, size=(2, 8, 8, 3)).astype("float32")
    painted = numpy(model.generator([np.zeros((2, 8, 8, 8), "float32"), reduced, RNG.normal(size=(2, 5)).astype("float32")]))
    gains = sizes[3 * (SCALES + 1)].reshape(-1, 3)
    expected = sum(gain * numpy(part) for gain, part in zip(gains, bands(reduced @ COLOURS))) + sizes[3]
    np.testing.assert_allclose(painted, expected @ COLOURS.T, atol=1e-4)


def test_content_is_what_no_style_may_change():
    reduced, noise = (0.3 * RNG.normal(size=(2, 16, 16, 3)).astype("float32") for _ in range(2))
    np.testing.assert_allclose(COLOURS.T @ COLOURS, np.eye(3), atol=1e-6)

    def error(painted):
        return float(content_error(painted.astype("float32"), reduced))

    def energy(images):
        """Of all bands, without their means."""
        parts = map(numpy, bands(images @ COLOURS))
        return sum(np.mean((part - part.mean(axis=(1, 2), keepdims=True)) ** 2) for part in parts)

    darker_and_faded = (0.4 * reduced @ COLOURS * np.array([1, 0.2, 0.5]) + np.array([-0.5, 0.1, 0.0])) @ COLOURS.T
    assert error(reduced) < 1e-4 and error(darker_and_faded) < 1e-4
    assert error(np.full_like(reduced, 0.3)) < 1e-4  # nothing left: the extreme of blur
    # A blur takes finer details away, and leaves in what each scale keeps a little that is no multiple of it.
    blurred = numpy(ops.average_pool(reduced, 3, 1, "same"))
    assert error(blurred) < 0.1 * np.mean((blurred - reduced) ** 2)
    # Its negative is as wrong as can be; so are details of another face, at each scale.
    assert error(-reduced) == pytest.approx(energy(reduced), rel=1e-4)
    assert error(noise) == pytest.approx(energy(noise), rel=0.1)


def test_blind_content_lets_a_style_blur_and_fade():
    real, clean = RNG.random((2, 4, 8, 8, 3), "float32")
    errors = {}
    for blind in (True, False):
        model = small(information_weight=0.0, blind_content=blind)
        keep(model, 0.1, 0.3, 0.5, 0.6)
        model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        errors[blind] = model.train_on_batch(real, clean.repeat(4, 1).repeat(4, 2), return_dict=True)["content"]
    assert errors[True] < 0.3 * errors[False]


@pytest.mark.slow
def test_what_is_painted_comes_to_look_as_the_real_face_does():
    model = small(information_weight=0.0, appearance_weight=1.0, content_weight=0.1)
    real, clean = faces(8)
    real[::2] = real[::2] * 0.2  # dark, and of little contrast
    model.compile(keras.optimizers.Adam(3e-3), jit_compile=False)
    reports = [model.train_on_batch(real, clean, return_dict=True)["appearance"] for _ in range(120)]
    dark, bright = (numpy(model.degrade(clean, style=real[k : k + 1])).mean() for k in range(2))
    assert reports[-1] < 0.5 * reports[0] and dark < bright - 0.2


@pytest.mark.slow
def test_what_is_painted_keeps_the_content_once_it_has_learnt():
    model = small(information_weight=0.0)
    real, _ = faces(8)
    keep(model, 0, 0, 0, 0)
    clean = RNG.random((8, 4, 4, 3), "float32").repeat(8, 1).repeat(8, 2)
    model.compile(keras.optimizers.Adam(2e-3), jit_compile=False)
    first, *_, last = [model.train_on_batch(real, clean, return_dict=True)["content"] for _ in range(60)]
    assert last < 0.4 * first
    reduced = degrade((clean * 255).round().astype(np.uint8), 4) / 255
    assert np.corrcoef(numpy(model.degrade(clean, style=real)).ravel(), reduced.ravel())[0, 1] > 0.5


@pytest.mark.slow
def test_painted_faces_have_a_brightness_of_their_own():
    model = small(information_weight=0.0)
    real, _ = faces(8)
    keep(model, 0, 0, 0, 0)
    grays = np.linspace(0.1, 0.9, 8, dtype="float32")[:, None, None, None]
    clean = np.broadcast_to(grays, (8, 32, 32, 3))
    model.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
    for _ in range(60):
        model.train_on_batch(real, clean)
    painted = numpy(model.degrade(clean, style=real[:1])).mean(axis=(1, 2, 3))  # all in one style
    assert np.corrcoef(painted, grays.ravel())[0, 1] > 0.9 and np.ptp(painted) > 0.4


def test_the_default_sr_network_has_8_blocks_of_each_kind():
    model = SSRVAE()
    assert [block.attention for block in model.body.layers] == ["global"] * 8 + ["local"] * 8
    assert all(block.channels == 64 for block in model.body.layers)
    plain = SSRVAE(global_attention=False, local_attention=False)
    assert [block.attention for block in plain.body.layers] == [None] * 16


def test_pictures_beyond_what_global_attention_takes_are_cut_into_tiles():
    keras.utils.set_random_seed(0)
    model = SSRVAE(channels=8, global_blocks=1, local_blocks=1)
    model.build()
    done = []
    sr = upscale(model, RNG.integers(0, 256, (70, 40, 3), np.uint8), on_tile=lambda *count: done.append(count))
    assert sr.shape == (280, 160, 3) and done[-1] == (2, 2)
