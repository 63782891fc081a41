"""Beyond the surface: rankings among questions of one kind, and rules that know lengths alone.

A confidence that follows the kind of a question, or the length of an answer, ranks right answers above wrong ones
wherever some kinds are easier or wrong answers are longer. It knows nothing of the single answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.metrics.classification import f1
from harness.metrics.columns import Classes, Floats, Folds, Labels, Numbers, Probabilities, Scores, Weights
from harness.metrics.metric import measure
from harness.metrics.ranking import auroc
from harness.metrics.weighted import ratio

_NO_PAIR = "no kind of question has right and wrong rows"


@measure(label="AUROC among questions of one kind", low=0, high=1, better="higher", undefined=_NO_PAIR, ranks=True)
def auroc_same_kind(score: Scores, correct: Labels, kind: Classes, *, w: Weights) -> Floats:
    """`auroc` over the pairs of a right and a wrong row to questions of one kind, in [0, 1].

    Pairs of two kinds are left out, so that a score which only tells easy kinds from hard ones has 1/2. With a single
    kind it is `auroc`.
    """
    return _within(score.values, correct.values, kind.values, w)


@measure(label="Brier skill score within kinds", low=None, high=1, better="higher", debiased=True, undefined=_NO_PAIR)
def brier_skill_same_kind(p: Probabilities, correct: Labels, kind: Classes, *, w: Weights) -> Floats:
    """`brier_skill` against the base rate of each row's kind of question, in (-inf, 1].

    1 - brier / (the Brier score of saying, of every row, the share of correct rows of its kind). A forecaster that only
    knows how easy kinds are has 0. These base rates are fitted on the same rows, one a kind, and are optimistic where
    kinds have few rows (see `brier_skill`).
    """
    loss, base = w @ (p.values - correct.values) ** 2, np.zeros(len(w))
    for one in np.unique(kind.values):
        right = w[:, kind.values == one] @ correct.values[kind.values == one]
        n = w[:, kind.values == one].sum(axis=1)
        base += ratio(right * (n - right), np.maximum(n, 1e-12))
    return 1 - ratio(loss, base)


def _length_rule(
    length: Numbers, correct: Labels, kind: Classes, group: Folds, *, w: Floats
) -> Callable[[Weights], Floats]:
    return _rule([length.values], correct, kind, group, w)


def _lengths_rule(
    answer: Numbers, question: Numbers, correct: Labels, kind: Classes, group: Folds, *, w: Floats
) -> Callable[[Weights], Floats]:
    return _rule([answer.values, question.values], correct, kind, group, w)


@measure(
    label="AUROC of the length", low=0, high=1, better="higher", fitted=_length_rule, undefined=_NO_PAIR, ranks=True
)
def length_auroc(length: Numbers, correct: Labels, kind: Classes, group: Folds, *, w: Weights) -> Floats:
    """The `auroc_same_kind` of a length (of the question, say), short or long first, in [1/2, 1].

    Whether short or long ranks better is told for the rows of each fold by the other folds, so that the rule gains
    little by chance. Where it ranks worse than a coin, the coin's 1/2 takes its place. A confidence that knows
    something of the single answer is above it.
    """
    return np.concatenate([_length_rule(length, correct, kind, group, w=row)(row[None, :]) for row in w])


@measure(label="AUROC of lengths", low=0, high=1, better="higher", fitted=_lengths_rule, undefined=_NO_PAIR, ranks=True)
def lengths_auroc(
    answer: Numbers, question: Numbers, correct: Labels, kind: Classes, group: Folds, *, w: Weights
) -> Floats:
    """As `length_auroc`, of the answer's length or the question's: the one that ranks best on the other folds."""
    return np.concatenate([_lengths_rule(answer, question, correct, kind, group, w=row)(row[None, :]) for row in w])


def _length_decision(length: Numbers, positive: Labels, group: Folds, *, w: Floats) -> Callable[[Weights], Floats]:
    said = np.ones(len(w))
    for fold in np.unique(group.values):
        sign, cut = _best_cut(length.values, positive.values, np.where(group.values == fold, 0.0, w))
        said = np.where(group.values == fold, sign * length.values >= cut, said)
    rules = Labels(said), Labels(np.ones(len(w)))
    return lambda weights: np.fmax(*(f1(rule, positive, w=weights) for rule in rules))


@measure(
    label="F1 of the length",
    low=0,
    high=1,
    better="higher",
    fitted=_length_decision,
    undefined="no rows",
)
def length_f1(length: Numbers, positive: Labels, group: Folds, *, w: Weights) -> Floats:
    """The `f1` of saying "positive" of all rows above a length, or of all below one, in [0, 1].

    Side and border of each fold have the best F1 on the other folds. Where "positive" of every row is better, that
    takes its place: a decision by knowledge is above both.
    """
    return np.concatenate([_length_decision(length, positive, group, w=row)(row[None, :]) for row in w])


def _best_cut(length: Floats, positive: Floats, w: Floats) -> tuple[int, float]:
    """The sign and border for which "sign * length >= border" has the best F1; all rows where there is no other."""
    best = (-1.0, 1, -np.inf)
    length, positive, w = length[w > 0], positive[w > 0], w[w > 0]
    for sign in (1, -1):
        order = np.argsort(-sign * length, kind="stable")
        value, named = sign * length[order], np.cumsum(w[order])
        hits = np.cumsum((w * positive)[order])
        last = np.append(value[1:] != value[:-1], np.ones(len(value[-1:]), bool))  # of the rows of one length
        found = ratio(2 * hits, named + hits[-1:])[last]
        if len(found) and found.max() > best[0]:
            best = (float(found.max()), sign, float(value[last][np.argmax(found)]))
    return best[1:]


def _rule(
    lengths: Sequence[Floats], correct: Labels, kind: Classes, group: Folds, w: Floats
) -> Callable[[Weights], Floats]:
    """The AUROC of the best length, chosen for each fold on the others, as a function of weights [B, n]."""
    scores = np.zeros(len(w))
    tried = [sign * _standard(one, w) for one in lengths if len(w) for sign in (-1, 1)]
    folds = np.unique(group.values)
    others = np.where(group.values == folds[:, None], 0.0, w)
    found = np.array([_within(one, correct.values, kind.values, others) for one in tried])
    for fold, of_others in zip(folds, found.T, strict=True):
        if not np.isnan(of_others[0]):
            scores = np.where(group.values == fold, tried[int(np.argmax(of_others))], scores)
    # A replicate without a pair stays undefined.
    return lambda weights: np.maximum(_within(scores, correct.values, kind.values, weights), 0.5)


def _standard(values: Floats, w: Floats) -> Floats:
    """Standard scores to nine places, by which rows of folds with different choices can be compared."""
    total = w.sum() or 1.0
    off = values - w @ values / total
    # Scores that are equal but for rounding would be ranked.
    return np.asarray(np.round(off / (np.sqrt(w @ off**2 / total) or 1.0), 9), np.float64)


def _within(score: Floats, correct: Floats, kind: NDArray[np.int64], w: Weights) -> Floats:
    won, pairs = np.zeros(len(w)), np.zeros(len(w))
    for one in np.unique(kind):
        rows = kind == one
        label, weight = correct[rows], w[:, rows]
        mixed = (weight @ label) * (weight @ (1 - label))
        found = auroc(Scores(score[rows]), Labels(label), w=weight)
        won += np.where(mixed > 0, mixed * np.nan_to_num(found), 0.0)
        pairs += mixed
    return ratio(won, pairs)
