"""A metric: a pure weighted function of typed columns, bound to the columns of one experiment's outcomes."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.errors import HarnessError
from harness.metrics.columns import Floats, Folds, Labels, Numbers, Ordered, Probabilities, Scores, Units, Weights
from harness.outcomes import Outcome, column_kinds

Better = Literal["higher", "lower", "neither"]

_ACCEPTS: dict[type, tuple[str, ...]] = {
    Labels: ("label",),
    Probabilities: ("probability",),
    Scores: ("probability", "score"),
    Numbers: ("label", "probability", "score", "number"),
    Ordered: ("label", "probability", "score", "number"),
    Units: ("text",),
    Folds: ("text",),
}


@dataclass(frozen=True)
class Gaps:
    """A calibration error as the size of signed gaps, one a bin, between how often it was right and how often it said.

    Attributes:
        binned: takes what the measure's function takes, and gives for each bin the weight in it and the sum of
            w (c - p): twice [B, k].
        scaled: makes gaps [B, k] of the two.
        size: of gaps [B, k], shape [B]: a norm of each row or its square, so that no gap means 0.
    """

    binned: Callable[..., tuple[Floats, Floats]]
    scaled: Callable[[Floats, Floats], Floats]
    size: Callable[[Floats], Floats]

    def __call__(self, *columns: Any, w: Weights, **options: Any) -> Floats:
        return self.size(self.scaled(*self.binned(*columns, w=w, **options)))


@dataclass(frozen=True)
class Measure:
    """A metric function with its declared range and direction; made by the `measure` decorator.

    Calling it with columns and weights [B, n] gives B values, shape [B]; NaN where the value is undefined
    (one class only, no weight).

    Attributes:
        low, high: the range that every defined value lies in (None = unbounded).
        better: the direction in which a model improves.
        interval: whether a bootstrap interval makes sense (False for p-values).
        average: whether the value is a mean, over all rows or units, of something in [low, high]. Then an
            interval exists even where the bootstrap has no width (all right, all wrong).
        biased: whether the value on a sample is off the value on the population on average, as that of an ECE, in
            which noise adds up. Without `gaps` its interval is reflected about the value, which takes the bias off.
        debiased: whether the value has had that bias taken off, so that only its replicates, in which noise adds up
            once more, are off. Without `gaps` its interval is that of the replicates moved back to the value.
        gaps: the signed gaps whose size the value is (of a debiased one, but for the bias). Noise adds to the gaps
            alike whatever their size, which their interval rests on: see `intervals.interval_of`.
        undefined: why the value may be undefined although there are rows; "" when it never is.
        remark: given the columns, what to know about them before quoting the value; "" if nothing.
        parameters: the column type of each positional parameter, in order.
        options: names of the keyword arguments other than the weights.
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
    undefined: str
    remark: Callable[..., str] | None
    parameters: tuple[type, ...]
    options: tuple[str, ...]

    def __call__(self, *columns: Any, w: Weights, **options: Any) -> Floats:
        return self.function(*columns, w=w, **options)

    @property
    def doc(self) -> str:
        """The docstring of the function: formula, range, source."""
        return inspect.getdoc(self.function) or ""


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
    undefined: str = "",
    remark: Callable[..., str] | None = None,
) -> Callable[[Callable[..., Floats]], Measure]:
    """Declares a metric function `f(*columns, w, **options) -> [B]`; parameter types say what columns it takes."""

    def wrap(function: Callable[..., Floats]) -> Measure:
        hints = typing.get_type_hints(function)
        parameters = inspect.signature(function).parameters.values()
        positional = tuple(hints[p.name] for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY)
        options = tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY and p.name != "w")
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
            undefined,
            remark,
            positional,
            options,
        )

    return wrap


@dataclass(frozen=True)
class Metric:
    """A measure applied to named outcome columns, once for every level of `by`.

    Attributes:
        name: what estimates, W&B keys and references call it.
        measure: the function.
        columns: the outcome columns for the measure's parameters, in order.
        by: text columns; the metric is estimated for each combination of their values that occurs.
        where: keep only rows whose text column has the given value.
        options: keyword arguments of the measure (number of bins, ...).
    """

    name: str
    measure: Measure
    columns: tuple[str, ...]
    by: tuple[str, ...] = ("arm",)
    where: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def check(self, outcome: type[Outcome]) -> None:
        """Raises HarnessError: a column is missing or of a kind that the measure must not be given, or an option
        that it does not have."""
        kinds = {"item": "text", "group": "text", **column_kinds(outcome)}
        if len(self.columns) != len(self.measure.parameters):
            raise HarnessError(
                f"metric {self.name!r}: takes {len(self.measure.parameters)} columns, given {self.columns}"
            )
        for column, wanted in zip(self.columns, self.measure.parameters, strict=True):
            if column not in kinds:
                raise HarnessError(f"metric {self.name!r}: no column {column!r} (there are: {', '.join(kinds)})")
            if kinds[column] not in _ACCEPTS[wanted]:
                raise HarnessError(
                    f"metric {self.name!r}: column {column!r} is a {kinds[column]}, "
                    f"but the metric takes {wanted.__name__}"
                )
        for column in (*self.by, *self.where):
            if kinds.get(column) != "text":
                raise HarnessError(f"metric {self.name!r}: 'by' and 'where' need text columns, {column!r} is none")
        for option in self.options:
            if option not in self.measure.options:
                known = ", ".join(self.measure.options) or "none"
                raise HarnessError(f"metric {self.name!r}: no option {option!r} (there are: {known})")
