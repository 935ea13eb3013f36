"""Blind degradations: each link beside its closed form, and what a chain keeps."""

import dataclasses
import io
import pathlib

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.data import astronaut

from keras_facesr.data import blind as links
from keras_facesr.data.blind import BLIND, CHAINS, HELD_OUT, Blind, Pass, blind, with_light_of
from keras_facesr.data.degrade import degrade
from keras_facesr.data.pipeline import PairStream
from keras_facesr.errors import FacesrError
from keras_facesr.metrics.fidelity import light_kept
from keras_facesr.metrics.protocol import Protocol, evaluate

FACE = np.ascontiguousarray(astronaut()[:160, 150:310])
FLAT = np.full((256, 256, 3), 128, np.uint8)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", links.KERNELS)
def test_a_kernel_has_sum_one_and_its_centre_in_the_middle(name):
    for seed in range(10):
        kernel = links.KERNELS[name](rng(seed).uniform(0.2, 4), rng(seed))
        y, x = np.indices(kernel.shape) - len(kernel) // 2
        assert kernel.sum() == pytest.approx(1) and kernel.shape == kernel.T.shape
        assert (kernel * y).sum() == pytest.approx(0, abs=1e-9) and (kernel * x).sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name, tolerance", [("isotropic", 0.03), ("disc", 0.03), ("motion", 0.05), ("anisotropic", 0.03)])
def test_a_kernel_is_as_wide_along_its_wider_axis_as_it_is_told(name, tolerance):
    kernel = links.KERNELS[name](3.0, rng(1))
    places = np.stack(np.indices(kernel.shape)).reshape(2, -1) - len(kernel) // 2
    widest = np.linalg.eigvalsh(np.cov(places, aweights=kernel.ravel(), ddof=0))[-1]
    assert np.sqrt(widest) == pytest.approx(3.0, rel=tolerance)


def test_blur_by_a_round_gaussian_is_scipys():
    expected = ndimage.gaussian_filter(FACE.astype(float), (2, 2, 0), mode="reflect", truncate=3)
    assert (
        np.abs(links.blurred(FACE, links.KERNELS["isotropic"](2.0, rng())) - expected).max() < 1.5
    )  # a square, not separable cut


def test_aliased_bilinear_reads_between_the_four_nearest_pixels():
    for size in ((40, 56), (200, 170)):
        rows, columns = ((np.arange(new) + 0.5) * 160 / new - 0.5 for new in size)
        places = np.meshgrid(rows, columns, indexing="ij")
        expected = [ndimage.map_coordinates(FACE[..., c].astype(float), places, order=1, mode="nearest") for c in range(3)]
        assert np.abs(links.FILTERS["bilinear, aliased"](FACE, *size) - np.stack(expected, -1)).max() < 0.51


@pytest.mark.parametrize("name", links.NOISES)
def test_noise_has_mean_zero_and_deviation_one_at_middle_gray(name):
    noise = np.broadcast_to(links.NOISES[name](FLAT, rng()), FLAT.shape)
    assert np.abs(noise.mean((0, 1))).max() < 0.03 and noise.std((0, 1)) == pytest.approx(np.ones(3), rel=0.03)
    between_colours, between_pixels = np.corrcoef(noise.reshape(-1, 3).T)[0, 1], (noise[:, 1:] * noise[:, :-1]).mean()
    assert between_colours == pytest.approx(1 if name in ("gray", "grain") else 0, abs=0.02)
    assert between_pixels > 0.3 if name in ("sensor", "grain") else abs(between_pixels) < 0.02


def test_sensor_noise_follows_photons_through_gamma():
    """Simulated in linear light: Gaussian noise of variance light + dark, then gamma."""
    response, light = links._response(0.02), np.array([60, 128, 220]) / 255
    linear = (light**2.2)[:, None] + 1e-3 * np.sqrt(light**2.2 + 0.02)[:, None] * rng().standard_normal((3, 200_000))
    simulated = (linear ** (1 / 2.2)).std(1)
    assert response[[60, 128, 220]] == pytest.approx(simulated / simulated[1], rel=0.02)


@pytest.mark.parametrize("name", links.CODERS)
def test_coders_lose_more_at_lower_quality_wherever_their_grid_lies(name):
    lost = lambda quality: np.abs(links.packed(FACE, links.CODERS[name](quality), rng()).astype(int) - FACE).mean()  # noqa: E731
    assert 0.3 < lost(90) < lost(40) < 20
    answers = {links.packed(FACE, links.CODERS[name](40), rng(seed)).tobytes() for seed in range(4)}
    assert len(answers) == 4


def test_the_held_out_coder_writes_other_tables_than_the_training_ones():
    def tables(name, quality):
        file = io.BytesIO()
        Image.fromarray(FACE).save(file, **links.CODERS[name](quality))
        return [table for table in Image.open(file).quantization.values()]

    own = tables("jpeg, own tables", 50)
    assert all(own[0] != table for quality in range(1, 101) for table in tables("jpeg 4:4:4", quality))
    assert HELD_OUT.coders.keys().isdisjoint(BLIND.coders) and HELD_OUT.filters.keys().isdisjoint(BLIND.filters)


@pytest.mark.parametrize("chain", CHAINS)
def test_a_chain_is_a_function_of_its_generator_and_gives_exactly_the_small_size(chain):
    first, again, other = (blind(FACE, 4, rng(seed), CHAINS[chain]) for seed in (1, 1, 2))
    assert first.shape == (40, 40, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    alone = Blind(chain, 4).reduce(FACE[None], [2])[0]
    assert np.array_equal(alone, other) and np.array_equal(Blind(chain, 4).reduce(np.stack([FACE] * 2), [9, 2])[1], alone)
    with pytest.raises(FacesrError, match="do not divide"):
        blind(FACE[:159], 4, rng(), CHAINS[chain])


@pytest.mark.parametrize("chain", CHAINS)
def test_a_chain_keeps_the_light(chain):
    clean = degrade(FACE, 4)
    spoilt = [blind(FACE, 4, rng(seed), CHAINS[chain]) for seed in range(30)]
    assert np.abs(np.mean(spoilt, (0, 1, 2)) - clean.mean((0, 1))).max() < 0.7
    assert np.mean([light_kept(lr, clean)["light_kept"] for lr in spoilt]) > 0.9


def test_the_clean_share_is_the_bicubic_pair_bit_for_bit_in_any_part():
    clean = dataclasses.replace(BLIND, clean=1.0)
    for box in (None, (0, 0, 8, 8), (11, 7, 20, 9), (32, 32, 8, 8)):
        top, left, height, width = box or (0, 0, 40, 40)
        part = degrade(FACE, 4)[top : top + height, left : left + width]
        assert np.array_equal(blind(FACE, 4, rng(), clean, box), part)
    draws = rng()
    share = np.mean([np.array_equal(blind(FACE, 4, draws, box=(8, 8, 4, 4)), degrade(FACE, 4)[8:12, 8:12]) for _ in range(150)])
    assert share == pytest.approx(BLIND.clean, abs=0.08)


def test_what_is_drawn_lies_in_the_stated_ranges(monkeypatch):
    """Every link is replaced by one that writes down what it is asked for."""
    told = {"sigma": [], "size": [], "noise": [], "quality": []}
    each = Pass(blurred=1, sigma=(0.2, 0.8), size=(0.5, 2.0), noisy=1, noise=(2, 8), packed=1, quality=(40, 60))
    one = {"spy": 1.0}
    chain = dataclasses.replace(BLIND, clean=0.0, passes=(each,), kernels=one, filters=one, noises=one, coders=one)
    monkeypatch.setitem(links.KERNELS, "spy", lambda sigma, chance: told["sigma"].append(sigma / 4) or np.ones((1, 1)))
    monkeypatch.setitem(links.FILTERS, "spy", lambda image, h, w: told["size"].append(w / 40) or FLAT[:h, :w])
    monkeypatch.setitem(links.NOISES, "spy", lambda image, chance: np.ones((1, 1, 1), np.float32))
    monkeypatch.setitem(links.CODERS, "spy", lambda quality: told["quality"].append(quality) or quality)
    monkeypatch.setattr(links, "packed", lambda image, how, chance: told["noise"].append(int(image[0, 0, 0]) - 128) or image)
    draws = rng()
    for _ in range(150):
        blind(FACE, 4, draws, chain)
    bounds = {name: getattr(each, name) for name in told}
    for name, values in told.items():
        low, high = bounds[name]
        assert low - 0.02 <= min(values) < low + 0.2 * (high - low) and high - 0.2 * (high - low) < max(values) <= high + 0.02
    assert np.median(told["size"]) == pytest.approx(1.0, rel=0.1)  # log-uniform
    assert np.median(told["sigma"]) == pytest.approx(0.5, rel=0.1)


def test_a_stream_spoils_each_part_afresh_and_keeps_what_was_prepared_of_the_whole():
    hr = np.stack([FACE, FACE[::-1]])
    prepare = lambda lr: np.concatenate([lr, np.full_like(lr, 7)], -1)  # noqa: E731
    how = {"crop": 64, "augmentation": None, "prepare": prepare, "afresh": blind}
    stream, again = (PairStream([hr, hr], 4, 4, **how) for _ in range(2))
    assert stream.steps_per_epoch == 1  # four images: the set is given twice
    batches = [stream.batch(step)[0] for step in range(3)]
    assert batches[0].shape == (4, 16, 16, 6) and np.all(np.rint(batches[0][..., 3:] * 255) == 7)
    assert np.array_equal(again.batch(2)[0], batches[2])
    always = lambda hr, scale, chance, box, start: degrade(hr, scale)[box[0] : box[0] + box[2], box[1] : box[1] + box[3]]  # noqa: E731
    lr, truth = PairStream(hr, 4, 2, crop=64, afresh=always).batch(0)
    assert np.abs(lr[:, 2:-2, 2:-2] - degrade(np.rint(truth * 255).astype(np.uint8), 4)[:, 2:-2, 2:-2] / 255).max() < 1e-6
    whole, _ = PairStream(hr, 4, 2, afresh=blind).batch(0)
    assert whole.shape == (2, 40, 40, 3)


def test_a_learnt_start_takes_the_place_of_all_passes_but_the_last():
    start, box = rng(1).integers(0, 256, (40, 40, 3), np.uint8), (3, 10, 20, 16)
    chain = dataclasses.replace(BLIND, clean=0.0, learnt=1.0, passes=(*BLIND.passes[:2], Pass()))
    assert np.array_equal(blind(FACE, 4, rng(0), chain, box, start), start[3:23, 10:26])
    assert np.array_equal(blind(FACE, 4, rng(0), chain, start=start), start)
    assert not np.array_equal(blind(FACE, 4, rng(0), dataclasses.replace(chain, learnt=0.0), start=start), start)
    chain = dataclasses.replace(chain, learnt=0.25)
    taken = [np.array_equal(blind(FACE, 4, rng(k), chain, start=start), start) for k in range(200)]
    assert np.mean(taken) == pytest.approx(0.25, abs=0.1)
    hr = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (10, 90, 170)])
    made_of = lambda images: [degrade(images, 4) + shift for shift in (1, 2)]  # noqa: E731
    told = lambda hr, scale, chance, box, start: start[box[0] : box[0] + box[2], box[1] : box[1] + box[3]]  # noqa: E731
    stream = PairStream([hr, hr], 4, 6, crop=16, afresh=told, starts=made_of)
    lr, truth = (np.rint(images[:, 0, 0, 0] * 255) for images in stream.batch(0))
    assert {*(lr - truth)} == {1, 2}


def test_a_spoilt_image_in_the_light_of_the_clean_one_keeps_its_detail_alone():
    clean, detail = degrade(FACE, 4).astype(float), rng().normal(0, 3, (40, 40, 3))
    spoilt = (0.5 * (clean + detail) + [60, 40, 20]).round().astype(np.uint8)
    found = with_light_of(clean.astype(np.uint8), spoilt)
    assert np.abs(found.mean((0, 1)) - clean.mean((0, 1))).max() < 0.5
    assert np.corrcoef((found - clean).ravel(), detail.ravel())[0, 1] > 0.9


def test_light_is_kept_within_two_levels_or_not():
    plain, darker, tinted = (np.full((8, 8, 3), 100, np.uint8) for _ in range(3))
    darker -= 3
    tinted[..., 2] += 2
    assert light_kept(np.full((32, 32, 3), 100, np.uint8), plain) == {"brightness": 0, "cast": 0, "light_kept": 1.0}
    assert light_kept(darker, plain) == pytest.approx({"brightness": 3, "cast": 3, "light_kept": 0.0})
    assert light_kept(tinted, plain) == pytest.approx({"brightness": 0.228, "cast": 2, "light_kept": 1.0})


def test_the_page_states_what_the_chains_draw_from():
    page = (pathlib.Path(__file__).parents[1] / "docs" / "degradations.md").read_text(encoding="utf-8")
    for name, chain in CHAINS.items():
        for number, each in enumerate(chain.passes, 1):
            shares = [f"{getattr(each, key):.0%}" for key in ("share", "blurred", "noisy", "packed")]
            sigma, size, noise, quality = (
                f"{low:g} to {high:g}" for low, high in (each.sigma, each.size, each.noise, each.quality)
            )
            sigma, size = sigma if each.blurred else "-", size if each.size != (1, 1) else "1"
            row = [f"`{name}`, {number}", shares[0], shares[1], sigma, size, shares[2], noise, shares[3], quality]
            assert f"| {' | '.join(row)} |" in page
        for weights in (chain.kernels, chain.filters, chain.noises, chain.coders):
            assert (
                ", ".join(f"{choice} {share:.0%}".replace(", aliased", " (aliased)") for choice, share in weights.items())
                in page
            )
        assert f"`{name}`: {chain.clean:.0%}" in page


def test_a_report_on_spoilt_faces_says_by_what_and_whether_the_light_is_kept():
    class Darker:
        def upscale_batch(self, lr):
            return np.maximum(lr, 5).repeat(4, 1).repeat(4, 2) - np.uint8(5)

    report = evaluate({"darker": Darker()}, [FACE] * 2, Protocol(4, 128), seed=3, degradation=Blind("blind_held_out", 4))
    assert report["protocol"]["degradation"] == "blind_held_out, seed 3"
    bicubic, darker = report["models"].values()
    assert bicubic["light_kept"] == 1.0 and bicubic["cast"] < 0.5
    assert darker["light_kept"] == 0.0 and 4 < darker["brightness"] <= darker["cast"] <= 5
    assert "light_kept" not in evaluate({}, [FACE], Protocol(4, 128))["models"]["bicubic"]
