"""Processes that tests start: scripts as users run them, and the machines of a cluster."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path


def run_script(script, *arguments, cwd, **environment):
    """``python script ARGUMENTS`` in a folder, to its end: its ``returncode``, ``stdout`` and ``stderr``."""
    command = [sys.executable, str(script), *map(str, arguments)]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=1800, check=False)


def cost(*command):
    """Seconds of a command to its end, which must be a good one, and bytes of memory that it had at most."""
    began = time.perf_counter()
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.perf_counter() - began, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def resident():
    """Bytes of memory that this process holds now; 0 where the system has no Linux's count of them."""
    count = Path("/proc/self/statm")
    return int(count.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if count.exists() else 0


def started(script, *arguments, **environment):
    """A process of its own, as devices are counted once in a process's life."""
    command = [sys.executable, Path(__file__).with_name(script), *arguments]
    environment = {**os.environ, **environment}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


@contextmanager
def free_port():
    """A port of this machine that nothing listens on, taken within the block."""
    with socket.create_server(("localhost", 0)) as taken:
        yield taken.getsockname()[1]


def machines(script, arguments, **environment):
    """Two processes that work as two machines; the arguments of each in ``arguments``."""
    with free_port() as first, free_port() as second:
        addresses = [f"localhost:{port}" for port in (first, second)]
    tasks = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}} for index in range(2)]
    return [started(script, *own, TF_CONFIG=json.dumps(task), **environment) for own, task in zip(arguments, tasks)]


def ended(processes, code=0):
    """What each of the processes has said on its error stream, when all have ended with that code."""
    said = [process.communicate(timeout=1800)[1] for process in processes]
    assert [process.returncode for process in processes] == [code] * len(processes), "\n".join(said)
    return said
