"""A finished run with its outcomes and its metrics, as comparisons and studies need it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config import Job, make_job
from harness.errors import HarnessError
from harness.outcomes import Table
from harness.runs.records import RunRecord, by_first_item, load_record, load_table
from harness.tasks.run import COMPLETE


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run with its outcomes and the metrics that apply to them.

    Attributes:
        table: the outcomes. Where the run asked about the outcomes of another (task=run), "item" is the item of the
            first run, by which its rows are paired with rows of other runs.
    """

    record: RunRecord
    table: Table
    job: Job

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that can change an outcome, by dotted key."""
        return self.record.settings


def load_run(path: Path) -> Loaded:
    """Reads a run directory with its outcomes.

    Raises:
        HarnessError: it is incomplete, damaged, or from another version; the message names the file.
    """
    record = load_record(path)
    try:
        job = make_job(record.config, str(record.manifest["experiment"]), {})
    except HarnessError as error:
        raise HarnessError(f"{path / 'manifest.json'}: {error}; it is of another version: run it again") from error
    return Loaded(record, by_first_item(record, load_table(record, job.all_metrics)), job)


def load_finished(path: Path) -> Loaded:
    """Reads the directory of a run that was finished.

    Raises:
        HarnessError: it was not finished, or only a shard of a run, or see `load_run`.
    """
    record = load_record(path)
    status = record.manifest.get("status")
    if status not in COMPLETE:
        raise HarnessError(f"{path}: the run is {status}, and not finished; its command goes on with it")
    if record.config.get("shard"):
        raise HarnessError(f"{path}: a shard, which is only a part of a run")
    return load_run(path)


def value_of(run: Loaded, key: str) -> str:
    """The value of a setting in words."""
    return str(run.settings.get(key, "not set"))
