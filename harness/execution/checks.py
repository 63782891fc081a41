"""Checks a job before a model is loaded, and says where its run will lie."""

from __future__ import annotations

import re
from pathlib import Path

from harness.config import Job
from harness.engines.base import check_capabilities
from harness.errors import HarnessError, nearest
from harness.figures import check_figures
from harness.metrics.metric import check_metrics
from harness.runs.directory import config_digest
from harness.runs.fitted import check_fitted
from harness.statistics.claims import check_claims
from harness.tasks.base import Split, split
from harness.tasks.sharding import shard


def prepare_items(job: Job) -> Split:
    """The items of a job, checked against what its experiment reads.

    Raises:
        HarnessError: the task lacks a field, or a metric, claim or reference names something unknown.
    """
    columns = job.experiment.columns()
    check_metrics(job.all_metrics, columns)
    check_figures(job.experiment.figures, columns, job.all_metrics)
    check_claims(job.claims, job.references, job.all_metrics)
    check_capabilities(
        job.experiment.capabilities(), job.engine.can, f"experiment {job.name!r}", type(job.engine).__name__
    )
    fitted = job.experiment.fitted
    items = split(job.task, job.limit, job.experiment.train_items() if fitted is None else 0)
    check_fitted(job.experiment, items.test)
    if fitted is not None and fitted.resolve() == run_folder(job).resolve():
        raise HarnessError(f"experiment.fitted={fitted} is the directory of this very run; name the one that fitted")
    if job.shard is not None:
        items = shard(items, job.shard)
    for item in items.test[:1]:
        for name in job.experiment.item_fields:
            if name not in item.fields:
                raise HarnessError(
                    f"experiment {job.name!r} reads the item field {name!r}, which task {job.task.name!r} does not have"
                    f"{nearest(name, item.fields)}; choose another task=..."
                )
    return items


def run_folder(job: Job) -> Path:
    """Where a job's run lies: its name holds everything that can change an outcome."""
    label = f"{job.task.name}-{job.model.name}-s{job.seed}-{config_digest(job.config)}"
    return job.runs / job.name / re.sub(r"[^\w.-]+", "-", label)  # names are free text, a folder's name is not
