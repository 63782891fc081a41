"""Runs the command line: `python -m harness`, and the command `harness`."""

import gc
import sys

from harness.cli.main import main
from harness.processes.streams import guard_streams

YOUNG_OBJECTS = 10_000
"""New objects after which Python looks for cycles among them. At its own 700, that takes a tenth of a short run."""


def start() -> int:
    """Runs one command in a process of its own. Returns the exit code."""
    gc.set_threshold(YOUNG_OBJECTS)
    guard_streams()
    code = main()
    # The process ends. To look for cycles among all of its objects first would take a tenth of a short run.
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(start())
