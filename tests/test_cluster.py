"""A run of two machines is that of one, ends as a whole, and goes on as a whole."""

import json
import re
import signal
import time

import numpy as np
import pytest
from processes import ended, machines, run_script, started
from small_training import arrays, assert_same_weights, write_faces

slow = pytest.mark.slow


def runs(faces, folder, environment, *resume):
    return machines("small_training.py", [[faces, folder, "plain", "multiworker", *resume]] * 2, **environment)


def wait_for_a_checkpoint(folder, processes):
    while not list(folder.glob("checkpoint-1-*")):
        assert all(process.poll() is None for process in processes), processes[0].stderr.read()
        time.sleep(0.02)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return write_faces(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return {"KERAS_FACESR_CACHE": str(tmp_path_factory.mktemp("cache"))}


@pytest.fixture(scope="module")
def run_of_two(faces, environment, tmp_path_factory):
    """The folder of a run of two machines that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "two"
    ended(runs(faces, folder, environment))
    return folder


@slow
def test_a_run_of_two_machines_is_that_of_one(faces, environment, run_of_two, tmp_path):
    ended([started("small_training.py", faces, tmp_path / "one", "plain", **environment)])
    one, two = (arrays(folder / "model.weights.h5") for folder in (tmp_path / "one", run_of_two))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(two[name], one[name], atol=1e-5, err_msg=name)
    names = [{path.name for path in folder.iterdir()} for folder in (tmp_path / "one", run_of_two)]
    assert names[0] == names[1] and len(list((run_of_two / "logs").iterdir())) == 1
    history = [json.loads(line) for line in (run_of_two / "history.jsonl").read_text().splitlines()]
    assert [(row["stage"], row["step"]) for row in history] == [(1, 5), (1, 10), (2, 5), (2, 10)]


@slow
def test_where_one_machine_is_asked_to_end_all_do_and_go_on_to_the_same_weights(faces, environment, run_of_two, tmp_path):
    processes = runs(faces, tmp_path / "run", environment)
    wait_for_a_checkpoint(tmp_path / "run", processes)
    processes[1].send_signal(signal.SIGTERM)
    said = [re.search(r"stopped after step (\d+) of stage (\d), its state is saved", text) for text in ended(processes)]
    assert said[0].groups() == said[1].groups()
    ended(runs(faces, tmp_path / "run", environment, "resume"))
    assert_same_weights(tmp_path / "run" / "model.weights.h5", run_of_two / "model.weights.h5")


@slow
def test_a_machine_that_dies_ends_the_run_in_a_line_and_all_go_on_to_the_same_weights(faces, environment, run_of_two, tmp_path):
    processes = runs(faces, tmp_path / "run", environment)
    wait_for_a_checkpoint(tmp_path / "run", processes)
    processes[1].kill()
    (said,) = ended(processes[:1], code=1)
    assert said.splitlines()[-1].startswith("another machine has ended or cannot be reached")
    processes[1].wait()
    ended(runs(faces, tmp_path / "run", environment, "resume"))
    assert_same_weights(tmp_path / "run" / "model.weights.h5", run_of_two / "model.weights.h5")


LOST_WITHIN_A_POOL = """
import multiprocessing.pool, sys
import tensorflow as tf
from keras_facesr.errors import TrainingFailed
from keras_facesr.training.devices import _together

def lost(_):
    raise tf.errors.AbortedError(None, None, "Connection reset by peer")

def all_reduce():  # as TensorFlow's own, which does not close its pool when a machine is lost
    pool = multiprocessing.pool.ThreadPool(1)
    pool.map(lost, [0])

try:
    with _together():
        all_reduce()
except TrainingFailed as error:
    sys.exit(str(error))
"""


@slow
def test_a_machine_that_dies_while_values_are_read_leaves_nothing_that_complains_at_the_end(tmp_path):
    (tmp_path / "lost.py").write_text(LOST_WITHIN_A_POOL)
    result = run_script("lost.py", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("another machine has ended or cannot be reached")


@pytest.mark.parametrize(
    "config, told",
    [
        (None, "TF_CONFIG is not set"),
        ("{", "TF_CONFIG: '{' does not say who trains"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 2}}', "does not say who trains"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "evaluator", "index": 0}}', "does not say who trains"),
        ('{"cluster": ["a:1"], "task": {"type": "worker", "index": 0}}', "does not say who trains"),
    ],
)
def test_a_cluster_that_nobody_describes_is_refused_in_a_line(config, told, facesr, monkeypatch, tmp_path):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    (tmp_path / "1_0_0_20170109000000000.jpg").touch()  # a face of UTKFace, by its name
    result = facesr("train", "sam_small_x8_utkface", tmp_path, "--out", tmp_path / "run", "--strategy", "multiworker")
    assert result.code == 2 and not (tmp_path / "run").exists()
    assert result.err.count("\n") == 1 and told in result.err and '"index": 0' in result.err
