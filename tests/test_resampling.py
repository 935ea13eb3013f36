"""Enlargement inside the networks against Pillow, and pixel shuffle against its definition."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_facesr.layers.resampling import BicubicEnlargement, BicubicReduction, NearestEnlargement, PixelShuffle


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
def test_bicubic_enlargement_is_pillows_up_to_its_rounding_borders_included(factor):
    rng = np.random.default_rng(factor)
    plane = rng.uniform(0, 1, (9, 12)).astype("float32")  # mode F: Pillow computes in floating point, unrounded
    expected = np.asarray(Image.fromarray(plane).resize((12 * factor, 9 * factor), Image.Resampling.BICUBIC))
    images = np.stack([plane, 1 - plane, plane / 2], axis=-1)[None]
    enlarged = keras.ops.convert_to_numpy(BicubicEnlargement(factor)(images))[0]
    np.testing.assert_allclose(enlarged[..., 0], expected, atol=2e-6)
    np.testing.assert_allclose(enlarged[..., 1], 1 - expected, atol=2e-6)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_reduction_is_pillows_up_to_its_rounding_borders_included(factor):
    plane = np.random.default_rng(factor).uniform(0, 1, (8 * factor, 10 * factor)).astype("float32")
    expected = np.asarray(Image.fromarray(plane).resize((10, 8), Image.Resampling.BICUBIC))
    reduced = keras.ops.convert_to_numpy(BicubicReduction(factor)(np.stack([plane, 1 - plane], axis=-1)[None]))[0]
    np.testing.assert_allclose(reduced[..., 0], expected, atol=2e-6)
    np.testing.assert_allclose(reduced[..., 1], 1 - expected, atol=2e-6)


def test_pixel_shuffle_lays_channels_out_row_by_row():
    x = np.arange(2 * 3 * 4 * 12, dtype="float32").reshape(2, 3, 4, 12)
    shuffled = keras.ops.convert_to_numpy(PixelShuffle(2)(x))
    assert shuffled.shape == (2, 6, 8, 3)
    for row, column in np.ndindex(6, 8):
        phase = 2 * (row % 2) + column % 2
        np.testing.assert_array_equal(shuffled[:, row, column], x[:, row // 2, column // 2, 3 * phase : 3 * phase + 3])


def test_nearest_enlargement_repeats_rows_and_columns():
    x = np.random.default_rng(0).random((2, 3, 4, 5), "float32")
    layer = NearestEnlargement(3)
    assert layer.compute_output_shape(x.shape) == (2, 9, 12, 5)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(x)), x.repeat(3, 1).repeat(3, 2))
