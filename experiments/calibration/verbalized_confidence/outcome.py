"""Turns a reply into a row of results: its fate, and whether its answer is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.calibration.verbalized_confidence.elicitation import Elicitation, Elicited
from experiments.shared import judging
from experiments.shared.surface import Surface, surface
from harness import Fate, GradedAnswer, Item, Probability, Subject


@dataclass(frozen=True, kw_only=True)
class StatedConfidence(Surface, GradedAnswer):
    """One reply.

    Attributes:
        forced: whether what was missing was decoded after its opening tag. If not, the reply is as the model gave it.
        draw: index of the draw.
        reply: the latest reply, without thinking; graded_by: the grader or judge of the answer.
        confidence: as stated, for any answer; None where none can be read.
        in_form: whether answer and confidence stand in the form asked for. An answer outside of it is graded, too.
        attempted: whether the answer could be graded and a confidence be read, without forcing in the form asked for.
        refused: whether it says that it does not know; ungraded: whether the judge gave no verdict.
        echo: whether the confidence is the prompt's example; None without a confidence.
        tokens: length of the reply that gave the answer; length: its bin.
        common: whether all arms attempted this item in this draw.
    """

    forced: bool
    draw: int
    reply: str
    graded_by: str
    confidence: Probability | None
    in_form: bool
    attempted: bool
    refused: bool
    ungraded: bool
    echo: bool | None
    tokens: int
    length: str
    common: bool = False


async def as_row(elicitation: Elicitation, said: Elicited, draw: int, *, forced: bool, judge: bool) -> StatedConfidence:
    """The reply with its grade.

    Args:
        judge: whether the model that plays the judge grades it, and not the task.
    """
    requests = elicitation.requests
    item, grade = requests.item, elicitation.graded(said)
    correct, fate, ungraded, by = grade.correct, grade.fate, False, item.grader.__name__
    answer = said.answer or grade.answer
    if judge:
        player = elicitation.subject.role("judge")
        by = judging.judge_name(player, requests.scaled.wording)
        if fate in ("answered", "unreadable") and answer:
            correct, fate, ungraded = await _by_judge(item, player, answer, requests.scaled.wording)
    example = requests.scaled.read(requests.scaled.example)
    return StatedConfidence(
        forced=forced,
        draw=draw,
        reply=said.text,
        answer=answer,
        **surface(item, answer),
        correct=correct,
        fate=fate,
        graded_by=by,
        confidence=said.confidence,
        in_form=said.in_form,
        attempted=fate == "answered" and said.confidence is not None and (forced or said.in_form),
        refused=fate == "refused",
        ungraded=ungraded,
        echo=None if said.confidence is None else said.confidence == example,
        tokens=said.source.new_tokens,
        length=length_bin(said.source.new_tokens),
    )


async def _by_judge(item: Item, judge: Subject, answer: str, wording: Mapping[str, str]) -> tuple[bool, Fate, bool]:
    """Whether the answer is right, what became of it, and whether the judge gave no verdict."""
    verdict = await judging.verdict(item, judge, answer, wording)
    if verdict is None:
        return False, "unreadable", True
    return verdict == "right", "refused" if verdict == "not attempted" else "answered", False


def length_bin(tokens: int) -> str:
    """The bin of a length: "0000-0007" up to 7 tokens, then from each power of two to the next."""
    low = 0 if tokens < 8 else 1 << (tokens.bit_length() - 1)
    return f"{low:04d}-{max(8, 2 * low) - 1:04d}"
