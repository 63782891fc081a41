"""Runs all packs in this process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from harness.sweep.folder import Pack, Sweep
from harness.sweep.launch.base import Launcher
from harness.sweep.worker import work


@dataclass(frozen=True, kw_only=True)
class Local(Launcher):
    """Settings of `hydra/launcher=local`: all cells one after another in this process. Loaded models stay loaded."""

    def check(self, packs: Sequence[Pack]) -> None:
        pass

    def start(self, sweep: Sweep, packs: Sequence[Pack]) -> None:
        if not work(sweep, [index for pack in packs for index in pack.cells], f"process {os.getpid()}"):
            raise KeyboardInterrupt
