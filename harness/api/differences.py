"""Compares runs from Python, as `python -m harness compare` does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from harness.api import frames, view
from harness.api.results import Run, load_runs
from harness.console import log
from harness.errors import HarnessError

if TYPE_CHECKING:
    import pandas as pd

    from harness.runs.comparison import Comparison


class Differences:
    """Paired differences between sides, each side a run or several seeds of one.

    Attributes:
        comparisons: each side against the baseline, with everything that is known of it.
    """

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        self.comparisons = tuple(comparisons)

    @property
    def table(self) -> pd.DataFrame:
        """A row for each difference.

        Columns: side and baseline, metric and its level, `first` (the baseline's value), `second` (the side's), `value`
        (second - first) with low and high (95 %), p, p_holm (over all rows together), smallest (the difference that
        would be found with 80 % power), n, n_items, n_groups.
        """
        rows = []
        for one in self.comparisons:
            sides = {"side": one.second.label, "baseline": one.first.label}
            for contrast in one.contrasts:
                row: dict[str, Any] = {**sides, **frames.spread(contrast)}
                row["spread_first"], row["spread_second"] = row.pop("spread")
                rows.append(row)
        return frames.frame(rows)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why sides may not be comparable, and which keys of their settings differ."""
        return tuple(
            f"{one.second.label} against {one.first.label}: {text}" for one in self.comparisons for text in one.warnings
        )

    def __repr__(self) -> str:
        return "\n".join([self.table.to_string(), *(f"WARNING: {text}" for text in self.warnings)])

    def _repr_html_(self) -> str:
        warnings = "".join(f"<p><b>warning</b>: {view.text(one)}</p>" for one in self.warnings)
        return warnings + view.table_html(self.table)


def compare(
    runs: Iterable[Run] | str | PathLike[str],
    *,
    group_by: str | None = None,
    baseline: str | None = None,
    metric: str | Sequence[str] = (),
    replicates: int = 2000,
) -> Differences:
    """Paired differences between runs, on the items that they share.

    Args:
        runs: `Run`s, or a pattern or folder as for `load_runs`.
        group_by: the setting or outcome column that makes the sides: "model", "task", "seed", a dotted key, "arm".
            Without it every run is a side, and runs that differ in the seed alone are one.
        baseline: the side that the others are compared with, by its label; the first one without it.
        metric: the metrics to compare; "all" for all, without any the metrics of claims.
        replicates: of the bootstrap, at least 2.

    Raises:
        HarnessError: fewer than two sides, an unknown metric or side, no shared item, or runs that cannot be compared.
    """
    from harness.runs.comparison import compare_all
    from harness.runs.sides import pairs

    if replicates < 2:
        raise HarnessError(f"replicates={replicates}: give 2 or more")
    loaded = [run.loaded for run in (load_runs(runs) if isinstance(runs, (str, PathLike)) else runs)]
    names = [metric] if isinstance(metric, str) else list(metric)
    wanted, alone = pairs(loaded, group_by, baseline)
    found, failed = compare_all(wanted, names, replicates=replicates)
    for reason in (*alone, *failed):
        log(f"left out: {reason}")
    differences = Differences(found)
    for warning in differences.warnings:
        log(f"WARNING {warning}")
    return differences
