"""The tasks of recipes: which batches a network is trained on, how it is judged, and which pictures are shown."""

import functools
import itertools

import keras
import numpy as np

from keras_facesr import backend, presets
from keras_facesr.data.blind import blind, with_light_of
from keras_facesr.data.cache import made_once
from keras_facesr.data.datasets import MIRRORED_MASK_CLASSES
from keras_facesr.data.degrade import ALIASED, degrade
from keras_facesr.data.framing import cut
from keras_facesr.data.images import to_uint8, to_unit
from keras_facesr.data.labelled import LabelStream, MaskStream
from keras_facesr.data.pipeline import FaceStream, PairStream, UnpairedStream
from keras_facesr.errors import TrainingError
from keras_facesr.inference.methods import KerasJudge
from keras_facesr.inference.tiles import passes
from keras_facesr.metrics.attributes import ranked_rightly
from keras_facesr.metrics.fidelity import closeness
from keras_facesr.metrics.parsing import intersection_over_union
from keras_facesr.metrics.perceptual import SeenSet, impressions
from keras_facesr.models.base import FaceSR
from keras_facesr.models.component_network import COMPONENTS
from keras_facesr.models.face_features import ATTRIBUTES
from keras_facesr.training.recipes.recipe import JUDGE
from keras_facesr.training.sources import images_of, labelled, masked, split, square_of, training_parts, training_set

VARIANTS = 8  # LR images made of each HR image by a styleVAE
STARTS = 2  # the same, where a chain goes on from one of them
SHOWN = 4  # validation images in the TensorBoard grid


class SuperResolution:
    """Pairs of small and large images; judged by PSNR and SSIM on held-out images of the first source.

    Every task is made from ``(recipe, data_dir, model)`` and has ``stream``, ``validate``, ``pictures``, and ``score``, the
    name of the figure that is highest for the best weights.
    """

    score = "val_psnr"
    pictures_name = "lr_sr_hr"

    def __init__(self, recipe, data_dir, model):
        self.recipe, self.data_dir, self.model = recipe, data_dir, model
        _, validation_part = split(recipe, data_dir)
        self.degrades = degradation(recipe.degradation, model.scale, recipe.seed)
        first = recipe.sources[0]
        held_out = images_of(first, data_dir, validation_part)
        if first.framing:
            held_out = np.stack([cut(picture, square_of(first), first.size) for picture in held_out])
        self.validation = PairStream(held_out, model.scale, 1, degrades=self.degrades)

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        images, sources = [], []
        for source, part in training_parts(self.recipe, self.data_dir, stage):
            images += [images_of(source, self.data_dir, part)] * source.times
            sources += [source] * source.times
        if (first := sources[0]).framing:
            squares = [square_of(source) for source in sources]
            afresh = {"blind": blind, ALIASED: aliased}.get(self.recipe.degradation)
            how = {"afresh": afresh, "light": stage.light, "turns": [source.turn for source in sources]}
            return FaceStream(images, squares, first.size, self.model.scale, stage.batch_size, seed, **how)
        how = {"augmentation": stage.augmentation, "crop": self.recipe.crop, "degrades": self.degrades}
        if self.recipe.crop and type(self.model).prepare is not FaceSR.prepare:
            # What needs whole pictures is computed before they are cut.
            how["prepare"] = lambda lr: made_once(functools.partial(prepared, self.model), lr)
        if self.recipe.degradation == "blind":
            how |= {"afresh": blind} if "prepare" in how else {"afresh": blind, "degrades": None}
            if self.recipe.learnt_start:  # of no other chain
                how["starts"] = learnt_starts(self.recipe.learnt_start, self.model.scale, self.recipe.seed)
        return PairStream(images, self.model.scale, stage.batch_size, seed, **how)

    def validate(self, model):
        """Mean PSNR (dB) and, if its window fits, SSIM of the current answer over the validation images, 8 bits, RGB."""
        hr = self.validation.sets[0][1]
        answers = (to_uint8(answer(model, self.validation.images(part)[0])) for part in passes(hr))
        scores = [closeness(sr, truth) for sr, truth in zip(itertools.chain.from_iterable(answers), hr)]
        return {f"val_{name}": float(np.mean([of_one[name] for of_one in scores])) for name in scores[0]}

    def pictures(self, model):
        """Validation faces as rows: input (enlarged by repetition), output, truth; uint8 (rows, columns, 3)."""
        lr, hr = self.validation.images(range(min(SHOWN, self.validation.count)))
        sr = np.concatenate([answer(model, lr[part]) for part in passes(hr)])
        repeated = lr.repeat(model.scale, axis=1).repeat(model.scale, axis=2)
        return to_uint8(np.concatenate(np.concatenate([repeated, sr, hr], axis=2), axis=0))


class Degradation:
    """Clean faces of the first source, real small ones of the second; judged by how alike generated and real faces are.

    The score is minus the Fréchet distance of the textures, by the preset ``JUDGE``, of held-out faces.
    """

    score = "val_likeness"
    pictures_name = "clean_in_styles"

    def __init__(self, recipe, data_dir, model):
        self.training, self.validation = zip(
            *([images_of(source, data_dir, part) for part in split(recipe, data_dir, source)] for source in recipe.sources)
        )
        self.judge = KerasJudge(JUDGE, presets.load(JUDGE))

    def stream(self, stage, seed):
        """Training batches for ``fit``: real small faces, clean large ones."""
        clean, real = self.training
        return UnpairedStream(real, clean, stage.batch_size, seed)

    def validate(self, model):
        """Minus the distance, and that of bicubic reduction for comparison."""
        clean, real = self.validation
        reduced = degrade(clean, model.scale)
        made = to_uint8(model.degrade(to_unit(clean), seed=0))
        true, *others = (SeenSet().add(impressions(self.judge.see(images))) for images in (real, made, reduced))
        likeness, of_bicubic = (-seen.distances(true)["textures"] for seen in others)
        return {"val_likeness": likeness, "val_likeness_bicubic": of_bicubic}

    def pictures(self, model):
        """Clean validation faces as rows: reduced by bicubic, then in four styles."""
        clean = self.validation[0][:SHOWN]
        pixels = to_unit(clean)
        columns = [degrade(clean, model.scale), *(to_uint8(model.degrade(pixels, seed=k)) for k in range(4))]
        return np.concatenate(np.concatenate(columns, axis=2), axis=0)


class FaceParsing:
    """Images and masks of CelebAMask-HQ; judged by the components' intersection over union on held-out images."""

    score = "val_iou"
    pictures_name = "image_components_truth"

    def __init__(self, recipe, data_dir, model):
        self.training, self.validation = (masked(recipe.sources[0], data_dir, part) for part in split(recipe, data_dir))

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        return MaskStream(*self.training, stage.batch_size, MIRRORED_MASK_CLASSES, seed)

    def validate(self, model):
        """Intersection over union of hair, skin and parts, and their mean, each in [0, 1]."""
        images, masks = self.validation
        shares = intersection_over_union(parsed(model, images), masks, COMPONENTS)
        return {"val_iou": float(np.nanmean(list(shares.values()))), **{f"val_iou_{name}": iou for name, iou in shares.items()}}

    def pictures(self, model):
        """Validation faces as rows: image, predicted components, true components (hair red, skin green, parts blue)."""
        images, masks = (part[:SHOWN] for part in self.validation)
        maps = [
            np.stack([np.isin(classes, group) for group in COMPONENTS.values()], axis=-1).astype(np.uint8) * 255
            for classes in (parsed(model, images), masks)
        ]
        return np.concatenate(np.concatenate([images, *maps], axis=2), axis=0)


class FaceAttributes:
    """Faces with their attributes and ages; judged by how well the predicted attributes rank held-out images."""

    score = "val_ranked_rightly"
    pictures_name = "from_serious_to_smiling"

    def __init__(self, recipe, data_dir, model):
        first, *others = recipe.sources
        training_part, validation_part = split(recipe, data_dir)
        parts = [labelled(first, data_dir, training_part), *(labelled(source, data_dir) for source in others)]
        self.training = tuple(map(np.concatenate, zip(*parts)))
        self.validation = labelled(first, data_dir, validation_part)

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        return LabelStream(*self.training, stage.batch_size, seed)

    def validate(self, model):
        """How often a face with an attribute scores above one without it, in [0, 1]: mean over the attributes.

        Attributes that all or none of the faces have are left out.
        """
        images, labels = self.validation
        return {"val_ranked_rightly": float(np.nanmean(ranked_rightly(told(model, images)[:, :-1], labels[:, :-1])))}

    def pictures(self, model):
        """Validation faces in a row, from the least to the most smiling."""
        images = self.validation[0][:32]
        smile = told(model, images)[:, ATTRIBUTES.index("Smiling")]
        return np.concatenate(images[np.argsort(smile)], axis=1)


class DigitReading:
    """Images of single digits with their labels; judged by the share of held-out images that is read correctly."""

    score = "val_accuracy"
    pictures_name = "sorted_by_digit"

    def __init__(self, recipe, data_dir, model):
        source = recipe.sources[0]
        digits = training_set(source, data_dir)
        self.training, self.validation = (
            (part.resized(*source.shape), part.labels) for part in map(digits.subset, split(recipe, data_dir))
        )

    def stream(self, stage, seed):
        """Training batches for ``fit``."""
        return LabelStream(*self.training, stage.batch_size, seed, mirror=False, coarsest=1)

    def validate(self, model):
        """Share of the digits that are read correctly, in [0, 1]."""
        images, labels = self.validation
        return {"val_accuracy": float(np.mean(np.argmax(told(model, images), axis=-1) == labels))}

    def pictures(self, model):
        """Validation digits in a row, sorted by the digit that the network reads."""
        images = self.validation[0][:32]
        return np.concatenate(images[np.argsort(np.argmax(told(model, images), axis=-1))], axis=1)


TASKS = {
    "super-resolution": SuperResolution,
    "degradation": Degradation,
    "face parsing": FaceParsing,
    "face attributes": FaceAttributes,
    "digit reading": DigitReading,
}


def told(model, images):
    """The model's answers to uint8 (N, H, W, 3): float32 (N, ...)."""
    return np.concatenate(list(in_batches(model, images, 64)))


def in_batches(model, images, batch_size):
    """The same answers, batch by batch."""
    for start in range(0, len(images), batch_size):
        with backend.no_gradients():  # `predict` would return the answers of every replica
            answers = keras.ops.convert_to_numpy(model(to_unit(images[start : start + batch_size])))
        yield answers


def parsed(model, images):
    """The most probable class of each pixel of uint8 (N, H, W, 3): integer (N, H, W)."""
    return np.concatenate([np.argmax(logits, axis=-1) for logits in in_batches(model, images, 8)])


def degradation(name, scale, seed):
    """The function ``degrades`` of a ``PairStream`` for a ``Recipe.degradation``; None for "bicubic".

    The preset of a ``StyleVAE`` makes ``VARIANTS`` LR images of each HR image. "blind" makes one, for validation and
    for what is computed from whole images; in training ``PairStream`` spoils each part afresh.
    """
    if name == "bicubic":
        return None
    if name == ALIASED:
        return lambda images: [degrade(images, scale, antialias=False)]
    if name == "blind":
        rng = np.random.default_rng(seed)
        return lambda images: [np.stack([blind(image, scale, rng) for image in images])]
    return painted(name, scale, seed, VARIANTS)


def painted(name, scale, seed, variants):
    """A function from HR images to so many lists of LR images, uint8, as the preset of a ``StyleVAE`` spoils them."""
    painter = presets.load(name)
    if painter.scale != scale:
        raise TrainingError(f"{name} reduces {painter.scale} times, the network enlarges {scale} times")

    def once(style_seed, images):
        parts = [to_unit(images[part]) for part in passes(images)]
        return np.concatenate([to_uint8(painter.degrade(part, seed=style_seed + k)) for k, part in enumerate(parts)])

    makers = [functools.partial(once, (seed * variants + k) * 10_000) for k in range(variants)]
    return lambda images: [made_once(make, images) for make in makers]


def learnt_starts(name, scale, seed):
    """A function from HR images to lists of LR images, uint8, as a preset ``StyleVAE`` spoils them, in their own light."""
    paint = painted(name, scale, seed, STARTS)

    def starts(images):
        clean = degrade(images, scale)
        return [np.stack([with_light_of(*pair) for pair in zip(clean, lr)]) for lr in paint(images)]

    return starts


def aliased(hr, scale, chance):
    """The small image of one without antialiasing, as ``FaceStream`` calls it: nothing of it is left to chance."""
    return degrade(hr, scale, antialias=False)


def answer(model, lr):
    """The output that the phase in training improves, float32 NumPy in [0, 1]."""
    with backend.no_gradients():
        return keras.ops.convert_to_numpy(model.validation_answer(keras.ops.convert_to_tensor(lr)))


def prepared(model, lr):
    """``model.prepare`` of whole 8-bit images, computed in passes and rounded to 8 bits again."""
    parts = (to_unit(lr[part]) for part in passes(lr, model.scale**2))
    with backend.no_gradients():
        return np.concatenate([to_uint8(model.prepare(keras.ops.convert_to_tensor(part))) for part in parts])
