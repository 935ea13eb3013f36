"""The papers' systems at their own size: optimiser and rates as printed, and a step of every stage by ``facesr train``."""

import json

import keras
import numpy as np
import pytest
import stand_in_data
from one_step import shorten

from keras_facesr.training import recipes
from keras_facesr.training.recipes.recipe import FEATURES_WEIGHT

# Class, constructor's arguments beside the paper's own, (optimiser, first rate) of each stage: section 4.1 of SAM's
# paper and of SSRVAE's. CAGFace's paper gives no rate.
PAPERS = {
    "sam_x4_utkface": ("SAM", {"scale": 4}, [("adam", 2.5e-4), ("adam", 5e-3)]),
    "sam_x8_utkface": ("SAM", {"scale": 8}, [("adam", 2.5e-4), ("adam", 5e-3)]),
    "sam_x16_utkface": ("SAM", {"scale": 16}, [("adam", 2.5e-4), ("adam", 5e-3)]),
    "cagface_x4": ("CAGFace", {}, [("adam", 1e-4), ("adam", 1e-4)]),
    "stylevae_64_wider": ("StyleVAE", {"channels": 64}, [("adam", 1e-4)]),
    "ssrvae_64_x4": ("SSRVAE", {"scale": 4}, [("adam", 1e-4)]),
}


@pytest.mark.parametrize("name", PAPERS)
def test_a_papers_system_has_its_size_optimiser_and_rates(name):
    recipe = recipes.find(name)
    model_class, config, stages = PAPERS[name]
    assert recipe.model_class == model_class and config.items() <= recipe.config.items()
    assert [(stage.optimizer, stage.learning_rate) for stage in recipe.stages] == stages
    assert all(stage.images >= 800_000 for stage in recipe.stages)


def test_the_features_that_srgan_learns_by_count_as_much_as_pixels():
    """SRGAN's paper scales VGG19's so (section 3.2); ``FEATURES_WEIGHT`` scales those of ``face_features`` so."""
    of_srgan = [recipe for recipe in recipes.RECIPES.values() if recipe.model_class == "SRGAN"]
    assert "srgan_x8_utkface" in [recipe.name for recipe in of_srgan]
    for recipe in of_srgan:
        assert {stage.features for stage in recipe.stages} <= {None, "face_features"}
        assert recipe.config["perceptual_weight"] == FEATURES_WEIGHT, recipe.name


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPERS)
def test_a_papers_system_takes_a_step_of_every_stage(name, facesr, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    data = stand_in_data.lay_out(tmp_path / "data")
    shorten(monkeypatch.setattr)
    recipe, run = recipes.find(name), tmp_path / "run"
    result = facesr("train", name, data if recipe.sources[0].folder else data / recipe.sources[0].kind, "--out", run)
    assert result.code == 0, result.err
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == [*range(1, len(recipe.stages) + 1)]
    assert all(np.isfinite(value) for row in rows for value in row.values())
    keras.backend.clear_session()
