"""Runs the command line: `python -m harness`, and the command `harness`."""

import sys

from harness.cli.main import main
from harness.processes.streams import guard_streams


def start() -> int:
    """Runs one command in a process of its own. Returns the exit code."""
    guard_streams()
    return main()


if __name__ == "__main__":
    sys.exit(start())
