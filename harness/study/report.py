"""Writes the results of a study: a page over its runs with the claims on top, and the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.execution.checks import run_folder
from harness.files import write_whole
from harness.runs.directory import as_json, config_digest
from harness.runs.records import load_record
from harness.statistics.claims import Verdict
from harness.study.planning import Plan
from harness.study.study import Ended


def write_study(plan: Plan, ended: Sequence[Ended], verdicts: Sequence[Verdict]) -> Path:
    """Writes report.html, study.json (runs and verdicts) and verdicts.json (as those of a run) into the study's folder.

    Returns:
        The page.

    Raises:
        HarnessError: the folder cannot be written, or a run directory is damaged.
    """
    from harness.report.several import Between, Head, Member, render_several
    from harness.report.text import in_family

    folder = plan.folder
    records = {one.name: load_record(one.session.run.path) for one in ended if one.session is not None}
    between = [
        Between(
            verdict.kind,
            in_family(asdict(verdict)),
            verdict.text,
            f"{c.first.text} {c.relation} {c.second.text}",
            verdict.reason,
            c.source,
        )
        for c, verdict in zip(plan.study.claims, verdicts, strict=True)
    ]
    members = [Member(one.name, records.get(one.name), one.status, one.reason) for one in ended]
    page = render_several(f"Study {plan.study.name}", list(records.values()), folder, study=Head(members, between))
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
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"cannot make {folder}: {error.strerror}; set runs=FOLDER to another") from error
    for name, text in texts.items():
        write_whole(folder / name, text, "set runs=FOLDER to another")
    return folder / "report.html"


def _run(one: Ended) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "folder": str(run_folder(one.job)),
        "run_id": config_digest(one.job.config),
        "status": one.status,
        "reason": one.reason,
    }
