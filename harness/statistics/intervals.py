"""From bootstrap replicates of a metric to a 95 % interval, a p-value and a standard error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.metrics.columns import Floats
from harness.metrics.metric import Counted, Gaps, Measure
from harness.statistics.few_groups import FEW, t_ends, t_error, t_p

IntervalKind = Literal["percentile", "bca"]

_MISS = 0.025
"""Chance of missing the truth on either side."""

_LOWER = 0.01
"""That of a calibration error's own lower end. The lower end of the mean gap's interval counts, too, which a calibrated
model alone passes in 5 % of all cases; and noise is known from the same data."""


@dataclass(frozen=True, kw_only=True)
class GapReplicates:
    """What fills the bins of a calibration error, see `metrics.metric.Gaps`, in the data and in the replicates.

    Attributes:
        weight: [k] rows in each bin. sums: [k] of c - p over them. said: [k] mean p of them.
        weight_drawn, sums_drawn: [B, k] of the replicates.
        even: [k] what the signed gaps would be if every row had a gap of 1.
        off: what numbers in steps take off the value.
    """

    weight: Floats
    sums: Floats
    said: Floats
    weight_drawn: Floats
    sums_drawn: Floats
    even: Floats
    off: float = 0.0

    @property
    def means(self) -> Floats:
        """[k] the mean gap of the rows of each bin; 0 where there are none."""
        return np.asarray(np.divide(self.sums, self.weight, out=np.zeros_like(self.sums), where=self.weight > 0))

    @property
    def noise(self) -> Floats:
        """[B, k] how far the mean gaps of the replicates are from the data's, beyond what the mean gap of all rows
        makes of more or fewer rows in a bin.

        Divided by the rows that the data have in the bin and not by the replicate's, which in a bin of few rows would
        hide some of the noise. So would a bin's own mean gap in place of that of all rows.
        """
        total = self.weight.sum()
        share = total / self.weight_drawn.sum(axis=1, keepdims=True)
        overall = float(self.sums.sum() / total)
        beyond = share * (self.sums_drawn - overall * self.weight_drawn) - (self.sums - overall * self.weight)
        return np.asarray(np.divide(beyond, self.weight, out=np.zeros_like(beyond), where=self.weight > 0))

    def likely(self) -> Floats:
        """[k] shrunken mean gaps: the overall mean gap, plus each bin's deviation from it, shrunk by the share that
        noise explains.

        The deviations keep the part of their mean square that noise does not explain, as in James and Stein (1961).
        They are multiplied by the root of that part: the size of all gaps is to be right, not each single gap.
        """
        there = self.weight > 0
        share = self.weight / self.weight.sum()
        overall = self.means @ share
        apart = np.where(there, self.means - overall, 0.0)
        noise = np.where(there, self.noise - (self.noise @ share)[:, None], 0.0)
        seen, expected = float(apart**2 @ share), float((noise**2 @ share).mean())
        left = np.sqrt(max(0.0, 1 - expected / seen)) if seen > 0 else 0.0
        return np.asarray(np.where(there, overall + left * apart, 0.0))

    def overall(self, n_groups: int) -> tuple[float, float]:
        """The ends of the interval of the size of the mean gap of all rows.

        The interval of every error that is never smaller contains no smaller number than the one end, and the other.
        """
        drawn = self.sums_drawn.sum(axis=1) / self.weight_drawn.sum(axis=1)
        low, high = (float(q) for q in np.quantile(drawn, [_MISS, 1 - _MISS]))
        if n_groups < FEW:
            mean, error = float(self.sums.sum() / self.weight.sum()), t_error(float(drawn.std(ddof=1)), n_groups)
            low, high = t_ends(mean, error, n_groups, (-1, 1))
        return max(low, -high, 0.0), max(-low, high)

    @property
    def fewer(self) -> float:
        """The number of right rows, or of wrong ones where these are fewer."""
        right, rows = float(self.sums.sum() + self.said @ self.weight), float(self.weight.sum())
        return min(right, rows - right)

    def spread(self, gaps: Floats) -> Floats:
        """[k] by what noise grows or shrinks where gaps [k] are the true ones, and not the likely ones.

        The variance of a share a is proportional to a (1 - a): where few answers happened to be right, the data show
        too little noise to deny that more should have been.
        """
        least = 0.5 / (self.weight + 1)

        def variance(of: Floats) -> Floats:
            right = np.clip(self.said + of, least, 1 - least)
            return right * (1 - right)

        return np.asarray(np.sqrt(variance(gaps) / variance(self.likely())))


@dataclass(frozen=True)
class Replicates:
    """Values of a metric on bootstrap replicates.

    Attributes:
        steps: how many steps its numbers were put into; 0: none.
        left_out: [G] the metric without each of the groups, which a BCa interval needs; empty where that is too much.
        gaps: what the interval of a calibration error is made of; None for other metrics, and for differences.
    """

    values: Floats
    steps: int
    left_out: Floats | None = None
    gaps: GapReplicates | None = None


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
        measure: of a difference, that of `of_difference`.
    """
    lowest, highest = reach(measure)
    if why := _none(measure, replicates, n_groups):
        return Interval(note=f"no interval: {why}")
    defined = replicates.values[~np.isnan(replicates.values)]
    notes = []
    if np.ptp(defined) < 1e-9:
        return _agreement(value, n_groups, reach(measure) if measure.average else (-np.inf, np.inf))
    se = float(defined.std(ddof=1))
    if _by_t(measure, replicates, n_groups):
        se = t_error(se, n_groups)
        low, high = t_ends(value, se, n_groups, reach(measure))
        kind = f"t({n_groups - 1})"
        return Interval(max(low, lowest), min(high, highest), _method(replicates, kind), "", se)
    tails, kind = (_MISS, 1 - _MISS), "percentile"
    if replicates.gaps is not None:
        kind = "test inversion"
    elif measure.biased or measure.debiased:
        kind = "basic" if measure.biased else "recentred"
    elif replicates.left_out is not None:
        tails, kind = _bca(value, defined, replicates.left_out)
    low, high = (float(q) for q in np.quantile(defined, tails))
    if replicates.gaps is not None and measure.gaps is not None:
        ends = inverted(measure.gaps.size, replicates.gaps, n_groups, counted=measure.gaps.counted)
        low, high = _with_mean(measure.gaps, ends, replicates.gaps, n_groups)
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


def _method(replicates: Replicates, kind: str) -> str:
    steps = f", numbers in {replicates.steps} steps" if replicates.steps else ""
    return f"cluster bootstrap, {len(replicates.values)} replicates, {kind}{steps}"


def _by_t(measure: Measure, replicates: Replicates, n_groups: int) -> bool:
    """Whether the interval is one of t. That of a biased value is about another centre than the value."""
    return n_groups < FEW and replicates.gaps is None and not measure.biased


def _none(measure: Measure, replicates: Replicates, n_groups: int) -> str:
    # Why replicates make no interval; "" if they do.
    if n_groups < measure.min_groups:
        return f"fewer than {measure.min_groups} groups, with which it would be wrong too often"
    lost = float(np.isnan(replicates.values).mean())
    if lost > 0.05:
        # About three groups decide whether the value exists at all: what the others vary by is not its uncertainty.
        return f"undefined in {lost:.0%} of the replicates"
    gaps, how = replicates.gaps, measure.gaps
    if gaps is not None and how is not None and gaps.fewer < how.fewest - 1e-6:
        return f"fewer than {how.fewest} right, or {how.fewest} wrong, rows, with which it would be wrong too often"
    return ""


def inverted(
    size: Callable[[Floats], Floats], gaps: GapReplicates, n_groups: int, *, counted: Counted = "rows"
) -> tuple[float, float]:
    """The calibration errors under which one of the measured size is neither too large nor too small, with 1 and 2.5 %.

    A calibration error is the size of signed gaps, in which noise adds up: that of a calibrated model is never 0. So
    its replicates say nothing of its distribution under any other truth, least of all near 0. But the noise in the
    gaps themselves is much the same whatever they are. The truths considered are the likely gaps times t >= 0, the
    noise is that of the replicates, scaled as shares of right answers make it under that truth, and an end is where the
    99 (the lower end) or 2.5 percentile of the size of t * gaps + noise is the size measured: a bootstrap test
    inverted (Carpenter 1999; Hansen 1999, the grid bootstrap). Where even noise alone would be larger, the upper end is
    what noise alone makes with 97.5 %. Noise is widened as a t quantile with G - 1 degrees of freedom is wider.
    """
    noise = gaps.even * gaps.noise * _widening(n_groups)
    seen = float(size(gaps.even * gaps.means))
    # Shrunken gaps are right for all of them together; the largest is better told by the one seen.
    likely = gaps.means if counted == "worst" else gaps.likely()

    def under(t: float, share: float) -> float:
        return float(np.quantile(size(t * likely * gaps.even + gaps.spread(t * likely) * noise), share))

    def end(share: float) -> float:
        if under(0.0, share) >= seen:
            return 0.0
        inside, beyond = 0.0, 1.0
        while under(beyond, share) < seen:
            inside, beyond = beyond, 2 * beyond
        for _ in range(12):
            middle = (inside + beyond) / 2
            inside, beyond = (middle, beyond) if under(middle, share) < seen else (inside, middle)
        return float(size(beyond * likely * gaps.even))

    if seen <= under(0.0, _MISS) or not likely.any():
        low, high = 0.0, under(0.0, 1 - _MISS)
    else:
        low, high = end(1 - _LOWER), end(_MISS)
    if counted == "worst":
        # Whichever bin is truly the worst: it is not above its own upper end.
        each = np.quantile(np.abs(gaps.even * gaps.means + noise), 1 - _MISS, axis=0)
        high = max(high, float(size(each)))
    return low + gaps.off, high + gaps.off


def _with_mean(how: Gaps, ends: tuple[float, float], gaps: GapReplicates, n_groups: int) -> tuple[float, float]:
    # No error that counts all rows alike is smaller than the mean gap of all rows, which has an interval of its own.
    least, most = (float(how.size(gaps.even * overall)) + gaps.off for overall in gaps.overall(n_groups))
    return ends[0] if how.counted == "bins" else max(ends[0], least), max(ends[1], most)


def _widening(n_groups: int) -> float:
    # A bootstrap of G groups shows (G - 1)/G of the variance, and a normal quantile is not that of Student.
    from scipy.stats import t

    return float(np.sqrt(n_groups / (n_groups - 1)) * t.ppf(1 - _MISS, n_groups - 1) / t.ppf(1 - _MISS, np.inf))


def _bca(value: float, replicates: Floats, left_out: Floats) -> tuple[tuple[float, float], str]:
    """The shares of replicates at which a bias-corrected and accelerated interval ends (Efron 1987, section 2).

    Falls back on 2.5 and 97.5 %, saying so.
    """
    from scipy.special import ndtr, ndtri

    if not len(left_out):
        return (_MISS, 1 - _MISS), "percentile, as BCa would leave out too many groups"
    known = _bias_and_skew(value, replicates, left_out)
    if known is None:
        return (_MISS, 1 - _MISS), "percentile, as BCa is undefined"
    bias, skew = known
    ends = []
    for z in (float(ndtri(_MISS)), -float(ndtri(_MISS))):
        moved = bias + z
        ends.append(float(ndtr(bias + moved / (1 - skew * moved))))
    return (min(ends), max(ends)), "BCa"


def _bias_and_skew(value: float, replicates: Floats, left_out: Floats) -> tuple[float, float] | None:
    """What BCa corrects for; None where either is undefined.

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

    It is the level at which that interval would end at the bound: for percentile ranges twice the share of replicates
    on the bound's other side, at most 1, where the observed data count as one replicate, so that p is never 0. None
    where there is no interval, and for calibration errors of one side, whose replicates say nothing of another truth.

    Args:
        measure: of a difference, that of `of_difference`.
    """
    defined = replicates.values[~np.isnan(replicates.values)]
    if np.isnan(value) or len(defined) < 0.95 * len(replicates.values) or replicates.gaps is not None:
        return None
    if np.ptp(defined) < 1e-9:
        p = _agreement_p(measure, value, n_groups, bound)
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


def clustered_error(values: Floats, groups: NDArray[np.int64]) -> float | None:
    """Standard error of the mean of `values` [n], clustered by `groups` [n]; None for fewer than 2 groups.

    sqrt(G/(G-1) sum_g (sum_{i in g} (x_i - mean))^2) / n, the sandwich estimate with the correction CR1 (Liang and
    Zeger 1986; Cameron and Miller 2015); with a group for each row it is the usual s / sqrt(n).
    """
    sums = np.bincount(groups, values - values.mean())
    if len(sums) < 2:
        return None
    return float(np.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / len(values))


def of_difference(one: Measure, two: Measure) -> Measure:
    """The measure of a difference of two values, one of each measure.

    Two biased values are off by about as much, which their difference is not: reflecting its replicates would take a
    bias off that is not there (11 % false alarms for ECEs of 200 items), so they are moved to the difference instead.
    """
    ends = [a - b for a, b in zip(reach(one), reversed(reach(two)), strict=True)]
    low, high = (end if np.isfinite(end) else None for end in ends)
    biased = any(m.biased or m.debiased for m in (one, two))
    return replace(
        one, low=low, high=high, average=one.average and two.average, biased=False, debiased=biased, gaps=None
    )


def _agreement(value: float, n_groups: int, bounds: tuple[float, float]) -> Interval:
    """The interval of a mean that is the same in all groups, where the bootstrap has no width.

    With G groups alike, the share q of such groups is at least 0.025^(1/G) with 97.5 % confidence, and the others may
    lie anywhere within the bounds. For a share of 0 or 1 this is the interval of Clopper and Pearson (1934).
    """
    if not np.isfinite(bounds).all():
        return Interval(note="no interval: all replicates agree")
    q = _MISS ** (1 / n_groups)
    low, high = (q * value + (1 - q) * bound for bound in bounds)
    return Interval(low, high, f"binomial bound, all {n_groups} groups agree")


def _agreement_p(measure: Measure, value: float, n_groups: int, bound: float) -> float | None:
    """The level at which the interval of `_agreement` would end at the bound.

    None where there is no such interval, and for a difference of 0 in all groups, in which there is nothing to test.
    """
    lowest, highest = reach(measure)
    end = lowest if bound < value else highest
    if not measure.average or not np.isfinite(end) or value == bound:
        return None
    q = (bound - end) / (value - end)
    return min(1.0, 2 * float(np.clip(q, 0, 1)) ** n_groups)


def reach(measure: Measure) -> tuple[float, float]:
    """The range that every value of a metric lies in."""
    return -np.inf if measure.low is None else measure.low, np.inf if measure.high is None else measure.high
