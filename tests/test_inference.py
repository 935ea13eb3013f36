import keras
import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from stand_ins import Convolved, Nearest, Noisy

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.images import read_picture, to_uint8, to_unit
from keras_facesr.errors import CallError, ExportError, ImageError
from keras_facesr.inference import (
    KerasMethod,
    demonstrate,
    enlarge_picture,
    picture_deviation,
    pictures,
    sample_picture,
    tiles,
    traverse_picture,
    upscale,
)
from keras_facesr.inference.ensemble import FlipEnsemble
from keras_facesr.metrics.protocol import Protocol


def nearest(pixels, scale=4):
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


@pytest.fixture
def face():
    """uint8 (22, 18, 3)."""
    return np.ascontiguousarray(astronaut()[90:134:2, 180:216:2])


def convolved(**arguments):
    keras.utils.set_random_seed(3)
    model = Convolved(**arguments)
    model.build((None, None, None, 3))
    for weight in model.trainable_variables:  # large enough for neighbours to matter
        weight.assign(keras.random.normal(weight.shape, seed=1))
    return model


def test_one_picture_comes_from_a_path_pillow_or_an_array(face, tmp_path):
    Image.fromarray(face).save(tmp_path / "face.png")
    for source in (tmp_path / "face.png", str(tmp_path / "face.png"), Image.fromarray(face), face):
        sr = fsr.upscale(Nearest(), source)
        assert sr.dtype == np.uint8
        np.testing.assert_array_equal(sr, nearest(face))


def test_a_picture_that_was_read_is_enlarged_as_what_it_was_read_from(face):
    assert (upscale(Nearest(), read_picture(face)) == upscale(Nearest(), face)).all()


def test_a_batch_comes_back_as_a_batch_in_order(face):
    batch = np.stack([face, face[::-1], face[:, ::-1]])
    np.testing.assert_array_equal(upscale(Nearest(), batch), np.stack([nearest(image) for image in batch]))


def test_a_batch_larger_than_one_pass_is_the_same(face, monkeypatch):
    batch = np.stack([face, face[::-1], face[:, ::-1]])
    whole = upscale(Nearest(), batch)
    monkeypatch.setattr(tiles, "PASS_PIXELS", 2 * whole[0, ..., 0].size)
    np.testing.assert_array_equal(upscale(Nearest(), batch), whole)


@pytest.mark.parametrize("shape, dtype", [((2, 8, 8, 3), "f4"), ((2, 8, 8, 4), "u1"), ((0, 8, 8, 3), "u1")])
def test_a_batch_of_another_kind_is_refused(shape, dtype):
    batch = np.zeros(shape, dtype)
    with pytest.raises(ImageError, match=r"a batch is a uint8 array \(N, H, W, 3\)"):
        upscale(Nearest(), batch)


@pytest.mark.parametrize("multiple", [2, 4, 16])
def test_sizes_that_the_network_cannot_take_are_padded_and_cropped(face, multiple):
    class Picky(Nearest):
        def call(self, lr, training=None):
            assert lr.shape[1] % multiple == 0 and lr.shape[2] % multiple == 0
            return super().call(lr)

    odd = face[:21, :17]
    np.testing.assert_array_equal(upscale(Picky(size_multiple=multiple), odd), nearest(odd))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5)])
@pytest.mark.parametrize("tile", [None, 2])
def test_pictures_smaller_than_the_network_takes_are_padded_and_cropped(face, size, tile):
    """An encoder of licence plates' digits sees 4 rows and 2 columns at once."""

    class Upright(Nearest):
        least_size = (4, 2)

        def call(self, lr, training=None):
            assert lr.shape[1] >= 4 and lr.shape[2] >= 2
            return super().call(lr)

    small = face[: size[0], : size[1]]
    np.testing.assert_array_equal(upscale(Upright(size_multiple=2), small, tile=tile), nearest(small))


def test_padding_repeats_the_edge():
    column = np.arange(3, dtype=np.uint8).reshape(1, 3, 1, 1) * np.ones((1, 1, 1, 3), np.uint8)
    padded = tiles.padded(Nearest(size_multiple=4), column)
    assert padded.shape == (1, 4, 4, 3)
    np.testing.assert_allclose(padded[0, :, :, 0] * 255, [[level] * 4 for level in (0, 1, 2, 2)])


def test_answers_beyond_the_range_are_clipped_and_rounded():
    model = Nearest()
    model.build(None)
    model.gain.assign(1.5)
    gray = np.full((2, 2, 3), 101, np.uint8)
    assert upscale(model, gray).max() == 152  # 151.5 to the even neighbour
    assert upscale(model, gray + 150).max() == 255


@pytest.mark.parametrize(("size", "tile"), [((90, 65), 40), ((24, 99), 36), ((57, 140), 56), ((140, 25), 48)])
@pytest.mark.parametrize("multiple", [1, 4])
def test_tiles_give_what_the_whole_picture_gives(size, tile, multiple):
    """The network sees 3 pixels around, the blending keeps at least as many from a tile's inner edges."""
    picture = np.ascontiguousarray(astronaut()[60 : 60 + size[0], 180 : 180 + size[1]])
    model = convolved(size_multiple=multiple)
    whole = upscale(model, picture, tile=200).astype(int)
    tiled = upscale(model, picture, tile=tile).astype(int)
    assert whole.shape == tiled.shape == (4 * size[0], 4 * size[1], 3)
    assert np.abs(whole - tiled).max() <= 1


def test_at_the_borders_tiles_give_exactly_what_the_whole_picture_gives():
    picture = np.ascontiguousarray(astronaut()[60:129, 180:245])
    model = convolved(size_multiple=2)
    whole, tiled = upscale(model, picture, tile=100), upscale(model, picture, tile=40)
    corner = 60  # output pixels, within the first and the last tile alone
    first, last = slice(None, corner), slice(-corner, None)
    for window in ((first, first), (first, last), (last, first), (last, last)):
        np.testing.assert_array_equal(whole[window], tiled[window])


def test_tiles_that_disagree_fade_into_each_other_without_a_step():
    """A network that answers with the mean of what it sees makes each tile a flat gray."""

    class Mean(Nearest):
        def call(self, lr, training=None):
            return super().call(lr) * 0 + keras.ops.mean(lr, axis=(1, 2), keepdims=True)

    ramp = np.repeat(np.arange(96, dtype=np.uint8)[None, :, None], 3, axis=-1).repeat(32, axis=0)
    row = upscale(Mean(), ramp, tile=32)[0, :, 0].astype(int)
    assert row[0] in (15, 16) and row[-1] in (79, 80)  # 15.5 and 79.5, rounded
    assert np.diff(row).min() >= 0 and np.diff(row).max() <= 4 < 24


@pytest.mark.parametrize("tile", [None, 40])
def test_an_ensemble_is_the_mean_over_the_picture_and_its_mirror_image(tile):
    picture = np.ascontiguousarray(astronaut()[60:140, 180:276])
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    model = convolved(size_multiple=8)
    answers = [upscale(model, picture, tile).astype(float), upscale(model, mirrored, tile)[:, ::-1].astype(float)]
    assert np.abs(answers[0] - answers[1]).max() > 2, "the network answers otherwise to the mirror image"
    both = upscale(model, picture, tile, ensemble=True)
    assert np.abs(both - (answers[0] + answers[1]) / 2).max() <= 1
    np.testing.assert_array_equal(upscale(model, mirrored, ensemble=True)[:, ::-1], upscale(model, picture, ensemble=True))
    assert isinstance(FlipEnsemble(model)(to_unit(picture[None])), np.ndarray), "PyTorch's tensors cannot be mirrored so"


def test_large_pictures_are_cut_into_tiles_unasked_and_report_progress(monkeypatch):
    passes, seen = [], []
    model = Nearest()
    monkeypatch.setattr(tiles, "PASS_PIXELS", 64**2)  # 16 x 16 pixels at x4
    call = model.call
    monkeypatch.setattr(model, "call", lambda lr: passes.append(tuple(lr.shape)) or call(lr))
    picture = np.ascontiguousarray(astronaut()[:40, :30])
    sr = upscale(model, picture, on_tile=lambda *done: seen.append(done))
    np.testing.assert_array_equal(sr, nearest(picture))
    assert {shape[:3] for shape in passes} == {(1, 16, 16)}
    assert seen == [(k, len(passes)) for k in range(1, len(passes) + 1)]


def test_a_tile_smaller_than_the_network_takes_becomes_the_smallest_it_takes(face):
    np.testing.assert_array_equal(upscale(Nearest(size_multiple=4), face, tile=1), nearest(face))


def test_an_output_beyond_memory_is_refused_by_name(monkeypatch, face):
    monkeypatch.setattr(pictures, "OUTPUT_PIXELS", 1000)
    with pytest.raises(ImageError, match="array: 18x22 pixels are too many to enlarge 4 times"):
        upscale(Nearest(), face)


def test_gray_stays_gray_and_alpha_is_enlarged(face):
    gray = face[..., 0]
    alpha = np.linspace(0, 255, gray.size).astype(np.uint8).reshape(gray.shape)
    soft = np.asarray(Image.fromarray(alpha).resize((72, 88), Image.Resampling.BICUBIC))
    pixels = enlarge_picture(Nearest(), read_picture(gray))
    np.testing.assert_array_equal(pixels, nearest(gray))
    pixels = enlarge_picture(Nearest(), read_picture(np.dstack([face, alpha])))
    np.testing.assert_array_equal(pixels, np.dstack([nearest(face), soft]))
    pixels = enlarge_picture(Nearest(), read_picture(Image.fromarray(np.dstack([gray, alpha]), "LA")))
    np.testing.assert_array_equal(pixels, np.dstack([nearest(gray)] * 3 + [soft]))


def test_samples_differ_are_repeatable_and_follow_the_seed(face):
    model, picture = Noisy(), read_picture(face)
    first, again, other = (np.stack(sample_picture(model, picture, 3, seed)) for seed in (7, 7, 8))
    assert first.shape == (3, 88, 72, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and (first[0] != first[1]).any()


def test_a_traverse_leads_from_one_sample_to_the_next_and_the_deviation_is_that_of_the_samples(face):
    model, picture = Noisy(size_multiple=16), read_picture(face)
    steps = traverse_picture(model, picture, 3, seed=7)
    samples = np.stack(sample_picture(model, picture, 5, seed=7))
    first, second = sample_picture(model, picture, 2, seed=7)
    np.testing.assert_array_equal([steps[0], steps[-1]], [first, second])
    inside = (first > 0) & (first < 255) & (second > 0) & (second < 255)
    assert np.abs(steps[1][inside] - (first.astype(int) + second)[inside] / 2).max() <= 1
    deviation = picture_deviation(model, picture, 5, seed=7)
    assert deviation.shape == (88, 72)
    unclipped = ((samples > 0) & (samples < 255)).all(axis=(0, -1))
    np.testing.assert_allclose(deviation[unclipped], samples.std(axis=0).mean(axis=-1)[unclipped] / 255, atol=2 / 255)


def test_samples_of_a_padded_picture_are_cropped(face):
    assert sample_picture(Noisy(size_multiple=16), read_picture(face), 2)[1].shape == (88, 72, 3)


def test_a_picture_too_large_to_sample_is_refused_by_name():
    with pytest.raises(ImageError, match="array: 300x200 pixels are too many to sample"):
        sample_picture(Noisy(), read_picture(np.zeros((200, 300, 3), np.uint8)), 2)


def test_a_name_another_network_or_one_without_samples_is_refused_in_one_line(face):
    with pytest.raises(CallError, match=r"^'sam' is no network that enlarges pictures: give one, such as load\('sam'\)$"):
        upscale("sam", face)
    with pytest.raises(CallError, match="^a Sequential is no network"):
        enlarge_picture(keras.Sequential(), read_picture(face))
    with pytest.raises(CallError, match="^Nearest has one answer for each face"):
        sample_picture(Nearest(scale=4), read_picture(face), 2)
    with pytest.raises(ExportError, match="^'sam' is no network that enlarges pictures: give one"):
        fsr.export("sam", "sam.tflite")


def test_what_is_not_read_yet_is_no_picture():
    for call in (lambda: enlarge_picture(Nearest(), "face.png"), lambda: sample_picture(Noisy(), "face.png", 2)):
        with pytest.raises(CallError, match="^a str is no Picture: data.images.read_picture makes one"):
            call()


@pytest.mark.parametrize("number", [-1, 1.5, "2"])
def test_a_number_of_samples_steps_or_pixels_that_is_none_is_refused_in_one_line(face, number):
    noisy, unit = Noisy(), face[None] / np.float32(255)
    for call in (
        lambda: noisy.sample(unit, number),
        lambda: noisy.pixel_deviation(unit, number),
        lambda: noisy.traverse(unit, number),
        lambda: upscale(noisy, face, tile=number),
        lambda: fsr.compare(face, {"noisy": noisy}, samples=number),
        lambda: fsr.compare(face, {"noisy": noisy}, seed=number),
        lambda: fsr.restore_photo(face, samples=number),
        lambda: Protocol(number),
    ):
        with pytest.raises(CallError, match=rf"must be a whole number from \d on, not {number!r}$"):
            call()
    with pytest.raises(ImageError, match="give images"):
        noisy.sample(unit[:0], 2)


def test_a_network_is_a_method_of_the_protocol(face, monkeypatch):
    method = KerasMethod(Noisy())
    batch = np.stack([face, face[::-1]])
    assert method.is_stochastic
    np.testing.assert_array_equal(method.upscale_batch(batch)[1], nearest(face[::-1]))
    samples = method.sample_batch(batch, 3, seeds=(4, 5))
    assert samples.shape == (3, 2, 88, 72, 3) and samples.dtype == np.uint8
    monkeypatch.setattr(tiles, "PASS_PIXELS", 3 * 88 * 72)  # one picture at a time
    np.testing.assert_array_equal(method.sample_batch(batch, 3, seeds=(4, 5)), samples)
    np.testing.assert_array_equal(method.sample_batch(batch[1:], 3, seeds=[5])[:, 0], samples[:, 1])
    independent = KerasMethod(Noisy(), independent=True).sample_batch(batch, 3, seeds=(4, 5))
    drawn = Noisy().sample(to_unit(batch), 3, (4, 5), independent=True)
    np.testing.assert_array_equal(independent, to_uint8(keras.ops.convert_to_numpy(drawn)))
    assert not np.array_equal(independent, samples)
    assert not KerasMethod(Nearest()).is_stochastic


@pytest.mark.parametrize("name, framing", [("sam", "utkface"), ("varsr", "celeba")])
def test_released_models_beat_bicubic_on_the_demonstration_face_framed_as_they_know_faces(name, framing):
    preset = presets.find(name)
    assert preset.framing == framing
    _, figures = demonstrate(fsr.load(name), name, preset.hr_size, preset.framing)
    assert figures["gain_db"] > 1
