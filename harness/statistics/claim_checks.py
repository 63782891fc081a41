"""Checks claims before a run, as far as that needs no numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.errors import HarnessError
from harness.metrics.metric import Metric, refuse_twins
from harness.statistics.claims import Claim, check_level, check_range, known_name
from harness.statistics.pairs import check_unit


def check_claims(claims: Iterable[Claim], metrics: Sequence[Metric]) -> None:
    """Checks, before a run, everything about claims that does not need one.

    Raises:
        HarnessError: two claims of one text; a claim whose metric or level column does not exist (the nearest is
            named), whose constant the metric cannot reach, or that asks too much of a p-value.
    """
    by_name = {metric.name: metric for metric in metrics}
    claims = list(claims)
    refuse_twins("claims", (claim.text for claim in claims), "give one of them another text")
    for claim in claims:
        _check(f"claim {claim.text!r}", claim, by_name)


def _check(what: str, claim: Claim, by_name: Mapping[str, Metric]) -> None:
    metric = by_name[known_name(f"{what}: metric", claim.metric, by_name)]
    check_level(what, claim.level, metric)
    if claim.value is not None:
        check_range(what, claim.value, metric)
    if not metric.measure.interval and (claim.rivals or claim.relation == "above"):
        raise HarnessError(f"{what}: a p-value ({metric.name!r}) can only be claimed to lie below a value")
    _check_rivals(what, claim, metric, by_name)
    if claim.provided is not None:
        _check(f"{what}: provided {claim.provided.text!r}", claim.provided, by_name)


def _check_rivals(what: str, claim: Claim, metric: Metric, by_name: Mapping[str, Metric]) -> None:
    seen = [(claim.metric, dict(claim.level))]
    for name, level in claim.rivals:
        rival = by_name[known_name(f"{what}: than_metric", name, by_name)]
        check_level(what, level, rival)
        if (name, dict(level)) in seen:
            twice = "with itself" if (name, dict(level)) == seen[0] else "twice"
            raise HarnessError(f"{what}: compares level {dict(level)} {twice}")
        seen.append((name, dict(level)))
        try:
            check_unit(metric, rival)
        except HarnessError as error:
            raise HarnessError(f"{what}: {error}") from error
