"""Every format that cameras and artists write is read, or named where it is not: in folders too, nothing is left out unsaid."""

import json
import struct
import subprocess
import sys

import icc
import numpy as np
import pytest
from PIL import Image

from keras_facesr.data import formats
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.images import find_images, read_picture
from keras_facesr.errors import ImageError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
SMOOTH = np.linspace(0, 255, 64 * 96 * 3).astype(np.uint8).reshape(64, 96, 3)


def box(brand, *others):
    """The first box of an ISO base media file, and some of what follows."""
    content = brand + bytes(4) + b"".join(others)
    return struct.pack(">I", len(content) + 8) + b"ftyp" + content + bytes(200)


def dng(path, *tags):
    """A TIFF file whose only picture to see is a preview, with more entries: (tag, type, value)."""
    Image.fromarray(PIXELS).save(path, "TIFF")
    content = path.read_bytes()
    start, count = 8, struct.unpack("<H", content[8:10])[0]
    entries = [content[start + 2 + 12 * k :][:12] for k in range(count)]
    entries += [struct.pack("<HHIHH", tag, kind, 1, value, 0) for tag, kind, value in tags]
    moved = len(content)
    table = struct.pack("<H", len(entries)) + b"".join(sorted(entries, key=lambda entry: entry[1::-1])) + bytes(4)
    path.write_bytes(content[:4] + struct.pack("<I", moved) + content[8:] + table)


def write(content):
    return lambda path: path.write_bytes(content)


UNREAD = {  # file name: (how it is made, what the error calls it)
    "IMG_1.HEIC": (write(box(b"heic", b"mif1heic")), "HEIC"),
    "IMG_2.jpg": (write(box(b"mif1", b"heicmiaf")), "HEIC"),
    "a.dng": (lambda path: dng(path, (50706, 1, 1)), "camera raw"),
    "developed_by_nobody.tif": (lambda path: dng(path, (254, 4, 1), (330, 4, 8)), "camera raw"),
    "a.NEF": (lambda path: dng(path), "camera raw"),
    "a.cr2": (lambda path: path.write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(300)), "camera raw"),
    "a.cr3": (write(box(b"crx ")), "camera raw"),
    "a.raf": (write(b"FUJIFILMCCD-RAW 0201" + bytes(100)), "camera raw"),
    "a.arw": (write(b"\1\2\3" * 100), "camera raw"),
    "a.psd": (write(b"8BPS\0\1" + bytes(100)), "Photoshop"),
    "a_psd.png": (write(b"8BPS\0\1" + bytes(100)), "Photoshop"),
    "a.svg": (write(b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"), "SVG"),
    "a.jxl": (write(b"\xff\x0a" + bytes(100)), "JPEG XL"),
    "boxed_jxl.png": (write(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100)), "JPEG XL"),
    "a.exr": (write(b"v/1\1" + bytes(100)), "OpenEXR"),
    "a.hdr": (write(b"#?RADIANCE\n" + bytes(100)), "Radiance HDR"),
    "a.tga": (lambda path: Image.fromarray(PIXELS).save(path), "Targa"),
    "a.dds": (lambda path: Image.fromarray(PIXELS).save(path), "DDS"),
    "a.eps": (lambda path: Image.fromarray(PIXELS).save(path), "EPS"),
    "a.pcx": (lambda path: Image.fromarray(PIXELS).save(path), "PCX"),
    "a.xcf": (write(b"gimp xcf v011\0" + bytes(100)), "GIMP"),
    "a.kra": (write(b"PK\3\4" + bytes(100)), "Krita"),
    "a.ai": (write(b"%PDF-1.5\n" + bytes(100)), "Illustrator"),
}


@pytest.fixture
def no_heif(monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)


@pytest.mark.parametrize("name", UNREAD)
def test_what_cannot_be_read_is_refused_by_the_name_of_its_format(tmp_path, no_heif, name):
    make, format_name = UNREAD[name]
    make(tmp_path / name)
    with pytest.raises(ImageError) as caught:
        read_picture(tmp_path / name)
    assert f"{name}: not an image that can be read here: it is {format_name}, " in str(caught.value)
    assert ("keras_facesr[heif]" in str(caught.value)) == (format_name == "HEIC")
    assert "\n" not in str(caught.value)


def test_a_folder_of_them_is_named_and_counted(tmp_path, no_heif, facesr, catalogue):
    folder = tmp_path / "mixed"
    folder.mkdir()
    for name, (make, _) in UNREAD.items():
        make(folder / name)
    Image.fromarray(PIXELS).save(folder / "fine.png")
    (folder / "IMG_1.MOV").write_bytes(box(b"qt  "))  # no picture
    (folder / "fine.xmp").write_text("<x:xmpmeta/>")
    result = facesr("upscale", folder, "-o", tmp_path / "out", "--model", "near", "--json", tmp_path / "report.json")
    assert result.code == 1
    named = [line for line in result.err.splitlines() if "not an image that can be read here" in line]
    assert sorted(line.split(":")[1].rsplit("/", 1)[1] for line in named) == sorted(UNREAD)
    assert f"facesr: {len(UNREAD)} of {len(UNREAD) + 1} pictures failed" in result.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["failed"]) == len(UNREAD) and len(report["done"]) == 1


def test_measuring_names_and_counts_them_and_measures_on_the_others(tmp_path, no_heif, facesr, catalogue):
    for name in ("a.dng", "a.svg", "IMG_1.HEIC"):
        UNREAD[name][0](tmp_path / name)
    Image.fromarray(SMOOTH).save(tmp_path / "fine.png")
    result = facesr("evaluate", tmp_path, "--model", "near", "--json", "-")
    report = json.loads(result.out)
    assert (result.code, report["images"], len(report["failed"])) == (1, 1, 3)
    assert all(entry["error"] in result.err for entry in report["failed"])
    assert result.err.count("not an image that can be read here") == 3
    assert result.err.splitlines()[-1] == "facesr: 3 pictures are left out"


def test_a_data_set_names_them_too(tmp_path, no_heif):
    for name in ("a.dng", "a.svg", "IMG_1.HEIC"):
        UNREAD[name][0](tmp_path / name)
    Image.fromarray(PIXELS).save(tmp_path / "fine.png")
    images, skipped = decoded(open_dataset(tmp_path), 12, tmp_path / ".cache", progress=False)
    assert len(images) == 1 and skipped == ["IMG_1.HEIC", "a.dng", "a.svg"]


def test_a_readable_picture_is_read_whatever_its_name(tmp_path):
    for name in ("a.psd", "a.svg", "a.nef", "a.heic"):
        Image.fromarray(PIXELS).save(tmp_path / name, "PNG")
        assert np.array_equal(read_picture(tmp_path / name).rgb, PIXELS)


@pytest.mark.parametrize("suffix", ["mpo", "j2k", "jpx", "apng", "jfif", "avif"])
def test_rarer_names_of_readable_formats_are_found_in_folders(tmp_path, suffix):
    (tmp_path / f"a.{suffix}").touch()
    assert find_images(tmp_path) == [tmp_path / f"a.{suffix}"]


def test_a_plain_tiff_that_calls_itself_a_preview_is_a_picture(tmp_path):
    dng(tmp_path / "a.tif", (254, 4, 1))
    assert np.array_equal(read_picture(tmp_path / "a.tif").rgb, PIXELS)


# HEIC, where its reader is installed.


def heic(path, pixels, **options):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(path, quality=95, chroma=444, **options)
    return path


def test_heic_is_read_with_its_profile(tmp_path):
    picture = read_picture(heic(tmp_path / "a.heic", SMOOTH))
    assert picture.rgb.shape == SMOOTH.shape and np.abs(picture.rgb.astype(int) - SMOOTH).mean() < 4
    profile = icc.rgb_profile(icc.DISPLAY_P3, None)
    picture = read_picture(heic(tmp_path / "b.heic", SMOOTH, icc_profile=profile, icc_profile_type="prof"))
    assert np.abs(picture.rgb - icc.in_srgb(SMOOTH, icc.DISPLAY_P3, None)).mean() < 4


def test_heic_is_turned_upright_once_and_keeps_alpha(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[315] = 6, "A photographer"
    picture = read_picture(heic(tmp_path / "a.heic", SMOOTH, exif=exif.tobytes()))
    assert picture.rgb.shape == (96, 64, 3) and b"A photographer" in picture.exif
    assert np.abs(picture.rgb.astype(int) - np.rot90(SMOOTH, -1)).mean() < 4
    alpha = np.linspace(0, 255, 64 * 96).astype(np.uint8).reshape(64, 96)
    picture = read_picture(heic(tmp_path / "b.heic", np.dstack([SMOOTH, alpha])))
    assert np.abs(picture.alpha.astype(int) - alpha).mean() < 4


def test_of_several_pictures_in_a_heic_file_the_primary_one_is_read(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    several = pillow_heif.from_pillow(Image.fromarray(SMOOTH))
    several.add_from_pillow(Image.new("RGB", (32, 32)))
    several.save(tmp_path / "burst.heic", primary_index=0)
    assert read_picture(tmp_path / "burst.heic").rgb.shape == SMOOTH.shape


def test_reading_heic_leaves_pillow_as_it_was(tmp_path):
    """What other libraries in a process can open is not changed behind their back."""
    path = heic(tmp_path / "a.heic", SMOOTH)
    read = f"from keras_facesr.data.images import read_picture; read_picture({str(path)!r})"
    code = f"from PIL import Image; {read}; assert 'HEIF' not in Image.OPEN"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_damaged_heic_is_refused_by_name(tmp_path):
    path = heic(tmp_path / "a.heic", PIXELS.repeat(8, axis=0).repeat(8, axis=1))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ImageError, match="a.heic: "):
        read_picture(path)
