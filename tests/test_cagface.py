"""CAGFace against its paper's table of parameters, and what its stages, maps and phases promise."""

import warnings

import keras
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from keras_facesr.layers.attention import GaussianSmoothing
from keras_facesr.metrics.costs import multiply_adds
from keras_facesr.models.cagface import CAGFace
from keras_facesr.models.component_network import COMPONENTS, ComponentNetwork

SMALL = {
    "features": 8,
    "blocks": 1,
    "component_size": 64,
    "components": {"channels": 8, "context_channels": (4, 4, 8, 8), "context_blocks": (1, 1, 1)},
}


def small(**changes):
    keras.utils.set_random_seed(0)
    model = CAGFace(**{**SMALL, **changes})
    model.build()
    return model


def pairs(n=2, height=8, width=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, height, width, 3), "float32"), rng.random((n, 4 * height, 4 * width, 3), "float32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_the_default_stages_have_the_papers_parameters():
    model = CAGFace()
    model.build()
    totals = [sum(part.count_params() for part in model.stage_parts(stage)) for stage in (1, 2)]
    # Table 1; its second stem has 3 x 3 x 255 x 256 weights, ours 3 x 3 x 256 x 256.
    assert totals == [21_881_859, 38_952_791 + 3 * 3 * 256]


def test_one_stage_does_with_the_first_stages_layers_and_one_more_upsampling():
    one, two = small(stages=1), small()
    count = lambda model: sum(part.count_params() for part in model.stage_parts(1))  # noqa: E731
    upsampling, bridge = 3 * 3 * 8 * 32 + 32, 3 * 3 * 12 * 8 + 8
    assert count(one) == count(two) + upsampling - bridge
    assert one(pairs()[0]).shape == (2, 32, 48, 3)


def test_attention_maps_are_the_gray_picture_where_the_components_are(monkeypatch):
    model, (lr, _) = small(), pairs()
    attention = numpy(model.attention(lr))
    assert attention.shape == lr.shape and 0 <= attention.min() and attention.sum(-1).max() <= 1 + 1e-5
    np.testing.assert_array_equal(numpy(model.prepare(lr)), np.concatenate([lr, attention], axis=-1))
    seen, stem = [], model.stem_1
    monkeypatch.setattr(model, "stem_1", lambda x: seen.append(numpy(x)) or stem(x))
    model(lr)
    gray = lr @ np.array([0.299, 0.587, 0.114], "float32")
    np.testing.assert_allclose((seen[0] + 1) / 2, np.concatenate([lr, gray[..., None] * attention], -1), atol=1e-6)


def test_a_prepared_picture_gives_what_the_picture_gives():
    model, (lr, _) = small(), pairs()
    np.testing.assert_array_equal(numpy(model(model.prepare(lr))), numpy(model(lr)))


def test_the_untrained_network_with_a_skip_is_bicubic_enlargement():
    for stages in (1, 2):
        model, (lr, _) = small(image_skip=True, stages=stages), pairs()
        np.testing.assert_allclose(numpy(model(lr)), np.clip(numpy(model.enlarge_4(lr)), 0, 1), atol=1e-6)


@pytest.mark.parametrize("phase", [1, 2])
def test_a_phase_changes_its_stages_and_no_bit_of_the_others_or_of_the_component_network(phase):
    model, (lr, hr) = small(), pairs()
    first = [part for part in model.stage_parts(1) if part is not model.bridge]
    parts = {"first": first, "second": [model.bridge, *model.stage_parts(2)], "components": [model.components]}
    weights = lambda name: [numpy(weight).copy() for part in parts[name] for weight in part.weights]  # noqa: E731
    before = {name: weights(name) for name in parts}
    model.phase = phase
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    for _ in range(2):
        model.train_on_batch(lr, hr)
    changed = {name: not all(map(np.array_equal, before[name], weights(name))) for name in parts}
    assert changed == {"first": True, "second": phase == 2, "components": False}


def test_the_loss_is_hubers_on_each_stages_image():
    model, (lr, hr) = small(), pairs()
    model.phase = 2
    x2, x4 = (numpy(image) for image in model.images(lr))
    huber = lambda d: np.where(np.abs(d) <= 1, 0.5 * d**2, np.abs(d) - 0.5).mean()  # noqa: E731
    expected = [huber(2 * numpy(model.reduce_2(hr)) - 1 - x2), huber(2 * hr - 1 - x4)]
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    found = model.train_on_batch(lr, hr, return_dict=True)
    assert found["huber_x2"] == pytest.approx(expected[0], rel=1e-4)
    assert found["huber_x4"] == pytest.approx(expected[1], rel=1e-4)
    assert found["loss"] == pytest.approx(sum(expected), rel=1e-4)


LIGHT = {"block": "attentive", "tail": "shuffle"}


@pytest.mark.slow
@pytest.mark.parametrize("config", [{"stages": 1}, {"stages": 2}, {"stages": 1, **LIGHT}, {"stages": 2, **LIGHT}])
def test_training_on_patches_lowers_the_error(config):
    model, stages = small(image_skip=True, **config), config["stages"]
    hr = np.random.default_rng(0).random((4, 4, 4, 3)).repeat(8, 1).repeat(8, 2).astype("float32")
    block = numpy(model.prepare(hr[:, 2::4, 2::4]))
    losses = []
    for phase in range(1, stages + 1):
        model.phase = phase
        model.compile(keras.optimizers.Adam(3e-3))
        losses.append([model.train_on_batch(block, hr, return_dict=True)["loss"] for _ in range(20)])
    assert all(loss[-1] < 0.8 * loss[0] for loss in losses)


def test_attentive_blocks_and_a_shuffled_tail_cost_less_than_the_papers_and_start_as_bicubic():
    paper, light = (small(features=16, blocks=4, image_skip=True, **changes) for changes in ({}, LIGHT))
    lr = pairs()[0]
    np.testing.assert_allclose(numpy(light(lr)), numpy(paper(lr)), atol=1e-6)
    assert multiply_adds(light, 16, 16, 6) < 0.6 * multiply_adds(paper, 16, 16, 6)


def test_an_unknown_block_is_refused_by_name():
    with pytest.raises(ValueError, match="block='dense'.*residual, attentive"):
        small(block="dense")


def test_the_answer_in_training_has_the_size_of_the_truth_in_both_phases():
    model, (lr, hr) = small(), pairs()
    for phase in (1, 2):
        model.phase = phase
        assert model.validation_answer(lr).shape == hr.shape


def test_a_phase_freezes_again_what_was_unfrozen():
    model = small()
    expected = len(model.trainable_variables)
    model.trainable = True
    model.phase = 1
    assert len(model.trainable_variables) == expected


@pytest.mark.parametrize("wrong", [{"scale": 8}, {"stages": 3}])
def test_what_the_constructor_cannot_build_is_refused(wrong):
    with pytest.raises(ValueError, match="CAGFace enlarges 4 times"):
        CAGFace(**wrong)


@pytest.mark.parametrize("size", [0, 48])
def test_a_size_that_the_component_network_does_not_take_is_refused(size):
    with pytest.raises(ValueError, match=f"^component_size is {size}: the component network takes multiples of 32 pixels$"):
        small(component_size=size)


@pytest.mark.parametrize("block", ["residual", "attentive"])
def test_all_that_learns_in_a_phase_has_a_gradient(block):
    model = small(block=block)
    lr, hr = pairs()
    for phase in (1, 2):
        model.phase = phase
        model.compile("adam", run_eagerly=True)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras warns of what has none
            model.train_on_batch(lr, hr)


def test_a_phase_without_a_stage_is_refused():
    with pytest.raises(ValueError, match="phase is 2"):
        small(stages=1).phase = 2


def test_a_tiled_picture_is_the_whole_one_away_from_borders_and_shows_no_seam():
    model = small(image_skip=True, features=4)
    for weight in model.trainable_variables:
        weight.assign(weight + 0.05 * keras.random.normal(weight.shape, seed=1))
    picture = (pairs(1, 64, 80, seed=3)[0][0] * 255).astype("uint8")
    whole, tiled = (model.upscale(picture, tile=tile).astype(int) for tile in (None, 48))
    assert np.abs(whole - tiled).max() <= 2


def test_the_component_network_gives_logits_of_the_pictures_size_and_probabilities_of_three_components():
    network = ComponentNetwork(**SMALL["components"])
    network.build()
    images = np.random.default_rng(0).random((2, 64, 96, 3), "float32")
    logits, maps = numpy(network(images)), numpy(network.maps(images))
    assert logits.shape == (2, 64, 96, 19) and maps.shape == (2, 64, 96, 3)
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities = odds / odds.sum(-1, keepdims=True)
    for k, classes in enumerate(COMPONENTS.values()):
        np.testing.assert_allclose(maps[..., k], probabilities[..., list(classes)].sum(-1), atol=1e-5)


@pytest.mark.slow
def test_the_component_network_learns_a_mask_by_its_hard_pixels():
    keras.utils.set_random_seed(0)
    network = ComponentNetwork(**SMALL["components"])
    network.build()
    masks = np.zeros((2, 64, 64), "int32")
    masks[:, 16:48, 16:48] = 1
    images = np.where(masks[..., None] == 1, 0.9, 0.1).astype("float32").repeat(3, -1)
    network.compile(keras.optimizers.Adam(1e-2))
    accuracies = [network.train_on_batch(images, masks, return_dict=True)["accuracy"] for _ in range(40)]
    assert accuracies[-1] > 0.9


def test_the_component_network_is_itself_again_after_saving_whole(tmp_path):
    network = ComponentNetwork(**SMALL["components"])
    network.build()
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    images = np.random.default_rng(0).random((1, 64, 64, 3), "float32")
    assert again.get_config() == network.get_config()
    np.testing.assert_array_equal(numpy(again(images)), numpy(network(images)))


def test_smoothing_is_a_normalised_gaussian():
    maps = np.random.default_rng(0).random((2, 20, 30, 3), "float32")
    smooth = lambda image: gaussian_filter(image, (0, 2, 2, 0), mode="constant", radius=6)  # noqa: E731
    expected = smooth(maps) / smooth(np.ones_like(maps))
    np.testing.assert_allclose(numpy(GaussianSmoothing(2.0)(maps)), expected, atol=1e-5)
    np.testing.assert_array_equal(numpy(GaussianSmoothing(0.0)(maps)), maps)


def test_weights_with_auxiliary_heads_load_into_a_network_without(tmp_path):
    trained, bare = (ComponentNetwork(**SMALL["components"], auxiliary_heads=heads) for heads in (True, False))
    trained.build(), bare.build()
    trained.save_weights(tmp_path / "trained.weights.h5")
    bare.load_weights(tmp_path / "trained.weights.h5")
    images = np.random.default_rng(0).random((1, 64, 64, 3), "float32")
    np.testing.assert_array_equal(numpy(bare(images)), numpy(trained(images)))
