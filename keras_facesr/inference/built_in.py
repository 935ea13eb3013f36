"""The built-in face, for trying a training and for showing what a model does."""

import numpy as np
from PIL import Image

from keras_facesr.data.degrade import resize
from keras_facesr.inference.comparison import compare

DEMO_FRAMES = {"utkface": (69, 169, 110), "celeba": (0, 126, 196)}  # top, left and side of the square in its photograph


def demo_face(framing=None):
    """A face that ships with scikit-image (Eileen Collins, NASA, public domain): uint8 (side, side, 3).

    By default it is framed like UTKFace's aligned faces: 110 pixels a side, the eyes at 0.28 of the height and 0.41 of the
    width apart. For ``framing`` "celeba" it shows the whole head: 196 pixels a side, the eyes at 0.51 of the height and 0.23
    of the width apart.
    """
    from skimage.data import astronaut

    top, left, side = DEMO_FRAMES.get(framing, DEMO_FRAMES["utkface"])
    return astronaut()[top : top + side, left : left + side]


def demo_faces(count, side):
    """Slightly shifted cuts of the built-in face, 25 different ones, for trying a training: uint8 (count, side, side, 3)."""
    face = demo_face()
    cuts = [(3 * (k // 5 % 5), 3 * (k % 5)) for k in range(count)]
    return np.stack([resize(face[top : top + 96, left : left + 96], side, side) for top, left in cuts])


def demonstrate(model, name, hr_size, framing=None):
    """Reduce the built-in face, and enlarge it again by bicubic interpolation and by the model.

    Args:
        model: a network with ``scale``, as for ``upscale``.
        name: the model's name in the picture and in the figures.
        hr_size: side of the true face in pixels.
        framing: as for ``demo_face``.

    Returns:
        a labelled comparison picture LR | bicubic | ours | truth (PIL), and the figures, PSNR in dB:
        ``{"scale", "hr_size", "bicubic": {"psnr", "ssim"}, name: {"psnr", "ssim"}, "gain_db"}``.
    """
    from keras_facesr.metrics.protocol import Protocol

    shown = compare(demo_face(framing), {name: model}, Protocol(model.scale, hr_size))
    (figures,) = shown.figures
    gain = figures[name]["psnr"] - figures["bicubic"]["psnr"]
    return Image.fromarray(shown.pixels), {"scale": model.scale, "hr_size": hr_size, **figures, "gain_db": gain}
