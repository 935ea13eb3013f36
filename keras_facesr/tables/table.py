"""The classes of a paper's table: its methods, our recipe for each, how they are measured, and the paper's figures."""

import dataclasses

from keras_facesr.tables.trials import Trial

BICUBIC = "bicubic"  # takes a recipe's place in the row that every report has


@dataclasses.dataclass(frozen=True)
class Figure:
    """A column.

    Attributes:
        heading: the figure's name in the paper.
        keys: its names in our reports. The first one that a method has counts: the best of several answers, then one answer's.
        spec: format of both figures.
        ours: what our figure is, if it is another measure than the paper's.
        higher_is_better: whether higher values are better; otherwise lower ones are.
        unit: our figures are divided by this to be in the paper's unit.
        otherwise: the value for a measured method without this figure, such as the share of what never occurs; None for "-".
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
        method: its name in the paper.
        recipe: name of our recipe for it; ``BICUBIC``; or None if there is no recipe.
        paper: the paper's figures, in the order of the part's ``figures``; None for one that the paper does not give.
        samples: answers to draw in this row, if their number differs from the part's.
        independent: whether they are drawn independently, not spread.
    """

    method: str
    recipe: str | None
    paper: tuple[float | None, ...]
    samples: int | None = None
    independent: bool = False


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows that are measured in the same way, such as those of one data set and scale.

    Attributes:
        title: what the rows have in common.
        figures: the columns; the report also has the order of the methods by each.
        rows: the methods, in the paper's order.
        trial: how our methods are measured; None if there is none to measure.
        folder: the folder below DATA_DIR that is the DATA_DIR of the recipes and of the trial; empty for DATA_DIR itself.
        unfilled: a sentence that says why rows have no recipe; empty if all have one.
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
        name: its name for ``facesr table``.
        source: the paper and the table's number.
        budget: images that each network sees in training, unless the call says otherwise; None: the networks are taken as
            they are released, since each is compared with itself alone.
        parts: see ``Part``.
        remarks: sentences that say what differs from the paper's experiment.
    """

    name: str
    source: str
    budget: int | None
    parts: tuple[Part, ...]
    remarks: str = ""

    @property
    def recipes(self):
        """The recipes that the rows need, in their order: name -> folder of the recipe's data below DATA_DIR."""
        return {row.recipe: part.folder for part in self.parts for row in part.rows if row.recipe not in (None, BICUBIC)}


def rows(methods, recipes, *columns):
    """The rows of a table that is given by columns: each of ``columns`` has a figure for every method."""
    return tuple(Row(*row[:2], paper=row[2:]) for row in zip(methods, recipes, *columns, strict=True))
