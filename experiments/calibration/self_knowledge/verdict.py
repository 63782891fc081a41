"""The model's verdict on whether a question has an answer, from a reply, from judgements, or from a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from experiments.calibration.self_knowledge.detector import refuses_by_reference
from harness import Choice, Fate, Item, Outcome, Probability, Text, graded
from harness.tasks.refusals import refuses


@dataclass(frozen=True, kw_only=True)
class Verdict(Outcome):
    """The verdict on one question in one arm. Positive are the questions without an answer.

    Attributes:
        kind: of the question, see the task; unanswerable: the truth; question_length: its characters.
        refused: what was said, strictly by phrases or by the judgement. A reply that says nothing does not refuse.
        refused_wide: by the wide detector of refusals; refused_selfaware: by the sixteen sentences of Yin et al. 2023.
        agrees: whether `refused` is the truth; not for a reply that is empty, or was cut off before it refused.
        fate: the fate of a reply; empty, cut: whether it has no words, whether it was cut off.
        correct: of replies to answerable questions, whether they give the answer; refusing is wrong.
        reply: the text.
        p_unanswerable: mean probability of the judgements; mass: mean probability that any option is said.
        share: share of the judgements that say "unanswerable"; direct, turned: the same among judgements where this is
            a "No", and among judgements where it is a "Yes"; consensus: share that agrees with most.
        yes: share of the judgements that say "Yes", which means "answerable" in every second of them.
    """

    kind: str
    unanswerable: bool
    question_length: int
    refused: bool
    agrees: bool
    fate: Fate | None = None
    refused_wide: bool | None = None
    refused_selfaware: bool | None = None
    empty: bool | None = None
    cut: bool | None = None
    correct: bool | None = None
    reply: str | None = None
    p_unanswerable: Probability | None = None
    mass: Probability | None = None
    share: Probability | None = None
    direct: Probability | None = None
    turned: Probability | None = None
    consensus: float | None = None
    yes: Probability | None = None


def verdict(item: Item, refused: bool) -> Verdict:
    """The columns that all arms fill."""
    unanswerable = not item.gold
    return Verdict(
        kind=str(item.fields["kind"]),
        unanswerable=unanswerable,
        question_length=len(str(item.fields["question"])),
        refused=refused,
        agrees=refused == unanswerable,
    )


def replied(item: Item, reply: Text) -> Verdict:
    """The verdict of a reply, which may refuse. One that was cut off after it refused has refused."""
    grade = graded(item, reply)
    refused = bool(refuses(reply.text))
    row = verdict(item, refused)
    return replace(
        row,
        agrees=row.agrees and (refused or grade.fate not in ("empty", "cut")),
        fate=grade.fate,
        refused_wide=bool(refuses(reply.text, wide=True)),
        refused_selfaware=bool(refuses_by_reference(reply.text)),
        empty=grade.fate == "empty",
        cut=grade.fate == "cut",
        correct=grade.correct if item.gold else None,
        reply=grade.text,
    )


def judged(item: Item, choices: Sequence[Choice], answerable: Sequence[bool]) -> Verdict:
    """The verdict of one or more judgements.

    Args:
        choices: between "yes" and "no".
        answerable: of each judgement, whether "yes" means that the question has an answer.
    """
    n = len(choices)
    without = [choice.p["no" if yes else "yes"] for choice, yes in zip(choices, answerable, strict=True)]
    votes = [one > 0.5 for one in without]
    p, share = sum(without) / n, sum(votes) / n
    return replace(
        verdict(item, p > 0.5),
        p_unanswerable=Probability(p),
        mass=Probability(sum(choice.mass for choice in choices) / n),
        share=Probability(share),
        direct=_share([vote for vote, yes in zip(votes, answerable, strict=True) if yes]),
        turned=_share([vote for vote, yes in zip(votes, answerable, strict=True) if not yes]),
        consensus=max(share, 1 - share),
        yes=Probability(sum(choice.p["yes"] > 0.5 for choice in choices) / n),
    )


def _share(votes: Sequence[bool]) -> Probability | None:
    return Probability(sum(votes) / len(votes)) if votes else None
