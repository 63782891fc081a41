"""The result of a run in one sentence: how often the model is right, then the numbers that its claims are about.

The page has it on top, and a terminal or a tracker can say the same. It never says more than the verdicts: a number
whose verdict is held back is not told, and where the interval holds both answers, the sentence says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.metrics.labels import metric_label
from harness.metrics.levels import level_words
from harness.metrics.meaning import measure_named
from harness.statistics.claims import Claim, Verdict
from harness.statistics.estimates import Estimate
from harness.statistics.headline import headline

MOST_CLAIMS = 2
"""Claims of which the sentence tells at most; all verdicts stand below it."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """The meaning of a number on either side of its natural border, and of an interval that holds the border."""

    border: float
    above: str
    below: str
    neither: str


_PHRASES: Mapping[str, Phrase] = {
    "auroc": Phrase(
        0.5,
        "its confidence tells right answers from wrong ones",
        "its confidence is higher in wrong answers than in right ones",
        "it is open whether its confidence tells right answers from wrong ones",
    ),
    "overconfidence": Phrase(
        0.0,
        "it is overconfident",
        "it is underconfident",
        "it is neither clearly overconfident nor clearly underconfident",
    ),
    "brier_skill": Phrase(
        0.0,
        "its probabilities beat the base rate",
        "its probabilities are worse than the base rate",
        "it is open whether its probabilities beat the base rate",
    ),
    "calibration_slope": Phrase(
        1.0,
        "its probabilities are not extreme enough",
        "its probabilities are too extreme",
        "it is open whether its probabilities are too extreme",
    ),
    "delta": Phrase(
        0.0,
        "revising its answers makes it right more often",
        "revising its answers makes it right less often",
        "it is open whether revising its answers helps or harms",
    ),
}


def in_one_sentence(
    model: str, estimates: Sequence[Estimate], claims: Sequence[Claim], verdicts: Sequence[Verdict]
) -> str:
    """The result of a run in one sentence; "" where there is neither an accuracy nor a verdict.

    Args:
        model: its name.
        verdicts: found by the text of their claim; those on published numbers are not told.
    """
    found = {verdict.text: verdict for verdict in verdicts if verdict.published is None}
    judged = [(claim, found[claim.text]) for claim in claims if claim.text in found]
    texts: dict[str, str] = {}
    for claim, verdict in judged:
        text, number = _of_claim(claim, verdict)
        texts.setdefault(text, number)  # one phrase fits several claims about one metric
    told = [f"{text} ({number})" for text, number in texts.items() if text][:MOST_CLAIMS]
    if not told and judged:
        told = [_without_verdict([verdict for _, verdict in judged])]
    right = _accuracy(estimates, claims[0].level if claims else {})
    if right:
        return f"{model} {'; '.join([right, *told])}."
    return f"{model}: {'; '.join(told)}." if told else ""


def _accuracy(estimates: Sequence[Estimate], claimed: Mapping[str, object]) -> str:
    """How often the model is right: in all arms alike, in the arm that is claimed something of, or from least to most.

    Args:
        claimed: the level of the first claim.
    """
    first = headline(estimates, ())
    named = [e.metric for e in first if e.metric.startswith("accuracy")]
    found = [e for e in first if named and e.metric == named[0] and e.value is not None and e.n]
    if not found:
        return ""
    at_first = " at first" if named[0] == "accuracy_before" else ""
    of_claim = next((e for e in found if e.level and e.level.items() <= dict(claimed).items()), None)
    least, most = (choose(found, key=lambda e: e.value or 0.0) for choose in (min, max))
    if _percent(least.value) == _percent(most.value):
        return f"is right{at_first} in {_percent(least.value)} %{_range(least)} of {least.n:,} answers"
    if of_claim is not None:
        level = level_words(of_claim.level)
        return (
            f"is right{at_first} in {_percent(of_claim.value)} %{_range(of_claim)} of {of_claim.n:,} answers ({level})"
        )
    worst, best = (f"{_percent(e.value)} % ({level_words(e.level)})" for e in (least, most))
    return f"is right{at_first} in {worst} to {best} of its answers"


def _of_claim(claim: Claim, verdict: Verdict) -> tuple[str, str]:
    """A verdict with its number: in words of its own where the number has a natural border, else as claimed.

    Both are "" where there is no interval, or the verdict is held back.
    """
    e = verdict.measured
    if e is None or e.value is None or e.low is None or e.high is None or verdict.reason.startswith("held back"):
        return "", ""
    phrase = _PHRASES.get(measure_named(claim.metric))
    level = f", {level_words(e.level)}" if e.level else ""
    if phrase is not None and claim.value == phrase.border:
        text = phrase.above if e.low > phrase.border else phrase.below if e.high < phrase.border else phrase.neither
        number = f"{metric_label(e.metric)} {_number(e)}{level}"
    else:
        text = f"\N{LEFT DOUBLE QUOTATION MARK}{claim.text}\N{RIGHT DOUBLE QUOTATION MARK} is {verdict.kind}"
        number = f"{'difference' if claim.rivals else metric_label(claim.metric)} {_number(e)}{level}"
    together = "" if verdict.kind_holm in (None, verdict.kind) else f", {verdict.kind_holm} when judged with the others"
    return text, f"{number}{together}"


def _without_verdict(verdicts: Sequence[Verdict]) -> str:
    if len(verdicts) == 1:
        return "there is no verdict on the claim"
    return f"there is no verdict on any of {len(verdicts)} claims"


def _percent(value: float | None) -> str:
    return f"{100 * (value or 0.0):.0f}"


def _range(e: Estimate) -> str:
    return "" if e.low is None or e.high is None else f" ({_percent(e.low)} to {_percent(e.high)})"


def _number(e: Estimate) -> str:
    value, low, high = (
        f"{x:.2f}".replace("-", "\N{MINUS SIGN}") for x in (e.value or 0.0, e.low or 0.0, e.high or 0.0)
    )
    return f"{value}, {low} to {high}"
