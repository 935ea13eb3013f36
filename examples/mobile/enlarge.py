"""Enlarge a face by a .tflite file, call by call as on a phone, with Pillow and LiteRT only, without Keras and TensorFlow.

    python enlarge.py model.tflite face.png large.png [--threads N] [--repeat N]

It takes float files, of any size or of one size, and int8 files. ``--repeat`` prints how long each call takes.
"""

import argparse
import json
import time
import zipfile
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("model", type=Path)
parser.add_argument("picture", type=Path)
parser.add_argument("out", type=Path)
parser.add_argument("--threads", type=int, default=1, metavar="N")
parser.add_argument("--repeat", type=int, default=0, metavar="N", help="invoke N times more, and print milliseconds")
args = parser.parse_args()
levels = np.asarray(Image.open(args.picture).convert("RGB"))[None]  # uint8 (1, h, w, 3)
height, width = levels.shape[1:3]
about = json.loads(zipfile.ZipFile(args.model).read("keras_facesr.json"))
multiple = about["size_multiple"]
rows, columns = (-(-max(sides) // multiple) * multiple for sides in zip((height, width), about.get("least_size", (1, 1))))
levels = np.pad(levels, ((0, 0), (0, rows - height), (0, columns - width), (0, 0)), mode="edge")  # to a size the model takes

opened = time.perf_counter()
interpreter = Interpreter(str(args.model), num_threads=args.threads)
(given,), (answered,) = interpreter.get_input_details(), interpreter.get_output_details()
if -1 in given["shape_signature"]:  # any size: set this one before memory is allocated
    interpreter.resize_tensor_input(given["index"], levels.shape, strict=True)
interpreter.allocate_tensors()

allocated = time.perf_counter()
lr = (levels ^ 128).view(np.int8) if given["dtype"] == np.int8 else levels.astype(np.float32) / 255  # int8: levels - 128
interpreter.set_tensor(given["index"], lr)
interpreter.invoke()
sr = interpreter.get_tensor(answered["index"]).astype(np.float32)
scale, zero = answered["quantization"]
sr = (sr - zero) * scale if scale else sr  # in [0, 1]
sr = sr[:, : height * about["scale"], : width * about["scale"]]
invoked = time.perf_counter()

partial = args.out.with_suffix(".partial")
Image.fromarray(np.rint(np.clip(sr[0], 0, 1) * 255).astype(np.uint8)).save(partial, "PNG")
partial.replace(args.out)
if args.repeat:
    times = []
    for _ in range(args.repeat):
        began = time.perf_counter()
        interpreter.invoke()
        times.append(time.perf_counter() - began)
    first = f"open and allocate {1e3 * (allocated - opened):.0f}, first face {1e3 * (invoked - allocated):.0f}"
    print(f"{first}, then {1e3 * np.median(times):.1f} ms (median of {args.repeat})")
