"""The published networks: what names their tensors have, what these tell of the network, and which layer of ours each is.

All tables are in BasicSR's names, or else in the authors'; ``renames`` bring the older ones to these.
"""

import re

import numpy as np

from keras_facesr.exchange.parts import Part

ZERO_TO_ONE = {"mean": (0.0, 0.0, 0.0), "img_range": 1.0}
DIV2K = {"mean": (0.4488, 0.4371, 0.4040), "img_range": 255.0}  # colours of the set that EDSR and SRFBN were trained on


class Architecture:
    """A network of the field; a subclass has the name of our class for it.

    Attributes:
        marks: names of tensors that together no other network has.
        renames: (pattern, replacement) for the beginnings of older names.
        constants: pattern of the names of tensors that ``config`` takes up.
        centre: of the values that the published network computes on (``CentredSR``).
        holds_mean: whether the centre's colour is in the file, as the constants ``sub_mean`` and ``add_mean``.
        enlargements: what the published network is built for; None: any. If the input is unshuffled first, it is before that.
    """

    marks = renames = ()
    constants = "(?!)"
    centre = enlargements = None
    holds_mean = False

    @classmethod
    def renamed(cls, names):
        """Each of a file's names -> the name in the tables below."""
        new = {}
        for name in names:
            new[name] = name
            for pattern, replacement in cls.renames:
                new[name] = re.sub(f"^{pattern}", replacement, new[name])
        return new

    @classmethod
    def settled(cls, tensors):
        """The tensors by the names in the tables below, with what no layer of ours computes taken into those that some do."""
        return tensors

    @staticmethod
    def config(tensors):
        """Arguments of our class, from the tensors by name. KeyError or IndexError if they are not the network's."""
        raise NotImplementedError

    @staticmethod
    def parts(model):
        """The ``Part``s of our network, from the first convolution to the last."""
        raise NotImplementedError


class RRDBNet(Architecture):
    """ESRGAN's, in BasicSR's names, those of its first repository, and those between."""

    marks = ("conv_first.weight", "body.0.rdb1.conv1.weight")
    renames = (
        (r"RRDB_trunk\.(\d+)\.RDB(\d)\.", r"body.\1.rdb\2."),
        (r"trunk_conv\.", "conv_body."),
        (r"upconv(\d)\.", r"conv_up\1."),
        (r"HRconv\.", "conv_hr."),
        (r"model\.0\.", "conv_first."),
        (r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.", r"body.\1.rdb\2.conv\3."),
        (r"model\.1\.sub\.\d+\.(?=weight|bias)", "conv_body."),
    )
    centre, enlargements = ZERO_TO_ONE, (4,)

    @classmethod
    def renamed(cls, names):
        """The first repository numbers all layers behind the blocks; of those with weights the last two double nothing."""
        new = super().renamed(names)
        numbers = sorted({int(found[1]) for name in new.values() if (found := re.match(r"model\.(\d+)\.(weight|bias)$", name))})
        ups = [f"conv_up{k}" for k in range(1, len(numbers) - 1)]
        for number, module in zip(numbers, [*ups, "conv_hr", "conv_last"]):
            new = {name: re.sub(rf"^model\.{number}\.", f"{module}.", known) for name, known in new.items()}
        return new

    @staticmethod
    def config(tensors):
        channels, inputs = (tensors["conv_first.weight"].shape[axis] for axis in (0, 1))
        unshuffle = {12: 2, 48: 4}.get(inputs, 1)
        return {
            "scale": 2 ** count(tensors, r"conv_up(\d)\.weight") // unshuffle,
            "channels": channels,
            "blocks": count(tensors, r"body\.(\d+)\."),
            "growth": tensors["body.0.rdb1.conv1.weight"].shape[0],
            "unshuffle": unshuffle,
            **ZERO_TO_ONE,
        }

    @staticmethod
    def parts(model):
        stem = model.stem.layers[-1] if model.unshuffle > 1 else model.stem
        yield Part(stem, "conv_first", unshuffle=model.unshuffle)
        *rrdbs, trunk = model.body.layers
        for i, rrdb in enumerate(rrdbs):
            for j, block in enumerate(rrdb.stack.layers, start=1):
                for k, convolution in enumerate([*(step.conv for step in block.steps), block.fusion], start=1):
                    yield Part(convolution, f"body.{i}.rdb{j}.conv{k}")
        yield Part(trunk, "conv_body")
        *ups, last, image = [layer for layer in model.upsampler.layers if layer.weights]
        for k, up in enumerate(ups, start=1):
            yield Part(up.conv, f"conv_up{k}")
        yield Part(last.conv, "conv_hr")
        yield Part(image, "conv_last")


class SRVGGNetCompact(Architecture):
    marks = ("body.0.weight", "body.1.weight")
    centre = ZERO_TO_ONE

    @staticmethod
    def config(tensors):
        convolutions = [array for array in tensors.values() if array.ndim == 4]
        last = tensors[f"body.{2 * len(convolutions) - 2}.weight"]
        channels = tensors["body.0.weight"].shape[0]
        return {"scale": round((last.shape[0] / 3) ** 0.5), "channels": channels, "convolutions": len(convolutions) - 2}

    @staticmethod
    def parts(model):
        *blocks, last = model.body.layers
        for k, block in enumerate(blocks):
            yield Part(block.conv, f"body.{2 * k}")
            yield Part(block.activation, f"body.{2 * k + 1}")
        yield Part(last, f"body.{2 * len(blocks)}", shuffle=model.scale)


class MSRResNet(Architecture):
    """BasicSR's SRResNet, in its names and those of its predecessor, MMSR."""

    marks = ("upconv1.weight", "body.0.conv1.weight", "conv_hr.weight")
    renames = ((r"recon_trunk\.", "body."), (r"HRconv\.", "conv_hr."))
    centre, enlargements = ZERO_TO_ONE, (2, 3, 4)

    @staticmethod
    def config(tensors):
        channels = tensors["conv_first.weight"].shape[0]
        scale = enlargement(tensors, r"upconv\d\.weight", channels)
        return {"scale": scale, "channels": channels, "blocks": count(tensors, r"body\.(\d+)\.")}

    @staticmethod
    def parts(model):
        yield Part(model.stem.conv, "conv_first")
        yield from residual_parts(model.body.layers)
        yield from shuffled(model.upsampler, "upconv{number}")
        yield Part(model.upsampler.layers[-2].conv, "conv_hr")
        yield Part(model.upsampler.layers[-1], "conv_last")


class EDSR(Architecture):
    """In BasicSR's names, and in those of the authors."""

    marks = ("conv_after_body.weight", "body.0.conv1.weight", "upsample.0.weight")
    renames = (
        (r"head\.0\.", "conv_first."),
        (r"body\.(\d+)\.body\.0\.", r"body.\1.conv1."),
        (r"body\.(\d+)\.body\.2\.", r"body.\1.conv2."),
        (r"body\.\d+\.(?=weight|bias)", "conv_after_body."),
        (r"tail\.0\.", "upsample."),
        (r"tail\.1\.", "conv_last."),
    )
    constants = r"(sub|add)_mean\."
    centre = DIV2K

    @classmethod
    def settled(cls, tensors):
        return straightened(tensors, "conv_first", "conv_last")

    @staticmethod
    def config(tensors):
        channels = tensors["conv_first.weight"].shape[0]
        return {
            "scale": enlargement(tensors, r"upsample\.\d\.weight", channels),
            "channels": channels,
            "blocks": count(tensors, r"body\.(\d+)\."),
            "residual_scaling": 0.1 if channels == 256 else 1.0,  # of the published networks; no tensor tells it
            **mean_shift(tensors),
        }

    @staticmethod
    def parts(model):
        yield Part(model.stem, "conv_first")
        *blocks, last = model.body.layers
        yield from residual_parts(blocks)
        yield Part(last, "conv_after_body")
        yield from shuffled(model.upsampler, "upsample.{place}")
        yield Part(model.upsampler.layers[-1], "conv_last")


class RDN(Architecture):
    """In the authors' names."""

    marks = ("SFENet1.weight", "RDBs.0.convs.0.conv.0.weight")
    centre = {"mean": (0.0, 0.0, 0.0), "img_range": 255.0}

    @staticmethod
    def config(tensors):
        channels = tensors["SFENet1.weight"].shape[0]
        ups = {name: array for name, array in tensors.items() if re.fullmatch(r"UPNet\.\d\.weight", name)}
        last = ups.pop(max(ups, default="UPNet.0.weight"))
        return {
            "scale": enlargement(ups, ".*", last.shape[1]),
            "channels": channels,
            "blocks": count(tensors, r"RDBs\.(\d+)\."),
            "convolutions": count(tensors, r"RDBs\.0\.convs\.(\d+)\."),
            "growth": tensors["RDBs.0.convs.0.conv.0.weight"].shape[0],
            **RDN.centre,
        }

    @staticmethod
    def parts(model):
        yield Part(model.stem, "SFENet1")
        yield Part(model.body.first, "SFENet2")
        for i, block in enumerate(model.body.blocks):
            for k, step in enumerate(block.steps):
                yield Part(step.conv, f"RDBs.{i}.convs.{k}.conv.0")
            yield Part(block.fusion, f"RDBs.{i}.LFF")
        for k, convolution in enumerate(model.body.fusion.layers):
            yield Part(convolution, f"GFF.{k}")
        yield from shuffled(model.upsampler, "UPNet.{place}")
        yield Part(model.upsampler.layers[-1], f"UPNet.{len(model.upsampler.layers) - 1}")


class SRFBN(Architecture):
    """In the authors' names."""

    marks = ("block.compress_in.0.weight", "block.upBlocks.0.0.weight")
    constants = r"(sub|add)_mean\."
    centre, holds_mean = DIV2K, True

    @classmethod
    def settled(cls, tensors):
        return straightened(tensors, "conv_in.0", "conv_out.0")

    @staticmethod
    def config(tensors):
        mixing = tensors["add_mean.weight"].reshape(3, 3) if "add_mean.weight" in tensors else np.eye(3)
        return {
            "scale": tensors["block.upBlocks.0.0.weight"].shape[2] - 4,
            "channels": tensors["block.compress_in.0.weight"].shape[0],
            "groups": count(tensors, r"block\.upBlocks\.(\d+)\."),
            "mixing": None if np.array_equal(mixing, np.eye(3)) else mixing.tolist(),
            **mean_shift(tensors),
        }

    @staticmethod
    def parts(model):
        block, (widen, narrow), (up, image) = model.feedback, model.stem.layers, model.reconstruction.layers
        groups = {"up": block.ups, "down": block.downs, "uptran": block.up_fusions, "downtran": block.down_fusions}
        named = {"conv_in": widen, "feat_in": narrow, "block.compress_in": block.compress_in}
        named |= {f"block.{name}Blocks.{i}": each for name, blocks in groups.items() for i, each in enumerate(blocks)}
        named |= {"block.compress_out": block.compress_out, "out": up}
        for name, each in named.items():
            yield Part(each.conv, f"{name}.0")
            yield Part(each.activation, f"{name}.1")
        yield Part(image, "conv_out.0")


ARCHITECTURES = {each.__name__: each for each in (RRDBNet, SRVGGNetCompact, MSRResNet, EDSR, RDN, SRFBN)}


def count(tensors, pattern):
    """How many different numbers a pattern finds in the names."""
    return len({found[1] for name in tensors if (found := re.match(pattern, name))})


def enlargement(tensors, pattern, width):
    """By how much the pixel shuffles behind the convolutions of this pattern enlarge maps of ``width`` channels."""
    outputs = [array.shape[0] for name, array in tensors.items() if re.fullmatch(pattern, name)]
    return round(float(np.prod([channels / width for channels in outputs])) ** 0.5)


def straightened(tensors, first, last):
    """The tensors of the same network whose ``sub_mean`` only shifts colours and whose ``add_mean`` shifts them back.

    Both are 1x1 convolutions, and programs of 2018 and 2019 trained them by mistake (sanghyun-son/EDSR-PyTorch #80,
    Paper99/SRFBN_CVPR19 #45). The matrix of the first goes into the convolution ``first``, all that the second does to the
    output of the convolution ``last`` into that one; ``add_mean.weight`` stays for what comes past both, a skip.
    """
    if not any(re.match(EDSR.constants, name) for name in tensors):
        return tensors
    before, after = (tensors[f"{name}_mean.bias"].astype(float) for name in ("sub", "add"))
    there, back = (tensors[f"{name}_mean.weight"].squeeze().astype(float) for name in ("sub", "add"))
    if all(np.array_equal(matrix, np.eye(3)) for matrix in (there, back)) and np.array_equal(before, -after):
        return tensors
    colour = -np.linalg.solve(there, before)  # that becomes 0, which convolutions pad with
    kernel, bias = (tensors[f"{last}.{name}"] for name in ("weight", "bias"))
    changed = {
        f"{first}.weight": np.einsum("oirc,ij->ojrc", tensors[f"{first}.weight"], there),
        f"{last}.weight": np.einsum("ij,jorc->iorc", back, kernel),
        f"{last}.bias": back @ bias + after - colour,
        **{"sub_mean.weight": np.eye(3), "sub_mean.bias": -colour, "add_mean.weight": back @ there, "add_mean.bias": colour},
    }
    return tensors | {name: array.astype("float32") for name, array in changed.items()}


def mean_shift(tensors):
    """The centre of the values that a network computes on, from the colour that its file subtracts and adds, if any."""
    if "sub_mean.bias" not in tensors:
        return DIV2K
    subtracted = tensors["sub_mean.bias"]
    img_range = 1.0 if 0 < np.abs(subtracted).max() <= 1 else 255.0
    return {"mean": tuple(round(float(-value) / img_range, 6) for value in subtracted), "img_range": img_range}


def mean_tensors(mean, img_range):
    """The tensors that ``mean_shift`` reads."""
    straight = np.eye(3, dtype="float32").reshape(3, 3, 1, 1)
    shift = img_range * np.array(mean, "float32")  # rounded as PyTorch does
    return {"sub_mean.weight": straight, "sub_mean.bias": -shift, "add_mean.weight": straight, "add_mean.bias": shift}


def residual_parts(blocks):
    """Those of residual blocks without normalisation."""
    for i, block in enumerate(blocks):
        yield Part(block.first.conv, f"body.{i}.conv1")
        yield Part(block.second, f"body.{i}.conv2")


def shuffled(upsampler, name):
    """The convolutions of a stack that a pixel shuffle follows; ``name`` tells their place in the stack, or their number."""
    pairs = [(k, *pair) for k, pair in enumerate(zip(upsampler.layers, upsampler.layers[1:])) if hasattr(pair[1], "factor")]
    for number, (place, convolution, shuffle) in enumerate(pairs, start=1):
        yield Part(convolution, name.format(place=place, number=number), shuffle=shuffle.factor)
