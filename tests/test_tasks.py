"""What recipes train for: the ways to make small faces."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from keras_facesr import classes, presets
from keras_facesr.data.degrade import degrade
from keras_facesr.errors import DatasetError, TrainingError
from keras_facesr.inference import KerasDegradation
from keras_facesr.metrics.perceptual import Gaussian, frechet_distance
from keras_facesr.models.face_features import FaceFeatures
from keras_facesr.models.stylevae import StyleVAE
from keras_facesr.training import sources, tasks
from keras_facesr.training.recipes.recipe import Recipe, Source, Stage

STYLE_MEAN = np.array([1.0, -2.0, 0.5])
STYLE_COVARIANCE = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, -0.5], [0.0, -0.5, 1.0]])
FACES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)


@pytest.fixture
def painter(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    keras.utils.set_random_seed(0)
    painter = StyleVAE(scale=4, lr_size=4, style_dim=3, channels=4, encoder_blocks=1, generator_blocks=1)
    painter.build()
    painter.mean_style.assign(STYLE_MEAN)
    painter.style_covariance.assign(STYLE_COVARIANCE)
    monkeypatch.setattr(presets, "load", lambda name: painter)
    return painter


def test_small_faces_are_bicubic_unless_the_recipe_says_otherwise():
    assert tasks.degradation("bicubic", 4, seed=0) is None
    (lr,) = tasks.degradation("aliased", 4, seed=0)(FACES)
    assert np.array_equal(lr, degrade(FACES, 4, antialias=False)) and not np.array_equal(lr, degrade(FACES, 4))


def test_a_style_spoils_faces_in_several_ways_and_the_blind_chain_whole_ones_in_one_that_the_seed_repeats(painter):
    for kind, count in (("some_stylevae", tasks.VARIANTS), ("blind", 1)):
        variants, again, other = (tasks.degradation(kind, 4, seed)(FACES) for seed in (0, 0, 1))
        assert len(variants) == count
        assert all(lr.shape == (3, 4, 4, 3) and lr.dtype == np.uint8 for lr in variants)
        assert len({lr.tobytes() for lr in (*variants, *other, degrade(FACES, 4))}) == 2 * count + 1
        assert all(np.array_equal(a, b) for a, b in zip(variants, again))


def test_a_style_measured_with_is_drawn_for_each_face_by_its_own_seed(painter):
    degradation = KerasDegradation("some_stylevae", painter)
    lr = degradation.reduce(FACES, range(5, 8))
    assert lr.shape == (3, 4, 4, 3) and lr.dtype == np.uint8
    alone = degradation.reduce(FACES[1:2], [6])
    assert np.abs(lr[1:2].astype(int) - alone).max() <= 1
    chance = np.random.default_rng(6).normal(size=(1, 3)).astype("float32")
    style = STYLE_MEAN + chance @ np.linalg.cholesky(STYLE_COVARIANCE).T
    expected = np.asarray(painter.degrade(FACES[1:2].astype("float32") / 255, style=style.astype("float32")))
    assert np.abs(alone - 255 * expected).max() <= 1
    assert not np.array_equal(alone, degradation.reduce(FACES[1:2], [5]))


def test_a_style_of_another_scale_is_refused(painter):
    with pytest.raises(TrainingError, match="some_stylevae reduces 4 times, the network enlarges 8 times"):
        tasks.degradation("some_stylevae", 8, seed=0)


def test_masks_are_those_of_the_images_that_can_be_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    for folder in ("images", "masks"):
        (tmp_path / "train" / folder).mkdir(parents=True)
    for k in range(4):
        Image.new("RGB", (8, 8), (60 * k,) * 3).save(tmp_path / "train" / "images" / f"{k}.png")
        Image.new("L", (8, 8), k).save(tmp_path / "train" / "masks" / f"{k}.png")
    (tmp_path / "train" / "images" / "1.png").write_bytes(b"no picture")
    images, masks = sources.masked(Source("celebamask", 8), tmp_path, slice(None))
    assert images[:, 0, 0, 0].tolist() == [0, 120, 180] and masks[:, 0, 0].tolist() == [0, 2, 3]
    assert capsys.readouterr().err.count("1.png: left out, it cannot be read") == 1


def test_a_mask_is_cut_as_its_image_is_and_holds_classes_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    classes = np.repeat(np.arange(12, dtype=np.uint8), 8)[:, None].repeat(64, axis=1)  # 96 rows, which a square has not all of
    for folder, values in {"images": 20 * classes, "masks": classes}.items():
        (tmp_path / folder).mkdir()
        Image.fromarray(values).save(tmp_path / folder / "tall.png")
    images, masks = sources.masked(Source("celebamask", 64), tmp_path, slice(None))
    assert masks[0, :, 0].tolist() == np.repeat(range(2, 10), 8).tolist()
    assert np.array_equal(images[..., 0], 20 * masks)
    classes[0, 0] = 19
    Image.fromarray(classes).save(tmp_path / "masks" / "tall.png")
    with pytest.raises(DatasetError, match="tall.png: has the value 19, and classes are 0 to 18$"):
        sources.masked(Source("celebamask", 64), tmp_path, slice(None))


def test_made_small_faces_are_judged_by_their_distance_to_real_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_FACESR_CACHE", str(tmp_path / "cache"))
    keras.utils.set_random_seed(0)
    judge = FaceFeatures(channels=(4, 8), embedding_size=4)
    judge.build()
    monkeypatch.setattr(presets, "load", lambda name: judge)
    rng = np.random.default_rng(0)
    for folder, side in (("clean", 64), ("real", 16)):
        (tmp_path / folder).mkdir()
        for k in range(20):
            image = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8))
            image.resize((side, side)).save(tmp_path / folder / f"{k}.png")
    sources = (Source("folder", 64, "clean"), Source("folder", 16, "real"))
    recipe = Recipe("r", "StyleVAE", {}, sources, (), task="degradation", validation_images=4)
    task = tasks.Degradation(recipe, tmp_path, None)
    assert [len(part) for part in (*task.training, *task.validation)] == [16, 16, 4, 4]

    class Bicubic:
        """Paints what bicubic reduction gives: both figures are then the same."""

        scale = 4

        def degrade(self, hr, seed):
            return degrade((hr * 255).round().astype(np.uint8), 4) / 255

    found = task.validate(Bicubic())
    clean, real = (images / 255 for images in (degrade(task.validation[0], 4), task.validation[1]))
    maps = [judge.maps(images.astype("float32")) for images in (clean, real)]
    seen = [Gaussian().add(keras.ops.convert_to_numpy(second).mean(axis=(1, 2))) for _, second in maps]
    assert found["val_likeness"] == pytest.approx(-frechet_distance(*seen), rel=1e-4) and found["val_likeness"] < 0
    assert found["val_likeness_bicubic"] == pytest.approx(found["val_likeness"])
    assert task.pictures(Bicubic()).shape == (4 * 16, 5 * 16, 3)


def test_what_is_held_out_is_not_trained_on_at_another_size_or_in_another_stage(tmp_path):
    for name, count in (("faces", 10), ("others", 5)):
        (tmp_path / name).mkdir()
        for k in range(count):
            Image.fromarray(np.full((16, 16, 3), k + 100 * (name == "others"), np.uint8)).save(tmp_path / name / f"{k}.png")
    of_faces = Source("folder", 16, "faces", times=2), Source("folder", 8, "faces")
    stage = Stage(1, 1, 1.0, check_every=1)
    other = dataclasses.replace(stage, sources=(of_faces[1], Source("folder", 8, "others")))
    recipe = Recipe("r", "Bicubic", {}, of_faces, (stage, other), crop=8, validation_images=2)
    task = tasks.SuperResolution(recipe, tmp_path, classes.build_model("Bicubic", {"scale": 4}))
    held_out = {image.flat[0] for image in task.validation.sets[0][1]}
    rest = [*set(range(10)) - held_out]
    for each, expected in ((stage, 3 * rest), (other, [*rest, *range(100, 105)])):
        trained_on = [image.flat[0] for _, hr in task.stream(each, seed=0).sets for image in hr]
        assert sorted(trained_on) == sorted(expected) and len(held_out) == 2
        assert len(sources.training_files(recipe, tmp_path, each)) == len(trained_on)
    assert [row["folder"] for row in sources.data_description(recipe, tmp_path)] == ["faces", "others"]


def test_digits_too_small_for_ssim_are_validated_by_psnr(tmp_path):
    rng = np.random.default_rng(0)
    for digit in range(10):
        (tmp_path / "train" / str(digit)).mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / "train" / str(digit) / "a.png")
    recipe = Recipe("r", "Bicubic", {}, (Source("digits", (16, 8)),), (), validation_images=2)
    bicubic = classes.build_model("Bicubic", {"scale": 4})
    task = tasks.SuperResolution(recipe, tmp_path, bicubic)
    hr = task.validation.sets[0][1]
    expected = np.mean([peak_signal_noise_ratio(true, made) for true, made in zip(hr, bicubic.upscale(degrade(hr, 4)))])
    assert task.validate(bicubic) == {"val_psnr": pytest.approx(expected)}
    assert task.pictures(bicubic).shape == (2 * 16, 3 * 8, 3)
