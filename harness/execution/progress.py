"""Counts the progress of a run: items, calls and tokens a second, the engine's busy share, failures."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from harness.console import in_notebook, log, watched
from harness.engines.base import Engine

EVERY = 30.0
"""Seconds between two lines where there is no terminal."""


class Progress:
    """Draws a progress bar on a terminal, and prints a line every half minute elsewhere; gives the tracker its numbers.

    All items are asked side by side and end late, so the time left is told from calls: those of an item that has ended,
    times the number of items, less those that are answered already.

    Args:
        total: number of items.
        engine: whose running account is shown.
        stored: counts the answers that the store gave.
    """

    def __init__(self, total: int, engine: Engine, stored: Callable[[], int]) -> None:
        from tqdm import tqdm

        self.done = self.failed = self._calls = 0
        self._stored, self._stored_before = stored, stored()
        self._engine = engine
        self._total = total
        self._began = self._told = time.perf_counter()
        before = engine.usage
        self._before = (before.calls, before.new_tokens, before.busy)
        # Without tqdm's own estimate, which goes by the items that have ended.
        form = "{percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} items [{elapsed}{postfix}]"
        self._bar = tqdm(total=total, bar_format=form, disable=not watched(), dynamic_ncols=not in_notebook())

    def step(self, failed: bool, calls: int) -> None:
        """Counts one finished item, which took so many calls."""
        self.done += 1
        self.failed += failed
        self._calls += calls
        if not self._bar.disable:
            now = self.values()
            pace = f"{now['calls_per_s']:.0f} calls/s, {now['tokens_per_s']:.0f} tokens/s"
            engine = f"engine busy {now['engine_busy']:.0%}, {self.failed} did not finish"
            self._bar.set_postfix_str(f"about {self.left():.0f} s left, {pace}, {engine}", refresh=False)
        elif time.perf_counter() - self._told > EVERY:
            self._tell()
        self._bar.update()

    def _tell(self) -> None:
        """A line for a log: how far the run is, and how long the rest takes at this pace."""
        self._told = time.perf_counter()
        failed = f", {self.failed} did not finish" if self.failed else ""
        pace = f"{self.values()['calls_per_s']:.0f} calls/s, about {self.left():.0f} s left"
        log(f"{self.done} of {self._total} items, {pace}{failed}")

    def left(self) -> float:
        """Seconds that the rest takes at the pace of the calls so far. Needs a finished item."""
        answered = self._engine.usage.calls - self._before[0] + self._stored() - self._stored_before
        expected = self._calls * self._total / self.done
        seconds = time.perf_counter() - self._began
        # Those that ended first may be the short ones: each of the others needs one more at least.
        return seconds * max(expected - answered, self._total - self.done) / max(answered, 1)

    def values(self) -> dict[str, float]:
        """Items done and failed, calls and tokens a second, and the engine's busy share since the start."""
        seconds = max(time.perf_counter() - self._began, 1e-9)
        calls, tokens, busy = self._before
        usage = self._engine.usage
        return {
            "items": self.done,
            "failed": self.failed,
            "calls_per_s": (usage.calls - calls) / seconds,
            "tokens_per_s": (usage.new_tokens - tokens) / seconds,
            "engine_busy": (usage.busy - busy) / seconds,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
