"""Haar wavelet packets: images as the coefficients of all their bands, and errors in these (Wavelet-SRNet).

One level splits each channel into four packets at half the size: means, and differences down, across and both ways. The next
level splits each packet again. Packets are ordered from the coarsest: the first is the small image, the next three are the
details that double its size, the next twelve those that double it again, and so on. Channels are (packet, colour).
"""

import numpy as np
from keras import ops

HAAR = 0.5 * np.array([[[1, 1], [1, 1]], [[1, 1], [-1, -1]], [[1, -1], [1, -1]], [[1, -1], [-1, 1]]], "float32")


def packet_basis(levels):
    """The orthonormal patterns of the 4^levels packets: (4^levels, 2^levels, 2^levels)."""
    basis = np.ones((1, 1, 1), "float32")
    for _ in range(levels):
        basis = np.stack([np.kron(coarse, fine) for fine in HAAR for coarse in basis])
    return basis


def _matrix(levels, colours, dtype):
    """(packets * colours, pixels of a square * colours)."""
    matrix = np.kron(packet_basis(levels).reshape(4**levels, 4**levels), np.eye(colours, dtype="float32"))
    return ops.convert_to_tensor(matrix, dtype=dtype)


def analysis(images, levels):
    """Packets (N, H / 2^levels, W / 2^levels, 4^levels * C) of images (N, H, W, C)."""
    matrix = _matrix(levels, images.shape[-1], images.dtype)
    return ops.matmul(ops.space_to_depth(images, 2**levels), ops.transpose(matrix))


def synthesis(packets, levels):
    """The images whose packets these are, the inverse of ``analysis``."""
    matrix = _matrix(levels, packets.shape[-1] // 4**levels, packets.dtype)
    return ops.depth_to_space(ops.matmul(packets, matrix), 2**levels)


def packet_error(true, made, low_weight, high_weight, colours=3):
    """Mean squared error of packets, with one weight for the coarsest and one for all others."""
    error = ops.mean(ops.square(true - made), axis=(0, 1, 2))  # of each channel
    channels = error.shape[0]
    return (low_weight * ops.sum(error[:colours]) + high_weight * ops.sum(error[colours:])) / channels


def texture_error(true, made, ratio, margin, colours=3):
    """By how much the details' energy is below ``ratio`` times the true one plus a margin; mean over places and packets."""
    true, made = (_energy(packets[..., colours:], colours) for packets in (true, made))
    return ops.mean(ops.relu(ratio * true - made + margin))


def _energy(packets, colours):
    """The energy of each packet, summed over colours: (N, h, w, packets)."""
    shape = (*ops.shape(packets)[:-1], packets.shape[-1] // colours, colours)
    return ops.sum(ops.square(ops.reshape(packets, shape)), axis=-1)
