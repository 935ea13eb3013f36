"""Printing is not failing: whatever becomes of what a command says, its exit code is that of what it does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_facesr.cli import console

FULL = Path("/dev/full")  # takes nothing, as a full disk
COMMAND = [sys.executable, "-m", "keras_facesr"]


@pytest.fixture
def faces(tmp_path):
    """Two faces, named in Chinese."""
    (tmp_path / "脸").mkdir()
    for name in ("爱丽丝", "鲍勃"):
        Image.fromarray(np.full((16, 16, 3), 99, np.uint8)).save(tmp_path / "脸" / f"{name}.png")
    return tmp_path / "脸"


def run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **environment):
    """One command in a process of its own: (exit code, what it said on its error stream)."""
    environment = {**os.environ, **environment}
    process = subprocess.run([*COMMAND, *map(str, arguments)], stdout=stdout, stderr=stderr, env=environment, check=False)
    return process.returncode, (process.stderr or b"").decode(errors="replace"), process.stdout


def closed():
    """The writing end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "wb")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_terminal_that_cannot_show_a_name_shows_its_escape(faces, tmp_path):
    code, said, out = run("upscale", faces, "-o", tmp_path / "out", PYTHONIOENCODING="cp1252")
    assert (code, said) == (0, "") and out.count(b"\\u8138") == 2
    assert names(tmp_path / "out") == ["爱丽丝_sam.png", "鲍勃_sam.png"]


def test_a_reader_that_has_seen_enough_stops_nothing(faces, tmp_path):
    with closed() as nobody:
        assert run("upscale", faces, "-o", tmp_path / "out", stdout=nobody)[:2] == (0, "")
    assert len(names(tmp_path / "out")) == 2
    with closed() as nobody:
        assert run("upscale", faces, faces / "absent.png", "-o", tmp_path / "out", stdout=nobody, stderr=nobody)[0] == 1


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_the_output_stops_no_picture(faces, tmp_path):
    with FULL.open("wb") as full:
        code, said, _ = run("upscale", faces, "-o", tmp_path / "out", stdout=full)
        lost = "facesr: not all of this could be printed (No space left on device); what is written is whole\n"
        assert (code, said) == (0, lost)
        assert len(names(tmp_path / "out")) == 2
        assert run("upscale", faces, "-o", tmp_path / "out", "--skip-existing", stdout=full, stderr=full)[0] == 0


def test_closed_streams_are_no_place_for_pictures(faces, tmp_path):
    arguments = [*COMMAND, "upscale", str(faces), "-o", str(tmp_path / "out")]
    subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *arguments], check=True)
    assert all(Image.open(path).size == (128, 128) for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize("arguments", [["models"], ["--help"], ["--version"], ["models", "--json", "-"], ["upscale"]])
def test_no_command_minds_a_closed_pipe(arguments):
    with closed() as nobody:
        code, said, _ = run(*arguments, stdout=nobody)
    assert (code, said.count("\n")) == ((2, 1) if arguments == ["upscale"] else (0, 0))


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_what_is_there_to_be_printed_alone_must_arrive(tmp_path):
    with FULL.open("wb") as full:
        for arguments in (["models"], ["models", "--json", "-"]):
            lost = "facesr: standard output cannot be written (No space left on device)\n"
            assert run(*arguments, stdout=full)[:2] == (1, lost)
        assert run("models", "--json", tmp_path / "models.json", stdout=full)[0] == 0
    assert len(json.loads((tmp_path / "models.json").read_text())) > 20


def test_a_table_is_printed_in_whatever_letters_there_are(monkeypatch):
    """Rich draws a table's Fréchet, and a bar, whoever writes them."""
    code = "from rich.console import Console; from keras_facesr.cli import console\nwith console.unfailing_streams():\n"
    code += "    Console().print('Fréchet'); Console(stderr=True).print('脸')\n    print('done')"
    for encoding, shown in (("ascii", b"Fr\\xe9chet\ndone\n"), ("utf-8", "Fréchet\ndone\n".encode())):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        assert ended.stdout == shown
    with closed() as nobody:
        subprocess.run([sys.executable, "-c", code], stdout=nobody, stderr=nobody, check=True)


def test_lines_go_where_they_are_sent_while_a_bar_is_shown(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # what rich takes for a terminal
    monkeypatch.setattr(console, "PATIENCE", 0)
    with console.progress("upscale", 2) as show:
        show(1)
        print("a -> b")
    printed = capsys.readouterr()
    assert printed.out == "a -> b\n" and "upscale" in printed.err


def test_the_streams_are_what_they_were_afterwards(capfd):
    before = sys.stdout, sys.stderr
    with console.unfailing_streams():
        print("within")
        print("beside", file=sys.stderr)
    assert (sys.stdout, sys.stderr) == before
    assert capfd.readouterr() == ("within\n", "beside\n")
