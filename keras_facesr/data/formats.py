"""The picture formats that are read, and those that are not, so that a file of the latter is named, not silently left out."""

import importlib
from importlib.util import find_spec

from PIL import Image

from keras_facesr.errors import ImageError

# Raster formats with a signature. EPS and the like would start other programs; TGA has no signature.
# MPO, a JPEG file followed by previews, is opened by Pillow as JPEG.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF")

HEIF = "HEIC"
RAW = "camera raw"

_READ = (
    "jpg jpeg jpe jfif mpo png apng webp bmp dib gif tif tiff ppm pgm pbm pnm jp2 j2k j2c jpc jpf jpx avif avifs "
    "heic heif hif heics heifs"
)
_UNREAD = {  # other formats of cameras and artists: name -> suffixes
    RAW: "3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mdc mef mos mrw nef nrw orf pef ptx raf raw rw2 rwl sr2 srf srw "
    "x3f",
    "Affinity": "afphoto afdesign",
    "BPG": "bpg",
    "Clip Studio": "clip",
    "DDS": "dds",
    "EPS": "eps",
    "FLIF": "flif",
    "GIMP": "xcf",
    "Illustrator": "ai",
    "JPEG XL": "jxl",
    "JPEG XR": "jxr wdp hdp",
    "JPEG-LS": "jls",
    "Krita": "kra",
    "OpenEXR": "exr",
    "OpenRaster": "ora",
    "PCX": "pcx",
    "PFM": "pfm",
    "PICT": "pict pct",
    "PaintShop Pro": "psp pspimage",
    "Paint.NET": "pdn",
    "Photoshop": "psd psb",
    "Procreate": "procreate",
    "QOI": "qoi",
    "Radiance HDR": "hdr rgbe",
    "SGI": "sgi",
    "SVG": "svg svgz",
    "Targa": "tga icb vda vst",
}
_OF_SUFFIX = {suffix: name for name, suffixes in _UNREAD.items() for suffix in suffixes.split()}
SUFFIXES = frozenset(f".{suffix}" for suffix in (*_READ.split(), *_OF_SUFFIX))  # of the files that are searched for in a folder

_SIGNATURES = {  # first bytes of files in formats that are not read; such files often have another format's suffix
    b"8BPS": "Photoshop",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"#?RGBE": "Radiance HDR",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\xd8\xff\xf7": "JPEG-LS",
    b"II\xbc\x01": "JPEG XR",
    b"FUJIFILMCCD-RAW": RAW,
    b"FOVb": RAW,
    b"II\x1a\0\0\0HEAPCCDR": RAW,
    b"\0MRM": RAW,
    b"IIRO": RAW,
    b"IIRS": RAW,
    b"MMOR": RAW,
    b"IIU\0": RAW,
    b"gimp xcf": "GIMP",
    b"DDS ": "DDS",
    b"qoif": "QOI",
    b"BPG\xfb": "BPG",
    b"FLIF": "FLIF",
    b"PF\n": "PFM",
    b"Pf\n": "PFM",
    b"%!PS": "EPS",
    b"\xc5\xd0\xd3\xc6": "EPS",
}
_HEIF_BRANDS = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 msf1".split())
_HEAD = 1024  # bytes that tell formats apart

_FEW_BITS = {"L;2": 85, "L;4": 17}  # by which Pillow scales PNG's grays of 2 and 4 bits, but not the one that is transparent

_NEW_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706  # TIFF tags


def open_picture(path, name, content=None):
    """Open a file as a Pillow image, whose header is read.

    Args:
        path: path of the file.
        name: the file's name in errors.
        content: a binary file to read instead.

    Raises:
        ImageError: the format is not read; the error names it.
        Exception: Pillow's, for a damaged file.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    brands = _brands(head)
    if brands & _HEIF_BRANDS and not brands & {b"avif", b"avis"}:
        return _heif_reader(name)(path)
    try:
        image = Image.open(content or path, formats=FORMATS)
    except Image.UnidentifiedImageError as error:
        raise ImageError(f"{name}: not an image that can be read here: {_unread(path, head, brands)}") from error
    if image.format == "TIFF" and _is_raw(image, path, head):
        image.close()
        raise ImageError(f"{name}: not an image that can be read here: {_what_to_do(RAW)}")
    if image.format == "PNG" and "transparency" in image.info and image.tile and image.tile[0].args in _FEW_BITS:
        image.info["transparency"] *= _FEW_BITS[image.tile[0].args]
    return image


def _unread(path, head, brands):
    """Which format a file has, as far as its content or its name says, and what to do with it."""
    known = next((name for first, name in _SIGNATURES.items() if head.startswith(first)), None)
    if b"<svg" in head:
        known = "SVG"
    elif b"crx " in brands:
        known = RAW
    elif brands & {b"avif", b"avis"}:
        known = "AVIF"  # this Pillow was built without it
    known = known or _OF_SUFFIX.get(path.suffix.lower()[1:])
    return _what_to_do(known) if known else f"it is none of {', '.join(FORMATS)}, {HEIF}"


def _what_to_do(name):
    return f"it is {name}, {'develop' if name == RAW else 'save'} it as TIFF, PNG or JPEG first"


def _brands(head):
    """The brands that an ISO base media file, such as HEIC, AVIF and CR3, declares."""
    if head[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return frozenset({head[8:12], *(head[start : start + 4] for start in range(16, end, 4))})


def _heif_reader(name):
    """pillow_heif's image class; it is not registered with Pillow, which would change the whole process."""
    if not find_spec("pillow_heif"):
        install = "pip install 'keras_facesr[heif]' for its reader, or save it as JPEG"
        raise ImageError(f"{name}: not an image that can be read here: it is {HEIF}, {install}")
    return importlib.import_module("pillow_heif").HeifImageFile


def _is_raw(image, path, head):
    """Whether a TIFF file holds raw data of a camera's sensor; Pillow would read only a small preview."""
    tags = image.tag_v2
    first_is_preview = tags.get(_NEW_SUBFILE_TYPE, 0) & 1 and _SUB_IFDS in tags
    named_so = _OF_SUFFIX.get(path.suffix.lower()[1:]) == RAW
    return named_so or first_is_preview or _DNG_VERSION in tags or head[8:10] == b"CR"
