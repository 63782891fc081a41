"""Decisions among any number of classes: the name that was said against the right one."""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Classes, Floats, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import ratio, totals


@measure(label="macro F1", low=0, high=1, better="higher")
def macro_f1(said: Classes, gold: Classes, *, w: Weights) -> Floats:
    """Mean over the classes of their F1, 2 TP/(2 TP + FP + FN), in [0, 1] (Opitz and Burst 2019, the averaged F1).

    Every class that is the truth of some row counts alike, so that always saying the largest of k classes has at most
    1/k. A row without an answer is a miss of its class: give it a name that no class has, as "". In scikit-learn:
    `f1_score(gold, said, labels=unique(gold), average="macro")`.
    """
    sums, there = np.zeros(len(w)), np.zeros(len(w))
    for name in np.unique(gold.values):
        is_said, is_gold = (said.values == name).astype(float), (gold.values == name).astype(float)
        hits, named, gold_weight = totals(w, is_said * is_gold, is_said, is_gold)
        occurs = gold_weight > 0
        sums += np.where(occurs, ratio(2 * hits, named + gold_weight), 0.0)
        there += occurs
    return ratio(sums, there)
