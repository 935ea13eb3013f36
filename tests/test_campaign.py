"""A queue of trainings, as it is called from a shell, and the curves that are drawn of what it leaves."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def campaign(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import campaign

    return campaign


def test_a_queue_is_read_without_remarks_and_ended_runs_are_passed_over(campaign, tmp_path):
    queue = tmp_path / "queue"
    queue.write_text("# first what is small\nsam_small_x8_utkface  ~/data 16000\n\ncagface_small_x4 data  # all of it\n")
    assert campaign.lines(queue) == ["sam_small_x8_utkface ~/data 16000", "cagface_small_x4 data"]
    (tmp_path / "cagface_small_x4").mkdir()
    (tmp_path / "cagface_small_x4" / "config.json").write_text("{}")
    assert [campaign.has_ended(line, tmp_path) for line in campaign.lines(queue)] == [False, True]


@pytest.mark.slow
def test_what_fails_is_told_in_a_line_and_the_next_begins(tmp_path):
    (tmp_path / "queue").write_text(f"no_such_recipe {tmp_path}\nsrcnn_x8_utkface {tmp_path}/nowhere 3200\n")
    command = [sys.executable, ROOT / "tools" / "campaign.py", "queue", "runs"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and run.stdout.count("== ") == 2
    assert run.stderr.endswith("failed: no_such_recipe, srcnn_x8_utkface\n")
    assert "no recipe is called 'no_such_recipe'" in run.stderr and "nowhere" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("line", ["srcnn_x8_utkface", "srcnn_x8_utkface data 3,200", "srcnn_x8_utkface my data 3200"])
def test_a_line_that_is_no_run_is_told_of_in_a_line(line, campaign, tmp_path, capsys):
    assert campaign.run(line, tmp_path) == campaign.FAILED
    told = "srcnn_x8_utkface: a line is RECIPE DATA_DIR [IMAGES], without blanks in them, not "
    assert capsys.readouterr().err == f"{told}{line!r}\n"


def test_a_curve_counts_images_over_all_stages(campaign, tmp_path):
    pytest.importorskip("h5py")
    import release
    from small_training import PLAIN

    rows = [{"stage": stage, "step": step, "val_psnr": 20.0 + stage + step / 100} for stage in (1, 2) for step in (5, 10)]
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert release.curve(PLAIN, tmp_path) == [[20, 21.05], [40, 21.1], [60, 22.05], [80, 22.1]]
