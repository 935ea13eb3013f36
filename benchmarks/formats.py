"""Every released model in every format: the size of the files, and how near their answers are to the Keras model's.

    python benchmarks/formats.py [--model 'sam*'] [--write docs/formats.md]

Each file is written to a temporary folder and compared with the Keras model there (``keras_facesr.export``). The exit code is
1 if a file could not be written and ``EXCLUDED`` gives no reason for it.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.degrade import centre_square, resize
from keras_facesr.data.files import written_whole
from keras_facesr.errors import ExportFailed
from keras_facesr.inference.built_in import demo_face

# Column -> arguments of `export`; int8 also gets a fixed size and calibration faces.
FORMATS = {
    "SavedModel": {"format": "savedmodel"},
    "TFLite": {"format": "tflite"},
    "float16": {"format": "tflite", "quantize": "float16"},
    "int8": {"format": "tflite", "quantize": "int8"},
    "ONNX": {"format": "onnx"},
    "TFLite sampler": {"format": "tflite", "sampler": True},
    "ONNX sampler": {"format": "onnx", "sampler": True},
}
EXCLUDED = {  # (preset, column) -> why
    ("srcnn_x8_utkface", "int8"): "none: 8 bits cost it too much, 37.9 dB where 38 are wanted",
    ("sam_small_x8", "int8"): "none: XNNPACK, LiteRT's kernels, refuses it",
    ("sam_small_x8_celeba", "int8"): "none: XNNPACK, LiteRT's kernels, refuses it",
}
CALIBRATION_FACES = 64
USUAL_SIDE = 32  # side in pixels of the faces that a model of any size is calibrated on


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="*", metavar="PATTERN")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to this Markdown file")
    args = parser.parse_args()
    rows, unforeseen = {}, []
    names = [name for name in fsr.list_models(args.model) if presets.find(name).task == "super-resolution"]
    for name in names:
        rows[name] = {}
        for column in FORMATS:
            rows[name][column] = cell = outcome(name, column)
            print(f"{name}, {column}: {cell}", flush=True)
            if cell.startswith("refused"):
                unforeseen.append((name, column))
    if args.write:
        with written_whole(args.write) as temporary:
            temporary.write_text(document(rows, args.model), encoding="utf-8")
    return 1 if unforeseen else 0


def outcome(name, column):
    """The text of a table's cell: size and difference, "-" if the format does not apply, or why there is no file."""
    preset = presets.find(name)
    model = fsr.load(name)
    how = dict(FORMATS[column])
    if how.get("sampler") and not model.is_stochastic:
        return "-"
    if (name, column) in EXCLUDED:
        return EXCLUDED[name, column]
    if how.get("quantize") == "int8" and not preset.enlarges_faces:
        return "none: what it is calibrated with are faces"
    if how.get("quantize") == "int8":
        side = preset.hr_size // preset.scale if preset.hr_size else USUAL_SIDE
        how |= {"size": (side, side), "calibration": calibration(side)}
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = fsr.export(model, Path(folder) / "file", **how)
        except ExportFailed as error:
            return f"refused: {str(error).partition(': ')[2]}"
    near = f"{report['psnr']:.1f} dB" if "psnr" in report else f"{report['difference']:.1g}"
    return f"{report['bytes'] / 1e6:.2f} MB, {near}"


def calibration(side):
    """The built-in face, cut, mirrored and lit at random: uint8 (CALIBRATION_FACES, side, side, 3)."""
    chance = np.random.default_rng(0)
    face = centre_square(demo_face())
    faces = []
    for _ in range(CALIBRATION_FACES):
        width = chance.integers(len(face) * 3 // 4, len(face) + 1)
        top, left = chance.integers(len(face) - width + 1, size=2)
        lit = np.clip(face[top : top + width, left : left + width] * chance.uniform(0.5, 1.3), 0, 255).astype(np.uint8)
        faces.append(resize(lit[:, :: chance.choice([1, -1])], side, side))
    return np.stack(faces)


def document(rows, pattern):
    """The table in Markdown."""
    of = "" if pattern == "*" else f" --model '{pattern}'"
    lines = [f"| `{name}` | " + " | ".join(cells.values()) + " |" for name, cells in rows.items()]
    return "\n".join(
        [
            "# Every model in every format",
            "",
            f"`python benchmarks/formats.py{of} --write FILE`. Size of the file, and the largest difference from the Keras",
            "model of values in [0, 1] on a face; of int8, the PSNR against it. A SavedModel gives 8 bits, so one level",
            "(0.004) may differ; samplers are compared for the same noise.",
            "",
            "| model | " + " | ".join(FORMATS) + " |",
            "|---" * (len(FORMATS) + 1) + "|",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
