"""What a tracker does, and the one that does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.figures import Drawing, Figure
from harness.outcomes import Table
from harness.statistics.estimates import Estimate


class Tracker(Protocol):
    """Follows a run. No method raises: tracking never fails a run."""

    def start(
        self, *, run_dir: Path, run_id: str, name: str, config: Mapping[str, Any], job_type: str, tags: Sequence[str]
    ) -> None:
        """Opens, or goes on with, the run of this id."""

    def progress(self, values: Mapping[str, float]) -> None:
        """Adds one point of the progress history."""

    def finish(
        self,
        run_dir: Path,
        manifest: Mapping[str, Any],
        table: Table,
        estimates: Sequence[Estimate],
        drawings: Sequence[Drawing],
        *,
        figures: Sequence[Figure] = (),
    ) -> None:
        """Records the results and closes the run."""

    def abort(self) -> None:
        """Closes the run as failed."""


@dataclass(frozen=True, kw_only=True)
class NoTracker:
    """Settings of `tracker=none`: the run directory is all there is."""

    def start(
        self, *, run_dir: Path, run_id: str, name: str, config: Mapping[str, Any], job_type: str, tags: Sequence[str]
    ) -> None:
        pass

    def progress(self, values: Mapping[str, float]) -> None:
        pass

    def finish(
        self,
        run_dir: Path,
        manifest: Mapping[str, Any],
        table: Table,
        estimates: Sequence[Estimate],
        drawings: Sequence[Drawing],
        *,
        figures: Sequence[Figure] = (),
    ) -> None:
        pass

    def abort(self) -> None:
        pass
