"""Which released networks are yardsticks: tables and cards compare with them, and nobody needs them to enlarge faces.

Their weights and exports are a distribution of their own, which ``yardsticks/`` of the repository builds; their
configurations and cards come with this package, as all others' do. Both builds read their names here. In a checkout all are
in ``saved_models/``.
"""

from importlib.util import find_spec
from pathlib import Path

DISTRIBUTION = "keras_facesr_yardsticks"
REMEDY = "pip install 'keras_facesr[yardsticks]', or from a clone pip install ./yardsticks"
NAMES = (
    "autoencoder_x4_mnist",
    "autoencoder_x4_mnist_aliased",
    "autoencoder_x4_plates",
    "cagface_small_single_x4",
    "cagface_small_x4",
    "edsr_small_x4_style",
    "srcnn_x4",
    "srcnn_x4_bicubic",
    "srcnn_x4_style",
    "srcnn_x8_utkface",
    "srgan_x8_celeba64",
    "srresnet_small_x8_utkface",
    "srresnet_x8_celeba64",
    "ssrvae_x4_bicubic",
    "varsr_gan_x8_celeba",
    "varsr_x4_mnist",
    "varsr_x4_mnist_aliased",
    "varsr_x4_plates",
    "varsr_x8_celeba",
)


def folders(name):
    """Where the distribution has the files of this preset: one folder, none if it is not installed or this is no yardstick."""
    installed = find_spec(DISTRIBUTION) if name in NAMES else None
    return [Path(place) / name for place in installed.submodule_search_locations] if installed else []
