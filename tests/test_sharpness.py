"""Sharpness against the Fourier transform of the mirrored picture, and in closed form."""

import numpy as np
import pytest
from skimage.color import rgb2ycbcr
from skimage.data import astronaut

from keras_facesr.data.degrade import degrade, resize
from keras_facesr.metrics.sharpness import detail_energy, octaves_in_words, sharpness


def face(height, width):
    return resize(astronaut()[60:260, 130:330], height, width)


def by_fourier(image, scale):
    """The energy in octaves of detail by NumPy's FFT: a picture that is mirrored at its borders has no edge there."""
    luma = rgb2ycbcr(image)[..., 0]
    mirrored = np.block([[luma, luma[:, ::-1]], [luma[::-1], luma[::-1, ::-1]]])
    power = np.abs(np.fft.fft2(mirrored) / mirrored.size) ** 2
    down, across = (np.abs(np.fft.fftfreq(side)) for side in mirrored.shape)  # cycles a pixel
    highest = np.maximum.outer(down, across)
    edges = [1 / (2 * scale)]
    while edges[-1] < 0.5:
        edges.append(2 * edges[-1])
    return [power[(low - 1e-9 <= highest) & (highest < high - 1e-9)].sum() for low, high in zip(edges, edges[1:])]


@pytest.mark.parametrize(
    "scale, height, width", [(2, 18, 40), (3, 48, 45), (4, 64, 64), (5, 50, 35), (8, 128, 64), (16, 48, 32)]
)
def test_octaves_of_detail_are_those_of_the_fourier_transform_at_any_scale_and_size(scale, height, width):
    image = face(height, width)
    energy = detail_energy(image, scale)
    assert energy == pytest.approx(by_fourier(image, scale), rel=1e-9)
    assert len(energy) == octaves_in_words(scale).count("-")


def test_octaves_are_named_by_their_periods():
    assert octaves_in_words(8) == "16-8, 8-4, 4-2 pixels" and octaves_in_words(3) == "6-3, 3-2 pixels"


def test_the_truth_is_exactly_as_sharp_as_itself_and_bicubic_is_blurred_in_every_octave():
    true = detail_energy(face(128, 128), 8)
    assert sharpness(true, true) == {"sharpness": 1.0, "detail": [1.0, 1.0, 1.0]}
    bicubic = sharpness(detail_energy(resize(degrade(face(128, 128), 8), 128, 128), 8), true)
    assert bicubic["sharpness"] < 0.1 and max(bicubic["detail"]) < 0.1


def test_noise_is_seen_in_the_finest_octave_first_and_more_of_it_is_not_rewarded():
    true, rng = detail_energy(face(128, 128), 8), np.random.default_rng(0)

    def with_noise(deviation):
        noisy = face(128, 128) + rng.normal(0, deviation, (128, 128, 3))
        return sharpness(detail_energy(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), 8), true)

    some, much = with_noise(20), with_noise(60)
    assert 1 < some["detail"][0] < some["detail"][1] < some["detail"][2]
    assert much["sharpness"] < some["sharpness"] < 1


def test_an_octave_counts_by_how_far_its_energy_is_from_the_truths_in_either_direction():
    figures = sharpness(np.array([3.0, 8.0, 0.0]), np.array([6.0, 2.0, 5.0]))
    assert figures == {"sharpness": pytest.approx((1 / 2 + 1 / 4 + 0) / 3), "detail": [0.5, 4.0, 0.0]}


def test_truths_without_detail_have_no_sharpness():
    flat = np.full((32, 32, 3), 77, np.uint8)
    assert sharpness(detail_energy(face(32, 32), 4), detail_energy(flat, 4)) == {}
