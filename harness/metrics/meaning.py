"""The meaning of a metric in a sentence or two: the first paragraph of its measure's docstring."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from harness.metrics.metric import Measure


def measure_named(metric: str) -> str:
    """The name of the measure that a metric's name is made of ("auroc" of p_true_auroc_answered); "" if of none."""
    words = metric.split("_")
    for size in range(len(words), 0, -1):
        for start in range(len(words) - size + 1):
            name = "_".join(words[start : start + size])
            if name in _meanings():
                return name
    return ""


def meaning(metric: str) -> str:
    """The first paragraph on a metric's measure, in one line; "" of a metric with a measure of its own."""
    return _meanings().get(measure_named(metric), "")


@cache
def _meanings() -> dict[str, str]:
    metrics = import_module("harness.metrics")
    found = {name: getattr(metrics, name) for name in metrics.__all__}
    return {name: " ".join(one.doc.split("\n\n")[0].split()) for name, one in found.items() if isinstance(one, Measure)}
