"""How the rows of a table are measured: on pairs, on real small faces, or by the small faces that they generate."""

import dataclasses
from pathlib import Path

from keras_facesr import presets
from keras_facesr.data.blind import CHAINS, Blind
from keras_facesr.data.datasets import open_dataset, spread
from keras_facesr.data.degrade import ALIASED, degrade
from keras_facesr.data.framing import FRAMINGS, points_in
from keras_facesr.data.images import read_picture
from keras_facesr.data.sets import ArraySet
from keras_facesr.inference.methods import KerasDegradation, KerasJudge, KerasMethod, KerasReader
from keras_facesr.metrics.identity import Embedding
from keras_facesr.metrics.perceptual import SeenSet, impressions
from keras_facesr.metrics.protocol import Protocol, evaluate
from keras_facesr.metrics.report import in_one_line
from keras_facesr.metrics.unpaired import evaluate_unpaired
from keras_facesr.training.recipes.recipe import Source
from keras_facesr.training.sources import readable_of, square_of

# How stochastic methods, and those compared with them, are judged on each kind of data, as VarSR's tables need it.
JUDGED = {
    "celeba": {"samples": 10, "judge": "face_features"},
    "mnist": {"samples": 5, "reader": "digits_mnist"},
    "digits": {"samples": 5, "reader": "digits_plates"},
}


@dataclasses.dataclass(frozen=True)
class Trial:
    """Base of all ways to measure.

    Attributes:
        limit: measure on so many images, evenly spread over the test part; None for all.
    """

    limit: int | None = dataclasses.field(default=None, kw_only=True)

    @property
    def presets(self):
        """Names of the released networks that the trial needs."""
        roles = ("judge", "reader", "degradation")
        return [name for role in roles if (name := getattr(self, role, None)) not in (None, ALIASED, *CHAINS)]

    def test(self, source, data_dir):
        """The images of a source's test part that are measured."""
        return spread(open_dataset(Path(data_dir) / source.folder, split="test", kind=source.kind), self.limit)

    def decoded(self, source, data_dir):
        """The same images as uint8 (N, size, size, 3); files that cannot be read are named."""
        return readable_of(self.test(source, data_dir), source.size)[0]

    def judging(self):
        """The network that judges."""
        return KerasJudge(self.judge, presets.load(self.judge))


@dataclasses.dataclass(frozen=True)
class Pairs(Trial):
    """The protocol's figures on pairs made from a test part.

    Attributes:
        source: source of the true images; with a framing, each picture is cut to it by the mean face's square.
        scale: enlargement.
        samples: answers to draw from each stochastic network.
        independent: whether these are drawn independently, not spread.
        judge, reader, degradation: presets, see ``protocol.evaluate``; the last may also be ``ALIASED`` or in ``CHAINS``.
        identity: whether dlib judges whom the answers show, for a set whose framing is known (extra ``identity``).
    """

    source: Source
    scale: int
    samples: int = 0
    independent: bool = False
    judge: str | None = None
    reader: str | None = None
    degradation: str | None = None
    identity: bool = False

    @property
    def sources(self):
        """The sources that it measures on."""
        return (self.source,)

    def measure(self, networks, data_dir, on_image=None):
        """The report of ``protocol.evaluate`` for networks, name -> model."""
        test = self.test(self.source, data_dir)
        pictures = test.rgb() if isinstance(test, ArraySet) else (read_picture(file).rgb for file in test.files)
        how = {"judge": self.judging()} if self.judge else {}
        if self.reader:
            how |= {"reader": KerasReader(self.reader, presets.load(self.reader)), "labels": test.labels}
        antialias = self.degradation != ALIASED
        if self.degradation in CHAINS:
            how["degradation"] = Blind(self.degradation, self.scale)
        elif self.degradation and antialias:
            how["degradation"] = KerasDegradation(self.degradation, presets.load(self.degradation))
        methods = {name: KerasMethod(network, independent=self.independent) for name, network in networks.items()}
        square = square_of(self.source) if self.source.framing else None
        if self.identity:
            how["identity"] = Embedding.of_set(self.source.kind, square)
        if self.source.kind in FRAMINGS:
            how["face"] = points_in(square, within=self.source.kind)
        protocol = Protocol(self.scale, self.source.size, antialias=antialias, square=square)
        return evaluate(methods, pictures, protocol, samples=self.samples, on_image=on_image, **how)

    def in_words(self, report):
        """What was measured, in one line."""
        return in_one_line(report)


@dataclasses.dataclass(frozen=True)
class RealFaces(Trial):
    """Distances between enlarged real small faces and clean faces, as sets (``metrics.unpaired``)."""

    small: Source
    clean: Source
    scale: int
    judge: str

    @property
    def sources(self):
        return (self.small, self.clean)

    def measure(self, networks, data_dir, on_image=None):
        """The report of ``unpaired.evaluate_unpaired`` for networks, name -> model."""
        methods = {name: KerasMethod(network) for name, network in networks.items()}
        small, clean = (self.decoded(source, data_dir) for source in self.sources)
        return evaluate_unpaired(methods, small, clean, self.scale, self.judging(), on_image=on_image)

    def in_words(self, report):
        return in_one_line(report)


@dataclasses.dataclass(frozen=True)
class MadeFaces(Trial):
    """Distances between real small faces and those that styleVAEs generate from clean faces, as sets."""

    clean: Source
    real: Source
    scale: int
    judge: str

    @property
    def sources(self):
        return (self.clean, self.real)

    def measure(self, networks, data_dir, on_image=None):
        """Fréchet distances between the judge's features of real small faces and of those that each network generates.

        ``{"judge", "clean", "images", "models": {"bicubic": {"textures", "frechet"}, ...}}`` for networks, name -> model.
        """
        clean, real = (self.decoded(source, data_dir) for source in self.sources)
        judge = self.judging()
        truth = SeenSet().add(impressions(judge.see(real)))
        made = {"bicubic": degrade(clean, self.scale)}
        for name, network in networks.items():
            made[name] = KerasDegradation(name, network).reduce(clean, range(len(clean)))
        seen = {name: SeenSet().add(impressions(judge.see(images))) for name, images in made.items()}
        distances = {name: faces.distances(truth) for name, faces in seen.items()}
        return {"judge": judge.name, "clean": len(clean), "images": len(real), "models": distances}

    def in_words(self, report):
        return (
            f"x{self.scale}; {report['images']} real small faces, {report['clean']} clean ones reduced; Fréchet "
            f"distances of the textures and of the faces that {report['judge']} sees in both, not FID"
        )
