"""The built-in face, for trying a training and for showing what a model does."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_facesr.data.degrade import resize
from keras_facesr.inference.pictures import upscale

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
    from keras_facesr.metrics.fidelity import closeness
    from keras_facesr.metrics.protocol import Protocol

    lr, hr = Protocol(model.scale, hr_size).pair(demo_face(framing))
    answers = {"bicubic": resize(lr, *hr.shape[:2]), name: upscale(model, lr)}
    figures = {answer: closeness(sr, hr) for answer, sr in answers.items()}
    captions = {answer: f"{row['psnr']:.2f} dB   SSIM {row['ssim']:.3f}" for answer, row in figures.items()}
    size = "{1} x {0} pixels".format
    panels = [
        ("LR", size(*lr.shape), lr),
        *[(answer, captions[answer], sr) for answer, sr in answers.items()],
        ("truth", size(*hr.shape), hr),
    ]
    gain = figures[name]["psnr"] - figures["bicubic"]["psnr"]
    return _comparison(panels), {"scale": model.scale, "hr_size": hr.shape[0], **figures, "gain_db": gain}


def _comparison(panels, side=256, gap=16):
    """A row of panels (title, caption, uint8 image), each shown at ``side``, rounded up to a multiple of the largest image."""
    largest = max(image.shape[0] for _, _, image in panels)
    side = largest * -(-side // largest)
    title_font, caption_font = ImageFont.load_default(20), ImageFont.load_default(15)
    sheet = Image.new("RGB", (gap + len(panels) * (side + gap), gap + side + 68), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (title, caption, image) in enumerate(panels):
        left = gap + index * (side + gap)
        sheet.paste(Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST), (left, gap))
        centre = left + side / 2
        draw.text((centre, gap + side + 22), title, "black", title_font, anchor="mm")
        draw.text((centre, gap + side + 48), caption, "dimgray", caption_font, anchor="mm")
    return sheet
