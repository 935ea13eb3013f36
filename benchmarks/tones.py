"""How much of networks' error on degraded faces is tone: the PSNR of their answers, and of the same in the truth's tone.

    python benchmarks/tones.py DATA_DIR [--kind lfw] [--limit N] [--models edsr_small_x4_bicubic,...]

DATA_DIR is CelebA, LFW (`--kind lfw`) or a folder of faces. The faces of its test part, at 64x64 pixels, are degraded as by
`facesr evaluate --degradation style`. An answer in the truth's tone has the truth's mean and deviation of each colour.
"""

import argparse

import numpy as np

from keras_facesr import presets
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset, spread
from keras_facesr.data.degrade import degrade
from keras_facesr.data.images import to_uint8
from keras_facesr.inference.methods import KerasDegradation, KerasMethod
from keras_facesr.metrics.fidelity import psnr
from keras_facesr.metrics.protocol import with_bicubic

SPOILT_BY, SCALE, SIZE, BATCH = "stylevae_wider", 4, 64, 16
MODELS = "srcnn_x4_bicubic,edsr_small_x4_bicubic,ssrvae_x4_bicubic,edsr_small_x4_style,ssrvae_x4"


def in_the_tone_of(truth, images):
    """uint8 (N, H, W, 3) images, each with the mean and the deviation of every colour of its truth."""
    (mean, deviation), (own_mean, own_deviation) = (
        (each.mean((1, 2), keepdims=True), each.std((1, 2), keepdims=True)) for each in (truth, images)
    )
    return to_uint8(((images - own_mean) * deviation / np.maximum(own_deviation, 1e-6) + mean) / 255)


def tones(images):
    """Measures of the tone of images (N, H, W, 3): (N,) each."""
    gray = images.mean(-1)
    colour = images.max(-1).astype(float) - images.min(-1)
    return {"darker": gray.mean((1, 2)), "of less contrast": gray.std((1, 2)), "paler": colour.mean((1, 2))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", metavar="DATA_DIR")
    parser.add_argument("--kind", default="auto", help="of the data set; default: found out")
    parser.add_argument("--limit", type=int, metavar="N", help="so many faces, spread over the test part; default: all")
    parser.add_argument("--models", default=MODELS)
    args = parser.parse_args()
    hr, _ = decoded(spread(open_dataset(args.data, split="test", kind=args.kind), args.limit), SIZE)
    spoils = KerasDegradation(SPOILT_BY, presets.load(SPOILT_BY))
    parts = [range(start, min(start + BATCH, len(hr))) for start in range(0, len(hr), BATCH)]
    lr = np.concatenate([spoils.reduce(hr[part], part) for part in parts])
    spoilt, reduced = tones(lr), tones(degrade(hr, SCALE))
    shares = ", ".join(f"{np.mean(spoilt[tone] < reduced[tone]):.0%} {tone}" for tone in spoilt)
    moved = np.abs(spoilt["darker"] - reduced["darker"]).mean()
    print(f"{len(hr)} faces: beside their bicubic reduction {shares}; {moved:.0f} levels darker or lighter on average")
    print("| model | PSNR, dB | in the truth's tone, dB |\n|---|---|---|")
    for name, method in with_bicubic({name: KerasMethod(presets.load(name)) for name in args.models.split(",")}, SCALE).items():
        sr = method.upscale_batch(lr)
        figures = (np.mean([psnr(*pair) for pair in zip(answers, hr)]) for answers in (sr, in_the_tone_of(hr, sr)))
        print("| {} | {:.2f} | {:.2f} |".format(name, *figures))


if __name__ == "__main__":
    main()
