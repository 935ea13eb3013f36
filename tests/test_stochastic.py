from itertools import combinations

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from keras_facesr.metrics.fidelity import psnr, ssim
from keras_facesr.metrics.stochastic import best_of, consistency, deviation, digits_read, diversity


@pytest.fixture(scope="module")
def hr():
    return np.ascontiguousarray(astronaut()[90:154, 200:264])


@pytest.fixture(scope="module")
def samples(hr):
    """Answers with more and more noise, in no order: uint8 (5, 64, 64, 3)."""
    rng = np.random.default_rng(1)
    noise = [rng.normal(0, sigma, hr.shape) for sigma in (20, 5, 40, 10, 30)]
    return np.stack([np.clip(hr + layer, 0, 255) for layer in noise]).astype(np.uint8)


def test_best_of_finds_the_closest_sample(samples, hr):
    closest = ssim(samples[1], hr)
    assert best_of(samples, hr) == {"psnr_best": psnr(samples[1], hr), "ssim_best": closest, "ssim_of_best_psnr": closest}


def test_best_of_chooses_psnr_and_ssim_each_for_itself_and_gives_the_ssim_that_goes_with_the_best_psnr(hr):
    brighter = np.clip(hr.astype(int) + 40, 0, 255).astype(np.uint8)  # keeps the structure, misses the level
    blurred = np.asarray(Image.fromarray(hr).resize((8, 8)).resize((64, 64)))
    assert ssim(blurred, hr) < ssim(brighter, hr)
    assert best_of(np.stack([brighter, blurred]), hr) == {
        "psnr_best": psnr(blurred, hr),
        "ssim_best": ssim(brighter, hr),
        "ssim_of_best_psnr": ssim(blurred, hr),
    }


def test_best_of_measures_in_the_colour_asked_for(samples, hr):
    luma = best_of(samples, hr, "luma")
    assert (luma["psnr_best"], luma["ssim_best"]) == (psnr(samples[1], hr, "luma"), ssim(samples[1], hr, "luma"))


def test_best_of_pictures_too_small_for_ssim_is_the_psnr_alone():
    samples = np.stack([np.full((16, 8, 3), level, np.uint8) for level in (90, 101)])
    truth = np.full((16, 8, 3), 100, np.uint8)
    assert best_of(samples, truth) == {"psnr_best": pytest.approx(20 * np.log10(255))}


def test_diversity_is_the_mean_absolute_difference_over_all_pairs(samples):
    differences = [np.abs(a.astype(int) - b.astype(int)).mean() for a, b in combinations(samples, 2)]
    assert diversity(samples) == pytest.approx(np.mean(differences), rel=1e-12)


def test_diversity_of_two_constant_samples_is_their_distance():
    assert diversity(np.stack([np.full((4, 4, 3), 200, np.uint8), np.full((4, 4, 3), 17, np.uint8)])) == 183


def test_one_sample_and_equal_samples_have_no_diversity(hr):
    assert diversity(hr[None]) == 0
    assert diversity(np.stack([hr] * 3)) == 0


def test_the_deviation_of_independent_answers_is_theirs_however_many_there_are_and_only_within_the_region():
    region = np.zeros((96, 96), bool)
    region[10:80, 20:90] = True
    for count in (2, 5):
        drawn = np.random.default_rng(count).normal(128, np.where(region, 12, 40)[..., None], (count, 96, 96, 3))
        assert deviation(np.clip(np.rint(drawn), 0, 255).astype(np.uint8), region) == pytest.approx(12, rel=0.02)


def test_one_answer_and_equal_answers_do_not_deviate(hr):
    whole = np.ones(hr.shape[:2], bool)
    assert deviation(hr[None], whole) == deviation(np.stack([hr] * 3), whole) == 0


def test_the_truth_is_perfectly_consistent_with_its_own_low_resolution_picture(hr):
    lr = np.asarray(Image.fromarray(hr).resize((8, 8), Image.Resampling.BICUBIC))
    assert consistency(hr, lr, scale=8) == 0


def test_consistency_is_the_mean_distance_of_levels_over_all_samples():
    lr = np.full((2, 3, 3), 100, np.uint8)
    answers = np.stack([np.full((16, 24, 3), level, np.uint8) for level in (90, 103)])
    assert consistency(answers[0], lr, scale=8) == 10
    assert consistency(answers, lr, scale=8) == (10 + 3) / 2


def test_digits_are_read_by_the_best_answer_by_the_mean_and_counted():
    # Three inputs, two answers each; 0.9 for what an answer shows, 0.6 where it is less sure.
    def sure(digit, probability=0.9):
        rest = (1 - probability) / 9
        return [probability if k == digit else rest for k in range(10)]

    probabilities = np.array([[sure(3), sure(1), sure(4, 0.6)], [sure(3), sure(2), sure(5)]])  # (2, 3, 10)
    found = digits_read(probabilities, np.array([3, 2, 4]))
    assert found["digits_best"] == 1.0
    assert found["digits_mean"] == pytest.approx(1 / 3)  # 1 and 2 tie, and the first one wins; 5 outweighs 4
    assert found["digits_distinct"] == {
        1: {"share": pytest.approx(1 / 3), "best": 1.0},
        2: {"share": pytest.approx(2 / 3), "best": 1.0},
    }
    wrong = digits_read(probabilities, np.array([3, 7, 7]))
    assert wrong["digits_best"] == pytest.approx(1 / 3) and wrong["digits_distinct"][2]["best"] == 0.0
