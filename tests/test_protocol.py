import io
import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from skimage.color import rgb2ycbcr
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from keras_facesr.data.degrade import degrade
from keras_facesr.data.framing import FRAMINGS, face_region, square
from keras_facesr.errors import FacesrError, ImageError
from keras_facesr.metrics.fidelity import ms_ssim, psnr
from keras_facesr.metrics.perceptual import Gaussian, feature_distance, frechet_distance, identity_distance
from keras_facesr.metrics.protocol import BATCH, Protocol, evaluate
from keras_facesr.metrics.report import format_table, in_one_line
from keras_facesr.metrics.sharpness import detail_energy, sharpness
from keras_facesr.metrics.stochastic import best_of, consistency, deviation, digits_read, diversity
from keras_facesr.metrics.unpaired import evaluate_unpaired


@pytest.fixture(scope="module")
def pictures():
    """Pictures of three shapes, upright, lying and square: uint8 RGB."""
    photo = astronaut()
    return [photo[60:238, 150:300], photo[200:360, 40:300], photo[60:260, 130:330], photo[300:500, 100:300]]


class Flat:
    """Repeats every input pixel; its samples differ in brightness, by the seed."""

    is_stochastic = True

    def __init__(self, scale):
        self.scale = scale
        self.batch_sizes = []
        self.seeds = []

    def upscale_batch(self, lr):
        self.batch_sizes.append(len(lr))
        return lr.repeat(self.scale, 1).repeat(self.scale, 2)

    def sample_batch(self, lr, n, seeds):
        self.seeds += seeds
        shifts = [np.random.default_rng(seed).integers(0, 20, (n, 1, 1, 1), dtype=np.uint8) for seed in seeds]
        return (lr // 2).repeat(self.scale, 1).repeat(self.scale, 2) + np.stack(shifts, axis=1)


class Deterministic:
    """A method that says nothing about being stochastic."""

    def __init__(self, scale):
        self.upscale_batch = Flat(scale).upscale_batch


def distance_of_sets(a, b):
    return frechet_distance(Gaussian().add(a), Gaussian().add(b))


def bicubic_row_by_pillow_and_scikit_image(pictures, scale, hr_size, colour):
    """The protocol written out once more, without a line of the package."""
    figures = []
    for picture in pictures:
        image = Image.fromarray(picture)
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
        hr = image.resize((hr_size, hr_size), Image.Resampling.BICUBIC)
        lr = hr.resize((hr_size // scale, hr_size // scale), Image.Resampling.BICUBIC)
        a, b = np.asarray(lr.resize(hr.size, Image.Resampling.BICUBIC)), np.asarray(hr)
        if colour == "luma":
            a, b = rgb2ycbcr(a)[..., 0], rgb2ycbcr(b)[..., 0]
        window = dict(gaussian_weights=True, sigma=1.5, win_size=11, use_sample_covariance=False)
        channels = 2 if colour == "rgb" else None
        similarity = structural_similarity(a, b, data_range=255, channel_axis=channels, **window)
        figures.append((peak_signal_noise_ratio(b, a, data_range=255), similarity))
    return np.mean(figures, axis=0)


@pytest.mark.parametrize("colour", ["rgb", "luma"])
@pytest.mark.parametrize("scale", [4, 8, 16])
def test_bicubic_row_agrees_with_an_independent_computation(pictures, scale, colour):
    row = evaluate({}, pictures, Protocol(scale, 128, colour))["models"]["bicubic"]
    psnr, ssim = bicubic_row_by_pillow_and_scikit_image(pictures, scale, 128, colour)
    assert row["psnr"] == pytest.approx(psnr, abs=0.01)
    assert row["ssim"] == pytest.approx(ssim, abs=1e-4)


def test_pair_has_the_hr_size_and_one_scale_th_of_it(pictures):
    lr, hr = Protocol(8, 64).pair(pictures[0])
    assert (lr.shape, lr.dtype, hr.shape, hr.dtype) == ((8, 8, 3), np.uint8, (64, 64, 3), np.uint8)


def test_native_size_keeps_the_pixels_and_cuts_to_a_multiple_about_the_centre():
    photo = astronaut()[:103, :131]
    lr, hr = Protocol(8).pair(photo)
    assert lr.shape == (12, 12, 3)
    np.testing.assert_array_equal(hr, photo[3:99, 17:113])


def test_celeba_pictures_lose_20_rows_above_and_below():
    rows = np.repeat(np.arange(218, dtype=np.uint8)[:, None, None], 178, 1).repeat(3, 2)
    _, hr = Protocol(2).pair(rows)
    assert hr.shape == (178, 178, 3)
    assert (hr[0, 0, 0], hr[-1, 0, 0]) == (20, 197)


def test_a_native_picture_too_small_to_measure_on_is_refused_by_its_size():
    with pytest.raises(ImageError, match="40x15 pixels"):
        Protocol(8).pair(np.zeros((15, 40, 3), np.uint8))


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ((1,), "scale"),
        ((8, 100), "multiple of the scale 8"),
        ((4, 2), "multiple of the scale 4"),
        ((4, (16, 10)), "multiple of the scale 4"),
        ((4, 64.0), "^the HR size must be a whole number, or .* not 64.0$"),
        ((4, (64,)), "^the HR size must be a whole number"),
        ((4, "64"), "^the HR size must be a whole number"),
        ((8, 128, "yuv"), "rgb or luma"),
    ],
)
def test_impossible_protocols_are_refused(arguments, reason):
    with pytest.raises(FacesrError, match=reason):
        Protocol(*arguments)


def test_description_names_everything_that_moves_a_figure():
    told = Protocol(8, 128, "luma").describe()
    assert (told["scale"], told["hr_size"], told["colour"]) == (8, 128, "BT.601 luma")
    assert {"degradation", "crop", "rounding", "psnr", "ssim", "ms_ssim", "average"} <= told.keys()
    assert "11x11 Gaussian" in told["ssim"]
    assert Protocol(4).describe()["hr_size"] == "native"
    assert json.dumps(Protocol(4, np.int64(64)).describe()) == json.dumps(Protocol(4, 64).describe())


def test_description_says_how_ms_ssim_is_computed_or_that_pictures_are_too_small():
    assert "5 scales" in Protocol(8, 176, "luma").describe()["ms_ssim"]
    assert Protocol(8, 168).describe()["ms_ssim"] == "not measured, a true picture is under 176 pixels a side"
    assert "if all true pictures have 176 pixels a side" in Protocol(8).describe()["ms_ssim"]


@pytest.mark.parametrize("colour", ["rgb", "luma"])
def test_every_row_has_the_mean_ms_ssim_where_the_pictures_are_large_enough(pictures, colour):
    protocol = Protocol(8, 176, colour)
    report = evaluate({"flat": Flat(8)}, pictures, protocol)
    pairs = [protocol.pair(picture) for picture in pictures]
    expected = np.mean([ms_ssim(Flat(8).upscale_batch(lr[None])[0], hr, colour) for lr, hr in pairs])
    assert report["models"]["flat"]["ms_ssim"] == pytest.approx(expected)
    assert report["models"]["bicubic"].keys() == {"psnr", "ssim", "ms_ssim", "sharpness", "detail"}
    assert report["protocol"] == protocol.describe()
    assert "ms_ssim" not in evaluate({}, pictures, Protocol(8, 128))["models"]["bicubic"]


@pytest.mark.parametrize("order", [1, -1])
def test_ms_ssim_of_native_pictures_is_given_for_all_of_them_or_not_at_all(pictures, order):
    large = evaluate({}, pictures[2:], Protocol(8))  # both of 200 pixels
    assert large["models"]["bicubic"].keys() == {"psnr", "ssim", "ms_ssim", "sharpness", "detail"}
    assert "5 scales" in large["protocol"]["ms_ssim"]
    mixed = evaluate({}, pictures[1:][::order], Protocol(8))  # one of 160 pixels among them
    assert mixed["models"]["bicubic"].keys() == {"psnr", "ssim", "sharpness", "detail"}
    assert mixed["protocol"]["ms_ssim"] == "not measured, a true picture is under 176 pixels a side"


def test_report_is_json_with_bicubic_first_and_means_over_images(pictures):
    methods, protocol = {"flat": Flat(8)}, Protocol(8, 128)
    report = evaluate(methods, pictures, protocol)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert list(report["models"]) == ["bicubic", "flat"]
    assert (report["images"], report["enlarged"]) == (4, 0)
    single = [evaluate(methods, [picture], protocol)["models"]["flat"] for picture in pictures]
    for figure in ("psnr", "ssim"):
        assert report["models"]["flat"][figure] == pytest.approx(np.mean([row[figure] for row in single]))


def test_without_samples_stochastic_methods_have_the_same_columns_as_others(pictures):
    rows = evaluate({"flat": Flat(8)}, pictures[:1], Protocol(8, 64))["models"]
    assert rows["flat"].keys() == rows["bicubic"].keys() == {"psnr", "ssim", "sharpness", "detail"}


def test_without_antialiasing_pairs_and_consistency_are_of_the_narrow_kernel(pictures):
    tf = pytest.importorskip("tensorflow")
    reduced = lambda images: np.clip(np.rint(tf.image.resize(images, (8, 8), "bicubic")), 0, 255)  # noqa: E731
    report = evaluate({"plain": Deterministic(8)}, pictures, Protocol(8, 64, antialias=False), samples=2)
    hr = np.stack([Protocol(8, 64).pair(picture)[1] for picture in pictures])
    sr = reduced(hr).astype(np.uint8).repeat(8, 1).repeat(8, 2)
    row = report["models"]["plain"]
    assert row["psnr"] == pytest.approx(np.mean([peak_signal_noise_ratio(*pair) for pair in zip(hr, sr)]))
    assert row["consistency"] == pytest.approx(np.abs(reduced(sr) - reduced(hr)).mean())
    assert "bicubic without antialiasing (a = -0.5)" in in_one_line(report)


def test_samples_add_the_means_of_the_stochastic_figures_for_stochastic_methods_only(pictures):
    protocol = Protocol(8, 64)
    face = FRAMINGS["utkface"]
    report = evaluate({"flat": Flat(8), "plain": Deterministic(8)}, pictures, protocol, samples=3, seed=5, face=face)
    expected = []
    for i, picture in enumerate(pictures):
        lr, hr = protocol.pair(picture)
        samples = Flat(8).sample_batch(lr[None], 3, [5 + i])[:, 0]
        figures = {**best_of(samples, hr), "diversity": diversity(samples), "consistency": consistency(samples, lr, 8)}
        figures["diversity_face"] = deviation(samples, face_region(face, 64, 64))
        expected.append(figures)
    row = report["models"]["flat"]
    of_sets = {"sharpness", "detail", "sharpness_sample", "detail_sample"}
    assert row.keys() == {"psnr", "ssim", "ssim_of_best_psnr", *expected[0], *of_sets}
    for name in expected[0]:
        assert row[name] == pytest.approx(np.mean([figures[name] for figures in expected])), name
    assert report["models"]["plain"].keys() == {"psnr", "ssim", "sharpness", "detail", "consistency"}
    assert (report["protocol"]["samples"], report["protocol"]["seed"]) == (3, 5)


def test_detail_is_that_of_all_pictures_together_for_answers_and_for_first_samples(pictures):
    protocol = Protocol(4)  # of three sizes, in three batches
    row = evaluate({"flat": Flat(4)}, pictures, protocol, samples=2, seed=5)["models"]["flat"]
    pairs = [protocol.pair(picture) for picture in pictures]
    firsts = [Flat(4).sample_batch(lr[None], 2, [5 + i])[0, 0] for i, (lr, _) in enumerate(pairs)]
    total = lambda images: np.sum([detail_energy(image, 4) for image in images], axis=0)  # noqa: E731
    truths = total(hr for _, hr in pairs)
    expected = sharpness(total(Flat(4).upscale_batch(lr[None])[0] for lr, _ in pairs), truths)
    assert [row["sharpness"], *row["detail"]] == pytest.approx([expected["sharpness"], *expected["detail"]])
    expected = sharpness(total(firsts), truths)
    assert [row["sharpness_sample"], *row["detail_sample"]] == pytest.approx([expected["sharpness"], *expected["detail"]])


class Eye:
    """A judge that sees the picture itself, and its mean colour."""

    name = "eye"

    def see(self, images):
        pixels = images.astype(float) / 255 + 0.1
        return [pixels], pixels.mean(axis=(1, 2))


class FineEye(Eye):
    """One that sees edges too."""

    def see(self, images):
        maps, colours = super().see(images)
        return [*maps, np.diff(maps[0], axis=1) ** 2], colours


def test_a_judge_adds_distances_of_what_it_sees(pictures):
    protocol = Protocol(8, 64)
    report = evaluate({"flat": Flat(8)}, pictures, protocol, samples=3, seed=5, judge=FineEye())
    assert report["protocol"]["judge"] == "eye"
    lrs, hrs = (np.stack(images) for images in zip(*(protocol.pair(picture) for picture in pictures)))
    (*maps, edges), embeddings = FineEye().see(Flat(8).upscale_batch(lrs))
    (*true_maps, true_edges), true_embeddings = FineEye().see(hrs)
    row = report["models"]["flat"]
    assert row["features"] == pytest.approx(feature_distance([*maps, edges], [*true_maps, true_edges]).mean())
    assert row["identity"] == pytest.approx(identity_distance(embeddings, true_embeddings).mean())
    assert row["frechet"] == pytest.approx(distance_of_sets(embeddings, true_embeddings))
    assert row["textures"] == pytest.approx(distance_of_sets(edges.mean(axis=(1, 2)), true_edges.mean(axis=(1, 2))))
    best, apart, firsts = [], [], []
    for i, (lr, hr) in enumerate(zip(lrs, hrs)):
        looks = [FineEye().see(sample) for sample in Flat(8).sample_batch(lr[None], 3, [5 + i])]
        true, _ = FineEye().see(hr[None])
        best.append(min(feature_distance(maps, true)[0] for maps, _ in looks))
        apart += [feature_distance(a, b)[0] for (a, _), (b, _) in combinations(looks, 2)]
        firsts.append(looks[0][1][0])
    assert row["frechet_sample"] == pytest.approx(distance_of_sets(np.stack(firsts), true_embeddings))
    assert row["features_best"] == pytest.approx(np.mean(best)) and row["features_diversity"] == pytest.approx(np.mean(apart))
    assert {"features", "identity", "textures", "frechet", "consistency"} < report["models"]["bicubic"].keys()
    assert not {"features_best", "frechet_sample"} & report["models"]["bicubic"].keys()
    alone = evaluate({}, pictures[:1], protocol, judge=FineEye())["models"]["bicubic"]
    assert "features" in alone and "frechet" not in alone  # one image has no covariance


class Apart:
    """In LPIPS' place: the mean absolute difference."""

    about = "of pixels"

    def distance(self, images_a, images_b):
        return np.abs(images_a.astype(float) - images_b).mean(axis=(1, 2, 3)) / 255


class Colours:
    """In the place of FID's Inception: the mean colour."""

    def embed(self, images):
        return images.mean(axis=(1, 2)) / 255


def test_lpips_and_fid_are_measured_by_what_is_given_for_them(pictures):
    protocol = Protocol(8, 64)
    report = evaluate({"flat": Flat(8)}, pictures, protocol, samples=3, seed=5, lpips=Apart(), inception=Colours())
    lrs, hrs = (np.stack(images) for images in zip(*(protocol.pair(picture) for picture in pictures)))
    answers = Flat(8).upscale_batch(lrs)
    row = report["models"]["flat"]
    assert row["lpips"] == pytest.approx(Apart().distance(answers, hrs).mean())
    assert row["fid"] == pytest.approx(distance_of_sets(Colours().embed(answers), Colours().embed(hrs)))
    best, apart, firsts = [], [], []
    for i, (lr, hr) in enumerate(zip(lrs, hrs)):
        samples = Flat(8).sample_batch(lr[None], 3, [5 + i])[:, 0]
        best.append(min(Apart().distance(samples, hr[None])))
        apart += [Apart().distance(a[None], b[None])[0] for a, b in combinations(samples, 2)]
        firsts.append(samples[0])
    assert row["fid_sample"] == pytest.approx(distance_of_sets(Colours().embed(np.stack(firsts)), Colours().embed(hrs)))
    assert row["lpips_best"] == pytest.approx(np.mean(best)) and row["lpips_diversity"] == pytest.approx(np.mean(apart))
    assert {"lpips", "fid"} < report["models"]["bicubic"].keys() and "LPIPS: of pixels" in in_one_line(report)


@pytest.mark.parametrize("samples", [1, 20])
def test_lpips_sees_no_more_pictures_at_once_than_there_are_samples_or_a_batch_has(samples, pictures):
    class Counted(Apart):
        def distance(self, images_a, images_b):
            assert len(images_b) <= max(samples, BATCH)  # all pairs of 20 are 190
            return super().distance(images_a, images_b)

    row = evaluate({"flat": Flat(8)}, pictures[:1], Protocol(8, 64), samples=samples, lpips=Counted())["models"]["flat"]
    assert (row["lpips_diversity"] > 0) == (samples > 1)


class Darkened:
    """A degradation: bicubic reduction, darker by as many levels as the seed says."""

    name = "darkened"

    def reduce(self, hr, seeds):
        return degrade(hr, 8) // 2 + np.array(seeds, np.uint8)[:, None, None, None]


def test_a_degradation_takes_the_place_of_bicubic_reduction_with_a_seed_for_each_picture(pictures):
    protocol = Protocol(8, 64)
    report = evaluate({"flat": Flat(8)}, pictures, protocol, seed=7, degradation=Darkened())
    pairs = [protocol.pair(picture) for picture in pictures]
    spoilt = [lr // 2 + np.uint8(7 + i) for i, (lr, _) in enumerate(pairs)]
    expected = [psnr(lr.repeat(8, 0).repeat(8, 1), hr) for lr, (_, hr) in zip(spoilt, pairs)]
    assert report["models"]["flat"]["psnr"] == pytest.approx(np.mean(expected))
    assert report["protocol"]["degradation"] == "darkened, seed 7"


@pytest.mark.parametrize(
    "methods, picture, how, reason",
    [
        ({"flat": "sam"}, astronaut(), {}, "^methods must be a dict of name -> object with upscale_batch"),
        ([Flat(8)], astronaut(), {}, "^methods must be a dict"),
        ({"flat": Flat(8)}, "face.png", {}, r"^pictures to measure on are uint8 \(H, W, 3\), .* not a str$"),
        ({"flat": Flat(8)}, astronaut() / 255, {}, r"not float64 \(512, 512, 3\)$"),
        ({"flat": Flat(8)}, astronaut()[..., 0], {}, r"not uint8 \(512, 512\)$"),
        ({"flat": Flat(8)}, astronaut(), {"samples": 1.5}, "^samples must be a whole number from 0 on"),
        ({"flat": Flat(8)}, astronaut(), {"seed": None}, "^seed must be a whole number from 0 on"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(methods, picture, how, reason):
    with pytest.raises(FacesrError, match=reason):
        evaluate(methods, [picture], Protocol(8, 64), **how)


def test_real_small_faces_are_judged_beside_clean_ones_as_sets(pictures):
    clean = np.stack([Protocol(8, 64).pair(picture)[1] for picture in pictures])
    small = degrade(clean[::-1], 8)[:3] // 2
    report = evaluate_unpaired({"flat": Flat(8)}, small, clean, 8, FineEye())
    enlarged = small.repeat(8, 1).repeat(8, 2)
    ((_, edges), colours), ((_, true_edges), true_colours) = (FineEye().see(images) for images in (enlarged, clean))
    textures = pytest.approx(distance_of_sets(edges.mean(axis=(1, 2)), true_edges.mean(axis=(1, 2))))
    faces = pytest.approx(distance_of_sets(colours, true_colours))
    assert report["models"]["flat"] == {"textures": textures, "frechet": faces}
    with_fid = evaluate_unpaired({"flat": Flat(8)}, small, clean, 8, FineEye(), inception=Colours())
    fid = pytest.approx(distance_of_sets(Colours().embed(enlarged), Colours().embed(clean)))
    assert with_fid["models"]["flat"] == {"textures": textures, "frechet": faces, "fid": fid}
    assert list(report["models"]) == ["bicubic", "flat"] and report["images"] == 3
    assert {"lr_size": [8, 8], "clean": 4, "judge": "eye"}.items() <= report["protocol"].items()
    assert json.loads(json.dumps(report)) == report
    text = as_text(format_table(report))
    assert "Fré-" in text and "PSNR" not in text and text.rstrip().endswith("not FID")
    report["protocol"]["ensemble"] = "means"
    assert in_one_line(report).endswith("not FID; answers: means")
    with pytest.raises(FacesrError, match="two of each"):
        evaluate_unpaired({}, small[:1], clean, 8, Eye())
    with pytest.raises(FacesrError, match="clean faces are"):
        evaluate_unpaired({}, small, clean, 4, Eye())


def test_pictures_too_small_for_ssim_are_measured_by_psnr_alone(pictures):
    report = evaluate({"flat": Flat(4)}, pictures, Protocol(4, (16, 8)), samples=2)
    of_sets = {"sharpness", "detail", "sharpness_sample", "detail_sample"}
    assert report["models"]["flat"].keys() == {"psnr", "psnr_best", "diversity", "consistency", *of_sets}
    assert report["protocol"]["ssim"] == "not measured, a true picture is under 11 pixels a side"
    assert "HR 16x8 pixels" in as_text(format_table(report)) and "its SSIM" not in as_text(format_table(report))
    lr, hr = Protocol(4, (16, 8)).pair(pictures[0])
    assert (lr.shape, hr.shape) == ((4, 2, 3), (16, 8, 3))


class Brightness:
    """Reads a digit off the mean level: 0 to 25 is a zero, 26 to 51 a one, and so on."""

    name = "brightness"

    def read(self, images):
        return np.eye(10)[(images.mean(axis=(1, 2, 3)) // 25.6).astype(int)]


def test_a_reader_adds_how_digits_are_read_in_the_answers_and_in_the_truth():
    pictures = [np.full((24, 24, 3), level, np.uint8) for level in (10, 40, 70, 230)]
    methods = {"flat": Flat(4), "plain": Deterministic(4)}
    how = {"samples": 6, "seed": 1, "reader": Brightness(), "labels": [0, 1, 2, 7]}
    report = evaluate(methods, pictures, Protocol(4, 24), **how)
    assert report["models"]["plain"]["digits_best"] == report["models"]["plain"]["digits_mean"] == 0.75  # 230 is an eight
    samples = np.stack(
        [Flat(4).sample_batch(np.full((1, 6, 6, 3), p[0, 0, 0]), 6, [1 + i])[:, 0] for i, p in enumerate(pictures)]
    )
    read = np.stack([Brightness().read(of_one) for of_one in samples], axis=1)  # (6, 4, 10)
    expected = digits_read(read, np.array([0, 1, 2, 7]))
    assert {name: report["models"]["flat"][name] for name in expected} == expected
    assert len(expected["digits_distinct"]) > 1
    assert (report["protocol"]["reader"], report["protocol"]["truth_read"]) == ("brightness", 0.75)
    text = as_text(format_table(report))
    assert "75.0%" in text and "flat shows 1 in" in text and "reads 75.0% of the true ones" in text


def test_pictures_of_one_size_go_through_a_method_in_batches_and_others_by_themselves(pictures):
    flat = Flat(8)
    evaluate({"flat": flat}, [pictures[0]] * (BATCH + 1), Protocol(8, 16))
    assert flat.batch_sizes == [BATCH, 1]
    flat = Flat(8)
    evaluate({"flat": flat}, pictures, Protocol(8))  # sides of 144, 160, 200 and 200 pixels
    assert flat.batch_sizes == [1, 1, 2]


def test_every_picture_is_sampled_with_a_seed_of_its_own_whatever_its_batch(pictures):
    flat = Flat(8)
    evaluate({"flat": flat}, pictures, Protocol(8), samples=2, seed=10)
    assert flat.seeds == [10, 11, 12, 13]


def test_progress_is_told_after_each_picture(pictures):
    told = []
    evaluate({}, pictures, Protocol(8, 64), on_image=told.append)
    assert told == [1, 2, 3, 4]


def test_a_black_picture_counts_as_100_db_and_leaves_the_mean_finite(pictures):
    black = np.zeros((64, 64, 3), np.uint8)
    alone = evaluate({}, pictures[:1], Protocol(8, 64))["models"]["bicubic"]["psnr"]
    row = evaluate({}, [black, pictures[0]], Protocol(8, 64))["models"]["bicubic"]
    assert row["psnr"] == pytest.approx((100 + alone) / 2)
    assert math.isfinite(row["psnr"])


def test_pictures_smaller_than_the_hr_size_are_counted(pictures):
    report = evaluate({}, [pictures[0], pictures[0][:60, :60]], Protocol(8, 128))
    assert report["enlarged"] == 1
    assert "1 enlarged" in as_text(format_table(report))


@pytest.mark.parametrize("hr_size", [(192, 64), (64, 192)])
def test_a_high_or_wide_truth_is_enlarged_and_has_ms_ssim_by_both_its_sides(hr_size, pictures):
    report = evaluate({}, pictures, Protocol(8, hr_size))  # of 150, 160, 200 and 200 pixels
    assert report["enlarged"] == 2 and "ms_ssim" not in report["models"]["bicubic"]
    assert report["protocol"]["ms_ssim"] == "not measured, a true picture is under 176 pixels a side"


def test_pictures_of_which_less_than_the_hr_size_is_cut_are_counted(pictures):
    """CelebA has 178 pixels a side, of which UTKFace's framing takes 101."""
    cut = square("utkface", within="celeba")
    celeba = np.resize(pictures[0], (218, 178, 3))
    assert [evaluate({}, [celeba], Protocol(4, side, square=cut))["enlarged"] for side in (100, 104)] == [0, 1]
    text = (Path(__file__).parents[1] / "docs" / "measuring.md").read_text()
    sides = {name: int(side * square("utkface", within=name)[2]) for name, side in (("celeba", 178), ("lfw", 250))}
    assert "CelebA has {celeba} pixels a side, one of LFW {lfw}".format(**sides) in text


def test_a_method_of_another_scale_is_refused_by_name(pictures):
    with pytest.raises(FacesrError, match="flat makes .* another scale"):
        evaluate({"flat": Flat(4)}, pictures, Protocol(8, 64))


def test_the_reference_row_cannot_be_replaced(pictures):
    with pytest.raises(FacesrError, match="bicubic"):
        evaluate({"bicubic": Flat(8)}, pictures, Protocol(8, 64))


def test_a_method_may_be_called_truth(pictures):
    reports = [evaluate({name: Flat(8)}, pictures, Protocol(8, 64), judge=FineEye()) for name in ("flat", "truth")]
    assert reports[0]["models"]["flat"] == reports[1]["models"]["truth"]


def test_no_pictures_are_no_report():
    with pytest.raises(FacesrError, match="no picture"):
        evaluate({}, [], Protocol(8, 64))


def as_text(table, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return " ".join(console.file.getvalue().split())


def test_table_shows_figures_gains_and_the_protocol_whole_on_80_columns(pictures):
    report = evaluate({"sam_small_x8_utkface": Flat(8)}, pictures, Protocol(8, 128), samples=2)
    bicubic, flat = report["models"].values()
    text = as_text(format_table(report))
    sharp = f"{flat['sharpness']:.3f} " + " ".join(f"{octave:.2f}" for octave in flat["detail"])
    best = f"{flat['psnr_best']:.2f} {flat['ssim_of_best_psnr']:.4f} {flat['ssim_best']:.4f}"
    spread = f"{flat['diversity']:.2f} {flat['consistency']:.2f}"
    gain = flat["psnr"] - bicubic["psnr"]
    assert f"bicubic {bicubic['psnr']:.2f} +0.00 {bicubic['ssim']:.4f}" in text
    assert f"sam_small_x8_utkface {flat['psnr']:.2f} {gain:+.2f} {flat['ssim']:.4f} {sharp}" in text
    assert f"bicubic {bicubic['consistency']:.2f} sam_small_x8_utkface {best} {spread}" in text
    assert f"coarse to fine sam_small_x8_utkface {flat['sharpness_sample']:.3f}" in text  # bicubic has none, and no row
    assert "x8; HR 128x128 pixels; 4 images; RGB; " in text
    assert "11x11 Gaussian window" in text
    assert "sharpness: energy of the luma's detail in octaves of 16-8, 8-4, 4-2 pixels" in text
    assert "best of 2 samples, drawn together, seed 0; its SSIM: of the sample with the best PSNR; best SSIM: " in text


def test_table_has_no_columns_for_figures_that_nobody_asked_for(pictures):
    text = as_text(format_table(evaluate({}, pictures, Protocol(8, 64))))
    assert "SSIM" in text
    assert "diversity" not in text
    assert "MS-" not in text.split("x8; HR")[0]
    assert "MS-SSIM: not measured" in text


def test_table_shows_names_as_they_are(pictures):
    text = as_text(format_table(evaluate({"mine[x4]": Flat(8), "[/b]": Flat(8)}, pictures[:1], Protocol(8, 64))))
    assert "mine[x4]" in text and "[/b]" in text


def test_table_tells_runs_apart_whose_paths_differ_in_their_ends(pictures):
    names = [f"/home/someone/experiments/super_resolution/faces/runs/sam_small_x8_utkface_seed{k}" for k in (1, 2)]
    text = as_text(format_table(evaluate({name: Flat(8) for name in names}, pictures[:1], Protocol(8, 64))))
    assert "…" not in text  # the names go on in further lines


def test_table_shows_ms_ssim_beside_ssim_and_names_whole_on_80_columns(pictures):
    report = evaluate({"sam_small_x8_utkface": Flat(8)}, pictures[:1], Protocol(8, 176), samples=2)
    row = report["models"]["sam_small_x8_utkface"]
    text = as_text(format_table(report))
    assert f"{row['ssim']:.4f} {row['ms_ssim']:.4f} {row['sharpness']:.3f}" in text
    assert "sam_small_x8_utkface" in text
    assert "MS-SSIM: 5 scales" in text
