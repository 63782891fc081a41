"""Computes the estimates of all metrics from rows, and the verdicts on claims and published numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.config import Job
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.statistics.claims import Verdict, judge_claim, of_dry_run
from harness.statistics.estimates import Estimate, estimate_all
from harness.statistics.family import in_family
from harness.statistics.gates import Gate, held_back
from harness.statistics.references import judge_reference


def measure(job: Job, table: Table) -> tuple[list[Estimate], list[Verdict]]:
    """Every estimate of a job's metrics over its outcomes, and the verdicts that rest on them."""
    estimates = estimate_all(job.all_metrics, table, replicates=job.replicates, seed=job.seed, interval=job.interval)
    return estimates, judge_all(job, table, estimates)


def judge_all(job: Job, table: Table, estimates: Sequence[Estimate]) -> list[Verdict]:
    """Verdicts on all claims of a job, which are one family, and on all its published numbers; none of a dry run."""
    metrics, gates = job.all_metrics, job.experiment.gates
    claims = [
        judge_claim(
            claim,
            estimates,
            metrics,
            table,
            gates=gates,
            replicates=job.replicates,
            seed=job.seed,
            interval=job.interval,
        )
        for claim in job.claims
    ]
    by_name = {metric.name: metric for metric in metrics}
    published = [
        held(judge_reference(r, estimates, metrics, job.settings), gates, by_name[r.metric], estimates)
        for r in job.references
    ]
    judged = in_family(claims) + published
    return [of_dry_run(verdict) for verdict in judged] if job.model.dry else judged


def held(verdict: Verdict, gates: Sequence[Gate], metric: Metric, estimates: Sequence[Estimate]) -> Verdict:
    """A verdict on a published number, undecided where a gate holds it back."""
    if verdict.measured is None or verdict.kind in ("not comparable", "undefined"):
        return verdict
    reason = held_back(gates, metric, verdict.measured.level, estimates)
    return replace(verdict, kind="undecided", reason=f"held back, {reason}") if reason else verdict
