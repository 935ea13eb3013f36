"""Write the file that LiteRT runs for released presets: model.float16.tflite beside config.json, which has its SHA-256.

    python tools/add_tflite.py [NAME...]

Without a name, for all presets that enlarge pictures. A file of ``LARGEST`` bytes or more is not kept.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from card import entry_of, write_text

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.files import written_whole

NAME = "model.float16.tflite"
LARGEST = 6_000_000


def main():
    for name in sys.argv[1:] or fsr.list_models():
        if presets.find(name).scale:
            print(f"{name}: {add(name)}")


def add(name):
    """Export a released preset into its folder and compare both; returns the result in words."""
    preset = presets.find(name)
    model = fsr.load(name)
    if model.is_autoregressive:
        return "none: no such file holds the loop in which it answers"
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / NAME
        report = fsr.export(model, exported, quantize="float16")
        content = exported.read_bytes()
    kept = len(content) < LARGEST
    (preset.folder / NAME).unlink(missing_ok=True)
    if kept:
        with written_whole(preset.folder / NAME) as temporary:
            temporary.write_bytes(content)
    entry = entry_of(preset)
    file = {"file": NAME, "sha256": hashlib.sha256(content).hexdigest(), "url": None}
    entry["exports"] = {"litert": file} if kept else {}
    write_text(preset.folder / "config.json", json.dumps(entry, indent=2) + "\n")
    fate = "written" if kept else f"not kept: over {LARGEST / 1e6:g} MB"
    return f"{len(content) / 1e6:.1f} MB, within {report['difference']:.2g} of the Keras model; {fate}"


if __name__ == "__main__":
    main()
