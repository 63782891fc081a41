"""Reads finished runs back from their directories."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.config import flat
from harness.errors import HarnessError
from harness.files import json_of
from harness.item_lines import item_lines
from harness.items import FIRST_ITEM
from harness.metrics.metric import Metric
from harness.models.model import DRY
from harness.outcomes import Table
from harness.runs.owned import without_results
from harness.statistics.estimates import Estimate
from harness.typed import typed

BESIDES = frozenset(
    {"runs", "store", "tracker", "window", "claims", "references", "replicates", "interval", "max_failed", "shard"}
)
"""Settings that change no outcome."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run directory.

    Attributes:
        manifest: as written by the run; keys as in `harness.execution.execute.Session.manifest`.
        verdicts: each as a mapping with "kind", "text" and "reason".
        figures: SVG files.
    """

    path: Path
    manifest: Mapping[str, Any]
    estimates: tuple[Estimate, ...]
    verdicts: tuple[Mapping[str, Any], ...]
    figures: tuple[Path, ...]

    @property
    def config(self) -> dict[str, Any]:
        """All settings, defaults spelled out, from which `harness.config.make_job` makes the run's job again."""
        return dict(self.manifest["config"])

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that can change an outcome, by dotted key."""
        settings = dict(flat({key: value for key, value in self.config.items() if key not in BESIDES}))
        return {**settings, "experiment": self.manifest["experiment"]}


def differing(settings: Sequence[Mapping[str, Any]], besides: Iterable[str] = ()) -> list[str]:
    """Dotted keys of settings that are not the same in all runs."""
    keys = dict.fromkeys(key for one in settings for key in one)
    return [key for key in keys if key not in besides and len({repr(one.get(key)) for one in settings}) > 1]


def is_dry(manifest: Mapping[str, Any]) -> bool:
    """Whether a run was a dry run: no model was asked, so that its numbers mean nothing."""
    model = manifest.get("model")
    return isinstance(model, Mapping) and str(model.get("name", "")).startswith(DRY)


def without_dry_runs(runs: Sequence[Path], named: Collection[Path]) -> tuple[list[Path], list[str]]:
    """The runs that are results, and a line for each dry run that is left out.

    Args:
        named: runs that the user named, which stay. Where no run is of a model, all stay.
    """
    manifests = {run: _known(run) for run in runs}
    if not any(manifest and not is_dry(manifest) for manifest in manifests.values()):
        return list(runs), []
    dry = [run for run, manifest in manifests.items() if run not in named and is_dry(manifest)]
    return [run for run in runs if run not in dry], [f"{run}: a dry run, in which no model was asked" for run in dry]


def _known(run: Path) -> Mapping[str, Any]:
    """The manifest of a run as far as there is one; a later use of the run says what is wrong with it."""
    try:
        manifest = _json(run / "manifest.json", dict)
    except HarnessError:
        return {}
    return manifest if isinstance(manifest, Mapping) else {}


def load_record(path: Path) -> RunRecord:
    """Reads a run directory.

    Raises:
        HarnessError: no such directory, a file that is missing or damaged, or a run that has no results.
    """
    if not path.is_dir():
        raise HarnessError(f"{path}: no such run directory")
    if not (path / "manifest.json").is_file():
        raise HarnessError(f"{path} is no run directory: it has no manifest.json")
    manifest = _json(path / "manifest.json", dict)
    if reason := without_results(path, manifest):
        raise HarnessError(reason)
    try:
        estimates = _estimates(path / "estimates.json")
        verdicts = tuple(_json(path / "verdicts.json", list))
        try:
            _check_manifest(manifest)
        except HarnessError as error:
            raise _foreign(path, error) from error
        for verdict in verdicts:
            for name in ("kind", "text", "measured", "published", "reason", "source"):
                verdict[name]
    except (KeyError, TypeError) as error:
        raise _foreign(path, error) from error
    return RunRecord(path, manifest, estimates, verdicts, tuple(sorted((path / "figures").glob("*.svg"))))


def _foreign(path: Path, error: Exception) -> HarnessError:
    return HarnessError(f"{path}: written by another version or changed by hand ({error}); run it again")


def _estimates(file: Path) -> tuple[Estimate, ...]:
    """Raises HarnessError: a value of another type; TypeError: other keys than an estimate has."""
    values = _json(file, list)
    estimates = tuple(Estimate(**one) for one in values)
    try:
        typed(values, list[Estimate], "estimates")
    except HarnessError as error:
        raise HarnessError(f"{file} is damaged: {error}; run its command again") from error
    return estimates


_NEEDED: Mapping[str, Any] = {
    "experiment": str,
    "title": str,
    "seed": int,
    "items_done": int,
    "task": Mapping[str, Any],
    "model": Mapping[str, Any],
    "config": Mapping[str, Any],
}
_PERHAPS: Mapping[str, Any] = {
    **dict.fromkeys(("status", "run_id", "started", "error", "python"), str | None),
    **dict.fromkeys(("engine", "roles", "limits", "prompts", "imported", "fitted"), Mapping[str, Any] | None),
    **dict.fromkeys(("thoughts", "role_thoughts", "role_prompts", "git", "host"), Mapping[str, Any] | None),
    "items_failed": int | None,
    "seconds": Mapping[str, float] | None,
    "usage": Mapping[str, float] | None,
    "store": Mapping[str, int] | None,
    "engine_busy": float | None,
    "packages": Mapping[str, str] | None,
    "command": list[str] | None,
    "stand_in": list[str] | None,
    "loads": list[str] | None,
    "correctness": list[Mapping[str, Any]] | None,
    "rescored": list[Mapping[str, Any]] | None,
}
"""The kinds of a manifest's values, that every reader may rely on."""


def _check_manifest(manifest: Mapping[str, Any]) -> None:
    """Raises KeyError: a key that everybody reads is missing; HarnessError or TypeError: one holds another kind."""
    kinds = {**_NEEDED, **{name: kind for name, kind in _PERHAPS.items() if name in manifest}}
    for name, kind in kinds.items():
        typed(manifest[name], kind, name)
    for name in ("task", "model"):
        if not isinstance(manifest[name]["name"], str):
            raise TypeError(f"{name}.name is {str(manifest[name]['name'])[:100]!r}")
    # A name with a line break could print lines that look like the harness's own; no run has one.
    for name in (manifest["experiment"], manifest["task"]["name"], manifest["model"]["name"]):
        if "\n" in name:
            raise TypeError(f"the name {name[:100]!r} has a line break")


def load_table(record: RunRecord, metrics: Sequence[Metric]) -> Table:
    """The outcomes of a run.

    Args:
        metrics: the metrics that are to read them.

    Raises:
        HarnessError: outcomes.parquet is missing, damaged or empty, or lacks a column that a metric reads.
    """
    file = record.path / "outcomes.parquet"
    table = Table.load(file)
    wanted = dict.fromkeys(("item", "group", "error"), "every metric")
    for metric in metrics:
        wanted |= dict.fromkeys((*metric.columns, *metric.by, *metric.where), f"metric {metric.name!r}")
    for column, reader in wanted.items():
        if column not in table.columns:
            raise HarnessError(
                f"{file} has no column {column!r}, which {reader} reads: it was written by another version; run it "
                "again, or `rescore RUN --replay` makes the outcomes again from the stored calls"
            )
    if not len(table):
        raise HarnessError(f"{file} has no rows: no item of the run was finished")
    return table


def by_first_item(record: RunRecord, table: Table) -> Table:
    """The outcomes with the first run's items as items, where this run's items were made of another's (task=run).

    Raises:
        HarnessError: calls.jsonl is missing, damaged, or lacks an item.
    """
    first: dict[str, str] = {}
    for line in item_lines(record.path):
        if FIRST_ITEM not in line["fields"]:
            return table
        first[line["item"]] = line["fields"][FIRST_ITEM]
    try:
        items = np.array([first[item] for item in table.columns["item"]], dtype=object)
    except KeyError as error:
        raise HarnessError(f"{record.path / 'calls.jsonl'} lacks item {error}; run its command again") from error
    return Table(table.kinds, {**table.columns, "item": items})


def _json(file: Path, kind: type) -> Any:
    """The content of a file, which must be a list or an object."""
    try:
        text = file.read_bytes()
        content = json_of(text)
        if b"\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()  # half a surrogate pair could be written nowhere
    except OSError as error:
        raise HarnessError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise HarnessError(f"{file} is damaged: {error}; run its command again") from error
    if not isinstance(content, kind):
        raise HarnessError(f"{file} is damaged: it holds a {type(content).__name__}; run its command again")
    return content
