"""What the tabs are made of: Gradio, silent towards other machines, and what every tab does alike."""

import html
import os
from contextlib import contextmanager
from functools import wraps

from keras_facesr.errors import FacesrError
from keras_facesr.importing import imported


@contextmanager
def directly():
    """Within the block the environment's proxies are not used: the page and its server are on the same machine."""
    proxies = {name: os.environ.pop(name) for name in list(os.environ) if name.lower().endswith("_proxy")}
    try:
        yield
    finally:
        os.environ.update(proxies)


os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
with directly():
    gr = imported("gradio", "demo")

STILL = {"format": "png", "buttons": [], "interactive": False}
ONE_AT_A_TIME = {"concurrency_id": "network", "concurrency_limit": 1}
QUICK = {"show_progress": "hidden", "queue": False}
LATEST = {"trigger_mode": "always_last"}  # what is chosen while a choice is waited for counts; by default it is dropped


def friendly(job):
    """``job``, whose FacesrError becomes a message on the page."""

    @wraps(job)
    def run(*arguments):
        try:
            return job(*arguments)
        except FacesrError as error:
            raise gr.Error(html.escape(str(error)), print_exception=False) from error

    return run
