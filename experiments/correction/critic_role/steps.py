"""Reads a critique that goes through a solution step by step, and looks for the right answer in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from experiments.shared.critique import VERDICT, last_verdict, verdict_lines
from harness import Item
from harness.tasks.graders import gold_text
from harness.tasks.numbers import exact
from harness.tasks.texts import normalise

_OF = r"(?:\ (?:of|to|in)\ (?:the|this)\ [a-z]{1,15}|\ (?:of\ )?[($*]{0,3}[-0-9][0-9.,/%]{0,20}[)$*]{0,3})?"
_FORMAL = re.compile(rf"correctness\ of\ (?:the\ )?final\ answer{VERDICT}", re.IGNORECASE | re.VERBOSE)
_HEADING = re.compile(
    r"[\s*_\#|>-]{0,12}(?:step\ sentence:\s{0,3})?correctness\ of\ (?:the\ )?final\ answer", re.IGNORECASE | re.VERBOSE
)
_FREE = re.compile(rf"(?<!\bif\ the\ )(?<!\bwhether\ the\ )final\ answer{_OF}{VERDICT}", re.IGNORECASE | re.VERBOSE)
_STEP = re.compile(rf"correctness\ of\ (?:the\ |this\ )?step(?:\ \d{{1,3}})?{VERDICT}", re.IGNORECASE | re.VERBOSE)
_NUMBER = re.compile(r"(?<![\w.])-?[0-9][0-9,]{0,40}(?:\.[0-9]{1,40})?")
_LETTER = re.compile(r"^\([A-Z]\) ")

FORMS = {
    verdict: tuple(f"{before}{form}" for before in (" ", " [") for word in words for form in (word, word.capitalize()))
    for verdict, words in {"wrong": ("wrong", "incorrect"), "correct": ("correct", "right")}.items()
}
"""The verdicts as they may continue "Correctness of the final answer:"."""


def final_wrong(text: str) -> bool | None:
    """Whether a critique says that the final answer is wrong; None without a verdict on it, see `last_verdict`.

    The form that was asked for counts before a sentence like "The final answer 57 is wrong."
    """
    formal = last_verdict(_FORMAL, text)
    return last_verdict(_FREE, text) if formal is None else formal


def up_to_verdict(text: str) -> str:
    """A critique up to the heading of its last verdict on the final answer; the whole critique without one."""
    headings = [*_HEADING.finditer(text)]
    return text[: headings[-1].start()] if headings else text


def first_wrong_step(text: str, steps: Sequence[str]) -> int | None:
    """The number of the first step that a critique calls wrong, from 1 on; None when it calls none wrong.

    A step is the line of the solution that the critique repeats before its verdict. Where it repeats none, the step has
    the number of the verdict: the third verdict is on the third step.

    Args:
        steps: the lines of the solution.
    """
    repeated: list[str] = []
    number = 0
    for line in verdict_lines(text):
        verdict = last_verdict(_STEP, line)
        if verdict is None:
            repeated.append(line)
            continue
        number += 1
        if verdict:
            shown = " ".join(" ".join(repeated).split())
            named = [at for at, step in enumerate(steps, 1) if step.strip() and " ".join(step.split()) in shown]
            return named[-1] if named else number
        repeated.clear()
    return None


def names_gold(text: str, item: Item, solution: str) -> bool:
    """Whether a critique gives the right answer away: it names it, and neither question nor solution does.

    A number counts however it is written (1,234 and 1234.0), any other answer as whole words.
    """
    gold = gold_text(item)
    known = f"{item.fields['question']}\n{solution}"
    value = exact(gold)
    if value is not None:
        said, seen = ({exact(match[0]) for match in _NUMBER.finditer(part)} for part in (text, known))
        return value in said - seen
    words = f" {normalise(_LETTER.sub('', gold))} "
    return bool(words.strip()) and words in f" {normalise(text)} " and words not in f" {normalise(known)} "
