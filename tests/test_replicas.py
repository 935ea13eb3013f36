"""A step over several replicas, on one machine or on two, is the step of one device on the same batch."""

import functools

import numpy as np
import pytest
from processes import ended, machines, started

slow = pytest.mark.slow
FIRST = ["sam-1"]
OTHERS = ["sam-0", "sam-2", "sam_enlarged-0", "sam_enlarged-1", "sam_enlarged-2", "varsr-1", "varsr-2", "cagface-1"]
OTHERS += ["cagface-2", "stylevae-1", "ssrvae-1"]
# A single device's own rounding: its weights are 1.2e-6 from those of the same step in float64, two machines' 1.3e-7.
ROUNDING = {"sam_enlarged-1": 2e-6}
NOISY = ["sam-1", "varsr-2", "stylevae-1"]


def weights_after_a_step(replicas, noise, folder, phases):
    """For each machine: phase -> name -> array."""
    count = 2 if replicas == "multiworker" else 1
    folders = [folder / f"{replicas}_{index}" for index in range(count)]
    for each in folders:
        each.mkdir()
    arguments = [[replicas, noise, each, *phases] for each in folders]
    ended(machines("replicas_worker.py", arguments) if count > 1 else [started("replicas_worker.py", *arguments[0])])
    return [{phase: dict(np.load(each / f"{phase}.npz")) for phase in phases} for each in folders]


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    """What one device finds without chance in some phases, found once: phase -> name -> array."""

    @functools.cache
    def weights(*phases):
        return weights_after_a_step("1", "fixed", tmp_path_factory.mktemp("one"), phases)[0]

    return weights


def assert_near(found, expected):
    for phase in expected:
        assert found[phase].keys() == expected[phase].keys() and len(expected[phase]) > 4
        for name, weight in expected[phase].items():
            tolerance = 1e-4 if name == "answers" else ROUNDING.get(phase, 1e-6)
            np.testing.assert_allclose(found[phase][name], weight, atol=tolerance, err_msg=f"{phase} {name}")


@pytest.mark.parametrize(
    ("replicas", "phases"),
    [
        pytest.param("2", FIRST, marks=slow, id="2-sam-1"),
        pytest.param("2", OTHERS, marks=slow, id="2-others"),
        pytest.param("4", [*FIRST, "varsr-2"], marks=slow, id="4"),
        pytest.param("multiworker", FIRST, marks=slow, id="multiworker-sam-1"),
        pytest.param("multiworker", OTHERS, marks=slow, id="multiworker-others"),
    ],
)
def test_a_step_over_replicas_is_the_step_of_one_device(replicas, phases, one_device, tmp_path):
    for several in weights_after_a_step(replicas, "fixed", tmp_path, phases):
        assert_near(several, one_device(*phases))


@slow
def test_two_machines_draw_the_noise_of_two_devices_of_one_machine(tmp_path):
    (devices,) = weights_after_a_step("2", "drawn", tmp_path, NOISY)
    for machine in weights_after_a_step("multiworker", "drawn", tmp_path, NOISY):
        assert_near(machine, devices)
    (one,) = weights_after_a_step("1", "drawn", tmp_path, NOISY)
    for phase in NOISY:
        apart = {name: np.abs(one[phase][name] - weight).max() for name, weight in devices[phase].items() if name != "answers"}
        assert max(apart.values()) > 2e-6, phase
