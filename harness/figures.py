"""The figures an experiment can declare: which columns to draw, and as what. Drawing is in `harness.report`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reliability:
    """Reliability diagram: observed frequency of `label` against mean `probability`, one panel per `by` value."""

    probability: str
    label: str
    by: str = "arm"
    bins: int = 10


@dataclass(frozen=True)
class RiskCoverage:
    """Risk-coverage curve: error rate among the most confident fraction, one line per `by` value."""

    score: str
    label: str
    by: str = "arm"


@dataclass(frozen=True)
class Transitions:
    """Stacked bars of right/wrong before and after a revision, one bar per `by` value."""

    before: str
    after: str
    by: str = "arm"


@dataclass(frozen=True)
class Bars:
    """Mean of a label with its 95 % interval by condition: one group of bars per `by` value, one bar per `hue`."""

    label: str
    by: str
    hue: str = "arm"


Figure = Reliability | RiskCoverage | Transitions | Bars
