"""The built-in face: to try a training on, and to show on what a model does."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_facesr.data.degrade import resize
from keras_facesr.inference.pictures import upscale

DEMO_FRAMES = {"utkface": (69, 169, 110), "celeba": (0, 126, 196)}  # top, left and side of the square in its photograph


def demo_face(framing=None):
    """A face that ships with scikit-image (Eileen Collins, NASA, public domain): uint8 (side, side, 3).

    Framed as UTKFace's aligned faces are, eyes 0.41 of the width apart at 0.28 of the height, 110 pixels; for ``framing``
    "celeba" with the whole head, eyes 0.23 of the width apart at 0.51 of the height, 196 pixels.
    """
    from skimage.data import astronaut

    top, left, side = DEMO_FRAMES.get(framing, DEMO_FRAMES["utkface"])
    return astronaut()[top : top + side, left : left + side]


def demo_faces(count, side):
    """The built-in face, cut a little elsewhere each time, to try a training on: uint8 (count, side, side, 3)."""
    face = demo_face()
    cuts = [(3 * (k // 5 % 5), 3 * (k % 5)) for k in range(count)]
    return np.stack([resize(face[top : top + 96, left : left + 96], side, side) for top, left in cuts])


def demonstrate(model, name, hr_size, framing=None):
    """The built-in face in one of its framings, reduced and enlarged again by bicubic interpolation and by the model.

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
    """Panels of (title, caption, uint8 image) in a row, ``side`` rounded up to a multiple of the largest."""
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
