"""Whole photographs: similarities against NumPy, pasted faces against the background alone, finding on the built-in face."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from finding import installed
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from skimage.data import astronaut

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data import images
from keras_facesr.data.degrade import degrade, resize
from keras_facesr.data.similarity import Similarity, fitted, warp
from keras_facesr.errors import CallError, ExportError, FacesrError, ImageError
from keras_facesr.inference import upscale
from keras_facesr.inference.consistent import consistent
from keras_facesr.metrics.fidelity import psnr
from keras_facesr.photos import detect, networks, restore
from keras_facesr.photos.align import frame
from keras_facesr.photos.choose import choose
from keras_facesr.photos.detect import Face, find_faces
from keras_facesr.photos.paste import paste

RNG = np.random.default_rng(0)
EYES = (202 + 100j, 247 + 100j)  # of the built-in face in its photograph, as ``demo_face`` says of its framings


finding = pytest.mark.skipif(not installed(), reason="needs the extra photos")


def gradient(height, width):
    """A wall that gets lighter evenly: uint8 (height, width, 3)."""
    rows, columns = np.mgrid[:height, :width]
    return np.rint(60 + 100 * (rows + columns)[..., None] / (height + width) + np.array([0, 10, 20])).astype(np.uint8)


def a_face(eyes, width, score=1.0, aside=0.0):
    """A frontal face by the places of its eyes."""
    left, right = eyes
    along, down = right - left, 1j * (right - left)
    middle = left + along / 2
    points = np.array([left, right, middle + 0.6 * down, middle - 0.4 * along + down, middle + 0.4 * along + down])
    return Face(points, middle + 0.5 * down, width, width, score, aside)


def wall_with_a_face(side=24, place=(40, 60), shape=(120, 160)):
    """The built-in face, oval and fading, on a gradient; and the face's eyes."""
    wall = gradient(*shape).astype(np.float32)
    face = resize(astronaut()[62:190, 162:290], side, side)
    rows, columns = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    weight = np.clip(3 * (1 - np.hypot(rows, columns)), 0, 1)[..., None]
    spot = wall[place[0] : place[0] + side, place[1] : place[1] + side]
    spot += weight * (face - spot)
    eyes = [(point - (162 + 62j)) * side / 128 + place[1] + 1j * place[0] for point in EYES]
    return np.rint(wall).astype(np.uint8), eyes


class Blocks:
    """An enlarger by nearest neighbours whose colours are off by some levels."""

    is_stochastic, size_multiple, least_size, largest_side, preset, own_size = False, 1, (1, 1), None, "blocks", None

    def __init__(self, scale, off=0):
        self.scale, self.off = scale, off

    def predict_on_batch(self, lr):
        return np.clip(lr.repeat(self.scale, 1).repeat(self.scale, 2) + self.off / 255, 0, 1)


def blocks(name, samples=0):
    """Stands for what loads presets: SAM's answers are too light, the background's are not."""
    return Blocks(presets.find(name).scale, off=14 if name.startswith("sam") else 0)


@pytest.fixture
def found(monkeypatch):
    """Have these faces be found, whatever the photograph."""

    def set_faces(*faces, doubtful=0):
        monkeypatch.setattr(restore, "find_faces", lambda rgb, on_square=None: (list(faces), doubtful))

    return set_faces


def test_the_fitted_similarity_is_numpys_least_squares():
    points, targets = (RNG.normal(size=5) + 1j * RNG.normal(size=5) for _ in range(2))
    turn, shift = np.linalg.lstsq(np.stack([points, np.ones(5)], axis=1), targets, rcond=None)[0]
    fit = fitted(points, targets)
    np.testing.assert_allclose((fit.turn, fit.shift), (turn, shift), atol=1e-12)
    np.testing.assert_allclose(fit.inverse(fit(points)), points, atol=1e-12)


@pytest.mark.parametrize("quarters", range(4))
def test_quarter_turns_and_whole_pixels_change_no_level(quarters):
    picture = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    turned = np.rot90(picture, quarters)
    back = detect._turned_back(quarters, *picture.shape[:2])
    np.testing.assert_array_equal(warp(picture, back, *turned.shape[:2]), turned)
    shifted = warp(picture, Similarity(1, 5 + 3j), 10, 10)
    np.testing.assert_array_equal(shifted, picture[3:13, 5:15])


def test_a_warp_that_shrinks_is_antialiased_as_the_protocol_reduces():
    picture = np.ascontiguousarray(astronaut()[:256, :256])
    inner = (slice(4, -4), slice(4, -4))
    difference = warp(picture, Similarity(4, 0), 64, 64)[inner] - degrade(picture, 4)[inner]
    assert np.abs(difference).mean() < 0.5
    by_points = picture[2::4, 2::4][inner].astype(float) - degrade(picture, 4)[inner]
    assert np.abs(by_points).mean() > 5 * np.abs(difference).mean()


def test_a_level_face_is_cut_by_whole_pixels_and_a_turned_one_is_set_upright_for_a_network_of_one_size():
    template = ((0.35, 0.4), (0.65, 0.4), (0.5, 0.6), (0.38, 0.7), (0.62, 0.7))
    points = np.array([x + 1j * y for x, y in template])
    for angle, level in ((3, True), (88, True), (-170, True), (30, False)):
        turn = 40.3 * np.exp(1j * np.deg2rad(angle))
        side, to_photo, coincides = frame(turn * points + (100.2 + 90.7j), template, own_side=41)
        assert frame(turn * points, template)[2], "a network of any size is given whole pixels"
        assert coincides == level and side == 41 and to_photo.scale == pytest.approx(1)
        assert np.abs(to_photo(points * side) - (turn * points + (100.2 + 90.7j))).max() < (6 if level else 0.5)


def test_a_consistent_answer_reduces_to_its_input_and_is_nearer_to_the_truth():
    hr = np.ascontiguousarray(astronaut()[60:252, 120:312])
    for scale in (2, 4, 8):
        lr = degrade(hr, scale)
        sr = resize(lr, *hr.shape[:2])
        moved = consistent(sr, lr)
        error = np.abs(degrade(moved, scale).astype(int) - lr)
        assert error.max() <= 2 and (error > 1).mean() < 1e-3
        assert np.abs(degrade(sr, scale).astype(int) - lr).max() > 5
        assert psnr(moved, hr) > psnr(sr, hr)


def test_tiles_of_a_consistent_answer_do_not_show(monkeypatch):
    hr = np.ascontiguousarray(astronaut()[:256, :256])
    lr = degrade(hr, 4)
    whole = consistent(resize(lr, 256, 256), lr)
    monkeypatch.setattr("keras_facesr.inference.consistent.TILE", 40)
    tiled = consistent(resize(lr, 256, 256), lr).astype(int)
    assert np.abs(tiled - whole).max() <= 1


def test_tiles_of_a_pasted_face_do_not_show(monkeypatch):
    photo = np.ascontiguousarray(astronaut()[:120, :140])
    answer = RNG.integers(0, 256, (256, 256, 3), np.uint8)
    turned = Similarity(0.3 * np.exp(0.5j), 50 + 10j)

    def pasted():
        canvas = resize(photo, 480, 560).copy()
        return paste(canvas, photo, answer, turned), canvas.astype(int)

    difference, whole = pasted()
    monkeypatch.setattr("keras_facesr.inference.consistent.TILE", 30)
    in_tiles, tiled = pasted()
    assert np.abs(tiled - whole).max() <= 1 and in_tiles == pytest.approx(difference, abs=0.01)


def test_a_consistent_command_gives_back_its_input_when_reduced(facesr, tmp_path):
    lr = degrade(np.ascontiguousarray(astronaut()[60:252, 120:312]), 4)
    Image.fromarray(lr).save(tmp_path / "a.png")
    call = ("upscale", tmp_path / "a.png", "--model", "srcnn_x4", "--runtime", "litert", "--consistent")
    assert facesr(*call, "-o", tmp_path / "b.png").code == 0
    with Image.open(tmp_path / "b.png") as answer:
        assert np.abs(degrade(np.asarray(answer), 4).astype(int) - lr).max() <= 1


def test_a_turned_face_is_asked_about_upright_and_once_in_the_photographs_own_pixels(found, monkeypatch):
    """Of a network that was taught on faces turned as far, as it lies alone."""
    sam, find = presets.find("sam_small_x8"), presets.find
    photo = RNG.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    windows = sliding_window_view(photo, (16, 16, 3)).reshape(-1, 16, 16, 3)
    upright = [False] * 10 + [True, False]  # each upright frame and its mirror image
    for angle, taught, own in ((0, 0, [True]), (30, 0, upright), (30, 45, [True]), (30, 20, upright)):
        turned = dataclasses.replace(sam, turn=taught)
        monkeypatch.setattr(presets, "find", lambda name: turned if find(name) == sam else find(name))  # noqa: B023
        asked = []

        class Listening(Blocks):
            def predict_on_batch(self, lr):
                asked.append((windows == np.rint(255 * lr)).all(axis=(1, 2, 3)).any())
                return super().predict_on_batch(lr)

        half = 2.6 * np.exp(1j * np.deg2rad(angle))
        found(a_face((30 + 28j - half, 30 + 28j + half), width=12))
        fsr.restore_photo(photo, load=lambda name, samples: Listening(8) if name.startswith("sam") else Blocks(4))
        assert asked == own


def test_outside_the_faces_is_bit_for_bit_the_background(found):
    photo, eyes = wall_with_a_face()
    found(a_face(eyes, width=16))
    alone = upscale(Blocks(4), photo)
    restored = fsr.restore_photo(photo, load=blocks)
    changed = np.nonzero((restored.pixels != alone).any(axis=-1))
    assert restored.faces[0].preset == "sam_small_x8" and len(changed[0]) > 1000
    side = np.abs(eyes[1] - eyes[0]) / 0.3958 * 4
    assert np.ptp(changed[0]) < side + 2 and np.ptp(changed[1]) < side + 2
    half = fsr.restore_photo(photo, scale=2, load=blocks).pixels
    far = np.s_[: changed[0].min() // 2 - 4]
    np.testing.assert_array_equal(half[far], resize(alone, 240, 320)[far])


def test_bands_of_a_large_photograph_do_not_show():
    picture = np.ascontiguousarray(astronaut())
    for height, width in ((256, 256), (1024, 1024)):
        np.testing.assert_array_equal(restore.resized(picture, height, width), resize(picture, height, width))


@pytest.mark.parametrize("scale", [3, 2.0, "4"])
def test_another_scale_is_refused_in_one_line(scale):
    with pytest.raises(CallError, match=f"^photographs are enlarged 2 or 4 times, not {scale!r}$"):
        fsr.restore_photo(np.zeros((8, 8, 3), np.uint8), scale=scale)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"background": "sam"}, "^sam does not enlarge pictures of any size 4 times"),
        ({"model": "edsr_small_x4_nowhere"}, "no model is called"),
        ({"model": "varsr_x4_mnist"}, "does not enlarge faces of a known framing"),
        ({"samples": 2, "seed": 0.5}, "^seed must be a whole number from 0 on, not 0.5$"),
    ],
)
@pytest.mark.parametrize("call", [fsr.restore_photo, restore.enlarge_parts])
def test_what_cannot_be_had_is_refused_before_faces_are_sought(call, how, reason, monkeypatch):
    monkeypatch.setattr(restore, "find_faces", lambda *photo: pytest.fail("faces were sought"))
    with pytest.raises(FacesrError, match=reason):
        call(np.zeros((8, 8, 3), np.uint8), load=blocks, **how)


def test_faces_alone_are_enlarged_by_networks_if_so_asked(found):
    photo, eyes = wall_with_a_face()
    found(a_face(eyes, width=18))
    pixels = fsr.restore_photo(photo, faces_only=True, load=blocks).pixels
    bicubic = resize(photo, 480, 640)
    assert (pixels[:, :100] == bicubic[:, :100]).all() and (pixels != bicubic).any(axis=-1).sum() > 1000


def pasted_too_light(photo):
    """A smooth background of a photograph, and the same with a frame of 50 pixels pasted, 14 levels too light."""
    background = resize(photo, 480, 640)
    answer = background[100:300, 220:420] + 14
    pasted = background.copy()
    difference = paste(pasted, photo, answer, Similarity(1 / 4, 55 + 25j))
    return background, pasted, difference


def test_a_face_that_its_network_has_mended_stays_so_in_the_photographs_own_light():
    """Of a wall of noise: a smooth face pasted too light stays smooth, as bright as the wall is on average."""
    wall = np.clip(RNG.normal(120, 12, (120, 160, 3)), 0, 255).astype(np.uint8)
    canvas, smooth = resize(wall, 480, 640), np.full((200, 200, 3), 134, np.uint8)
    middle = np.s_[130:270, 250:390]
    for mended, noise, off in ((True, (0, 3), (9, 11)), (False, (8, 20), (0, 1.5))):
        pasted = canvas.copy()
        difference = paste(pasted, wall, smooth, Similarity(1 / 4, 55 + 25j), mended)
        assert noise[0] <= pasted[middle].std(axis=(0, 1)).mean() <= noise[1]
        assert pasted[middle].mean() == pytest.approx(canvas[middle].mean(), abs=1)
        assert off[0] <= difference <= off[1]


def test_a_face_of_a_network_that_mends_is_pasted_so(found, monkeypatch):
    photo, eyes = wall_with_a_face()
    found(a_face(eyes, width=18))
    asked, find = [], presets.find
    monkeypatch.setattr(restore, "paste", lambda *how: asked.append(how[4]) or paste(*how))
    for mends in (False, True):
        monkeypatch.setattr(presets, "find", lambda name: dataclasses.replace(find(name), mends=mends))  # noqa: B023
        fsr.restore_photo(photo, load=blocks)
        assert set(asked) == {mends}
        asked.clear()


def test_no_seam_shows_on_a_wall_though_the_network_is_14_levels_off():
    background, pasted, _ = pasted_too_light(gradient(120, 160))
    added = pasted.astype(int) - background
    assert np.abs(added).max() <= 2
    assert max(np.abs(np.diff(added, axis=axis)).max() for axis in (0, 1)) <= 2


def test_a_face_keeps_its_mean_colour_though_the_network_is_14_levels_off():
    photo, _ = wall_with_a_face()
    _, pasted, difference = pasted_too_light(photo)
    face = np.s_[40:64, 60:84]
    shift = degrade(pasted, 4)[face].mean(axis=(0, 1)) - photo[face].mean(axis=(0, 1))
    assert np.abs(shift).max() < 1 and difference < 1


def test_a_face_at_the_border_and_overlapping_ones_are_pasted(found):
    photo, eyes = wall_with_a_face(place=(0, 0))
    cut = photo[:, 10:]
    found(a_face([eye - 10 for eye in eyes], width=18), a_face([eye - 4 for eye in eyes], width=18))
    restored = fsr.restore_photo(cut, load=blocks)
    assert restored.pixels.shape == (480, 600, 3) and all(face.crops[0].shape == (128, 128, 3) for face in restored.faces)
    again = fsr.restore_photo(cut, load=blocks)
    np.testing.assert_array_equal(restored.pixels, again.pixels)


def test_a_photograph_that_is_too_large_is_refused_before_its_faces_are_sought(monkeypatch):
    monkeypatch.setattr("keras_facesr.inference.pictures.OUTPUT_PIXELS", 16 * 119 * 160)
    monkeypatch.setattr(restore, "find_faces", None)
    with pytest.raises(ImageError, match="160x120 pixels are too many to enlarge 4 times"):
        fsr.restore_photo(gradient(120, 160), load=blocks)


def test_a_level_face_is_not_turned_by_minus_zero(found, facesr, tmp_path, monkeypatch):
    Image.fromarray(gradient(40, 50)).save(tmp_path / "wall.png")
    found(a_face((15 + 20.05j, 25 + 20j), width=16))
    monkeypatch.setattr(networks, "started", lambda: None)
    told = facesr("photo", tmp_path / "wall.png", "--dry-run").out
    assert "16 px wide at 20,25, turned by 0 degrees: sam_small_x8" in told


@finding
def test_samples_of_a_photograph_are_written_one_after_the_other(facesr, tmp_path, monkeypatch):
    photo, eyes = wall_with_a_face()
    Image.fromarray(photo).save(tmp_path / "wall.png")
    crops = [np.full((128, 128, 3), 60 * k, np.uint8) for k in range(3)]
    face = restore.FoundFace((0, 0, 1, 1), [], 18.0, 0.0, 1.0, "sam_small_x8", None, crops=crops)
    places = {0: (Similarity(1 / 5, 40 + 50j), False)}
    parts = restore.Parts(images.read_picture(photo), resize(photo, 480, 640).copy(), [face], places, 0)
    expected = [parts.joined(4, [k]) for k in range(3)]
    monkeypatch.setattr(networks, "started", lambda: None)
    monkeypatch.setattr(restore, "enlarge_parts", lambda *how, **more: parts)
    joined, there = restore.Parts.joined, []
    count = lambda *how, **more: there.append(len([*tmp_path.glob("out/*")])) or joined(*how, **more)  # noqa: E731
    monkeypatch.setattr(restore.Parts, "joined", count)
    assert facesr("photo", tmp_path / "wall.png", "-o", tmp_path / "out", "--samples", 3).code == 0
    assert there == [0, 1, 2]
    for number, pixels in enumerate(expected, 1):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / f"wall_photo_{number}.png")), pixels)


def test_one_number_is_chosen_for_each_face_that_was_found(found):
    photo, eyes = wall_with_a_face()
    found(a_face(eyes, width=18))
    parts = restore.enlarge_parts(photo, load=blocks)
    for chosen in ([], [0, 0]):
        with pytest.raises(CallError, match=f"chosen has one number for each face: 1, not {len(chosen)}$"):
            parts.joined(4, chosen)
    assert parts.joined(2, [0]).shape == (240, 320, 3)


def test_gray_stays_gray_and_alpha_is_kept(found):
    photo, eyes = wall_with_a_face()
    found(a_face(eyes, width=18))
    gray = Image.fromarray(photo).convert("L")
    assert fsr.restore_photo(gray, load=blocks).pixels.shape == (480, 640)
    clear = np.dstack([photo, np.full(photo.shape[:2], 128, np.uint8)])
    pixels = fsr.restore_photo(clear, scale=2, load=blocks).pixels
    assert pixels.shape == (240, 320, 4) and (pixels[..., 3] == 128).all()


def test_tiny_large_and_averted_faces_are_left_to_the_background_and_counted(found):
    photo, eyes = wall_with_a_face()
    faces = [a_face(eyes, 7.9), a_face(eyes, 300), a_face(eyes, 30, aside=0.9)]
    found(*faces, doubtful=2)
    restored = fsr.restore_photo(photo, load=blocks)
    assert [face.left_for for face in restored.faces] == ["tiny", "large", "profile"] and restored.doubtful == 2
    np.testing.assert_array_equal(restored.pixels, upscale(Blocks(4), photo))
    assert choose(a_face(eyes, 300), model="sam") == ("sam", None)


def test_photographs_that_were_only_reduced_have_networks_of_their_own(found, facesr, tmp_path):
    photo, eyes = wall_with_a_face()
    found(a_face(eyes, 24))
    for model, mends in ((None, True), ("clean", False)):
        (face,) = fsr.restore_photo(photo, model=model, load=blocks).faces
        assert presets.find(face.preset).mends is mends
    Image.fromarray(photo).save(tmp_path / "a.png")
    for options, printed in (((), "sam_real_x4"), (("--clean",), "sam_small_x4"), (("--model", "cagface"), "cagface")):
        outcome = facesr("photo", tmp_path / "a.png", "--dry-run", *options)
        assert outcome.code == 0 and printed in outcome.out
    outcome = facesr("photo", tmp_path / "a.png", "--dry-run", "--clean", "--model", "sam")
    assert outcome.code == 2 and "exclude each other" in outcome.err


def test_without_the_extra_one_line_says_what_to_install(monkeypatch, facesr, tmp_path):
    Image.fromarray(gradient(20, 20)).save(tmp_path / "a.png")
    networks.started.cache_clear()
    monkeypatch.setattr(networks, "PACKAGE", "no-such-package")
    outcome = facesr("photo", tmp_path / "a.png", "-o", tmp_path / "out")
    networks.started.cache_clear()
    assert outcome.code == 2 and "pip install 'keras_facesr[photos]'" in outcome.err and outcome.err.count("\n") == 1


@finding
def test_altered_networks_are_refused(monkeypatch):
    monkeypatch.setitem(networks.SHA256, "face_landmark.tflite", "0" * 64)
    with pytest.raises(ExportError, match="SHA-256 differs"):
        networks.FaceMesh()


@finding
@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("times", [1, 4])
def test_the_built_in_face_is_found_once_whichever_way_it_lies(quarters, times):
    photo = resize(astronaut(), 512 // times, 512 // times)
    faces, _ = find_faces(np.rot90(photo, quarters))
    assert len(faces) == 1
    upright = faces[0].points[:2] if not quarters else detect._turned_back(quarters, *photo.shape[:2])(faces[0].points[:2])
    assert np.abs(upright * times - EYES).max() < 6
    assert faces[0].width * times == pytest.approx(97, abs=12)


@finding
def test_threads_that_find_faces_at_once_take_turns():
    photos = [np.rot90(resize(astronaut(), 128, 128), quarters) for quarters in (0, 2)] * 4
    alone = [find_faces(photo)[0][0].centre for photo in photos[:2]]
    with ThreadPoolExecutor(2) as threads:
        assert [faces[0].centre for faces, _ in threads.map(find_faces, photos)] == alone * 4


def test_an_interrupted_call_writes_the_faces_that_are_missing_when_it_goes_on(facesr, tmp_path, monkeypatch):
    wall = gradient(4, 5)
    Image.fromarray(wall).save(tmp_path / "wall.png")
    face = restore.FoundFace((0, 0, 1, 1), [], 1.0, 0.0, 1.0, "sam_small_x8", None, crops=[wall])
    monkeypatch.setattr(networks, "started", lambda: None)
    monkeypatch.setattr(restore, "enlarge_parts", lambda photo, *how, **more: restore.Parts(photo, wall, [face] * 3, {}, 0))
    call = ("photo", tmp_path / "wall.png", "-o", tmp_path / "out", "--keep-faces")
    left = iter([True] * 2)
    with monkeypatch.context() as patch:
        patch.setattr(images, "write_png", lambda *what: images.png.save(what[0], what[1]) if next(left, None) else stop())
        (tmp_path / "out").mkdir()
        assert facesr(*call).code == 130
    with monkeypatch.context() as patch:
        patch.setattr(restore, "enlarge_parts", lambda *what, **more: pytest.fail("it was enlarged first"))
        assert "wall_photo_face_1.png: exists already; --overwrite replaces it" in facesr(*call).err
    assert facesr(*call, "--skip-existing").code == 0
    assert len([*(tmp_path / "out").iterdir()]) == 1 + 3


def stop():
    raise KeyboardInterrupt


@finding
def test_a_network_for_the_faces_that_cannot_be_had_is_told_of_once(facesr, tmp_path, monkeypatch):
    for name in ("one.png", "two.png"):
        Image.fromarray(gradient(4, 5)).save(tmp_path / name)
    monkeypatch.setattr(networks, "started", lambda: None)
    monkeypatch.setattr("keras_facesr.cli.networks.in_runtime", refuse)
    refused = facesr("photo", tmp_path, "-o", tmp_path / "out", "--faces-only", "--model", "sam", "--runtime", "onnx")
    assert (refused.code, refused.err) == (2, "facesr: sam_small_x8 brings no file for onnx\n")


def refuse(args, preset, samples):
    raise ExportError(f"{preset.name} brings no file for {args.runtime}")


@finding
def test_a_faces_samples_lie_each_beside_its_photograph(facesr, tmp_path, monkeypatch):
    wall = gradient(4, 5)
    Image.fromarray(wall).save(tmp_path / "wall.png")
    drawn, fixed = (restore.FoundFace((0, 0, 1, 1), [], 1.0, 0.0, 1.0, "sam_small_x8", None, crops=[wall] * n) for n in (2, 1))
    monkeypatch.setattr(networks, "started", lambda: None)
    monkeypatch.setattr(restore, "enlarge_parts", lambda photo, *how, **more: restore.Parts(photo, wall, [drawn, fixed], {}, 0))
    assert facesr("photo", tmp_path / "wall.png", "-o", tmp_path / "out", "--keep-faces", "--samples", 2).code == 0
    written = ["wall_photo_1.png", "wall_photo_1_face_1.png", "wall_photo_1_face_2.png", "wall_photo_2.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [*written, "wall_photo_2_face_1.png"]


@finding
@pytest.mark.parametrize("how", ["--overwrite", "--skip-existing"])
def test_no_face_replaces_a_photograph_that_is_to_be_enlarged_too(facesr, tmp_path, how):
    names = ("wall.png", "wall_photo_face_12.png")
    for name in names:
        Image.fromarray(gradient(4, 5)).save(tmp_path / name)
    refused = facesr("photo", *(tmp_path / name for name in names), "-o", tmp_path, "--keep-faces", how)
    assert refused.code == 2 and f"wall.png would replace {tmp_path / names[1]}" in refused.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names]


@finding
@pytest.mark.parametrize("how", [(), ("--skip-existing",)])
def test_a_name_that_is_too_long_for_an_answer_is_told_of_before_the_work_and_the_others_are_done(facesr, tmp_path, how):
    for name in ("a" * 250, "wall"):
        Image.fromarray(gradient(4, 5)).save(tmp_path / f"{name}.png")
    call = ("photo", tmp_path, "-o", tmp_path / "out", "--faces-only", *how)
    for _ in range(2):  # without a folder, and with one
        outcome = facesr(*call)
        assert outcome.code == 1 and outcome.err.splitlines()[0].endswith("_photo.png: File name too long")
    assert (tmp_path / "out" / "wall_photo.png").is_file()


@finding
def test_a_photograph_without_a_face_is_enlarged_and_said_to_have_none(facesr, tmp_path):
    Image.fromarray(gradient(40, 50)).save(tmp_path / "wall.png")
    call = ("photo", tmp_path / "wall.png", "-o", tmp_path / "out")
    outcome = facesr(*call)
    assert outcome.code == 0 and "no face found" in outcome.out
    with Image.open(tmp_path / "out" / "wall_photo.png") as written:
        assert written.size == (200, 160)
    assert facesr(*call).code == 1, "exists already"
    for wrong in ("wall.jpg", "out/wall_photo.png"):
        refused = facesr(*call[:3], tmp_path / wrong)
        assert (refused.code, refused.err) == (2, f"facesr: {tmp_path / wrong}: -o takes a folder\n")
    report = json.loads(facesr(*call, "--overwrite", "--faces-only", "--json", "-").out)
    assert report["background"] == "bicubic"
    again = facesr(*call, "--skip-existing")
    assert (again.code, again.out) == (0, "photographs answered already: 1 of 1\n")
    Image.fromarray(gradient(20, 20)).save(tmp_path / "wall_photo.png")
    kept = facesr("photo", tmp_path / "wall.png", tmp_path / "wall_photo.png", "-o", tmp_path, "--overwrite")
    assert kept.code == 2 and "wall.png would replace" in kept.err and kept.err.count("\n") == 1
    dry = facesr("photo", tmp_path / "wall.png", "--dry-run", "--model", "cagface").out
    assert "faces from 8 px wide: cagface_attentive_x4" in dry and "sam_small_x8" not in dry, "the one asked for"
    nowhere = facesr("photo", tmp_path / "wall.png", "--dry-run", "--skip-existing")
    assert (nowhere.code, nowhere.err.count("\n")) == (2, 1) and "give -o OUT_DIR" in nowhere.err


@finding
def test_the_command_restores_a_small_face_nearer_to_the_truth_than_bicubic_and_reports_it(facesr, tmp_path):
    truth = np.ascontiguousarray(astronaut()[20:276, 60:316])
    lr = degrade(truth, 4)
    Image.fromarray(lr).save(tmp_path / "small.png")
    report = tmp_path / "report.json"
    options = ["--json", report, "--keep-faces", "--model", "sam"]
    outcome = facesr("photo", tmp_path / "small.png", "-o", tmp_path / "out", *options)
    assert outcome.code == 0 and "1 face, 1 by a network for faces" in outcome.out
    (entry,) = json.loads(report.read_text())["done"]
    (face,) = entry["faces"]
    assert face["preset"] == "sam_small_x8" and len(face["landmarks"]) == 5 and face["difference"] < 2
    assert [path.split("/")[-1] for path in entry["outputs"]] == ["small_photo.png", "small_photo_face_1.png"]
    left, top, right, bottom = (round(4 * edge) for edge in face["box"])
    box = np.s_[max(top, 0) : bottom, max(left, 0) : right]
    answer = np.asarray(Image.open(tmp_path / "out" / "small_photo.png"))
    assert psnr(answer[box], truth[box]) > psnr(resize(lr, 256, 256)[box], truth[box]) + 0.5
