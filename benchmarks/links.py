"""What each link of the chain `blind` teaches: one network, taught by the chain without it, on faces spoilt otherwise.

    python benchmarks/links.py CELEBA_DIR REAL_DIR [--steps 400] [--faces 3000]

Each row is `edsr_small_x4_bicubic`, taught for so many more steps of 16 faces of CelebA, 16 to 64 pixels, by Muon, and measured
on CelebA's test part: spoilt by `blind_held_out`, and only reduced by bicubic interpolation. The last column is the distance
by textures of REAL_DIR's real small faces, of its test part and enlarged, from these test faces (`facesr evaluate --clean`).
"""

import argparse
import dataclasses
import functools

import keras

from keras_facesr import presets
from keras_facesr.data.blind import BLIND, Blind, Pass, blind
from keras_facesr.data.cache import decoded
from keras_facesr.data.datasets import open_dataset, spread
from keras_facesr.data.pipeline import PairStream
from keras_facesr.inference.methods import KerasJudge, KerasMethod
from keras_facesr.metrics.protocol import REFERENCE, Protocol, evaluate
from keras_facesr.metrics.unpaired import evaluate_unpaired
from keras_facesr.training.optimizers import OPTIMIZERS
from keras_facesr.training.tasks import learnt_starts

START, STYLEVAE, JUDGE = "edsr_small_x4_bicubic", "stylevae_wider", "face_features"
SCALE, SIZE, BATCH, PEAK = 4, 64, 16, 7e-4


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
    """The network that has gone on to learn from the chain, for so many steps."""
    keras.utils.set_random_seed(0)
    model = presets.load(START)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - steps // 10, warmup_target=PEAK, warmup_steps=steps // 10)
    model.compile(OPTIMIZERS["muon"](rate), loss="mse", jit_compile=False)
    afresh = functools.partial(blind, chain=chain)
    stream = PairStream(images, SCALE, BATCH, crop=SIZE, afresh=afresh, starts=starts)
    model.fit(stream.as_dataset(steps=steps), steps_per_epoch=steps, shuffle=False, verbose=0)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", metavar="CELEBA_DIR")
    parser.add_argument("real", metavar="REAL_DIR")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--faces", type=int, default=3000, help="to be taught on (default: %(default)s)")
    args = parser.parse_args()
    images, _ = decoded(spread(open_dataset(args.data, split="train"), args.faces), SIZE)
    test, _ = decoded(open_dataset(args.data, split="test"), SIZE)
    real, _ = decoded(open_dataset(args.real, split="test"), SIZE // SCALE)
    judge, protocol = KerasJudge(JUDGE, presets.load(JUDGE)), Protocol(SCALE, SIZE)

    def row(name, model):
        method = {name: KerasMethod(model)}
        degradations = Blind("blind_held_out", SCALE), None
        spoilt, clean = (evaluate(method, test, protocol, degradation=how)["models"] for how in degradations)
        gains = (f"{rows[name]['psnr'] - rows[REFERENCE]['psnr']:+.2f}" for rows in (spoilt, clean))
        textures = evaluate_unpaired(method, real, test, SCALE, judge)["models"][name]["textures"]
        print(f"| {name} | {' | '.join(gains)} | {spoilt[name]['light_kept']:.0%} | {textures:.3f} |", flush=True)

    print("| taught by | spoilt faces: gain, dB | clean faces: gain, dB | light kept | real faces: textures |", flush=True)
    print("|---|---|---|---|---|", flush=True)
    row("bicubic pairs, as released", presets.load(START))
    made = learnt_starts(STYLEVAE, SCALE, 0)
    for name, chain, starts in [(*each, None) for each in HAND_MADE.items()] + [(*each, made) for each in LEARNT.items()]:
        row(name, taught(chain, starts, images, args.steps))


if __name__ == "__main__":
    main()
