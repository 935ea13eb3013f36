"""``facesr compare`` and ``fsr.compare``: every panel is the picture that its label says, and figures are those of evaluate."""

import json
from statistics import fmean

import numpy as np
import pytest
import stand_in_data
from PIL import Image
from stand_ins import Nearest, Noisy

import keras_facesr as fsr
from keras_facesr.data.blind import Blind
from keras_facesr.data.images import read_picture
from keras_facesr.errors import CallError
from keras_facesr.inference import demo_face, demo_faces, demonstrate, sample_picture
from keras_facesr.inference.sheet import draw
from keras_facesr.metrics.protocol import Protocol

SIDE, GAP, TOP, ROW = 256, 16, 51, 309  # pixels: of a panel, between two, above the first row, from row to row


def panel(pixels, column, top=TOP, width=SIDE):
    """The panel in the middle of a column, its upper edge at ``top``."""
    left = GAP + column * (SIDE + GAP) + (SIDE - width) // 2
    return pixels[top : top + SIDE, left : left + width]


def blown_up(image, times):
    return np.asarray(image).repeat(times, 0).repeat(times, 1)


def bicubic(image, side):
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


@pytest.fixture
def folder(tmp_path):
    """Three faces of 68 pixels and a broken one."""
    (tmp_path / "faces").mkdir()
    for k, face in enumerate(demo_faces(3, 68)):
        Image.fromarray(face).save(tmp_path / "faces" / f"{k}.png")
    (tmp_path / "faces" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    return tmp_path / "faces"


def test_a_true_face_is_shown_small_enlarged_and_true_with_its_figures():
    picture, figures = demonstrate(Nearest(), "near", hr_size=128)
    assert figures["gain_db"] == figures["near"]["psnr"] - figures["bicubic"]["psnr"] < 0
    truth = bicubic(demo_face(), 128)
    lr = bicubic(truth, 32)
    sheet = np.asarray(picture)
    for column, image in enumerate((lr, bicubic(lr, 128), blown_up(lr, 4), truth)):
        np.testing.assert_array_equal(panel(sheet, column), blown_up(image, SIDE // len(image)))


def test_a_truth_that_is_enlarged_itself_is_called_so_below_it_alone():
    large, small = demo_faces(1, 128)[0], demo_faces(1, 60)[0]
    alone, both = (fsr.compare(faces, {"near": Nearest()}, Protocol(4, 64)) for faces in ([large], [large, small]))
    assert (alone.enlarged, both.enlarged) == (0, 1)
    truth, captions = GAP + 3 * (SIDE + GAP), slice(TOP + SIDE, TOP + ROW - GAP)
    said, seen = alone.pixels[captions, truth:], both.pixels
    np.testing.assert_array_equal(seen[captions, truth:], said)
    assert (seen[captions.start + ROW : captions.stop + ROW, truth:] != said).any()


def test_a_truth_that_is_too_small_for_ssim_has_its_psnr_below_the_panels():
    shown = fsr.compare(demo_face(), {"near": Nearest()}, Protocol(4, 8))
    assert [row.keys() for row in shown.figures[0].values()] == [{"psnr"}, {"psnr"}]


def test_small_faces_of_any_shape_are_rows_and_samples_are_columns():
    square, narrow = demo_faces(1, 16)[0], demo_faces(2, 16)[1][:, :8]
    shown = fsr.compare([square, narrow], {"near": Nearest(), "noisy": Noisy()}, samples=2, seed=3)
    assert shown.columns == ["LR", "bicubic", "near", "noisy", "noisy sample 1", "noisy sample 2"]
    assert shown.figures == [{}, {}]
    for top, face, width in ((TOP, square, SIDE), (TOP + ROW, narrow, SIDE // 2)):
        drawn = sample_picture(Noisy(), read_picture(face), 2, seed=3)
        for column, image in enumerate((face, None, blown_up(face, 4), blown_up(face, 4), *drawn)):
            if image is not None:
                seen = panel(shown.pixels, column, top, width)
                np.testing.assert_array_equal(seen, blown_up(image, SIDE // len(image)))


def test_an_answer_to_a_gray_picture_is_gray_as_upscale_writes_it():
    gray = demo_faces(1, 16)[0][..., 0]
    shown = fsr.compare(gray, {"noisy": Noisy()}, samples=1)
    assert (panel(shown.pixels, 3) == panel(shown.pixels, 3)[..., :1]).all()


@pytest.mark.parametrize("longest", [64, 512])
def test_labels_grow_with_the_panels_and_keep_to_their_columns(longest):
    side = max(longest, SIDE)
    gap, green = side // 16, np.full((longest, longest, 3), (0, 255, 0), np.uint8)
    titles = ["LR", "a_model_of_a_very_long_name_without_end", "onelongwordwithoutanybreakinit", "sam_small_x8 sample 10"]
    sheet = np.asarray(draw(titles, [[("100.00 dB   SSIM 1.000", green)] * 4]))
    gutters = [sheet[:, left : left + gap] for left in range(0, sheet.shape[1], side + gap)]
    assert len(gutters) == 5 and all((gutter == 255).all() for gutter in gutters)
    letters = (sheet[: (sheet == (0, 255, 0)).all(axis=-1).any(axis=1).argmax(), gap : gap + side] < 128).any(axis=(1, 2))
    assert np.ptp(np.flatnonzero(letters)) >= side / 20, "capital letters are legible beside the panel, whatever its size"


# facesr compare


def test_figures_below_the_panels_are_those_of_evaluate(facesr, catalogue, folder, tmp_path):
    how = ("--model", "near,noisy_x4", "--hr-size", 32, "--degradation", "aliased")
    shown = facesr("compare", folder, "--truth", *how, "-o", tmp_path / "out" / "sheet.png", "--json", tmp_path / "told.json")
    assert shown.code == 1 and shown.err.count("\n") == 1 and "broken.png" in shown.err
    told = json.loads((tmp_path / "told.json").read_text())
    measured = json.loads(facesr("evaluate", folder, *how, "--json", "-").out)["models"]
    assert [face["input"] for face in told["faces"]] == [str(folder / f"{k}.png") for k in range(3)]
    for name, row in measured.items():
        assert {"psnr", "ssim"} == told["faces"][0]["figures"][name].keys() < row.keys()  # others are of all faces together
        for figure in ("psnr", "ssim"):
            assert fmean(face["figures"][name][figure] for face in told["faces"]) == pytest.approx(row[figure])
    assert f"{folder / '0.png'}: bicubic {told['faces'][0]['figures']['bicubic']['psnr']:.2f} dB; near " in shown.out
    assert told["columns"] == ["LR", "bicubic", "near", "noisy_x4", "truth"]
    assert (told["hr_size"], told["degradation"], told["runtimes"]["near"], told["enlarged"]) == (32, "aliased", "keras", 0)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sheet.png"]


def test_faces_smaller_than_the_truth_are_remarked_on_as_evaluate_does(facesr, catalogue, folder, tmp_path):
    (folder / "broken.png").unlink()
    how = ("--model", "near", "--hr-size", 72)
    shown = facesr("compare", folder, "--truth", *how, "-o", tmp_path / "sheet.png")
    assert shown.out.splitlines()[0].endswith("x4; the truth of 3 of 3 is enlarged itself")
    assert json.loads(facesr("evaluate", folder, *how, "--json", "-").out)["enlarged"] == 3


def test_faces_are_cut_to_the_framing_of_another_set_as_evaluate_cuts_them(facesr, catalogue, folder, tmp_path):
    stand_in_data.celeba(tmp_path / "celeba", list(demo_faces(stand_in_data.TRAIN + 2, 96)))
    call = ("compare", tmp_path / "celeba", "--model", "near", "-o", tmp_path / "sheet.png")
    how = ("--truth", "--hr-size", 32, "--framing", "utkface")
    told = json.loads(facesr(*call, *how, "--json", "-").out)
    measured = json.loads(facesr("evaluate", tmp_path / "celeba", "--model", "near", *how[1:], "--json", "-").out)["models"]
    assert fmean(face["figures"]["near"]["psnr"] for face in told["faces"]) == pytest.approx(measured["near"]["psnr"])
    whole = json.loads(facesr(*call, *how[:3], "--overwrite", "--json", "-").out)
    assert (told["framing"], whole["framing"]) == ("utkface", None) and told["faces"] != whole["faces"]
    two_sets = facesr("compare", folder, *call[1:], *how, "--overwrite")
    assert two_sets.code == 2 and f"--framing: where faces lie in {folder} is not known" in two_sets.err


def test_a_single_face_that_is_broken_leaves_none_to_show(facesr, catalogue, folder, tmp_path):
    nothing = facesr("compare", folder / "broken.png", "--model", "near", "-o", tmp_path / "sheet.png")
    named, told = nothing.err.splitlines()
    assert nothing.code == 1 and "broken.png" in named and told == "facesr: no face can be shown"


def test_models_are_named_with_a_space_after_the_comma_too(facesr, catalogue, folder, tmp_path):
    call = (folder / "0.png", "-o", tmp_path / "sheet.png", "--model", "near, noisy_x4")
    assert ": LR, bicubic, near, noisy_x4; x4" in facesr("compare", *call).out
    measured = facesr("evaluate", folder, "--model", "near , noisy_x4", "--json", "-")
    assert [*json.loads(measured.out)["models"]] == ["bicubic", "near", "noisy_x4"]


def test_of_many_faces_some_are_shown_and_a_sheet_stays_unless_it_may_be_replaced(facesr, catalogue, folder, tmp_path):
    call = ("compare", folder, folder / "0.png", "--limit", 2, "--model", "near", "-o", tmp_path / "sheet.png")
    assert facesr(*call, "--json", "-").out.count('"input"') == 2
    height = Image.open(tmp_path / "sheet.png").height
    refused = facesr(*call)
    assert refused.code == 1 and refused.err == f"facesr: {tmp_path / 'sheet.png'}: exists already; --overwrite replaces it\n"
    assert facesr("compare", folder / "1.png", *call[5:], "--overwrite").code == 0
    assert Image.open(tmp_path / "sheet.png").height < height


def test_too_many_or_too_large_faces_for_a_sheet_are_refused_before_the_work():
    def asked(model, *arguments):
        raise AssertionError("a network was run")

    model = Nearest()
    model.predict_on_batch = asked
    for faces in ([demo_faces(1, 8)[0]] * 500, demo_faces(1, 2048)[0]):
        with pytest.raises(CallError, match="too many for one sheet, at most 80 million"):
            fsr.compare(faces, {"near": model})


def test_a_degradation_without_a_truth_to_degrade_is_refused():
    with pytest.raises(CallError, match="^a degradation reduces true faces.*: give a Protocol, too$"):
        fsr.compare(demo_face(), {"near": Nearest()}, degradation=Blind("blind_held_out", 4))


@pytest.mark.parametrize(
    "models, protocol, reason",
    [
        ({"near": Nearest(), "two": Nearest(2)}, None, "near x4, two x2"),
        ({"near": Nearest()}, Protocol(2), "near x4, the protocol x2"),
        ({"bicubic": Nearest()}, None, "none called LR, bicubic or truth"),
        ({"near": Nearest(), "truth": Nearest()}, Protocol(4), "none called LR, bicubic or truth"),
        (Nearest(), None, "^models must be a dict of name -> network, not a Nearest$"),
        ({"near": "near"}, None, "^'near' is no network that enlarges pictures"),
    ],
)
def test_models_that_do_not_go_together_are_refused(models, protocol, reason):
    with pytest.raises(CallError, match=reason):
        fsr.compare(demo_face(), models, protocol)
