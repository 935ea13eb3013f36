"""What a table of a paper says: its methods, which of our recipes each one is, how they are measured, and its figures."""

import dataclasses

from keras_facesr.tables.trials import Trial

BICUBIC = "bicubic"  # in place of a recipe: the row that every report has


@dataclasses.dataclass(frozen=True)
class Figure:
    """A column.

    Attributes:
        heading: the paper's figure, by its name there.
        keys: its name in our reports; the first that a method has, such as the best of several answers, then that of one.
        spec: format of both figures.
        ours: what our figure is, where it is not the same measure.
        higher_is_better: else lower is.
        unit: what our figures are divided by to be in the paper's unit.
        otherwise: the figure of a method that was measured without it, such as the share of what never occurs; None for "-".
    """

    heading: str
    keys: tuple[str, ...]
    spec: str = ".2f"
    ours: str = ""
    higher_is_better: bool = True
    unit: float = 1.0
    otherwise: float | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """A method.

    Attributes:
        method: by its name in the paper.
        recipe: name of the recipe that makes ours; ``BICUBIC``; or None where there is none.
        paper: the paper's figures, in the order of the part's ``figures``; None for one that it does not give.
        samples: answers to draw in this row, where it differs from the part's.
    """

    method: str
    recipe: str | None
    paper: tuple[float | None, ...]
    samples: int | None = None


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows that are measured alike, such as those of one data set and scale.

    Attributes:
        title: what the rows have in common.
        figures: the columns; methods stand in the order of each.
        rows: the methods, as in the paper.
        trial: how ours are measured; None where none is there to be measured.
        folder: below DATA_DIR, what the recipes and the trial know as DATA_DIR; empty for DATA_DIR itself.
        unfilled: why rows have no recipe, a sentence; empty where all have one.
    """

    title: str
    figures: tuple[Figure, ...]
    rows: tuple[Row, ...]
    trial: Trial | None
    folder: str = ""
    unfilled: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a paper.

    Attributes:
        name: as ``facesr table`` knows it.
        source: the paper and its table.
        budget: images that each network sees in training, unless the call says otherwise.
        parts: see ``Part``.
        remarks: what differs from the paper's experiment, sentences.
    """

    name: str
    source: str
    budget: int
    parts: tuple[Part, ...]
    remarks: str = ""

    @property
    def recipes(self):
        """The recipes that its rows need, in their order: name -> folder of its data below DATA_DIR."""
        return {row.recipe: part.folder for part in self.parts for row in part.rows if row.recipe not in (None, BICUBIC)}


def rows(methods, recipes, *columns):
    """Rows of a table that was printed sideways: each of ``columns`` has a figure for every method."""
    return tuple(Row(*row[:2], paper=row[2:]) for row in zip(methods, recipes, *columns, strict=True))
