"""Lets only one process at a time hand out the cells of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.processes import lock
from harness.sweep.folder import Sweep, unwritable


@contextmanager
def driving(sweep: Sweep) -> Iterator[None]:
    """Held while a sweep's cells are handed out; a second process is refused while the first one lives.

    Raises:
        HarnessError: another process hands them out, or the folder cannot be written.
    """
    held = lock.Lock(_file(sweep), f"the sweep {sweep.folder}", "handing out cells")
    try:
        held.take(patience=0.0)
    except OSError as error:
        raise unwritable(sweep.folder, error) from error
    try:
        yield
    finally:
        held.release()


def holder_of(sweep: Sweep) -> lock.Holder | None:
    """The process that hands out the cells, or that died doing so; None when there is none.

    Raises:
        HarnessError: the file that names it cannot be read.
    """
    return lock.holder_of(_file(sweep))


def _file(sweep: Sweep) -> Path:
    return sweep.folder / "driver.json"
