"""Computes from rows the estimates of all metrics, and verdicts on claims and published numbers."""

from __future__ import annotations

from collections.abc import Sequence

from harness.config import Job
from harness.outcomes import Table
from harness.statistics.claims import Verdict, judge_claim, judge_reference
from harness.statistics.estimates import Estimate, estimate_all


def measure(job: Job, table: Table) -> tuple[list[Estimate], list[Verdict]]:
    """Every estimate of a job's metrics over its outcomes, and the verdicts that rest on them."""
    estimates = estimate_all(job.all_metrics, table, replicates=job.replicates, seed=job.seed, interval=job.interval)
    return estimates, judge_all(job, table, estimates)


def judge_all(job: Job, table: Table, estimates: Sequence[Estimate]) -> list[Verdict]:
    """Verdicts on all claims and published numbers of a job."""
    metrics = job.all_metrics
    claims = [judge_claim(c, estimates, metrics, table, replicates=job.replicates, seed=job.seed) for c in job.claims]
    published = [judge_reference(r, estimates, model=job.model.name, task=job.task.name) for r in job.references]
    return claims + published
