"""LPIPS and FID's network beside their authors' own programs, here with weights as their constructors draw them."""

import sys
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from keras_facesr.cli import main
from keras_facesr.errors import FacesrError
from keras_facesr.metrics.published import LPIPS, Inception

FACES = np.random.default_rng(0).integers(0, 256, (2, 2, 64, 64, 3), np.uint8)


@pytest.fixture
def pytorch():
    """Tests of other files may have started TensorFlow in this process."""
    if "tensorflow" in sys.modules and "torch" not in sys.modules:
        pytest.skip("PyTorch cannot start after TensorFlow: run this file alone")


@pytest.fixture
def alexnet(pytorch, monkeypatch):
    """Stands in for what LPIPS fetches."""
    models = pytest.importorskip("lpips").pretrained_networks.tv
    drawn = models.alexnet(weights=None)
    monkeypatch.setattr(models, "alexnet", lambda pretrained: drawn)


def test_lpips_is_that_of_its_package(alexnet):
    import lpips
    import torch

    with torch.no_grad():
        ours, theirs = LPIPS(), lpips.LPIPS(net="alex", verbose=False)
        expected = [float(theirs(*(lpips.im2tensor(image) for image in pair))) for pair in zip(*FACES)]
    np.testing.assert_allclose(ours.distance(*FACES), expected, rtol=1e-4)
    assert np.all(ours.distance(FACES[0], FACES[0]) == 0) and min(expected) > 0


def test_what_inception_sees_is_what_fids_program_compares(pytorch, monkeypatch, tmp_path):
    inception = pytest.importorskip("pytorch_fid.inception")
    from pytorch_fid.fid_score import get_activations

    monkeypatch.setattr(inception, "fid_inception_v3", lambda: inception._inception_v3(weights=None, init_weights=False))
    ours = Inception()
    for k, image in enumerate(FACES[0]):
        Image.fromarray(image).save(tmp_path / f"{k}.png")
    expected = get_activations(sorted(tmp_path.iterdir()), ours.network, batch_size=2, num_workers=0)
    np.testing.assert_allclose(ours.embed(FACES[0]), expected, rtol=1e-3, atol=1e-4)


def test_weights_that_cannot_be_fetched_are_told_in_one_line(pytorch, monkeypatch):
    def fetch(pretrained):
        raise OSError("no\nnetwork")

    monkeypatch.setattr(pytest.importorskip("lpips").pretrained_networks.tv, "alexnet", fetch)
    with pytest.raises(FacesrError, match=r"^the weights of LPIPS cannot be fetched \(no network\).*--judge face_features$"):
        LPIPS()


def test_lpips_of_too_small_pictures_is_a_wrong_call(tmp_path, capsys):
    Image.fromarray(FACES[0, 0]).save(tmp_path / "face.png")
    assert main(["evaluate", str(tmp_path), "--model", "sam", "--hr-size", "16", "--lpips"]) == 2
    assert "--lpips takes pictures of 32 pixels a side and more, these have 16" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("lpips") is None, reason="needs the extra distances")
def test_pytorch_is_not_started_after_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.raises(FacesrError, match="lpips runs on PyTorch, which cannot start after TensorFlow"):
        LPIPS()


@pytest.mark.parametrize("network, package", [(LPIPS, "lpips"), (Inception, "pytorch_fid")])
def test_a_missing_package_is_told_with_the_extra_that_installs_it(network, package, monkeypatch):
    for module in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FacesrError, match=rf"^{package} is not installed: pip install 'keras_facesr\[distances\]'$"):
        network()
