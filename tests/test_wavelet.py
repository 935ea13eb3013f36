"""Wavelet packets against NumPy's and SciPy's, and Wavelet-SRNet against its published code's layers."""

import keras
import numpy as np
import pytest
from scipy.linalg import hadamard

from keras_facesr.layers.blocks import GroupedConv
from keras_facesr.models.baselines.wavelet_srnet import WaveletSRNet
from keras_facesr.objectives import wavelet

RNG = np.random.default_rng(0)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def haar_packets(images, levels):
    """Packets by sums and differences of neighbouring pixels, one level after the other: a list of (N, h, w, C)."""
    if not levels:
        return [images]
    a, b, c, d = (images[:, row::2, column::2] for row in (0, 1) for column in (0, 1))
    bands = ((a + b + c + d) / 2, (a + b - c - d) / 2, (a - b + c - d) / 2, (a - b - c + d) / 2)
    return [packet for band in bands for packet in haar_packets(band, levels - 1)]


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_synthesis_undoes_analysis_which_is_haars_and_keeps_the_energy(levels):
    images = RNG.random((2, 2 << levels, 3 << levels, 3), "float32")
    packets = numpy(wavelet.analysis(keras.ops.convert_to_tensor(images), levels))
    np.testing.assert_allclose(packets, np.concatenate(haar_packets(images, levels), axis=-1), atol=1e-5)
    np.testing.assert_allclose(numpy(wavelet.synthesis(keras.ops.convert_to_tensor(packets), levels)), images, atol=1e-5)
    assert np.sum(packets**2) == pytest.approx(np.sum(images**2), rel=1e-5)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_the_patterns_of_the_packets_are_the_walsh_functions(levels):
    side = 2**levels
    walsh = hadamard(side) / np.sqrt(side)
    expected = {np.outer(row, column).round(6).tobytes() for row in walsh for column in walsh}
    found = wavelet.packet_basis(levels).astype(float)
    assert {pattern.round(6).tobytes() for pattern in found} == expected


def test_packets_are_ordered_from_the_coarsest_level_to_the_finest():
    """What synthesis makes of the first 4^j packets is constant over squares of 2^(levels - j) pixels."""
    levels = 3
    packets = RNG.random((1, 2, 2, 4**levels * 3), "float32")
    for level in range(levels + 1):
        kept = packets.copy()
        kept[..., 4**level * 3 :] = 0
        image = numpy(wavelet.synthesis(keras.ops.convert_to_tensor(kept), levels))
        side = 2 ** (levels - level)
        np.testing.assert_allclose(image, image[:, ::side, ::side].repeat(side, 1).repeat(side, 2), atol=1e-5)


def test_the_packets_errors_are_weighed_apart_and_details_want_more_energy_than_the_true_ones():
    true, made = (RNG.normal(size=(2, 3, 3, 12)).astype("float32") for _ in range(2))
    squares = (true - made) ** 2
    expected = (0.01 * squares[..., :3].sum() + 0.99 * squares[..., 3:].sum()) / squares.size
    assert float(wavelet.packet_error(true, made, 0.01, 0.99)) == pytest.approx(expected, rel=1e-5)
    energy = lambda packets: (packets[..., 3:].reshape(2, 3, 3, 3, 3) ** 2).sum(-1)  # noqa: E731
    expected = np.maximum(1.2 * energy(true) - energy(made) + 0.5, 0).mean()
    assert float(wavelet.texture_error(true, made, 1.2, 0.5)) == pytest.approx(expected, rel=1e-5)
    assert float(wavelet.texture_error(true, 1.1 * true, 1.2, 0.0)) == pytest.approx(0)  # 1.1^2 > 1.2


def test_a_grouped_convolution_is_one_convolution_for_each_part_of_the_channels():
    keras.utils.set_random_seed(0)
    layer = GroupedConv(9, 3)
    x = RNG.normal(size=(2, 4, 5, 6)).astype("float32")
    layer.build(x.shape)
    layer.bias.assign(RNG.normal(size=9))
    native = keras.layers.Conv2D(9, 3, padding="same", groups=3)
    native.build(x.shape)
    native.set_weights(layer.get_weights())
    np.testing.assert_allclose(numpy(layer(x)), numpy(native(x)), atol=1e-5)


def test_wavelet_srnet_has_the_parameters_of_the_published_layers():
    norm = lambda n: 4 * n  # noqa: E731

    def block(inputs, outputs, groups=(1, 1)):
        first, second = (9 * a * outputs // g for a, g in zip((inputs, outputs), groups))
        return first + second + 2 * norm(outputs) + (inputs * outputs if inputs != outputs else 0)

    widths = [64, 64, 128, 256, 512, 1024]
    embedding = 27 * 64 + norm(64) + sum(block(a, b) + block(b, b) for a, b in zip(widths, widths[1:]))
    predictions = sum(
        block(1024, 32 * g, (1, g)) + block(32 * g, 64 * g, (g, g)) + 9 * 64 * 3 * g + 3 * g for g in (1, 3, 12, 48)
    )
    model = WaveletSRNet()  # x8
    model.build((None, None, None, 3))
    assert model.count_params() == embedding + predictions


@pytest.mark.parametrize("scale", [4, 16])
def test_wavelet_srnet_begins_with_about_grey(scale):
    keras.utils.set_random_seed(0)
    model = WaveletSRNet(scale, channels=8, stages=2, blocks=1, packet_channels=4)
    image = numpy(model(RNG.random((2, 4, 4, 3)).astype("float32"), training=True))
    assert abs(image.mean() - 0.5) < 0.1 and image.std() < 0.2


def test_wavelet_srnet_reports_its_errors_and_learns():
    keras.utils.set_random_seed(0)
    model = WaveletSRNet(scale=2, channels=8, stages=2, blocks=1, packet_channels=4)
    model.build((None, None, None, 3))
    hr = RNG.random((4, 2, 2, 3)).repeat(8, 1).repeat(8, 2).astype("float32")
    model.compile(keras.optimizers.Adam(3e-3), jit_compile=False)
    reports = model.fit(hr[:, ::2, ::2], hr, epochs=30, verbose=0).history
    for loss, packets, texture, image in zip(*(reports[name] for name in ("loss", "packets", "texture", "image"))):
        assert loss == pytest.approx(packets + texture / (16 * 16 * 3 / 2) + 0.1 * image, rel=1e-4)
    assert reports["loss"][-1] < 0.3 * reports["loss"][0]
    assert reports["packets"][-1] < 0.3 * reports["packets"][0]


def test_the_texture_weighs_one_beside_half_the_sum_of_an_images_squared_errors():
    """The authors' program sums squared errors over an image, halves them, and takes the mean of the energies that lack."""
    keras.utils.set_random_seed(0)
    model = WaveletSRNet(scale=2, channels=8, stages=2, blocks=1, packet_channels=4)
    model.build((None, None, None, 3))
    lr, hr = (RNG.random((2, side, side, 3)).astype("float32") for side in (4, 8))
    made, true = numpy(model.packets(lr, training=True)), np.concatenate(haar_packets(hr, 1), axis=-1)
    squares, energy = (true - made) ** 2, lambda packets: (packets[..., 3:].reshape(2, 4, 4, 3, 3) ** 2).sum(-1)
    texture = np.maximum(1.2 * energy(true) - energy(made), 0).mean()
    summed = 0.01 * squares[..., :3].sum() + 0.99 * squares[..., 3:].sum() + 0.1 * squares.sum()  # Haar keeps the energy
    ours = float(model.objective(lr, hr)[0])
    assert 8 * 8 * 3 / 2 * ours == pytest.approx(summed / (2 * 2) + texture, rel=1e-4)
