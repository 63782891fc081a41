"""Lettered questions as they are shown, and the temperature of their letters (Kadavath et al. 2022)."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.shared.demonstrations import judgement, lead
from harness import Item, Message
from harness.tasks.choices import LETTERS, lettered

Form = Literal["lettered", "nota", "true/false", "cyclic"]

NOTA = "none of the above"
LEAST, MOST = 0.01, 100.0
"""The range of temperatures."""

_TINY = 1e-12
_PLACES = re.compile(
    r"\bof the (?:above|other options|other choices)\b"
    r"|\b(?:all|none|both|neither|any) of (?:these|those|them|the others)\b"
    r"|\b(?:all|none|both|neither) (?:the )?above\b"
    r"|^(?:both |either |neither |only )?\(?[A-F]\)?(?: and | or | nor |, | & )\(?[A-F]\)?(?: only)?\.?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The options of an item in the order shown.

    Attributes:
        right: index of the right one.
        wrong: index of the wrong one that is proposed where an answer is judged.
        movable: whether the order may change: no option speaks of the place of others ("all of the above").
    """

    stem: str
    options: tuple[str, ...]
    right: int
    wrong: int
    movable: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question with lettered options.

    Attributes:
        text: the whole of it, as the user says it.
        lead: the words before the letter.
        options: what each letter stands for; right: index of the right one.
        proposed: the answer that is judged; "" where the options are the answers.
    """

    text: str
    lead: str
    options: tuple[str, ...]
    right: int
    proposed: str = ""

    @property
    def block(self) -> tuple[Message, Message]:
        """The question and its right letter, as an example."""
        return Message("user", self.text), Message("assistant", f"{self.lead} ({LETTERS[self.right]})")


def layout(item: Item, rng: random.Random, *, shuffle: bool) -> Layout:
    """Options in an order of their own; those whose order matters keep it. It draws the same numbers in any case."""
    choices = [str(choice) for choice in item.fields["choices"]]
    right = LETTERS.index(str(item.gold)[1])
    movable = not any(_PLACES.search(choice) for choice in choices)
    order = rng.sample(range(len(choices)), len(choices))
    wrong = rng.choice([at for at in range(len(choices)) if at != right])
    if not (shuffle and movable):
        order = list(range(len(choices)))
    texts = tuple(choices[at] for at in order)
    return Layout(str(item.fields["stem"]), texts, order.index(right), order.index(wrong), movable)


def questions(form: Form, shown: Layout) -> list[Question]:
    """What is asked about one item in one form; nothing where the form would make nonsense of the options.

    lettered: the question. nota: the text of the last option is overwritten; where it was the right one its letter
    stays right. true/false: the right answer and a wrong one, each proposed, so that true and false are balanced.
    cyclic: the question with its k options in all k rotations, the first as they stand.
    """
    options, right = shown.options, shown.right
    if form == "true/false":
        return [_proposal(shown.stem, options[right], 0), _proposal(shown.stem, options[shown.wrong], 1)]
    if form == "lettered":
        return [_lettered(shown.stem, options, right)]
    if not shown.movable:
        return []
    if form == "nota":
        return [_lettered(shown.stem, (*options[:-1], NOTA), right)]
    k = len(options)
    return [_lettered(shown.stem, options[turn:] + options[:turn], (right - turn) % k) for turn in range(k)]


def _lettered(stem: str, options: tuple[str, ...], right: int) -> Question:
    return Question(f"Question: {lettered(stem, options)}", "Answer:", options, right)


def _proposal(stem: str, answer: str, right: int) -> Question:
    return Question(judgement(stem, answer, None), lead(False), ("True", "False"), right, answer)


def unrotated(turns: Sequence[Sequence[float]]) -> list[float]:
    """Mean probability of each of k options over the k rotations of `questions`, [k], in the order of the first."""
    k = len(turns)
    return [math.fsum(turns[turn][(at - turn) % k] for turn in range(k)) / k for at in range(k)]


def at_temperature(p: Sequence[float], t: float) -> list[float]:
    """Probabilities [k] whose log-odds are divided by `t` > 0: p^(1/t), renormalised.

    The constant of the softmax over all words cancels, so that this is the temperature of the letters' own logits
    (Kadavath et al. 2022, section 3.3). The order of the options stays.
    """
    logs = [math.log(max(one, _TINY)) / t for one in p]
    top = max(logs)
    weights = [math.exp(log - top) for log in logs]
    total = math.fsum(weights)
    return [weight / total for weight in weights]


def best_temperature(judged: Sequence[tuple[Sequence[float], int]]) -> float:
    """The temperature in [LEAST, MOST] with the least negative log-likelihood of the right options (Guo et al. 2017).

    Args:
        judged: probabilities [k] of the options of each question, and the index of the right one.

    Returns:
        1 without questions; an end of the range when the likelihood grows up to it (all right: LEAST; no better than
        chance: MOST).
    """
    if not judged:
        return 1.0

    def slope(t: float) -> float:
        # Derivative of the loss by 1/t, which grows with 1/t: the loss is convex in it.
        expected = 0.0
        for p, right in judged:
            logs = [math.log(max(one, _TINY)) for one in p]
            expected += math.fsum(q * log for q, log in zip(at_temperature(p, t), logs, strict=True)) - logs[right]
        return expected

    low, high = math.log(LEAST), math.log(MOST)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(math.exp(middle)) > 0 else (low, middle)
    return math.exp((low + high) / 2)
