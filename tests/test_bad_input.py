"""A folder with every kind of picture that people have: each is enlarged rightly or refused by name."""

import os
import zlib

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

SCALE = 4
HEIGHT, WIDTH = 20, 14
FACE = np.ascontiguousarray(astronaut()[80:160:4, 200:256:4])  # uint8 (20, 14, 3)
GRAY = FACE[..., 0]
RAMP = np.linspace(0, 255, HEIGHT * WIDTH).astype(np.uint8).reshape(HEIGHT, WIDTH)
RGB = Image.fromarray(FACE)


def enlarged(pixels):
    return pixels.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def soft(alpha):
    size = (WIDTH * SCALE, HEIGHT * SCALE)
    return np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC))


def palette(image):
    return image.quantize(16, dither=Image.Dither.NONE)


def write_png(path, width, height, bits, data):
    """An RGB file as its header says, written by hand."""

    def chunk(kind, content):
        checksum = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + checksum

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([bits, 2, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def bomb(path):
    """Some hundred bytes that claim ten thousand million pixels."""
    write_png(path, 100_000, 100_000, 8, bytes(1000))


def sixteen_bit_rgb(path):
    """Big-endian samples 257 v, which are v in 8 bits; each row starts with its filter, 0."""
    rows = (FACE.astype(">u2") * 257).reshape(HEIGHT, -1)
    write_png(path, WIDTH, HEIGHT, 16, b"".join(b"\0" + row.tobytes() for row in rows))


def truncated(path):
    Image.fromarray(astronaut()).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def rotated(path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise by a quarter
    RGB.save(path, exif=exif)


def transparent_palette(path):
    image = palette(RGB)
    image.save(path, transparency=int(np.asarray(image)[0, 0]))


FRAMES = {"save_all": True, "append_images": [Image.fromarray(FACE[::-1])]}

REFUSED = {  # file name: (how it is made, what the one line says)
    "truncated.jpg": (truncated, "truncated"),
    "truncated.png": (truncated, "truncated"),
    "truncated.webp": (truncated, "truncated"),
    "empty.png": (lambda path: path.touch(), "empty"),
    "text.png": (lambda path: path.write_text("not a picture\n" * 50), "not an image"),
    "noise.jpg": (lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)), "not an image"),
    "drawing.png": (lambda path: path.write_text("<svg width='9' height='9'/>"), "not an image"),
    "animated.gif": (lambda path: RGB.save(path, **FRAMES), "animated"),
    "animated.png": (lambda path: RGB.save(path, **FRAMES), "animated"),
    "animated.webp": (lambda path: RGB.save(path, **FRAMES), "animated"),
    "pages.tif": (lambda path: RGB.save(path, **FRAMES), "several pages"),
    "bomb.png": (bomb, "million pixels"),
    "float.tif": (lambda path: Image.fromarray(np.eye(8, dtype=np.float32)).save(path), "range"),
    "long_integers.tif": (lambda path: Image.fromarray(np.eye(8, dtype=np.int32)).save(path), "range"),
    "dangling.png": (lambda path: path.symlink_to("nowhere.png"), "no such file"),
    "pipe.png": (os.mkfifo, "not a regular file"),
}

HANDLED = {  # file name: (how it is made, the pixels of the output, exact or within some levels where lossy)
    "plain.png": (RGB.save, enlarged(FACE), 0),
    "CAPITALS.PNG": (RGB.save, enlarged(FACE), 0),
    "mislabelled.jpg": (lambda path: RGB.save(path, "PNG"), enlarged(FACE), 0),
    "räksmörgås och 顔.png": (RGB.save, enlarged(FACE), 0),
    "gray.png": (Image.fromarray(GRAY).save, enlarged(GRAY), 0),
    "gray_alpha.png": (
        Image.fromarray(np.dstack([GRAY, RAMP]), "LA").save,
        np.dstack([enlarged(np.dstack([GRAY] * 3)), soft(RAMP)]),
        0,
    ),
    "bilevel.png": (Image.fromarray(GRAY > 128).save, enlarged((GRAY > 128) * np.uint8(255)), 0),
    "sixteen_bit_gray.png": (Image.fromarray(GRAY.astype(np.uint16) * 257).save, enlarged(GRAY), 0),
    "sixteen_bit_dark.png": (
        Image.fromarray(GRAY.astype(np.uint16)).save,
        enlarged((GRAY.astype(float) / 257).round().astype(np.uint8)),
        0,
    ),
    "sixteen_bit_rgb.png": (sixteen_bit_rgb, enlarged(FACE), 0),
    "palette.png": (palette(RGB).save, enlarged(np.asarray(palette(RGB).convert("RGB"))), 0),
    "palette_transparent.png": (
        transparent_palette,
        np.dstack(
            [
                enlarged(np.asarray(palette(RGB).convert("RGB"))),
                soft(255 * (np.asarray(palette(RGB)) != np.asarray(palette(RGB))[0, 0]).astype(np.uint8)),
            ]
        ),
        0,
    ),
    "still.gif": (palette(RGB).save, enlarged(np.asarray(palette(RGB).convert("RGB"))), 0),
    "rgba.png": (Image.fromarray(np.dstack([FACE, RAMP])).save, np.dstack([enlarged(FACE), soft(RAMP)]), 0),
    "cmyk.jpg": (lambda path: RGB.convert("CMYK").save(path, quality=100), enlarged(FACE), 24),
    "cmyk_lossless.tif": (RGB.convert("CMYK").save, enlarged(FACE), 1),
    "rotated.png": (rotated, enlarged(np.rot90(FACE, -1)), 0),
    "dot.png": (Image.fromarray(FACE[:1, :1]).save, enlarged(FACE[:1, :1]), 0),
    "line.png": (Image.fromarray(FACE[:1]).save, enlarged(FACE[:1]), 0),
    "bitmap.bmp": (RGB.save, enlarged(FACE), 0),
    "lossless.webp": (lambda path: RGB.save(path, lossless=True), enlarged(FACE), 0),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All of the above below one folder."""
    root = tmp_path_factory.mktemp("pictures")
    for kinds in (REFUSED, HANDLED):
        for name, (make, *_) in kinds.items():
            make(root / name)
    return root


@pytest.fixture(scope="module")
def outcome(folder, stand_in_catalogue, tmp_path_factory):
    """(exit code, lines on stderr, output folder) of one run over the folder."""
    import contextlib
    import io

    from keras_facesr import classes, cli, presets

    out, errors = tmp_path_factory.mktemp("enlarged"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(errors):
        patch.setattr(presets, "CATALOGUE", stand_in_catalogue)
        patch.setattr(classes, "MODEL_CLASSES", {"Nearest": "stand_ins"})
        patch.setattr(presets.Preset, "own_size", None)
        code = cli.main(["upscale", str(folder), "-o", str(out), "--model", "nearest_x4"])
    return code, errors.getvalue().splitlines(), out


def output_of(name, out):
    return out / f"{name.removesuffix('.png')}_nearest_x4.png"


def test_a_run_with_refused_pictures_exits_with_1(outcome):
    assert outcome[0] == 1


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_by_name_in_one_line_that_says_why(name, folder, outcome):
    about = [line for line in outcome[1] if f"{folder / name}:" in line]
    assert len(about) == 1 and REFUSED[name][1] in about[0], outcome[1]


def test_nothing_else_is_on_stderr_but_their_count(outcome):
    *_, count = outcome[1]
    assert len(outcome[1]) == len(REFUSED) + 1, outcome[1]
    assert count == f"facesr: {len(REFUSED)} of {len(REFUSED) + len(HANDLED)} pictures failed"


@pytest.mark.parametrize("name", HANDLED)
def test_is_enlarged_rightly(name, folder, outcome):
    _, expected, tolerance = HANDLED[name]
    with Image.open(output_of(name, outcome[2])) as written:
        pixels = np.asarray(written)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= tolerance


def test_only_the_others_are_written(outcome):
    assert sorted(path.name for path in outcome[2].iterdir()) == sorted(output_of(name, outcome[2]).name for name in HANDLED)


@pytest.mark.parametrize("name", ["absent.png", "a_folder.png", "empty_folder"])
def test_an_input_without_a_picture_fails_by_name_and_the_others_are_done(name, facesr, catalogue, tmp_path):
    for folder in ("a_folder.png", "empty_folder"):
        (tmp_path / folder).mkdir()
    RGB.save(tmp_path / "face.png")
    inputs, out = (tmp_path / name, tmp_path / "face.png"), tmp_path / "out"
    result = facesr("upscale", *inputs, "-o", out, "--model", "near")
    assert result.code == 1
    assert result.err.count("\n") == 1 and f"/{name}:" in result.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["face_near.png"]
