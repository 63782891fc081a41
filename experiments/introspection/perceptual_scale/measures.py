"""The numbers of difference scaling as metrics: the scale, whether there is one, and what form it has.

All take the probability that the upper pair is named, the frame, and the magnitudes s1 < s2 <= s3 < s4 of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from experiments.introspection.perceptual_scale.power import power_fit
from experiments.introspection.perceptual_scale.scaling import (
    Design,
    Scaling,
    candidate_likelihood,
    candidate_scale,
)
from harness.metrics import Classes, Floats, Measure, Numbers, Probabilities, Weights, curve, measure
from harness.metrics.levels import level_text
from harness.metrics.weighted import ratio

_FLAT = (
    "no scale: the judgements fit one no better than chance does (likelihood ratio, 99 % point), or it runs backwards"
)
_LOOSE = "the comparisons do not determine a scale: too few of them, or answers that separate them"
_NO_RANGE = f"{_FLAT}; or the candidate is the same for the lowest and the highest magnitude"
_NO_POWER = f"{_FLAT}; or no exponent between -5 and 5 fits best, or a magnitude is not above 0"


def _levels(  # noqa: PLR0917
    upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers
) -> tuple[str, ...]:
    magnitudes = np.unique(np.concatenate([one.values for one in (s1, s2, s3, s4)]))
    return tuple(level_text(float(s)) for s in magnitudes)


def of_design(compute: Callable[[Floats, Design, Weights], Floats]) -> Callable[..., Floats]:
    """A function of columns, from one of the probabilities [n], the design and the weights [B, n]."""

    def measured(  # noqa: PLR0917
        upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, *, w: Weights
    ) -> Floats:
        return compute(upper.values, Design.of(frame, s1, s2, s3, s4), w)

    return _named(measured, compute)


def of_candidate(compute: Callable[[Floats, Design, Floats, Weights], Floats]) -> Callable[..., Floats]:
    """The same, for a scale of known form: [n] the upper pair's distance on it less the lower pair's stands last."""

    def measured(  # noqa: PLR0917
        upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, gap: Numbers,
        *, w: Weights,
    ) -> Floats:  # fmt: skip
        return compute(upper.values, Design.of(frame, s1, s2, s3, s4), gap.values, w)

    return _named(measured, compute)


def where_a_scale(measure: Measure) -> Measure:
    """The measure without values where the data have no scale at all, which is asked of the data and not anew of every
    replicate of the bootstrap: see `Scaling.is_scale`."""
    compute = measure.function

    def there(columns: Sequence[Any], w: Weights) -> Floats:
        upper, frame, *four = columns[:6]
        return np.where(Scaling.fit(upper.values, Design.of(frame, *four), w).is_scale, 1.0, np.nan)

    def function(*columns: Any, w: Weights) -> Floats:
        return (compute(*columns, w=w).T * there(columns, w)).T

    def held(*columns: Any, w: Weights) -> Callable[[Weights], Floats]:
        known = there(columns, w[None])[0]
        return lambda weights: compute(*columns, w=weights) * known

    function.__name__, function.__doc__ = compute.__name__, compute.__doc__
    return replace(measure, function=function, fitted=held)


def _named(measured: Callable[..., Floats], compute: Callable[..., Floats]) -> Callable[..., Floats]:
    measured.__name__, measured.__doc__ = compute.__name__, compute.__doc__
    return measured


@where_a_scale
@curve(names=_levels, low=None, high=None, better="neither", undefined=_FLAT)
@of_design
def scale(upper: Floats, design: Design, w: Weights) -> Floats:
    """The value of each magnitude on the scale, 0 for the lowest and 1 for the highest (MLDS, Maloney and Yang 2003).

    Not forced to rise. Defined up to origin and unit alone: its slopes say nothing between models or domains.
    """
    return Scaling.fit(upper, design, w).normalised


def _levels_of(  # noqa: PLR0917
    frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, gap: Numbers
) -> tuple[str, ...]:
    return _levels(Probabilities(np.zeros(len(gap.values))), frame, s1, s2, s3, s4)


@curve(names=_levels_of, low=None, high=None, better="neither", undefined="the candidate has no range")
def form(  # noqa: PLR0917
    frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, gap: Numbers, *, w: Weights
) -> Floats:
    """The value of each magnitude on a scale of known form, 0 for the lowest and 1 for the highest, without a fit.

    Args:
        gap: as in `explained`.
    """
    values = candidate_scale(gap.values, Design.of(frame, s1, s2, s3, s4))
    return np.tile(values, (len(w), 1))


@measure(low=0, high=None, better="neither", biased=True, undefined=_LOOSE)
@of_design
def likelihood_ratio(upper: Floats, design: Design, w: Weights) -> Floats:
    """2 (log L of the scale - log L without one), each comparison counting once, at least 0; see `Scaling.is_scale`."""
    return Scaling.fit(upper, design, w).ratio


@measure(low=None, high=None, better="neither", undefined=_LOOSE)
@of_design
def sensitivity(upper: Floats, design: Design, w: Weights) -> Floats:
    """The range of the scale in units of its noise, 1 / sigma where the scale ends at 1.

    Near 0 the judgements know no scale; below 0 the pair that is less far apart is named.
    """
    sizes: Floats = Scaling.fit(upper, design, w).psi[:, -1]
    return sizes


@where_a_scale
@measure(label="pseudo-R2", low=0, high=1, better="neither", debiased=True, undefined=_FLAT)
@of_candidate
def explained(upper: Floats, design: Design, gap: Floats, w: Weights) -> Floats:
    """Share of the free scale's log-likelihood that a scale of known form reaches, in [0, 1] (a pseudo-R2).

    (log L of the candidate - log L of the intercepts) / (log L of the free scale - log L of the intercepts). The
    candidate has one fitted factor, at least 0.

    Args:
        gap: the upper pair's distance on the candidate scale less the lower pair's.
    """
    candidate = candidate_likelihood(upper, gap, design, w)
    return Scaling.fit(upper, design, w).explained(candidate)


@where_a_scale
@measure(label="pseudo-R2 of a power law", low=0, high=1, better="neither", debiased=True, undefined=_NO_POWER)
@of_design
def power_explained(upper: Floats, design: Design, w: Weights) -> Floats:
    """`explained` by the power law s^p with the best exponent, of which log (p = 0) and linear (p = 1) are cases."""
    _, candidate = power_fit(upper, design, w)
    return Scaling.fit(upper, design, w).explained(candidate)


@where_a_scale
@measure(low=None, high=None, better="neither", undefined=_NO_POWER)
@of_design
def exponent(upper: Floats, design: Design, w: Weights) -> Floats:
    """The exponent p of the scale s^p that fits best: 1 is linear, 0 logarithmic, below 1 compressed (Stevens 1957).

    Its 95 % intervals hold the truth in 90 to 97 % of simulated runs of 60 comparisons or more, in 89 to 94 % of 45.
    """
    return power_fit(upper, design, w)[0]


@where_a_scale
@measure(low=0, high=None, better="lower", biased=True, undefined=_NO_RANGE)
@of_candidate
def distance(upper: Floats, design: Design, gap: Floats, w: Weights) -> Floats:
    """Root mean square difference between the free scale and a candidate, both from 0 to 1, over the magnitudes."""
    free = Scaling.fit(upper, design, w).normalised
    return np.asarray(np.sqrt(np.mean((free - candidate_scale(gap, design)) ** 2, axis=1)))


@measure(
    low=0,
    high=1,
    better="higher",
    undefined="no six magnitudes of which all three comparisons were asked point one way in the first two",
)
@of_design
def six_point(upper: Floats, design: Design, w: Weights) -> Floats:
    """Share of the six-point conditions that hold, in [0, 1]: whether the judgements can come from any scale.

    For a < b < c < a' < b' < c': if (a', b') is further apart than (a, b), and (b', c') than (b, c), then (a', c') must
    be further apart than (a, c); and the same with "less far" (Krantz et al. 1971, section 4.2). A comparison is
    judged by the mean of its probits over the orders, in which a preference for a letter cancels; a condition's weight
    is the product of those of its three comparisons. Without any scale one half of the conditions hold.
    """
    from scipy.special import ndtri

    quadruples, of_row = np.unique(design.places, axis=0, return_inverse=True)
    rows = np.bincount(of_row.ravel(), minlength=len(quadruples))
    number = {tuple(four): i for i, four in enumerate(quadruples.tolist())}
    names = (
        ((a, b, d, e), (b, c, e, f), (a, c, d, f))
        for a, b, c, d, e, f in combinations(range(len(design.magnitudes)), 6)
    )
    found = [[number[one] for one in three] for three in names if all(one in number for one in three)]
    if not found:
        return np.full(len(w), np.nan)
    at = np.array(found)
    z = ndtri(np.clip(upper, 1e-300, 1 - 1e-16))
    member = np.eye(len(quadruples))[of_row.ravel()]
    weights = w @ member / rows
    sums = (w * z) @ member
    first, second, third = (np.sign(sums[:, column]) for column in at.T)
    asked = np.prod(weights[:, at], axis=2) * (first == second) * (first != 0)
    total = asked.sum(axis=1)
    kept = (asked * (third == first)).sum(axis=1)
    return ratio(kept, total)
