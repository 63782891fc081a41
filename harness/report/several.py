"""One page over several runs: what each found, and every number that more than one of them measured side by side."""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from harness.records import RunRecord
from harness.report.text import number, visible
from harness.stats import Estimate

MOST_COLUMNS = 8
"""Metrics side by side at most, the most frequent first; every run's own page has all of them."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the comparison: a run and a level, and its estimates by metric."""

    run: RunRecord
    level: str
    cells: Mapping[str, Estimate]


def shared_metrics(runs: Sequence[RunRecord]) -> list[str]:
    """Metrics that at least two runs measured, the most frequent first; all metrics of a single run."""
    counts = Counter(metric for run in runs for metric in dict.fromkeys(e.metric for e in run.estimates))
    wanted = [metric for metric, n in counts.most_common() if n >= min(2, len(runs))]
    return wanted[:MOST_COLUMNS]


def comparison(runs: Sequence[RunRecord], metrics: Sequence[str]) -> list[Line]:
    """A line for every run and level that has one of the metrics."""
    lines = []
    for run in runs:
        levels: dict[str, dict[str, Estimate]] = {}
        for e in run.estimates:
            if e.metric in metrics:
                levels.setdefault(", ".join(e.level.values()), {})[e.metric] = e
        lines += [Line(run, level, cells) for level, cells in levels.items()]
    return lines


def render_several(title: str, runs: Sequence[RunRecord], folder: Path) -> str:
    """The page, with links to each run's own report relative to the folder that it will lie in. No script."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("harness", "report"),
        autoescape=select_autoescape(["j2", "html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"num": number, "seen": lambda text: visible(str(text))}
    metrics = shared_metrics(runs)
    return environment.get_template("several.html.j2").render(
        title=title,
        runs=runs,
        metrics=metrics,
        lines=comparison(runs, metrics),
        style=(files("harness.report") / "page.css").read_text(encoding="utf-8"),
        link=lambda run: Path(os.path.relpath(run.path, folder), "report.html").as_posix(),
        picture=lambda figure: base64.b64encode(figure.read_bytes()).decode(),
    )
