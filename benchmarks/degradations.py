"""What the blind chains cost, and what they do to light and to the bicubic row.

    python benchmarks/degradations.py DATA_DIR [--size 256] [--limit 125]

DATA_DIR is a set or a folder of faces, of which the training part is spoilt, face k with seed k. Seconds are of the processor,
so that what else runs on the machine changes little.
"""

import argparse
import time

import numpy as np

from keras_facesr.data.blind import CHAINS, Blind, blind
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset, spread
from keras_facesr.data.degrade import degrade, resize
from keras_facesr.metrics.fidelity import light_kept, psnr

SCALE, PATCH = 4, 32  # LR pixels a side


def patches_per_second(hr, chain, count=300):
    """Of the patches that a training cuts, by one core."""
    chance, places = np.random.default_rng(0), len(hr[0]) // SCALE - PATCH + 1
    started = time.process_time()
    for k in range(count):
        blind(hr[k % len(hr)], SCALE, chance, chain, (*chance.integers(places, size=2), PATCH, PATCH))
    return count / (time.process_time() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", metavar="DATA_DIR")
    parser.add_argument("--size", type=int, default=256, help="side of the true faces in pixels, at least 128")
    parser.add_argument("--limit", type=int, default=125, metavar="N", help="so many faces, spread over the set")
    args = parser.parse_args()
    hr, _ = decoded(spread(open_dataset(args.data, split="train"), args.limit), args.size)
    clean = degrade(hr, SCALE)
    enlarged = lambda lr: np.mean([psnr(resize(image, *face.shape[:2]), face) for image, face in zip(lr, hr)])  # noqa: E731
    print(f"{len(hr)} faces of {args.size} pixels; bicubic on clean pairs {enlarged(clean):.2f} dB")
    print("| chain | patches/s | whole faces/s | bicubic, dB | all colours moved, levels | most of a face | light kept |")
    print("|---|---|---|---|---|---|---|")
    for name, chain in CHAINS.items():
        started = time.process_time()
        lr = Blind(name, SCALE).reduce(hr, range(len(hr)))
        speed = len(hr) / (time.process_time() - started)
        kept = [light_kept(*pair) for pair in zip(lr, clean)]
        moved = np.abs(lr.mean((0, 1, 2)) - clean.mean((0, 1, 2))).max()
        most, share = max(row["cast"] for row in kept), np.mean([row["light_kept"] for row in kept])
        speeds = f"{patches_per_second(hr, chain):.0f} | {speed:.0f}"
        print(f"| `{name}` | {speeds} | {enlarged(lr):.2f} | {moved:.2f} | {most:.2f} | {share:.0%} |")


if __name__ == "__main__":
    main()
