"""Ranking: whether a score puts right answers above wrong ones. Only the order of the scores counts.

Rows of equal score have no order among them. The area under the ROC curve, those under risk-coverage curves and the
ratios made of them are means over all orders that the ties allow; precision-recall curves take a tie as one step.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Scores, Units, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import Ties, average, ratio, steps, unit_weights

_ONE_KIND = "all rows are correct, or all are wrong"


@measure(label="AUROC", low=0, high=1, better="higher", undefined=_ONE_KIND, ranks=True)
def auroc(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Probability that a correct row has a higher score than a wrong one, ties counting one half, in [0, 1].

    sum over pairs of a correct row i and a wrong row j of w_i w_j ([s_i > s_j] + [s_i = s_j]/2), over the weight of
    all such pairs (Hanley and McNeil 1982). Undefined when one of the two kinds has no weight.
    """
    if not len(score.values):
        return np.full(len(w), np.nan)
    ties = Ties.of(score.values)
    right, wrong = ties.sums(w, correct.values), ties.upto(w, 1 - correct.values)
    pairs = right.sum(axis=1) * wrong[:, -1]
    wrong[:, 1:] += wrong[:, :-1].copy()
    return ratio(np.einsum("bm,bm->b", right, wrong) / 2, pairs)


@measure(label="AUROC within units", low=0, high=1, better="higher", undefined="no unit has right and wrong rows")
def auroc_within(score: Scores, correct: Labels, unit: Units, *, w: Weights) -> Floats:
    """`auroc` among the rows of one unit (the samples of one question), the mean over units, in [0, 1].

    An AUROC over all rows rises where easy questions have high scores, though the score tells no right answer from a
    wrong one to the same question. This one compares rows of the same unit only. Units whose rows are all right or all
    wrong do not count, the others count alike.

    Raises:
        ValueError: rows of one unit have different weights.
    """
    if not len(score.values):
        return np.full(len(w), np.nan)
    weights, codes = unit_weights(unit, w)
    values = np.array(
        [_one_auroc(score.values[codes == u], correct.values[codes == u]) for u in range(codes.max() + 1)]
    )
    mixed = ~np.isnan(values)
    return average(weights[:, mixed], values[mixed])


@measure(label="AUPRC", low=0, high=1, better="higher", undefined="no row is correct")
def auprc(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Area under the precision-recall curve with correct rows as the positives, in [0, 1]: average precision.

    sum_t (recall_t - recall_{t-1}) precision_t over the distinct scores t from the highest down; rows of equal
    score enter together. A score that ranks at random has the accuracy, so that the two only mean something together.
    """
    return _average_precision(score.values, correct.values, w)


@measure(label="AUPRC of wrong answers", low=0, high=1, better="higher", undefined="no row is wrong")
def auprc_wrong(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Area under the precision-recall curve with wrong rows as the positives, found by low scores, in [0, 1].

    As `auprc`, from the lowest score up. A score that ranks at random has the error rate.
    """
    return _average_precision(-score.values, 1 - correct.values, w)


@measure(label="AURC", low=0, high=1, better="lower")
def aurc(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Area under the risk-coverage curve, in [0, 1] (Geifman and El-Yaniv 2017; Geifman et al. 2019).

    1/N sum_k r_k, where r_k is the error rate among the k highest scores. Among tied rows it is the mean over all
    their orders: with N' rows and E' errors above a tie of n rows and e errors, the k-th row counts
    r_k = (E' + e (k - N')/n) / k. A weight counts as that many rows; between whole counts the harmonic
    numbers in the sum are interpolated linearly. The error rate itself is the value of a score that ranks at random.
    """
    if not len(score.values):
        return np.full(len(w), np.nan)
    ties = Ties.of(score.values)
    # From the highest score down.
    upto, lead = ties.downto(w), ties.downto(w, 1 - correct.values)
    weight, errors = steps(upto), steps(lead)
    total, all_errors = upto[:, -1].copy(), lead[:, -1].copy()
    # sum_{k=N'+1}^{N'+n} r_k = e + (E' - N' e/n) (H(N'+n) - H(N')), with H the harmonic numbers. In place, because
    # these are the largest temporaries of all metrics.
    harmonic = _harmonic(upto)
    upto -= weight
    upto *= np.divide(errors, weight, out=np.zeros_like(upto), where=weight > 0)
    lead -= errors
    lead -= upto
    return ratio(all_errors + np.einsum("bm,bm->b", lead, steps(harmonic)), total)


@measure(label="excess AURC", low=0, high=1, better="lower")
def excess_aurc(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """AURC less the AURC of the best order of the same rows, E-AURC, in [0, 1] (Geifman et al. 2019).

    The best order has all E errors last: AURC* = (E - (N - E)(H(N) - H(N - E)))/N with the harmonic numbers H. This is
    exact, unlike the limit e + (1 - e) ln(1 - e) of many rows. Compares rankings of models of different accuracy.
    """
    return aurc(score, correct, w=w) - _best_aurc(correct, w)


@measure(label="PRR", low=-1, high=1, better="higher", undefined=_ONE_KIND, ranks=True)
def prr(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Prediction rejection ratio, in [-1, 1]; 1 is the best order, 0 a random one (Malinin et al. 2017, 2021).

    Reject rows from the lowest score up and hand them to an oracle; the curve is the error rate over all N rows,
    rejected ones counting as right. The ratio is of two areas below the straight line of random rejection: this score's
    over the best score's. For right and wrong answers it is 2 AUROC - 1, exactly. Some software calls PRR what is here
    `prr_retained`.
    """
    return 2 * auroc(score, correct, w=w) - 1


@measure(label="PRR of retained answers", low=None, high=1, better="higher", undefined=_ONE_KIND)
def prr_retained(score: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Prediction rejection ratio over the rows that are kept, at most 1; 0 is a random order.

    (e - AURC)/(e - AURC*), with e the error rate and AURC* as in `excess_aurc`. It is like `prr`, but each point of the
    curve is the error rate among the kept rows, and the random line is flat. The rows with the highest scores weigh
    most. The worst order of few errors lies far below -1.
    """
    errors = average(w, 1 - correct.values)
    room = errors - _best_aurc(correct, w)
    # Rounding leaves about 1e-17 of room where there is none.
    return ratio(errors - aurc(score, correct, w=w), np.where(room > 1e-12, room, 0.0))


def _one_auroc(score: Floats, correct: Floats) -> float:
    right, wrong = score[correct == 1][:, None], score[correct == 0][None, :]
    won = (right > wrong) + (right == wrong) / 2
    return float(won.mean()) if won.size else float("nan")


def _average_precision(score: Floats, positive: Floats, w: Weights) -> Floats:
    if not len(score):
        return np.full(len(w), np.nan)
    ties = Ties.of(score)
    taken, hits = ties.downto(w), ties.downto(w, positive)
    precision = np.divide(hits, taken, out=np.zeros_like(hits), where=taken > 0)
    return ratio(np.einsum("bm,bm->b", steps(hits), precision), hits[:, -1])


def _best_aurc(correct: Labels, w: Weights) -> Floats:
    right, total = w @ correct.values, w.sum(axis=1)
    return ratio(total - right - right * (_harmonic(total) - _harmonic(right)), total)


def _harmonic(counts: Floats) -> Floats:
    # H(x) = 1 + 1/2 + ... + 1/x, linear between whole x.
    whole = counts.astype(np.int64)
    table = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(whole.max(initial=0)) + 1))])
    rest = counts - whole
    values: Floats = np.take(table, whole)
    if rest.any():
        values += rest / (whole + 1)
    return values
