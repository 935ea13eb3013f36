"""What happens when the process is asked to end."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def when_asked_to_end(handler, *signals):
    """Within the block the signals call ``handler(number, frame)``; in the main thread alone, as no other can handle them.

    One that is ignored, as the background jobs of a shell's script ignore Ctrl+C, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: before for number in signals if (before := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in former:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before)
