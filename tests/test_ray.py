"""Pictures enlarged by Ray: as one process would, whoever is killed meanwhile."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from keras_facesr.inference import demo_faces


def processes_below(pid):
    """The ids and command lines of a process's children, and of theirs."""
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        try:
            yield child, Path(f"/proc/{child}/cmdline").read_text()
            yield from processes_below(child)
        except OSError:
            continue  # it has ended


def answers(out):
    return {path.name: path.read_bytes() for path in out.glob("*.png")}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_every_picture_is_answered_once_though_workers_and_the_call_are_killed(tmp_path):
    pytest.importorskip("ray", reason="pip install 'keras_facesr[ray]'")
    faces, out = tmp_path / "faces", tmp_path / "out"
    faces.mkdir()
    for k, face in enumerate(demo_faces(320, 16)):
        Image.fromarray(face).save(faces / f"{k}.png")
    command = [sys.executable, "-m", "keras_facesr", "upscale", faces, "--model", "sam", "-o"]
    subprocess.run([*command, tmp_path / "alone"], check=True, stdout=subprocess.DEVNULL)
    broken = faces / "broken.png"
    broken.write_bytes(b"no picture")

    def killed_at(number, kill):
        """Start the call, kill once so many answers are there, and return the call, ended, and what it printed."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen([*command, out, "--ray"], cwd=tmp_path, **pipes) as call:
            while call.poll() is None and len(answers(out)) < number:
                time.sleep(0.1)
            kill(call.pid)
            return call, *call.communicate()

    stopped, *_ = killed_at(20, lambda pid: os.kill(pid, signal.SIGTERM))
    before = answers(out)
    assert stopped.returncode == 130 and len(before) < 320

    def kill_a_worker(pid):
        workers = [child for child, line in processes_below(pid) if line.startswith("ray::MapWorker")]
        os.kill(workers[0], signal.SIGKILL)

    ended, printed, errors = killed_at(len(before) + 20, kill_a_worker)
    *told, skipped = printed.splitlines()
    assert ended.returncode == 1 and errors.startswith(f"facesr: {broken}: ") and errors.count("\n") == 1
    assert skipped == f"pictures answered already: {len(before)} of 321"
    assert len({*told}) == len(told) == 320 - len(before) and all(" -> " in line for line in told)
    assert answers(out) == answers(tmp_path / "alone") and len([*out.iterdir()]) == 320, "and nothing half-written is left"


def test_without_the_extra_one_line_says_what_to_install(facesr, catalogue, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = facesr("upscale", tmp_path / "face.png", "-o", tmp_path / "out", "--model", "near", "--ray")
    assert (result.code, result.err) == (2, "facesr: ray is not installed: pip install 'keras_facesr[ray]'\n")
