"""Colours of picture files, converted to sRGB, on which networks are trained. A file's profile is applied on reading."""

import functools
import io
import struct

import numpy as np
from PIL import ExifTags, Image, ImageCms

# XYZ of red, green and blue in Adobe RGB (1998), section 4.3.1, adapted to D50 as in ICC profiles.
_ADOBE_PRIMARIES = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_ADOBE_GAMMA = 2.19921875

_SPACES = {"L": ("GRAY", "RGB"), "RGB": ("RGB",), "CMYK": ("CMYK",), "LAB": ("LAB",)}  # Pillow's mode -> profiles' spaces


def profile_of(image):
    """The ICC profile (bytes) of a Pillow image's colours, or None: the embedded one, or the one that its EXIF data name.

    EXIF data name Adobe RGB if a camera uses it and embeds no profile.
    """
    profile = image.info.get("icc_profile")
    if profile and isinstance(profile, bytes):
        return profile
    try:
        named = image.getexif().get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    except Exception:  # damaged EXIF data can raise almost anything
        return None
    return adobe_profile() if str(named).startswith("R03") else None


def into_srgb(image, profile=None):
    """Convert a Pillow image to sRGB: mode L, LA, RGB or RGBA, of the source's size.

    Args:
        image: of mode L, LA, RGB, RGBA, CMYK or LAB. Gray stays gray, and alpha is left as it is.
        profile: ICC profile (bytes). It is applied by relative colorimetry with black point compensation, if it can be read
            and is for pixels of this mode; without a profile, pixels count as sRGB.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = image.convert(image.mode[:-1]) if alpha else image
    gray = colours.mode == "L"
    transform = _transform(profile, colours.mode)
    if transform:
        colours = ImageCms.applyTransform(colours.convert(transform.input_mode), transform)
        colours = colours.convert("L") if gray else colours
    elif colours.mode == "CMYK":
        colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


@functools.lru_cache(maxsize=16)
def _transform(profile, mode):
    """The transform from pixels of this mode under a profile to sRGB; None if there is nothing to do."""
    if not profile and mode != "LAB":  # Lab needs no profile to be converted
        return None
    try:
        source = ImageCms.createProfile("LAB") if mode == "LAB" else ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        space = source.xcolor_space.strip().upper()
        if space not in _SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(source),
            ImageCms.createProfile("sRGB"),
            "L" if space == "GRAY" else space,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except Exception:  # a damaged profile can raise almost anything
        return None
    return None if space in ("GRAY", "RGB") and _changes_nothing(transform) else transform


def _changes_nothing(transform):
    """Whether colours change by at most one level: there are many sRGB profiles, and their pixels are left as they are."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(64, 64, 3)
    colours = Image.fromarray(colours).convert(transform.input_mode)
    change = np.asarray(ImageCms.applyTransform(colours, transform)).astype(int) - np.asarray(colours.convert("RGB"))
    return np.abs(change).max() <= 1


@functools.cache
def adobe_profile():
    """An ICC profile of Adobe RGB (1998), made from its primaries and its gamma."""
    entry = lambda kind, content: kind + b"\0\0\0\0" + content  # noqa: E731
    xyz = lambda values: entry(b"XYZ ", struct.pack(">3i", *(round(value * 2**16) for value in values)))  # noqa: E731
    curve = entry(b"curv", struct.pack(">IH2x", 1, round(_ADOBE_GAMMA * 2**8)))
    tags = {b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    for colour, primary in zip((b"r", b"g", b"b"), _ADOBE_PRIMARIES):
        tags |= {colour + b"XYZ": xyz(primary), colour + b"TRC": curve}
    start = 128 + 4 + 12 * len(tags)
    table, contents = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(contents), len(content))
        contents += content
    head = struct.pack(">I4x4s4s4s4s12x4s", start + len(contents), b"\2\x10\0\0", b"mntr", b"RGB ", b"XYZ ", b"acsp")
    illuminant = struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(68, b"\0") + illuminant.ljust(60, b"\0") + table + contents
