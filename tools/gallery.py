"""Make docs/gallery and docs/gallery.md: the answers of each released model to the built-in face, which anyone may publish.

    python tools/gallery.py

Run it again when a model is released. No picture of a data set may be shown there.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.files import written_whole
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.inference.built_in import demo_face, demonstrate
from keras_facesr.metrics.protocol import Protocol

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "gallery"
PAGE = """# Gallery

The face is Eileen Collins' (NASA, public domain), which comes with scikit-image; no picture of a data set is shown. One face
proves nothing: figures over many faces are in [Tables](tables.md). `python tools/gallery.py` makes this page.

## Each released model

Input, bicubic, ours, truth, as `facesr upscale --demo --model NAME -o out/` writes them. All inputs are reduced by bicubic
interpolation; degraded faces, on which some models are trained, are shown [below](#what-training-on-degraded-faces-does).

{demonstrations}

## Samples, and where they differ

`python examples/sample_faces.py --model sam_small_x16_utkface`: the most probable answer to a face of 8x8 pixels, eight
samples, and their deviation, brightest where they differ most ([Responsible use](responsible-use.md)).

![samples](gallery/samples.jpg)

`python examples/sample_faces.py --model varsr_x8_celeba`: the same by VarSR, for 8x8 pixels in which the head is smaller.

![samples of VarSR](gallery/varsr_samples.jpg)

## From one sample to another

`model.traverse(lr, steps=8, seed=0)` of `sam_small_x16_utkface`: the latent moves along a straight line.

![traversal](gallery/traversal.jpg)

## Where CAGFace looks

`python examples/attention_maps.py`: a picture, and where its hair, its skin and the parts of its face are.

![attention maps](gallery/maps.jpg)

## How real small faces are degraded

`python examples/face_in_styles.py`: the face reduced by bicubic interpolation, then degraded by `stylevae_wider` in eight
random styles.

![one face in eight styles](gallery/styles.jpg)

## What training on degraded faces does

`python examples/compare_on_small_faces.py`: the face in eight styles, enlarged by bicubic interpolation, by EDSR trained on
bicubic pairs, by EDSR trained on styleVAE's pairs, and by SSRVAE. Given a folder of your own small faces, it shows those.

![degraded faces enlarged](gallery/compared.jpg)
"""


def main():
    PICTURES.mkdir(exist_ok=True)
    shown = [preset for preset in map(presets.find, fsr.list_models()) if preset.enlarges_faces]
    for preset in shown:
        picture, _ = demonstrate(fsr.load(preset.name), preset.name, preset.demo_size, preset.framing)
        save(picture, preset.name)
    model = fsr.load("sam_small_x16_utkface")
    lr, _ = Protocol(model.scale, 128).pair(demo_face())  # uint8 (8, 8, 3)
    faces = to_uint8(np.asarray(model.traverse(to_unit(lr[None]), steps=8, seed=0)))[:, 0]
    save(Image.fromarray(np.concatenate(faces, axis=1)), "traversal")
    example("sample_faces", "samples", "--model", "sam_small_x16_utkface")
    example("sample_faces", "varsr_samples", "--model", "varsr_x8_celeba")
    example("attention_maps", "maps")
    example("face_in_styles", "styles")
    example("compare_on_small_faces", "compared")
    demonstrations = "\n\n".join(
        f"`{preset.name}`: {preset.description}.\n\n![{preset.name}](gallery/{preset.name}.jpg)" for preset in shown
    )
    (ROOT / "docs" / "gallery.md").write_text(PAGE.format(demonstrations=demonstrations), encoding="utf-8")


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
