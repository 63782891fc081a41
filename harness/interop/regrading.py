"""Grades the texts of an imported run with a grader of ours: an arm beside the arms of the other harness's scorers."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from harness.config import Job
from harness.errors import HarnessError, named
from harness.files import refused
from harness.interop.imported import ImportedAnswer, ImportedItems
from harness.interop.pairing import stored_item
from harness.item_lines import damaged, item_lines
from harness.items import Grader, Item
from harness.outcomes import ItemResult, Table
from harness.runs.records import RunRecord, load_table
from harness.subject.transcript import Transcript
from harness.tasks.fates import graded
from harness.tasks.graders import grader_name, grader_named

_FIX = "free space in the folder of temporary files"


def regrade(record: RunRecord, job: Job, folder: Path) -> Path:
    """Writes the run's files anew into `folder`, with an arm "graded by GRADER" that judges every reply.

    Returns:
        The folder.

    Raises:
        HarnessError: the job names no grader, the run has no texts, or the grader cannot take its items.
    """
    task = job.task
    if not isinstance(task, ImportedItems) or task.grader is None:
        raise HarnessError(f"{record.path} is imported: name what is to grade its texts, as task.grader=short_answer")
    replies = record.manifest.get("imported", {}).get("replies")
    if replies == "a run":
        raise HarnessError(f"{record.path} is the log of a run of the harness; rescore that run itself")
    if replies != "texts":
        raise HarnessError(f"{record.path}: log-probabilities of options were measured, so there are no texts to grade")
    grader = grader_named(task.grader)
    table = load_table(record, [])
    cut = {
        (item, draw)
        for item, draw, fate in zip(*(table.columns[name] for name in ("item", "draw", "fate")), strict=True)
        if fate == "cut"
    }
    arm, results = f"graded by {task.grader}", []
    try:
        with (folder / "calls.jsonl").open("wb") as written:
            for line in item_lines(record.path):
                item = replace(stored_item(line, record.path), grader=grader)
                results.append(_graded(item, _replies(line, record.path), arm, cut))
                written.write(orjson.dumps(line | {"grader": grader_name(grader)}, option=orjson.OPT_APPEND_NEWLINE))
        for name in ("manifest.json", "estimates.json", "verdicts.json"):
            shutil.copyfile(record.path / name, folder / name)
    except OSError as error:
        raise refused(str(folder), error, _FIX) from error
    kept = table.where(np.array([name != arm for name in table.columns["arm"]], dtype=bool))
    _together(kept, job.experiment.table(results)).save(folder / "outcomes.parquet")
    return folder


def _replies(line: dict[str, Any], run: Path) -> list[str]:
    try:
        return [exchange.reply for exchange in Transcript.read(line["exchanges"])]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(f"{run / 'calls.jsonl'}, item {line['item']}", error) from error


def _graded(item: Item, replies: Sequence[str], arm: str, cut: set[tuple[str, float]]) -> ItemResult:
    rows = []
    for draw, reply in enumerate(replies):
        try:
            grade = graded(item, reply, cut=(item.id, float(draw)) in cut)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            why = f"{_name(item.grader)} cannot grade it ({named(error)}); use another"
            raise HarnessError(f"item {item.id}: {why}") from error
        value = float(grade.correct)
        rows.append(
            ImportedAnswer(arm=arm, answer=grade.answer, correct=grade.correct, fate=grade.fate, value=value, draw=draw)
        )
    return ItemResult(item.id, item.cluster, tuple(rows))


def _name(grader: Grader) -> str:
    return grader_name(grader) or "the grader"


def _together(one: Table, two: Table) -> Table:
    """The rows of both, by item."""
    columns = {name: np.concatenate([one.columns[name], two.columns[name]]) for name in one.columns}
    order = np.argsort(columns["item"].astype(str), kind="stable")
    return Table(one.kinds, {name: values[order] for name, values in columns.items()})
