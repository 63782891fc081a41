"""Writes the run directory of an import: the same files that a run of ours leaves, with the status "imported"."""

from __future__ import annotations

import hashlib
import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.config import Job, make_job
from harness.errors import HarnessError, nearest
from harness.interop.answers import Answer, Source
from harness.interop.imported import NAME, Imported, ImportedAnswer
from harness.interop.metrics import binary_arms, metrics_for
from harness.metrics.metric import Metric
from harness.metrics.shares import accuracy, mean
from harness.outcomes import Failed, ItemResult, Outcome, Table
from harness.redaction import without_secrets
from harness.runs.directory import RunDirectory, as_json, config_digest, provenance
from harness.runs.finished import Finished
from harness.runs.loaded import load_run
from harness.statistics.estimates import Estimate, estimate_all
from harness.subject.transcript import Log

SLACK = 1e-6
"""Difference of a mean from theirs that is told: their files round, and ours does not."""


@dataclass(frozen=True, slots=True)
class Check:
    """Their aggregate of an arm beside ours.

    Attributes:
        ours: None where the arm has none.
    """

    arm: str
    ours: Estimate | None
    theirs: float
    error: float | None

    @property
    def agrees(self) -> bool:
        """Whether ours is theirs."""
        ours = None if self.ours is None else self.ours.value
        return ours is not None and bool(abs(ours - self.theirs) <= SLACK)


def with_arms(source: Source, names: Mapping[str, str]) -> Source:
    """The source with other names of arms.

    Raises:
        HarnessError: a name that no arm has, or two arms of one name.
    """
    arms = list(dict.fromkeys(answer.arm for answer in source.answers))
    for name in names:
        if name not in arms:
            raise HarnessError(f"--arm {name}: {source.file} has no such scorer{nearest(name, arms)}")
    called = [names.get(arm, arm) for arm in arms]
    if len(set(called)) < len(called):
        raise HarnessError(f"--arm: two scorers of {source.file} would be called alike ({', '.join(called)})")
    answers = [replace(one, arm=names.get(one.arm, one.arm)) for one in source.answers]
    theirs = {names.get(arm, arm): value for arm, value in source.theirs.items()}
    return replace(source, answers=answers, theirs=theirs)


def default_folder(source: Source) -> Path:
    """runs/imported/TASK-MODEL-DIGEST. The digest is of all answers: an import with other names is another folder."""
    digest = hashlib.sha256()
    for one in source.answers:
        shown = json.dumps([one.item.id, one.arm, one.value, one.prompt, one.reply, one.draw, one.error])
        digest.update(shown.encode())
    names = (re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "unknown" for name in (source.task, source.model))
    return Path("runs") / NAME / "-".join([*names, digest.hexdigest()[:8]])


def write_run(source: Source, folder: Path, *, like: Path | None = None, replicates: int = 1000) -> list[Check]:
    """Writes the run directory with its report.

    Args:
        like: the run whose items the answers have.

    Returns:
        The aggregates of the log beside ours.

    Raises:
        HarnessError: the directory cannot be written, or holds a run of another kind.
    """
    from harness.report.page import write_page

    binary = binary_arms(source.answers)
    chosen = metrics_for(source.answers, load_run(like).job.all_metrics if like is not None else ())
    job = _job(source, chosen, like, folder, replicates)
    finished = _finished(source.answers, binary)
    table = job.experiment.table([one.result for one in finished])
    estimates = estimate_all(job.all_metrics, table, replicates=job.replicates, seed=job.seed, interval=job.interval)
    checks = _checks(source, table, binary)
    directory = RunDirectory(folder)
    try:
        for one in finished:
            directory.add(one)
        directory.write_results(table, estimates, [], [one.item.id for one in finished])
        directory.write("manifest.json", as_json(_manifest(source, job, finished, checks)))
        write_page(directory.stage)
        directory.publish()
    finally:
        directory.close()
    return checks


def _finished(answers: Sequence[Answer], binary: Mapping[str, bool]) -> list[Finished]:
    """The items in the order of the log, each with its rows, and with every text once."""
    by_item: dict[str, list[Answer]] = {}
    for answer in answers:
        by_item.setdefault(answer.item.id, []).append(answer)
    finished = []
    for those in by_item.values():
        item, log = those[0].item, Log()
        for draw, prompt, reply in dict.fromkeys((one.draw, one.prompt, one.reply) for one in those if not one.error):
            log.note(log.ask(prompt, draw), reply, (), False, 0, 0, "")
        rows = tuple(_row(one, binary[one.arm]) for one in those)
        finished.append(Finished(item, ItemResult(item.id, item.cluster, rows), log.transcript))
    return finished


def _row(one: Answer, binary: bool) -> Outcome:
    if one.error:
        return Failed(arm=one.arm, error=one.error)
    reason = one.reason if binary or one.value is None else "its scores are no matter of right and wrong: see `value`"
    return ImportedAnswer(
        arm=one.arm,
        answer=one.answer,
        correct=bool(one.value) if binary and one.value is not None else None,
        fate=one.fate if binary and one.value is not None else None,
        value=one.value,
        p=one.p,  # type: ignore[arg-type]  # checked to be one where it was read
        draw=one.draw,
        reason=reason,
    )


def _job(source: Source, chosen: Sequence[Metric], like: Path | None, folder: Path, replicates: int) -> Job:
    task: dict[str, Any] = {"_target_": "harness.interop.imported.ImportedItems", "name": source.task}
    task |= {"file": source.file.name, "like": str(like or "")}
    config: dict[str, Any] = {
        "experiment": {"_target_": f"{Imported.__module__}.{Imported.__qualname__}"},
        "task": task,
        "model": {"_target_": "harness.models.model.Model", "source": source.model, "name": source.model},
        "engine": {"_target_": "harness.engines.none.NoEngine"},
        "tracker": {"_target_": "harness.tracker.NoTracker"},
        "roles": {},
        "fit": "together",
        "seed": 0,
        **dict.fromkeys(("limit", "shard", "window")),
        "runs": str(folder.parent),
        "store": str(folder.parent / "store"),
        "max_failed": 1.0,
        "replicates": replicates,
        "interval": "percentile",
        "metrics": {metric.name: _written(metric) for metric in chosen},
        "claims": [],
        "references": [],
    }
    return make_job(config, NAME, {})


def _written(metric: Metric) -> dict[str, Any]:
    """A metric as a config adds it."""
    function = metric.measure.function
    settings = {key: getattr(metric, key) for key in ("columns", "by", "where", "options", "index")}
    return {"_target_": f"{function.__module__}.{function.__qualname__}", **settings}


def _checks(source: Source, table: Table, binary: Mapping[str, bool]) -> list[Check]:
    """The means of all scorers of which the log has one, too."""
    means = Metric("mean", mean, ("value",)), Metric("accuracy", accuracy, ("correct",))
    estimates = estimate_all(means, table, replicates=1000, seed=0)
    ours = {(e.metric, e.level.get("arm")): e for e in estimates}
    return [
        Check(arm, ours.get(("accuracy" if binary[arm] else "mean", arm)), theirs, error)
        for arm, (theirs, error) in source.theirs.items()
        if arm in binary
    ]


def _manifest(source: Source, job: Job, finished: Sequence[Finished], checks: Sequence[Check]) -> dict[str, Any]:
    ids = sorted(one.item.id for one in finished)
    known = {
        "status": NAME,
        "experiment": NAME,
        "title": f"Answers that {source.format} logged for {source.task}.",
        "task": {
            "name": source.task,
            "fingerprint": hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16],
            "items": len(ids),
        },
        "model": {"name": source.model, "source": source.model},
        "seed": 0,
        "run_id": config_digest(job.config),
        "items_done": len(finished),
        "items_failed": sum(bool(one.result.errors) for one in finished),
        "started": source.created or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": {},
        "imported": {
            "format": source.format,
            "version": source.version,
            "file": str(source.file),
            "replies": source.replies,
            "settings": source.settings,
            "aggregates": {
                one.arm: {"value": one.theirs, "stderr": one.error, "same_as_ours": one.agrees} for one in checks
            },
        },
        **provenance(),
        "config": job.config,
    }
    return _finite(without_secrets(known))  # type: ignore[no-any-return]


def _finite(value: Any) -> Any:
    """Plain values without NaN and infinity, which no JSON has; their settings may hold some."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
