"""Files come whole or not at all, under names as long as names can be, and whether they can come is known before."""

import os
import tempfile

import pytest

from keras_facesr.data.files import check_writable, is_there, written_whole


def test_interrupted_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), written_whole(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.txt", "old")]


def test_the_temporary_name_fits_where_the_final_one_does(tmp_path):
    longest = tmp_path / ("a" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    with written_whole(longest) as temporary:
        temporary.write_text("new")
        assert not longest.exists()
    assert [(file, file.read_text()) for file in tmp_path.iterdir()] == [(longest, "new")]


def test_a_name_that_is_too_long_is_told_from_one_that_is_free(tmp_path):
    (tmp_path / "file").touch()
    assert is_there(tmp_path / "file") and not is_there(tmp_path / "free") and not is_there(tmp_path / "file" / "below")
    with pytest.raises(OSError, match="File name too long"):
        is_there(tmp_path / ("a" * 5000))


def test_asking_leaves_nothing_behind_and_makes_no_folder(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda dir: asked.append(dir) or open(os.devnull, "wb"))
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    for path in (tmp_path, tmp_path / "file", tmp_path / "new" / "folder" / "file"):
        check_writable(path)
    assert asked == [tmp_path] * 3
    monkeypatch.undo()
    check_writable(tmp_path / "new" / "folder" / "file")
    assert not list(tmp_path.iterdir())
    (tmp_path / "link").symlink_to("nowhere")
    for path in (tmp_path / "link" / "file", tmp_path / "file" / "below"):
        (tmp_path / "file").touch()
        with pytest.raises(OSError):
            check_writable(path)
