"""How many processor cores this process may use."""

import os


def usable_cores() -> int:
    """The cores that the system or a cluster's scheduler lets this process use; all where it does not tell."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
