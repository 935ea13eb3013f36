"""How the two distances of sets respond to known differences: in how faces were made, and in whom they show.

    python benchmarks/distances.py DATA_DIR

DATA_DIR is that of styleVAE's recipes (`training/recipes/ssrvae.py`). Real small faces of the training part are compared with
other real ones, and with clean ones that are reduced and then changed. A distance that judges degradations must be small for
clean faces that were given the means and the detail of real ones, and must depend little on where the eyes are.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from keras_facesr import presets
from keras_facesr.data.degrade import degrade
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.inference.methods import KerasJudge
from keras_facesr.metrics.perceptual import SeenSet, impressions
from keras_facesr.training.recipes.recipe import JUDGE
from keras_facesr.training.recipes.ssrvae import CLEAN, REAL
from keras_facesr.training.sources import images_of

FACES = 600  # of each kind, or as many as there are
SIGMAS = 0.7, 1.4, 2.8  # pixels, between one scale of detail and the next


def blurred(images, sigma):
    return gaussian_filter(images, (0, sigma, sigma, 0), mode="nearest")


def scales(images):
    """Details from fine to coarse, (N, h, w, 3) each, and the mean colours, (N, 1, 1, 3): their sum is the images."""
    details = []
    for sigma in SIGMAS:
        coarser = blurred(images, sigma)
        details.append(images - coarser)
        images = coarser
    colours = images.mean(axis=(1, 2), keepdims=True)
    return [*details, images - colours], colours


def as_spoilt_as(images, real):
    """The images, each with the mean colours of a real face and its amplitude at every scale, by a gain of at most two."""
    (details, _), (real_details, colours) = scales(images), scales(real)
    amplitudes = ([np.sqrt((x.mean(-1) ** 2).mean((1, 2))) + 1e-4 for x in each] for each in (details, real_details))
    gains = [np.clip(theirs / own, 0, 2)[:, None, None, None] for own, theirs in zip(*amplitudes)]
    return colours + sum(gain * detail for gain, detail in zip(gains, details))


def moved(images, rng, furthest=2):
    """Each image moved at random, with its edges repeated."""
    around = ((0, 0), (furthest, furthest), (furthest, furthest), (0, 0))
    places = rng.integers(0, 2 * furthest + 1, (len(images), 2))
    return np.stack(
        [x[y:, z:][: images.shape[1], : images.shape[2]] for x, (y, z) in zip(np.pad(images, around, "edge"), places)]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    data, rng = parser.parse_args().data, np.random.default_rng(0)
    real = rng.permutation(images_of(REAL, data))[: 2 * FACES]
    count = len(real) // 2
    clean = rng.permutation(images_of(CLEAN, data, slice(5 * FACES)))[:count]
    real, others = real[:count], real[count:]
    reduced = to_unit(degrade(clean, CLEAN.size // REAL.size))
    compared = {
        "other real faces": to_unit(others),
        "clean faces, reduced by bicubic": reduced,
        "moved by up to 2 pixels": moved(reduced, rng),
        "blurred, sigma 1": blurred(reduced, 1.0),
        "with the mean colours and the amount of detail of real faces": as_spoilt_as(reduced, to_unit(others)),
    }
    judge = KerasJudge(JUDGE, presets.load(JUDGE))
    truth = SeenSet().add(impressions(judge.see(real)))
    print(f"| {count} faces beside {count} real small ones | textures | faces |\n|---|---|---|")
    for name, images in compared.items():
        distances = SeenSet().add(impressions(judge.see(to_uint8(images)))).distances(truth)
        print(f"| {name} | {distances['textures']:.3f} | {distances['frechet']:.4f} |")


if __name__ == "__main__":
    main()
