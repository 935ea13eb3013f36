"""The classes of a recipe: the network, the data, and the stages of training."""

import dataclasses

from keras_facesr import classes, presets
from keras_facesr.data.degrade import ALIASED
from keras_facesr.errors import TrainingError, check_choice, check_whole_number

IMAGE_UNIT = 1600  # budgets are multiples of so many images: whole batches of any usual size
JUDGE = "face_features"  # the preset that judges how alike generated and real small faces are
DATA_SETS = {  # by a source's folder, or by its kind
    "utkface": "UTKFace",
    "celeba": "CelebA",
    "celebamask": "CelebAMask-HQ",
    "lfw": "LFW",
    "mnist": "MNIST",
    "digits": "digits cut from licence plates",
    "faces_512": "faces of at least 512 px from a collection for non-commercial research",
    "wider_lq": "small faces cut from WIDER FACE (CC BY-NC-ND 2.0)",
}
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
FEATURES_WEIGHT = 0.01  # bicubic's errors of JUDGE's features then count about as much as its errors of pixels


@dataclasses.dataclass(frozen=True)
class Stage:
    """One ``fit`` with an optimiser of its own.

    Attributes:
        steps: training steps, a multiple of ``check_every``.
        batch_size: images per step.
        learning_rate: the peak; the rate rises over ``warmup`` steps and falls to zero along a cosine.
        critic_rate: the critic's learning rate, as a multiple of the network's.
        optimizer: a name in ``optimizers.OPTIMIZERS``, such as ``"adam"``, ``"adversarial_adam"`` or ``"muon"``.
        phase: the model's phase, for models that train in phases.
        loss: for models without an objective of their own.
        features: preset whose feature maps an adversarial model's perceptual loss compares.
        warmup: steps in which the rate rises linearly, at most a tenth of the stage's.
        augmentation: None, "mirror" or "six" (``data.pipeline.AUGMENTATIONS``).
        light: of framed faces, the share by which their light varies (``data.pipeline.FaceStream``).
        ema: momentum of the weights' exponential moving average, which is validated and released.
        keep: "best" keeps the weights that score best in validation, "last" the latest. "last" is for adversarial stages:
            measured by pixels, their first weights would be the best.
        check_every: steps between validations and checkpoints.
        sources: the images of this stage; empty: the recipe's.
        jit_compile: whether XLA compiles the step. On a CPU this is faster for narrow networks at the input's size, and
            slower for convolutions of few channels at the output's size.
    """

    steps: int
    batch_size: int
    learning_rate: float
    critic_rate: float = 1.0
    optimizer: str = "adam"
    phase: int | None = None
    loss: str | None = None
    features: str | None = None
    warmup: int = 100
    augmentation: str | None = "mirror"
    light: float = 0.0
    ema: float = 0.995
    keep: str = "best"
    check_every: int = 500
    jit_compile: bool = True
    sources: tuple["Source", ...] = ()

    def __post_init__(self):
        if self.steps % self.check_every:
            raise ValueError(f"{self.steps} steps are not a multiple of check_every = {self.check_every}")
        check_choice(self.keep, "keep", ("best", "last"))

    @property
    def images(self):
        """Number of images that the network sees; an image that is seen again counts again."""
        return self.steps * self.batch_size

    def for_steps(self, steps):
        """The same stage over another number of steps, checked at least as often; rounded up to whole intervals."""
        checks = -(-steps // self.check_every)
        check_every = -(-steps // checks)
        return dataclasses.replace(self, steps=checks * check_every, check_every=check_every)

    def for_images(self, images):
        """The same stage over another number of images, a multiple of the batch size, checked at least as often."""
        steps = images // self.batch_size
        check_every = max(n for n in range(1, self.check_every + 1) if steps % n == 0)
        return dataclasses.replace(self, steps=steps, check_every=check_every)

    def prepare(self, model, jit_compile, accumulation=1):
        """Set a model's phase and compile it for this stage.

        Raises:
            TrainingError: the model has no phases, or the stage is too short for a single update.
        """
        import keras

        from keras_facesr.training.optimizers import OPTIMIZERS

        if self.phase is not None:
            if not hasattr(model, "phase"):
                raise TrainingError(f"{type(model).__name__} does not train in phases: leave out phase")
            model.phase = self.phase
        if accumulation > self.steps:
            raise TrainingError(f"an update takes {accumulation} batches, and this stage has {self.steps}: accumulate fewer")
        warmup = min(self.warmup, self.steps // 10)
        accumulated = {"gradient_accumulation_steps": accumulation} if accumulation > 1 else {}
        check_choice(self.optimizer, "optimizer", OPTIMIZERS)

        def optimizer(peak, times=1, **averages):
            decay, rise = times * (self.steps - warmup), times * warmup
            rate = keras.optimizers.schedules.CosineDecay(0.0, decay, warmup_target=peak, warmup_steps=rise)
            return OPTIMIZERS[self.optimizer](rate, **accumulated, **averages)

        on_tensorflow = keras.backend.backend() == "tensorflow"
        how = {"loss": self.loss, "jit_compile": jit_compile and self.jit_compile and on_tensorflow}
        if self.features:
            how["features"] = presets.load(self.features).maps
        turns = getattr(model, "critic_steps", 1)  # a schedule of the network's would end so many times too early
        if self.critic_rate != 1.0 or turns != 1:
            how["critic_optimizer"] = optimizer(self.critic_rate * self.learning_rate, turns)
        model.compile(optimizer(self.learning_rate, use_ema=True, ema_momentum=self.ema), **how)


@dataclasses.dataclass(frozen=True)
class Source:
    """Images to train on: the training part of one data set, at one size.

    Attributes:
        kind: the data set's kind (``data.datasets.open_dataset``).
        size: side in pixels of the square images that it is decoded to; for digits also (height, width).
        folder: the set's folder below DATA_DIR; empty for DATA_DIR itself.
        framing: the set whose framing its faces are cut to (``data.framing.FRAMINGS``), again each time they are seen; None:
            whole squares.
        whole: with a framing, side in pixels of the squares that faces are cut from.
        turn: with a framing, degrees by which half of its faces are turned at most, to either side.
        times: how often each image is seen in an epoch, so that a small set counts beside a large one.
    """

    kind: str
    size: int | tuple[int, int]
    folder: str = ""
    framing: str | None = None
    whole: int | None = None
    turn: float = 0.0
    times: int = 1

    @property
    def shape(self):
        """(height, width) of the images."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    @property
    def decoded_size(self):
        """The size that the files are decoded to (``data.cache.decoded``)."""
        return self.whole or self.size

    @property
    def data_set(self):
        """The data set's name on cards."""
        return DATA_SETS.get(self.folder) or DATA_SETS.get(self.kind, "pictures of a folder")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A preset's network, data and stages.

    Attributes:
        name: name of the preset that it makes.
        model_class: name of a class in ``classes.MODEL_CLASSES``.
        config: constructor arguments of that class.
        sources: the images, of all stages that name none of their own. The best weights are chosen by images of the first.
        stages: trained in sequence, each from the best weights of the one before.
        seed: of initial weights, order, flips and noise.
        task: what the network is trained for and how it is judged, a name in ``tasks.TASKS``.
        degradation: how small images are made for training: "bicubic", "aliased" (bicubic without antialiasing), "blind"
            (``data.blind``), or the preset of a ``StyleVAE``.
        learnt_start: for "blind", the preset of a ``StyleVAE`` from whose small images a share of the chains go on; None: none.
        precision: "float32", "mixed_bfloat16" or "mixed_float16", in which the network computes; its weights are float32.
        accumulation: number of batches whose mean gradient makes one update of the weights.
        epochs: passes over the data in each stage, instead of the stages' steps; None: their steps.
        crop: side of random HR crops in pixels, or None for whole images.
        validation_images: images of the first source that are held out to choose the best weights.
        start: preset whose released weights the first stage starts from; what they lack, such as a critic, starts anew.
        parts: attribute of a part of the model -> the preset whose released weights this part starts from.
    """

    name: str
    model_class: str
    config: dict
    sources: tuple[Source, ...]
    stages: tuple[Stage, ...]
    seed: int = 0
    task: str = "super-resolution"
    degradation: str = "bicubic"
    learnt_start: str | None = None
    precision: str = "float32"
    accumulation: int = 1
    epochs: int | None = None
    crop: int | None = None
    validation_images: int = 200
    start: str | None = None
    parts: dict[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        """Raise an error of one line about a change that cannot be carried out, or would have no effect."""
        check_whole_number(self.accumulation, "accumulation")
        check_whole_number(self.validation_images, "validation_images")
        check_whole_number(self.seed, "seed", least=0)
        if self.epochs is not None:
            check_whole_number(self.epochs, "epochs")
        check_choice(self.precision, "precision", PRECISIONS)
        check_choice(self.model_class, "model_class", classes.MODEL_CLASSES)
        if self.degradation != "bicubic" and self.task != "super-resolution":
            raise TrainingError(f"{self.name} is for {self.task}; a degradation is for super-resolution alone: leave it out")
        framed = any(source.framing for source in self.all_sources)
        if framed and self.stylevae:
            raise TrainingError(f"{self.name} cuts faces anew each time, and no styleVAE is so fast: take blind or aliased")
        if framed and (self.crop or any(stage.augmentation != "mirror" for stage in self.stages)):
            raise TrainingError(f"{self.name} cuts whole faces to a framing, mirrored or not: leave out crop and augmentation")
        if any(len({source.framing is None for source in part.sources}) > 1 for part in (self, *self.stages)):
            raise TrainingError(f"{self.name} cuts faces of some sources to a framing, of others not: give all one, or none")
        if any(source.whole and not source.framing for source in self.all_sources):
            raise TrainingError(f"{self.name} has no framing to cut its faces to, for which whole is: leave out whole")
        if not framed and any(stage.light for stage in self.stages):
            raise TrainingError(f"{self.name} has no framed faces, whose light alone varies: leave out light")
        if any(source.turn and not source.framing for source in self.all_sources):
            raise TrainingError(f"{self.name} turns no whole pictures, only faces that are cut to a framing: leave out turn")
        if self.task != "super-resolution" and any(stage.sources for stage in self.stages):
            raise TrainingError(f"{self.name} is for {self.task}, which has the same sources in all stages")

    @property
    def all_sources(self):
        """The sources of all stages, each once."""
        of_stages = [source for stage in self.stages for source in stage.sources]
        return tuple(dict.fromkeys([*self.sources, *of_stages]))

    @property
    def images(self):
        """Number of images that the network sees in all stages; an image that is seen again counts again."""
        return sum(stage.images for stage in self.stages)

    @property
    def config_without_critic(self):
        """Constructor arguments of the released network, which has no critic."""
        return {name: value for name, value in self.config.items() if name != "critic"}

    @property
    def spoils(self):
        """Whether small images are spoilt by more than reduction."""
        return self.degradation not in ("bicubic", ALIASED)

    @property
    def stylevae(self):
        """Name of the styleVAE preset that makes the small images; None if no network makes them."""
        return None if self.degradation in ("bicubic", ALIASED, "blind") else self.degradation

    @property
    def measured_with(self):
        """The degradation of the test images on its card, for "blind" the chain that is held out for it; None: bicubic."""
        return {"bicubic": None, "blind": "blind_held_out"}.get(self.degradation, self.degradation)

    @property
    def teachers(self):
        """Names of the presets whose released networks its training needs."""
        names = {self.start, *self.parts.values(), *(stage.features for stage in self.stages), self.stylevae, self.learnt_start}
        judge = {JUDGE} if self.task == "degradation" else set()
        return (names | judge) - {None}

    def for_images(self, images):
        """The same recipe for so many images in all; its stages keep their shares of them.

        Raises:
            TrainingError: ``images`` is not a multiple of ``IMAGE_UNIT``, or too small for so many stages.
        """
        if images == self.images:
            return self
        if images % IMAGE_UNIT or images < IMAGE_UNIT * len(self.stages):
            wanted = f"a multiple of {IMAGE_UNIT:,}, at least {IMAGE_UNIT * len(self.stages):,}"
            raise TrainingError(f"{images:,} images cannot be shared among the stages of {self.name}: give {wanted}")
        units = [max(1, round(stage.images * images / self.images / IMAGE_UNIT)) for stage in self.stages]
        units[units.index(max(units))] += images // IMAGE_UNIT - sum(units)  # what rounding has added or lost
        stages = [stage.for_images(IMAGE_UNIT * count) for stage, count in zip(self.stages, units)]
        return dataclasses.replace(self, stages=tuple(stages))

    def model(self):
        """A new, built network, whose ``parts`` have their released weights."""
        model = classes.build_model(self.model_class, self.config)
        for part, name in self.parts.items():
            getattr(model, part).load_weights(presets.released_weights(presets.find(name)))
        return model
