"""Faces cut as a set frames them, against NumPy's least squares and Pillow."""

import numpy as np
import pytest
from PIL import Image

from keras_facesr.data.framing import FRAMINGS, cut, face_region, points_in, square
from keras_facesr.data.pipeline import FaceStream
from keras_facesr.errors import DatasetError, FacesrError
from keras_facesr.metrics.protocol import Protocol

RNG = np.random.default_rng(0)


def smooth(count, side):
    """Pictures without sharp edges, uint8 (count, side, side, 3), all different."""
    coarse = RNG.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)) for image in coarse])


@pytest.mark.parametrize("within", FRAMINGS)
def test_the_square_is_the_least_squares_scale_and_shift_between_two_mean_faces(within):
    wanted, found = (np.array(FRAMINGS[name]) for name in ("utkface", within))
    columns = np.zeros((10, 3))  # of found = (left, top) + side * wanted
    columns[0::2, 0] = columns[1::2, 1] = 1.0
    columns[:, 2] = wanted.ravel()
    expected = np.linalg.lstsq(columns, found.ravel(), rcond=None)[0]
    np.testing.assert_allclose(square("utkface", within), expected, atol=1e-12)


def test_a_set_shows_its_own_faces_whole():
    np.testing.assert_allclose(square("celeba", within="celeba"), (0.0, 0.0, 1.0), atol=1e-12)


@pytest.mark.parametrize("within", FRAMINGS)
def test_the_region_of_the_face_is_an_ellipse_about_its_eyes_and_mouth(within):
    height, width = 400, 300  # of pictures that were squeezed
    points = points_in(None, within)
    region = face_region(points, height, width)
    rows, columns = np.nonzero(region)
    (left, top), (right, _), _, (_, bottom), _ = points * (width, height)
    across, down = 1.1 * (right - left), 1.2 * (bottom - top)
    assert [columns.mean() + 0.5, rows.mean() + 0.5] == pytest.approx([(left + right) / 2, (top + bottom) / 2], abs=3)
    assert [np.ptp(columns) / 2, np.ptp(rows) / 2] == pytest.approx([across, down], abs=2)
    assert region.sum() == pytest.approx(np.pi * across * down, rel=0.03)
    assert all(region[int(y), int(x)] for x, y in points * (width, height))


def test_a_cut_square_is_pillows_bicubic_of_that_box():
    picture = smooth(1, 50)[0]
    expected = Image.fromarray(picture).resize((16, 16), Image.Resampling.BICUBIC, (10, 5, 40, 35))
    np.testing.assert_array_equal(cut(picture, (0.2, 0.1, 0.6), 16), np.asarray(expected))


def test_a_turned_square_shows_what_pillow_turns_the_other_way():
    picture = smooth(1, 60)[0]
    shown = Image.fromarray(picture).rotate(30, Image.Resampling.BICUBIC, center=(33, 27)).crop((17, 11, 49, 43))
    found = cut(picture, (17 / 60, 11 / 60, 32 / 60), 32, turn=30)
    np.testing.assert_allclose(found.astype(int), np.asarray(shown, int), atol=1)


def test_half_of_the_faces_that_may_be_turned_are_as_far_as_they_may():
    ramp = np.broadcast_to(np.linspace(0, 255, 128).astype(np.uint8)[:, None, None], (300, 128, 128, 3))
    how = {"squares": [(0.3, 0.3, 0.4)] * 2, "size": 32, "scale": 4, "batch_size": 600, "turns": [40.0, 0.0]}
    stream = FaceStream([ramp, ramp], **how)
    down, right = (np.diff(stream.batch(0)[1][..., 0], axis=axis).mean((1, 2)) for axis in (1, 2))
    angles = np.degrees(np.arctan2(right, down))
    turned = stream.chosen(0) < 300
    assert np.abs(angles[~turned]).max() < 0.1
    assert 0.4 < np.mean(np.abs(angles[turned]) > 0.1) < 0.6 and angles.min() < -37 and 37 < angles.max() < 40.1


def test_without_jitter_faces_are_cut_where_they_are_and_lr_is_made_of_them():
    pictures = [smooth(3, 40), smooth(2, 64)]
    squares = [(0.25, 0.25, 0.5), (0.0, 0.0, 1.0)]
    stream = FaceStream(pictures, squares, 16, 4, batch_size=5, jitter=0.0)
    lr, hr = stream.batch(0)
    expected = [cut(image, where, 16) for images, where in zip(pictures, squares) for image in images]
    np.testing.assert_array_equal(np.round(hr * 255), np.array(expected)[stream.chosen(0)])
    assert lr.shape == (5, 4, 4, 3) and lr.dtype == hr.dtype == np.float32
    np.testing.assert_allclose(lr.mean(axis=(1, 2)), hr.mean(axis=(1, 2)), atol=0.02)


def test_jitter_moves_and_scales_within_its_bounds_and_never_leaves_the_picture():
    row = np.linspace(0, 255, 200).astype(np.uint8)
    ramp = np.broadcast_to(row[:, None], (200, 200))
    picture = np.stack([ramp.T, ramp, ramp], axis=-1)[None]  # red tells the column, green the row
    stream = FaceStream([picture], [(0.05, 0.3, 0.5)], 32, 4, batch_size=1, jitter=0.2)
    sides, lefts, tops, mirrored = [], [], [], 0
    for step in range(200):
        red, green = stream.batch(step)[1][0, :, :, 0], stream.batch(step)[1][0, :, :, 1]
        mirrored += red[0, 0] > red[0, -1]
        low, high = sorted((red[:, 4].mean(), red[:, -5].mean()))  # away from the edges: 23 of 32 columns
        side = (high - low) * 32 / 23
        sides.append(side)
        lefts.append((low + high) / 2 - side / 2)
        tops.append(green.mean() - side / 2)
    assert 0.5 * 0.8 - 0.01 < min(sides) < 0.43 and 0.57 < max(sides) < 0.5 * 1.2 + 0.01
    assert -0.01 < min(lefts) < 0.01, "held at the picture's edge"
    centres = np.array(tops) + np.array(sides) / 2
    assert 0.55 - 0.06 < centres.min() < 0.51 and 0.59 < centres.max() < 0.55 + 0.06
    assert 70 < mirrored < 130


def test_faces_depend_on_seed_and_step_alone():
    how = {"pictures": [smooth(6, 40)], "squares": [(0.1, 0.1, 0.8)], "size": 16, "scale": 4, "batch_size": 2}
    stream, other = FaceStream(**how, seed=1), FaceStream(**how, seed=1)
    in_order = [stream.batch(step) for step in range(5)]
    np.testing.assert_array_equal(other.batch(3)[1], in_order[3][1])
    assert not np.array_equal(FaceStream(**how, seed=2).batch(3)[1], in_order[3][1])


def test_a_face_is_degraded_afresh_each_time_that_it_is_seen():
    how = {"pictures": [smooth(4, 40)], "squares": [(0.0, 0.0, 1.0)], "size": 16, "scale": 4, "batch_size": 4}
    stream = FaceStream(**how, jitter=0.0, afresh=lambda hr, scale, chance: chance.integers(1, 256, (4, 4, 3), np.uint8))
    (lr, hr), (again, _) = stream.batch(0), stream.batch(1)
    np.testing.assert_array_equal(hr, FaceStream(**how, jitter=0.0).batch(0)[1])
    assert len(np.unique(np.concatenate([lr, again]), axis=0)) == 8


def test_the_light_of_each_face_varies_as_far_as_it_may_and_its_small_image_with_it():
    gray = np.full((40, 32, 32, 3), 100, np.uint8)
    lr, hr = FaceStream([gray], [(0.0, 0.0, 1.0)], 16, 4, batch_size=40, light=0.2).batch(0)
    light = 255 * hr[:, 0, 0] / 100
    assert np.ptp(hr, axis=(1, 2)).max() == 0 and 0.64 <= light.min() < 0.75 and 1.3 < light.max() <= 1.44
    assert np.ptp(light, axis=1).max() > 0.2, "each colour for itself, too"
    np.testing.assert_allclose(lr[:, 0, 0], hr[:, 0, 0], atol=1 / 255)
    bright = FaceStream([gray + 155], [(0.0, 0.0, 1.0)], 16, 4, batch_size=40, light=0.2).batch(0)[1]
    assert bright.max() == 1.0


def test_an_unknown_framing_is_refused_by_name():
    for framing, within in (("utkfaces", "celeba"), ("utkface", "folder")):
        with pytest.raises(DatasetError, match="where faces lie in '(utkfaces|folder)' is not known, only in utkface, celeba"):
            square(framing, within)


def test_a_framing_that_shows_more_than_the_pictures_do_is_refused():
    """UTKFace's pictures end at the face, CelebA's have the whole head."""
    with pytest.raises(DatasetError, match="^pictures of utkface show too little round the face .* framing of celeba$"):
        square("celeba", within="utkface")
    for name in FRAMINGS:
        assert np.abs(np.subtract(square(name, within=name), (0, 0, 1))).max() < 1e-9, "its own is not"


def test_the_protocol_measures_on_the_square_alone_and_says_which():
    picture = smooth(1, 50)[0]
    protocol = Protocol(4, 16, square=(0.2, 0.1, 0.6))
    lr, hr = protocol.pair(picture)
    np.testing.assert_array_equal(hr, cut(picture, (0.2, 0.1, 0.6), 16))
    assert lr.shape == (4, 4, 3)
    assert "0.600 of its side, from 0.200 of it on the left and 0.100 at the top" in protocol.describe()["crop"]
    with pytest.raises(FacesrError, match="one HR size"):
        Protocol(4, square=(0.2, 0.1, 0.6))
