import numpy as np
import pytest
from PIL import Image

from keras_facesr.data.degrade import centre_square, degrade, resize
from keras_facesr.errors import FacesrError

HR = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), dtype=np.uint8)


def test_centre_square_cuts_both_sides_equally_and_the_odd_pixel_at_the_end():
    columns = np.tile(np.arange(9), (4, 1))
    assert centre_square(columns).tolist() == [[2, 3, 4, 5]] * 4
    assert centre_square(columns.T).tolist() == np.transpose([[2, 3, 4, 5]] * 4).tolist()
    assert centre_square(np.zeros((218, 178, 3))).shape == (178, 178, 3)


def test_degrade_equals_pillow_bicubic_for_one_image_and_for_a_batch():
    lr = degrade(HR, 4)
    assert lr.dtype == np.uint8 and lr.shape == (3, 8, 12, 3)
    for i in range(3):
        assert np.array_equal(lr[i], Image.fromarray(HR[i]).resize((12, 8), Image.Resampling.BICUBIC))
        assert np.array_equal(degrade(HR[i], 4), lr[i])


def test_degrade_is_antialiased_by_the_kernel_of_a_minus_one_half():
    """A bright column spreads over the LR columns by the bicubic kernel stretched by the scale, a = -0.5."""
    scale, bright = 4, 15
    hr = np.zeros((8, 32, 3), np.uint8)
    hr[:, bright] = 255
    distance = np.abs((np.arange(8) + 0.5) - (bright + 0.5) / scale)
    kernel = np.where(
        distance < 1,
        1.5 * distance**3 - 2.5 * distance**2 + 1,
        np.where(distance < 2, -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2, 0),
    )
    assert np.abs(degrade(hr, scale)[0, :, 0] - np.clip(255 * kernel / scale, 0, 255)).max() <= 1


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_without_antialiasing_degrade_equals_the_resizing_of_tensorflow(scale):
    tf = pytest.importorskip("tensorflow")
    hr = HR[:, :24]
    expected = tf.image.resize(hr, (24 // scale, 48 // scale), "bicubic").numpy()
    lr = degrade(hr, scale, antialias=False)
    assert lr.dtype == np.uint8 and np.abs(lr - np.clip(expected, 0, 255)).max() < 0.501
    assert np.array_equal(degrade(hr[0], scale, antialias=False), lr[0])


def test_without_antialiasing_a_pixel_is_of_the_four_about_its_centre_and_of_odd_scales_the_middle_one():
    row = HR[0, 8, :, 0].astype(float)
    inner = np.array([-1, 9, 9, -1]) / 16 @ row[[5, 6, 7, 8]]
    hr = np.repeat(HR[:1, 8:9], 6, axis=1)
    assert degrade(hr, 2, antialias=False)[0, 1, 3, 0] == np.clip(np.rint(inner), 0, 255)
    assert np.array_equal(degrade(hr, 3, antialias=False), hr[:, 1::3, 1::3])


def test_degrade_keeps_a_flat_image_and_scale_one_keeps_any():
    for antialias in (True, False):
        assert (degrade(np.full((16, 16, 3), 77, np.uint8), 8, antialias) == 77).all()
        assert np.array_equal(degrade(HR, 1, antialias), HR)


def test_degrade_refuses_what_it_cannot_divide_or_does_not_know():
    for hr, scale in ((HR, 5), (HR, 0), (HR / 255, 4), (HR[0, ..., 0], 4), (HR[..., :2], 4)):
        with pytest.raises(FacesrError):
            degrade(hr, scale)


def test_resize_gives_the_asked_height_and_width_for_gray_and_colour():
    assert resize(HR[0], 10, 70).shape == (10, 70, 3)
    assert resize(HR[0, ..., 0], 64, 5).shape == (64, 5)
