"""One labelled sheet of pictures: a row for each face, a column for each method."""

import re

from PIL import Image, ImageDraw, ImageFont

from keras_facesr.data.images import MAX_PIXELS
from keras_facesr.errors import CallError

LEAST_SIDE = 256  # pixels of a panel
GAP, TITLE, CAPTION = 1 / 16, 1 / 12, 1 / 14  # of a panel's side: white between panels, heights of the letters
PIECE = re.compile(r"[^_/ -]{1,12}[_/ -]*|[_/ -]+")  # a title is broken after these; each is narrower than a panel


def panel_side(longest):
    """Side in pixels of square panels for pictures whose longest side this is: a whole multiple of it."""
    return longest * -(-LEAST_SIDE // longest)


def check(columns, faces, longest=1):
    """Raise CallError, before the work, if the panels of so many faces have more pixels than ``read_picture`` takes.

    ``longest`` is the longest side of an enlarged face, in pixels.
    """
    side = panel_side(longest)
    if columns * faces * side**2 > MAX_PIXELS:
        raise CallError(
            f"{faces} x {columns} panels of {side} pixels are too many for one sheet, at most {MAX_PIXELS // 10**6} million "
            "pixels: show fewer faces (--limit) or models, or smaller faces"
        )


def draw(titles, rows):
    """Draw a sheet: titles above the columns, a caption below each picture.

    Args:
        titles: text above each column; one that is wider than a panel is broken.
        rows: for each face a list of (caption, uint8 (H, W, 3)), one for each column. The largest picture of a row has whole
            multiples of the others' sizes; all are shown as large as it, times a whole number, pixel by pixel.

    Returns:
        RGB picture (PIL).
    """
    sizes = [max(image.shape[:2] for _, image in row) for row in rows]
    side = panel_side(max(map(max, sizes)))
    shown = [(side // max(size) * size[0], side // max(size) * size[1]) for size in sizes]  # (height, width) in each row
    title_font, caption_font = (ImageFont.load_default(side * part) for part in (TITLE, CAPTION))
    heads = [_broken(title, title_font, side) for title in titles]
    lines = max(text.count("\n") + 1 for text in heads)
    gap, head, foot = round(side * GAP), round(1.25 * side * TITLE) * lines, round(2 * side * CAPTION)
    height = gap + head + gap // 2 + sum(high + foot + gap for high, _ in shown)
    sheet = Image.new("RGB", (gap + len(titles) * (side + gap), height), "white")
    pen = ImageDraw.Draw(sheet)
    centres = [gap + side // 2 + column * (side + gap) for column in range(len(titles))]
    for centre, text in zip(centres, heads):
        pen.multiline_text((centre, gap + head), text, "black", title_font, "md", align="center")
    top = gap + head + gap // 2
    for row, (high, wide) in zip(rows, shown):
        for centre, (caption, image) in zip(centres, row):
            sheet.paste(Image.fromarray(image).resize((wide, high), Image.Resampling.NEAREST), (centre - wide // 2, top))
            pen.text((centre, top + high + foot // 2), caption, "dimgray", caption_font, "mm")
        top += high + foot + gap
    return sheet


def _broken(text, font, width):
    """A title in as few lines as are no wider than this."""
    lines = [""]
    for piece in PIECE.findall(text):
        if lines[-1] and font.getlength(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)
