"""What each link of the chain `blind` teaches: one small network, taught by the chain without it, on faces spoilt otherwise.

    python benchmarks/links.py DATA_DIR [--steps 1500] [--size 256]

DATA_DIR is a set with a training and a test part. Each row is an ``SRVGGNetCompact`` of 32 channels and 10 convolutions, taught
for so many steps of 16 patches of 128 pixels, by Adam and from the same first weights, and measured on the test part: spoilt by
`blind_held_out`, and reduced by bicubic interpolation alone.
"""

import argparse
import dataclasses
import functools

import keras

from keras_facesr.data.blind import BLIND, Blind, Pass, blind
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset
from keras_facesr.data.images import read_picture
from keras_facesr.data.pipeline import PairStream
from keras_facesr.inference.methods import KerasMethod
from keras_facesr.metrics.protocol import REFERENCE, Protocol, evaluate
from keras_facesr.models.baselines.srvgg import SRVGGNetCompact
from keras_facesr.training.tasks import learnt_starts

SCALE, BATCH, PATCH, PEAK = 4, 16, 128, 2e-3
STYLEVAE = "stylevae_wider"


def passes(**changes):
    """The chain with these fields of each pass changed."""
    return dataclasses.replace(BLIND, passes=tuple(dataclasses.replace(each, **changes) for each in BLIND.passes))


HAND_MADE = {
    "`blind`": BLIND,
    "without blur": passes(blurred=0.0),
    "without resizing, but the last one": dataclasses.replace(passes(size=(1.0, 1.0)), filters={"bicubic": 1.0}),
    "without noise": passes(noisy=0.0),
    "without coders": passes(packed=0.0),
    "without the second pass": dataclasses.replace(BLIND, passes=(BLIND.passes[0], BLIND.passes[-1])),
    "without clean pairs": dataclasses.replace(BLIND, clean=0.0),
    "clean pairs alone": dataclasses.replace(BLIND, clean=1.0),
}
LEARNT = {
    "`blind`, a quarter begun by styleVAE": BLIND,
    "styleVAE in place of all passes, and clean pairs": dataclasses.replace(BLIND, learnt=1.0, passes=(Pass(),)),
}


def taught(chain, starts, images, steps):
    """A network that has learnt from the chain, for so many steps."""
    keras.utils.set_random_seed(0)
    model = SRVGGNetCompact(SCALE, channels=32, convolutions=8)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - steps // 10, warmup_target=PEAK, warmup_steps=steps // 10)
    model.compile(keras.optimizers.Adam(rate), loss="mse", jit_compile=False)
    afresh = functools.partial(blind, chain=chain)
    stream = PairStream(images, SCALE, BATCH, augmentation="six", crop=PATCH, afresh=afresh, starts=starts)
    model.fit(stream.as_dataset(steps=steps), steps_per_epoch=steps, shuffle=False, verbose=0)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", metavar="DATA_DIR")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--size", type=int, default=256, help="side of the true faces in pixels (default: %(default)s)")
    args = parser.parse_args()
    images, _ = decoded(open_dataset(args.data, split="train"), args.size)
    test = [read_picture(file).rgb for file in open_dataset(args.data, split="test").files]
    protocol = Protocol(SCALE, args.size)
    print("| taught by | gain on spoilt faces, dB | gain on clean faces, dB | light kept |\n|---|---|---|---|", flush=True)
    made = learnt_starts(STYLEVAE, SCALE, 0)
    for name, chain, starts in [(*row, None) for row in HAND_MADE.items()] + [(*row, made) for row in LEARNT.items()]:
        method = {name: KerasMethod(taught(chain, starts, images, args.steps))}
        spoilt, clean = (
            evaluate(method, test, protocol, degradation=how)["models"] for how in (Blind("blind_held_out", SCALE), None)
        )
        gains = (f"{rows[name]['psnr'] - rows[REFERENCE]['psnr']:+.2f}" for rows in (spoilt, clean))
        print(f"| {name} | {' | '.join(gains)} | {spoilt[name]['light_kept']:.0%} |", flush=True)


if __name__ == "__main__":
    main()
