"""Programs that take turns on one machine: each runs in a process of its own and answers requests in lines of JSON."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles


class Worker:
    """A process that says when it is ready, and then answers requests.

    Args:
        name: its name in the error if it fails.
        command: its program and arguments.
        folder: folder for a log of what it prints to stderr.
        environment: its environment variables; by default those of this process.

    Attributes:
        ready: its first line.
    """

    def __init__(self, name, command, folder, environment=None):
        self.name, self.log = name, Path(folder) / f"{name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.ready = self._answer()

    def ask(self, **request):
        """The answer to one request."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def stop(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            reason = (self.log.read_text().strip().splitlines() or ["it said nothing"])[-1]
            sys.exit(f"{self.name}: its process ended: {reason}")
        return json.loads(line)


def answer_lines(prepare):
    """Run a worker's program: ``prepare()`` returns the worker's first line and a function that answers requests."""
    lines, sys.stdout = sys.stdout, sys.stderr  # what libraries print must not mix with the answers
    say = lambda content: print(json.dumps(content), file=lines, flush=True)  # noqa: E731
    first, answer = prepare()
    say(first)
    for line in sys.stdin:
        say(answer(**json.loads(line)))


def compared(values, reference):
    """Median, and ratio to the reference in the same rounds, with the middle half of the rounds as its spread."""
    ratios = [value / other for value, other in zip(values, reference)]
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return {"median": median(values), "ratio": median(ratios), "spread": [low, high]}
