"""The error of a repeated pattern: the grid that pixel shuffles draw where a network does not know the detail."""

from keras import ops

WINDOW = 8  # cells a side over which a pattern must repeat: faces' own detail has no such period, and cancels out


def detail(images):
    """What the mean of 5x5 pixels leaves of images (N, H, W, C)."""
    return images - ops.average_pool(images, 5, 1, padding="same")


def grid_error(true, made, cell):
    """Mean squared error of the detail at each position of a cell, averaged over ``WINDOW`` x ``WINDOW`` cells.

    An edge that happens to lie along the cells is in both, so the truth has no error. Of detail that differs from pixel to
    pixel ``1 / WINDOW^2`` counts, of a pattern that repeats from cell to cell all of it.

    Args:
        true, made: images (N, H, W, C); H and W are multiples of ``cell`` and at least ``WINDOW * cell``.
        cell: side of the cells in pixels.
    """
    patterns = ops.space_to_depth(detail(made - true), cell)
    return ops.mean(ops.square(ops.average_pool(patterns, WINDOW, WINDOW // 2)))
