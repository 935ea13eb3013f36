"""What happens when the process is asked to end."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def on_sigterm(handler):
    """Within the block SIGTERM calls ``handler(signal number, frame)``; in the main thread alone, as no other can handle it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
