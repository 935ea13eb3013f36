"""An exported ONNX file that takes and gives files of pictures: what ``triton_server.py`` does with a batch."""

import io
import json
from collections import defaultdict

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

LARGEST = 2**22  # pixels of an answer
FORMATS = "JPEG PNG WEBP BMP GIF TIFF PPM JPEG2000 AVIF".split()  # for others, such as EPS, Pillow starts programs


class Network:
    """An ONNX file that ``facesr export`` has written."""

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.enable_cpu_mem_arena = 2, False  # the arena keeps the memory of every size
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        about = json.loads(self.session.get_modelmeta().custom_metadata_map["keras_facesr.json"])
        self.scale, self.multiple, self.least = about["scale"], about["size_multiple"], about["least_size"]

    def answers(self, files):
        """Bytes of N pictures -> bytes of N PNG files and N errors, one of each two empty."""
        pngs, errors, of_size = [b""] * len(files), [b""] * len(files), defaultdict(list)
        for place, file in enumerate(files):
            try:
                of_size[(pixels := self.decoded(file)).shape].append((place, pixels))
            except ValueError as error:
                errors[place] = str(error).encode()
        for places, pictures in (zip(*group) for group in of_size.values()):
            for place, sr in zip(places, self.enlarge(np.stack(pictures))):
                Image.fromarray(sr).save(png := io.BytesIO(), "PNG", compress_level=1)
                pngs[place] = png.getvalue()
        return pngs, errors

    def decoded(self, file):
        """The pixels of a picture, uint8 (H, W, 3). ValueError if it cannot be read, or is too large."""
        try:
            picture = Image.open(io.BytesIO(file), formats=FORMATS)
            assert picture.mode not in ("I", "F"), "nothing says which of its levels is white"
            if picture.width * picture.height * self.scale**2 <= LARGEST:
                picture = ImageOps.exif_transpose(picture)
                if picture.mode.startswith("I;16"):  # Pillow's own conversion would make nearly all of its levels white
                    picture = Image.fromarray(np.rint(np.asarray(picture) / 257).astype("uint8"))
                return np.asarray(picture.convert("RGB"))
        except Exception as error:  # what is damaged can raise anything, and must not fail the others of its batch
            raise ValueError("not a whole picture in a format that is read here") from error
        raise ValueError(f"more than {LARGEST // self.scale**2} pixels")

    def enlarge(self, levels):
        """Pictures uint8 (N, H, W, 3) -> uint8 (N, scale H, scale W, 3), padded by the edge to a size that it takes."""
        height, width = size = levels.shape[1:3]
        below, beside = -(-np.maximum(size, self.least) // self.multiple) * self.multiple - size
        padded = np.pad(levels, [(0, 0), (0, below), (0, beside), (0, 0)], "edge") / np.float32(255)
        (sr,) = self.session.run(None, {self.session.get_inputs()[0].name: padded})
        return np.rint(255 * sr[:, : self.scale * height, : self.scale * width].clip(0, 1)).astype("uint8")
