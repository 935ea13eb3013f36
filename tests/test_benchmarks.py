"""The benchmarks compare calls that were made beside each other, and measure what they say."""

import sys
from pathlib import Path

import numpy as np
import pytest
from small_training import THIN, write_faces

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import distances  # noqa: E402
import links  # noqa: E402
import modes  # noqa: E402
import precision  # noqa: E402
import runtimes  # noqa: E402
import tones  # noqa: E402


def test_a_load_on_the_machine_that_both_feel_changes_no_ratio():
    calm = {"batch 8": [2.0, 2.0, 2.0, 2.0]}
    busy = {"batch 8": [1.0, 1.0, 9.0, 1.0]}
    reference = {"batch 8": [2.0, 2.0, 18.0, 2.0]}
    assert runtimes.summary(busy, reference)["batch 8"] == {"median": 1.0, "ratio": 0.5, "spread": [0.5, 0.5]}
    assert runtimes.summary(calm, reference)["batch 8"]["spread"] != [1.0, 1.0]
    assert runtimes.summary(calm, reference)["faces per second"] == 4.0


def test_a_runtime_that_cannot_start_is_named_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(runtimes, "exported", lambda runtime, model, size, folder: str(tmp_path / "absent.onnx"))
    with pytest.raises(SystemExit, match="^onnx: its process ended: .*absent.onnx: not an ONNX file of this package"):
        runtimes.started("onnx", "sam", 16, 1, str(tmp_path))


def test_what_cannot_be_exported_says_why_in_one_line(tmp_path):
    with pytest.raises(SystemExit, match="^facesr: no model is called 'nobody'"):
        runtimes.exported("onnx", "nobody", 16, str(tmp_path))


@pytest.mark.parametrize(
    "row, link", [("without blur", "blurred"), ("without noise", "NOISES"), ("without coders", "packed"), ("`blind`", None)]
)
def test_a_row_of_links_leaves_out_what_it_names_and_nothing_else(row, link, monkeypatch):
    met = set()
    noisy = lambda image, chance: met.add("NOISES") or np.zeros(image.shape)  # noqa: E731
    monkeypatch.setattr("keras_facesr.data.blind.NOISES", dict.fromkeys(("colour", "gray", "sensor"), noisy))
    for name in ("blurred", "packed"):
        monkeypatch.setattr(f"keras_facesr.data.blind.{name}", lambda image, *_, name=name: met.add(name) or image)
    for seed in range(40):
        links.blind(np.zeros((64, 64, 3), np.uint8), 4, np.random.default_rng(seed), links.HAND_MADE[row])
    assert met == {"blurred", "NOISES", "packed"} - {link}


def test_faces_as_spoilt_as_others_have_their_colours_and_detail():
    rng = np.random.default_rng(0)
    images, others = rng.random((2, 3, 16, 16, 3))
    details, colours = distances.scales(images)
    np.testing.assert_allclose(colours + sum(details), images, atol=1e-12)
    np.testing.assert_allclose(distances.as_spoilt_as(images, images), images, atol=1e-12)
    flat = distances.as_spoilt_as(images, 0 * others + 0.3)
    assert np.abs(flat - 0.3).max() < 0.01


def test_moved_faces_are_the_same_but_for_their_edges():
    images = np.random.default_rng(0).random((50, 8, 8, 3))
    moved = distances.moved(images, np.random.default_rng(1), furthest=1)
    core = images[:, 2:6, 2:6]
    at = [[(moved[:, y : y + 4, x : x + 4] == core).all((1, 2, 3)) for x in (1, 2, 3)] for y in (1, 2, 3)]
    assert np.sum(at, axis=(0, 1)).tolist() == [1] * 50 and all(np.any(place) for row in at for place in row)


def test_precisions_are_compared_over_the_same_images_stage_by_stage(tmp_path):
    faces, recipe = write_faces(tmp_path), precision.shortened(THIN, 4)
    assert [(stage.steps, stage.check_every) for stage in recipe.stages] == [(4, 1)] * len(THIN.stages)
    plain, mixed = (precision.losses(recipe, faces, kind) for kind in ("float32", "mixed_bfloat16"))
    rows = precision.compared(plain, mixed)
    assert len(rows) == len(THIN.stages) and all(0 < abs(row["difference"]) < 0.1 for row in rows)


def test_an_answer_in_the_tone_of_its_truth_has_its_means_and_deviations_and_one_that_is_off_by_tone_alone_is_the_truth():
    truth = np.random.default_rng(0).integers(60, 190, (2, 8, 8, 3), np.uint8)
    off = np.rint(0.5 * truth + np.array([10, 40, 90])).astype(np.uint8)  # less contrast, another colour
    assert np.abs(tones.in_the_tone_of(truth, off).astype(int) - truth).max() <= 1  # of the 8 bits of `off`
    other = tones.in_the_tone_of(truth, truth[:, ::-1])
    np.testing.assert_allclose(other.mean((1, 2)), truth.mean((1, 2)), atol=0.1)
    np.testing.assert_allclose(other.std((1, 2)), truth.std((1, 2)), atol=0.1)
    dull = tones.tones(np.rint(0.5 * truth).astype(np.uint8))
    assert all((dull[tone] < own).all() for tone, own in tones.tones(truth).items())


def test_the_best_of_many_draws_removes_what_lies_in_their_direction():
    rng = np.random.default_rng(0)
    axis = np.array([3.0, 4.0, 0.0]) / 5
    rows = 2.0 * rng.normal(size=(500, 1)) * axis + 0.01 * rng.normal(size=(500, 3))
    directions, deviations = modes.principal(rows, 1)
    assert abs(directions[:, 0] @ axis) == pytest.approx(1, abs=1e-3) and deviations == pytest.approx(2, rel=0.1)
    energy, along = np.full(50, 9.0), rng.uniform(-2, 2, (50, 1))
    removed = np.mean(10 * np.log10(9 / (9 - along[:, 0] ** 2)))
    assert modes.gain_of_best(energy, along, deviations, 10_000) == pytest.approx(removed, abs=1e-3)
    assert modes.gain_of_best(energy, along, deviations, 1) < 0 < modes.gain_of_best(energy, along, deviations, 10) < removed
