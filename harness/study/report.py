"""Writes the results of a study: a page over its runs with its tables and claims on top, the same as JSON and CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.execution.checks import run_folder
from harness.files import write_whole
from harness.report.pivot import Notes
from harness.report.study_tables import StudyTable, TableCell, TableRow
from harness.runs.directory import as_json, config_digest
from harness.runs.records import RunRecord, load_record
from harness.statistics.claims import Verdict
from harness.study.planning import Plan
from harness.study.study import Ended
from harness.study.tables import Filled, Table, as_csv, fill
from harness.study.verdicts import RunClaim

if TYPE_CHECKING:
    from harness.report.several import Between


def write_study(plan: Plan, ended: Sequence[Ended], verdicts: Sequence[Verdict]) -> Path:
    """Writes report.html, study.json (runs and verdicts) and verdicts.json (as a run's) into the study's folder.

    A study with tables leaves tables.csv, too.

    Returns:
        The page.

    Raises:
        HarnessError: the folder cannot be written, or a run directory is damaged.
    """
    from harness.report.several import Head, Member, render_several

    folder = plan.folder
    records = {one.name: load_record(one.session.run.path) for one in ended if one.session is not None}
    tables = plan.study.tables
    missing = {one.name: one.missing for one in ended if one.missing}
    filled = [fill(table, plan.jobs, records, missing) for table in tables]
    shown = [_shown(table, cells, records) for table, cells in zip(tables, filled, strict=True)]
    members = [Member(one.name, records.get(one.name), one.status, one.reason) for one in ended]
    between = [_between(c, verdict) for c, verdict in zip(plan.study.claims, verdicts, strict=True)]
    head = Head(members, between, shown)
    page = render_several(f"Study {plan.study.name}", list(records.values()), folder, study=head)
    content = {
        "study": plan.study.name,
        "runs": [_run(one) for one in ended],
        "verdicts": [
            {**asdict(verdict), "metric": c.metric, "first": asdict(c.first), "second": asdict(c.second)}
            for c, verdict in zip(plan.study.claims, verdicts, strict=True)
        ],
    }
    texts = {
        "report.html": page,
        "study.json": as_json(content),
        "verdicts.json": as_json([asdict(verdict) for verdict in verdicts]),
        **({"tables.csv": as_csv(tables, filled)} if tables else {}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"cannot make {folder}: {error.strerror}; set runs=FOLDER to another") from error
    for name, text in texts.items():
        write_whole(folder / name, text, "set runs=FOLDER to another")
    return folder / "report.html"


def _between(claim: RunClaim, verdict: Verdict) -> Between:
    from harness.report.several import Between
    from harness.report.text import in_family

    compared = f"{claim.first.text} {claim.relation} {claim.second.text}"
    family = in_family(asdict(verdict))
    return Between(verdict.kind, family, verdict.text, compared, verdict.reason, claim.source)


def _shown(table: Table, filled: Sequence[Sequence[Filled]], records: Mapping[str, RunRecord]) -> StudyTable:
    """A table as the page shows it, equal notes once."""
    notes = Notes()

    def cell(one: Filled) -> TableCell:
        value = one.value if one.estimate is None else one.estimate.value
        return TableCell(one.estimate, value, one.best, notes.add(one.note))

    rows = [
        TableRow(row.text, records.get(row.run or ""), [cell(one) for one in line])
        for row, line in zip(table.rows, filled, strict=True)
    ]
    columns = [column.text for column in table.columns]
    svg = alt = ""
    if table.scatter is not None:
        from harness.report.scatter import scatter

        x, y = columns.index(table.scatter.x), columns.index(table.scatter.y)
        points = [(row.text, row.cells[x], row.cells[y]) for row in rows]
        svg, alt = scatter(table.scatter.x, table.scatter.y, points)
    return StudyTable(table.title, columns, rows, notes.texts, svg, alt)


def _run(one: Ended) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "folder": str(run_folder(one.job)),
        "run_id": config_digest(one.job.config),
        "status": one.status,
        "reason": one.reason,
    }
