"""Chooses the numbers of a run that come first: accuracy, then the metrics of its claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.statistics.estimates import Estimate

ACCURACY = "accuracy"


def headline(estimates: Sequence[Estimate], claimed: Iterable[str]) -> list[Estimate]:
    """The numbers to be seen first, one metric after the other.

    Args:
        claimed: names of the metrics that claims are about, in the order of the claims.

    Returns:
        All levels of `accuracy` (where there is none, of `accuracy_before`, `accuracy_after` and the like), then all
        levels of the claimed metrics. All estimates where there are neither.
    """
    names = dict.fromkeys(estimate.metric for estimate in estimates)
    accuracies = [ACCURACY] if ACCURACY in names else [name for name in names if name.startswith(f"{ACCURACY}_")]
    first = dict.fromkeys([*accuracies, *claimed])
    return [e for name in first for e in estimates if e.metric == name] or list(estimates)
