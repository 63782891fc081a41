"""The interval of a calibration error, by inverting a test on the noise in its signed gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.metrics.columns import Floats
from harness.metrics.metric import Counted, Gaps
from harness.statistics.few_groups import FEW, t_ends, t_error

MISS = 0.025
"""Chance of missing the truth on either side."""

_LOWER = 0.01
"""That of a calibration error's own lower end. The lower end of the mean gap's interval counts, too, which a calibrated
model alone passes in 5 % of all cases; and noise is known from the same data."""


@dataclass(frozen=True, kw_only=True)
class GapReplicates:
    """Contents of the bins of a calibration error in the data and the replicates, see `metrics.metric.Gaps`.

    Attributes:
        weight: [k] rows in each bin. sums: [k] of c - p over them. said: [k] mean p of them.
        weight_drawn, sums_drawn: [B, k] of the replicates.
        even: [k] the signed gaps if every row had a gap of 1.
        off: the bias of the value from binning.
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

    @cached_property
    def noise(self) -> Floats:
        """[B, k] how far the mean gaps of the replicates are from the data's, beyond what the mean gap of all rows
        makes of more or fewer rows in a bin.

        Divided by the rows that the data have in the bin and not by the replicate's, which in a bin of few rows would
        hide some of the noise. So would a bin's own mean gap in place of the mean gap of all rows.
        """
        total = self.weight.sum()
        share = total / self.weight_drawn.sum(axis=1, keepdims=True)
        overall = float(self.sums.sum() / total)
        beyond = share * (self.sums_drawn - overall * self.weight_drawn) - (self.sums - overall * self.weight)
        return np.asarray(np.divide(beyond, self.weight, out=np.zeros_like(beyond), where=self.weight > 0))

    @cached_property
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
        low, high = (float(q) for q in np.quantile(drawn, [MISS, 1 - MISS]))
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
        """[k] factors by which noise grows or shrinks where gaps [k] are the true ones, and not the likely ones.

        The variance of a share a is proportional to a (1 - a): where few answers happened to be right, the data show
        too little noise to deny that more should have been.
        """
        least = 0.5 / (self.weight + 1)

        def variance(of: Floats) -> Floats:
            right = np.clip(self.said + of, least, 1 - least)
            return right * (1 - right)

        return np.asarray(np.sqrt(variance(gaps) / variance(self.likely)))


def error_ends(how: Gaps, gaps: GapReplicates, n_groups: int) -> tuple[float, float]:
    """The ends of the interval of a calibration error, by `inverted`, but none below the mean gap's own.

    No error that counts all rows alike is smaller than the mean gap of all rows, which has an interval of its own.
    """
    low, high = inverted(how.size, gaps, n_groups, counted=how.counted)
    least, most = (float(how.size(gaps.even * overall)) + gaps.off for overall in gaps.overall(n_groups))
    return low if how.counted == "bins" else max(low, least), max(high, most)


def inverted(
    size: Callable[[Floats], Floats], gaps: GapReplicates, n_groups: int, *, counted: Counted = "rows"
) -> tuple[float, float]:
    """The calibration errors under which one of the measured size is neither too large nor too small, with 1 and 2.5 %.

    A calibration error is the size of signed gaps, in which noise adds up: a calibrated model's error is never 0. So
    its replicates say nothing of its distribution under any other truth, least of all near 0. But the noise in the gaps
    themselves is much the same for small and large gaps. The truths considered are the likely gaps times t >= 0. The
    noise comes from the replicates, scaled as shares of right answers make it under that truth. An end is where the 99
    (the lower end) or 2.5 percentile of the size of t * gaps + noise is the size measured: a bootstrap test inverted
    (Carpenter 1999; Hansen 1999, the grid bootstrap). Where even noise alone would be larger, the upper end is the size
    that noise alone stays above with 97.5 %. Noise is widened as a t quantile with G - 1 degrees of freedom is wider.
    """
    noise = gaps.even * gaps.noise * _widening(n_groups)
    seen = float(size(gaps.even * gaps.means))
    # Shrunken gaps are right for all of them together; the largest is better told by the one seen.
    likely = gaps.means if counted == "worst" else gaps.likely

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

    if seen <= under(0.0, MISS) or not likely.any():
        low, high = 0.0, under(0.0, 1 - MISS)
    else:
        low, high = end(1 - _LOWER), end(MISS)
    if counted == "worst":
        # The bin that is truly the worst is not above its own upper end.
        each = np.quantile(np.abs(gaps.even * gaps.means + noise), 1 - MISS, axis=0)
        high = max(high, float(size(each)))
    return low + gaps.off, high + gaps.off


def _widening(n_groups: int) -> float:
    # A bootstrap of G groups shows (G - 1)/G of the variance, and Student's quantile is wider than the normal one.
    from scipy.special import ndtri, stdtrit

    return t_error(float(stdtrit(n_groups - 1, 1 - MISS) / ndtri(1 - MISS)), n_groups)
