"""Clusters answers by meaning, with the task's own grader or by asking whether each entails the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import Choice, Item, Probability, Prompt, Subject, fill, yes_no
from harness.tasks.texts import normalise

TEXTS: Mapping[str, str] = {
    "entailment": "Here are a question and two answers. Does the first answer entail the second: if the first is "
    "right, must the second be right, too? Say Yes or No.\n"
    "Question: $question\nFirst answer: $first\nSecond answer: $second"
}


@dataclass(frozen=True, slots=True)
class Clusters:
    """Answers that mean the same.

    Attributes:
        codes: the cluster of each answer, numbered from 0 in the order in which they first occur.
        questions: how many questions were asked to find them.
        entailed: share of the questions that were answered by Yes; None when nothing had to be asked.
        mass: mean probability that Yes or No is said at all; None when nothing had to be asked.
    """

    codes: tuple[int, ...]
    questions: int = 0
    entailed: Probability | None = None
    mass: Probability | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(set(self.codes))


def reading(item: Item, text: str) -> str:
    """An answer as the task's grader reads it, which does not depend on the gold answer; else its normalised words.

    The grader knows what makes two answers the same: that "42.0" is 42, and that Co is not CO.
    """
    return item.grade(text).answer or normalise(text)


def by_reading(item: Item, answers: Sequence[str]) -> Clusters:
    """Clusters of answers that read the same; those without any words are one."""
    numbers: dict[str, int] = {}
    return Clusters(tuple(numbers.setdefault(reading(item, answer), len(numbers)) for answer in answers))


async def by_entailment(wording: Mapping[str, str], item: Item, judge: Subject, answers: Sequence[str]) -> Clusters:
    """Clusters of answers each of which entails the other, given the question (Kuhn et al. 2023, algorithm 1).

    Answers that read the same are one. Each further one is compared with the first answer of every cluster so far and
    joins the first that it entails and that entails it. Where one direction fails the other is not asked. So d
    different readings take at most d (d - 1) questions, 20 for five, and no pair is asked about twice. An answer
    without words is a cluster of its own.

    Differs from the authors' code, which by default also merges where one direction holds and the other is neutral, and
    moves an answer on to a later cluster that it fits. Yes and No are read as exact probabilities; a tie is a No.

    Args:
        wording: the experiment's texts, of which `TEXTS` is a part.
    """
    numbers: dict[str, int] = {}
    founders: list[tuple[int, str]] = []  # of clusters that others may join
    asked: list[Choice] = []

    async def entails(first: str, second: str) -> bool:
        asked.append(await yes_no(judge, question(wording, item, first, second)))
        return asked[-1].p["yes"] > 0.5

    count = 0
    for answer in answers:
        read = reading(item, answer)
        if read in numbers:
            continue
        for number, founder in founders if read else ():
            if await entails(founder, answer) and await entails(answer, founder):
                numbers[read] = number
                break
        else:
            numbers[read] = count
            if read:
                founders.append((count, answer))
            count += 1
    codes = tuple(numbers[reading(item, answer)] for answer in answers)
    if not asked:
        return Clusters(codes)
    entailed = sum(choice.p["yes"] > 0.5 for choice in asked) / len(asked)
    mass = sum(choice.mass for choice in asked) / len(asked)
    return Clusters(codes, len(asked), Probability(entailed), Probability(mass))


def question(wording: Mapping[str, str], item: Item, first: str, second: str) -> Prompt:
    """Whether one answer entails another; Yes or No comes next. The words that are the same for all items stand
    first."""
    shown = {"question": item.fields["question"], "first": first, "second": second}
    return Prompt.user(fill(wording["entailment"], shown), "Answer:")
