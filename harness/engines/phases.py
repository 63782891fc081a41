"""Shows the progress of loading a model: engines name each phase, and a line every few seconds tells who waits."""

from __future__ import annotations

import threading
import time
from itertools import chain, repeat
from types import TracebackType
from typing import Self

from harness.console import log
from harness.errors import HarnessError

WAITS = (5.0, 10.0, 15.0, 30.0)
"""Seconds before each line; the last one again and again. A short load tells soon, a long one does not fill a log."""

_here = threading.local()


def phase(name: str) -> None:
    """Names what the load in this thread does from now on; does nothing where nobody watches it.

    Raises:
        HarnessError: the load has been given up meanwhile.
    """
    watch: Load | None = getattr(_here, "load", None)
    if watch is not None:
        watch.enter(name)


class Load:
    """One load, watched while it goes on in this thread.

    Args:
        model: its name, for the lines.
        given_up: once set, the load ends at its next phase.
    """

    def __init__(self, model: str, given_up: threading.Event) -> None:
        self._model, self._given_up = model, given_up
        self._begun: list[tuple[str, float]] = []
        self._ended = threading.Event()
        self._start = time.perf_counter()
        self._teller = threading.Thread(target=self._tell, name="load", daemon=True)

    def enter(self, name: str) -> None:
        """Begins a phase."""
        if self._given_up.is_set():
            raise HarnessError(f"loading {self._model} was given up")
        self._begun.append((name, time.perf_counter()))

    def __str__(self) -> str:
        """How long all of it and each phase took up to now."""
        now = time.perf_counter()
        begun = list(self._begun)  # the loading thread may go on meanwhile
        ends = [*(at for _, at in begun), now][1:]
        parts = [f"{name} {end - at:.1f}" for (name, at), end in zip(begun, ends, strict=True)]
        return f"{now - self._start:.1f} s" + (f" ({', '.join(parts)})" if parts else "")

    def __enter__(self) -> Self:
        _here.load = self
        self._teller.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        _here.load = None
        self._ended.set()

    def _tell(self) -> None:
        waits = chain(WAITS, repeat(WAITS[-1]))
        while not self._ended.wait(next(waits)):
            given_up = ", given up, ends with this phase" if self._given_up.is_set() else ""
            log(f"loading {self._model}: {self}{given_up}")
