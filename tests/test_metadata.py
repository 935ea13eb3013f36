"""What stands beside the pixels of a picture never makes it be refused, and goes along where it holds for the answer."""

import io
import struct
import zlib

import icc
import numpy as np
import pytest
from PIL import Image

import keras_facesr as fsr
from keras_facesr.data.images import read_picture, write_png
from keras_facesr.errors import ImageError

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)
PROFILE = icc.rgb_profile(icc.DISPLAY_P3, None)
IN_SRGB = icc.in_srgb(PIXELS, icc.DISPLAY_P3, None)


def chunk(kind, content, checksum=None):
    checksum = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(path, *before, after=(), profile=PROFILE):
    """A PNG file of ``PIXELS`` with chunks before and after those of the pixels."""
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in PIXELS))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 12, 8, 2, 0, 0, 0))
    colour = chunk(b"iCCP", b"P3\0\0" + zlib.compress(profile))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + b"".join([head, colour, *before, chunk(b"IDAT", rows), *after, chunk(b"IEND", b"")])
    )
    return path


LONG = b"x" * 3_000_000
NOT_TOO_LONG = zlib.compress(LONG[:900_000])
REMARKS = {  # what Pillow stumbles over
    "long text": chunk(b"tEXt", b"Comment\0" + LONG),
    "long compressed text": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(LONG)),
    "long international text": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LONG)),
    "text that unpacks to ten megabytes": chunk(b"zTXt", b"C\0\0" + zlib.compress(bytes(10**7), 9)),
    "many long texts": b"".join(chunk(b"zTXt", b"C%d\0\0" % k + NOT_TOO_LONG) for k in range(80)),
    "text with a wrong checksum": chunk(b"tEXt", b"Comment\0hello", checksum=1),
    "text that is no text": chunk(b"zTXt", b"\xff\0\0\xff\xff\xff"),
    "EXIF data that are none": chunk(b"eXIf", RNG.bytes(400)),
    "EXIF data with a wrong checksum": chunk(b"eXIf", b"MM\0*" + bytes(40), checksum=1),
    "half a resolution": chunk(b"pHYs", b"\0\0\1"),
    "half a gamma": chunk(b"gAMA", b"\0"),
    "half of the primaries": chunk(b"cHRM", b"\0" * 5),
    "an intent that is none": chunk(b"sRGB", b""),
    "a time that is none": chunk(b"tIME", b"\xff" * 3),
    "a chunk that nobody knows": chunk(b"faCe", RNG.bytes(2_000_000), checksum=7),
}


@pytest.mark.parametrize("name", REMARKS)
@pytest.mark.parametrize("place", ["before", "after"])
def test_remarks_in_a_png_file_leave_its_pixels_and_its_colours(tmp_path, name, place):
    remark = REMARKS[name]
    path = png(tmp_path / "a.png", remark) if place == "before" else png(tmp_path / "a.png", after=[remark])
    assert np.abs(read_picture(path).rgb - IN_SRGB).max() <= 1


def test_a_large_profile_is_applied(tmp_path):
    """Pillow unpacks a megabyte; tables of scanners and cameras are larger."""
    profile = bytearray(PROFILE + RNG.bytes(3_000_000))
    profile[:4] = struct.pack(">I", len(profile))
    assert np.abs(read_picture(png(tmp_path / "a.png", profile=bytes(profile))).rgb - IN_SRGB).max() <= 1


def test_what_else_such_a_file_says_is_still_read(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[315] = 6, "A photographer"
    resolution = chunk(b"pHYs", struct.pack(">IIB", 11811, 5906, 1))  # 300 and 150 dots per inch
    path = png(tmp_path / "a.png", REMARKS["long text"], chunk(b"eXIf", exif.tobytes()[6:]), resolution)
    picture = read_picture(path)
    assert np.abs(picture.rgb - np.rot90(IN_SRGB, -1)).max() <= 1
    assert b"A photographer" in picture.exif and picture.dpi == pytest.approx((150, 300), abs=0.1)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_missing_pixels_are_missed_all_the_same(tmp_path, share):
    path = png(tmp_path / "a.png", REMARKS["long text"])
    content = path.read_bytes()
    start = content.index(b"IDAT")
    path.write_bytes(content[: start + int(share * (len(content) - start))])
    with pytest.raises(ImageError, match="a.png: .*(truncated|cannot be read)"):
        read_picture(path)


def test_pixels_that_move_are_refused_all_the_same(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (0, 200)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[:33] + REMARKS["long text"] + content[33:])
    with pytest.raises(ImageError, match="animated"):
        read_picture(tmp_path / "a.png")


def jpeg():
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG", quality=95)
    return stream.getvalue()


@pytest.mark.parametrize(
    "marker, start",
    [
        (0xE0, b"JFIF\0"),
        (0xE1, b"Exif\0\0"),
        (0xE1, b"Exif\0\0II*\0\x08\0\0\0\x02\0"),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
        (0xE2, b"ICC_PROFILE\0"),
        (0xE2, b"MPF\0II*\0\x08\0\0\0"),
        (0xED, b"Photoshop 3.0\08BIM"),
        (0xEE, b"Adobe"),
        (0xFE, b""),
    ],
)
def test_damaged_remarks_in_a_jpeg_file_leave_its_pixels(tmp_path, marker, start):
    plain, chance = jpeg(), np.random.default_rng(1)
    expected = np.asarray(Image.open(io.BytesIO(plain)))
    for length in range(40):
        segment = start + chance.bytes(length)
        if start == b"Adobe" and len(segment) >= 12:  # which says how colours are coded
            break
        segment = bytes([0xFF, marker]) + struct.pack(">H", len(segment) + 2) + segment
        (tmp_path / "a.jpg").write_bytes(plain[:2] + segment + plain[2:])
        assert np.array_equal(read_picture(tmp_path / "a.jpg").rgb, expected), (length, segment)


@pytest.mark.parametrize("kind", [b"EXIF", b"XMP ", b"ICCP"])
def test_damaged_remarks_in_a_webp_file_leave_its_pixels(tmp_path, kind):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "WEBP", lossless=True, exif=b"Exif\0\0MM\0*\0\0", xmp=b"<x/>", icc_profile=PROFILE)
    content = stream.getvalue()
    start = content.index(kind) + 8
    size = struct.unpack("<I", content[start - 4 : start])[0]
    (tmp_path / "a.webp").write_bytes(content[:start] + RNG.bytes(size) + content[start + size :])
    expected = PIXELS if kind == b"ICCP" else IN_SRGB
    assert np.abs(read_picture(tmp_path / "a.webp").rgb - expected).max() <= 1


def test_a_rotation_is_applied_though_the_rest_of_the_exif_data_is_damaged(tmp_path):
    entries = (
        struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)
        + struct.pack(">HHII", 0x8769, 4, 1, 0xFFFFFF)
        + struct.pack(">HHII", 0x010F, 2, 2**31, 0xFFFFFF)
    )
    exif = b"MM\0*" + struct.pack(">IH", 8, 3) + entries + bytes(4)
    picture = read_picture(png(tmp_path / "a.png", chunk(b"eXIf", exif)))
    assert np.abs(picture.rgb - np.rot90(IN_SRGB, -1)).max() <= 1


def test_a_rotation_that_xmp_alone_states_is_applied(tmp_path):
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0" + b'<rdf:Description tiff:Orientation="6"/>'
    picture = read_picture(png(tmp_path / "a.png", chunk(b"iTXt", xmp)))
    assert np.abs(picture.rgb - np.rot90(IN_SRGB, -1)).max() <= 1


# What goes along into the answer.


def exif_of(path):
    return Image.open(path).getexif()


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
def test_who_when_and_where_go_along_and_what_is_true_of_the_old_pixels_alone_does_not(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 8
    exif[282], exif[283], exif[296] = 300.0, 300.0, 2
    exif[315], exif[33432], exif[306], exif[305] = "A photographer", "Hers", "2020:01:02 03:04:05", "a camera's"
    exif[0x8769] = {36867: "2020:01:02 03:04:05", 0xA001: 1, 0xA002: 20, 0xA003: 12, 37500: b"made by"}
    exif[0x8825] = {1: "N", 2: (59.0, 19.0, 30.0)}
    exif_as_read = Image.Exif()  # which Pillow writes into TIFF files alone
    exif_as_read.load(exif.tobytes())
    Image.fromarray(PIXELS).save(tmp_path / f"a.{suffix}", exif=exif_as_read)
    picture = read_picture(tmp_path / f"a.{suffix}")
    large = picture.rgb.repeat(4, axis=0).repeat(4, axis=1)
    with pytest.raises(ImageError, match="large.png: the source must be a Picture, as read_picture gives, not a str$"):
        write_png(tmp_path / "large.png", large, source="face.jpg")
    written = exif_of(write_png(tmp_path / "large.png", large, source=picture))
    assert [written[tag] for tag in (315, 33432, 306)] == ["A photographer", "Hers", "2020:01:02 03:04:05"]
    assert written.get_ifd(0x8769) == {36867: "2020:01:02 03:04:05"}
    assert written.get_ifd(0x8825) == {1: "N", 2: (59.0, 19.0, 30.0)}
    assert {*written} == {315, 33432, 306, 305, 0x8769, 0x8825}
    assert written[305] == f"keras_facesr {fsr.__version__}"  # which made these pixels
    assert np.array_equal(read_picture(tmp_path / "large.png").rgb, large)  # which is upright


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_beyond_ascii_go_along_byte_by_byte(tmp_path, encoding):
    exif, name = Image.Exif(), "© Zoë Łuć".encode(encoding, "ignore")
    exif[315] = exif[33432] = "#" * len(name)
    exif[0x8769] = {42032: "#" * len(name)}  # the camera's owner
    stored = exif.tobytes().replace(b"#" * len(name), name)  # as Pillow itself writes ASCII alone
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=stored)
    written = write_png(tmp_path / "large.png", PIXELS, source=read_picture(tmp_path / "a.jpg"))
    assert written.read_bytes().count(name + b"\0") == 3
    assert exif_of(written)[315].encode("latin-1") == name


def test_a_name_beyond_latin_1_that_a_program_has_set_goes_along_in_utf_8():
    image, name = Image.fromarray(PIXELS), "Łucja"
    image.getexif()[315] = name
    assert name.encode() in read_picture(image).exif


@pytest.mark.parametrize("orientation, expected", [(1, (1200, 600)), (6, (600, 1200))])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
def test_the_answer_is_as_large_on_paper_as_what_it_was_made_of(tmp_path, suffix, orientation, expected):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PIXELS).save(tmp_path / f"a.{suffix}", dpi=(300, 150), exif=exif)
    picture = read_picture(tmp_path / f"a.{suffix}")
    large = picture.rgb.repeat(4, axis=0).repeat(4, axis=1)
    written = Image.open(write_png(tmp_path / "large.png", large, source=picture))
    assert written.info["dpi"] == pytest.approx(expected, rel=1e-3)


def test_where_a_source_says_nothing_so_does_the_answer(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    for source in (tmp_path / "a.png", PIXELS, Image.fromarray(PIXELS)):
        picture = read_picture(source)
        assert picture.exif is None and picture.dpi is None
        written = Image.open(write_png(tmp_path / "b.png", PIXELS, overwrite=True, source=picture))
        assert not {"exif", "dpi", "icc_profile"} & written.info.keys()


@pytest.mark.parametrize("dpi", [(0, 0), (float("nan"), 72), (1e9, 1e9), "much"])
def test_a_resolution_that_is_none_is_left_out(dpi):
    image = Image.fromarray(PIXELS)
    image.info["dpi"] = dpi
    assert read_picture(image).dpi is None
