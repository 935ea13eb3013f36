"""A batch in several passes, a large picture in tiles: both bound the memory, whatever is enlarged.

Images are uint8; networks take float32 in [0, 1].
"""

import numpy as np

from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.errors import check_whole_number
from keras_facesr.inference.sizes import fitting_size

PASS_PIXELS = 1024**2  # output pixels of one pass through a network; bounds the memory of its feature maps


def passes(images, growth=1):
    """Slices of a batch (N, H, W, C), one for each pass of at most ``PASS_PIXELS``: ``growth`` for each pixel of ``images``."""
    size = max(1, PASS_PIXELS // (images.shape[1] * images.shape[2] * growth))
    return [slice(start, start + size) for start in range(0, len(images), size)]


def enlarge_in_passes(model, lr):
    """uint8 (N, H, W, 3) -> uint8 (N, scale * H, scale * W, 3), in passes of at most ``PASS_PIXELS``."""
    height, width = (size * model.scale for size in lr.shape[1:3])
    sr = np.empty((len(lr), height, width, 3), np.uint8)
    for part in passes(lr, model.scale**2):
        passed = model.predict_on_batch(padded(model, lr[part]))
        sr[part] = to_uint8(passed)[:, :height, :width]
    return sr


def tile_side(model, tile=None):
    """Side of a tile in input pixels: ``tile``, by default of ``PASS_PIXELS``, brought to a size that the network takes."""
    if tile is not None:
        check_whole_number(tile, "tile")
    multiple = model.size_multiple
    side = tile or int(PASS_PIXELS**0.5) // model.scale
    return max(*fitting_size(model, 1, 1), min(side, model.largest_side or side) // multiple * multiple)


def enlarge_in_tiles(model, lr, side, on_tile):
    """uint8 (H, W, 3) -> uint8 (scale * H, scale * W, 3), in tiles that overlap by a quarter and are blended.

    The tiles of a row are blended into a band, and the bands into the picture: besides the picture only one band is in memory.
    The picture is padded before it is cut, so that its borders are the same with tiles and without.
    """
    scale = model.scale
    height, width = lr.shape[:2]
    inputs = model.eagerly(model.prepare, padded(model, lr[None]))[0]
    rows, columns = (_tile_starts(size, side, model.size_multiple) for size in inputs.shape[:2])
    sr = np.empty((inputs.shape[0] * scale, inputs.shape[1] * scale, 3), np.uint8)
    band = np.empty((min(side, inputs.shape[0]) * scale, *sr.shape[1:]), np.uint8)
    for row, top in enumerate(rows):
        for column, left in enumerate(columns):
            square = to_uint8(model.eagerly(model, inputs[None, top : top + side, left : left + side])[0])
            end = (columns[column - 1] + side) * scale if column else 0
            _join(band.swapaxes(0, 1), square.swapaxes(0, 1), left * scale, end)
            if on_tile:
                on_tile(row * len(columns) + column + 1, len(rows) * len(columns))
        _join(sr, band, top * scale, (rows[row - 1] + side) * scale if row else 0)
    return sr[: height * scale, : width * scale]


def padded(model, lr):
    """uint8 (N, H, W, 3) -> float32 in [0, 1], its lower and right edges repeated up to a size that the network takes."""
    height, width = lr.shape[1:3]
    rows, columns = fitting_size(model, height, width)
    return to_unit(np.pad(lr, ((0, 0), (0, rows - height), (0, columns - width), (0, 0)), mode="edge"))


def _tile_starts(size, side, multiple):
    """Where tiles start along an axis: at multiples of ``multiple``, overlapping by a quarter; the last one at the end."""
    stride = max(multiple, (side - side // 4) // multiple * multiple)
    return [*range(0, max(size - side, 0), stride), max(size - side, 0)]


def _join(canvas, piece, start, filled):
    """Write ``piece`` on ``canvas`` from ``start`` on, along the first axis; the canvas, ``filled`` so far, fades into it.

    The fade takes the middle quarter of the overlap, as a tile lacks surroundings near its edges.
    """
    overlap = max(filled - start, 0)
    fade = overlap // 4
    first = start + (overlap - fade) // 2
    weight = ((np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)).reshape(-1, *[1] * (piece.ndim - 1))
    old, new = canvas[first : first + fade], piece[first - start :]
    canvas[first : first + fade] = np.rint(old + weight * (new[:fade].astype(np.float32) - old))
    canvas[first + fade : start + len(piece)] = new[fade:]
