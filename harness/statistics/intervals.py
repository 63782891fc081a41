"""From bootstrap replicates of a metric to a 95 % interval, a p-value and a standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from harness.metrics.columns import Floats
from harness.metrics.metric import Measure
from harness.statistics.clusters import Clusters
from harness.statistics.few_groups import FEW, t_ends, t_error, t_p
from harness.statistics.inversion import MISS, GapReplicates, error_ends

IntervalKind = Literal["percentile", "bca"]


@dataclass(frozen=True)
class Replicates:
    """Values of a metric on bootstrap replicates.

    Attributes:
        steps: number of bins into which its numbers were put; 0 without binning.
        left_out: [G] the metric without each of the groups, which a BCa interval needs; empty where that is too much.
        gaps: the signed gaps behind the interval of a calibration error; None for other metrics, and for differences.
        ways: how many groups a row has at most; 2 where rows are pairs of years, and share years.
        rarer: of a mean over pairs of a right and a wrong row, the groups of the rarer kind; None of other metrics.
    """

    values: Floats
    steps: int
    left_out: Floats | None = None
    gaps: GapReplicates | None = None
    ways: int = 1
    rarer: int | None = None

    def agreeing(self, measure: Measure, n_groups: int) -> int:
        """How many independent groups stand behind replicates that all agree; 0 where nothing follows from them."""
        return n_groups if measure.average else (self.rarer or 0)


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, how it was made, and the standard error; without ends, `note` says why there is none."""

    low: float | None = None
    high: float | None = None
    method: str = "none"
    note: str = ""
    se: float | None = None


def interval_of(measure: Measure, value: float, replicates: Replicates, n_groups: int) -> Interval:
    """The interval of a value from its replicates; see `estimates.estimate` for which kind a metric gets.

    Args:
        measure: of a difference, from `of_difference`.
    """
    if measure.root is not None:
        return _of_square(measure, value, replicates, n_groups)
    lowest, highest = reach(measure)
    if why := _none(measure, replicates, n_groups):
        return Interval(note=f"no interval: {why}")
    defined = replicates.values[~np.isnan(replicates.values)]
    notes = []
    if np.ptp(defined) < 1e-9:
        return _agreement(value, replicates.agreeing(measure, n_groups), reach(measure))
    se = float(defined.std(ddof=1))
    if _by_t(measure, replicates, n_groups):
        se = t_error(se, n_groups)
        low, high = t_ends(value, se, n_groups, reach(measure))
        kind = f"t({n_groups - 1})"
        return Interval(max(low, lowest), min(high, highest), _method(replicates, kind), "", se)
    tails, kind = (MISS, 1 - MISS), "percentile"
    if replicates.gaps is not None:
        kind = "test inversion"
    elif measure.biased or measure.debiased:
        kind = "basic" if measure.biased else "recentred"
    elif replicates.left_out is not None:
        tails, kind = _bca(value, defined, replicates.left_out)
    low, high = (float(q) for q in np.quantile(defined, tails))
    if replicates.gaps is not None and measure.gaps is not None:
        low, high = error_ends(measure.gaps, replicates.gaps, n_groups)
    elif measure.debiased:
        off = float(defined.mean()) - value
        low, high = low - off, high - off
    elif measure.biased:
        low, high = 2 * value - high, 2 * value - low
    if measure.biased or measure.debiased:
        if measure.biased and not low <= value <= high:
            notes = ["the value is biased upwards at this n"]
        low, high = min(value, low), max(value, high)
    return Interval(max(low, lowest), min(high, highest), _method(replicates, kind), "; ".join(notes), se)


def _of_square(measure: Measure, value: float, replicates: Replicates, n_groups: int) -> Interval:
    """The interval of a square from its root's, which is 0 or more in the sign of the data."""
    found = interval_of(_root(measure), math.sqrt(value), _roots(replicates), n_groups)
    if found.low is None or found.high is None:
        return found
    spread = float(np.nanstd(replicates.values, ddof=1))
    se = t_error(spread, n_groups) if n_groups < FEW else spread
    return replace(found, low=max(0.0, found.low) ** 2, high=found.high**2, se=se)


def _root(measure: Measure) -> Measure:
    """The measure of which another is the square."""
    return replace(measure, root=None, low=-1, high=1)


def _roots(replicates: Replicates) -> Replicates:
    """Signed roots of replicates that are signed squares."""

    def of(squares: Floats) -> Floats:
        return np.asarray(np.sign(squares) * np.sqrt(np.abs(squares)))

    left_out = replicates.left_out
    return replace(replicates, values=of(replicates.values), left_out=None if left_out is None else of(left_out))


def _method(replicates: Replicates, kind: str) -> str:
    steps = f", numbers in {replicates.steps} steps" if replicates.steps else ""
    ways = "" if replicates.ways == 1 else "two-way " if replicates.ways == 2 else f"{replicates.ways}-way "
    return f"{ways}cluster bootstrap, {len(replicates.values)} replicates, {kind}{steps}"


def _by_t(measure: Measure, replicates: Replicates, n_groups: int) -> bool:
    """Whether the interval is one of t. The interval of a biased value has another centre than the value."""
    return n_groups < FEW and replicates.gaps is None and not measure.biased


def _none(measure: Measure, replicates: Replicates, n_groups: int) -> str:
    # Why replicates make no interval; "" if they do.
    if n_groups < measure.min_groups:
        return f"fewer than {measure.min_groups} groups, with which it would be wrong too often"
    lost = float(np.isnan(replicates.values).mean())
    if lost > 0.05:
        # About three groups decide whether the value exists; the spread over the others is not its uncertainty.
        return f"undefined in {lost:.0%} of the replicates"
    gaps, how = replicates.gaps, measure.gaps
    if gaps is not None and how is not None and gaps.fewer < how.fewest - 1e-6:
        return f"fewer than {how.fewest} right, or {how.fewest} wrong, rows, with which it would be wrong too often"
    return ""


def _bca(value: float, replicates: Floats, left_out: Floats) -> tuple[tuple[float, float], str]:
    """The shares of replicates at which a bias-corrected and accelerated interval ends (Efron 1987, section 2).

    Falls back on 2.5 and 97.5 %, saying so.
    """
    from scipy.special import ndtr, ndtri

    if not len(left_out):
        return (MISS, 1 - MISS), "percentile, as BCa would leave out too many groups"
    known = _bias_and_skew(value, replicates, left_out)
    if known is None:
        return (MISS, 1 - MISS), "percentile, as BCa is undefined"
    bias, skew = known
    ends = []
    for z in (float(ndtri(MISS)), -float(ndtri(MISS))):
        moved = bias + z
        ends.append(float(ndtr(bias + moved / (1 - skew * moved))))
    return (min(ends), max(ends)), "BCa"


def _bias_and_skew(value: float, replicates: Floats, left_out: Floats) -> tuple[float, float] | None:
    """The bias and skewness that BCa corrects for; None if either is undefined.

    The bias correction is the normal quantile of the share of replicates below the value, ties counting half; the
    acceleration is a sixth of the skewness of the metric over groups left out.
    """
    from scipy.special import ndtri

    below = _below(value, replicates)
    off = left_out.mean() - left_out
    spread = float((off**2).sum())
    if not 0 < below < 1 or not np.isfinite(spread) or spread == 0:
        return None
    return float(ndtri(below)), float((off**3).sum()) / (6 * spread**1.5)


def _below(value: float, replicates: Floats) -> float:
    return float((replicates < value).mean() + (replicates == value).mean() / 2)


def _bca_p(value: float, replicates: Floats, left_out: Floats, bound: float) -> float:
    """The level at which a BCa interval would end at the bound: `_bca` solved for its z."""
    from scipy.special import ndtr, ndtri

    bias, skew = (_bias_and_skew(value, replicates, left_out) if len(left_out) else None) or (0.0, 0.0)
    least = 1 / (len(replicates) + 1)
    beyond = float(ndtri(min(max(_below(bound, replicates), least), 1 - least))) - bias
    return min(1.0, 2 * float(ndtr(-abs(beyond / (1 + skew * beyond) - bias))))


def p_value(measure: Measure, value: float, replicates: Replicates, n_groups: int, bound: float = 0.0) -> float | None:
    """Two-sided p of "the number is `bound`", which is below 0.05 where the interval of `interval_of` does not hold it.

    It is the level at which that interval would end at the bound. For percentile ranges it is twice the share of
    replicates on the bound's other side, at most 1. The observed data count as one replicate, so that p is never 0.
    None where there is no interval, and for calibration errors of one side, whose replicates say nothing of another
    truth.

    Args:
        measure: of a difference, from `of_difference`.
    """
    if measure.root is not None:
        value, bound = math.sqrt(value), math.sqrt(max(0.0, bound))
        measure, replicates = _root(measure), _roots(replicates)
    defined = replicates.values[~np.isnan(replicates.values)]
    if np.isnan(value) or len(defined) < 0.95 * len(replicates.values) or replicates.gaps is not None:
        return None
    if np.ptp(defined) < 1e-9:
        p = _agreement_p(measure, value, replicates.agreeing(measure, n_groups), bound)
        return None if p is None else max(p, 2 / (len(defined) + 1))
    if _by_t(measure, replicates, n_groups):
        return t_p(value, t_error(float(defined.std(ddof=1)), n_groups), n_groups, reach(measure), bound)
    if measure.biased:
        defined = 2 * value - defined
        # The interval is widened to hold the value, and with it what lies between.
        if abs(np.median(defined) - bound) + abs(bound - value) <= abs(np.median(defined) - value):
            return 1.0
    elif measure.debiased:
        defined = defined - (defined.mean() - value)
    elif replicates.left_out is not None:
        return _bca_p(value, defined, replicates.left_out, bound)
    beyond = min(int((defined <= bound).sum()), int((defined >= bound).sum()))
    return min(1.0, 2 * (beyond + 1) / (len(defined) + 1))


def clustered_error(values: Floats, clusters: Clusters) -> float | None:
    """Standard error of the mean of `values` [n], clustered by their groups; None for fewer than 2 groups.

    sqrt(G/(G-1) sum_g (sum_{i in g} (x_i - mean))^2) / n, the sandwich estimate with the correction CR1 (Liang and
    Zeger 1986; Cameron and Miller 2015); with a group for each row it is the usual s / sqrt(n).
    """
    if clusters.n < 2:
        return None
    variance = clusters.n / (clusters.n - 1) * clusters.variance_of_sum(values - values.mean())
    return float(np.sqrt(variance) / len(values))


def of_difference(one: Measure, two: Measure) -> Measure:
    """The measure of a difference of two values, one of each measure.

    Two biased values are off by about as much, so their difference hardly is. To reflect its replicates would take a
    bias off that is not there (11 % false alarms for ECEs of 200 items); they are moved to the difference instead.
    """
    ends = [a - b for a, b in zip(reach(one), reversed(reach(two)), strict=True)]
    low, high = (end if np.isfinite(end) else None for end in ends)
    biased = any(m.biased or m.debiased for m in (one, two))
    return replace(
        one,
        low=low,
        high=high,
        average=one.average and two.average,
        biased=False,
        debiased=biased,
        gaps=None,
        root=None,
    )


def _agreement(value: float, n_groups: int, bounds: tuple[float, float]) -> Interval:
    """The interval of a mean that is the same in all groups, where the bootstrap has no width.

    With G groups alike, the share q of such groups is at least 0.025^(1/G) with 97.5 % confidence, and the others may
    lie anywhere within the bounds. For a share of 0 or 1 this is the interval of Clopper and Pearson (1934). Of a mean
    over pairs of a right and a wrong row, G is the number of groups of the rarer kind: a group that is not alike may be
    one of these, and then takes most pairs with it.
    """
    if not n_groups or not np.isfinite(bounds).all():
        return Interval(note="no interval: all replicates agree")
    q = MISS ** (1 / n_groups)
    low, high = (q * value + (1 - q) * bound for bound in bounds)
    return Interval(low, high, f"binomial bound, all {n_groups} groups agree")


def _agreement_p(measure: Measure, value: float, n_groups: int, bound: float) -> float | None:
    """The level at which the interval of `_agreement` would end at the bound.

    None where there is no such interval, and for a difference of 0 in all groups, in which there is nothing to test.
    """
    lowest, highest = reach(measure)
    end = lowest if bound < value else highest
    if not n_groups or not np.isfinite(end) or value == bound:
        return None
    q = (bound - end) / (value - end)
    return min(1.0, 2 * float(np.clip(q, 0, 1)) ** n_groups)


def reach(measure: Measure) -> tuple[float, float]:
    """The range that every value of a metric lies in."""
    return -np.inf if measure.low is None else measure.low, np.inf if measure.high is None else measure.high
