"""Reads a file of labels, which tables and figures of the same runs share: a text in place of a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError, nearest

if TYPE_CHECKING:
    from harness.runs.loaded import Loaded


def read_labels(file: Path | None, known: Iterable[str]) -> Mapping[str, str]:
    """The labels of a YAML file of lines like `few-shot: own examples`; none without a file.

    Args:
        known: names that can be given a label.

    Raises:
        HarnessError: the file cannot be read, is no mapping of texts, or labels what is not there.
    """
    if file is None:
        return {}
    import yaml

    try:
        found = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)  # all values are texts
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise HarnessError(f"--labels {file}: cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise HarnessError(f"--labels {file}: write lines like `few-shot: own examples`")
    names = dict.fromkeys(known)
    for name in found:
        if name not in names:
            raise HarnessError(f"--labels {file}: nothing here is called {name!r}{nearest(str(name), names)}")
    return found


def names_of(run: Loaded) -> list[str]:
    """What can be given a label: the run's metrics, columns, values of columns, experiment and model."""
    from harness.metrics.levels import LEVEL_KINDS, occurring, shown

    table, manifest = run.table, run.record.manifest
    kinds = {name: kind for name, kind in table.kinds.items() if kind in LEVEL_KINDS and name in table.columns}
    told = dict.fromkeys(column for figure in run.job.experiment.figures for column in _by(figure))
    values = [
        shown(value, kinds[name])
        for name in told
        if name in kinds
        for value in occurring(table, name, table.columns["item"] != "")
    ]
    levels = [value for e in run.record.estimates for value in e.level.values()]
    metrics = [metric.name for metric in run.job.all_metrics]
    return [*metrics, *table.columns, *values, *levels, str(manifest["experiment"]), str(manifest["model"]["name"])]


def _by(figure: object) -> list[str]:
    """The columns that a figure tells apart."""
    return [str(getattr(figure, name)) for name in ("by", "hue", "x") if hasattr(figure, name)]
