"""Enlarge every picture of a folder, and name those that could not be read.

    python examples/enlarge_folder.py FACES_DIR [--model sam] [-o large]

`facesr upscale FACES_DIR -o large` does the same and has more options. Both keep the tree of the folder.
"""

import argparse
import sys
from pathlib import Path

import keras_facesr as fsr
from keras_facesr.data.datasets import folder
from keras_facesr.data.files import place_for
from keras_facesr.data.images import read_picture, write_png
from keras_facesr.errors import end_in_a_line
from keras_facesr.inference import enlarge_picture

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("faces")
parser.add_argument("--model", default="sam")
parser.add_argument("-o", "--out", type=Path, default="large")
args = parser.parse_args()
end_in_a_line()

files = folder(args.faces).files
place_for(args.out / "an answer", "")
model = fsr.load(args.model)
failed = 0
for file in files:
    try:
        picture = read_picture(file)
        pixels = enlarge_picture(model, picture)  # gray stays gray, transparency is kept
        relative = str(file.relative_to(args.faces)).removesuffix(".png")  # a.jpg may lie beside a.png
        target = args.out / f"{relative}.png"
        print(write_png(target, pixels, source=picture))  # refuses to overwrite
    except fsr.FacesrError as error:
        print(error, file=sys.stderr)
        failed += 1
sys.exit(1 if failed else 0)
