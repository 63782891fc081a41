"""Declares the figures of an experiment: which columns are drawn, and how. Drawing is in `harness.report`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import HarnessError, nearest
from harness.metrics.levels import LEVEL_KINDS, LevelValue, check_where, level_texts
from harness.metrics.metric import Metric, refuse_twins
from harness.outcomes import Kind


@dataclass(frozen=True)
class Reliability:
    """Reliability diagram: observed frequency of `label` against mean `probability`, one panel per `by` value.

    Attributes:
        by: a text, label or number column.
        bins: equal-width bins on [0, 1], as in the ECE (Guo et al. 2017, section 2). An ECE among the estimates is
            shown above its panel when it belongs to the points drawn.
        where: keep only rows whose text, label or number columns have the given values, as in {"picked": True}.
    """

    probability: str
    label: str
    by: str = "arm"
    bins: int = 10
    where: Mapping[str, LevelValue] = field(default_factory=dict)


@dataclass(frozen=True)
class RiskCoverage:
    """Risk-coverage curve: error rate among the most confident fraction, one panel per `by` value.

    Attributes:
        by, where: as in `Reliability`.
        overlay: all values of `by` in one panel, to be compared; without oracle and area, which may differ.
    """

    score: str
    label: str
    by: str = "arm"
    overlay: bool = False
    where: Mapping[str, LevelValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Transitions:
    """Stacked bars of right/wrong before and after a revision, one bar per `by` value.

    Attributes:
        by, where: as in `Reliability`.
    """

    before: str
    after: str
    by: str = "arm"
    where: Mapping[str, LevelValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Bars:
    """Mean of a label with its 95 % interval by condition: one group of bars per `by` value, one bar per `hue`.

    The interval comes from an accuracy or rate among the estimates with the same level, value and n; else it is
    Wilson's.

    Attributes:
        by, where: as in `Reliability`; hue: a column like `by`.
    """

    label: str
    by: str
    hue: str = "arm"
    where: Mapping[str, LevelValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """The estimates of one metric against one key of their level, with their 95 % intervals as a band.

    There is a line for each combination of the level's other keys. The axis is one of numbers where all values are.

    Attributes:
        metric: the metric's name.
        x: the `index` of the metric, or one of its `by` columns.
    """

    metric: str
    x: str


@dataclass(frozen=True)
class Grid:
    """The estimates of one metric against two keys of their level, as a heat map with the numbers in its cells.

    There is a panel for each combination of the level's other keys, all on one scale of colours. The values along an
    axis stand in rising order where all are numbers.

    Attributes:
        metric: the metric's name.
        x, y: two different keys of its level: its `index`, or columns of its `by`.
    """

    metric: str
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn figure.

    Attributes:
        name: a file name without suffix, see `figure_name`.
        title: one line.
        alt: what is seen, with its numbers, for readers who do not see it.
        svg: the picture, with title and description inside.
        png: draws the same picture in pixels, for W&B.
    """

    name: str
    title: str
    alt: str
    svg: str
    png: Callable[[], bytes] = field(compare=False, repr=False)


RowFigure = Reliability | RiskCoverage | Transitions | Bars
"""A figure of outcome rows."""

EstimateFigure = Curve | Grid
"""A figure of estimates."""

Figure = RowFigure | EstimateFigure


def columns(figure: RowFigure) -> Mapping[str, tuple[Kind, ...]]:
    """The outcome columns that a figure shows, each with the kinds that it may be of."""
    match figure:
        case Reliability():
            return {figure.probability: ("probability",), figure.label: ("label",), figure.by: LEVEL_KINDS}
        case RiskCoverage():
            return {figure.score: ("probability", "score"), figure.label: ("label",), figure.by: LEVEL_KINDS}
        case Transitions():
            return {figure.before: ("label",), figure.after: ("label",), figure.by: LEVEL_KINDS}
        case Bars():
            # The label may be the hue, too.
            return {figure.by: LEVEL_KINDS, figure.hue: LEVEL_KINDS, figure.label: ("label",)}


def figure_name(figure: Figure) -> str:
    """A name made of the kind of figure and all that it shows, for files and charts."""
    words = [type(figure).__name__]
    match figure:
        case Curve():
            return _slug([*words, figure.metric, figure.x])
        case Grid():
            return _slug([*words, figure.metric, figure.x, figure.y])
        case Reliability():
            words += [figure.probability, figure.label, figure.by, str(figure.bins)]
        case RiskCoverage():
            words += [figure.score, figure.label, figure.by, *(["overlay"] if figure.overlay else [])]
        case Transitions():
            words += [figure.before, figure.after, figure.by]
        case Bars():
            words += dict.fromkeys([figure.label, figure.by, figure.hue])
    return _slug([*words, *(word for pair in level_texts(figure.where).items() for word in pair)])


def _slug(words: Sequence[str]) -> str:
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower())


def check_figures(figures: Sequence[Figure], kinds: Mapping[str, Kind], metrics: Sequence[Metric]) -> None:
    """Checks the figures of an experiment against its columns and metrics.

    Raises:
        HarnessError: a column or metric does not exist (the nearest is named) or is of another kind, a value of `where`
            is of another kind than its column, or two figures show the same.
    """
    refuse_twins("figures", map(figure_name, figures), "leave one of them out")
    for figure in figures:
        what = f"figure {type(figure).__name__}"
        if isinstance(figure, EstimateFigure):
            _check_keys(what, figure, metrics)
            continue
        for column, wanted in columns(figure).items():
            if column not in kinds:
                raise HarnessError(f"{what}: no column {column!r}{nearest(column, kinds)}")
            if kinds[column] not in wanted:
                raise HarnessError(
                    f"{what}: column {column!r} is a {kinds[column]}, but a {' or '.join(wanted)} is needed"
                )
        check_where(what, figure.where, kinds)


def _check_keys(what: str, figure: EstimateFigure, metrics: Sequence[Metric]) -> None:
    by_name = {metric.name: metric for metric in metrics}
    if figure.metric not in by_name:
        raise HarnessError(f"{what}: no metric {figure.metric!r}{nearest(figure.metric, by_name)}")
    keys = by_name[figure.metric].keys
    axes = (figure.x, figure.y) if isinstance(figure, Grid) else (figure.x,)
    for key in axes:
        if key not in keys:
            raise HarnessError(f"{what}: metric {figure.metric!r} has no level key {key!r}{nearest(key, keys)}")
    if len(set(axes)) < len(axes):
        raise HarnessError(f"{what}: x and y are both {figure.x!r}; draw a Curve, or give y another key of the level")
