"""Metadata of picture files: orientation, resolution, EXIF. A picture is never refused because its metadata are broken."""

import io
import math
import os
import struct
import zlib

from PIL import ExifTags, Image

from keras_facesr.data import png
from keras_facesr.version import __version__

_TURNS = {  # EXIF orientation -> the operation that makes the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_TAG, _IFD = ExifTags.Base, ExifTags.IFD
_OF_THE_WHOLE = (  # tags that are copied from the first directory; its others say how the pixels are stored
    "ImageDescription Make Model DateTime Artist HostComputer Copyright Rating XPTitle XPComment XPAuthor XPKeywords XPSubject"
)
_OF_STORED_PIXELS = (  # tags that are not copied from the other directories; makers' notes must not be moved in a file
    "ExifImageWidth ExifImageHeight ColorSpace MakerNote ExifInteroperabilityOffset"
)
_CARRIED, _LEFT_OUT = ([_TAG[name] for name in names.split()] for names in (_OF_THE_WHOLE, _OF_STORED_PIXELS))

_JPEG = b"\xff\xd8"
_JPEG_SCAN = 0xFFDA  # the marker after which a JPEG file's pixels begin
_PIXEL_CHUNKS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")  # chunks about pixels, besides those that every PNG file has
_LARGEST_PROFILE = 2**24  # bytes


def upright(image):
    """Load a Pillow image and turn it upright; also its dots per inch (across, down), or None if it states none."""
    turned = image.tag_v2.get(_TAG.Orientation) if image.format == "TIFF" else None  # Pillow turns it when loading
    image.load()
    turn = _orientation(image)
    dpi = _resolution(image)
    if dpi and (turned or turn) in (5, 6, 7, 8):
        dpi = dpi[::-1]
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image, dpi


def _orientation(image):
    try:
        return image.getexif().get(_TAG.Orientation)
    except Exception:  # damaged EXIF data can raise almost anything
        return None


def _resolution(image):
    try:
        across, down = (float(dots) for dots in image.info["dpi"])
    except Exception:  # it may be anything, or missing
        return None
    return (across, down) if all(math.isfinite(dots) and 0 < dots < 1e5 for dots in (across, down)) else None


def carried_exif(image):
    """EXIF data (bytes) for an enlargement of a Pillow image, or None: who took it, when, where and how.

    Without the orientation, which is applied already, and without sizes, resolution, colour space, previews and makers' notes.
    This package is named as the software, since no camera took the enlargement.
    """
    try:
        given, carried = image.getexif(), Image.Exif()
        for tag in _CARRIED:
            if tag in given:
                carried[tag] = _as_stored(given[tag])
        for ifd in (_IFD.Exif, _IFD.GPSInfo):
            entries = {tag: _as_stored(value) for tag, value in given.get_ifd(ifd).items() if tag not in _LEFT_OUT}
            if entries:
                carried[ifd] = entries
        if not len(carried):
            return None
        carried[_TAG.Software] = f"keras_facesr {__version__}"
        return carried.tobytes()
    except Exception:
        return None


class _Text(str):
    """Text of EXIF data, which Pillow reads as Latin-1, whatever it is, and would write as ASCII, with "?" for the rest."""

    def encode(self, *how):
        return super().encode("latin-1" if max(self, default="") < "\u0100" else "utf-8")


def _as_stored(value):
    return _Text(value) if isinstance(value, str) else value


def pixels_alone(path):
    """A PNG or JPEG file reduced to its pixels, for files whose metadata Pillow cannot read, such as megabytes of text.

    Returns:
        a binary file, and the ``info`` that Pillow would have found: profile, EXIF data and resolution, as far as they can
        be read; None for other formats.
    """
    with open(path, "rb") as file:
        start = file.read(len(png.SIGNATURE))
        parts = _png_parts if start == png.SIGNATURE else _jpeg_parts if start.startswith(_JPEG) else None
        if not parts:
            return None
        file.seek(0)
        return parts(file)


def _png_parts(file):
    kept, info = [file.read(len(png.SIGNATURE))], {}
    size = os.fstat(file.fileno()).st_size
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        content = file.read(min(length + 4, size))  # and its checksum
        if kind[:1].isupper() or kind in _PIXEL_CHUNKS:
            kept += [head, content]
        else:
            info.update(_legible_chunk(kind, content[:-4]))
    return io.BytesIO(b"".join(kept)), info


def _legible_chunk(kind, content):
    try:
        if kind == b"iCCP":
            packed = content[content.index(b"\0") + 2 :]
            return {"icc_profile": zlib.decompressobj().decompress(packed, _LARGEST_PROFILE)}
        if kind == b"pHYs":
            across, down, unit = struct.unpack(">IIB", content)
            return {"dpi": (across * 0.0254, down * 0.0254)} if unit == 1 else {}
        return {"exif": content} if kind == b"eXIf" else {}
    except (ValueError, zlib.error, struct.error):
        return {}


def _jpeg_parts(file):
    kept, info, profile = [file.read(len(_JPEG))], {}, {}
    while len(head := file.read(4)) == 4:
        marker, length = struct.unpack(">HH", head)
        if not 0xFFC0 <= marker <= 0xFFFE or marker == _JPEG_SCAN or length < 2:  # pixels, or damage
            kept.append(head)
            break
        content = file.read(length - 2)
        how_coded = marker == 0xFFEE and content.startswith(b"Adobe") and len(content) >= 12
        if not (0xFFE0 <= marker <= 0xFFEF or marker == 0xFFFE) or how_coded:
            kept += [head, content]
        elif content.startswith(b"ICC_PROFILE\0") and len(content) > 14:
            profile[content[12]] = content[14:]
        elif content.startswith(b"Exif\0\0"):
            info.setdefault("exif", content)
        elif content.startswith(b"JFIF\0") and len(content) >= 12 and content[7] in (1, 2):
            info["dpi"] = tuple(dots * (2.54 if content[7] == 2 else 1) for dots in struct.unpack(">HH", content[8:12]))
    if profile:
        info["icc_profile"] = b"".join(profile[number] for number in sorted(profile))
    return io.BytesIO(b"".join(kept) + file.read()), info
