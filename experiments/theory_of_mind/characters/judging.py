"""A judge names the points that an answer includes, and its defects; how far it can be relied on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiments.shared.judge_reliability import JudgeReliability, reliability
from experiments.theory_of_mind.characters.question import Question
from experiments.theory_of_mind.characters.questions import QUESTIONS
from harness import Prompt, Subject, Text, fill

TEXTS: Mapping[str, str] = {
    "coverage": "Assess an answer to a question about a story by a reference answer and a list of points.\n\n"
    "Question: $asked\nReference answer: $reference\nPoints:\n$points\n\nAnswer to assess: $answer\n\n"
    "Which of the points does the answer include, in its words or in its meaning and without an error? If it includes "
    "none, the list is None.\nReply with one line in this form:\n"
    '[Included Bonus Points]: "numbers of the points, separated by commas, such as 1,2"',
    "defects": "Look for factual or logical errors in an answer to a question about a story, by the passage and the "
    "reference answer. An answer that is reasonable has no defect.\n\n"
    "Passage:\n$passage\n\nQuestion: $asked\nReference answer: $reference\n\nAnswer to assess: $answer\n\n"
    "Reply in this form, with None if there is no defect:\n[Defects]: the defects",
}
"""The forms of the reply follow CharToM-QA (Zhou et al. 2025); the sentences are our own."""

_INCLUDED = re.compile(r"^\W{0,3}included bonus points\W{0,3}:(.*)$", re.IGNORECASE | re.MULTILINE)
_DEFECTS = re.compile(r"^\W{0,3}defects\W{0,3}:\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_NUMBERS = re.compile(r"\(?\d{1,3}\)?(?:\s{0,3},\s{0,3}\(?\d{1,3}\)?){0,99}")


def read_included(reply: str, points: int) -> frozenset[int] | None:
    """The numbers of the points that a judge's line names, 1 to `points`; None of a line that breaks the form.

    The release counts the letters of "Null", its mark of such a line, as three points. Here the judge has failed.
    """
    lines = _INCLUDED.findall(reply)
    if len(lines) != 1:
        return None
    content = lines[0].strip().strip("\"'<>[]().* ")
    if content.lower() == "none":
        return frozenset()
    if not _NUMBERS.fullmatch(content):
        return None
    named = frozenset(map(int, re.findall(r"\d+", content)))
    return named if named <= set(range(1, points + 1)) else None


def read_defect(reply: str) -> bool | None:
    """Whether a judge names a defect; None of a reply that breaks the form."""
    lines = _DEFECTS.findall(reply)
    return None if len(lines) != 1 else not re.match(r"[\W_]{0,3}none\b", lines[0], re.IGNORECASE)


def cut_words(text: str, reference: str) -> str:
    """The first words of an answer, as many as CharToM-QA judges: max(n + 5, floor(1.5 n)) for a reference of n."""
    n = len(reference.split())
    return " ".join(text.split()[: max(n + 5, 3 * n // 2)])


async def included(
    wording: Mapping[str, str], judge: Subject, question: Mapping[str, object], answer: str, *, drawn: bool = False
) -> frozenset[int] | None:
    """The points that an answer includes, by a judge; None where its reply cannot be read.

    Args:
        question: "asked", "reference" and "points".
        drawn: whether the reply is drawn at temperature 1; else it is greedy.
    """
    points = question["points"]
    assert isinstance(points, Sequence)
    listed = "\n".join(f"({number}) {point}" for number, point in enumerate(points, start=1))
    prompt = Prompt.user(fill(wording["coverage"], {**question, "points": listed, "answer": answer}))
    reply = await judge.generate(prompt, max_tokens=JUDGE_TOKENS, temperature=float(drawn))
    return read_included(whole(reply), len(points))


async def defect(
    wording: Mapping[str, str], judge: Subject, question: Mapping[str, object], answer: str
) -> bool | None:
    """Whether a judge finds a defect in an answer; None where its reply cannot be read.

    Args:
        question: "asked", "reference" and "passage".
    """
    prompt = Prompt.user(fill(wording["defects"], {**question, "answer": answer}))
    return read_defect((await judge.generate(prompt, max_tokens=JUDGE_TOKENS)).text)


JUDGE_TOKENS = 128
"""Room for a judge's reply."""


def whole(reply: Text) -> str:
    """The lines of a reply that have an end: of one that was cut, all but the last."""
    return reply.text if reply.finish != "length" else "\n".join(reply.text.splitlines()[:-1])


class Case(NamedTuple):
    """An answer that is made of some of its question's points, and one point that it may hold."""

    question: Question
    held: frozenset[int]
    point: int


_HELD = (frozenset({1}), frozenset({2, 3}), frozenset({2}), frozenset({1, 3}), frozenset({3}), frozenset({1, 2}))
CLEAR: Sequence[tuple[Case, bool]] = tuple(
    (Case(questions[0], held, point), point in held)
    for questions, held in zip(QUESTIONS.values(), _HELD, strict=False)
    for point in (1, 2, 3)
)
"""18 cases, of which 9 hold the point. Answers repeat the points word for word, so that their coverage is known."""


async def check(wording: Mapping[str, str], judge: Subject) -> JudgeReliability:
    """How far the judge can be relied on: on clear cases, on the same drawn again, and with the points reversed."""

    async def decide(case: Case, turned: bool, drawn: bool) -> bool | None:
        question, n = case.question, len(case.question.points)
        points = question.points[::-1] if turned else question.points
        asked = {"asked": question.asked, "reference": question.answer, "points": points}
        answer = " ".join(question.points[number - 1] for number in sorted(case.held))
        found = await included(wording, judge, asked, answer, drawn=drawn)
        return None if found is None else (n + 1 - case.point if turned else case.point) in found

    return await reliability(CLEAR, decide)
