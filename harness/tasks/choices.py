"""Writes multiple-choice items with lettered options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.items import Grader, Group, Item
from harness.tasks.graders import letter_choice
from harness.tasks.rows import BrokenRow
from harness.tasks.texts import normalise

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def lettered(stem: str, choices: Sequence[str]) -> str:
    """The question with its options as lines " (A) ..." (Kadavath et al. 2022, section 2: visible lettered options)."""
    options = "\n".join(f" ({letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
    return f"{stem}\nChoices:\n{options}"


def multiple_choice(
    stem: str,
    choices: Sequence[str],
    right: int,
    where: str,
    *,
    group: Group = "",
    more: Mapping[str, Any] | None = None,
    released: Grader | None = None,
) -> Item:
    """An item with lettered options. Fields: "question" (stem and options), "stem", "choices", and `more`.

    Args:
        right: index of the right option.
        where: file and row, for messages.
        released: the grader of the set's own release, see `Item`.

    Raises:
        BrokenRow: fewer than two options, more than 26, empty or equal ones, or no right one.
    """
    if not 2 <= len(choices) <= len(LETTERS):
        raise BrokenRow(f"{where}: {len(choices)} choices; give 2 to {len(LETTERS)}")
    if not 0 <= right < len(choices):
        raise BrokenRow(f"{where}: the right answer is choice number {right} of {len(choices)} (counted from 0)")
    if not all(normalise(choice) or choice.strip() for choice in choices):
        raise BrokenRow(f"{where}: an empty choice in {list(choices)}; remove it")
    if len(set(choices)) < len(choices):
        raise BrokenRow(f"{where}: equal choices in {list(choices)}; remove one")
    fields = {"question": lettered(stem, choices), "stem": stem, "choices": list(choices), **(more or {})}
    gold = f"({LETTERS[right]}) {choices[right]}"
    return Item(fields=fields, gold=gold, grader=letter_choice, group=group, released=released)
