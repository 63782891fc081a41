"""Checks a job before a model is loaded, and says where its run will lie."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from harness.arms import ArmedExperiment
from harness.config import Job
from harness.engines.base import check_capabilities
from harness.errors import HarnessError, nearest
from harness.experiment import Experiment
from harness.figures import check_figures
from harness.files import as_name
from harness.metrics.metric import check_metrics
from harness.runs.directory import config_digest
from harness.runs.fitted import check_fitted
from harness.statistics.claim_checks import check_claims
from harness.statistics.gates import check_gates
from harness.statistics.references import check_references
from harness.tasks.base import NoTraining, Split, split
from harness.tasks.sharding import shard
from harness.typed import typed

LONGEST = 180
"""Bytes of the names of task and model in the name of a run's folder; file systems take 255 in all."""


def prepare_items(job: Job) -> Split:
    """The items of a job, with everything about it checked that can be before a model is loaded.

    Raises:
        HarnessError: as `check_parts` and `read_items`, or the fit of another run cannot be used.
    """
    check_parts(job)
    fitted, items = job.experiment.fitted, read_items(job)
    check_fitted(job.experiment, items.test)
    if fitted is not None and fitted.resolve() == run_folder(job).resolve():
        raise HarnessError(f"experiment.fitted={fitted} is the directory of this very run; name the one that fitted")
    return items if job.shard is None else shard(items, job.shard)


def read_items(job: Job) -> Split:
    """All items of a job, of every shard, checked against what its experiment reads.

    Raises:
        HarnessError: the task's items cannot be had, or they lack a field.
    """
    n_train = job.experiment.train_items() if job.experiment.fitted is None else 0
    try:
        items = split(job.task, job.limit, n_train)
    except NoTraining as error:
        raise HarnessError(f"{error}{_without_training(job)}") from error
    for item in items.test[:1]:
        check_fields(job, item.fields)
    return items


def _without_training(job: Job) -> str:
    """The settings that make training items unnecessary, for a message."""
    experiment, hints = job.experiment, get_type_hints(type(job.experiment), include_extras=True)
    ways = []
    for name in (f.name for f in fields(experiment)):
        value = getattr(experiment, name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            with suppress(HarnessError):  # 0 is out of the range of some
                other = _with(experiment, name, typed(0, hints[name], name))
                ways += [f"experiment.{name}=0 asks for none"] if other.train_items() == 0 else []
    if isinstance(experiment, ArmedExperiment):
        free = [arm for arm in experiment.arms if _with(experiment, "arms", (arm,)).train_items() == 0]
        ways += [f"experiment.arms=[{','.join(free)}] asks for none"] if free else []
    ways += ["task.train_path=FILE gives others"] if hasattr(job.task, "train_path") else []
    return "".join(f"; {way}" for way in ways)


def _with(experiment: Experiment, name: str, value: Any) -> Experiment:
    setting: dict[str, Any] = {name: value}
    return replace(experiment, **setting)


def check_parts(job: Job) -> None:
    """Checks everything about a job that does not need its items.

    Raises:
        HarnessError: a metric, figure, gate, claim or reference names something unknown, the engine cannot answer
            what the experiment asks, or a name has a line break.
    """
    roles = {f"roles.{name}.model.name": player.model.name for name, player in job.roles.items()}
    for key, name in {"task.name": job.task.name, "model.name": job.model.name, **roles}.items():
        if "\n" in name:
            raise HarnessError(f"{key}={name!r}: a name has no line break")
    columns = job.experiment.columns()
    check_metrics(job.all_metrics, columns)
    check_figures(job.experiment.figures, columns, job.all_metrics)
    check_gates(job.experiment.gates, job.all_metrics, columns)
    check_claims(job.claims, job.all_metrics)
    check_references(job.references, job.all_metrics, job.settings)
    check_capabilities(
        job.experiment.capabilities(), job.engine.can, f"experiment {job.name!r}", type(job.engine).__name__
    )


def check_fields(job: Job, fields: Collection[str]) -> None:
    """Raises HarnessError: the experiment reads an item field that is not among these, which the task's items have."""
    for name in job.experiment.item_fields:
        if name not in fields:
            raise HarnessError(
                f"experiment {job.name!r} reads the item field {name!r}, which task {job.task.name!r} does not have"
                f"{nearest(name, fields)}; choose another task=..."
            )


def run_folder(job: Job) -> Path:
    """The folder of a job's run. Its name covers everything that can change an outcome.

    Names of models and tasks are free text, and a folder's name is not: other characters are replaced, and a name that
    is too long for a file system is cut. The digest at the end tells runs apart all the same.
    """
    name = as_name(f"{job.task.name}-{job.model.name}").encode()
    cut = name[:LONGEST].decode(errors="ignore")
    return job.runs / job.name / f"{cut}-s{job.seed}-{config_digest(job.config)}"
