"""Many pictures over the machines of a Ray cluster, or over the cores of this one.

Ray Data hands out their paths, a share at a time, to actors of one core each, whose network stays warm. What an actor had in
hand when it was killed is handed out again, and what it had written is not done again. Pictures are read and written by the
actors, so all machines must see them, and find the package, as this one does.
"""

import logging
import os
import pickle
import secrets
import signal
import socket
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

from keras_facesr import presets
from keras_facesr.data import files
from keras_facesr.errors import FacesrError, reason
from keras_facesr.importing import imported, prepared_keras
from keras_facesr.inference import many, runtimes

SHARES = 64, 1  # pictures that an actor takes at once; those of shares that were given up are handed out one by one
GRACE = 2  # seconds for workers who are in the middle to end, once nobody waits for them
ATTEMPTS = 10  # at a share, each of which ends its actor, before it is given up


def start(address):
    """Connect to the cluster at ``address``, "host:port"; "local" starts one of this machine's cores, which ends with us.

    Raises:
        ExportError: Ray is not installed.
        FacesrError: there is no cluster at the address.
    """
    quiet = {"RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}  # about workers that were killed
    for name, value in {**quiet, "RAY_USAGE_STATS_ENABLED": "0"}.items():  # nor is anybody told that Ray is used
        os.environ.setdefault(name, value)
    ray, _ = imported("ray", "ray"), imported("ray.data", "ray")
    asked_to_end = signal.getsignal(signal.SIGTERM)
    own = {"include_dashboard": False} if address == "local" else {}
    try:
        if address != "local":
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()  # Ray itself would try for minutes
        ray.init(address, log_to_driver=False, logging_level=logging.FATAL, **own)
    except (OSError, RuntimeError, ValueError) as error:
        mend = "start one, ray start --head, or if it asks for a token set RAY_AUTH_MODE=token"
        raise FacesrError(f"no Ray cluster can be used at {address} ({reason(error)}): {mend}") from error
    signal.signal(signal.SIGTERM, asked_to_end)  # Ray has put its own handler in the place of ours
    logging.getLogger("ray.data").setLevel(logging.FATAL)


def answer_files(preset, runtime, plan, wanted):
    """As ``many.answer_files``, over the cluster of ``start``: in the order in which they are done.

    Args:
        preset: the model's ``Preset``, which each machine has.
        runtime: "keras", or a name in ``runtimes.RUNTIMES``.
        plan, wanted: as of ``many.answer_files``. Pictures whose answers are all there are skipped, unless all are to be new.

    Yields:
        Answer.
    """
    ray = imported("ray", "ray")
    wanted = replace(wanted, skip_existing=not wanted.overwrite)
    mark, left, names_in = secrets.token_hex(4), {}, lru_cache(1)(_names_in)
    try:
        for file, targets in plan.items():
            if wanted.skip_existing and all(target.name in names_in(target.parent) for target in targets):
                yield many.Answer(file, targets, skipped=True)
            else:
                left[file] = targets
        for share in SHARES:
            for answer in _shared(ray, (preset.name, runtime, wanted, mark, os.getcwd()), left, share) if left else ():
                del left[answer.file]
                yield answer
        for file, targets in left.items():
            lost = FacesrError(f"{file}: whoever had it in hand ended, {ATTEMPTS} times; it may take more memory than there is")
            yield many.Answer(file, targets, error=lost)
    finally:
        ray.shutdown()
        if left:
            time.sleep(GRACE)
        files.clear_away(mark, {target.parent for targets in plan.values() for target in targets})


def _shared(ray, how, plan, share):
    """Yield the answers of the actors, ``Worker(*how)``, among whom a plan is divided in shares."""
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # shares are given up without an end of all
    rows = [{"picture": pickle.dumps(picture)} for picture in plan.items()]  # Arrow has bytes, but no paths
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # until Ray 2.64 ``max_task_retries`` has no other way in
        answers = ray.data.from_items(rows, override_num_blocks=-(-len(rows) // share)).map_batches(
            Worker,
            fn_constructor_args=how,
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=cores, initial_size=cores),
            num_cpus=1,
            max_task_retries=ATTEMPTS,
        )
    try:
        for row in answers.iter_rows():
            yield pickle.loads(row["answer"])
    except ray.exceptions.RayError as error:  # its last line is that of the worker's own
        raise FacesrError(f"Ray's workers cannot start ({str(error).strip().splitlines()[-1]})") from error


class Worker:
    """An actor: a network in a runtime, on one core."""

    def __init__(self, name, runtime, wanted, mark, folder):
        os.chdir(folder)  # where paths start
        self.wanted, files.MARK = wanted, mark
        if runtime == "keras":
            os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
            prepared_keras()
            self.model = presets.load(name)
        else:
            self.model = runtimes.load(name, runtime, threads=1)

    def __call__(self, share):
        plan = dict(map(pickle.loads, share["picture"]))
        return {"answer": [_packed(answer) for answer in many.answer_files(self.model, plan, self.wanted)]}


def _packed(answer):
    """An ``Answer`` as bytes: what a killed worker wrote is written, and an error has a class that can be packed."""
    if answer.skipped:
        answer.written, answer.skipped = answer.targets, False
    if answer.error and not isinstance(answer.error, (FacesrError, OSError)):
        answer.error = RuntimeError(f"{type(answer.error).__name__}: {answer.error}")
    return pickle.dumps(answer)


def _names_in(folder):
    """The names in a folder, at one go, as a store takes milliseconds for each question; none if it cannot be read."""
    with suppress(OSError):
        return {path.name for path in folder.iterdir()}
    return frozenset()
