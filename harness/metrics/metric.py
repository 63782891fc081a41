"""A metric: a pure weighted function of typed columns, bound to the columns of one experiment's outcomes."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from harness.errors import HarnessError, nearest
from harness.metrics.bins import Binned
from harness.metrics.columns import (
    Classes,
    Fates,
    Floats,
    Folds,
    Labels,
    Numbers,
    Ordered,
    Probabilities,
    Quantities,
    Scores,
    Units,
    Weights,
    Wins,
)
from harness.metrics.levels import LevelValue, check_by, check_where
from harness.outcomes import Kind

Better = Literal["higher", "lower", "neither"]
Counted = Literal["rows", "bins", "worst"]

Names = tuple[str, ...] | Callable[..., Sequence[str]]
"""The names of a curve's points, or their function: `names(*, **options)`, or `names(*columns, **options)`."""

_ACCEPTS: dict[type, tuple[str, ...]] = {
    Labels: ("label",),
    Probabilities: ("probability",),
    Scores: ("probability", "score"),
    Numbers: ("label", "probability", "score", "number"),
    Quantities: ("score", "number"),
    Wins: ("label", "probability", "number"),
    Ordered: ("label", "probability", "score", "number"),
    Units: ("text",),
    Folds: ("text",),
    Classes: ("text",),
    Fates: ("text",),
}

_BOUNDED_MEANS = {"label": "rate", "probability": "mean_probability"}
"""The means of columns in [0, 1]."""


@dataclass(frozen=True)
class Gaps:
    """A calibration error as the size of signed gaps, one a bin, between how often it was right and how often it said.

    Attributes:
        binned: takes what the measure's function takes, with weights [n], and makes the bins of these data.
        scaled: makes gaps [B, bins] of the weight in each bin and its weighted sum of c - p.
        size: size of gaps [B, bins], shape [B]: a norm of each row or its square, so that no gap means 0.
        debiased: of the bins and weights [B, n], shape [B]: the value where it is the size less its bias; else None.
        counted: whether the size counts all rows alike, all bins alike, or the worst bin only. Unless it counts bins,
            it is never smaller than the mean gap of all rows.
        fewest: right rows, and wrong ones, with which an interval is made: with fewer, simulated ones hold the truth in
            less than 92 % of all runs.
    """

    binned: Callable[..., Binned]
    scaled: Callable[[Floats, Floats], Floats]
    size: Callable[[Floats], Floats]
    debiased: Callable[[Binned, Weights], Floats] | None = None
    counted: Counted = "rows"
    fewest: int = 10

    def __call__(self, *columns: Any, w: Weights, **options: Any) -> Floats:
        """The error for each row of weights [B, n], each in bins of its own: shape [B]."""
        return np.concatenate([self.held(*columns, w=row, **options)(row[None, :]) for row in w])

    def held(self, *columns: Any, w: Weights, **options: Any) -> Callable[[Weights], Floats]:
        """As `Measure.held`."""
        return partial(self.value, self.binned(*columns, w=w, **options))

    def value(self, binned: Binned, w: Weights) -> Floats:
        """The error for each row of weights [B, n], all in the same bins: shape [B]."""
        return self.size(self.of(binned, w)) if self.debiased is None else self.debiased(binned, w)

    def of(self, binned: Binned, w: Weights) -> Floats:
        """The gaps for each row of weights [B, n]: shape [B, bins]."""
        return self.scaled(*binned.gaps(w))


@dataclass(frozen=True)
class Measure:
    """A metric function with its declared range and direction; made by the decorators `measure` and `curve`.

    Calling it with columns and weights [B, n] gives B values, shape [B], of a curve with k points shape [B, k];
    NaN where the value is undefined (one class only, no weight).

    Attributes:
        low, high: bounds of every defined value (None = unbounded).
        better: the direction in which a model improves.
        interval: whether a bootstrap interval makes sense (False for p-values).
        average: whether the value is a mean, over all rows or units, of something in [low, high]. Then an
            interval exists even where the bootstrap has no width (all right, all wrong).
        biased: whether the value on a sample has a bias, like an ECE, in which noise adds up. Without `gaps` its
            interval is reflected about the value, which removes the bias.
        debiased: whether the value has no such bias (or hardly any) but its replicates have, because noise adds up in
            them once more. Without `gaps` its interval is the range of the replicates, shifted back to the value.
        gaps: the signed gaps whose size is the value (for a debiased one, the value plus its bias). Sampling noise in
            a gap does not depend on the gap's true size. The interval relies on this: see `intervals.interval_of`.
        fitted: takes the arguments of the function with weights [n], fits parameters (a temperature) to these data, and
            returns the measure with this fit as a function of weights [B, n]; None if nothing is fitted.
        root: where the value is a square (R squared), the signed number in [-1, 1] whose square it is. Squares of
            replicates all lie above a true 0, so that the interval is made of signed numbers and squared.
        min_groups: the fewest groups for an interval: with fewer, simulated intervals hold the truth in less than 92 %
            of all runs.
        undefined: why the value may be undefined although there are rows; "" when it never is.
        remark: gives a remark on the columns to read before quoting the value; "" without one.
        parameters: the column type of each positional parameter, in order.
        options: the keyword arguments other than the weights, with their defaults.
        names: names of the points of a curve; None for a single number.
        exact: whether the function needs the exact numbers and not binned ones, because they name things (the points of
            a curve, the years of a pair).
        label: the name that papers use, as in "Brier skill score"; by default the function's name in words.
        ranks: whether the value is a mean over pairs of a right and a wrong row. Then an interval exists even where the
            bootstrap has no width (every right row above every wrong one).
    """

    function: Callable[..., Floats]
    low: float | None
    high: float | None
    better: Better
    interval: bool
    average: bool
    biased: bool
    debiased: bool
    gaps: Gaps | None
    fitted: Callable[..., Callable[[Weights], Floats]] | None
    root: Callable[..., Floats] | None
    min_groups: int
    undefined: str
    remark: Callable[..., str] | None
    parameters: tuple[type, ...]
    options: Mapping[str, Any] = field(hash=False)
    names: Names | None = None
    exact: bool = False
    label: str = ""
    ranks: bool = False

    def __call__(self, *columns: Any, w: Weights, **options: Any) -> Floats:
        return self.function(*columns, w=w, **options)

    def held(self, *columns: Any, w: Weights, **options: Any) -> Callable[[Weights], Floats]:
        """The measure as a function of weights [B, n], with bins and fits made once, from data of weights w [n].

        Replicates then vary the rows and not the bins, so an interval is about the error in these bins and at this
        temperature. Replicates of a square have a sign: its root's, seen from the sign of these data.
        """
        if self.root is not None:
            return _signed_squares(partial(self.root, *columns, **options), w)
        fitted = self.fitted if self.gaps is None else self.gaps.held
        if fitted is not None:
            return fitted(*columns, w=w, **options)
        return lambda weights: self.function(*columns, w=weights, **options)

    def points(self, *columns: Any, **options: Any) -> tuple[str, ...]:
        """The names of the points of a curve of these columns."""
        assert self.names is not None
        if isinstance(self.names, tuple):
            return self.names
        return tuple(self.names(*(columns if self.exact else ()), **{**self.options, **options}))

    def at(self, point: str) -> Measure:
        """One point of a curve as a measure of its own, undefined where the curve does not have it."""

        def one(*columns: Any, w: Weights, **options: Any) -> Floats:
            points = self.points(*columns, **options)
            if point not in points:
                return np.full(len(w), np.nan)
            return self.function(*columns, w=w, **options)[:, points.index(point)]

        return replace(self, function=one, names=None, undefined=self.undefined or f"the curve has no point {point}")

    @property
    def doc(self) -> str:
        """The docstring of the function: formula, range, source."""
        return inspect.getdoc(self.function) or ""


def _signed_squares(root: Callable[..., Floats], w: Weights) -> Callable[[Weights], Floats]:
    """Squares of a signed number as a function of weights [B, n]: negative where its sign is another than with w
    [n]."""
    sign = np.sign(root(w=w[None, :]))

    def squares(weights: Weights) -> Floats:
        signed = sign * root(w=weights)
        return np.asarray(signed * np.abs(signed))

    return squares


def measure(
    *,
    low: float | None,
    high: float | None,
    better: Better,
    interval: bool = True,
    average: bool = False,
    biased: bool = False,
    debiased: bool = False,
    gaps: Gaps | None = None,
    fitted: Callable[..., Callable[[Weights], Floats]] | None = None,
    root: Callable[..., Floats] | None = None,
    min_groups: int = 2,
    undefined: str = "",
    remark: Callable[..., str] | None = None,
    exact: bool = False,
    label: str = "",
    ranks: bool = False,
) -> Callable[[Callable[..., Floats]], Measure]:
    """Declares a metric function `f(*columns, w, **options) -> [B]`; parameter types say what columns it takes."""

    def wrap(function: Callable[..., Floats]) -> Measure:
        hints = typing.get_type_hints(function)
        given = inspect.signature(function).parameters.values()
        keywords = {p.name: p.default for p in given if p.kind is inspect.Parameter.KEYWORD_ONLY and p.name != "w"}
        return Measure(
            function,
            low,
            high,
            better,
            interval,
            average,
            biased,
            debiased,
            gaps,
            fitted,
            root,
            min_groups,
            undefined,
            remark,
            tuple(hints[p.name] for p in given if p.kind is not inspect.Parameter.KEYWORD_ONLY),
            keywords,
            exact=exact,
            label=label or function.__name__.replace("_", " "),
            ranks=ranks,
        )

    return wrap


def curve(
    *,
    names: Names,
    low: float | None,
    high: float | None,
    better: Better,
    average: bool = False,
    undefined: str = "",
    label: str = "",
) -> Callable[[Callable[..., Floats]], Measure]:
    """Declares a function `f(*columns, w, **options) -> [B, k]` that gives k numbers at once, as a fit does.

    Each becomes an estimate of its own, whose level names the point: see `Metric.index`.

    Args:
        names: of the k points, in order; or a function that gives them, either of the options, which it names, or of
            the columns and then the options. It may use what values occur in the columns, but not how often, as a
            bootstrap replicate draws rows several times.
        low, high, better, average, undefined, label: as `measure`, for each of the numbers.
    """
    single = measure(low=low, high=high, better=better, average=average, undefined=undefined, label=label)
    exact = callable(names) and any(
        p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)
        for p in inspect.signature(names).parameters.values()
    )
    return lambda function: replace(single(function), names=names, exact=exact)


@dataclass(frozen=True)
class Metric:
    """A measure applied to named outcome columns, once for every level of `by`.

    Attributes:
        name: its name in estimates, W&B keys and references.
        measure: the function.
        columns: the outcome columns for the measure's parameters, in order.
        by: text, label or number columns; the metric is estimated for each combination of their values that occurs.
        where: keep only rows whose text, label or number columns have the given values, as in {"picked": True}.
        options: keyword arguments of the measure (number of bins, ...).
        index: of a curve, the key under which the level of an estimate names the point, as in {"year": "1850"}.
    """

    name: str
    measure: Measure
    columns: tuple[str, ...]
    by: tuple[str, ...] = ("arm",)
    where: Mapping[str, LevelValue] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    index: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of an estimate's level: the columns of `by`, and the `index` of a curve."""
        return (*self.by, self.index) if self.index else self.by

    def check(self, kinds: Mapping[str, Kind]) -> None:
        """Checks the metric against the columns that there are and their kinds.

        Raises:
            HarnessError: a column is missing, or of a kind that the measure must not be given; a value of `where` is of
                another kind than its column; an option does not exist; a curve has no `index`.
        """
        what = f"metric {self.name!r}"
        if len(self.columns) != len(self.measure.parameters):
            raise HarnessError(f"{what}: takes {len(self.measure.parameters)} columns, given {self.columns}")
        for column, wanted in zip(self.columns, self.measure.parameters, strict=True):
            if column not in kinds:
                raise HarnessError(f"{what}: no column {column!r}{nearest(column, kinds)}")
            if kinds[column] not in _ACCEPTS[wanted]:
                bounded = _BOUNDED_MEANS.get(kinds[column]) if wanted is Quantities else None
                fix = f"; take metrics.{bounded}, whose interval stays in [0, 1]" if bounded else ""
                raise HarnessError(
                    f"{what}: column {column!r} is a {kinds[column]}, but the metric takes {wanted.__name__}{fix}"
                )
        check_by(what, self.by, kinds)
        check_where(what, self.where, kinds)
        for option in self.options:
            if option not in self.measure.options:
                raise HarnessError(f"{what}: no option {option!r}{nearest(option, self.measure.options)}")
        if bool(self.index) != (self.measure.names is not None):
            fix = "give it index=..., the key that names its points" if not self.index else "leave index out"
            raise HarnessError(f"{what}: the measure is {'no' if self.index else 'a'} curve; {fix}")
        if self.index in self.by:
            raise HarnessError(f"{what}: index {self.index!r} is a column of 'by', too; give it another name")


def check_metrics(metrics: Sequence[Metric], kinds: Mapping[str, Kind]) -> None:
    """Checks all metrics of an experiment.

    Raises:
        HarnessError: as `Metric.check`, or two metrics have one name.
    """
    refuse_twins("metrics", (metric.name for metric in metrics), "give one of them another name")
    for metric in metrics:
        metric.check(kinds)


def refuse_twins(what: str, names: Iterable[str], fix: str) -> None:
    """Raises HarnessError when a name occurs twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise HarnessError(f"two {what} are called {name!r}; {fix}")
        seen.add(name)
