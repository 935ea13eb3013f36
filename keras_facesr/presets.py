"""The catalogue of released models: each name has a class, its arguments and weights of known SHA-256.

A preset is a folder ``saved_models/<name>`` with a ``config.json``, the weights and the model card; the folder of a run that
has ended or of an import is one too, named by its path. All are data, without pickle or code; classes are ``MODEL_CLASSES``.
"""

import difflib
import json
import os
from dataclasses import MISSING, dataclass, field, fields, replace
from fnmatch import fnmatch
from pathlib import Path

from keras_facesr import classes
from keras_facesr.errors import PresetError
from keras_facesr.released import ReleasedFile, path_of, sha256_of

LEAST_FACE = 64  # pixels, the least side of an enlarged face; digits are smaller
BACKGROUND = "edsr_small_x4"  # enlarges what is round the faces of a photograph
ALIASES = {
    "cagface": "cagface_attentive_x4",
    "sam": "sam_small_x8",
    "ssrvae": "ssrvae_x4",
    "style": "stylevae_wider",
    "varsr": "varsr_small_x8",
    "varsr_gan": "varsr_gan_small_x8",
}

_PACKAGE = Path(__file__).parent
CATALOGUE = _PACKAGE / "saved_models"  # where a wheel has them
if not CATALOGUE.is_dir():
    CATALOGUE = _PACKAGE.parent / "saved_models"  # where a checkout has them


@dataclass(frozen=True)
class Preset:
    """One entry of the catalogue. All fields but ``folder`` and ``class_name`` are named as in ``config.json``.

    ``task`` is what the model is for, a name in ``training.tasks.TASKS``. ``scale`` is its enlargement; None: it enlarges
    nothing. ``hr_size`` is the side in pixels, or (height, width), of the images that it was trained to produce; None: any.
    ``config`` has the constructor's arguments, ``figures`` the protocol's measurements from the model card. What follows may
    be left out. ``exports`` are the released files for other runtimes, by their names in ``inference.runtimes.RUNTIMES``.
    ``curve`` is the progress of the training: (images seen, score on held-out images) of each check. ``framing`` is the set
    whose framing the training faces have, in ``data.framing.FRAMINGS``; None: not known. ``turn``: their largest turn, degrees.
    ``mends``: whether it was taught on small images spoilt by more than reduction.
    """

    folder: Path
    name: str
    class_name: str
    task: str
    config: dict
    scale: int | None
    hr_size: int | tuple[int, int] | None
    parameters: int
    weights: ReleasedFile
    description: str
    data: str
    terms: str
    recipe: str
    figures: dict
    exports: dict[str, ReleasedFile] = field(default_factory=dict)
    curve: tuple[tuple[int, float], ...] = ()
    framing: str | None = None
    turn: float = 0.0
    mends: bool = False

    @property
    def aliases(self):
        return [alias for alias, name in ALIASES.items() if name == self.name]

    @property
    def is_ones_own(self):
        """Whether it is a run or an import of the user's own, named by its folder."""
        return self.folder.parent != CATALOGUE

    @property
    def is_stochastic(self):
        """Whether the model gives many answers; imports its class, and with it Keras."""
        return getattr(classes.model_class(self.class_name), "is_stochastic", False)

    @property
    def enlarges_faces(self):
        """Whether it enlarges, and enlarges faces, not digits."""
        sides = (self.hr_size,) if isinstance(self.hr_size, int) else self.hr_size or (LEAST_FACE,)
        return self.scale is not None and min(sides) >= LEAST_FACE

    @property
    def own_size(self):
        """(height, width) in pixels of the small pictures that it was trained on; None: any size, or it enlarges nothing."""
        if self.scale is None or self.hr_size is None:
            return None
        sides = (self.hr_size, self.hr_size) if isinstance(self.hr_size, int) else self.hr_size
        return tuple(side // self.scale for side in sides)

    @property
    def demo_size(self):
        """Side in pixels of the built-in face in a demonstration: ``hr_size``, or 128 if the model makes any size."""
        return self.hr_size or 128

    @property
    def gain(self):
        """PSNR on its card minus that of bicubic interpolation, in dB; None if it enlarges nothing or lacks these figures."""
        rows = self.figures.get("models", {})
        if self.scale is None or not {"bicubic", self.name} <= rows.keys():
            return None
        return rows[self.name]["psnr"] - rows["bicubic"]["psnr"]

    def build(self):
        """Build the model, with freshly initialised weights."""
        return classes.build_model(self.class_name, self.config)


def list_models(pattern="*"):
    """Names of all presets that match a shell-style pattern, themselves or by an alias, sorted; PresetError: it is no text."""
    if not isinstance(pattern, str):
        raise PresetError(f"{pattern!r} is no pattern of names: give text such as '*x8*', or nothing for all")
    folders = CATALOGUE.iterdir() if CATALOGUE.is_dir() else ()
    names = sorted(folder.name for folder in folders if (folder / "config.json").is_file())
    aliased = {name for alias, name in ALIASES.items() if fnmatch(alias, pattern)}
    return [name for name in names if fnmatch(name, pattern) or name in aliased]


def full_name(name):
    """The name of the preset that an alias stands for; any other name as it is."""
    return ALIASES.get(name, name)


def find(name):
    """The ``Preset`` of a name or alias, or of the folder of a run that has ended or of an imported network.

    Raises:
        PresetError: there is none, and the message gives the closest names; or it is no name at all.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise PresetError(f"{name!r} is neither a model's name nor the path of a folder: list_models() names all models")
    names, name = list_models(), os.fspath(name)
    if full_name(name) in names:
        return _read(CATALOGUE / full_name(name))
    if any(os.path.isfile(os.path.join(name, file)) for file in ("recipe.json", "config.json")):
        return _of_folder(Path(name))
    if os.sep in name or os.path.exists(name):
        raise PresetError(f"no model is called {name!r}, nor is it the folder of a run that has ended, or of an import")
    close = difflib.get_close_matches(name.lower(), [*names, *ALIASES], n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "facesr models, or list_models(), names all"
    raise PresetError(f"no model is called {name!r}: {hint}")


def load(name, weights="released"):
    """Build the model that a preset describes.

    Args:
        name: a preset's name or alias, one of ``list_models()``; or the folder of a run that has ended, or of an import.
        weights: ``"released"`` (verified by SHA-256, fetched first if they do not ship with the package),
            ``None`` for a fresh initialisation, or the path of a ``.weights.h5`` file.

    Raises:
        PresetError: an unknown name, or weights that are missing, altered, or another network's.
    """
    preset = find(name)
    path = released_weights(preset) if weights == "released" else weights
    model = preset.build()
    if path is not None:
        _load_weights(model, Path(path if isinstance(path, os.PathLike) else str(path)))
    if weights == "released":
        model.preset, model.own_size = preset.name, preset.own_size
    return model


def released_weights(preset):
    """Path of the preset's weights file, its SHA-256 verified; fetched into the cache if not at hand."""
    return path_of(preset, preset.weights)


def entry(recipe, weights, description, terms):
    """The content of ``config.json`` for the network of a ``Recipe``, without its critic, and for its weights file.

    The caller adds figures and exports.
    """
    from keras_facesr.data.framing import FRAMINGS  # imports NumPy, which a list of presets does not need

    model = classes.build_model(recipe.model_class, recipe.config_without_critic)
    enlarges = recipe.task == "super-resolution"
    framed = [framing for source in recipe.all_sources if (framing := source.framing or source.kind) in FRAMINGS]
    not_arguments = ("name", "trainable", "dtype", "phase")
    return {
        "name": recipe.name,
        "class": recipe.model_class,
        "task": recipe.task,
        "config": {name: value for name, value in model.get_config().items() if name not in not_arguments},
        "scale": model.scale if enlarges else None,
        "hr_size": recipe.sources[0].size if enlarges and not recipe.crop else None,
        "parameters": model.count_params(),
        "weights": {"file": weights.name, "sha256": sha256_of(weights), "url": None},
        "description": description,
        "data": f"{named(recipe.all_sources)}, training part",
        "terms": terms,
        "recipe": recipe.name,
        "framing": framed[0] if enlarges and framed else None,
        "turn": max(source.turn for source in recipe.all_sources),
        "mends": enlarges and recipe.spoils,
        "figures": {},
    }


def named(sources):
    """The data sets of a recipe's sources, each once, as a card names them."""
    *others, last = dict.fromkeys(source.data_set for source in sources)
    return f"{', '.join(others)} and {last}" if others else last


def _of_folder(folder):
    """The ``Preset`` of a run that has ended or of an import, called by its path."""
    if not (folder / "config.json").is_file():
        raise PresetError(f"{folder}: its run has written no config.json yet; facesr train ... --resume ends it")
    return replace(_read(folder), name=str(folder.resolve()))  # a full path, unlike the names of released models


def _read(folder):
    path = folder / "config.json"
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        entry["class_name"] = entry.pop("class")
        entry["weights"] = ReleasedFile(**entry["weights"])
        entry["hr_size"] = tuple(entry["hr_size"]) if isinstance(entry["hr_size"], list) else entry["hr_size"]
        entry["exports"] = {runtime: ReleasedFile(**file) for runtime, file in entry.get("exports", {}).items()}
        entry["curve"] = tuple(map(tuple, entry.get("curve", ())))
        preset = Preset(folder=folder, **entry)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        names = [(one.name.replace("class_name", "class"), one) for one in fields(Preset)[1:]]
        optional = [name for name, one in names if (one.default, one.default_factory) != (MISSING, MISSING)]
        wanted = ", ".join(name for name, _ in names if name not in optional)
        others = ", ".join(optional)
        raise PresetError(f"{path}: not a preset ({error}); it must have {wanted}, and may have {others}") from error
    if preset.class_name not in classes.MODEL_CLASSES:
        known = ", ".join(classes.MODEL_CLASSES)
        raise PresetError(f"{path}: no model class {preset.class_name!r}; there are {known}")
    return preset


def _load_weights(model, path):
    if not path.name.endswith(".weights.h5"):
        raise PresetError(f"{path}: weights are read from .weights.h5 files only")
    if not path.is_file():
        raise PresetError(f"{path}: no such weights file")
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise PresetError(f"{path}: not the weights of this {type(model).__name__} ({str(error).splitlines()[0]})") from error
