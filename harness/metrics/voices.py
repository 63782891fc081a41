"""The same words said by the model or by the user: how much it matters whose they are (Tsui 2025)."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import ratio, totals


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
    corrected in the user's words: below the accuracy `least` it is not defined. Read it beside the difference.

    Args:
        user: whether the answer is right where the error stands in the user's turn.
        model: the same where it stands in the model's own turn.
    """
    by_user, by_model, all_rows = totals(w, user.values, model.values, np.ones(len(user.values)))
    enough = by_user >= least * all_rows - 1e-9
    return np.where(enough, ratio(by_user - by_model, by_user), np.nan)
