"""The networks that judge enlarged faces and digits: labels, losses against NumPy, and what they promise."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_facesr.data.sets import ImageSet
from keras_facesr.metrics.attributes import ranked_rightly
from keras_facesr.models.digit_classifier import DigitClassifier
from keras_facesr.models.face_features import AGE_WEIGHT, ATTRIBUTES, LABELS, FaceFeatures, labels_of

MALE, AGE = LABELS.index("Male"), LABELS.index("age")


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    network = FaceFeatures(channels=(4, 8), embedding_size=6, dropout=0.0)
    network.build()
    return network


def faces(n=6, side=16):
    return np.random.default_rng(0).random((n, side, side, 3), "float32")


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_labels_of_both_sets_mean_the_same_and_unknown_ones_are_nan():
    files = (Path("a.jpg"), Path("b.jpg"))
    celeba = {name: np.array([True, False]) for name in ATTRIBUTES}
    found = labels_of(ImageSet("celeba", Path(), files, celeba))
    assert found.shape == (2, 41) and found[0, MALE] == 1 and found[1, MALE] == 0 and np.isnan(found[:, AGE]).all()
    utkface = {"age": np.array([33, -1]), "gender": np.array([0, 1]), "race": np.array([0, 0])}
    found = labels_of(ImageSet("utkface", Path(), files, utkface))
    assert found[0, MALE] == 1 and found[1, MALE] == 0  # 0 is male there
    assert found[0, AGE] == pytest.approx(0.33) and np.isnan(found[1, AGE])
    assert np.isfinite(found).sum() == 3
    unknown = labels_of(ImageSet("utkface", Path(), files, {"age": np.array([1, 2]), "gender": np.array([-1, -1])}))
    assert np.isnan(unknown[:, MALE]).all()


def test_answers_embeddings_and_maps_have_their_shapes_at_any_size(network):
    for side in (16, 20):
        images = faces(side=side)
        assert network(images).shape == (6, 41)
        assert [tuple(features.shape) for features in network.maps(images)] == [
            (6, side, side, 4),
            (6, side // 2, side // 2, 8),
        ]
        np.testing.assert_allclose(np.linalg.norm(numpy(network.embedding(images)), axis=1), 1, rtol=1e-5)


def test_the_loss_is_cross_entropy_and_squared_error_over_what_is_known(network):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, (6, 41)).astype("float32")
    labels[:, AGE] = rng.random(6)
    labels[0, :AGE] = np.nan
    labels[1:3, AGE] = np.nan
    answers = rng.normal(size=(6, 41)).astype("float32")
    probability = 1 / (1 + np.exp(-answers[1:, :AGE].astype(float)))
    entropy = -np.where(labels[1:, :AGE] > 0, np.log(probability), np.log(1 - probability)).mean()
    error = (answers - labels)[[0, 3, 4, 5], AGE]
    loss, attributes, age = (float(value) for value in network._objective(answers, keras.ops.convert_to_tensor(labels)))
    assert attributes == pytest.approx(entropy, rel=1e-5) and age == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert loss == pytest.approx(entropy + AGE_WEIGHT * np.mean(error**2), rel=1e-5)


def test_it_learns_what_it_is_shown(network):
    images = faces()
    labels = np.full((6, 41), np.nan, "float32")
    images[:3] *= 0.3
    labels[:3, MALE], labels[3:, MALE] = 1, 0
    network.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    losses = [network.train_on_batch(images, labels, return_dict=True)["loss"] for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0] and np.isfinite(losses).all()


def test_attributes_are_ranked_rightly_as_often_as_pairs_of_faces_say():
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=(40, 4)), rng.integers(0, 2, (40, 4)).astype(float)
    truth[:, 3], truth[5:9, 1], scores[:20, 2] = 1, np.nan, scores[20:, 2]  # all have it; some unknown; some alike
    found = ranked_rightly(scores, truth)
    for k in range(3):
        pairs = [(a, b) for a in scores[truth[:, k] == 1, k] for b in scores[truth[:, k] == 0, k]]
        assert found[k] == pytest.approx(np.mean([1.0 if a > b else 0.5 * (a == b) for a, b in pairs]))
    assert np.isnan(found[3])


def test_a_digit_classifier_learns_shapes_of_any_size():
    keras.utils.set_random_seed(0)
    network = DigitClassifier(channels=(4, 8))
    network.build()
    images = np.zeros((8, 16, 8, 3), "float32")
    images[:4, 2:14, 3:5] = 1.0  # strokes down the middle are ones,
    images[4:, 2:4] = images[4:, :8, 6:] = 1.0  # a bar and a stroke are sevens
    images += np.random.default_rng(0).normal(0, 0.1, images.shape).astype("float32")
    labels = np.repeat([1, 7], 4)
    network.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", jit_compile=False)
    for _ in range(20):
        network.train_on_batch(images, labels)
    assert np.argmax(numpy(network(images, training=True)), axis=-1).tolist() == labels.tolist()
    assert network(np.zeros((2, 24, 24, 3), "float32")).shape == (2, 10)
