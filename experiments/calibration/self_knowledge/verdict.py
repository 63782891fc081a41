"""What was said of one question, whether it has an answer: read from a reply, from judgements, or given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.calibration.self_knowledge.detector import refuses_by_reference
from harness import Choice, Item, Outcome, Probability
from harness.tasks.refusals import refuses


@dataclass(frozen=True, kw_only=True)
class Verdict(Outcome):
    """What was said of one question in one arm. Positive are the questions without an answer.

    Attributes:
        kind: of the question, see the task; unanswerable: the truth.
        refused: what was said, strictly by phrases or by the judgement; None when nothing was.
        refused_wide: by the wide detector of refusals; refused_selfaware: by the sixteen sentences of Yin et al. 2023.
        agrees: whether `refused` is the truth.
        empty: whether the reply has no words.
        correct: of answerable questions, whether the reply gives the answer; refusing is wrong.
        reply: the text.
        p_unanswerable: mean probability of the judgements; mass: mean probability that any option is said.
        share: share of the judgements that say "unanswerable"; consensus: share that says what most say.
        yes: share of the judgements that say "Yes", which means "answerable" in every second of them.
    """

    kind: str
    unanswerable: bool
    refused: bool | None
    agrees: bool | None
    refused_wide: bool | None = None
    refused_selfaware: bool | None = None
    empty: bool | None = None
    correct: bool | None = None
    reply: str | None = None
    p_unanswerable: Probability | None = None
    mass: Probability | None = None
    share: Probability | None = None
    consensus: float | None = None
    yes: Probability | None = None


def verdict(item: Item, refused: bool | None) -> Verdict:
    """The columns that all arms fill."""
    unanswerable = not item.gold
    agrees = None if refused is None else refused == unanswerable
    return Verdict(kind=str(item.fields["kind"]), unanswerable=unanswerable, refused=refused, agrees=agrees)


def replied(item: Item, reply: str) -> Verdict:
    """The verdict of a reply, which may refuse."""
    refused = refuses(reply)
    return replace(
        verdict(item, refused),
        refused_wide=refuses(reply, wide=True),
        refused_selfaware=refuses_by_reference(reply),
        empty=refused is None,
        correct=None if refused is None or not item.gold else not refused and item.grade(reply).correct,
        reply=reply,
    )


def judged(item: Item, choices: Sequence[Choice], answerable: Sequence[bool]) -> Verdict:
    """The verdict of one or more judgements.

    Args:
        choices: between "yes" and "no".
        answerable: of each judgement, whether "yes" means that the question has an answer.
    """
    n = len(choices)
    without = [choice.p["no" if yes else "yes"] for choice, yes in zip(choices, answerable, strict=True)]
    p, share = sum(without) / n, sum(one > 0.5 for one in without) / n
    return replace(
        verdict(item, p > 0.5),
        p_unanswerable=Probability(p),
        mass=Probability(sum(choice.mass for choice in choices) / n),
        share=Probability(share),
        consensus=max(share, 1 - share),
        yes=Probability(sum(choice.p["yes"] > 0.5 for choice in choices) / n),
    )
