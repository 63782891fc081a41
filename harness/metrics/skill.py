"""Skill: how much better probabilities are than always saying the base rate.

A score alone does not say that a model knows anything: where 14 % of the answers are right, the constant 0.14 has a
Brier score of 0.12 and a constant 0.5 one of 0.25. So the measures here divide the score by the base rate's on
the same rows: 1 is a perfect forecast, 0 is no better than the base rate, below 0 is worse.

The base rate is fitted on the rows that it is scored on, which the model's probabilities are not. It is therefore an
optimistic rival: a forecaster that says the true base rate has a skill of about -1/n instead of 0. Resampling adds
the same bias once more, so that all replicates of such a forecaster lie below 0, and their percentiles would call it
worse than the base rate in every run. The replicates are therefore moved back to the value. In simulations the interval
then holds the truth in 93 to 97 % (99 % and more at the base rate itself). Nearly perfect forecasts, whose few errors
decide everything, are an exception (89 % at 60 rows).
"""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Probabilities, Weights
from harness.metrics.likelihood import log_losses, remark_on_infinite
from harness.metrics.metric import measure
from harness.metrics.weighted import average, ratio

_ONE_CLASS = "all rows are correct, or all are wrong: the base rate makes no error, and nothing can beat it"


@measure(label="Brier skill score", low=None, high=1, better="higher", debiased=True, undefined=_ONE_CLASS)
def brier_skill(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Brier skill score against the base rate of the same rows, in (-inf, 1] (Murphy 1973; Wilks 2011, section 8.4).

    1 - brier / (acc (1 - acc)), where acc is the share of correct rows. The denominator, `brier_uncertainty`, is the
    Brier score of saying acc of every row. 0 is as good as the base rate; at small n that base rate is optimistic, as
    it is fitted on these rows (see the module). Undefined where all rows are correct, or all wrong.
    """
    base = average(w, correct.values)
    return 1 - ratio(average(w, (p.values - correct.values) ** 2), base * (1 - base))


@measure(
    label="log skill score",
    low=None,
    high=1,
    better="higher",
    debiased=True,
    undefined=_ONE_CLASS,
    remark=remark_on_infinite,
)
def log_skill(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    """Logarithmic skill score against the base rate of the same rows, in (-inf, 1].

    1 - nll / H(acc), where acc is the share of correct rows, and H(acc) = -acc ln acc - (1 - acc) ln (1 - acc) is the
    loss of saying acc of every row. 0 is as good as the base rate; at small n that base rate is optimistic (see the
    module). Infinite losses count as in `nll`, 36.04 each: a few of them decide the number, and a note says how many
    there are. Undefined where all rows are correct, or all wrong.
    """
    base = average(w, correct.values)
    inside = np.where((base > 0) & (base < 1), base, 0.5)
    entropy = -inside * np.log(inside) - (1 - inside) * np.log(1 - inside)
    return 1 - ratio(average(w, log_losses(p, correct)), np.where(inside == base, entropy, np.nan))
