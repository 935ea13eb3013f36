"""A face through a .tflite file, call by call as on a phone: Pillow and LiteRT, nothing of Keras or TensorFlow.

    python enlarge.py model.tflite face.png large.png [--threads N] [--repeat N]

Takes float files of any size or of one, and int8 ones. ``--repeat`` prints how long each call takes.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="invoke N times more, and print milliseconds")
    args = parser.parse_args()
    levels = np.asarray(Image.open(args.picture).convert("RGB"))[None]  # uint8 (1, h, w, 3)

    opened = time.perf_counter()
    interpreter = Interpreter(str(args.model), num_threads=args.threads)
    (given,), (answered,) = interpreter.get_input_details(), interpreter.get_output_details()
    if -1 in given["shape_signature"]:  # any size: say which, before memory is laid out for it
        interpreter.resize_tensor_input(given["index"], levels.shape, strict=True)
    interpreter.allocate_tensors()
    allocated = time.perf_counter()
    interpreter.set_tensor(given["index"], as_input(levels, given["dtype"]))
    interpreter.invoke()
    sr = as_levels(interpreter.get_tensor(answered["index"]), answered)
    invoked = time.perf_counter()

    partial = args.out.with_suffix(".partial")
    Image.fromarray(sr[0]).save(partial, "PNG")
    partial.replace(args.out)
    if args.repeat:
        milliseconds = [timed(interpreter.invoke) for _ in range(args.repeat)]
        first = f"open and allocate {1e3 * (allocated - opened):.0f}, first face {1e3 * (invoked - allocated):.0f}"
        print(f"{first}, then {np.median(milliseconds):.1f} ms (median of {args.repeat})")


def as_input(levels, dtype):
    """8-bit levels as the file takes them: float32 in [0, 1], or int8, the levels less 128."""
    if dtype == np.int8:
        return (levels.astype(np.int16) - 128).astype(np.int8)
    return levels.astype(np.float32) / 255


def as_levels(sr, details):
    """What the file gives as 8-bit levels, clipped and rounded."""
    scale, zero = details["quantization"]
    real = (sr.astype(np.float32) - zero) * scale if scale else sr
    return np.rint(np.clip(real, 0, 1) * 255).astype(np.uint8)


def timed(call):
    began = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
