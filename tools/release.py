"""Make presets of finished runs: write each one's weights, configuration, card and LiteRT file to saved_models/<name>/.

    python tools/release.py RUN_DIR [RUN_DIR ...] DATA_DIR [--machine "2 CPU cores"]

DATA_DIR is the data that the recipes name. Each preset is measured as by ``tools/measure.py``, beside those released before and
those released with it.
"""

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path

import h5py
from add_tflite import add
from card import CHANGES, card, history, write_text
from measure import MEASURES

from keras_facesr import classes, presets
from keras_facesr.data.degrade import ALIASED
from keras_facesr.data.files import written_whole
from keras_facesr.training import recipes
from keras_facesr.training.tasks import TASKS

TERMS = {
    "mnist": "CC BY-SA 3.0; so are these weights",
    "digits": "the collection states none",
}
DESCRIPTIONS = {
    "Autoencoder": "VarSR's generator without a latent, its deterministic twin",
    "CAGFace": "Component Attention Guided Face SR, small: any size, large faces in patches",
    "CAGFaceGAN": "CAGFace against a critic of patches, small: sharp faces of any size",
    "ComponentNetwork": "where hair, skin and the parts of a face are, for CAGFace",
    "DigitClassifier": "reads digits, to judge enlarged ones by",
    "EDSR": "residual network without normalisation, small, a yardstick",
    "ESRGAN": "dense residual blocks against a critic, a yardstick",
    "EnhanceNet": "residual network on the enlarged image's details, a yardstick",
    "FSRCNN": "an hourglass at the input's size, a yardstick",
    "FaceFeatures": "what faces look like, for perceptual losses and to judge enlarged faces by",
    "MRGAN": "VarSR's generator, its answers held to the truth by what they have in common, a yardstick",
    "MSRResNet": "SRResNet without normalisation, on top of bilinear interpolation, a yardstick",
    "PRSR": "one value after the other, red, green, blue, a yardstick for very few pixels",
    "RDN": "residual dense blocks, a yardstick",
    "RRDBNet": "ESRGAN's network by pixels alone, a yardstick",
    "SAM": "Stochastic Attribute Modeling, small: one answer or many",
    "SAMGAN": "SAM against a critic of its samples, small: sharper ones",
    "SRCNN": "three convolutions on the enlarged image, a yardstick",
    "SRFBN": "feedback over four steps, a yardstick",
    "SRGAN": "SRResNet against a critic, a yardstick",
    "SRResNet": "residual network by pixel loss, a yardstick",
    "SRVGGNetCompact": "plain convolutions and one pixel shuffle, for video and phones, a yardstick",
    "SSRVAE": "residual blocks that attend, the whole face first, then what is near, small",
    "StyleVAE": "spoils clean faces as real small ones are spoilt, each in a style of its own",
    "URDGN": "nearest neighbours and convolutions, a yardstick",
    "VDSR": "twenty convolutions on the enlarged image, a yardstick",
    "VarSR": "Variational Super-Resolution: many plausible answers from very few pixels",
    "WaveletSRNet": "wavelet packets at the input's size, a yardstick",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run_dirs", type=Path, nargs="+", metavar="run_dir")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--machine", default="2 CPU cores, TensorFlow")
    args = parser.parse_args()
    runs = [(run_dir, *started(run_dir)) for run_dir in args.run_dirs]  # all first, so that they are compared with each other
    for run_dir, recipe, entry in runs:
        folder = presets.CATALOGUE / recipe.name
        entry["figures"] = MEASURES[recipe.task](recipe, args.data_dir)
        write_text(folder / "config.json", json.dumps(entry, indent=2) + "\n")
        write_text(folder / "README.md", card(entry, recipe, run_dir, args.machine))
        if recipe.task == "super-resolution":
            print(f"LiteRT: {add(recipe.name)}")
        print((folder / "README.md").read_text())


def started(run_dir):
    """Write a run's weights and its preset's entry, without figures; returns the recipe and the entry."""
    trained = json.loads((run_dir / "recipe.json").read_text())
    recipe = recipes.find(trained["name"])
    recipe = dataclasses.replace(recipe, **{name: trained.get(name, getattr(recipe, name)) for name in CHANGES})
    folder = presets.CATALOGUE / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "model.weights.h5"
    released(recipe, run_dir / "model.weights.h5", weights)
    taught = recipes.find(recipe.stylevae).sources if recipe.stylevae else ()
    use = TERMS.get(recipe.sources[0].kind, "non-commercial research; so are these weights")
    entry = presets.entry(
        recipe,
        weights,
        description=DESCRIPTIONS[recipe.model_class] + told_of(recipe),
        terms=f"{presets.named(recipe.all_sources + taught)}: {use}",
    )
    entry["curve"] = curve(recipe, run_dir)
    write_text(folder / "config.json", json.dumps(entry, indent=2) + "\n")
    return recipe, entry


def curve(recipe, run_dir):
    """The training curve of a run: [images seen, score on the held-out ones] of each check, over all stages."""
    checks, before = history(run_dir), 0
    points = []
    for number, stage in enumerate(recipe.stages, 1):
        of_stage = [check for check in checks if check["stage"] == number]
        points += [[before + check["step"] * stage.batch_size, round(check[TASKS[recipe.task].score], 4)] for check in of_stage]
        before += stage.images
    return points


def told_of(recipe):
    """What a description adds if the small images are not reduced as usual."""
    if recipe.degradation == ALIASED:
        return "; for images reduced without antialiasing"
    if recipe.degradation == "blind":
        return "; for spoilt faces and clean ones"
    return "; taught by faces that styleVAE spoils" if recipe.stylevae else ""


def released(recipe, trained, target):
    """Write the weights of the network that a run has trained to ``target``, without its critic."""
    model = classes.build_model(recipe.model_class, recipe.config_without_critic)
    model.load_weights(trained)
    with written_whole(target) as temporary, tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / target.name
        model.save_weights(whole)
        halve(whole, temporary)


def halve(weights, target):
    """Copy a weights file with float16 numbers, as in its LiteRT file; a network loads them as float32."""
    with h5py.File(weights) as whole, h5py.File(target, "w") as half:

        def write(name, item):
            if isinstance(item, h5py.Dataset):
                copy = half.create_dataset(name, data=item[()].astype("float16") if item.dtype == "float32" else item[()])
            else:
                copy = half.require_group(name)
            copy.attrs.update(item.attrs)

        whole.visititems(write)


if __name__ == "__main__":
    main()
