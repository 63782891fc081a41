"""Errors that are planted in a text: whether they are mended, and how much it matters whose words they are."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average, ratio, totals


@measure(
    label="blind spot",
    low=None,
    high=1,
    better="lower",
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
    by_user, by_model, all_rows = totals(w, user.values, model.values, np.ones(len(user.values)))
    enough = by_user >= least * all_rows - 1e-9
    return np.where(enough, ratio(by_user - by_model, by_user), np.nan)


@measure(label="voice gap", low=-1, high=1, better="lower", average=True)
def voice_gap(user: Labels, model: Labels, *, w: Weights) -> Floats:
    """acc_user - acc_model, in [-1, 1]: the numerator of `blind_spot`, which is defined however little is corrected."""
    return average(w, user.values - model.values)


@measure(label="net recovery", low=-1, high=1, better="higher", average=True)
def net_recovery(recovered: Labels, false_alarm: Labels, *, w: Weights) -> Floats:
    """Share of errors that are mended less the share of right answers that are given up, in [-1, 1].

    Youden's J of telling errors from right answers. Whoever treats both alike, and knows no answer, is at most at 0.

    Args:
        recovered: whether the answer is right after an error was planted.
        false_alarm: whether it is not right after the right answer was planted in its place.
    """
    return average(w, recovered.values - false_alarm.values)
