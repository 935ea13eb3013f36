"""Colours of files with a profile are those of sRGB, computed here by the standard's formulas (``icc``)."""

import io
from concurrent.futures import ThreadPoolExecutor

import icc
import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_facesr.data import colour
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.images import read_picture, write_png

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (32, 48, 3), dtype=np.uint8)
GRAY = np.arange(256, dtype=np.uint8).reshape(16, 16)
LITTLE_CMS = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SOFT = np.linspace(20, 230, 64 * 96 * 3).astype(np.uint8).reshape(64, 96, 3)  # survives JPEG
PROFILES = {  # primaries, gamma
    "Display P3": (icc.DISPLAY_P3, None),
    "Adobe RGB": (icc.ADOBE_RGB, 563 / 256),
    "sRGB primaries, gamma 2.2": (icc.SRGB, 563 / 256),
}


def saved(path, pixels, profile, mode=None, **options):
    Image.fromarray(pixels, mode).save(path, icc_profile=profile, **options)
    return path


def apart(found, expected):
    return np.abs(found.astype(int) - expected).max()


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_colours_under_a_profile_become_those_of_srgb(tmp_path, name, suffix):
    path = saved(tmp_path / f"a.{suffix}", COLOURS, icc.rgb_profile(*PROFILES[name]), lossless=True)
    expected = icc.in_srgb(COLOURS, *PROFILES[name])
    assert apart(COLOURS, expected) > 5  # what not to apply it would leave wrong
    assert apart(read_picture(path).rgb, expected) <= 1


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("suffix", ["jpg", "avif"])
def test_a_lossy_file_too(tmp_path, name, suffix):
    path = saved(tmp_path / f"a.{suffix}", SOFT, icc.rgb_profile(*PROFILES[name]), quality=100)
    stored = np.asarray(Image.open(path))
    assert apart(read_picture(path).rgb, icc.in_srgb(stored, *PROFILES[name])) <= 1


def test_a_picture_in_memory_has_its_profile_too():
    image = Image.fromarray(COLOURS)
    image.info["icc_profile"] = icc.rgb_profile(*PROFILES["Display P3"])
    assert apart(read_picture(image).rgb, icc.in_srgb(COLOURS, *PROFILES["Display P3"])) <= 1
    assert image.info["icc_profile"] and np.array_equal(np.asarray(image), COLOURS)


@pytest.mark.parametrize("profile", [icc.rgb_profile(icc.SRGB, None), LITTLE_CMS], ids=["by a curve of samples", "LittleCMS's"])
def test_srgb_under_any_name_is_left_as_it_is_to_the_level(tmp_path, profile):
    assert np.array_equal(read_picture(saved(tmp_path / "a.png", COLOURS, profile)).rgb, COLOURS)


def test_alpha_is_kept_beside_converted_colours(tmp_path):
    alpha = COLOURS[..., 0]
    path = saved(tmp_path / "a.png", np.dstack([COLOURS, alpha]), icc.rgb_profile(*PROFILES["Adobe RGB"]))
    picture = read_picture(path)
    assert np.array_equal(picture.alpha, alpha)
    assert apart(picture.rgb, icc.in_srgb(COLOURS, *PROFILES["Adobe RGB"])) <= 1


def test_colours_of_a_palette_are_converted(tmp_path):
    indexed = Image.fromarray(COLOURS).quantize(16)
    path = tmp_path / "a.png"
    indexed.save(path, icc_profile=icc.rgb_profile(*PROFILES["Display P3"]), transparency=3)
    picture = read_picture(path)
    assert apart(picture.rgb, icc.in_srgb(np.asarray(indexed.convert("RGB")), *PROFILES["Display P3"])) <= 1
    assert np.array_equal(picture.alpha == 0, np.asarray(indexed) == 3)


@pytest.mark.parametrize(
    "profile, gamma",
    [(icc.gray_profile(461 / 256), 461 / 256), (icc.rgb_profile(icc.ADOBE_RGB, 563 / 256), 563 / 256)],
    ids=["of gray", "of colours"],
)
def test_gray_under_a_profile_stays_gray_with_its_lightness(tmp_path, profile, gamma):
    expected = np.rint(255 * icc.linear_to_srgb((GRAY / 255) ** gamma))
    for pixels, mode in ((GRAY, "L"), (np.dstack([GRAY, GRAY.T]), "LA"), (GRAY.astype(np.uint16) * 257, None)):
        picture = read_picture(saved(tmp_path / "a.png", pixels, profile, mode))
        assert picture.is_gray and np.array_equal(picture.rgb[..., 0], picture.rgb[..., 2])
        assert apart(picture.rgb[..., 1], expected) <= 1
        assert picture.alpha is None or np.array_equal(picture.alpha, GRAY.T)


@pytest.mark.parametrize("suffix", ["tiff", "jpg"])
def test_inks_under_a_profile_look_as_it_says(tmp_path, suffix):
    inks = np.stack(np.meshgrid(*[[0, 85, 170, 255]] * 4), axis=-1).reshape(16, 16, 4).astype(np.uint8)
    inks = inks.repeat(8, axis=0).repeat(8, axis=1)
    path = saved(tmp_path / f"a.{suffix}", inks, icc.cmyk_profile(), "CMYK", quality=100)
    stored = np.asarray(Image.open(path))
    at_nodes = (stored == inks).all(axis=-1)  # between its table's nodes a profile may be interpolated in many ways
    assert at_nodes.mean() > 0.2
    expected = icc.xyz_in_srgb(icc.cmyk_xyz(inks / 255))
    off = np.abs(read_picture(path).rgb - expected)[at_nodes]
    assert off.max() <= 5 and off.mean() < 1.5  # LittleCMS makes a finer table of it and interpolates in that
    naive = np.abs(np.asarray(Image.open(path).convert("RGB")).astype(int) - expected)[at_nodes]
    assert naive.mean() > 20


def test_lab_is_a_colour_space_of_its_own(tmp_path):
    lab = ImageCms.profileToProfile(
        Image.fromarray(SOFT), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    lab.save(tmp_path / "a.tiff")
    assert apart(read_picture(tmp_path / "a.tiff").rgb, SOFT) <= 4  # 8 bits of Lab are coarser


def test_exif_that_names_adobe_rgb_is_believed_where_no_profile_is_embedded(tmp_path):
    for name, index in (("a.png", "R03"), ("b.png", "R98")):  # Adobe RGB, sRGB (DCF)
        exif = Image.Exif()
        exif[0x8769] = {0xA001: 0xFFFF, 0xA005: {1: index}}  # ColorSpace: uncalibrated; interoperability index
        Image.fromarray(COLOURS).save(tmp_path / name, exif=exif)
    expected = icc.in_srgb(COLOURS, icc.ADOBE_RGB, 563 / 256)
    assert apart(read_picture(tmp_path / "a.png").rgb, expected) <= 1
    assert np.array_equal(read_picture(tmp_path / "b.png").rgb, COLOURS)


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile at all" * 20,
        icc.rgb_profile(icc.DISPLAY_P3, None)[:400],
        icc.rgb_profile(icc.DISPLAY_P3, None).replace(b"RGB ", b"R\xe9B ", 1),
        icc.cmyk_profile(),
        icc.gray_profile(1.8),
    ],
    ids=["noise", "truncated", "of a space without a name", "for inks", "for gray"],
)
def test_a_profile_that_is_broken_or_not_for_such_pixels_leaves_them_as_they_are(tmp_path, profile):
    assert np.array_equal(read_picture(saved(tmp_path / "a.png", COLOURS, profile)).rgb, COLOURS)


def test_masks_are_numbers_and_no_colours(tmp_path):
    path = saved(tmp_path / "a.png", GRAY, icc.gray_profile(1.8))
    assert np.array_equal(read_picture(path, levels=True).rgb[..., 0], GRAY)


def test_data_sets_see_the_same_colours(tmp_path):
    faces = tmp_path / "faces"
    faces.mkdir()
    path = saved(faces / "a.png", COLOURS[:, :32], icc.rgb_profile(*PROFILES["Display P3"]))
    images, _ = decoded(open_dataset(faces), 32, tmp_path / "cache", progress=False)
    assert np.array_equal(images[0], read_picture(path).rgb)


def test_an_answer_says_of_no_profile_and_so_is_srgb(tmp_path):
    picture = read_picture(saved(tmp_path / "a.png", COLOURS, icc.rgb_profile(*PROFILES["Display P3"])))
    write_png(tmp_path / "b.png", picture.rgb, source=picture)
    assert "icc_profile" not in Image.open(tmp_path / "b.png").info
    assert np.array_equal(read_picture(tmp_path / "b.png").rgb, picture.rgb)


def test_threads_read_colours_as_one_does(tmp_path):
    paths = [
        saved(tmp_path / f"{name}{k}.png", COLOURS, icc.rgb_profile(*PROFILES[name])) for name in PROFILES for k in range(8)
    ]
    colour._transform.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda path: read_picture(path).rgb, paths))
    assert all(np.array_equal(found, read_picture(path).rgb) for found, path in zip(together, paths))


def test_the_profile_for_exif_is_adobe_rgb():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(colour.adobe_profile()))
    assert profile.profile.xcolor_space == "RGB " and profile.profile.version == pytest.approx(2.1)
    primaries = [profile.profile.red_colorant, profile.profile.green_colorant, profile.profile.blue_colorant]
    np.testing.assert_allclose([xyz[0] for xyz in primaries], icc.to_xyz(icc.ADOBE_RGB).T, atol=2e-5)
