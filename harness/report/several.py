"""Makes one page over several runs: shared numbers side by side, figures, and scaling with model size."""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.report.multiples import draw_scaling, draw_side_by_side, label, parameters, short
from harness.report.pooling import pools
from harness.report.study_tables import StudyTable
from harness.report.templates import environment
from harness.runs.records import RunRecord, is_dry
from harness.statistics.estimates import Estimate

MOST_COLUMNS = 8
"""Metrics side by side at most, the most frequent first; every run's own page has all of them."""

MOST_LINES = 2000
"""Rows of the comparison at most."""

MOST_PICTURES = 2_500_000
"""Bytes of the runs' own figures on the page at most."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the comparison: a run and a level, and its estimates by metric."""

    run: RunRecord
    level: str
    cells: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A figure of one run: the settings that set the run apart, and the picture as base64."""

    run: RunRecord
    label: str
    picture: str


@dataclass(frozen=True, slots=True)
class Member:
    """A run of a study: its name there, its record (None without results), and how it ended."""

    name: str
    run: RunRecord | None
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Between:
    """The verdict on a claim between runs, its verdict in the family of all claims, and the two sides in words."""

    kind: str
    family: str
    text: str
    compared: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Head:
    """What stands on top of a study's page: its runs, the verdicts on the claims between them, and its tables."""

    runs: Sequence[Member]
    between: Sequence[Between]
    tables: Sequence[StudyTable] = ()


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
                levels.setdefault(", ".join(map(str, e.level.values())), {})[e.metric] = e
        lines += [Line(run, level, cells) for level, cells in levels.items()]
    return lines


def claims_in(runs: Sequence[RunRecord]) -> list[str]:
    """The texts of the claims that any of the runs judges, and of published numbers that it can be compared with."""
    return list(
        dict.fromkeys(
            str(v["text"])
            for run in runs
            for v in run.verdicts
            if v["published"] is None or v["kind"] != "not comparable"
        )
    )


def _results(runs: Sequence[RunRecord]) -> tuple[list[RunRecord], list[str]]:
    """The runs without dry runs, and why each of these is left out; all of them where there are no others."""
    real = [run for run in runs if not is_dry(run.manifest)]
    dry = [f"{run.path}: a dry run, in which no model was asked" for run in runs if is_dry(run.manifest)]
    return (real, dry) if real else (list(runs), [])


def render_several(
    title: str, runs: Sequence[RunRecord], folder: Path, left_out: Sequence[str] = (), study: Head | None = None
) -> str:
    """The page, small models first, with links to each run's own report relative to the folder that it will lie in.

    Args:
        left_out: runs that could not be read, each with its reason.
        study: what heads the page of a study.
    """
    runs, dry = _results(runs)
    left_out = [*left_out, *dry]
    experiments = list(dict.fromkeys(str(run.manifest["experiment"]) for run in runs))
    runs = sorted(runs, key=lambda r: (_order(str(r.manifest["model"]["name"]), runs), str(r.manifest["seed"])))
    models = list(dict.fromkeys(str(run.manifest["model"]["name"]) for run in runs))
    of = {name: [run for run in runs if run.manifest["experiment"] == name] for name in experiments}
    beside = [picture for name, those in of.items() if (picture := draw_side_by_side(name, those)) is not None]
    scaling = [picture for name, those in of.items() if (picture := draw_scaling(name, those)) is not None]
    thumbnails, skipped = _thumbnails(of)
    metrics = shared_metrics(runs)
    lines = comparison(runs, metrics)
    return str(
        environment()
        .get_template("several.html.j2")
        .render(
            title=title,
            runs=runs,
            left_out=left_out,
            study=study,
            experiments=experiments,
            models=models,
            dry=any(is_dry(run.manifest) for run in runs),
            pools={name: pools(those) for name, those in of.items()},
            claims={name: claims_in(those) for name, those in of.items()},
            apart=sum(v["kind"] == "not comparable" and v["published"] is not None for r in runs for v in r.verdicts),
            seeds=len({str(run.manifest["seed"]) for run in runs}),
            size=lambda model: _size(model, runs),
            label=lambda run: label(run, of[run.manifest["experiment"]]),
            metrics=metrics,
            lines=lines[:MOST_LINES],
            lines_left=max(0, len(lines) - MOST_LINES),
            drawn=scaling or beside,
            drawn_too=beside if scaling else [],
            thinking=[r for r in runs if r.manifest.keys() & {"thoughts", "role_thoughts"}],
            thumbnails=thumbnails,
            skipped=skipped,
            link=lambda run: quote(Path(os.path.relpath(run.path, folder), "report.html").as_posix()),
            picture=lambda p: base64.b64encode(p.svg.encode()).decode(),
        )
    )


def _order(model: str, runs: Sequence[RunRecord]) -> tuple[float, str]:
    """Models from small to large; models of unknown size last, by name."""
    return _known(model, runs)[0] or float("inf"), model


def _size(model: str, runs: Sequence[RunRecord]) -> str:
    size, counted = _known(model, runs)
    return "" if size is None else f"{short(size)} parameters{'' if counted else ', from its name'}"


def _known(model: str, runs: Sequence[RunRecord]) -> tuple[float | None, bool]:
    """A model's parameters, counted if any of its runs has counted them."""
    found = [parameters(run.manifest) for run in runs if str(run.manifest["model"]["name"]) == model]
    return max(found, key=lambda pair: pair[1])


def _thumbnails(of: Mapping[str, Sequence[RunRecord]]) -> tuple[dict[tuple[str, str], list[Thumbnail]], int]:
    """The runs' own figures by experiment and kind, and how many the page has no room for."""
    found: dict[tuple[str, str], list[Thumbnail]] = {}
    size = skipped = 0
    for name, runs in of.items():
        for run in runs:
            for figure in run.figures:
                picture = base64.b64encode(figure.read_bytes()).decode()
                size += len(picture)
                if size > MOST_PICTURES:
                    skipped += 1
                    continue
                found.setdefault((name, figure.stem), []).append(Thumbnail(run, label(run, runs), picture))
    return found, skipped
