"""Measures of readings of a belief over sequences of draws: fits of learners and what they say.

All take the readings of whole sequences: the probability, the number of the draw, the draws since the row before, and
the sequence (see `rows.Reading`). A sequence is one unit, so that the bootstrap takes it with all of its readings.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from experiments.introspection.belief_updating import fits
from experiments.introspection.belief_updating.fits import Moments, Readings
from experiments.introspection.belief_updating.learners import LEARNERS, OMEGAS
from harness.metrics import Floats, Folds, Numbers, Probabilities, Units, Weights, curve, measure
from harness.metrics.weighted import unit_weights

LEAST_RECOVERY = 0.7
LAGS = 10
_FLAT = "the readings do not vary, or all sequences lie in one fold"
_NO_SLOPE = "the readings do not follow the draws: no fit has a slope above 0"
_UNSURE = f"{_NO_SLOPE}, or agents with this slope and noise do not give omega back (r of at most {LEAST_RECOVERY})"


def readings_of(q: Probabilities, trial: Numbers, since: Numbers, unit: Units) -> Readings:
    """The readings of columns. Several measures, and many replicates, take the same ones."""
    return _readings(*(column.values.tobytes() for column in (q, trial, since)), unit.values.astype(np.int64).tobytes())


@lru_cache(maxsize=8)
def _readings(q: bytes, trial: bytes, since: bytes, unit: bytes) -> Readings:
    return Readings.of(np.frombuffer(q), np.frombuffer(trial), np.frombuffer(since), np.frombuffer(unit, np.int64))


@lru_cache(maxsize=8 * len(LEARNERS))
def _moments(readings: Readings, learner: str) -> Moments:
    return readings.moments(learner)


@curve(label="BIC", names=tuple(LEARNERS), low=None, high=None, better="lower", undefined=_FLAT)
def bic(q: Probabilities, trial: Numbers, since: Numbers, unit: Units, *, w: Weights) -> Floats:
    """Bayesian information criterion of each learner: -2 ln L + k ln n (Schwarz 1978).

    Lower is better, and only differences count: above 10 they are called very strong. k counts intercept, slope and
    noise of the readings, and the learner's own parameters.
    """
    readings = readings_of(q, trial, since, unit)
    return fits.bic({name: _moments(readings, name) for name in LEARNERS}, unit_weights(unit, w)[0])


@curve(label="held-out log-likelihood", names=tuple(LEARNERS), low=None, high=None, better="higher", undefined=_FLAT)
def held_out(q: Probabilities, trial: Numbers, since: Numbers, unit: Units, fold: Folds, *, w: Weights) -> Floats:
    """Mean log-likelihood of a reading, in nats, by each learner as fitted to the sequences of the other folds.

    Sequences fall into five folds by the hash of their group. Unlike the BIC, it asks nothing of the noise within a
    sequence.
    """
    readings = readings_of(q, trial, since, unit)
    weights, codes = unit_weights(unit, w)
    of_unit = np.empty(weights.shape[1], dtype=np.int64)
    of_unit[codes] = fold.values
    return fits.held_out({name: _moments(readings, name) for name in LEARNERS}, weights, of_unit)


# It is no mean of something in [0, 1]: with bounds, the interval of few sequences would reach from one to the other.
@measure(label="variance explained by the HGF", low=None, high=None, better="neither", undefined=_FLAT)
def explained(q: Probabilities, trial: Numbers, since: Numbers, unit: Units, *, w: Weights) -> Floats:
    """Share, in [0, 1], of the variance of the readings' log-odds that the best filter with a slope of at least 0
    explains."""
    return _moments(readings_of(q, trial, since, unit), "hgf").fit(unit_weights(unit, w)[0]).explained


@measure(low=-1, high=1, better="higher", interval=False, undefined=_NO_SLOPE)
def omega_recovery(q: Probabilities, trial: Numbers, since: Numbers, unit: Units, *, w: Weights) -> Floats:
    """Correlation of true and fitted omega over simulated agents with the slope and noise of these readings.

    It says whether an omega could be found at all in so many readings of this noise: `omega` is given above .7.
    """
    readings = readings_of(q, trial, since, unit)
    return np.array([fits.recovery(readings, row) for row in unit_weights(unit, w)[0]])


def _omega(q: Probabilities, trial: Numbers, since: Numbers, unit: Units, *, w: Weights) -> Callable[[Weights], Floats]:
    """Of weights [n]; the recovery is asked for once, of these data."""
    readings = readings_of(q, trial, since, unit)
    able = fits.recovery(readings, unit_weights(unit, w[None])[0][0]) > LEAST_RECOVERY

    def of_weights(weights: Weights) -> Floats:
        found = fits.omega(_moments(readings, "hgf"), unit_weights(unit, weights)[0])
        return np.where(able, found, np.nan)

    return of_weights


@measure(low=float(OMEGAS[0]), high=float(OMEGAS[-1]), better="neither", fitted=_omega, undefined=_UNSURE)
def omega(q: Probabilities, trial: Numbers, since: Numbers, unit: Units, *, w: Weights) -> Floats:
    """Tonic volatility omega of the filter that fits the readings best, from -8 (a steady urn) to 2.

    A filter of two levels (Mathys et al. 2011), whose mean the readings' log-odds follow with a slope above 0. Given
    only where `omega_recovery` is above .7.
    """
    return np.concatenate([_omega(q, trial, since, unit, w=row)(row[None]) for row in w])


def _volatility_effect(
    q: Probabilities, trial: Numbers, since: Numbers, unit: Units, *, w: Weights
) -> Callable[[Weights], Floats]:
    """Of weights [n]; the best rule that does not adapt is chosen once, on these data."""
    readings = readings_of(q, trial, since, unit)
    known = fits.by_fixed_rule(readings, unit_weights(unit, w[None])[0][0])
    by_rule = Moments.of(known, readings.states("two rates"), readings.unit)

    def of_weights(weights: Weights) -> Floats:
        of_units = unit_weights(unit, weights)[0]
        return fits.rate_difference(_moments(readings, "two rates"), of_units) - np.nan_to_num(
            fits.rate_difference(by_rule, of_units)
        )

    return of_weights


# It is 0 where nothing adapts, and no mean of something: bounds would only hold its interval there.
@measure(low=-2, high=2, better="neither", fitted=_volatility_effect, undefined=_NO_SLOPE)
def volatility_effect(q: Probabilities, trial: Numbers, since: Numbers, unit: Units, *, w: Weights) -> Floats:
    """Learning rate in volatile phases less that in steady ones, above what a rule that does not adapt would show.

    The rates are those of the delta rule with two rates that fits best. An adaptive learner has a larger one where the
    urn changes often (Behrens et al. 2007). But so seems one that counts all draws, or lets them fade, as the phases
    lie at different places of a sequence and a delta rule fits neither. So the same difference is taken off of the
    beliefs of the rule that fits the readings best among those that do not adapt (`learners.FIXED`).
    """
    return np.concatenate([_volatility_effect(q, trial, since, unit, w=row)(row[None]) for row in w])


@curve(
    names=tuple(str(lag) for lag in range(1, LAGS + 1)),
    low=None,
    high=None,
    better="neither",
    undefined="the draws of the last trials cannot be told apart",
)
def recency(q: Probabilities, trial: Numbers, since: Numbers, unit: Units, *, w: Weights) -> Floats:
    """By how much a draw of the first colour in place of one of the second moves the log-odds, halved, by its age.

    The coefficients of the last ten draws, 1 or -1 each, in one regression.
    """
    return fits.recency(readings_of(q, trial, since, unit), unit_weights(unit, w)[0], LAGS)


@measure(low=0, high=None, better="neither", interval=False)
def distinct(values: Numbers, *, w: Weights) -> Floats:
    """How many different values there are."""
    weights = np.unique(values.values, return_inverse=True)[1]
    there = np.stack([w[:, weights == code].sum(axis=1) > 0 for code in range(int(weights.max(initial=-1)) + 1)])
    return np.asarray(there.sum(axis=0), dtype=np.float64)
