"""Enlarge a face by a .tflite file, call by call as on a phone, with Pillow and LiteRT only, without Keras and TensorFlow.

    python enlarge.py model.tflite face.png large.png [--threads N] [--repeat N]

It takes float files, of any size or of one size, and int8 files. ``--repeat`` prints how long each call takes.
"""

import argparse
import json
import zipfile
from pathlib import Path
from timeit import default_timer, repeat

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
for name in ("model", "picture", "out"):
    parser.add_argument(name, type=Path)
parser.add_argument("--threads", type=int, default=1, metavar="N")
parser.add_argument("--repeat", type=int, default=0, metavar="N", help="invoke N times more, and print milliseconds")
args = parser.parse_args()
if args.out.is_dir() or not args.out.parent.is_dir():
    parser.error(f"{args.out}: is a folder, or in none; give the name of a file")
try:
    file = args.picture
    picture = ImageOps.exif_transpose(Image.open(file))  # as it is to be seen; 16 bits Pillow would make nearly all white
    picture = Image.fromarray(np.rint(np.asarray(picture) / 257).astype("uint8")) if picture.mode[:4] == "I;16" else picture
    levels = np.asarray(picture.convert("RGB"))[None]  # uint8 (1, h, w, 3)
    file, began = args.model, default_timer()
    interpreter = Interpreter(str(file), num_threads=args.threads)
    (given,), (answered,) = interpreter.get_input_details(), interpreter.get_output_details()
    about = json.loads(zipfile.ZipFile(file).read("keras_facesr.json"))
except Exception as error:  # what is no picture, or no model, can raise anything
    parser.exit(2, f"{file}: {getattr(error, 'strerror', None) or error}\n")
(height, width), multiple, scale = levels.shape[1:3], about["size_multiple"], about["scale"]
rows, columns = (-(-max(sides) // multiple) * multiple for sides in zip((height, width), about.get("least_size", (1, 1))))
levels = np.pad(levels, ((0, 0), (0, rows - height), (0, columns - width), (0, 0)), mode="edge")  # to a size the model takes
if -1 in given["shape_signature"]:  # any size: set this one before memory is allocated
    interpreter.resize_tensor_input(given["index"], levels.shape, strict=True)
elif levels.shape != tuple(given["shape"]):
    parser.error(f"{args.picture}: {width}x{height} pixels, where {args.model} takes {given['shape'][2]}x{given['shape'][1]}")
interpreter.allocate_tensors()
lr = (levels ^ 128).view(np.int8) if given["dtype"] == np.int8 else levels.astype(np.float32) / 255  # int8: levels - 128
interpreter.set_tensor(given["index"], lr)
interpreter.invoke()
step, zero = answered["quantization"]  # 0 and 0 of float files
sr = (interpreter.get_tensor(answered["index"])[0, : height * scale, : width * scale].astype(np.float32) - zero) * (step or 1)
first = default_timer() - began
partial = args.out.with_suffix(".partial")
try:
    Image.fromarray(np.rint(np.clip(sr, 0, 1) * 255).astype(np.uint8)).save(partial, "PNG")
    partial.replace(args.out)
except OSError as error:
    parser.exit(2, f"{args.out}: cannot be written ({error.strerror or error})\n")
if args.repeat > 0:
    times = repeat(interpreter.invoke, number=1, repeat=args.repeat)
    print(f"first face {1e3 * first:.0f} ms, then {1e3 * np.median(times):.1f} ms (median of {args.repeat})")
