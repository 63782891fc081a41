"""Recalibration: slope and intercept on the log-odds, and one temperature, judged on held-out rows.

All read log-odds x = logit(p), with p kept within [CLIP, 1 - CLIP], because a p of 0 or 1 has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from harness.metrics.bins import Binned, absolute, by_width, shares
from harness.metrics.calibration import brier
from harness.metrics.columns import FOLDS, Floats, Folds, Labels, Probabilities, Weights
from harness.metrics.likelihood import nll
from harness.metrics.logistic import MOST, offset_fit, scale_fit, sigmoid, slope_fit
from harness.metrics.metric import Gaps, Measure, measure
from harness.metrics.weighted import Ties, ratio

CLIP = 1e-6
"""The least probability that log-odds are taken of: they lie within 13.8 of 0."""

COLDEST, HOTTEST = 0.05, 20.0
"""The temperatures between which one fitted on other folds is kept."""

FEW_TO_SEPARATE = 10
"""Right rows, and wrong ones, below which it says nothing of a temperature that p separates the two: chance does it."""

_NO_FIT = "all rows of one kind, one value of p, or right and wrong rows that p separates: no finite fit"
_ONE_FOLD = "all rows in one fold"
_NO_TEMPERATURE = (
    "no temperature between 0.01 and 100 fits best: p is on the right side of 0.5 always, or hardly better than 0.5"
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


@measure(low=0.01, high=100, better="neither", undefined=_NO_TEMPERATURE, remark=_clipped)
def temperature(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """The temperature T > 0 that calibrates p best (Guo et al. 2017).

    It has the least negative log-likelihood of sigmoid(logit(p)/T).

    1 is right, above 1 the probabilities are too extreme. Undefined where no temperature from 0.01 to 100 fits best: at
    100 hardly anything of p is left. Fitted on all rows: a description, not a test; `ece_after_temperature` tests it on
    other rows.
    """
    if not len(p.values):
        return np.full(len(w), np.nan)
    x, weight, right = _by_logit(p, correct, w)
    scale = scale_fit(x, weight, right)
    inside = (scale > 0.01) & (scale < 100)
    return ratio(inside.astype(float), np.where(inside, scale, 0.0))


def _binned_after(p: Probabilities, correct: Labels, group: Folds, *, w: Weights, bins: int = 10) -> Binned:
    said = _held_out(p, correct, group, w)
    known = Probabilities(np.where(np.isnan(said), 0.5, said))
    return replace(by_width(known, correct, w=w, bins=bins), p=said)


_AFTER = Gaps(_binned_after, shares, absolute, fewest=40)


def _after(loss: Measure) -> Callable[..., Callable[[Weights], Floats]]:
    """A mean loss of the probabilities after scaling, with the temperatures held."""

    def fitted(p: Probabilities, correct: Labels, group: Folds, *, w: Weights) -> Callable[[Weights], Floats]:
        said = _held_out(p, correct, group, w)
        if not said.size or np.isnan(said).any():
            return lambda weights: np.full(len(weights), np.nan)
        return partial(_weighted, loss, Probabilities(said), correct)

    return fitted


def _weighted(loss: Measure, p: Probabilities, correct: Labels, w: Weights) -> Floats:
    return loss(p, correct, w=w)


_NLL, _BRIER = _after(nll), _after(brier)


@measure(
    label="ECE after temperature scaling",
    low=0,
    high=1,
    better="lower",
    biased=True,
    gaps=_AFTER,
    min_groups=100,
    undefined=_ONE_FOLD,
    remark=_clipped,
)
def ece_after_temperature(p: Probabilities, correct: Labels, group: Folds, *, w: Weights, bins: int = 10) -> Floats:
    """`ece_equal_width` after temperature scaling, each row with the temperature of the folds without it, in [0, 1].

    The rows are divided into five folds by `group`; the T of a fold is fitted (`temperature`) on the other four and
    kept within [0.05, 20]. It is 1 where p separates right from wrong rows there, so that the best T would be 0, and
    one kind has fewer than ten: a handful of rows does not decide the number. All replicates keep these five
    temperatures, so the interval is about their error, not about what other data would fit. There is none below 100
    groups, or 40 right or 40 wrong rows.
    """
    return _AFTER(p, correct, group, w=w, bins=bins)


@measure(
    label="negative log-likelihood after temperature scaling",
    low=0,
    high=None,
    better="lower",
    fitted=_NLL,
    min_groups=100,
    undefined=_ONE_FOLD,
    remark=_clipped,
)
def nll_after_temperature(p: Probabilities, correct: Labels, group: Folds, *, w: Weights) -> Floats:
    """`nll` after temperature scaling, each row with the temperature of the folds without it: see
    `ece_after_temperature`. Not below the loss with the best T on the same rows, and the way to see whether T pays."""
    return np.concatenate([_NLL(p, correct, group, w=row)(row[None, :]) for row in w])


@measure(
    label="Brier score after temperature scaling",
    low=0,
    high=1,
    better="lower",
    fitted=_BRIER,
    min_groups=100,
    undefined=_ONE_FOLD,
    remark=_clipped,
)
def brier_after_temperature(p: Probabilities, correct: Labels, group: Folds, *, w: Weights) -> Floats:
    """`brier` after temperature scaling, each row with the temperature of the folds without it: see
    `ece_after_temperature`."""
    return np.concatenate([_BRIER(p, correct, group, w=row)(row[None, :]) for row in w])


def _by_logit(p: Probabilities, correct: Labels, w: Weights) -> tuple[Floats, Floats, Floats]:
    # Distinct log-odds [m] in ascending order; weight, and weight of correct rows, at each [B, m].
    x = logit(p.values)
    ties = Ties.of(x)
    return x[ties.distinct], ties.sums(w), ties.sums(w, correct.values)


def _joint(p: Probabilities, correct: Labels, w: Weights) -> Floats:
    if not len(p.values):
        return np.full((2, len(w)), np.nan)
    return slope_fit(*_by_logit(p, correct, w))


def scales(p: Probabilities, correct: Labels, group: Folds, w: Weights) -> dict[int, float]:
    """The factor on the log-odds of the rows of each fold, fitted on the other folds: 1 over its temperature.

    Kept within the limits above; 1 where p separates few right from few wrong rows, or the fold has no weight. NaN
    where only the other folds have none.

    Args:
        w: the weights of the rows, [n].
    """
    distinct, of_row = np.unique(logit(p.values), return_inverse=True)
    folds, of_fold = np.unique(group.values, return_inverse=True)
    if not len(folds):
        return {}
    shape = (len(folds), len(distinct))
    weight, right = (
        np.bincount(of_fold * shape[1] + of_row, each, minlength=shape[0] * shape[1]).reshape(shape)
        for each in (w, w * correct.values)
    )
    others, hits = weight.sum(axis=0) - weight, right.sum(axis=0) - right
    fitted = scale_fit(distinct, others, hits)
    few = np.minimum(hits.sum(axis=1), (others - hits).sum(axis=1)) < FEW_TO_SEPARATE
    kept = np.where((fitted >= MOST) & few, 1.0, np.clip(fitted, 1 / HOTTEST, 1 / COLDEST))
    kept[np.isnan(fitted) & (weight.sum(axis=1) > 0)] = np.nan
    return dict(zip(folds.tolist(), kept.tolist(), strict=True))


def _held_out(p: Probabilities, correct: Labels, group: Folds, w: Weights) -> Floats:
    # Each row's probability after scaling by the temperature of the folds without it: [n].
    by_fold = scales(p, correct, group, w)
    scale = np.array([by_fold.get(fold, np.nan) for fold in range(FOLDS)])
    return sigmoid(scale[group.values] * logit(p.values))
