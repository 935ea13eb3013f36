"""Attention and adaptive normalisation against plain NumPy."""

import keras
import numpy as np
import pytest

from keras_facesr.layers.attention import GlobalAttention, LocalAttention, SpatialAttention
from keras_facesr.layers.normalization import AdaIN

RNG = np.random.default_rng(0)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor).astype(np.float64)


def matrix(convolution):
    return numpy(convolution.kernel)[0, 0]


def test_spatial_attention_is_a_gate_that_is_found_at_a_quarter_of_the_size():
    keras.utils.set_random_seed(0)
    layer, x = SpatialAttention(8), RNG.normal(size=(1, 8, 12, 8)).astype("float32")
    layer.build(x.shape)
    narrow = x.astype(np.float64) @ matrix(layer.squeeze)
    small = narrow.reshape(1, 2, 4, 3, 4, 2).mean(axis=(2, 4))
    far = numpy(layer.surroundings(small.astype("float32"))).repeat(4, axis=1).repeat(4, axis=2)
    rows, columns = ([slice(max(k - 2, 0), k + 3) for k in range(size)] for size in (8, 12))  # what lies inside the picture
    far = np.array([[far[0, row, column].mean(axis=(0, 1)) for column in columns] for row in rows])[None]
    gate = 1 / (1 + np.exp(-((narrow + far) @ matrix(layer.expand))))
    np.testing.assert_allclose(numpy(layer(x)), x * gate, atol=1e-5)
    assert layer(x[:, :7, :10]).shape == (1, 7, 10, 8), "sizes that are no multiples of four"


def test_global_attention_is_a_weighted_sum_over_all_places():
    keras.utils.set_random_seed(0)
    layer, x = GlobalAttention(reduction=4), RNG.normal(size=(2, 3, 5, 8)).astype("float32")
    layer.build(x.shape)
    np.testing.assert_array_equal(numpy(layer(x)), x)  # lambda starts at 0
    layer.strength.assign(0.7)
    expected = x.astype(np.float64)
    for image, out in zip(x.astype(np.float64), expected):
        places = image.reshape(-1, 8)
        f, g, h = (places @ matrix(part) for part in (layer.f, layer.g, layer.h))
        for j in range(len(places)):
            weights = np.exp([f[i] @ g[j] for i in range(len(places))])
            o = (weights / weights.sum()) @ h @ matrix(layer.v)
            out[j // 5, j % 5] += 0.7 * o
    np.testing.assert_allclose(numpy(layer(x)), expected, atol=1e-5)


@pytest.mark.parametrize("few_places", [0, 20], ids=["shifts", "all places"])
def test_local_attention_is_a_weighted_sum_over_the_window_inside_the_picture(few_places, monkeypatch):
    monkeypatch.setattr(LocalAttention, "FEW_PLACES", few_places)
    keras.utils.set_random_seed(0)
    layer, x = LocalAttention(window=3, group=4), RNG.normal(size=(2, 4, 5, 8)).astype("float32")
    layer.build(x.shape)
    np.testing.assert_array_equal(numpy(layer(x)), x)
    layer.strength.assign(0.7)
    query, key, value = (x.astype(np.float64) @ matrix(part) for part in (layer.query, layer.key, layer.value))
    expected = x.astype(np.float64)
    for n, row, column, channel in np.ndindex(2, 4, 5, 8):
        near = [(r, c) for r in range(row - 1, row + 2) for c in range(column - 1, column + 2) if 0 <= r < 4 and 0 <= c < 5]
        group = channel // 4
        weights = np.exp([-((query[n, row, column, group] - key[n, r, c, group]) ** 2) for r, c in near])
        values = [value[n, r, c, channel] for r, c in near]
        expected[n, row, column, channel] += 0.7 * (weights / weights.sum()) @ values
    np.testing.assert_allclose(numpy(layer(x)), expected, atol=1e-5)


def test_local_attention_refuses_what_it_cannot_divide():
    with pytest.raises(ValueError, match="9 channels in groups of 8"):
        LocalAttention().build((None, 4, 4, 9))


def test_adain_gives_the_styles_exact_mean_and_deviation():
    keras.utils.set_random_seed(0)
    layer, x, style = (
        AdaIN(),
        (5 * RNG.normal(size=(3, 8, 8, 4)) + 2).astype("float32"),
        RNG.normal(size=(3, 6)).astype("float32"),
    )
    out = numpy(layer(x, style))
    scale, shift = np.split(style @ numpy(layer.affine.kernel) + numpy(layer.affine.bias), 2, axis=1)
    np.testing.assert_allclose(out.mean(axis=(1, 2)), shift, atol=1e-5)
    np.testing.assert_allclose(out.std(axis=(1, 2)), np.abs(1 + scale), rtol=1e-4)
