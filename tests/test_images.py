import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_facesr.data.images import MAX_PIXELS, find_images, is_answer, read_picture, write_png
from keras_facesr.data.png import ROWS
from keras_facesr.errors import ImageError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GRAY = RNG.integers(0, 256, (6, 9), dtype=np.uint8)
SMOOTH = np.linspace(0, 255, 96 * 64 * 3).astype(np.uint8).reshape(96, 64, 3)


def saved(folder, pixels, name, **options):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(folder / name, **options)
    return folder / name


def png_chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, bits, colour, rows, *extra):
    """A PNG file of any bit depth, which Pillow itself cannot write; `rows` are the unfiltered bytes."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [header, *extra, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def refusal(source):
    with pytest.raises(ImageError) as caught:
        read_picture(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm"])
def test_lossless_colour_files_give_their_pixels(tmp_path, suffix):
    picture = read_picture(saved(tmp_path, COLOUR, f"a.{suffix}"))
    assert np.array_equal(picture.rgb, COLOUR)
    assert picture.alpha is None and not picture.is_gray
    assert picture.name == str(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["jpg", "webp", "jp2", "avif"])
def test_lossy_colour_files_are_read_close_to_their_pixels(tmp_path, suffix):
    picture = read_picture(saved(tmp_path, SMOOTH, f"a.{suffix}"))
    assert picture.rgb.shape == SMOOTH.shape
    assert np.abs(picture.rgb.astype(int) - SMOOTH).mean() < 6


def test_name_does_not_decide_the_format(tmp_path):
    path = saved(tmp_path, COLOUR, "really_a_png.jpg", format="PNG")
    assert np.array_equal(read_picture(path).rgb, COLOUR)


def test_path_pil_image_and_array_give_the_same_picture(tmp_path):
    path = saved(tmp_path, COLOUR, "a.png")
    for source in (path, str(path), Image.open(path), Image.fromarray(COLOUR), COLOUR):
        assert np.array_equal(read_picture(source).rgb, COLOUR)


def test_picture_of_an_array_does_not_share_its_memory():
    pixels = COLOUR.copy()
    picture = read_picture(pixels)
    pixels[:] = 0
    assert np.array_equal(picture.rgb, COLOUR)


def test_gray_stays_gray(tmp_path):
    for source in (saved(tmp_path, GRAY, "a.png"), Image.fromarray(GRAY), GRAY):
        picture = read_picture(source)
        assert picture.is_gray and picture.alpha is None
        assert np.array_equal(picture.rgb, np.stack([GRAY] * 3, -1))


def test_bilevel_becomes_black_and_white_gray(tmp_path):
    bits = GRAY > 127
    picture = read_picture(saved(tmp_path, Image.fromarray(bits), "a.png"))
    assert picture.is_gray
    assert np.array_equal(picture.rgb[..., 0], bits * np.uint8(255))


def test_alpha_is_kept_apart_from_colour(tmp_path):
    rgba = np.dstack([COLOUR, GRAY])
    for source in (saved(tmp_path, rgba, "a.png"), rgba):
        picture = read_picture(source)
        assert np.array_equal(picture.rgb, COLOUR) and np.array_equal(picture.alpha, GRAY)
        assert not picture.is_gray


def test_alpha_of_a_gray_file_is_kept(tmp_path):
    la = Image.merge("LA", [Image.fromarray(GRAY), Image.fromarray(255 - GRAY)])
    picture = read_picture(saved(tmp_path, la, "a.png"))
    assert picture.is_gray
    assert np.array_equal(picture.rgb[..., 1], GRAY) and np.array_equal(picture.alpha, 255 - GRAY)


def test_one_transparent_gray_level_becomes_alpha(tmp_path):
    picture = read_picture(saved(tmp_path, GRAY, "a.png", transparency=int(GRAY[2, 3])))
    assert picture.is_gray
    assert np.array_equal(picture.alpha == 0, GRAY == GRAY[2, 3])


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_one_transparent_level_of_few_bits_becomes_alpha(tmp_path, bits):
    white, black = 2**bits - 1, 0
    row = int(f"{white:0{bits}b}{black:0{bits}b}".ljust(8, "0"), 2).to_bytes(1)
    (tmp_path / "a.png").write_bytes(png(2, 1, bits, 0, [row], png_chunk(b"tRNS", struct.pack(">H", white))))
    picture = read_picture(tmp_path / "a.png")
    assert picture.rgb[..., 0].tolist() == [[255, 0]] and picture.alpha.tolist() == [[0, 255]]


def test_palette_colours_are_looked_up(tmp_path):
    indexed = Image.fromarray(COLOUR).quantize(16)
    picture = read_picture(saved(tmp_path, indexed, "a.png"))
    assert np.array_equal(picture.rgb, np.asarray(indexed.convert("RGB")))
    assert picture.alpha is None and not picture.is_gray


def test_transparent_palette_entry_becomes_alpha(tmp_path):
    indexed = Image.fromarray(COLOUR).quantize(16)
    for name in ("a.png", "a.gif"):
        alpha = read_picture(saved(tmp_path, indexed, name, transparency=3)).alpha
        assert np.array_equal(alpha == 0, np.asarray(indexed) == 3)


def test_gray_palette_is_gray(tmp_path):
    indexed = Image.fromarray(255 - GRAY)
    indexed.putpalette([255 - level for level in range(256) for _ in "rgb"])
    picture = read_picture(saved(tmp_path, indexed, "a.png"))
    assert picture.is_gray and np.array_equal(picture.rgb[..., 2], GRAY)


def test_cmyk_jpeg_is_not_inverted(tmp_path):
    red = Image.new("RGB", (32, 32), (220, 30, 20)).convert("CMYK")
    for path in (saved(tmp_path, red, "a.jpg", quality=95), saved(tmp_path, red, "a.tiff")):
        assert np.abs(read_picture(path).rgb.astype(int) - (220, 30, 20)).max() < 8


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
@pytest.mark.parametrize("largest", [40_000, 200])
def test_16_bit_gray_is_scaled_by_its_declared_range_however_dark(tmp_path, suffix, largest):
    samples = np.linspace(0, largest, 54).astype(np.uint16).reshape(6, 9)
    path = tmp_path / f"a.{suffix}"
    if suffix == "pgm":
        path.write_bytes(b"P5 9 6 65535\n" + samples.astype(">u2").tobytes())
    else:
        saved(tmp_path, samples, path.name)
    picture = read_picture(path)
    assert picture.is_gray
    assert np.array_equal(picture.rgb[..., 0], np.round(samples / 257).astype(np.uint8))


def test_16_bit_gray_keeps_rotation_and_the_transparent_level(tmp_path):
    samples = np.arange(0, 54_000, 1000).astype(">u2").reshape(6, 9)
    clear = png_chunk(b"tRNS", struct.pack(">H", 7000))
    (tmp_path / "a.png").write_bytes(png(9, 6, 16, 0, [row.tobytes() for row in samples], clear))
    assert np.array_equal(read_picture(tmp_path / "a.png").alpha == 0, samples == 7000)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, samples.astype(np.uint16), "b.png", exif=exif)
    assert np.array_equal(read_picture(path).rgb[..., 0], np.rot90(np.round(samples / 257), -1))


def test_16_bit_colour_is_scaled_to_8_bits(tmp_path):
    samples = RNG.integers(0, 65536, (6, 9, 3)).astype(">u2")
    (tmp_path / "a.png").write_bytes(png(9, 6, 16, 2, [row.tobytes() for row in samples]))
    assert np.abs(read_picture(tmp_path / "a.png").rgb - samples / 257).max() <= 1


def test_12_bit_tiff_is_scaled_by_12_bits(tmp_path):
    saved(tmp_path, np.full((1, 2), 0xFFFF, np.uint16), "a.tiff")
    content = (tmp_path / "a.tiff").read_bytes()
    sixteen, twelve = (struct.pack("<HHII", 258, 3, 1, bits) for bits in (16, 12))
    assert sixteen in content
    (tmp_path / "a.tiff").write_bytes(content.replace(sixteen, twelve))
    assert read_picture(tmp_path / "a.tiff").rgb.tolist() == [[[255] * 3] * 2]


def test_16_bit_tiff_whose_zero_is_white_is_no_negative(tmp_path):
    saved(tmp_path, np.array([[0, 65535]], np.uint16), "a.tiff")
    content = (tmp_path / "a.tiff").read_bytes()
    black, white = (struct.pack("<HHIHH", 262, 3, 1, zero, 0) for zero in (1, 0))
    assert black in content
    (tmp_path / "a.tiff").write_bytes(content.replace(black, white))
    assert read_picture(tmp_path / "a.tiff").rgb.tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_declared_range_are_refused(tmp_path, dtype):
    path = saved(tmp_path, GRAY.astype(dtype), "deep.tiff")
    assert "deep.tiff" in refusal(path) and "range" in refusal(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_once(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.zeros((32, 48, 3), np.uint8)
    stored[:16, :16] = 255  # bright corner: top left as stored
    picture = read_picture(saved(tmp_path, stored, f"a.{suffix}", exif=exif))
    bright = picture.rgb[..., 0] > 127
    top, left = bright[: len(bright) // 2].any(), bright[:, : bright.shape[1] // 2].any()
    assert bright.shape == ((32, 48) if orientation <= 4 else (48, 32))
    # EXIF: orientations 1 to 4 put the stored corner at the top left, top right, bottom right, bottom left,
    # 5 to 8 do the same after rows and columns are exchanged.
    corners = [(True, True), (True, False), (False, False), (False, True)]
    assert (top, left) == corners[(orientation - 1) % 4]


def test_unreadable_exif_leaves_the_picture_as_stored(tmp_path):
    path = saved(tmp_path, SMOOTH, "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert read_picture(path).rgb.shape == SMOOTH.shape


def test_camera_jpeg_with_previews_gives_the_photo(tmp_path):
    preview = Image.new("RGB", (8, 8), "red")
    path = saved(tmp_path, SMOOTH, "a.jpg", format="MPO", save_all=True, append_images=[preview])
    assert read_picture(path).rgb.shape == SMOOTH.shape


def test_one_pixel_is_a_picture(tmp_path):
    assert read_picture(saved(tmp_path, COLOUR[:1, :1], "a.png")).rgb.tolist() == COLOUR[:1, :1].tolist()


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "bmp", "tiff", "webp", "ppm", "jp2"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_files_are_refused_by_name(tmp_path, suffix, share):
    noise = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = saved(tmp_path, noise, f"cut.{suffix}").read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(content[: max(3, int(len(content) * share))])
    assert f"cut.{suffix}" in refusal(tmp_path / f"cut.{suffix}")


def test_damaged_files_are_read_or_refused_but_never_raise_anything_else(tmp_path):
    for suffix in ("jpg", "png", "gif", "tiff", "webp", "jp2", "bmp"):
        content = saved(tmp_path, SMOOTH, f"a.{suffix}").read_bytes()
        for trial in range(60):
            chance = np.random.default_rng(trial)
            damaged = bytearray(content)
            for place in chance.integers(0, min(len(content), 400), 4):
                damaged[place] = chance.integers(256)
            (tmp_path / f"b.{suffix}").write_bytes(damaged)
            try:
                assert read_picture(tmp_path / f"b.{suffix}").rgb.dtype == np.uint8
            except ImageError as error:
                assert f"b.{suffix}" in str(error) and "\n" not in str(error)


def test_truncated_pil_image_is_refused():
    stream = io.BytesIO()
    Image.fromarray(SMOOTH).save(stream, "JPEG")
    assert "truncated" in refusal(Image.open(io.BytesIO(stream.getvalue()[:700])))


def test_empty_file_text_file_folder_and_missing_file_are_refused_by_name(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("This is no picture.\n" * 50)
    (tmp_path / "folder.png").mkdir()
    assert "empty.png: the file is empty" in refusal(tmp_path / "empty.png")
    assert "text.jpg: not an image" in refusal(tmp_path / "text.jpg")
    assert "folder.png: is a folder" in refusal(tmp_path / "folder.png")
    assert "missing.png: no such file" in refusal(tmp_path / "missing.png")


def test_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "pipe.png: is not a regular file" in refusal(tmp_path / "pipe.png")


def test_formats_that_run_programs_are_not_opened(tmp_path):
    assert "a.eps: not an image" in refusal(saved(tmp_path, COLOUR, "a.eps"))


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tiff"])
def test_several_pictures_in_a_file_are_refused_and_one_is_read(tmp_path, suffix):
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (0, 100, 200)]
    path = saved(tmp_path, frames[0], f"moving.{suffix}", save_all=True, append_images=frames[1:])
    assert f"moving.{suffix}: animated" in refusal(path)
    still = saved(tmp_path, frames[1], f"still.{suffix}", save_all=True)
    assert read_picture(still).rgb.shape == (8, 8, 3)


@pytest.mark.parametrize("side", [9_400, 60_000])
def test_decompression_bomb_is_refused_before_decoding(tmp_path, side):
    assert side**2 > MAX_PIXELS
    (tmp_path / "bomb.png").write_bytes(png(side, side, 8, 2, []))
    assert "bomb.png: more than 80 million pixels" in refusal(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    "pixels",
    [COLOUR / 255, COLOUR.astype(np.int64), COLOUR[..., :2], COLOUR[None], COLOUR[:0], GRAY > 127, GRAY[0]],
    ids=["float", "int64", "two channels", "batch", "no rows", "bool", "one row"],
)
def test_arrays_of_another_type_or_shape_are_refused(pixels):
    assert "expected uint8" in refusal(pixels)


def test_other_sources_are_refused():
    assert "NoneType" in refusal(None)


@pytest.mark.parametrize("pixels", [GRAY, COLOUR, np.dstack([COLOUR, GRAY])], ids=["gray", "colour", "alpha"])
def test_written_png_reads_back_the_same(tmp_path, pixels):
    pixels = np.concatenate([pixels] * (2 + 2 * ROWS // len(pixels)))  # packed in several parts
    path = write_png(tmp_path / "new" / "a.png", pixels)
    assert np.array_equal(np.asarray(Image.open(path)), pixels)
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_existing_file_is_kept_unless_overwriting_is_allowed(tmp_path):
    path = write_png(tmp_path / "a.png", COLOUR)
    with pytest.raises(ImageError, match="a.png: exists already"):
        write_png(path, COLOUR[::-1])
    assert np.array_equal(read_picture(path).rgb, COLOUR)
    write_png(path, COLOUR[::-1], overwrite=True)
    assert np.array_equal(read_picture(path).rgb, COLOUR[::-1])


@pytest.mark.parametrize(
    ("path", "pixels", "told"),
    [
        (None, COLOUR, "None is no path"),
        (COLOUR, "a.png", r"^array\(.* is no path: give that of a file"),
        ("a.png", None, "a.png: pixels must be uint8, not object"),
        ("a.png", COLOUR[None], "a.png: pixels must be"),
        ("a.png", COLOUR[:0], "a.png: pixels must be"),
    ],
)
def test_what_is_no_path_or_no_picture_is_not_written(path, pixels, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageError, match=told):
        write_png(path, pixels)
    assert not any(tmp_path.iterdir())


def test_other_suffix_floats_and_unwritable_folder_are_refused_by_name(tmp_path):
    with pytest.raises(ImageError, match="a.png: pixels must be uint8, not float32"):
        write_png(tmp_path / "a.png", COLOUR.astype("float32"))
    with pytest.raises(ImageError, match="a.jpg: only PNG"):
        write_png(tmp_path / "a.jpg", COLOUR)
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match="b.png: cannot be written"):
        write_png(tmp_path / "file" / "b.png", COLOUR)


def test_folders_stand_for_their_images_sorted_and_files_for_themselves(tmp_path):
    for name in ("b.PNG", "a.jpg", "sub/c.webp", "notes.txt", ".hidden.png", ".cache/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [tmp_path / "a.jpg", tmp_path / "b.PNG", tmp_path / "sub" / "c.webp"]
    assert find_images(tmp_path) == find_images(str(tmp_path)) == found
    assert find_images([tmp_path / "notes.txt", tmp_path / "b.PNG", tmp_path]) == [
        tmp_path / "notes.txt",
        tmp_path / "b.PNG",
        tmp_path / "a.jpg",
        tmp_path / "sub" / "c.webp",
    ]


def test_a_folder_that_cannot_be_opened_is_named_and_not_left_out(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.png").touch()
    scandir = os.scandir

    def locked(path):
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    assert find_images(tmp_path) == [tmp_path / "a.png", tmp_path / "locked"]
    assert refusal(tmp_path / "locked") == f"{tmp_path / 'locked'}: cannot be read (Permission denied)"


def test_a_link_to_a_folder_is_followed_once_and_not_to_where_a_folder_stands_itself(tmp_path):
    for name in ("t/own/1.png", "t/own/deep/2.png", "t/3.png", "elsewhere/4.png", "elsewhere/deep/5.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    # To a folder that is met later, to itself, to one around it, to the same place twice, and from there back.
    links = {"t/a": "own", "t/b": ".", "t/own/up": "..", "t/c": "../elsewhere", "t/d": "../elsewhere", "elsewhere/back": "../t"}
    for link, target in links.items():
        (tmp_path / link).symlink_to(target)
    (tmp_path / "t" / "gone").symlink_to("nowhere")
    (tmp_path / "t" / "6.png").symlink_to("3.png")
    found = [path.relative_to(tmp_path / "t").as_posix() for path in find_images(tmp_path / "t")]
    assert found == ["3.png", "6.png", "c/4.png", "c/deep/5.png", "own/1.png", "own/deep/2.png"]


def test_a_file_says_whether_it_was_written_here(tmp_path):
    ours = write_png(tmp_path / "ours.png", COLOUR)
    for name in ("theirs.png", "theirs.jpg"):
        Image.fromarray(COLOUR).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(ours.read_bytes()[:20])
    ours.rename(tmp_path / "renamed.png")
    assert [path.name for path in sorted(tmp_path.iterdir()) if is_answer(path)] == ["renamed.png"]
    assert not is_answer(tmp_path / "absent.png")


def test_an_answer_of_more_pixels_than_are_read_says_so_too(tmp_path, monkeypatch):
    ours = write_png(tmp_path / "ours.png", COLOUR)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", COLOUR[..., 0].size // 3)  # Pillow opens up to twice as many
    assert is_answer(ours)
