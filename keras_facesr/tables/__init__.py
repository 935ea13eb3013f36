"""The papers' tables, run again: ``facesr table NAME DATA_DIR --out RUNS_DIR``."""

from keras_facesr.errors import TableError
from keras_facesr.tables import cagface, sam, ssrvae, varsr
from keras_facesr.tables.table import Figure, Part, Row, Table

TABLES = {table.name: table for paper in (sam, varsr, ssrvae, cagface) for table in paper.TABLES}


def find(name):
    """The table of that name; ``TableError`` names the known ones."""
    if name not in TABLES:
        raise TableError(f"no table is called {name!r}; there are {', '.join(TABLES)}")
    return TABLES[name]


__all__ = ["TABLES", "Figure", "Part", "Row", "Table", "find"]
