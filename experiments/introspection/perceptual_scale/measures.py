"""The numbers of difference scaling as metrics: the scale, whether there is one, and what form it has.

All take the probability that the upper pair is named, the frame, and the magnitudes s1 < s2 <= s3 < s4 of the row.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from experiments.introspection.perceptual_scale.power import power_fit
from experiments.introspection.perceptual_scale.scaling import (
    Design,
    Scaling,
    candidate_likelihood,
    candidate_scale,
)
from harness.metrics import Classes, Floats, Numbers, Probabilities, Weights, curve, measure
from harness.metrics.levels import level_text
from harness.metrics.weighted import ratio

_FLAT = (
    "no scale: the judgements fit one no better than chance does (likelihood ratio, 99 % point), or it runs backwards"
)
_LOOSE = "the comparisons do not determine a scale: too few of them, or answers that separate them"
_NO_RANGE = f"{_FLAT}; or the candidate is the same for the lowest and the highest magnitude"
_NO_POWER = f"{_FLAT}; or no exponent between -5 and 5 fits best, or a magnitude is not above 0"


def _levels(  # noqa: PLR0917
    upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers
) -> tuple[str, ...]:
    magnitudes = np.unique(np.concatenate([one.values for one in (s1, s2, s3, s4)]))
    return tuple(level_text(float(s)) for s in magnitudes)


@curve(names=_levels, low=None, high=None, better="neither", undefined=_FLAT)
def scale(  # noqa: PLR0917
    upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, *, w: Weights
) -> Floats:
    """The value of each magnitude on the scale, 0 for the lowest and 1 for the highest (MLDS, Maloney and Yang 2003).

    Not forced to rise. Defined up to origin and unit alone: its slopes say nothing between models or domains.
    """
    return Scaling.fit(upper.values, Design.of(frame, s1, s2, s3, s4), w).normalised


def _levels_of(  # noqa: PLR0917
    frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, gap: Numbers
) -> tuple[str, ...]:
    return _levels(Probabilities(np.zeros(len(gap.values))), frame, s1, s2, s3, s4)


@curve(names=_levels_of, low=None, high=None, better="neither", undefined="the candidate has no range")
def form(  # noqa: PLR0917
    frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, gap: Numbers, *, w: Weights
) -> Floats:
    """The value of each magnitude on a scale of known form, 0 for the lowest and 1 for the highest, without a fit.

    Args:
        gap: as in `explained`.
    """
    values = candidate_scale(gap.values, Design.of(frame, s1, s2, s3, s4))
    return np.tile(values, (len(w), 1))


@measure(low=0, high=None, better="neither", biased=True, undefined=_LOOSE)
def likelihood_ratio(  # noqa: PLR0917
    upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, *, w: Weights
) -> Floats:
    """2 (log L of the scale - log L without one), each comparison counting once, at least 0; see `Scaling.is_scale`."""
    return Scaling.fit(upper.values, Design.of(frame, s1, s2, s3, s4), w).ratio


@measure(low=None, high=None, better="neither", undefined=_LOOSE)
def sensitivity(  # noqa: PLR0917
    upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, *, w: Weights
) -> Floats:
    """The range of the scale in units of its noise, 1 / sigma where the scale ends at 1.

    Near 0 the judgements know no scale; below 0 the pair that is less far apart is named.
    """
    sizes: Floats = Scaling.fit(upper.values, Design.of(frame, s1, s2, s3, s4), w).psi[:, -1]
    return sizes


@measure(label="pseudo-R2", low=0, high=1, better="neither", debiased=True, undefined=_FLAT)
def explained(  # noqa: PLR0917
    upper: Probabilities,
    frame: Classes,
    s1: Numbers,
    s2: Numbers,
    s3: Numbers,
    s4: Numbers,
    gap: Numbers,
    *,
    w: Weights,
) -> Floats:
    """Share of the free scale's log-likelihood that a scale of known form reaches, in [0, 1] (a pseudo-R2).

    (log L of the candidate - log L of the intercepts) / (log L of the free scale - log L of the intercepts). The
    candidate has one fitted factor, at least 0.

    Args:
        gap: the upper pair's distance on the candidate scale less the lower pair's.
    """
    design = Design.of(frame, s1, s2, s3, s4)
    candidate = candidate_likelihood(upper.values, gap.values, design, w)
    return Scaling.fit(upper.values, design, w).explained(candidate)


@measure(label="pseudo-R2 of a power law", low=0, high=1, better="neither", debiased=True, undefined=_NO_POWER)
def power_explained(  # noqa: PLR0917
    upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, *, w: Weights
) -> Floats:
    """`explained` by the power law s^p with the best exponent, of which log (p = 0) and linear (p = 1) are cases."""
    design = Design.of(frame, s1, s2, s3, s4)
    _, candidate = power_fit(upper.values, design, w)
    return Scaling.fit(upper.values, design, w).explained(candidate)


@measure(low=None, high=None, better="neither", undefined=_NO_POWER)
def exponent(  # noqa: PLR0917
    upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, *, w: Weights
) -> Floats:
    """The exponent p of the scale s^p that fits best: 1 is linear, 0 logarithmic, below 1 compressed (Stevens 1957)."""
    design = Design.of(frame, s1, s2, s3, s4)
    fitted, _ = power_fit(upper.values, design, w)
    return np.where(Scaling.fit(upper.values, design, w).is_scale, fitted, np.nan)


@measure(low=0, high=None, better="lower", biased=True, undefined=_NO_RANGE)
def distance(  # noqa: PLR0917
    upper: Probabilities,
    frame: Classes,
    s1: Numbers,
    s2: Numbers,
    s3: Numbers,
    s4: Numbers,
    gap: Numbers,
    *,
    w: Weights,
) -> Floats:
    """Root mean square difference between the free scale and a candidate, both from 0 to 1, over the magnitudes."""
    design = Design.of(frame, s1, s2, s3, s4)
    free = Scaling.fit(upper.values, design, w).normalised
    return np.asarray(np.sqrt(np.mean((free - candidate_scale(gap.values, design)) ** 2, axis=1)))


@measure(
    low=0,
    high=1,
    better="higher",
    undefined="no six magnitudes of which all three comparisons were asked point one way in the first two",
)
def six_point(  # noqa: PLR0917
    upper: Probabilities, frame: Classes, s1: Numbers, s2: Numbers, s3: Numbers, s4: Numbers, *, w: Weights
) -> Floats:
    """Share of the six-point conditions that hold, in [0, 1]: whether the judgements can come from any scale.

    For a < b < c < a' < b' < c': if (a', b') is further apart than (a, b), and (b', c') than (b, c), then (a', c') must
    be further apart than (a, c); and the same with "less far" (Krantz et al. 1971, section 4.2). A comparison is
    judged by the mean of its probits over the orders, in which a preference for a letter cancels; a condition's weight
    is the product of those of its three comparisons. Without any scale one half of the conditions hold.
    """
    from scipy.special import ndtri

    design = Design.of(frame, s1, s2, s3, s4)
    quadruples, of_row = np.unique(design.places, axis=0, return_inverse=True)
    rows = np.bincount(of_row.ravel(), minlength=len(quadruples))
    number = {tuple(four): i for i, four in enumerate(quadruples.tolist())}
    names = (
        ((a, b, d, e), (b, c, e, f), (a, c, d, f))
        for a, b, c, d, e, f in combinations(range(len(design.magnitudes)), 6)
    )
    found = [[number[one] for one in three] for three in names if all(one in number for one in three)]
    if not found:
        return np.full(len(w), np.nan)
    at = np.array(found)
    z = ndtri(np.clip(upper.values, 1e-300, 1 - 1e-16))
    member = np.eye(len(quadruples))[of_row.ravel()]
    weights = w @ member / rows
    sums = (w * z) @ member
    first, second, third = (np.sign(sums[:, column]) for column in at.T)
    asked = np.prod(weights[:, at], axis=2) * (first == second) * (first != 0)
    total = asked.sum(axis=1)
    kept = (asked * (third == first)).sum(axis=1)
    return ratio(kept, total)
