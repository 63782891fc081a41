"""Declares the figures of an experiment: which columns are drawn, and how. Drawing is in `harness.report`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.outcomes import Outcome, column_kinds


@dataclass(frozen=True)
class Reliability:
    """Reliability diagram: observed frequency of `label` against mean `probability`, one panel per `by` value.

    Attributes:
        bins: equal-width bins on [0, 1], as in the ECE (Guo et al. 2017, section 2). An ECE among the estimates is
            shown above its panel when it is that of the points drawn.
    """

    probability: str
    label: str
    by: str = "arm"
    bins: int = 10


@dataclass(frozen=True)
class RiskCoverage:
    """Risk-coverage curve: error rate among the most confident fraction, one panel per `by` value.

    Attributes:
        overlay: all values of `by` in one panel, to be compared; without oracle and area, which may differ.
    """

    score: str
    label: str
    by: str = "arm"
    overlay: bool = False


@dataclass(frozen=True)
class Transitions:
    """Stacked bars of right/wrong before and after a revision, one bar per `by` value."""

    before: str
    after: str
    by: str = "arm"


@dataclass(frozen=True)
class Bars:
    """Mean of a label with its 95 % interval by condition: one group of bars per `by` value, one bar per `hue`.

    The interval is that of an accuracy or rate among the estimates with the same level, value and n, else Wilson's.
    """

    label: str
    by: str
    hue: str = "arm"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn figure.

    Attributes:
        name: a file name without suffix, made from the kind of figure and its columns.
        title: one line.
        alt: what is seen, with its numbers, for readers who do not see it.
        svg: the picture, with title and description inside.
        png: the same picture in pixels, for W&B.
    """

    name: str
    title: str
    alt: str
    svg: str
    png: bytes


Figure = Reliability | RiskCoverage | Transitions | Bars


def columns(figure: Figure) -> Mapping[str, tuple[str, ...]]:
    """The outcome columns that a figure reads, each with the kinds that it may be of."""
    level = ("text", "number")
    match figure:
        case Reliability():
            return {figure.probability: ("probability",), figure.label: ("label",), figure.by: level}
        case RiskCoverage():
            return {figure.score: ("probability", "score"), figure.label: ("label",), figure.by: level}
        case Transitions():
            return {figure.before: ("label",), figure.after: ("label",), figure.by: level}
        case Bars():
            return {figure.label: ("label",), figure.by: level, figure.hue: level}


def check(figure: Figure, outcome: type[Outcome]) -> None:
    """Raises HarnessError when a figure reads a column that the outcome type lacks or that is of another kind."""
    kinds = {"item": "text", "group": "text", **column_kinds(outcome)}
    for column, wanted in columns(figure).items():
        if kinds.get(column) not in wanted:
            found = f"is a {kinds[column]}" if column in kinds else f"is none of {', '.join(kinds)}"
            raise HarnessError(
                f"figure {type(figure).__name__} of {outcome.__name__}: column {column!r} {found}, "
                f"but a {' or '.join(wanted)} is needed"
            )
