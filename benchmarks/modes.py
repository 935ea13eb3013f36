"""How much the best of n samples can gain, by the number of directions in which samples vary.

    python benchmarks/modes.py DATA_DIR [--models NAME,...] [--train N] [--limit N]

The bound of an oracle, for latents that do not depend on the small face. The errors of the deterministic answers to training
faces have principal directions. Samples are Gaussian along the first K of them, with the deviation of the errors times the
temperature that gains most. The best of n is chosen by comparing with the truth, on test faces. DATA_DIR is a data set with a
training and a test part, such as UTKFace.
"""

import argparse

import numpy as np

import keras_facesr as fsr
from keras_facesr import presets
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset, spread
from keras_facesr.data.degrade import degrade
from keras_facesr.data.images import to_unit

BATCH, DRAWS = 50, (10, 100)
DIRECTIONS = (1, 4, 8, 16, 64)
TEMPERATURES = (0.2, 0.3, 0.5, 0.7, 1.0)


def errors(model, hr):
    """Truth minus the deterministic answer, for uint8 (N, H, W, 3): float32 (N, H * W * 3) in units of [0, 1].

    SAM's is f(x, 0), that of other models the most probable one.
    """
    answer = getattr(model, "deterministic", model)
    parts = [hr[start : start + BATCH] for start in range(0, len(hr), BATCH)]
    found = [to_unit(part) - np.asarray(answer(to_unit(degrade(part, model.scale)))) for part in parts]
    return np.concatenate(found).reshape(len(hr), -1)


def principal(rows, count):
    """The first ``count`` principal directions of rows (N, D) about zero, (D, count), and the rows' deviations along them."""
    weights, vectors = np.linalg.eigh(rows @ rows.T)
    weights, vectors = weights[::-1][:count], vectors[:, ::-1][:, :count]
    return rows.T @ vectors / np.sqrt(weights), np.sqrt(weights / len(rows))


def gain_of_best(energy, along, deviations, n, seed=0):
    """Mean gain in dB of the best of n samples, for errors of ``energy`` (N,), with ``along`` (N, K) in the directions."""
    drawn = np.random.default_rng(seed).normal(size=(len(along), n, along.shape[1])) * deviations
    left = energy[:, None] - np.sum(along**2, axis=1)[:, None] + np.sum((along[:, None] - drawn) ** 2, axis=-1)
    return float(np.mean(10 * np.log10(energy / left.min(axis=1))))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data_dir")
    parser.add_argument("--models", default="sam_small_x8,sam_small_x16")
    parser.add_argument("--train", type=int, default=1500, help="faces that give the directions (default: %(default)s)")
    parser.add_argument("--limit", type=int, default=300, help="test faces (default: %(default)s)")
    args = parser.parse_args()
    sets = [spread(open_dataset(args.data_dir, split=part), n) for part, n in (("train", args.train), ("test", args.limit))]
    print("| model | directions | energy in them | " + " | ".join(f"best of {n}, dB" for n in DRAWS) + " |")
    print("|---|---|---|" + "---|" * len(DRAWS))
    for name in args.models.split(","):
        model = fsr.load(name)
        train, test = (decoded(faces, presets.find(name).hr_size)[0] for faces in sets)
        directions, deviations = principal(errors(model, train), max(DIRECTIONS))
        of_test = errors(model, test)
        energy, along = np.sum(of_test**2, axis=1), of_test @ directions
        for count in DIRECTIONS:
            part, spread_along = along[:, :count], deviations[:count]
            gains = [max(gain_of_best(energy, part, t * spread_along, n) for t in TEMPERATURES) for n in DRAWS]
            share = np.sum(part**2) / np.sum(energy)
            print(f"| {name} | {count} | {share:.1%} | " + " | ".join(f"{gain:+.2f}" for gain in gains) + " |")


if __name__ == "__main__":
    main()
