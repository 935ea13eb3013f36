"""Colour profiles (ICC, version 2) written by hand, and what their colours are in sRGB, computed by the standard's formulas."""

import struct

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))  # x, y of red, green, blue; white is D65 in all
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
D65 = (0.3127, 0.3290)


def srgb_to_linear(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(values):
    values = np.clip(values, 0, 1)
    return np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)


def to_xyz(primaries):
    """The matrix from linear RGB to XYZ with its white at D50."""
    upright = lambda xy: np.array([xy[0] / xy[1], 1.0, (1 - xy[0] - xy[1]) / xy[1]])  # noqa: E731
    colours, white = np.stack([upright(xy) for xy in primaries], axis=1), upright(D65)
    matrix = colours * np.linalg.solve(colours, white)
    cones = (BRADFORD @ D50) / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD @ matrix


def in_srgb(levels, primaries, gamma):
    """8-bit RGB under a profile -> 8-bit sRGB. ``gamma`` None is sRGB's own curve."""
    values = np.asarray(levels) / 255
    linear = srgb_to_linear(values) if gamma is None else values**gamma
    return xyz_in_srgb(linear @ to_xyz(primaries).T)


def xyz_in_srgb(xyz):
    return np.rint(255 * linear_to_srgb(xyz @ np.linalg.inv(to_xyz(SRGB)).T)).astype(int)


def rgb_profile(primaries, gamma):
    columns = to_xyz(primaries).T
    tags = {f"{colour}XYZ": _xyz(column) for colour, column in zip("rgb", columns)}
    return _profile("mntr", "RGB ", "XYZ ", tags | {f"{colour}TRC": _curve(gamma) for colour in "rgb"})


def gray_profile(gamma):
    return _profile("mntr", "GRAY", "XYZ ", {"kTRC": _curve(gamma)})


GRID = 4  # nodes along each axis of the CMYK table: colours of 0, 85, 170 and 255 are exact


def cmyk_xyz(inks):
    """What inks (..., 4) in [0, 1] look like under ``cmyk_profile``: each takes its part of the light, black of all."""
    inks = np.asarray(inks)
    left = 1 - inks[..., :3] @ np.array([[0.8, 0.1, 0.05], [0.15, 0.7, 0.1], [0.05, 0.1, 0.75]])
    return left * (1 - inks[..., 3:]) @ to_xyz(SRGB).T


def cmyk_profile():
    nodes = np.stack(np.meshgrid(*[np.linspace(0, 1, GRID)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    ratio = cmyk_xyz(nodes) / D50
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    coded = np.rint((lab * [65280 / 100, 256, 256]) + [0, 32768, 32768]).astype(">u2")
    unchanged = np.array([0, 65535], ">u2").tobytes()
    head = struct.pack(">4s4x4B9i2H", b"mft2", 4, 3, GRID, 0, *[65536 * (k % 4 == 0) for k in range(9)], 2, 2)
    return _profile("prtr", "CMYK", "Lab ", {"A2B0": head + 4 * unchanged + coded.tobytes() + 3 * unchanged})


def _xyz(values):
    return struct.pack(">4s4x3i", b"XYZ ", *(round(65536 * value) for value in values))


def _curve(gamma):
    if gamma is None:
        samples = np.rint(65535 * srgb_to_linear(np.linspace(0, 1, 1024))).astype(">u2")
        return struct.pack(">4s4xI", b"curv", len(samples)) + samples.tobytes()
    return struct.pack(">4s4xIH2x", b"curv", 1, round(256 * gamma))


def _profile(kind, space, connection, tags):
    tags = {"wtpt": _xyz(D50), **tags}
    table, contents = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(contents), len(content))
        contents += content
    words = [text.encode() for text in (kind, space, connection)]
    size = start + len(contents)
    head = struct.pack(">I4x4s4s4s4s12x4s28x3i48x", size, b"\2\x40\0\0", *words, b"acsp", *(round(65536 * v) for v in D50))
    return head + table + contents
