"""A published network as a preset: a folder that stands for a model's name, made from the file that the network came in."""

import hashlib
import json
from pathlib import Path

from keras_facesr import presets
from keras_facesr.data.files import check_writable, written_whole
from keras_facesr.errors import WeightsError, reason
from keras_facesr.exchange.published import network_of
from keras_facesr.version import __version__

FILES = "config.json", "model.weights.h5", "README.md"
TERMS = "those of the source"
CARD = """# {name}

{description}

| | |
|---|---|
| file | {file}, SHA-256 {source_sha256} |
| network | {class}, {parameters:,} weights, {config} |
| terms | {terms} |
| imported by | keras_facesr {version} |

What it was trained on, and what it must not be used for, its source says. It was not measured here.
"""


def import_weights(path, folder=None, model=None, overwrite=False, **arguments):
    """The Keras network of a PyTorch file, with its weights, and if asked for the folder that stands for it.

    Takes RRDBNet (ESRGAN, Real-ESRGAN), SRVGGNetCompact, MSRResNet, EDSR, RDN and SRFBN, in BasicSR's names, in those of the
    authors and in older ones. Averaged weights (``params_ema``) come before others in the same file.

    Args:
        path: a .safetensors file, or a .pth file of tensors (extra ``import``).
        folder: preset folder to write: ``load``, and all commands, take its path for a model's name.
        model: name of the class; by default the one that the names and shapes of the tensors tell.
        overwrite: whether an imported network in ``folder`` may be replaced.
        **arguments: of the class, where the tensors do not tell them: EDSR's ``residual_scaling``, if it is not the published
            one (0.1 with 256 channels, otherwise 1), SRFBN's ``steps``, and ``mean`` and ``img_range`` (``CentredSR``).

    Raises:
        CallError: ``model`` is no class that takes over weights.
        WeightsError: the file is damaged, holds more than tensors, is of no known network, or ``folder`` cannot be written.
        ExportError: what reads the file is not installed.
    """
    path = Path(path)
    if folder is not None:
        check_folder(folder, overwrite)
    network = network_of(path, model, **arguments)
    if folder is None:
        return network
    folder = Path(folder)
    try:
        check_writable(folder / "model.weights.h5", room=5 * network.count_params())
        _write(network, path, folder)
    except (OSError, RuntimeError) as error:  # h5py raises either
        raise WeightsError(f"{folder}: cannot be written ({reason(error)}); make room, or name another") from error
    return presets.load(folder.resolve())  # by its bare name it could be a released model's


def check_folder(folder, overwrite=False):
    """WeightsError if a network may not be imported into this folder."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise WeightsError(f"{folder}: is a file; a folder is written")
    if (folder / "recipe.json").exists():
        raise WeightsError(f"{folder}: holds a training run; name another folder")
    if (folder / "config.json").exists() and not overwrite:
        raise WeightsError(f"{folder}: holds a model already; overwrite replaces it")
    if not overwrite and (there := [folder / name for name in FILES if (folder / name).exists()]):
        raise WeightsError(f"{there[0]}: exists already; overwrite replaces it")


def _write(network, path, folder):
    """The configuration comes last: before it is there, the folder is no preset."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "model.weights.h5"
    with written_whole(weights, suffix=".weights.h5") as temporary:  # Keras goes by it
        network.save_weights(temporary)
    source_sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    name = type(network).__name__
    config = {key: value for key, value in network.get_config().items() if key not in ("name", "trainable", "dtype")}
    entry = {
        "name": folder.resolve().name,
        "class": name,
        "task": "super-resolution",
        "config": config,
        "scale": network.scale,
        "hr_size": None,
        "parameters": network.count_params(),
        "weights": {"file": weights.name, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "url": None},
        "description": f"{name} x{network.scale}, from {path.name}",
        "data": "that of the source",
        "terms": TERMS,
        "recipe": f"imported from {path.name}, SHA-256 {source_sha256}",
        "framing": None,
        "figures": {},
    }
    about = {"file": path.name, "source_sha256": source_sha256, "version": __version__}
    card = CARD.format(**{**entry, **about, "config": ", ".join(f"{key} {value}" for key, value in config.items())})
    for file, text in (("README.md", card), ("config.json", json.dumps(entry, indent=2) + "\n")):
        with written_whole(folder / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
