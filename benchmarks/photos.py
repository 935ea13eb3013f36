"""How near restored photographs come to the truth: pictures of a set reduced, restored as photographs, and compared.

For each picture the gain over bicubic interpolation inside the face's box, in dB: of the restored photograph, of its
background's network alone, and of the face's own network on the same face as it is in the true picture, aligned before it is
reduced. All pictures are turned, too. With ``--degradation`` they are not only reduced but spoilt, each by its own seed.
"""

import argparse
import functools
import json
import time

import numpy as np
from PIL import Image

from keras_facesr import presets
from keras_facesr.data.blind import CHAINS, Blind
from keras_facesr.data.datasets import open_dataset, spread
from keras_facesr.data.degrade import degrade, resize
from keras_facesr.data.framing import FRAMINGS
from keras_facesr.data.images import read_picture, to_pixels
from keras_facesr.data.similarity import Similarity, warp
from keras_facesr.inference import upscale
from keras_facesr.metrics.fidelity import psnr
from keras_facesr.photos import detect, restore
from keras_facesr.photos.align import frame

SCALE = restore.WORKING
load = functools.cache(restore.load_fastest)


def reduction(chain, seed):
    """Function of a picture and how many times smaller to make it; a ``chain`` of ``CHAINS`` spoils it, too, by a seed."""
    return degrade if chain is None else lambda picture, times: Blind(chain, times).reduce(picture[None], [seed])[0]


def turned(picture, degrees):
    """A picture turned clockwise and cut to sides that divide by 8."""
    image = Image.fromarray(picture).rotate(-degrees, Image.Resampling.BICUBIC, expand=degrees % 90 == 0)
    return np.asarray(image.crop((0, 0, image.width // 8 * 8, image.height // 8 * 8)))


def gains(picture, times, model, reduce):
    """The gains on one picture that ``reduce`` makes so many times smaller, the face's width then, and whether it was found.

    None without a face.
    """
    faces, _ = detect.find_faces(picture)
    if not faces:
        return None
    true_face = max(faces, key=lambda face: face.width)
    lr = reduce(picture, times)
    truth = degrade(picture, times // SCALE)
    shrunk = Similarity(SCALE / times, 0)
    centre, half = shrunk(true_face.centre), true_face.side * shrunk.scale / 2
    top, left = (max(0, round(value - half)) for value in (centre.imag, centre.real))
    box = np.s_[top : round(centre.imag + half), left : round(centre.real + half)]
    bicubic = psnr(resize(lr, *truth.shape[:2])[box], truth[box])
    began = time.perf_counter()
    restored = restore.restore_photo(lr, SCALE, model, load=load)
    took = time.perf_counter() - began
    mine = [face for face in restored.faces if abs(complex(*np.mean(face.landmarks, axis=0)) * SCALE - centre) < half]
    alone = psnr(upscale(load(presets.BACKGROUND), lr)[box], truth[box]) - bicubic
    row = {
        "width": true_face.width / times,
        "found": bool(mine),
        "restored": psnr(restored.pixels[box], truth[box]) - bicubic,
        "background": alone,
        "seconds": took,
    }
    if mine and mine[0].preset:
        points = shrunk(true_face.points)
        row |= {"preset": mine[0].preset, "aligned": aligned(truth, points, presets.find(mine[0].preset), reduce)}
        row["difference"] = mine[0].difference
    return row


def aligned(truth, points, preset, reduce):
    """The gain of a face's network where the true face is framed first and then reduced, as the protocol does."""
    model = load(preset.name)
    own = preset.own_size[0] if preset.own_size else None
    side, to_photo, _ = frame(points / SCALE, FRAMINGS[preset.framing if own else restore.ANY_SIZE], own)
    to_truth = Similarity(SCALE, 0).after(to_photo).after(Similarity(1 / model.scale, 0))
    hr = to_pixels(warp(truth, to_truth, side * model.scale, side * model.scale))
    lr = reduce(hr, model.scale)
    return psnr(upscale(model, lr), hr) - psnr(resize(lr, *hr.shape[:2]), hr)


def summary(rows):
    """Means over the pictures with a face, over those that were found, and the share found."""
    found = [row for row in rows if "aligned" in row]
    means = {name: float(np.mean([row[name] for row in found])) for name in ("restored", "background", "aligned", "difference")}
    everywhere = float(np.mean([row["restored"] for row in rows]))
    width = float(np.median([row["width"] for row in rows]))
    share = float(np.mean([row["found"] for row in rows]))
    seconds = float(np.median([row["seconds"] for row in rows]))
    return {"faces": len(rows), "width": width, "found": share, **means, "restored_all": everywhere, "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", metavar="DATA_DIR", help="data set of faces, as facesr evaluate takes it")
    parser.add_argument("--limit", type=int, default=100, help="pictures (default: %(default)s)")
    parser.add_argument("--times", type=int, nargs="+", default=[4, 8], help="that they are reduced (default: 4 8)")
    parser.add_argument("--turns", type=int, nargs="+", default=[0, 30, 90], help="degrees (default: 0 30 90)")
    parser.add_argument("--model", help="network for all faces (default: by their width)")
    parser.add_argument("--degradation", choices=sorted(CHAINS), help="chain that spoils the pictures (default: bicubic alone)")
    parser.add_argument("--json", help="file for every picture's figures")
    args = parser.parse_args()
    report = []
    for times in args.times:
        for degrees in args.turns:
            files = spread(open_dataset(args.data_dir, split="test"), args.limit).files
            rows = [
                gains(turned(read_picture(file).rgb, degrees), times, args.model, reduction(args.degradation, seed))
                for seed, file in enumerate(files)
            ]
            rows = [row for row in rows if row]
            if not rows:
                parser.error(f"no face was found in the {len(files)} pictures of {args.data_dir}")
            report.append({"times": times, "turned": degrees, **summary(rows), "rows": rows})
            figures = {name: round(value, 2) for name, value in report[-1].items() if name != "rows"}
            print(figures, flush=True)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(report, file)


if __name__ == "__main__":
    main()
