"""A model server under load: a thousand requests at once, one in twenty broken, beside one process on the same files.

    python benchmarks/serving.py --oip http://localhost:8000 --pid PID [--model sam] [--rounds 3]

The server runs already (examples/serving); PID is its process, whose memory is counted with that of its children. Each picture
is the built-in face, 16 to 24 pixels a side, as a PNG file. The bare process is LiteRT on all cores, one picture at a time.
"""

import argparse
import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from keras_facesr import presets
from keras_facesr.data.degrade import resize
from keras_facesr.inference import demo_face, runtimes, upscale

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "serving"))
import over_oip  # noqa: E402

REQUESTS, BROKEN_IN = 1000, 20
SIDES = (16, 18, 20, 24)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--oip", required=True, metavar="URL")
    parser.add_argument("--pid", type=int, required=True, help="of the server")
    parser.add_argument("--model", default="sam", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of a thousand requests each")
    args = parser.parse_args()
    over_oip.TIMEOUT = 600.0  # the last request waits for all the others
    bare = runtimes.load(presets.find(args.model), "litert")
    files = [packed(resize(demo_face(), side, side)) for side in SIDES]
    expected = [upscale(bare, Image.open(io.BytesIO(file))) for file in files]
    client = over_oip.OipClient(args.oip, args.model)

    def ask(number):
        if number % BROKEN_IN == 0:
            ((png, error),) = client.enlarge([files[0][: number % 199]])
            return png == b"" and error != ""
        ((png, error),) = client.enlarge([files[number % len(files)]])
        levels = np.asarray(Image.open(io.BytesIO(png))).astype(int)
        return np.abs(levels - expected[number % len(files)]).max() <= 1

    for _ in range(args.rounds):
        started = time.perf_counter()
        with ThreadPoolExecutor(REQUESTS) as pool:
            right = int(sum(pool.map(ask, range(REQUESTS))))
        served = REQUESTS / (time.perf_counter() - started)
        started = time.perf_counter()
        for number in range(REQUESTS // 4):
            packed(upscale(bare, Image.open(io.BytesIO(files[number % len(files)]))))
        alone = REQUESTS // 4 / (time.perf_counter() - started)
        round_ = {"right": right, "requests_per_second": served, "bare_per_second": alone, "megabytes": megabytes(args.pid)}
        print(json.dumps({name: round(value, 1) for name, value in round_.items()}), flush=True)


def megabytes(pid):
    """Resident memory of a process and of all that it has started."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return pages * 4096 / 1e6 + sum(map(megabytes, children))


def packed(levels):
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG", compress_level=1)
    return file.getvalue()


if __name__ == "__main__":
    main()
