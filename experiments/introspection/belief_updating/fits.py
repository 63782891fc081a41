"""Fits learners to readings of a belief: readings are a line in the learner's x, with normal noise.

A reading q of the chance of the first colour is logit(q) = b0 + b1 x + noise, with one b0, b1 >= 0 and noise for all
sequences. A negative b1 is the opposite of belief updating (a model that expects alternation has one), so that the best
fit of such readings has b1 = 0 and is that of a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from experiments.introspection.belief_updating.learners import FIXED, LEARNERS, OMEGAS, TWO_RATES, logit
from harness.metrics.columns import Floats

TINY = 1e-12
"""Least variance of the noise, so that readings without any have a finite likelihood."""
MOST_SINCE = 24
"""Draws between two readings that one number can hold exactly."""


def packed(draws: Sequence[int], volatile: Sequence[bool]) -> int:
    """Draws as one number: behind a leading 1 a digit to the base 4 for each, 1 for the first colour, + 2 if volatile.

    Raises:
        ValueError: more than `MOST_SINCE` draws.
    """
    if len(draws) > MOST_SINCE:
        raise ValueError(f"{len(draws)} draws do not fit one number; {MOST_SINCE} do")
    number = 1
    for draw, shaky in zip(draws, volatile, strict=True):
        number = 4 * number + draw + 2 * shaky
    return number


def unpacked(number: float) -> list[int]:
    """The digits that `packed` made."""
    digits, rest = [], int(number)
    while rest > 1:
        digits.append(rest % 4)
        rest //= 4
    return digits[::-1]


@dataclass(frozen=True, eq=False)
class Readings:
    """Readings of beliefs, and the draws that were shown before them.

    Attributes:
        y: [n] log-odds of the first colour.
        unit: [n] the sequence of each reading, 0..S-1; seen: [n] how many of its draws were shown before.
        draws, volatile: [S, T], filled up with zeros.
    """

    y: Floats
    unit: NDArray[np.int64]
    seen: NDArray[np.int64]
    draws: Floats
    volatile: Floats

    @classmethod
    def of(cls, q: Floats, trial: Floats, since: Floats, unit: NDArray[np.int64]) -> Readings:
        """Readings from columns of rows, [n] each and in any order.

        Args:
            q: the chance of the first colour that was read; trial: the number of the draw that it is about, from 1 on.
            since: the draws since the sequence's row before, see `packed`.

        Raises:
            ValueError: rows of a sequence are missing, so that its draws are not known.
        """
        codes = np.unique(unit, return_inverse=True)[1]
        shown: list[list[int]] = [[] for _ in range(int(codes.max()) + 1)]
        seen = np.empty(len(q), dtype=np.int64)
        for row in np.lexsort((trial, codes)):
            shown[codes[row]] += unpacked(since[row])
            seen[row] = len(shown[codes[row]])
        if not np.array_equal(seen, trial - 1):
            raise ValueError("rows of a sequence are missing; a fit takes all readings of a sequence")
        digits = np.zeros((len(shown), int(seen.max()) + 1))
        for s, row in enumerate(shown):
            digits[s, : len(row)] = row
        return cls(logit(q), codes, seen, digits % 2, np.floor(digits / 2))

    def moments(self, learner: str) -> Moments:
        """The sums from which a learner's fits are made."""
        return Moments.of(self.y, self.states(learner), self.unit)

    def states(self, learner: str) -> Floats:
        """The learner's x for each reading, [n, G]."""
        return LEARNERS[learner].states(self.draws, self.volatile)[self.unit, self.seen]


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the readings of each sequence, of which every weighted regression on x is made.

    x has mean 0 and variance 1 over all readings, and y mean 0, so that no sum loses digits.

    Attributes:
        n, y, yy: [S] of 1, y and y^2. x, xx, xy: [S, G] of x, x^2 and x y.
        scale: [G] the standard deviation of x as it was; 0 where it does not vary.
    """

    n: Floats
    y: Floats
    yy: Floats
    x: Floats
    xx: Floats
    xy: Floats
    scale: Floats

    @classmethod
    def of(cls, y: Floats, x: Floats, unit: NDArray[np.int64]) -> Moments:
        """The sums of y [n] and x [n, G] by unit [n]."""
        scale = x.std(axis=0)
        z = (x - x.mean(axis=0)) / np.where(scale > 1e-9, scale, 1.0)
        y = y - y.mean()
        member = (np.arange(int(unit.max()) + 1)[:, None] == unit).astype(np.float64)
        n, of_y, yy, of_x, xx, xy = (member @ one for one in (np.ones(len(y)), y, y**2, z, z**2, z * y[:, None]))
        return cls(n, of_y, yy, of_x, xx, xy, np.where(scale > 1e-9, scale, 0.0))

    def fit(self, w: Floats) -> Lines:
        """The best line with a slope of at least 0 at every point of the grid, for weights [B, S] of the sequences."""
        n = w @ self.n
        with np.errstate(divide="ignore", invalid="ignore"):
            y, yy = (w @ self.y) / n, (w @ self.yy) / n
            x, xx, xy = ((w @ one) / n[:, None] for one in (self.x, self.xx, self.xy))
        spread, shared = xx - x**2, xy - x * y[:, None]
        varied = spread > 1e-9
        slope = np.where(varied, np.maximum(shared, 0) / np.where(varied, spread, 1), 0.0)
        variance = np.maximum((yy - y**2)[:, None] - slope * shared, TINY)
        return Lines(n, slope, y[:, None] - slope * x, variance, (yy - y**2)[:, None])


@dataclass(frozen=True, eq=False)
class Lines:
    """The fitted line at every point of a grid, for B sets of weights.

    Attributes:
        n: [B] weight of the readings. slope (of x with variance 1), intercept, variance (of the noise): [B, G].
        spread: [B, 1] variance of the readings.
    """

    n: Floats
    slope: Floats
    intercept: Floats
    variance: Floats
    spread: Floats

    @cached_property
    def loss(self) -> Floats:
        """Mean negative log-likelihood of a reading, [B, G]."""
        return np.asarray((np.log(2 * np.pi * self.variance) + 1) / 2)

    @cached_property
    def best(self) -> NDArray[np.int64]:
        """[B] the point of the grid with the greatest likelihood."""
        return np.asarray(np.argmin(self.loss, axis=1))

    def at_best(self, values: Floats) -> Floats:
        """Values [B, G] at the best point, [B]."""
        return np.asarray(np.take_along_axis(values, self.best[:, None], axis=1)[:, 0])

    @property
    def flat(self) -> NDArray[np.bool_]:
        """[B] whether the readings do not vary, so that there is nothing to fit."""
        return ~(self.spread[:, 0] > 1e-9)

    @property
    def explained(self) -> Floats:
        """[B] share of the variance of the readings that the best line explains; NaN where they do not vary."""
        share = 1 - self.at_best(self.variance) / np.where(self.flat, 1.0, self.spread[:, 0])
        return np.where(self.flat, np.nan, np.clip(share, 0, 1))


def bic(moments: Mapping[str, Moments], w: Floats) -> Floats:
    """The Bayesian information criterion of each learner, [B, learners]; NaN where readings do not vary.

    2 n loss + k ln n. k counts intercept, slope and noise of the readings and the learner's own parameters.
    """
    columns = []
    for name, sums in moments.items():
        lines = sums.fit(w)
        value = 2 * lines.n * lines.at_best(lines.loss) + (3 + LEARNERS[name].free) * np.log(lines.n)
        columns.append(np.where(lines.flat, np.nan, value))
    return np.stack(columns, axis=1)


def held_out(moments: Mapping[str, Moments], w: Floats, fold: NDArray[np.int64]) -> Floats:
    """Mean log-likelihood of readings of sequences that were left out of the fit, [B, learners].

    Args:
        fold: [S] of each sequence. Where all sequences with weight lie in one fold, the value is NaN.
    """
    columns = []
    for sums in moments.values():
        total, lost = np.zeros(len(w)), np.zeros(len(w), dtype=bool)
        for k in np.unique(fold):
            lines, inside = sums.fit(w * (fold != k)), w * (fold == k)
            slope, intercept, variance = map(lines.at_best, (lines.slope, lines.intercept, lines.variance))
            n, y, yy = inside @ sums.n, inside @ sums.y, inside @ sums.yy
            x, xx, xy = (lines.at_best(inside @ one) for one in (sums.x, sums.xx, sums.xy))
            squares = yy + n * intercept**2 + slope**2 * xx - 2 * (intercept * y + slope * xy - intercept * slope * x)
            total += np.where(n > 0, -(n * np.log(2 * np.pi * variance) + squares / variance) / 2, 0)
            lost |= (n > 0) & ~((lines.n > 0) & ~lines.flat)
        columns.append(np.where(lost, np.nan, total / (w @ sums.n)))
    return np.stack(columns, axis=1)


def omega(sums: Moments, w: Floats) -> Floats:
    """[B] the filter's omega of greatest likelihood, refined by a parabola; NaN where the best slope is not above 0."""
    lines = sums.fit(w)
    inner = np.clip(lines.best, 1, len(OMEGAS) - 2)
    at = [np.take_along_axis(lines.loss, (inner + off)[:, None], axis=1)[:, 0] for off in (-1, 0, 1)]
    bend = at[0] - 2 * at[1] + at[2]
    moved = np.where(bend > 0, (at[0] - at[2]) / (2 * np.where(bend > 0, bend, 1)), 0)
    value = OMEGAS[inner] + np.clip(moved, -1, 1) * (OMEGAS[1] - OMEGAS[0])
    return np.where(lines.flat | ~(lines.at_best(lines.slope) > 0), np.nan, value)


TRUE = np.linspace(-6, 1, 15)
AGENTS = 4


def recovery(readings: Readings, w: Floats) -> float:
    """Correlation of true and fitted omega over simulated agents with the slope and noise that were fitted.

    Each of `TRUE` is simulated `AGENTS` times on the same draws at the same trials, and fitted again. NaN where the
    readings have no fit with a slope above 0.

    Args:
        w: [S] weight of each sequence.
    """
    x = readings.states("hgf")
    sums = Moments.of(readings.y, x, readings.unit)
    lines = sums.fit(w[None])
    best, slope = int(lines.best[0]), float(lines.at_best(lines.slope)[0])
    if lines.flat[0] or not slope > 0 or not sums.scale[best]:
        return float("nan")
    noise = np.sqrt(lines.at_best(lines.variance)[0]) * sums.scale[best] / slope
    rng, of = np.random.default_rng(0), np.repeat(TRUE, AGENTS)
    fitted = []
    for true in of:
        at = int(np.abs(OMEGAS - true).argmin())
        simulated = x[:, at] + noise * rng.standard_normal(len(x))
        again = Moments.of(simulated, x, readings.unit).fit(w[None])
        fitted.append(OMEGAS[again.best[0]])
    return float(np.corrcoef(of, fitted)[0, 1]) if np.ptp(fitted) else 0.0


def by_fixed_rule(readings: Readings, w: Floats) -> Floats:
    """[n] what the best learner that does not adapt believes before each reading.

    Args:
        w: [S] weight of each sequence.
    """
    states = {name: readings.states(name) for name in FIXED}
    lines = {name: Moments.of(readings.y, x, readings.unit).fit(w[None]) for name, x in states.items()}
    best = min(FIXED, key=lambda name: float(lines[name].at_best(lines[name].loss)[0]))
    return np.asarray(states[best][:, lines[best].best[0]])


def rate_difference(sums: Moments, w: Floats) -> Floats:
    """[B] the fitted rate of volatile phases less that of steady ones; NaN where the best slope is not above 0."""
    lines = sums.fit(w)
    value = (TWO_RATES[1] - TWO_RATES[0])[lines.best]
    return np.where(lines.flat | ~(lines.at_best(lines.slope) > 0), np.nan, value)


def recency(readings: Readings, w: Floats, lags: int) -> Floats:
    """[B, lags] coefficients of the last draws (1 and -1, 0 before the first) in a regression of the readings."""
    at = readings.seen[:, None] - 1 - np.arange(lags)
    signed = 2 * readings.draws - 1
    x = np.where(at >= 0, signed[readings.unit[:, None], np.maximum(at, 0)], 0.0)
    x = np.concatenate([np.ones((len(x), 1)), x], axis=1)
    member = (np.arange(w.shape[1])[:, None] == readings.unit).astype(np.float64)
    xx = np.einsum("sn,ni,nj->sij", member, x, x, optimize=True)
    xy = member @ (x * readings.y[:, None])
    xx, xy = np.einsum("bs,sij->bij", w, xx, optimize=True), w @ xy
    apart = np.linalg.eigvalsh(xx)[:, 0] > 1e-9 * np.maximum(xx[:, 0, 0], TINY)
    solved = np.linalg.solve(np.where(apart[:, None, None], xx, np.eye(lags + 1)), xy[:, :, None])[:, 1:, 0]
    return np.where(apart[:, None], solved, np.nan)
