"""Perceptual objectives and distances against closed forms and Keras' own preprocessing."""

import tracemalloc
from itertools import combinations

import keras
import numpy as np
import pytest
from keras import ops
from scipy.linalg import sqrtm

from keras_facesr import backend
from keras_facesr.errors import FacesrError
from keras_facesr.metrics.perceptual import (
    Gaussian,
    SeenSet,
    feature_distance,
    frechet_distance,
    identity_distance,
    likeness_of_samples,
    look_at,
)
from keras_facesr.objectives.perceptual import feature_error, texture_error, vgg19_features

RNG = np.random.default_rng(0)


def test_the_feature_error_sums_the_mean_squared_errors_of_all_maps():
    true, made = (RNG.random((2, 4, 4, 3), "float32") for _ in range(2))
    features = lambda images: [2.0 * images, ops.mean(images, axis=(1, 2))]  # noqa: E731
    expected = np.mean((2 * true - 2 * made) ** 2) + np.mean((true.mean((1, 2)) - made.mean((1, 2))) ** 2)
    assert float(feature_error(features, true, made)) == pytest.approx(expected, rel=1e-5)
    assert float(feature_error(lambda images: images, true, made)) == pytest.approx(np.mean((true - made) ** 2), rel=1e-5)


def test_the_feature_error_moves_what_is_made_and_not_what_is_true():
    true, made = (keras.Variable(RNG.random((1, 2, 2, 3), "float32")) for _ in range(2))
    loss = lambda: (feature_error(lambda images: images, ops.convert_to_tensor(true), ops.convert_to_tensor(made)),)  # noqa: E731
    _, (gradient,) = backend.gradients(loss, [made])
    expected = 2 * (made.numpy() - true.numpy()) / 12
    np.testing.assert_allclose(keras.ops.convert_to_numpy(gradient), expected, rtol=1e-5)


def test_the_texture_error_is_that_of_gram_matrices_of_whole_patches():
    true, made = (RNG.random((2, 5, 9, 3), "float32") for _ in range(2))

    def gram(maps, row, column):
        patch = maps[row : row + 4, column : column + 4].reshape(16, 3)
        return patch.T @ patch

    places = [(image, 0, column) for image in range(2) for column in (0, 4)]  # a row and a column are left over
    errors = [np.sum((gram(true[k], *place) - gram(made[k], *place)) ** 2) for k, *place in places]
    assert float(texture_error(true, made, 4)) == pytest.approx(np.mean(errors), rel=1e-4)
    shuffled = true.reshape(2, 45, 3)[:, RNG.permutation(45)].reshape(true.shape)
    assert float(texture_error(true, shuffled, 5)) > 0 and float(texture_error(true, true[:, ::-1, ::-1], 5)) > 0
    turned = true[:, :4, :4]
    assert float(texture_error(turned, turned[:, ::-1, ::-1], 4)) == pytest.approx(0, abs=1e-6)  # a texture has no places


def test_vgg_sees_what_keras_prepares_for_it(monkeypatch):
    keras.utils.set_random_seed(0)
    network = keras.applications.VGG19(include_top=False, weights=None)
    monkeypatch.setattr(keras.applications, "VGG19", lambda **kwargs: network)
    images = RNG.random((1, 32, 32, 3), "float32")
    inside = keras.Model(network.input, network.get_layer("block2_conv2").output)
    expected = inside(keras.applications.vgg19.preprocess_input(255 * images.copy())) / 12.75
    found = vgg19_features("block2_conv2")(images)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), keras.ops.convert_to_numpy(expected), rtol=1e-3, atol=1e-4)
    coarse, again = vgg19_features("block3_pool", "block2_conv2")(images)
    assert coarse.shape == (1, 4, 4, 256)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again), keras.ops.convert_to_numpy(found))


def test_vgg_without_its_weights_says_where_to_put_them(monkeypatch):
    def fetch(**kwargs):
        raise OSError("URL fetch failure\nno network")

    monkeypatch.setattr(keras.applications, "VGG19", fetch)
    with pytest.raises(FacesrError, match=r"URL fetch failure no network.*\.keras/models") as caught:
        vgg19_features()
    assert "\n" not in str(caught.value)


def test_the_feature_distance_is_that_of_directions():
    a = RNG.normal(size=(3, 4, 4, 5))
    assert feature_distance([a], [3 * a]) == pytest.approx(0, abs=1e-12)
    assert feature_distance([a], [-a]) == pytest.approx(np.full(3, 4.0))
    right = np.zeros((1, 1, 1, 2)), np.zeros((1, 1, 1, 2))
    right[0][..., 0] = right[1][..., 1] = 7.0
    assert feature_distance([right[0]], [right[1]]) == pytest.approx([2.0])
    assert feature_distance([a, a], [a, -a]) == pytest.approx(np.full(3, 2.0))  # the mean over maps


def test_the_identity_distance_grows_with_the_angle():
    angle = np.array([0.0, np.pi / 2, np.pi])
    turned = 5 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    assert identity_distance(np.tile([2.0, 0.0], (3, 1)), turned) == pytest.approx([0, 2, 4], abs=1e-12)


def test_the_frechet_distance_of_gaussians_in_closed_form():
    """Sets made to have exactly the means and covariances that the formula is then evaluated for by hand."""
    shape = RNG.normal(size=(500, 3))
    white = shape - shape.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white, rowvar=False))).T
    a = white * [1.0, 2.0, 3.0]
    b = white * [2.0, 2.0, 0.5] + [1.0, 0.0, -2.0]
    expected = (1 + 4) + (2 - 1) ** 2 + 0 + (3 - 0.5) ** 2  # for diagonal covariances the root's trace is in closed form
    distance = lambda *sets: frechet_distance(*(Gaussian().add(vectors) for vectors in sets))  # noqa: E731
    assert distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert distance(a, a) == pytest.approx(0, abs=1e-5)
    turned = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    assert distance(a @ turned, b @ turned) == pytest.approx(expected, rel=1e-6)
    a, b = (np.pad(each, ((0, 0), (0, 2)), constant_values=1.0) for each in (a, b))  # units that never move
    assert distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_sets_that_come_in_batches_have_the_distance_of_all_their_vectors():
    a, b = RNG.normal(size=(57, 6)) @ RNG.normal(size=(6, 6)) + 1000, RNG.normal(size=(40, 6)) + 1001
    seen_a, seen_b = SeenSet(), SeenSet()
    for seen, vectors in ((seen_a, a), (seen_b, b)):
        for batch in np.split(vectors, [1, 17, 33]):
            seen.add({"figure": batch})
    np.testing.assert_allclose(seen_a.gaussians["figure"].covariance, np.cov(a, rowvar=False), rtol=1e-9)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(cov_a + cov_b - 2 * sqrtm(cov_a @ cov_b).real)
    assert seen_a.distances(seen_b) == {"figure": pytest.approx(expected, rel=1e-8)}
    alone = SeenSet().add({"figure": a[:1]})
    assert alone.distances(SeenSet().add({"figure": b[:1]})) == {}  # one face has no covariance


@pytest.mark.parametrize("n", [1, 2, 40])
def test_the_diversity_of_features_is_the_mean_over_all_pairs_in_the_memory_of_a_few_times_the_samples(n):
    maps, embeddings = [RNG.random((n, side, side, 8), "float32") for side in (32, 16)], RNG.random((n, 4))
    pairs = [feature_distance(*(look_at((maps, embeddings), k)[0] for k in pair)) for pair in combinations(range(n), 2)]
    tracemalloc.start()
    found = likeness_of_samples((maps, embeddings), look_at((maps, embeddings), 0))["features_diversity"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == pytest.approx(np.mean(pairs) if pairs else 0.0, rel=1e-9)
    assert peak < 10 * sum(features.nbytes for features in maps)
