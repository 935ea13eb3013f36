"""Make docs/gallery and docs/gallery.md: the answers of the released models to the built-in face, which anyone may publish.

    python tools/gallery.py

Run it again when a model is released. No picture of a data set may be shown there.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr import presets, yardsticks
from keras_facesr.data.files import written_whole
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.inference.built_in import DEMO_FRAMES, demo_face
from keras_facesr.inference.methods import KerasDegradation
from keras_facesr.metrics.protocol import Protocol
from keras_facesr.photos.restore import load_fastest

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "gallery"
ABREAST = 3  # models on a sheet, which is then legible on the page
DEGRADED = ("edsr_small_x4_bicubic", "edsr_small_x4_style", "ssrvae_x4")
PAGE = """# Gallery

The face is Eileen Collins' (NASA, public domain), which comes with scikit-image; no picture of a data set is shown. One face
proves nothing: figures over many faces are in [Tables](tables.md). `python tools/gallery.py` makes this page.

## The released models side by side

Sheets as `facesr compare` writes them ([how](models.md#side-by-side)): models that enlarge the same small face stand beside
each other. All inputs are reduced by bicubic interpolation; degraded faces, on which some models are trained, are shown
[below](#what-training-on-degraded-faces-does).

{sheets}

## Samples, and where they differ

`python examples/sample_faces.py --model sam_small_x16`: the most probable answer to a face of 8x8 pixels, eight
samples, and their deviation, brightest where they differ most ([Responsible use](responsible-use.md)).

![samples](gallery/samples.jpg)

`python examples/sample_faces.py --model varsr_gan_small_x8`: the same by VarSR against a critic, for 8x8 pixels in which the
head is smaller.

![samples of VarSR](gallery/varsr_samples.jpg)

## From one sample to another

`model.traverse(lr, steps=8, seed=0)` of `sam_small_x16`: the latent moves along a straight line.

![traversal](gallery/traversal.jpg)

## Where CAGFace looks

`python examples/attention_maps.py`: a picture, and where its hair, its skin and the parts of its face are.

![attention maps](gallery/maps.jpg)

## How real small faces are degraded

`python examples/face_in_styles.py`: the face reduced by bicubic interpolation, then degraded by `stylevae_wider` in eight
random styles.

![one face in eight styles](gallery/styles.jpg)

## What training on degraded faces does

The face degraded by `stylevae_wider` in two styles, enlarged by EDSR trained on bicubic pairs, by EDSR trained on styleVAE's
pairs, and by SSRVAE. With a face of your own: `facesr compare face.png --truth --degradation style --model
edsr_small_x4_bicubic,edsr_small_x4_style,ssrvae_x4 -o sheet.png`.

![degraded faces enlarged](gallery/compared.jpg)
"""


def main():
    PICTURES.mkdir(exist_ok=True)
    sheets = [section for setting, group in alike().items() for section in sections(group, *setting)]
    model = fsr.load("sam_small_x16")
    lr, _ = Protocol(model.scale, 128).pair(demo_face())  # uint8 (8, 8, 3)
    faces = to_uint8(np.asarray(model.traverse(to_unit(lr[None]), steps=8, seed=0)))[:, 0]
    save(Image.fromarray(np.concatenate(faces, axis=1)), "traversal")
    example("sample_faces", "samples", "--model", "sam_small_x16")
    example("sample_faces", "varsr_samples", "--model", "varsr_gan_small_x8")
    example("attention_maps", "maps")
    example("face_in_styles", "styles")
    styles = KerasDegradation("style", fsr.load("stylevae_wider"))
    save(side_by_side(DEGRADED, [demo_face("celeba")] * 2, 64, styles), "compared")
    (ROOT / "docs" / "gallery.md").write_text(PAGE.format(sheets="\n\n".join(sheets)), encoding="utf-8")


def alike():
    """The released presets that enlarge the same small face, yardsticks last, by the true one's side and framing, and scale."""
    groups = {}
    for preset in sorted(map(presets.find, fsr.list_models()), key=lambda preset: preset.name in yardsticks.NAMES):
        if preset.enlarges_faces:
            framing = preset.framing if preset.framing in DEMO_FRAMES else "utkface"
            groups.setdefault((preset.demo_size, framing, preset.scale), []).append(preset)
    return groups


def sections(group, side, framing, scale):
    """Save the sheets of presets that are alike, and yield a section of the page for each."""
    whole = framing == "celeba"
    yield f"### {side // scale} to {side} pixels{', the whole head' * whole}"
    sheets = -(-len(group) // ABREAST)
    for number in range(sheets):  # as many models on each, or one more
        first, end = (len(group) * edge // sheets for edge in (number, number + 1))
        shown, name = group[first:end], f"{side // scale}_to_{side}{'_head' * whole}_{number + 1}"
        save(side_by_side([preset.name for preset in shown], demo_face(framing), side), name)
        yield "\n".join(f"- [`{p.name}`](../saved_models/{p.name}/README.md): {p.description}" for p in shown)
        yield f"![{', '.join(preset.name for preset in shown)}](gallery/{name}.jpg)"


def side_by_side(names, faces, side, degradation=None):
    """The sheet (PIL) of released models, as ``facesr compare`` runs them, on true faces of ``side`` pixels."""
    models = {name: load_fastest(name) for name in names}
    protocol = Protocol(presets.find(names[0]).scale, side)
    return Image.fromarray(fsr.compare(faces, models, protocol, degradation).pixels)


def example(name, picture, *arguments):
    """Run an example and save the picture that it writes in the gallery."""
    png = PICTURES / f"{picture}.png"
    subprocess.run([sys.executable, ROOT / "examples" / f"{name}.py", *arguments, "-o", png], check=True)
    save(Image.open(png), picture)
    png.unlink()


def save(picture, name):
    with written_whole(PICTURES / f"{name}.jpg") as temporary:
        picture.convert("RGB").save(temporary, "JPEG", quality=88, optimize=True)


if __name__ == "__main__":
    main()
