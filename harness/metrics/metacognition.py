"""Signal detection: how well a choice tells two stimuli apart, and how well confidence tells its right choices.

Needs a choice between two stimuli: `stimulus` and `response` are labels of which was shown and which was named
(true or false, first or second), `confidence` is in the response. Type 1 is about stimuli, type 2 about one's own
answers. Rows that only say right or wrong (free answers, more than two options) have no d' or meta-d'. For them there
is `type2_auroc`, which mixes the insight of the confidence with the difficulty of the task.

Counts of 0 have no finite d'. Half a row is added to each count of a stimulus's responses (Hautus 1995). For meta-d'
and the d' that it is compared with, 1/(2K) is added to each of the 4K counts for K levels, which is half a row a
response (Maniscalco and Lau's advice). The fit is their fit_meta_d_MLE with equal variances.
"""

from __future__ import annotations

import numpy as np

from harness.metrics.columns import Floats, Labels, Ordered, Scores, Weights
from harness.metrics.meta_fit import fit_meta_d
from harness.metrics.metric import measure
from harness.metrics.ranking import auroc
from harness.metrics.weighted import Ties, before, totals

_ONE_STIMULUS = "one of the two stimuli was never shown"
_NO_FIT = "one of the two stimuli was never shown, confidence has one value only, or d' is not above 0 (or |c|/20)"


@measure(label="d'", low=None, high=None, better="higher", undefined=_ONE_STIMULUS)
def d_prime(stimulus: Labels, response: Labels, *, w: Weights) -> Floats:
    """Sensitivity d' = z(hits) - z(false alarms), 0 at chance (Green and Swets 1966).

    hits = (H + 1/2)/(n_1 + 1) of the n_1 rows of stimulus 1 that were answered 1, false alarms the same of stimulus 0.
    """
    hits, false_alarms = _rates(stimulus, response, w)
    difference: Floats = hits - false_alarms
    return difference


@measure(low=None, high=None, better="neither", undefined=_ONE_STIMULUS)
def criterion(stimulus: Labels, response: Labels, *, w: Weights) -> Floats:
    """Response bias c = -(z(hits) + z(false alarms))/2: above 0 leans to answering 0, with the rates of `d_prime`."""
    hits, false_alarms = _rates(stimulus, response, w)
    middle: Floats = -(hits + false_alarms) / 2
    return middle


@measure(label="type-2 AUROC", low=0, high=1, better="higher", undefined="all rows are correct, or all are wrong")
def type2_auroc(confidence: Scores, correct: Labels, *, w: Weights) -> Floats:
    """Area under the type-2 ROC curve: `auroc` of confidence for own correctness, in [0, 1], chance 1/2.

    Takes any rows that are right or wrong. Grows with d' as well as with insight (Galvin et al. 2003): to compare
    subjects of different accuracy take `m_ratio` where the task allows it.
    """
    return auroc(confidence, correct, w=w)


@measure(label="meta-d'", low=None, high=None, better="higher", undefined=_NO_FIT)
def meta_d(stimulus: Labels, response: Labels, confidence: Ordered, *, w: Weights, levels: int = 4) -> Floats:
    """meta-d', how well confidence tells right from wrong, on the scale of d'.

    It is the d' at which an ideal observer's confidence would tell them apart as this one does.

    Maximum likelihood of the confidence given stimulus and response, with criterion/meta-d' held at c/d' (Maniscalco
    and Lau 2012, 2014). Confidence enters in at most `levels` levels: its values as they are if no more occur, else
    bins of about equal counts with equal values kept together, made anew in every replicate. Undefined where d' is
    not above 0: there the condition on the criterion means nothing.

    Raises:
        ValueError: levels below 2.
    """
    return _fit(stimulus, response, confidence, w, levels)[1]


@measure(label="M-ratio", low=None, high=None, better="higher", undefined=_NO_FIT)
def m_ratio(stimulus: Labels, response: Labels, confidence: Ordered, *, w: Weights, levels: int = 4) -> Floats:
    """Metacognitive efficiency meta-d'/d': 1 where confidence uses all that the choice used, 0 where it uses nothing.

    Above 1 the confidence knows more than the choice. For the fit see `meta_d`. A small d' makes it very uncertain:
    read the interval, and be wary of d' below 1/2.
    """
    d, meta = _fit(stimulus, response, confidence, w, levels)
    return meta / d


def _rates(stimulus: Labels, response: Labels, w: Weights) -> Floats:
    # z of the corrected rates of response 1 to stimuli 1 and 0: [2, B].
    from scipy.special import ndtri

    s, r = stimulus.values, response.values
    hits, ones, false_alarms, zeros = totals(w, s * r, s, (1 - s) * r, 1 - s)
    both = (ones > 0) & (zeros > 0)
    shares = np.stack([(hits + 0.5) / (ones + 1), (false_alarms + 0.5) / (zeros + 1)])
    z: Floats = ndtri(np.where(both, shares, np.nan))
    return z


def _fit(stimulus: Labels, response: Labels, confidence: Ordered, w: Weights, levels: int) -> tuple[Floats, Floats]:
    # d' and meta-d', [B] each. Replicates with equally many levels are fitted together.
    counts = _counts(stimulus, response, confidence, w, levels)
    used = (counts.sum(axis=(1, 2)) > 0).sum(axis=1)
    d, meta = np.full(len(w), np.nan), np.full(len(w), np.nan)
    for k in range(2, levels + 1):
        if (alike := used == k).any():
            d[alike], meta[alike] = fit_meta_d(counts[alike, :, :, :k])
    return d, meta


def _counts(stimulus: Labels, response: Labels, confidence: Ordered, w: Weights, levels: int) -> Floats:
    """Weight of each stimulus, response and level of confidence, [B, 2, 2, levels], the levels without weight last."""
    if levels < 2:
        raise ValueError(f"levels must be at least 2, not {levels}")
    if not len(confidence.values):
        return np.zeros((len(w), 2, 2, levels))
    ties = Ties.of(confidence.values)
    kinds = [(s, r) for s in (0, 1) for r in (0, 1)]
    upto = [ties.upto(w, ((stimulus.values == s) & (response.values == r)).astype(float)) for s, r in kinds]
    total = np.sum(upto, axis=0)
    below = np.concatenate([np.zeros((len(w), 1)), total[:, :-1]], axis=1)
    # As the bins of `ece_adaptive`, a value lies in the level of the lowest row that has it; few values are themselves.
    number = np.cumsum(total > below, axis=1) - 1
    few = number[:, -1] < levels
    edges = np.arange(1, levels)
    at = np.zeros((len(w), levels + 1), dtype=np.int64)
    at[:, -1] = len(ties.starts)
    for b in range(len(w)):
        at[b, 1:-1] = np.searchsorted(*(number[b], edges) if few[b] else (below[b], total[b, -1] * edges / levels))
    counts = np.stack([np.diff(before(u, at), axis=1) for u in upto], axis=1).reshape(len(w), 2, 2, levels)
    empty = counts.sum(axis=(1, 2)) == 0
    order = np.argsort(empty, axis=1, kind="stable")
    return np.take_along_axis(counts, order[:, None, None, :], axis=3)
