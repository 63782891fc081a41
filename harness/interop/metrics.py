"""Chooses the metrics of an imported run: all that its log allows, as a run of ours defines them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.interop.answers import Answer
from harness.interop.imported import Imported
from harness.metrics.bundles import each, graded
from harness.metrics.calibration import brier, ece_equal_width
from harness.metrics.metric import Metric, check_metrics
from harness.metrics.ranking import auroc
from harness.metrics.shares import mean


def binary_arms(answers: Sequence[Answer]) -> dict[str, bool]:
    """Of each arm, whether all its scores are 0 or 1, so that an answer is right or wrong."""
    found: dict[str, bool] = {}
    for one in answers:
        found[one.arm] = found.get(one.arm, True) and one.value in (0, 1, None)
    return found


def metrics_for(answers: Sequence[Answer], ours: Sequence[Metric]) -> list[Metric]:
    """Accuracy of scorers that judge right and wrong, the mean of others, calibration where there are probabilities.

    Args:
        ours: the metrics of the run whose items these are. `compare` takes metrics that are defined alike in two runs,
            so where one of them has a name of ours or reads nothing but columns that are there, it is taken.
    """
    binary = binary_arms(answers)
    chosen = list(graded()) if any(binary.values()) else []
    if not all(binary.values()):
        chosen += each(("value",), mean)
    sure = any(one.p is not None for one in answers)
    if sure:
        chosen += each(("p", "correct"), auroc, ece_equal_width, brier)
    taken = {metric.name: metric for metric in ours if _readable(metric, sure)}
    return list({**{metric.name: metric for metric in chosen}, **taken}.values())


def _readable(metric: Metric, sure: bool) -> bool:
    """Whether an imported run has the columns that a metric reads."""
    if "p" in metric.columns and not sure:
        return False
    try:
        check_metrics([metric], Imported.columns())
    except HarnessError:
        return False
    return True
