"""What would mend a calibration: slope and intercept on the log-odds, and one temperature, judged on rows held out.

All read log-odds x = logit(p), with p kept within [CLIP, 1 - CLIP], because a p of 0 or 1 has none.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.bins import absolute, bin_codes, shares
from harness.metrics.columns import Floats, Folds, Labels, Probabilities, Weights
from harness.metrics.likelihood import surprise
from harness.metrics.logistic import Codes, offset_fit, scale_fit, sigmoid, slope_fit
from harness.metrics.metric import Gaps, measure
from harness.metrics.weighted import Ties, ratio, steps

CLIP = 1e-6
"""The least probability that log-odds are taken of: they lie within 13.8 of 0."""

_NO_FIT = "all rows of one kind, one value of p, or right and wrong rows that p separates: no finite fit"
_NO_TEMPERATURE = (
    "no temperature between 0.01 and infinity fits best: p is on the right side of 0.5 always, or no better than 0.5"
)


def logit(p: Floats) -> Floats:
    """ln(p/(1-p)) with p kept within [CLIP, 1 - CLIP]."""
    inside = np.clip(p, CLIP, 1 - CLIP)
    return np.log(inside / (1 - inside))


def _clipped(p: Probabilities, *_: object) -> str:
    n = int(((p.values < CLIP) | (p.values > 1 - CLIP)).sum())
    return f"{n} rows with p within {CLIP:g} of 0 or 1 count as p = {CLIP:g} or 1 - {CLIP:g}" if n else ""


@measure(low=None, high=None, better="neither", undefined=_NO_FIT, remark=_clipped)
def calibration_slope(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Slope b of the logistic regression P(correct) = sigmoid(a + b logit(p)); 1 is right (Cox 1958; Miller 1991).

    Below 1 the probabilities are too extreme, below 0 they point the wrong way. Maximum likelihood, no penalty.
    Undefined where the likelihood has no finite maximum.
    """
    slope: Floats = _joint(p, correct, w)[1]
    return slope


@measure(low=None, high=None, better="neither", undefined=_NO_FIT, remark=_clipped)
def calibration_intercept(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Intercept a of the regression of `calibration_slope`, fitted with the slope: 0 is right.

    The log-odds of rows with p = 0.5. Not the intercept at slope 1, which is `calibration_in_the_large`.
    """
    intercept: Floats = _joint(p, correct, w)[0]
    return intercept


@measure(low=None, high=None, better="neither", undefined="all rows are correct, or all are wrong", remark=_clipped)
def calibration_in_the_large(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Intercept a of P(correct) = sigmoid(a + logit(p)), slope 1: 0 is right, below 0 says too much.

    Often called the calibration intercept (Van Calster et al. 2019). The log-odds form of `overconfidence`.
    """
    if not len(p.values):
        return np.full(len(w), np.nan)
    x, weight, right = _by_logit(p, correct, w)
    return offset_fit(x, weight, right)


@measure(low=0.01, high=None, better="neither", undefined=_NO_TEMPERATURE, remark=_clipped)
def temperature(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """The temperature T > 0 with the least negative log-likelihood of sigmoid(logit(p)/T) (Guo et al. 2017).

    1 is right, above 1 the probabilities are too extreme. Fitted on all rows: a description, not a test; for what it
    is worth on other rows see `ece_after_temperature`.
    """
    if not len(p.values):
        return np.full(len(w), np.nan)
    x, weight, right = _by_logit(p, correct, w)
    scale = scale_fit(x, weight, right)
    inside = (scale > 0) & (scale < 100)
    return ratio(inside.astype(float), np.where(inside, scale, 0.0))


def _binned_after(
    p: Probabilities, correct: Labels, group: Folds, *, w: Weights, bins: int = 10
) -> tuple[Floats, Floats]:
    said, weight, right = _held_out(p, correct, group, w)
    if not said.size:
        return np.zeros((len(w), 1)), np.zeros((len(w), 1))
    unfitted = np.isnan(said).any(axis=1, keepdims=True)
    said = np.where(unfitted, 0.5, said)
    codes = bin_codes(said, bins) + bins * np.arange(len(w))[:, None]
    sums = [
        np.bincount(codes.ravel(), terms.ravel(), minlength=bins * len(w)).reshape(len(w), bins).astype(np.float64)
        for terms in (weight, right - weight * said)
    ]
    return sums[0], np.where(unfitted, np.nan, sums[1])


_AFTER = Gaps(_binned_after, shares, absolute)


@measure(low=0, high=1, better="lower", biased=True, gaps=_AFTER, undefined="all rows in one fold", remark=_clipped)
def ece_after_temperature(p: Probabilities, correct: Labels, group: Folds, *, w: Weights, bins: int = 10) -> Floats:
    """`ece_equal_width` after temperature scaling, each row with the temperature of the folds without it, in [0, 1].

    The rows are divided into five folds by `group`; the T of a fold is fitted (`temperature`) on the other four, in
    every replicate anew. Where the best T is outside [0.01, infinity] the end of that range is taken; at infinity
    every p is 0.5.
    """
    return _AFTER(p, correct, group, w=w, bins=bins)


@measure(low=0, high=None, better="lower", undefined="all rows in one fold", remark=_clipped)
def nll_after_temperature(p: Probabilities, correct: Labels, group: Folds, *, w: Weights) -> Floats:
    """`nll` after temperature scaling, each row with the temperature of the folds without it: see
    `ece_after_temperature`. Not below that of the best T on the same rows, and the way to see whether T pays."""
    said, weight, right = _held_out(p, correct, group, w)
    if not said.size:
        return np.full(len(w), np.nan)
    loss = right * surprise(said) + (weight - right) * surprise(1 - said)
    return ratio(loss.sum(axis=1), weight.sum(axis=1))


@measure(low=0, high=1, better="lower", undefined="all rows in one fold", remark=_clipped)
def brier_after_temperature(p: Probabilities, correct: Labels, group: Folds, *, w: Weights) -> Floats:
    """`brier` after temperature scaling, each row with the temperature of the folds without it: see
    `ece_after_temperature`."""
    said, weight, right = _held_out(p, correct, group, w)
    if not said.size:
        return np.full(len(w), np.nan)
    loss = right * (1 - said) ** 2 + (weight - right) * said**2
    return ratio(loss.sum(axis=1), weight.sum(axis=1))


def _by_logit(p: Probabilities, correct: Labels, w: Weights) -> tuple[Floats, Floats, Floats]:
    # Distinct log-odds [m] in ascending order; weight, and weight of correct rows, at each [B, m].
    x = logit(p.values)
    ties = Ties.of(x)
    return x[ties.distinct], ties.sums(w), ties.sums(w, correct.values)


def _joint(p: Probabilities, correct: Labels, w: Weights) -> Floats:
    if not len(p.values):
        return np.full((2, len(w)), np.nan)
    return slope_fit(*_by_logit(p, correct, w))


def _held_out(p: Probabilities, correct: Labels, group: Folds, w: Weights) -> Floats:
    """Probabilities after scaling, weight, and weight of correct rows, for every fold and distinct p: [3, B, k].

    A fold whose other folds have no weight gives NaN.
    """
    if not len(p.values):
        return np.zeros((3, len(w), 0))
    x = logit(p.values)
    order = np.argsort(x, kind="stable")
    distinct = np.unique(x)
    members = [order[group.values[order] == f] for f in np.unique(group.values)]
    weight = np.stack([_at_each(distinct, x, rows, w) for rows in members])
    right = np.stack([_at_each(distinct, x, rows, w, correct.values) for rows in members])
    said = np.empty_like(weight)
    for f in range(len(members)):
        others_weight, others_right = weight.sum(axis=0) - weight[f], right.sum(axis=0) - right[f]
        scale = scale_fit(distinct, others_weight, others_right)
        said[f] = sigmoid(scale[:, None] * distinct)
        # No row to fit on only matters where there are rows to scale.
        said[f][np.isnan(scale) & (weight[f].sum(axis=1) == 0)] = 0.5
    return np.stack([np.concatenate(list(part), axis=1) for part in (said, weight, right)])


def _at_each(distinct: Floats, x: Floats, rows: Codes, w: Weights, values: Floats | None = None) -> Floats:
    # Sum of w, or of w * values, of some rows, given in ascending order of x, at each distinct x: [B, k].
    mine = np.take(w, rows, axis=1)
    if values is not None:
        mine *= values[rows]
    cumulative = np.concatenate([np.zeros((len(w), 1)), np.cumsum(mine, axis=1)], axis=1)
    return steps(np.take(cumulative, np.searchsorted(x[rows], distinct, side="right"), axis=1))
