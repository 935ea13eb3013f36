"""Whom answers show: ranks and areas counted pair by pair, eyes that are drawn and found again, and dlib's own program."""

import json
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import stand_in_data
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu
from skimage.data import astronaut

from keras_facesr.data.degrade import degrade, resize
from keras_facesr.data.framing import FRAMINGS, face_region, points_in, square
from keras_facesr.errors import ExportError
from keras_facesr.importing import located
from keras_facesr.inference import demo_faces
from keras_facesr.metrics import identity, protocol
from keras_facesr.metrics.identity import EYES, Embedding, chip, recognised
from keras_facesr.metrics.protocol import Protocol, evaluate
from keras_facesr.metrics.report import in_one_line, tabulated

RNG = np.random.default_rng(0)
judged = pytest.mark.skipif(find_spec("dlib") is None, reason="needs the extra identity")


def embeddings(count=30):
    """Answers that are far from their truths; two truths, and three answers, are the same."""
    truths = RNG.normal(size=(count, 4))
    answers = truths + RNG.normal(size=(count, 4))
    truths[7] = truths[3]
    answers[[7, 9]] = answers[3]
    return answers, truths


def test_rank_and_area_are_those_of_all_pairs():
    answers, truths = embeddings()
    distances = cdist(answers, truths)
    own, others = np.diag(distances), distances[~np.eye(len(distances), dtype=bool)]
    figures = recognised(answers, truths)
    assert figures["identity_distance"] == pytest.approx(np.median(own))
    first = np.mean([all(own[i] <= distances[i, j] for j in range(len(own))) for i in range(len(own))])
    assert figures["identity_rank1"] == pytest.approx(first) and 0 < first < 1
    assert figures["identity_auc"] == pytest.approx(mannwhitneyu(others, own).statistic / (len(own) * len(others)))


def test_the_truth_itself_is_told_from_all_others_and_another_persons_face_never_is():
    truths = RNG.normal(size=(6, 8))
    assert recognised(truths, truths) == {"identity_distance": 0, "identity_rank1": 1, "identity_auc": 1}
    assert recognised(truths[::-1], truths)["identity_rank1"] == 0
    assert recognised(truths, truths[[0] * 6])["identity_rank1"] == 1, "one picture six times is nobody else"


def test_one_face_has_a_distance_and_nobody_to_be_told_from():
    assert recognised(np.array([[3.0, 4.0]]), np.zeros((1, 2))) == {"identity_distance": 5.0}


def dots(height, width, points):
    """White spots round complex points on black: uint8 (height, width, 3)."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    spots = sum(np.exp(-(np.abs(columns + 1j * rows - point) ** 2) / 18) for point in points)
    return np.repeat(np.rint(255 * spots).astype(np.uint8)[..., None], 3, axis=-1)


def centres(picture):
    """The centres of the spots in the left and in the right half of a picture."""
    light, middle = picture[..., 0].astype(float), picture.shape[1] // 2
    rows, columns = np.mgrid[: len(light), : light.shape[1]] + 0.5
    halves = np.s_[:, :middle], np.s_[:, middle:]
    return np.array([np.average((columns + 1j * rows)[half], weights=light[half]) for half in halves])


@pytest.mark.parametrize(
    ("shape", "left", "right"),
    [((128, 128), 40 + 50j, 88 + 50j), ((128, 128), 45 + 40j, 80 + 60j), ((90, 160), 60 + 30j, 100 + 25j)],
    ids=["level", "turned", "oblong"],
)
def test_eyes_stand_in_the_chip_where_dlib_has_them(shape, left, right):
    height, width = shape
    eyes = [(point.real / width, point.imag / height) for point in (left, right)]
    found = centres(chip(dots(height, width, (left, right)), np.array(eyes)))
    np.testing.assert_allclose(found, EYES, atol=0.5)
    np.testing.assert_allclose(EYES / 150, (0.318 + 0.314j, 0.669 + 0.314j))


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "cut as utkface"])
@pytest.mark.parametrize("within", FRAMINGS)
def test_the_mean_faces_eyes_stand_there_in_every_set_however_it_is_cut(within, cut):
    side = 400
    picture = dots(side, side, [complex(*point) * side for point in FRAMINGS[within][:2]])
    where = square("utkface", within) if cut else None
    _, hr = Protocol(4, 200, square=where).pair(picture)
    eyes = points_in(where or (0, 0, 1), within)[:2]
    np.testing.assert_allclose(centres(chip(hr, eyes)), EYES, atol=0.7)


class Colours:
    """In the network's place: the mean colour of the chip."""

    about = "by colour"

    def __init__(self, eyes):
        self.eyes = np.array(eyes)

    def embed(self, images):
        return np.array([chip(image, self.eyes).mean(axis=(0, 1)) for image in images])


def test_every_method_is_judged_on_all_pictures_together():
    pictures = [np.ascontiguousarray(astronaut()[k : k + 64, k : k + 64]) for k in range(0, 400, 20)]  # two batches
    network = Colours(FRAMINGS["utkface"][:2])
    report = evaluate({}, pictures, Protocol(8, 64), identity=network)
    bicubic = np.stack([resize(degrade(picture, 8), 64, 64) for picture in pictures])
    row = report["models"]["bicubic"]
    expected = recognised(network.embed(bicubic), network.embed(pictures))
    assert {figure: row[figure] for figure in expected} == expected
    assert "AUC; by colour" in in_one_line(report)
    headings, cells = tabulated(report)
    assert dict(zip(headings, cells["bicubic"]))["id.\nfirst"] == f"{expected['identity_rank1']:.1%}"


@pytest.fixture
def utkface(tmp_path):
    """A folder of three faces that is recognised as UTKFace."""
    for k, face in enumerate(demo_faces(3, 96)):
        stand_in_data.write(tmp_path / f"30_0_0_2017010900000000{k}.jpg", face)
    return tmp_path


def test_evaluate_looks_where_the_sets_framing_has_the_eyes_and_the_face(facesr, catalogue, monkeypatch, tmp_path):
    places, regions = [], []
    region = lambda points, *shape: regions.append(points) or face_region(points, *shape)  # noqa: E731
    monkeypatch.setattr(protocol, "face_region", region)
    monkeypatch.setattr(identity.Embedding, "__init__", lambda own, eyes: places.append(eyes) or Colours.__init__(own, eyes))
    monkeypatch.setattr(identity.Embedding, "embed", Colours.embed)
    stand_in_data.celeba(tmp_path, demo_faces(26, 96))
    for options in ((), ("--framing", "utkface")):
        options = ("--model", "near,noisy_x4", "--samples", 2, "--limit", 2, "--identity", "--json", "-", *options)
        report = json.loads(facesr("evaluate", tmp_path, *options).out)
        assert {"identity_distance", "identity_rank1", "identity_auc"} < report["models"]["near"].keys()
        assert report["models"]["noisy_x4"]["diversity_face"] > 0 and "ellipse" in report["protocol"]["face"]
    np.testing.assert_allclose([points[:2] for points in (regions[0], regions[-1])], places)
    np.testing.assert_allclose(places[0], FRAMINGS["celeba"][:2])
    np.testing.assert_allclose(places[1], FRAMINGS["utkface"][:2], atol=0.02)  # a mean face of another shape


@pytest.mark.parametrize("holds, name", [("faces", "pictures"), ("faces", "celeba"), ("digits", "pictures")])
def test_faces_of_unknown_framing_and_digits_are_refused_in_one_line(holds, name, facesr, catalogue, tmp_path):
    folder = tmp_path / name  # a plain folder that is named like a set has not its layout, and need not have its framing
    file = folder / ("test/7/0.png" if holds == "digits" else "0.png")
    stand_in_data.write(file, np.zeros((64, 64, 3), np.uint8))
    result = facesr("evaluate", folder, "--model", "near", "--identity")
    known = "utkface, celeba, celebamask, lfw as published"
    assert (result.code, result.err) == (2, f"facesr: --identity: where faces lie in {folder} is not known, only in {known}\n")


def test_real_small_faces_without_truth_are_refused_in_one_line(facesr, catalogue, utkface):
    result = facesr("evaluate", utkface, "--model", "near", "--clean", utkface, "--judge", "eye", "--identity")
    assert result.code == 2 and "--identity" in result.err and result.err.endswith("real small faces have no truth\n")


def test_without_the_extra_one_line_says_what_to_install(facesr, catalogue, monkeypatch, utkface):
    monkeypatch.setitem(sys.modules, "dlib", None)
    result = facesr("evaluate", utkface, "--model", "near", "--identity")
    assert (result.code, result.err) == (2, "facesr: dlib is not installed: pip install 'keras_facesr[identity]'\n")


@judged
def test_the_network_sees_a_face_as_dlibs_own_program_shows_it():
    import dlib

    photo = np.ascontiguousarray(astronaut())
    network = Embedding(((0.4, 0.2), (0.5, 0.2))).network
    file = located(identity.PACKAGE, identity.FILE, identity.SHA256, identity.EXTRA)
    (face,) = dlib.get_frontal_face_detector()(photo)
    points = dlib.shape_predictor(str(file.with_name("shape_predictor_5_face_landmarks.dat")))(photo, face)
    right, left = (np.mean([(points.part(k).x, points.part(k).y) for k in eye], axis=0) for eye in ((0, 1), (2, 3)))
    (ours,) = Embedding(np.array([left, right]) / 512).embed(photo[None])
    assert np.linalg.norm(ours - network.compute_face_descriptor(photo, points)) < 0.2  # other people's: some 0.8


@judged
def test_another_file_in_the_networks_place_is_refused(monkeypatch):
    monkeypatch.setattr(identity, "SHA256", "0" * 64)
    with pytest.raises(ExportError, match="SHA-256 differs"):
        Embedding(FRAMINGS["utkface"][:2])


@judged
def test_the_blurrier_an_answer_is_the_less_it_is_the_person():
    face = resize(np.ascontiguousarray(astronaut()[62:190, 162:290]), 128, 128)
    eyes = ((203.5 - 162) / 128, (102 - 62) / 128), ((246 - 162) / 128, (104.5 - 62) / 128)
    blurred = [resize(degrade(face, scale), 128, 128) for scale in (2, 4, 8)]
    truth, *answers = Embedding(eyes).embed(np.stack([face, *blurred]))
    near, farther, farthest = np.linalg.norm(np.array(answers) - truth, axis=1)
    assert 0 < near < farther < farthest


@judged
def test_evaluate_judges_by_it(facesr, catalogue, utkface):
    result = facesr("evaluate", utkface, "--model", "near", "--identity", "--json", "-")
    report = json.loads(result.out)
    assert report["protocol"]["identity"] == Embedding.about
    for row in report["models"].values():
        assert 0 < row["identity_distance"] < 1.5 and row["identity_rank1"] in {0, 1 / 3, 2 / 3, 1}
