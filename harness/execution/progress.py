"""Counts the progress of a run: items, calls and tokens a second, the engine's busy share, failures."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from harness.console import in_notebook, log, watched
from harness.engines.base import Engine

EVERY = 30.0
"""Seconds between two lines where there is no terminal."""


class Progress:
    """Draws a progress bar on a terminal, and prints a line every half minute elsewhere; gives the tracker its numbers.

    Args:
        total: number of items.
        engine: whose running account is shown.
    """

    def __init__(self, total: int, engine: Engine) -> None:
        from tqdm import tqdm

        self.done = self.failed = 0
        self._engine = engine
        self._total = total
        self._began = self._told = time.perf_counter()
        before = engine.usage
        self._before = (before.calls, before.new_tokens, before.busy)
        self._bar = tqdm(total=total, unit="item", disable=not watched(), dynamic_ncols=not in_notebook())

    def step(self, failed: bool) -> None:
        """Counts one finished item."""
        self.done += 1
        self.failed += failed
        if not self._bar.disable:
            now = self.values()
            self._bar.set_postfix_str(
                f"{now['calls_per_s']:.0f} calls/s, {now['tokens_per_s']:.0f} tokens/s, "
                f"engine busy {now['engine_busy']:.0%}, {self.failed} did not finish",
                refresh=False,
            )
        elif time.perf_counter() - self._told > EVERY:
            self._tell()
        self._bar.update()

    def _tell(self) -> None:
        """A line for a log: how far the run is, and how long the rest takes at this pace."""
        self._told = time.perf_counter()
        left = (self._told - self._began) * (self._total - self.done) / self.done
        failed = f", {self.failed} did not finish" if self.failed else ""
        log(
            f"{self.done} of {self._total} items, {self.values()['calls_per_s']:.0f} calls/s, {left:.0f} s left{failed}"
        )

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
