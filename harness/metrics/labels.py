"""Names for people: of metrics ("AUROC" for auroc) and of outcome columns ("P(IK)" for p_ik).

Tables, figures and pages print these; command lines and files keep the names themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from harness.metrics import PUBLIC
from harness.metrics.levels import level_words
from harness.metrics.metric import Measure

PLAIN = ("mean", "rate")
"""Measures that say nothing of their own: a metric made of one is named after its column."""

GRADED = "gradable answers only"
"""What `bundles.read` adds to the name of a metric, in words."""

COLUMNS = {"p": "probability", "before": "right before", "after": "right after", "p_ik": "P(IK)"}
"""Columns whose names do not read as words."""


def metric_label(name: str) -> str:
    """A metric's name for people: its measure's, with prefix and suffix in brackets.

    >>> metric_label("auroc_answered")
    'AUROC (gradable answers only)'
    >>> metric_label("auroc - brier")
    'AUROC - Brier score'
    """
    if " - " in name:  # of a claim about the difference of two metrics
        return " - ".join(map(metric_label, name.split(" - ")))
    words = name.split("_")
    for size in range(len(words), 0, -1):
        for start in range(len(words) - size + 1):
            label = _measures().get("_".join(words[start : start + size]))
            if label is not None:
                rest = " ".join([*words[:start], *words[start + size :]])
                if rest.startswith("by "):
                    return f"{label} {rest}"
                rest = GRADED if rest == "answered" else rest
                return f"{label} ({rest})" if rest else label
    return column_label(name)


def number_label(metric: str, level: Mapping[str, Any]) -> str:
    """A number's name for people: of its metric, with its level in brackets."""
    words = level_words(level)
    return f"{metric_label(metric)} ({words})" if words else metric_label(metric)


def column_label(name: str) -> str:
    """An outcome column's name for people: "P(unanswerable)" for p_unanswerable, words for the rest."""
    if name in COLUMNS:
        return COLUMNS[name]
    if match := re.fullmatch(r"p_(\w+)", name):
        said = match[1].replace("_", " ")
        return f"P({said.capitalize() if said in ('true', 'false') else said})"
    return name.replace("_", " ")


@cache
def _measures() -> dict[str, str]:
    """The label of each of our measures, by its name."""
    found = {
        name: getattr(import_module(f"harness.metrics.{home}"), name)
        for home, names in PUBLIC.items()
        for name in names
        if name not in PLAIN
    }
    return {name: one.label for name, one in found.items() if isinstance(one, Measure)}
