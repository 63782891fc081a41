"""A reply as a row of results: what became of it, and whether its answer is right."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.calibration.verbalized_confidence.elicitation import Elicitation, Elicited, Status
from experiments.shared import judging
from harness import Outcome, Probability, Subject


@dataclass(frozen=True, kw_only=True)
class StatedConfidence(Outcome):
    """One reply. Exactly one of attempted, refused, truncated, unparsed and ungraded is true of it.

    Attributes:
        forced: whether what was missing was decoded after its opening tag. If not, the reply is as the model gave it.
        draw: index of the draw.
        reply: the latest reply, without thinking; answer: as read, "" without one; graded_by: the grader or judge.
        attempted: answer, confidence and grade are there, and the answer is no refusal.
        refused: it says that it does not know; truncated: it was cut off before all was said; unparsed: answer or
            confidence is not in the form; ungraded: the judge gave no verdict.
        solved: the answer is right, whatever else is missing; None when ungraded.
        correct, confidence: of attempted replies only.
        tokens: length of the reply that gave the answer; length: its bin.
        common: whether all arms attempted this item in this draw.
    """

    forced: bool
    draw: int
    reply: str
    answer: str
    graded_by: str
    attempted: bool
    refused: bool
    truncated: bool
    unparsed: bool
    ungraded: bool
    solved: bool | None
    correct: bool | None
    confidence: Probability | None
    tokens: int
    length: str
    common: bool = False


async def graded(elicitation: Elicitation, said: Elicited, draw: int, *, forced: bool, judge: bool) -> StatedConfidence:
    """The reply with its grade.

    Args:
        judge: whether the model that plays the judge grades it, and not the task.
    """
    item, wording = elicitation.requests.item, elicitation.requests.wording
    by = elicitation.subject.role("judge") if judge else None
    status, correct = await _grade(elicitation, said, by)
    attempted = status == "attempted"
    return StatedConfidence(
        forced=forced,
        draw=draw,
        reply=said.text,
        answer=said.answer or "",
        graded_by=judging.judge_name(by, wording) if by else item.grader.__name__,
        attempted=attempted,
        refused=status == "refused",
        truncated=status == "truncated",
        unparsed=status == "unparsed",
        ungraded=status == "ungraded",
        solved=None if status == "ungraded" else bool(correct),
        correct=correct if attempted else None,
        confidence=said.confidence if attempted else None,
        tokens=said.tokens,
        length=length_bin(said.tokens),
    )


async def _grade(elicitation: Elicitation, said: Elicited, judge: Subject | None) -> tuple[Status, bool | None]:
    """What became of a reply after grading, and whether its answer is right; None where that cannot be told."""
    status, item = elicitation.status(said), elicitation.requests.item
    if said.answer is None or status == "refused":
        return status, False
    if judge is None:
        correct = item.grade(said.answer).correct
        return ("unparsed" if correct is None and status == "attempted" else status), correct
    verdict = await judging.verdict(item, judge, said.answer, elicitation.requests.wording)
    if verdict is None:
        return ("ungraded" if status == "attempted" else status), None
    return ("refused" if verdict == "not attempted" else status), verdict == "right"


def length_bin(tokens: int) -> str:
    """The bin of a length: "0000-0007" up to 7 tokens, then from each power of two to the next."""
    low = 0 if tokens < 8 else 1 << (tokens.bit_length() - 1)
    return f"{low:04d}-{max(8, 2 * low) - 1:04d}"
