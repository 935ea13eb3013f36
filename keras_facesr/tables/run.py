"""Runs a table: trains the missing networks at one budget, measures all rows alike, and compares with the paper's figures."""

import contextlib
import dataclasses
import hashlib
import json
import re
from functools import reduce
from pathlib import Path

from scipy.stats import kendalltau, spearmanr

from keras_facesr import presets
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.files import written_whole
from keras_facesr.data.sets import ArraySet
from keras_facesr.errors import TableError, TrainingStopped
from keras_facesr.metrics.protocol import REFERENCE
from keras_facesr.metrics.report import COLUMNS
from keras_facesr.tables.table import BICUBIC, Row
from keras_facesr.tables.trials import Pairs, RealFaces
from keras_facesr.training import recipes
from keras_facesr.training.run import train
from keras_facesr.training.run_folder import versions
from keras_facesr.training.sources import data_description
from keras_facesr.version import __version__


def run(
    table, data_dir, runs_dir, budget=None, limit=None, guests=(), say=print, progress=lambda what: contextlib.nullcontext()
):
    """Run a table of a paper again.

    Each row has a folder of its own, ``runs_dir/<recipe>``, with its run (``training.train``) and its measured figures. A
    finished row is not done again, so a table that was stopped continues where it was. A released preset is used for its row
    if its card says that it has seen the budget's number of images, or if there is no budget; otherwise the row is trained.

    Args:
        table: ``Table``.
        data_dir: the data that the table's module describes.
        runs_dir: the folder that holds the rows' folders.
        budget: images that each network sees in training, in all its stages; by default the table's own budget.
        limit: measure on so many images of each test part; by default the table's own number.
        guests: presets that the table does not have, such as imported networks; each is measured, as it is, in all parts whose
            networks enlarge as it does.
        say: called with a line of text for each step of the work.
        progress: function of a text (what is measured) that returns a context, whose value is called with the number of
            images done.

    Returns:
        ``{"table", "source", "remarks", "guests", "budget", "limit", "versions", "parts": [...]}``. Each part has "title",
        "unfilled", "protocol" (in words), "figures" (their headings), "rows" and "orders". A row has "method", "recipe",
        "images" (seen in training), "paper" and "ours" (by heading), "paper_gain" and "ours_gain" (of the first figure, over
        bicubic). An order, by heading, has "paper" and "ours", best first, "spearman" and "kendall".

    Raises:
        TableError: a network that a row needs is not released, a run in ``runs_dir`` has another budget, recipe or data, no
            part enlarges as a guest does, or another row has its name.
        TrainingError: the budget does not suit the recipes.
        DatasetError: data is missing.
        PresetError: weights of a released network that it needs are missing, such as a yardstick's that is not installed.
        TrainingStopped: SIGTERM came, and the run in training has saved its state; at Ctrl+C it is a KeyboardInterrupt.
    """
    budget, data_dir, runs_dir = budget or table.budget, Path(data_dir), Path(runs_dir)
    parts = [part if limit is None or not part.trial else _limited(part, limit) for part in table.parts]
    parts = [_with_guests(part, guests) for part in parts]
    for guest in guests:
        if not any(guest.name == row.recipe for part in parts for row in part.rows):
            raise TableError(f"{guest.name} enlarges x{guest.scale}, and no part of {table.name} does")
        if guest.name in table.recipes or any([row.method for row in part.rows].count(_called(guest)) > 1 for part in parts):
            raise TableError(f"{guest.name}: another row of {table.name} has this name; leave it out, or rename its folder")
    trained = table.recipes if budget else ()
    needed = {name: recipes.from_scratch(recipes.find(name)).for_images(budget) for name in trained}
    _check_needs(parts, needed, table.recipes, data_dir)
    for name, recipe in needed.items():
        _check_run(runs_dir / name, recipe, data_dir / table.recipes[name])
    weights = {name: _weights(recipe, data_dir / table.recipes[name], runs_dir / name, say) for name, recipe in needed.items()}
    as_released = [*guests, *(presets.find(name) for name in table.recipes if name not in needed)]
    weights |= {preset.name: presets.released_weights(preset) for preset in as_released}
    measured = [_measured(part, needed, weights, data_dir, runs_dir, progress) for part in parts]
    about = {"table": table.name, "source": table.source, "remarks": table.remarks}
    about["guests"] = [guest.name for guest in guests]
    return {**about, "budget": budget, "limit": limit, "versions": versions(), "parts": measured}


def _limited(part, limit):
    return dataclasses.replace(part, trial=dataclasses.replace(part.trial, limit=limit))


def _with_guests(part, guests):
    """The part with a row for each guest that it can measure; in place of a recipe stands its name."""
    nothing = (None,) * len(part.figures)
    measures = isinstance(part.trial, (Pairs, RealFaces))
    fitting = [guest for guest in guests if measures and guest.scale == part.trial.scale]
    rows = [Row(_called(guest), guest.name, nothing) for guest in fitting]
    return dataclasses.replace(part, rows=(*part.rows, *rows))


def _called(guest):
    """A guest's name in its row."""
    return Path(guest.name).name


def _check_needs(parts, needed, folders, data_dir):
    """Check, before hours of training, that the data and the released networks that rows need are there."""
    for name, recipe in needed.items():
        for source in recipe.all_sources:
            open_dataset(data_dir / folders[name] / source.folder, split="train", kind=source.kind)
    required = {preset: "the table is measured with it" for part in parts if part.trial for preset in part.trial.presets}
    for name, recipe in needed.items():
        required |= {preset: f"{name} learns from it" for preset in sorted(recipe.teachers)}
    for preset, role in required.items():
        if preset not in presets.list_models():
            raise TableError(f"{preset} is not released, and {role}: train and release it first")
        presets.released_weights(presets.find(preset))
    for part in parts:
        for source in part.trial.sources if part.trial else ():
            part.trial.test(source, data_dir / part.folder)


def _check_run(folder, recipe, data_dir):
    """Check that a run that is there has this recipe, budget and data, or that the weights in its place are at hand."""
    started, seen = folder / "recipe.json", folder / "data.json"
    if not started.exists():
        if _stands_in(recipe):
            presets.released_weights(presets.find(recipe.name))
        return
    found = json.loads(started.read_text())
    if found.get("precision") == "float32":  # as it is where bfloat16 is not faster (``devices.precision_here``)
        found["precision"] = recipe.precision
    images = sum(stage["steps"] * stage["batch_size"] for stage in found["stages"])
    if images != recipe.images:
        raise TableError(
            f"{started}: its run sees {images:,} images, every row of this table {recipe.images:,}: "
            f"give --budget {images}, or another folder with --out"
        )
    if found != json.loads(json.dumps(dataclasses.asdict(recipe))):
        raise TableError(f"{started}: its run is of another recipe than {recipe.name}'s: give another folder with --out")
    if seen.exists() and json.loads(seen.read_text()) != data_description(recipe, data_dir):
        raise TableError(f"{seen}: its run is of other data than {data_dir}: give another folder with --out")


def _weights(recipe, data_dir, folder, say):
    """Path of the weights of a row's network, which is trained if they are not there; ``say`` is told which."""
    weights = folder / "model.weights.h5"
    if weights.exists():
        say(f"{recipe.name}: trained already")
        return weights
    if not (folder / "recipe.json").exists() and _stands_in(recipe):
        say(f"{recipe.name}: as released")
        return presets.released_weights(presets.find(recipe.name))
    say(f"{recipe.name}: training on {recipe.images:,} images")
    try:
        train(recipe, data_dir, folder, resume=(folder / "recipe.json").exists())
    except (TrainingStopped, KeyboardInterrupt) as stopped:
        if not stopped.args:  # a second Ctrl+C, or one before the first step
            raise
        raise type(stopped)(f"{folder}: stopped, its state is saved; the same command goes on") from stopped
    return weights


def _stands_in(recipe):
    """Whether a released network has seen as many images."""
    return released_images(recipe.name) == recipe.images


def released_images(name):
    """Images that a released preset has seen, by its card; None if it is not released, or started from another preset."""
    if name not in presets.list_models() or recipes.from_scratch(recipes.find(name)) != recipes.find(name):
        return None
    card = presets.find(name).folder / "README.md"
    seen = re.search(r"([\d,]+) images seen in all", card.read_text(encoding="utf-8")) if card.is_file() else None
    return int(seen[1].replace(",", "")) if seen else None


def _measured(part, needed, weights, data_dir, runs_dir, progress):
    """A part of the report, with our figures."""
    reports = {}
    for row in part.rows:
        if row.recipe in weights:
            drawn = {} if row.samples is None else {"samples": row.samples, "independent": row.independent}
            trial = dataclasses.replace(part.trial, **drawn)
            with progress(f"measure {row.method}, {part.title}") as show:
                where = data_dir / part.folder, runs_dir / Path(row.recipe).name
                reports[row.method] = _report(needed.get(row.recipe), row.recipe, weights[row.recipe], trial, *where, show)
    first = next(iter(reports.values()), None)
    reference = first["models"][REFERENCE] if first else {}
    rows = [_row(row, part.figures, needed, reports, reference) for row in part.rows]
    leading = part.figures[0]
    in_the_paper = next((row.paper[0] for row in part.rows if row.recipe == BICUBIC), None)
    for whose, bicubic in (("paper", in_the_paper), ("ours", _figure(reference, leading) if len(rows) > 1 else None)):
        for row in rows:
            row[f"{whose}_gain"] = _gain(row[whose][leading.heading], bicubic, leading)
    return {
        "title": part.title,
        "unfilled": part.unfilled,
        "protocol": part.trial.in_words(first) if first else None,
        "rows": rows,
        "figures": [{"heading": figure.heading, "spec": figure.spec, "ours": figure.ours} for figure in part.figures],
        "orders": {figure.heading: order for figure in part.figures if (order := _order(figure, rows))},
    }


def _report(recipe, name, weights, trial, data_dir, folder, show):
    """A trial's report on a row's network, by its recipe, or if it is taken as released by its name.

    It is measured once: the file is named by a hash of all that it depends on.
    """
    network = {"weights": weights, **{name: presets.released_weights(presets.find(name)) for name in trial.presets}}
    hashes = {role: hashlib.sha256(path.read_bytes()).hexdigest() for role, path in network.items()}
    sources = [_identified(trial.test(source, data_dir)) for source in trial.sources]
    what = [__version__, repr(trial), hashes, sources, list(COLUMNS)]  # if figures are added, measure again
    depends = json.dumps(what if recipe else [*what, name])
    file = folder / f"measured-{hashlib.sha256(depends.encode()).hexdigest()[:12]}.json"
    if not file.exists():
        if recipe and weights.parent == folder:
            model = recipe.model()
            model.load_weights(weights)
        else:  # the released network, without the parts that only training needs
            model = presets.load(name)
        report = trial.measure({name: model}, data_dir, show)
        folder.mkdir(parents=True, exist_ok=True)
        with written_whole(file) as temporary:
            temporary.write_text(json.dumps(report, indent=1), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def _identified(test):
    """What tells the images of a test part from others: names and sizes of files, or a hash of digits in memory."""
    if isinstance(test, ArraySet):
        return hashlib.sha256(test.images.tobytes() + test.labels.tobytes()).hexdigest()
    return [(str(file), file.stat().st_size) for file in test.files]


def _row(row, figures, needed, reports, reference):
    found = ({BICUBIC: reference} | (reports[row.method]["models"] if row.method in reports else {})).get(row.recipe)
    return {
        "method": row.method,
        "recipe": row.recipe,
        "images": needed[row.recipe].images if row.recipe in needed else None,
        "paper": {figure.heading: value for figure, value in zip(figures, row.paper, strict=True)},
        "ours": {figure.heading: _ours(found, figure) for figure in figures},
    }


def _ours(found, figure):
    """A figure of a method's report, as the table shows it; None without a report."""
    value = _figure(found or {}, figure)
    return figure.otherwise if found and value is None else value


def _figure(found, figure):
    """The value of the first of a figure's keys that a method's report has, in the paper's unit; None if it has none."""
    for key in figure.keys:
        value = reduce(lambda part, name: part.get(name, {}) if isinstance(part, dict) else {}, key.split("."), found)
        if isinstance(value, float):
            return value / figure.unit
    return None


def _gain(value, bicubic, figure):
    """How much better a value is than bicubic's; None if either is missing."""
    if value is None or bicubic is None:
        return None
    return value - bicubic if figure.higher_is_better else bicubic - value


def _order(figure, rows):
    """The methods that have a figure in the paper and here, in both orders, best first; None for fewer than three."""
    both = [(row["method"], row["paper"][figure.heading], row["ours"][figure.heading]) for row in rows]
    both = [row for row in both if None not in row]
    if len(both) < 3:
        return None
    sign = -1 if figure.higher_is_better else 1
    methods, paper, ours = zip(*both)
    # Rounded as printed: methods that the last digit does not tell apart share a place.
    ours = [float(format(value, figure.spec)) for value in ours]
    agreement = {"spearman": spearmanr(paper, ours).statistic, "kendall": kendalltau(paper, ours).statistic}
    orders = {"paper": paper, "ours": ours}
    return {
        **{whose: _ordered(methods, [sign * value for value in values]) for whose, values in orders.items()},
        **{name: float(value) if value == value else None for name, value in agreement.items()},
    }


def _ordered(methods, values):
    """Methods by ascending values, as a list of lists; methods of the same value are in one list."""
    places = sorted(set(values))
    return [[method for method, value in zip(methods, values) if value == place] for place in places]
