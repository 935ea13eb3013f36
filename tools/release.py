"""Make a preset of a finished run: measure it, write its weights, configuration, card and LiteRT file to saved_models/<name>/.

    python tools/release.py RUN_DIR DATA_DIR [--machine "2 CPU cores"]

DATA_DIR is the data that the recipe names; the test part of each of its sources is measured, beside every preset already
released for the same scale and data.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from add_tflite import add

from keras_facesr import presets, recipes
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.degrade import degrade, resize
from keras_facesr.data.images import read_picture, to_uint8, to_unit, written_whole
from keras_facesr.inference import KerasMethod
from keras_facesr.metrics.fidelity import psnr, ssim
from keras_facesr.metrics.parsing import intersection_over_union
from keras_facesr.metrics.protocol import Protocol, evaluate
from keras_facesr.models.component_network import COMPONENTS
from keras_facesr.tasks import TASKS, masks_of, parsed

DATA = {
    "utkface": "UTKFace",
    "celebamask": "CelebAMask-HQ",
    "folder": "faces of at least 512 px from a collection for non-commercial research",
}
DESCRIPTIONS = {
    "CAGFace": "Component Attention Guided Face SR, small: any size, large faces in patches",
    "ComponentNetwork": "where hair, skin and the parts of a face are, for CAGFace",
    "EDSR": "residual network without normalisation, small, a yardstick",
    "SAM": "Stochastic Attribute Modeling, small: one answer or many",
    "SRCNN": "three convolutions on the enlarged image, a yardstick",
    "SRResNet": "residual network by pixel loss, small, a yardstick",
}
SCORES = {"val_psnr": "PSNR, dB", "val_iou": "mean IoU"}
LIMITS = {
    "super-resolution": """Trained on aligned, frontal-to-moderately-turned faces reduced by antialiased bicubic \
interpolation; other degradations and framings give less. Detail is invented: the person's identity may change, so the \
output is no evidence of who someone is and must not be used to identify people. The set's biases of age, gender and origin \
are the model's.""",
    "face parsing": """Trained on aligned, frontal-to-moderately-turned faces that fill the picture. What is small or \
rare in the set (glasses, hats, jewellery) is told apart badly. The set's biases of age, gender and origin are the \
network's.""",
}
CLAIM_FACES, CLAIM_SAMPLES = 100, 100


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--machine", default="2 CPU cores, TensorFlow")
    args = parser.parse_args()
    recipe = recipes.find(json.loads((args.run_dir / "recipe.json").read_text())["name"])
    folder = presets.CATALOGUE / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "model.weights.h5"
    with written_whole(weights) as temporary:
        temporary.write_bytes((args.run_dir / "model.weights.h5").read_bytes())
    model = recipe.model()
    model.load_weights(weights)
    config = {name: value for name, value in model.get_config().items() if name not in ("name", "trainable", "dtype")}
    enlarges = recipe.task == "super-resolution"
    sets = " and ".join(DATA[source.kind] for source in recipe.sources)
    entry = {
        "name": recipe.name,
        "class": recipe.model_class,
        "task": recipe.task,
        "config": config,
        "scale": model.scale if enlarges else None,
        "hr_size": recipe.sources[0].size if enlarges and not recipe.crop else None,
        "parameters": model.count_params(),
        "weights": {"file": weights.name, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "url": None},
        "description": DESCRIPTIONS[recipe.model_class],
        "data": f"{sets}, training part",
        "terms": f"{sets}: non-commercial research; so are these weights",
        "recipe": recipe.name,
        "figures": {},
    }
    write_text(folder / "config.json", json.dumps(entry, indent=2) + "\n")
    measure = measure_enlargement if enlarges else measure_parsing
    entry["figures"] = measure(recipe, args.data_dir)
    write_text(folder / "config.json", json.dumps(entry, indent=2) + "\n")
    write_text(folder / "README.md", card(entry, recipe, args))
    if enlarges:
        print(f"LiteRT: {add(recipe.name)}")
    print((folder / "README.md").read_text())


def measure_enlargement(recipe, data_dir):
    """The protocol's report on the first source's test part, with those of the rivals; on the others', under "others".

    "claims" has SAM's, for stochastic models.
    """
    preset = presets.find(recipe.name)
    rivals = [
        other.name
        for other in map(presets.find, presets.list_models())
        if (other.scale, other.hr_size, other.data) == (preset.scale, preset.hr_size, preset.data)
    ]
    methods = {rival: KerasMethod(presets.load(rival)) for rival in rivals}
    if recipe.model_class == "CAGFace":
        methods[f"{recipe.name}, maps set to zero"] = KerasMethod(without_maps(presets.load(recipe.name)))
    reports = []
    for source in recipe.sources:
        protocol = Protocol(preset.scale, source.size)
        files = open_dataset(data_dir / source.folder, split="test", kind=source.kind).files
        reports.append(evaluate(methods, (read_picture(file).rgb for file in files), protocol))
    figures = {**reports[0], "others": reports[1:]} if reports[1:] else reports[0]
    if methods[recipe.name].is_stochastic:
        pairs = [protocol.pair(read_picture(file).rgb) for file in files[:CLAIM_FACES]]
        figures["claims"] = claims(methods[recipe.name].model, pairs)
    return figures


def without_maps(model):
    """The model, blind to the components: the ablation of its attention."""
    model.attention = lambda lr: 0.0 * lr
    return model


def measure_parsing(recipe, data_dir):
    """Intersection over union of each component over all pixels of the test part, and of pictures reduced four times."""
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


def claims(model, pairs):
    """PSNR and SSIM of each way to choose the latent, means over the pairs (SAM, Table 2 and section 4.1)."""
    rows = {name: [] for name in ("deterministic", "ICAP mean", "best of 10", "best of 100", "REN mean (HR given)")}
    deviation = []
    for index, (lr, hr) in enumerate(pairs):
        x, y = (to_unit(image[None]) for image in (lr, hr))
        sampled = to_uint8(model.sample(x, CLAIM_SAMPLES, seed=index))[:, 0]
        answers = {
            "deterministic": to_uint8(model.deterministic(x)),
            "ICAP mean": to_uint8(model(x)),
            "best of 10": sampled[:10],
            "best of 100": sampled,
            "REN mean (HR given)": to_uint8(model.decode(x, model.encode_residual(x, y).mean)),
        }
        for name, images in answers.items():
            rows[name].append((max(psnr(image, hr) for image in images), max(ssim(image, hr) for image in images)))
        deviation.append(sampled.astype("float32").std(axis=0).mean())
    means = {name: dict(zip(("psnr", "ssim"), np.mean(row, axis=0).tolist())) for name, row in rows.items()}
    return {"faces": len(pairs), "ways": means, "deviation": float(np.mean(deviation))}


def card(entry, recipe, args):
    """The model card in Markdown."""
    figures, name = entry["figures"], entry["name"]
    if entry["scale"] is None:
        what, figures_section, use = entry["task"], parsing_section(figures), f'maps = fsr.load("{name}").maps(images)'
    else:
        size = f"faces of {entry['hr_size'] // entry['scale']} to {entry['hr_size']} px" if entry["hr_size"] else "any size"
        what, use = f"x{entry['scale']}, {size}", f'sr = fsr.load("{name}").upscale("face.png")'
        sides = [source.size for source in recipe.sources]
        reports = zip(sides, [figures, *figures.get("others", [])])
        figures_section = "\n".join(enlargement_section(name, side, report) for side, report in reports)
    images = sum(stage.steps * stage.batch_size for stage in recipe.stages)
    patches = f", in patches of {recipe.crop} px" if recipe.crop else ""
    return f"""# {name}

{entry["description"]}. {what[0].upper() + what[1:]}, {entry["parameters"]:,} parameters, class `{entry["class"]}`.

```python
import keras_facesr as fsr
{use}
```

## Figures

{figures_section}{claims_section(figures)}
## Training

`facesr train {name} DATA_DIR --out RUN_DIR`, seed {recipe.seed}, on {args.machine}. Data: {entry["data"]}{patches}; \
{recipe.validation_images} images held out to choose the best weights. {images:,} images seen in all.

{training_table(recipe, args.run_dir)}

Constructor: `{json.dumps(entry["config"])}`

## Limits

{LIMITS[entry["task"]]}

## Terms

{entry["terms"]}. Code: Apache-2.0.
"""


def enlargement_section(name, side, report):
    """The figures of every method on the test part of one source, as a table."""
    protocol, bicubic = report["protocol"], report["models"]["bicubic"]
    size = "" if protocol["hr_size"] == presets.find(name).hr_size else f" --hr-size {side}"
    with_ms_ssim = "ms_ssim" in bicubic
    rows = "\n".join(
        f"| {method} | {row['psnr']:.2f} | {row['psnr'] - bicubic['psnr']:+.2f} | {row['ssim']:.4f} |"
        + (f" {row['ms_ssim']:.4f} |" if with_ms_ssim else "")
        for method, row in report["models"].items()
    )
    return f"""{report["images"]} faces of the test part, never trained on, {side // protocol["scale"]} to {side} px. \
`facesr evaluate DATA_DIR --model {name}{size}`; {protocol["colour"]}, {protocol["degradation"]}, \
{protocol["rounding"]}; SSIM {protocol["ssim"]}; {protocol["average"]}.

| method | PSNR, dB | gain, dB | SSIM |{" MS-SSIM |" if with_ms_ssim else ""}
|---|---|---|---|{"---|" if with_ms_ssim else ""}
{rows}
"""


def parsing_section(figures):
    """Intersection over union by component, of test images and of what is left of them at a quarter of the size."""
    rows = "\n".join(
        f"| {size} px | " + " | ".join(f"{share:.3f}" for share in shares.values()) + " |"
        for size, shares in figures["iou"].items()
    )
    return f"""Intersection over union on {figures["images"]} pictures of the test part, never trained on, \
{figures["protocol"]["iou"]}; measured by `python tools/release.py`. Smaller pictures are enlarged to the network's size first.

| pictures of | {" | ".join(COMPONENTS)} |
|---|{"---|" * len(COMPONENTS)}
{rows}
"""


def claims_section(figures):
    if "claims" not in figures:
        return ""
    found = figures["claims"]
    rows = "\n".join(f"| {way} | {row['psnr']:.3f} | {row['ssim']:.4f} |" for way, row in found["ways"].items())
    return f"""
### Which latent

The first {found["faces"]} test faces; measured by `python tools/release.py`. "Best" is chosen with the truth at hand. \
The samples' standard deviation is {found["deviation"]:.2f} of 255 levels, mean over pixels.

| latent | PSNR, dB | SSIM |
|---|---|---|
{rows}
"""


def training_table(recipe, run_dir):
    """The stages, what each took in training steps, validation left out, and its best score on the held-out images."""
    history = [json.loads(line) for line in (run_dir / "history.jsonl").read_text().splitlines()]
    score = TASKS[recipe.task].score
    rows = []
    for number, stage in enumerate(recipe.stages, 1):
        checks = [check for check in history if check["stage"] == number]
        images = stage.check_every * stage.batch_size  # between two checks
        minutes = sum(images / check["images_per_second"] for check in checks) / 60
        best = max(check[score] for check in checks)
        rows.append(
            f"| {number} | {'-' if stage.phase is None else stage.phase} | {stage.steps:,} | {stage.batch_size} "
            f"| {stage.augmentation or '-'} | {stage.optimizer}, peak {stage.learning_rate:g}, cosine | {minutes:.0f} "
            f"| {best:.4g} |"
        )
    headings = "stage", "phase", "steps", "batch", "augmentation", "optimiser", "minutes", f"held-out best {SCORES[score]}"
    return "\n".join([f"| {' | '.join(headings)} |", "|---" * len(headings) + "|", *rows])


def write_text(path, text):
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
