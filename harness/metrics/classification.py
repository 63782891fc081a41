"""Decisions against the truth: of two classes, of which 1 is the positive one, and of any number (`macro_f1`).

Precision and F1 move with the share of positives: saying "positive" of everything has precision pi, recall 1 and
F1 = 2 pi/(1 + pi) at a share pi of them. Show them beside that row.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Classes, Floats, Labels, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import ratio, totals


@measure(low=0, high=1, better="higher", undefined="no row was said to be positive")
def precision(said: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Share of the rows said to be positive that are, TP/(TP + FP), in [0, 1]."""
    hits, named = totals(w, said.values * positive.values, said.values)
    return ratio(hits, named)


@measure(low=0, high=1, better="higher", undefined="no row is positive")
def recall(said: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Share of the positive rows that are said to be, TP/(TP + FN), in [0, 1]."""
    hits, there = totals(w, said.values * positive.values, positive.values)
    return ratio(hits, there)


@measure(low=0, high=1, better="higher", undefined="no row is negative")
def specificity(said: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Share of the negative rows that are said to be, TN/(TN + FP), in [0, 1]."""
    passed, there = totals(w, (1 - said.values) * (1 - positive.values), 1 - positive.values)
    return ratio(passed, there)


@measure(label="F1", low=0, high=1, better="higher", undefined="no row is positive, and none was said to be")
def f1(said: Labels, positive: Labels, *, w: Weights) -> Floats:
    """Harmonic mean of precision and recall, 2 TP/(2 TP + FP + FN), in [0, 1] (van Rijsbergen 1979).

    0 where nothing was said to be positive although something is, though precision is undefined there.
    """
    hits, named, there = totals(w, said.values * positive.values, said.values, positive.values)
    return ratio(2 * hits, named + there)


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
