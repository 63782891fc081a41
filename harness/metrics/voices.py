"""Errors that are planted in a text: whether they are mended, and how much it matters whose words they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.metrics.columns import Floats, Labels, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average, ratio, totals


def _enough(user: Labels, model: Labels, *, w: Weights, least: float = 0.1) -> Callable[[Weights], Floats]:
    """`blind_spot` as a function of weights [B, n]; undefined for all of them where data of weights w [n] have too few.

    Whether there is a ratio is asked of the data once. Replicates that happen to hold less make its interval wide.
    """
    if average(w[None, :], user.values)[0] < least - 1e-9:
        return lambda weights: np.full(len(weights), np.nan)

    def value(weights: Weights) -> Floats:
        by_user, by_model = totals(weights, user.values, model.values)
        return ratio(by_user - by_model, by_user)

    return value


@measure(
    label="blind spot",
    low=None,
    high=1,
    better="lower",
    fitted=_enough,
    undefined="hardly any error is corrected in the user's words (option `least`), where the ratio explodes",
)
def blind_spot(user: Labels, model: Labels, *, w: Weights, least: float = 0.1) -> Floats:
    """(acc_user - acc_model) / acc_user, at most 1; 0 where it does not matter whose words hold the error.

    The share of the errors corrected in the user's words that is not corrected in the model's own (Tsui 2025, arXiv
    2507.02778). Below 0 where the model corrects its own words more often. The ratio explodes where hardly anything is
    corrected in the user's words: below the accuracy `least` it is not defined. Read it beside `voice_gap`.

    Args:
        user: whether the answer is right where the error stands in the user's turn.
        model: the same where it stands in the model's own turn.
    """
    return np.concatenate([_enough(user, model, w=row, least=least)(row[None, :]) for row in w])


@measure(label="voice gap", low=-1, high=1, better="lower", average=True)
def voice_gap(user: Labels, model: Labels, *, w: Weights) -> Floats:
    """acc_user - acc_model, in [-1, 1]: the numerator of `blind_spot`, which is defined however little is corrected."""
    return average(w, user.values - model.values)


@measure(label="net recovery", low=-1, high=1, better="higher", average=True)
def net_recovery(recovered: Labels, false_alarm: Labels, *, w: Weights) -> Floats:
    """Share of errors that are mended less the share of right answers that are given up, in [-1, 1].

    Youden's J of telling errors from right answers. A model that treats both alike, and knows no answer, is at most at
    0.

    Args:
        recovered: whether the answer is right after an error was planted.
        false_alarm: whether it is not right after the right answer was planted in its place.
    """
    return average(w, recovered.values - false_alarm.values)
