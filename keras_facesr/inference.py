"""Pictures of any size and kind through a model: batches, large pictures in tiles, samples, a demonstration.

Networks see float32 in [0, 1]; everything that goes in and comes out here is uint8.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_facesr.data.degrade import resize
from keras_facesr.data.images import read_picture, to_uint8, to_unit
from keras_facesr.errors import ImageError
from keras_facesr.sizes import fitting_size, warn_of_size

PASS_PIXELS = 1024**2  # output pixels of one pass through a network; bounds the memory of its feature maps
OUTPUT_PIXELS = 2**29  # of a picture; 1.5 GB as RGB
DEMO_FRAMES = {"face": (69, 169, 110), "head": (0, 126, 196)}  # top, left and side of the square in its photograph


def upscale(model, source, tile=None, on_tile=None):
    """Enlarge one picture or a batch.

    Args:
        model: a network with ``scale``, ``size_multiple``, ``least_size`` and ``own_size``; sizes that it does not take are
            padded by repeating the edge.
        source: path, PIL image, or uint8 array (H, W), (H, W, 3) or (H, W, 4); or a batch (N, H, W, 3).
        tile: side in input pixels of the overlapping squares that a picture larger than that is cut into and
            blended from. By default such that a square's output has ``PASS_PIXELS``.
        on_tile: called with (squares done, squares in all) after each square.

    Returns:
        uint8 (scale * H, scale * W, 3), or (N, scale * H, scale * W, 3) for a batch.

    Raises:
        ImageError: what cannot be read as a picture.

    Warns:
        SizeWarning: the weights have learnt from pictures of another size alone.
    """
    if not (isinstance(source, np.ndarray) and source.ndim == 4):
        picture = read_picture(source)
        warn_of_size(model, *picture.rgb.shape[:2])
        return _enlarge_rgb(model, picture, tile, on_tile)
    if source.dtype != np.uint8 or source.shape[-1] != 3 or 0 in source.shape:
        raise ImageError(f"a batch is a uint8 array (N, H, W, 3), not {source.dtype} {source.shape}")
    warn_of_size(model, *source.shape[1:3])
    if max(source.shape[1:3]) <= _tile_side(model, tile):
        return _enlarge_batch(model, source)
    return np.stack([_enlarge_rgb(model, read_picture(image), tile, on_tile) for image in source])


def enlarge_picture(model, picture, tile=None, on_tile=None):
    """A ``Picture`` enlarged, as pixels to write: gray stays gray (H, W), alpha is kept (H, W, 4)."""
    warn_of_size(model, *picture.rgb.shape[:2])
    return _like(picture, _enlarge_rgb(model, picture, tile, on_tile), model.scale)


def sample_picture(model, picture, n, seed=0):
    """``n`` plausible enlargements of a ``Picture`` by a stochastic model, each as pixels to write.

    One latent belongs to one whole face, so pictures are not cut into tiles; too large ones raise ImageError.
    """
    return [_like(picture, to_uint8(sample), model.scale) for sample in _drawn_whole(model.sample, model, picture, n, seed)]


def traverse_picture(model, picture, steps, seed=0):
    """Enlargements of a ``Picture`` on the way from one draw of the latent to another, otherwise as of ``sample_picture``."""
    return [_like(picture, to_uint8(step), model.scale) for step in _drawn_whole(model.traverse, model, picture, steps, seed)]


def picture_deviation(model, picture, n=16, seed=0):
    """Where enlargements of a ``Picture`` differ, as ``model.pixel_deviation``: (scale * H, scale * W), in units of [0, 1]."""
    return _drawn_whole(model.pixel_deviation, model, picture, n, seed)[..., 0]


class KerasMethod:
    """A network, or an exported one of ``runtimes``, as a method of ``metrics.protocol.evaluate``."""

    def __init__(self, model):
        self.model = model
        self.is_stochastic = model.is_stochastic

    def upscale_batch(self, lr):
        """uint8 (N, H, W, 3) -> uint8 (N, scale * H, scale * W, 3)."""
        return upscale(self.model, lr)

    def sample_batch(self, lr, n, seeds):
        """uint8 (N, H, W, 3), and a seed for each -> uint8 (n, N, scale * H, scale * W, 3)."""
        from keras import ops

        parts = passes(lr, n * self.model.scale**2)
        drawn = [to_uint8(ops.convert_to_numpy(self.model.sample(to_unit(lr[part]), n, seeds[part]))) for part in parts]
        return np.concatenate(drawn, axis=1)


class KerasJudge:
    """A ``FaceFeatures`` network as the judge of ``metrics.protocol.evaluate``."""

    def __init__(self, name, network):
        self.name, self.network = name, network

    def see(self, images):
        """uint8 (N, H, W, 3) -> (list of feature maps (N, h, w, C), embeddings (N, D)), NumPy."""
        from keras import ops

        from keras_facesr import backend

        with backend.no_gradients():
            maps, embedding = self.network.see(to_unit(images))
            return [ops.convert_to_numpy(features) for features in maps], ops.convert_to_numpy(embedding)


class KerasDegradation:
    """A ``StyleVAE`` as the degradation of ``metrics.protocol.evaluate``."""

    def __init__(self, name, network):
        self.name, self.network = name, network

    def reduce(self, hr, seeds):
        """uint8 (N, H, W, 3), each in the style that its seed draws -> uint8 (N, H / scale, W / scale, 3)."""
        chance = np.stack([np.random.default_rng(seed).normal(size=self.network.style_dim) for seed in seeds])
        return to_uint8(self.network.degrade(to_unit(hr), style=self.network.styles(chance.astype("float32"))))


class KerasReader:
    """A ``DigitClassifier`` network as the reader of ``metrics.protocol.evaluate``."""

    def __init__(self, name, network):
        self.name, self.network = name, network

    def read(self, images):
        """uint8 (N, H, W, 3) -> probabilities of the ten digits (N, 10), NumPy."""
        return np.asarray(self.network.predict_on_batch(to_unit(images)))


def demo_face(framing="face"):
    """A face that ships with scikit-image (Eileen Collins, NASA, public domain): uint8 (side, side, 3).

    Framed as UTKFace's aligned faces are, eyes 0.41 of the width apart at 0.28 of the height, 110 pixels; or with the whole
    "head", as CelebA's are, eyes 0.23 of the width apart at 0.51 of the height, 196 pixels.
    """
    from skimage.data import astronaut

    top, left, side = DEMO_FRAMES[framing]
    return astronaut()[top : top + side, left : left + side]


def demo_faces(count, side):
    """The built-in face, cut a little elsewhere each time, to try a training on: uint8 (count, side, side, 3)."""
    face = demo_face()
    cuts = [(3 * (k // 5 % 5), 3 * (k % 5)) for k in range(count)]
    return np.stack([resize(face[top : top + 96, left : left + 96], side, side) for top, left in cuts])


def demonstrate(model, name, hr_size, framing="face"):
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


def passes(images, growth=1):
    """Slices that cut ``images`` (N, H, W, C) into passes that make at most ``PASS_PIXELS``, ``growth`` of each pixel."""
    size = max(1, PASS_PIXELS // (images.shape[1] * images.shape[2] * growth))
    return [slice(start, start + size) for start in range(0, len(images), size)]


def _tile_side(model, tile=None):
    """The side of a tile in input pixels, a multiple of ``size_multiple`` within what the network takes at once."""
    multiple = model.size_multiple
    side = tile or int(PASS_PIXELS**0.5) // model.scale
    return max(*fitting_size(model, 1, 1), min(side, model.largest_side or side) // multiple * multiple)


def _network_input(model, lr):
    """uint8 (N, H, W, 3) -> float32 in [0, 1], its lower and right edges repeated up to a size that the network takes."""
    height, width = lr.shape[1:3]
    rows, columns = fitting_size(model, height, width)
    return to_unit(np.pad(lr, ((0, 0), (0, rows - height), (0, columns - width), (0, 0)), mode="edge"))


def _drawn_whole(draw, model, picture, n, seed):
    """``draw(lr, n, seed)``, a method of a stochastic model, for one ``Picture``: (..., scale * H, scale * W, C), NumPy."""
    from keras import ops

    height, width = picture.rgb.shape[:2]
    side = _tile_side(model)
    if max(height, width) > side:
        raise ImageError(
            f"{picture.name}: {width}x{height} pixels are too many to sample; cut the face out, at most {side}x{side}"
        )
    return ops.convert_to_numpy(draw(to_unit(picture.rgb[None]), n, seed)).squeeze(-4)


def _enlarge_rgb(model, picture, tile, on_tile):
    """The colours of one picture, in one pass or in tiles: uint8 (scale * H, scale * W, 3)."""
    height, width = picture.rgb.shape[:2]
    if height * width * model.scale**2 > OUTPUT_PIXELS:
        largest = OUTPUT_PIXELS / model.scale**2 / 1e6
        raise ImageError(
            f"{picture.name}: {width}x{height} pixels are too many to enlarge {model.scale} times; "
            f"cut the faces out or shrink it, at most {largest:.0f} million pixels"
        )
    side = _tile_side(model, tile)
    if max(height, width) > side:
        return _enlarge_in_tiles(model, picture.rgb, side, on_tile)
    return _enlarge_batch(model, picture.rgb[None])[0]


def _enlarge_batch(model, lr):
    """uint8 (N, H, W, 3) -> uint8 (N, scale * H, scale * W, 3), in passes of at most ``PASS_PIXELS``."""
    height, width = (size * model.scale for size in lr.shape[1:3])
    sr = np.empty((len(lr), height, width, 3), np.uint8)
    for part in passes(lr, model.scale**2):
        passed = model.predict_on_batch(_network_input(model, lr[part]))
        sr[part] = to_uint8(passed)[:, :height, :width]
    return sr


def _enlarge_in_tiles(model, lr, side, on_tile):
    """uint8 (H, W, 3) -> uint8 (scale * H, scale * W, 3) in squares that overlap by a quarter, blended.

    Rows of squares become bands, bands become the picture: no more than one band is in memory beside it.
    The picture is padded before it is cut, so that its borders are the network's with tiles and without.
    """
    scale = model.scale
    height, width = lr.shape[:2]
    inputs = model.eagerly(model.prepare, _network_input(model, lr[None]))[0]
    rows, columns = (_tile_starts(size, side, model.size_multiple) for size in inputs.shape[:2])
    sr = np.empty((inputs.shape[0] * scale, inputs.shape[1] * scale, 3), np.uint8)
    band = np.empty((min(side, inputs.shape[0]) * scale, *sr.shape[1:]), np.uint8)
    for row, top in enumerate(rows):
        for column, left in enumerate(columns):
            square = to_uint8(model.eagerly(model, inputs[None, top : top + side, left : left + side])[0])
            end = (columns[column - 1] + side) * scale if column else 0
            _join(band.swapaxes(0, 1), square.swapaxes(0, 1), left * scale, end)
            if on_tile:
                on_tile(row * len(columns) + column + 1, len(rows) * len(columns))
        _join(sr, band, top * scale, (rows[row - 1] + side) * scale if row else 0)
    return sr[: height * scale, : width * scale]


def _tile_starts(size, side, multiple):
    """Where tiles start along an axis: on the network's grid, a quarter overlapping, the last at the end."""
    stride = max(multiple, (side - side // 4) // multiple * multiple)
    return [*range(0, max(size - side, 0), stride), max(size - side, 0)]


def _join(canvas, piece, start, filled):
    """Write ``piece`` on ``canvas`` from ``start`` on the first axis; what is ``filled`` fades into it.

    The fade takes the middle quarter of the overlap: nearer to its edge a tile misses the surroundings.
    """
    overlap = max(filled - start, 0)
    fade = overlap // 4
    first = start + (overlap - fade) // 2
    weight = ((np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)).reshape(-1, *[1] * (piece.ndim - 1))
    old, new = canvas[first : first + fade], piece[first - start :]
    canvas[first : first + fade] = np.rint(old + weight * (new[:fade].astype(np.float32) - old))
    canvas[first + fade : start + len(piece)] = new[fade:]


def _like(picture, rgb, scale):
    """Enlarged RGB pixels with the gray or the alpha of the picture that they come from."""
    pixels = np.asarray(Image.fromarray(rgb).convert("L")) if picture.is_gray else rgb
    if picture.alpha is None:
        return pixels
    height, width = picture.alpha.shape
    colours = np.broadcast_to(pixels[..., None], rgb.shape) if picture.is_gray else pixels
    return np.dstack([colours, resize(picture.alpha, height * scale, width * scale)])


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
