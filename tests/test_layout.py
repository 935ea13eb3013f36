"""The code is laid out as docs/layout.md says: who imports whom, nobody in a circle, no file too long for a sitting."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "keras_facesr"
LONGEST = 350  # lines
ROW = re.compile(r"^\| `(\w+)` \| .+ \| (.*?) ?\|$", re.MULTILINE)


def module_of(file):
    """The dotted name of a file below the root; a package's is that of its folder."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def room_of(module):
    """The folder, or the file beside the folders, that a module stands in."""
    return module.split(".")[1] if "." in module else "__init__"


def imports(file):
    """The modules of this package that a file imports, at its top or within a function."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import"
            for name in node.names:
                module = f"{node.module}.{name.name}"
                yield from {module if module in FILES else node.module} & {*FILES}
        elif isinstance(node, ast.Import):
            yield from {name.name for name in node.names} & {*FILES}


GRAPH = {module: {*imports(file)} - {module} for module, file in FILES.items()}
ALLOWED = {room: re.findall(r"`(\w+)`", below) for room, below in ROW.findall((ROOT / "docs" / "layout.md").read_text())}


def test_the_page_names_every_room_and_no_other():
    assert [*ALLOWED] and {*ALLOWED} == {*map(room_of, FILES)}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_what_the_page_says(room):
    found = {room_of(other) for module, others in GRAPH.items() if room_of(module) == room for other in others} - {room}
    assert found <= {*ALLOWED[room]}, f"{room} imports {found - {*ALLOWED[room]}}"
    if room != "__init__":  # whose names are imported when they are first used
        assert found == {*ALLOWED[room]}, f"{room} no longer imports { ({*ALLOWED[room]} - found) }: the page says less"


def test_rooms_stand_above_what_they_import():
    order = [*ALLOWED]
    for room, below in ALLOWED.items():
        assert all(order.index(other) > order.index(room) for other in below), f"{room} stands below what it imports"


def test_no_files_import_each_other_in_a_circle():
    assert [*graphlib.TopologicalSorter(GRAPH).static_order()]  # CycleError names the files


@pytest.mark.parametrize("module", FILES)
def test_a_file_is_read_in_a_sitting(module):
    assert len(FILES[module].read_text(encoding="utf-8").splitlines()) <= LONGEST
