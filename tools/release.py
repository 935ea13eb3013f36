"""Make a preset of a finished run: measure it, and write saved_models/<name>/ with its weights, configuration and card.

    python tools/release.py RUN_DIR DATA_DIR [--machine "2 CPU cores"]

DATA_DIR is the data set that the recipe names; its test part is measured, beside every preset already released for the
same scale and data.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from keras_facesr import presets, recipes
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.images import read_picture, to_uint8, written_whole
from keras_facesr.inference import KerasMethod
from keras_facesr.metrics.fidelity import psnr, ssim
from keras_facesr.metrics.protocol import Protocol, evaluate

TERMS = {"utkface": "UTKFace: non-commercial research; so are these weights"}
DESCRIPTIONS = {
    "SAM": "Stochastic Attribute Modeling, small: one answer or many",
    "SRCNN": "three convolutions on the enlarged image, a yardstick",
    "SRResNet": "residual network by pixel loss, small, a yardstick",
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
    entry = {
        "name": recipe.name,
        "class": recipe.model_class,
        "task": recipe.task,
        "config": config,
        "scale": model.scale,
        "hr_size": recipe.sources[0].size,
        "parameters": model.count_params(),
        "weights": {"file": weights.name, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "url": None},
        "description": DESCRIPTIONS[recipe.model_class],
        "data": f"{recipe.sources[0].kind}, training part",
        "terms": TERMS[recipe.sources[0].kind],
        "recipe": recipe.name,
        "figures": {},
    }
    write_text(folder / "config.json", json.dumps(entry, indent=2) + "\n")
    entry["figures"] = measure(recipe.name, args.data_dir)
    write_text(folder / "config.json", json.dumps(entry, indent=2) + "\n")
    write_text(folder / "README.md", card(entry, recipe, args))
    print((folder / "README.md").read_text())


def measure(name, data_dir):
    """The protocol's figures on the test part, with those of the rivals, and SAM's claims for stochastic models."""
    preset = presets.find(name)
    files = open_dataset(data_dir, split="test").files
    pictures = [read_picture(file).rgb for file in files]
    rivals = [
        other.name
        for other in map(presets.find, presets.list_models())
        if (other.scale, other.hr_size, other.data) == (preset.scale, preset.hr_size, preset.data)
    ]
    methods = {rival: KerasMethod(presets.load(rival)) for rival in rivals}
    protocol = Protocol(preset.scale, preset.hr_size)
    figures = evaluate(methods, pictures, protocol)
    if methods[name].is_stochastic:
        figures["claims"] = claims(methods[name].model, [protocol.pair(rgb) for rgb in pictures[:CLAIM_FACES]])
    return figures


def claims(model, pairs):
    """PSNR and SSIM of each way to choose the latent, means over the pairs (SAM, Table 2 and section 4.1)."""
    rows = {name: [] for name in ("deterministic", "ICAP mean", "best of 10", "best of 100", "REN mean (HR given)")}
    deviation = []
    for index, (lr, hr) in enumerate(pairs):
        x, y = (image[None].astype("float32") / 255 for image in (lr, hr))
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
    rows = "\n".join(
        f"| {method} | {row['psnr']:.2f} | {row['psnr'] - figures['models']['bicubic']['psnr']:+.2f} | {row['ssim']:.4f} |"
        for method, row in figures["models"].items()
    )
    protocol = figures["protocol"]
    steps = "\n".join(
        f"| {number} | {stage.phase if stage.phase is not None else '-'} | {stage.steps:,} | {stage.batch_size} | "
        f"{stage.augmentation or '-'} | {stage.optimizer}, peak {stage.learning_rate:g}, cosine | {spent:.0f} | {best:.2f} |"
        for number, stage in enumerate(recipe.stages, 1)
        for spent, best in [progress(args.run_dir, number)]
    )
    images = sum(stage.steps * stage.batch_size for stage in recipe.stages)
    return f"""# {name}

{entry["description"]}. x{entry["scale"]}, faces of {entry["hr_size"] // entry["scale"]} to {entry["hr_size"]} px, \
{entry["parameters"]:,} parameters, class `{entry["class"]}`.

```python
import keras_facesr as fsr
sr = fsr.load("{name}").upscale("face.png")
```

## Figures

{figures["images"]} faces of the test part, never trained on. `facesr evaluate DATA_DIR --model {name}`; \
{protocol["colour"]}, {protocol["degradation"]}, {protocol["rounding"]}; SSIM {protocol["ssim"]}; {protocol["average"]}.

| method | PSNR, dB | gain, dB | SSIM |
|---|---|---|---|
{rows}
{claims_section(figures)}
## Training

`facesr train {name} DATA_DIR --out RUN_DIR`, seed {recipe.seed}, on {args.machine}. Data: {entry["data"]}, \
{recipe.validation_images} images of it held out to choose the best weights. {images:,} images seen in all.

| stage | phase | steps | batch | augmentation | optimiser | minutes | held-out images, best PSNR, dB |
|---|---|---|---|---|---|---|---|
{steps}

Constructor: `{json.dumps(entry["config"])}`

## Limits

Trained on aligned, frontal-to-moderately-turned faces reduced by antialiased bicubic interpolation; other degradations \
and framings give less. Detail is invented: the person's identity may change, so the output is no evidence of who \
someone is and must not be used to identify people. The set's biases of age, gender and origin are the model's.

## Terms

{entry["terms"]}. Code: Apache-2.0.
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


def progress(run_dir, stage):
    """Minutes of a stage in training steps, validation left out, and its best PSNR on the held-out images."""
    rows = [json.loads(line) for line in (run_dir / "history.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["stage"] == stage]
    how = json.loads((run_dir / "recipe.json").read_text())["stages"][stage - 1]
    seconds = sum(how["check_every"] * how["batch_size"] / row["images_per_second"] for row in rows)
    return seconds / 60, max(row["val_psnr"] for row in rows)


def write_text(path, text):
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
