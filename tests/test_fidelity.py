import math

import numpy as np
import pytest
from scipy.signal import correlate
from skimage.color import rgb2ycbcr
from skimage.data import astronaut
from skimage.filters import gaussian

from keras_facesr.errors import FacesrError
from keras_facesr.metrics.fidelity import luma, ms_ssim, psnr, ssim


@pytest.fixture(scope="module")
def pair():
    """A face and a noisy copy, uint8 (64, 48, 3)."""
    face = astronaut()[90:154, 200:248]
    noise = np.random.default_rng(0).normal(0, 12, face.shape)
    return face, np.clip(face + noise, 0, 255).astype(np.uint8)


def ssim_by_its_formula(x, y):
    """Wang et al. (2004), equations 12 to 16: explicit 2-D window, whole windows only; (H, W) float64."""
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * 1.5**2))
    window /= window.sum()

    def local_mean(image):
        return correlate(image, window, mode="valid", method="direct")

    mean_x, mean_y = local_mean(x), local_mean(y)
    var_x, var_y = local_mean(x * x) - mean_x**2, local_mean(y * y) - mean_y**2
    covariance = local_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    contrast = (2 * covariance + c2) / (var_x + var_y + c2)
    return np.mean((2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1) * contrast)


@pytest.mark.parametrize("difference", [1, 7, 255])
def test_psnr_of_a_constant_difference_is_its_closed_form(difference):
    black = np.zeros((12, 9, 3), np.uint8)
    closed_form = 20 * math.log10(255 / difference)
    assert psnr(black, black + np.uint8(difference)) == pytest.approx(closed_form, abs=1e-12)


def test_psnr_takes_one_mean_square_error_over_all_channels():
    black = np.zeros((8, 8, 3), np.uint8)
    red = black + np.array([30, 0, 0], np.uint8)
    assert psnr(black, red) == pytest.approx(10 * math.log10(255**2 / (30**2 / 3)), abs=1e-12)


def test_psnr_does_not_wrap_around_where_the_first_picture_is_darker():
    dark, light = np.full((4, 4), 10, np.uint8), np.full((4, 4), 14, np.uint8)
    assert psnr(dark, light) == psnr(light, dark) == pytest.approx(20 * math.log10(255 / 4))


def test_equal_pictures_have_infinite_psnr_and_ssim_one(pair):
    face, _ = pair
    assert psnr(face, face) == math.inf
    assert ssim(face, face) == 1.0


def test_ssim_is_the_mean_over_channels_of_the_published_formula(pair):
    by_formula = np.mean([ssim_by_its_formula(*(p[..., c].astype(float) for p in pair)) for c in range(3)])
    assert by_formula < 0.9
    assert ssim(*pair) == pytest.approx(by_formula, abs=1e-9)


def test_ssim_of_constant_pictures_is_the_luminance_term():
    dark, light = np.full((16, 16), 60, np.uint8), np.full((16, 16), 180, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(dark, light) == pytest.approx((2 * 60 * 180 + c1) / (60**2 + 180**2 + c1), abs=1e-9)


def ms_ssim_by_tensorflow(*planes):
    """TensorFlow's MS-SSIM of two (H, W, C) pictures in [0, 255], in float32."""
    tf = pytest.importorskip("tensorflow")
    return float(tf.image.ssim_multiscale(*(plane.astype(np.float32) for plane in planes), max_val=255))


def blurred(face):
    return gaussian(face, 3, preserve_range=True, channel_axis=-1).round().astype(np.uint8)


def noisy(face):
    noise = np.random.default_rng(0).normal(0, 30, face.shape)
    return np.clip(face + noise, 0, 255).astype(np.uint8)


def shifted(face):
    return np.roll(face, 3, axis=1)


@pytest.mark.parametrize("damage", [blurred, noisy, shifted])
@pytest.mark.parametrize("height, width", [(176, 176), (177, 203), (210, 191)])
def test_ms_ssim_is_tensorflows_at_even_and_odd_sizes(height, width, damage):
    face = astronaut()[:height, 130 : 130 + width]
    damaged = damage(face)
    by_tensorflow = ms_ssim_by_tensorflow(face, damaged)
    assert 0.5 < by_tensorflow < 0.98
    assert ms_ssim(face, damaged) == pytest.approx(by_tensorflow, abs=1e-4)


def test_ms_ssim_in_luma_and_of_gray_pictures_is_that_of_the_single_plane():
    face = astronaut()[:179, 130:330]
    planes = [rgb2ycbcr(picture)[..., :1] for picture in (face, noisy(face))]
    assert ms_ssim(face, noisy(face), colour="luma") == pytest.approx(ms_ssim_by_tensorflow(*planes), abs=1e-4)
    red = [picture[..., :1] for picture in (face, noisy(face))]
    assert ms_ssim(*(plane[..., 0] for plane in red)) == pytest.approx(ms_ssim_by_tensorflow(*red), abs=1e-4)


def test_ms_ssim_is_one_for_equal_pictures_and_not_below_zero_for_opposite_ones():
    face = astronaut()[:176, 130:306]
    assert ms_ssim(face, face) == 1.0
    assert ssim(face, 255 - face) < 0
    assert ms_ssim(face, 255 - face) == 0.0


def test_luma_is_the_first_channel_of_scikit_images_ycbcr(pair):
    face, _ = pair
    np.testing.assert_allclose(luma(face), rgb2ycbcr(face)[..., 0], atol=1e-9)


def test_luma_runs_from_16_for_black_to_235_for_white():
    np.testing.assert_allclose(luma(np.array([[0, 0, 0], [255, 255, 255]], np.uint8)), [16, 235], atol=1e-12)


def test_figures_in_luma_are_those_of_the_unrounded_luma_planes(pair):
    planes = [rgb2ycbcr(picture)[..., 0] for picture in pair]
    by_formula = 10 * np.log10(255**2 / np.mean((planes[0] - planes[1]) ** 2))
    assert psnr(*pair, colour="luma") == pytest.approx(by_formula, abs=1e-9)
    assert ssim(*pair, colour="luma") == pytest.approx(ssim_by_its_formula(*planes), abs=1e-9)


GRAY, RGB = np.zeros((16, 16), np.uint8), np.zeros((16, 16, 3), np.uint8)


@pytest.mark.parametrize(
    "a, b, colour, reason",
    [
        (RGB / 255, RGB, "rgb", "8 bits"),
        (RGB, RGB[:-1], "rgb", "different shapes"),
        (RGB, RGB, "hsv", "rgb or luma"),
        (GRAY, GRAY, "luma", r"\(H, W, 3\)"),
        (RGB[None], RGB[None], "rgb", r"\(H, W, 3\) or \(H, W\)"),
    ],
)
@pytest.mark.parametrize("figure", [psnr, ssim, ms_ssim])
def test_what_cannot_be_compared_is_refused_with_the_reason(figure, a, b, colour, reason):
    with pytest.raises(FacesrError, match=reason):
        figure(a, b, colour)


def test_ssim_refuses_pictures_smaller_than_its_window():
    with pytest.raises(FacesrError, match="16x10 pixels.*11x11"):
        ssim(RGB[:10], RGB[:10])


def test_ms_ssim_refuses_pictures_too_small_for_five_scales():
    face = astronaut()[:175, :300]
    with pytest.raises(FacesrError, match="300x175 pixels.*5 scales of an 11-pixel window need 176"):
        ms_ssim(face, face)
