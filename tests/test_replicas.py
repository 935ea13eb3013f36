"""A step over several replicas is the step of one device on the same batch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

slow = pytest.mark.slow
PHASES = [("sam", 1)] + [
    pytest.param(system, phase, marks=slow)
    for system, phases in {
        "sam": (0, 2),
        "sam_enlarged": (0, 1, 2),
        "varsr": (1, 2),
        "cagface": (1, 2),
        "stylevae": (1,),
        "ssrvae": (1,),
    }.items()
    for phase in phases
]


def stepped(system, phase, replicas, folder):
    """The weights after a step, in a process of its own: devices are counted once in a process's life."""
    out = folder / f"{replicas}.npz"
    script = Path(__file__).with_name("replicas_worker.py")
    command = [sys.executable, script, system, str(phase), str(replicas), out]
    subprocess.run(command, check=True, capture_output=True)
    return np.load(out)


@pytest.mark.parametrize("system, phase", PHASES)
@pytest.mark.parametrize("replicas", [2, pytest.param(4, marks=slow)])
def test_a_step_over_replicas_is_the_step_of_one_device(system, phase, replicas, tmp_path):
    one, several = (stepped(system, phase, count, tmp_path) for count in (1, replicas))
    assert len(one.files) == len(several.files) > 4
    for name in one.files:
        np.testing.assert_allclose(several[name], one[name], atol=1e-6, err_msg=name)
