"""Defines a tracker, which follows a run from outside (W&B, a sweep's status), and the tracker that does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.figures import Drawing, Figure
from harness.outcomes import Table
from harness.statistics.estimates import Estimate


@dataclass(frozen=True, kw_only=True)
class RunStart:
    """A run that begins.

    Attributes:
        folder: the run directory.
        run_id: digest of everything that can change an outcome; the same job has the same id when it goes on.
        name: for people.
        config: all settings, without secrets.
        experiment, model, task: names.
        items: number of test items.
    """

    folder: Path
    run_id: str
    name: str
    config: Mapping[str, Any]
    experiment: str
    model: str
    task: str
    items: int


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A run that has ended, with everything that its report shows.

    Attributes:
        folder: the run directory.
        manifest: as written there; `status` and `run_id` among others.
        verdicts: on claims and published numbers, as in verdicts.json.
        drawings: the figures as drawn; figures: their data, for trackers that draw by themselves.
    """

    folder: Path
    manifest: Mapping[str, Any]
    table: Table
    estimates: Sequence[Estimate]
    verdicts: Sequence[Mapping[str, Any]] = ()
    drawings: Sequence[Drawing] = ()
    figures: Sequence[Figure] = ()


class Tracker(Protocol):
    """Follows a run. No method raises: tracking never fails a run."""

    def start(self, run: RunStart) -> None:
        """Opens, or goes on with, the run of this id."""

    def progress(self, values: Mapping[str, float]) -> None:
        """Adds one point of the progress history."""

    def finish(self, result: RunResult) -> None:
        """Records the results and closes the run."""

    def abort(self) -> None:
        """Closes the run as failed."""


@dataclass(frozen=True, kw_only=True)
class NoTracker:
    """Settings of `tracker=none`: the run directory is all there is."""

    def start(self, run: RunStart) -> None:
        pass

    def progress(self, values: Mapping[str, float]) -> None:
        pass

    def finish(self, result: RunResult) -> None:
        pass

    def abort(self) -> None:
        pass
