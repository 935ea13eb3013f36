"""Measure released presets again: the figures of each one's config.json, and its card with them.

    python tools/measure.py DATA_DIR [NAME ...]

DATA_DIR holds the sets in folders of the names that recipes know. Each preset (all, if none is named) is measured on the test
part of each of its sources, and compared with all presets for the same scale and data. Where dlib is installed (extra
``identity``), it judges whom enlarged faces show.
"""

import argparse
import dataclasses
import functools
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from card import BLIND, entry_of, write_anew, write_text

from keras_facesr import presets
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.degrade import ALIASED, degrade, resize
from keras_facesr.data.framing import FRAMINGS
from keras_facesr.data.images import read_picture, to_uint8, to_unit
from keras_facesr.metrics.attributes import ranked_rightly
from keras_facesr.metrics.parsing import intersection_over_union
from keras_facesr.metrics.protocol import Protocol
from keras_facesr.metrics.stochastic import best_of
from keras_facesr.models.component_network import COMPONENTS
from keras_facesr.models.face_features import ATTRIBUTES, LABELS, labels_of
from keras_facesr.tables.ssrvae import REAL_FACES
from keras_facesr.tables.trials import JUDGED, MadeFaces, Pairs
from keras_facesr.training import recipes
from keras_facesr.training.recipes.recipe import JUDGE
from keras_facesr.training.sources import masks_of
from keras_facesr.training.tasks import parsed, told

CLAIM_FACES = 100
DLIB = find_spec("dlib") is not None
ELSEWHERE = "lfw"  # the set of faces that no recipe trains on


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    for preset in map(presets.find, args.names or presets.list_models()):
        recipe = recipes.find(preset.recipe)
        first = recipe.sources[0]
        figures = MEASURES[recipe.task](recipe, args.data_dir if first.folder else args.data_dir / first.kind)
        write_text(preset.folder / "config.json", json.dumps(entry_of(preset) | {"figures": figures}, indent=2) + "\n")
        write_anew(preset)


def measure_enlargement(recipe, data_dir):
    """The protocol's report on the first source's test part, with the presets to compare; on other sources under "others".

    SAM's also has "claims". A network trained on a styleVAE's pairs is measured on faces that this has degraded, and under
    "real_faces" on real small ones; one trained on the blind chain on faces that the held-out chain has spoilt, then clean.
    """
    preset = presets.find(recipe.name)
    rivals = [
        other.name
        for other in map(presets.find, presets.list_models())
        if (other.scale, other.hr_size) == (preset.scale, preset.hr_size)
        and recipes.find(other.recipe).sources[0].data_set == recipe.sources[0].data_set
        and (recipes.find(other.recipe).degradation == ALIASED) == (recipe.degradation == ALIASED)
    ]
    rivals += [f"{recipe.name}{BLIND}"] * (recipe.model_class == "CAGFace")
    small = [{"degradation": recipe.measured_with}, *([{}] if recipe.degradation == "blind" else [])]
    first = recipe.sources[0]
    judged = JUDGED if first.framing in (None, first.kind) else {}  # sets cut to another's framing are compared by pixels only
    trials = [
        Pairs(source, preset.scale, **how, **judged.get(source.kind, {}), identity=source.kind in FRAMINGS and DLIB)
        for how in small
        for source in measured_on(recipe)
    ]
    reports = [side_by_side([report_of(rival, trial, data_dir) for rival in rivals]) for trial in trials]
    figures, *others = ({"data": at.source.data_set, "framing": at.source.framing, **it} for at, it in zip(trials, reports))
    figures |= {"others": others} if others else {}
    if recipe.stylevae:
        figures["real_faces"] = side_by_side([report_of(rival, REAL_FACES, data_dir) for rival in rivals])
    if recipe.model_class == "SAM":
        source = trials[0].source
        protocol = Protocol(preset.scale, source.size, antialias=recipe.degradation != ALIASED)
        faces = trials[0].test(source, data_dir).files[:CLAIM_FACES]
        figures["claims"] = claims(presets.load(recipe.name), [protocol.pair(read_picture(file).rgb) for file in faces])
    return figures


def measured_on(recipe):
    """The sources to measure on: the recipe's, the first without framing; with a framing also a set that was never seen."""
    first, *others = recipe.sources
    if first.framing:
        others.append(dataclasses.replace(first, kind=ELSEWHERE, folder=ELSEWHERE))
    return [dataclasses.replace(first, framing=None), *others]


@functools.cache
def report_of(name, trial, data_dir):
    """A trial's report on one preset, which is measured once for all cards."""
    model = presets.load(name.removesuffix(BLIND))
    if name.endswith(BLIND):
        model.attention = lambda lr: 0.0 * lr
    return trial.measure({name: model}, data_dir)


def side_by_side(reports):
    """The reports of one trial as one."""
    models = {name: row for report in reports for name, row in report["models"].items()}
    return {**reports[0], "models": models}


def measure_parsing(recipe, data_dir):
    """Intersection over union of each component over all pixels of the test part, also for pictures reduced four times."""
    source = recipe.sources[0]
    test = open_dataset(data_dir / source.folder, split="test", kind=source.kind)
    masks = masks_of(test, source.size)
    images = decoded(test, source.size)[0]
    model = presets.load(recipe.name)
    shares = {}
    for factor in (1, 4):
        seen = np.stack([resize(image, source.size, source.size) for image in degrade(images, factor)])
        shares[source.size // factor] = intersection_over_union(parsed(model, seen), masks, COMPONENTS)
    return {"protocol": {"iou": "over all pixels of all images"}, "images": len(masks), "iou": shares}


def measure_degradation(recipe, data_dir):
    """Fréchet distances of the small faces that each styleVAE makes from clean ones to real small ones, on test parts."""
    rivals = [name for name in presets.list_models() if presets.find(name).task == recipe.task]
    trial = MadeFaces(*recipe.sources, recipe.config.get("scale", 4), JUDGE)
    return trial.measure({name: presets.load(name) for name in rivals}, data_dir)


def measure_attributes(recipe, data_dir):
    """How well each attribute ranks the first source's test part, and the mean; for the second source, genders and ages."""
    network = presets.load(recipe.name)

    def of_test_part(source):
        """The network's predictions for a source's test part, and the truth: (N, 41) each."""
        test = open_dataset(data_dir / source.folder, split="test", kind=source.kind)
        return told(network, decoded(test, source.size)[0]), labels_of(test)

    (scores, truth), (others, of_others) = map(of_test_part, recipe.sources)
    shares = dict(zip(ATTRIBUTES, ranked_rightly(scores[:, :-1], truth[:, :-1]).tolist()))
    shares = {name: share for name, share in shares.items() if share == share}
    male, ages = LABELS.index("Male"), 100 * of_others[:, -1]
    return {
        "images": len(scores),
        "ranked_rightly": {**shares, "mean": float(np.mean(list(shares.values())))},
        "utkface": {
            "images": len(others),
            "male_ranked_rightly": float(ranked_rightly(others[:, [male]], of_others[:, [male]])[0]),
            "years_off": float(np.mean(np.abs(100 * others[:, -1] - ages))),
            "years_off_the_median": float(np.mean(np.abs(np.median(ages) - ages))),
        },
    }


def measure_reading(recipe, data_dir):
    """Share of the test part's digits that are read correctly."""
    source = recipe.sources[0]
    test = open_dataset(data_dir / source.folder, split="test", kind=source.kind)
    read = np.argmax(told(presets.load(recipe.name), test.resized(*source.shape)), axis=-1)
    return {"images": len(test), "accuracy": float(np.mean(read == test.labels))}


def claims(model, pairs):
    """PSNR and SSIM for each choice of the latent, means over the pairs (SAM, Table 2 and section 4.1)."""
    rows = {name: [] for name in ("deterministic", "ICAP mean", "best of 10", "best of 100", "REN mean (HR given)")}
    deviation = []
    for index, (lr, hr) in enumerate(pairs):
        x, y = (to_unit(image[None]) for image in (lr, hr))
        ten, hundred = (to_uint8(model.sample(x, n, seed=index))[:, 0] for n in (10, 100))
        answers = {
            "deterministic": to_uint8(model.deterministic(x)),
            "ICAP mean": to_uint8(model(x)),
            "best of 10": ten,
            "best of 100": hundred,
            "REN mean (HR given)": to_uint8(model.decode(x, model.encode_residual(x, y).mean)),
        }
        for name, images in answers.items():
            best = best_of(images, hr)
            rows[name].append([best["psnr_best"], best["ssim_best"]])
        deviation.append(hundred.astype("float32").std(axis=0).mean())
    means = {name: dict(zip(("psnr", "ssim"), np.mean(row, axis=0).tolist())) for name, row in rows.items()}
    return {"faces": len(pairs), "ways": means, "deviation": float(np.mean(deviation))}


MEASURES = {
    "super-resolution": measure_enlargement,
    "degradation": measure_degradation,
    "face parsing": measure_parsing,
    "face attributes": measure_attributes,
    "digit reading": measure_reading,
}

if __name__ == "__main__":
    main()
