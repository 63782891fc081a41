"""Defines what an import holds before it is a run: answers as another harness logged and scored them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from harness.errors import HarnessError, named, one_line
from harness.files import json_of
from harness.items import Fate, Item
from harness.tasks.choices import multiple_choice
from harness.tasks.graders import short_answer
from harness.tasks.rows import BrokenRow

Replies = Literal["texts", "options", "a run"]
"""The model wrote texts, or the log-probabilities of given options were measured; or it is a run of ours, exported."""


class Unread(HarnessError):
    """A file that is no log of a harness that can be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer as one scorer of another harness judged it.

    Attributes:
        arm: the scorer or metric, and the filter before it.
        value: the score of this sample; None where there is none, and `reason` says why.
        answer: the answer as their scorer read it; None where it does not say.
        fate: the fate of the answer as far as the log tells.
        prompt, reply: the whole texts, a conversation with the roles of its turns. They are the same for all scorers.
        p: probability of the chosen option among the options, in [0, 1]; None where no probabilities were logged.
        draw: the number of the repetition.
        error: why the sample could not be asked; None without one.
    """

    item: Item
    arm: str
    value: float | None
    answer: str | None = None
    fate: Fate = "answered"
    prompt: str = ""
    reply: str = ""
    p: float | None = None
    draw: int = 0
    error: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Everything that is taken from one log.

    Attributes:
        format, version: of the harness that wrote it.
        file: where it lies.
        theirs: the aggregate of each arm and its standard error, as the log has them.
        settings: how they ran it, without credentials.
        created: when, in ISO format; "" if the log does not say.
    """

    format: str
    version: str
    file: Path
    task: str
    model: str
    replies: Replies
    answers: Sequence[Answer]
    theirs: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""


def make_item(question: str, gold: Sequence[str], choices: Sequence[str] = (), right: int | None = None) -> Item:
    """The item of a question, as `task=table` makes it: the same question and gold answer have the same id there.

    Args:
        gold: accepted answers.
        choices: the options; right: the index of the right one. Options that no multiple-choice item can have (equal
            ones, a single one) are left out, and the item is then one of a free answer.
    """
    if choices and right is not None:
        try:
            return multiple_choice(question, choices, right, "")
        except BrokenRow:
            pass
    return Item(fields={"question": question}, gold=list(gold), grader=short_answer)


S = TypeVar("S")


def collected(
    samples: Iterable[tuple[str, S]], read: Callable[[S], Iterable[Mapping[str, Any]]], harness: str
) -> list[Answer]:
    """The answers in all samples of a log; repetitions of an item by one scorer are numbered as draws.

    Args:
        samples: each with its place, for messages.
        read: the answers of a sample, as arguments of `Answer`.
        harness: that wrote the log.

    Raises:
        HarnessError: a sample has another form.
    """
    answers: list[Answer] = []
    count: Counter[tuple[str, str]] = Counter()
    for where, sample in samples:
        try:
            found = list(read(sample))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise HarnessError(f"{where} is no sample of {harness} that can be read ({named(error)})") from error
        for one in found:
            place = one["item"].id, one["arm"]
            answers.append(Answer(**one, draw=count[place]))
            count[place] += 1
    return answers


def parsed(text: str, where: str) -> dict[str, Any]:
    """A JSON object of another harness: NaN is allowed, and halves of surrogate pairs become question marks.

    Raises:
        HarnessError: no JSON object.
    """
    try:
        value = json_of(text)
    except ValueError as error:
        raise HarnessError(f"{where} is damaged: {one_line(error)}; copy the file again") from error
    if not isinstance(value, dict):
        raise HarnessError(f"{where} is damaged: it holds a {type(value).__name__}, and not an object")
    return _whole_texts(value) if "\\ud" in text.lower() else value


def _whole_texts(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole_texts(key): _whole_texts(one) for key, one in value.items()}
    return [_whole_texts(one) for one in value] if isinstance(value, list) else value


def as_mapping(value: Any) -> Mapping[str, Any]:
    """An object as it is, and an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def as_number(value: Any) -> float | None:
    """A score as a number: also "0.5" and true; None for anything else, and for NaN and infinity."""
    if isinstance(value, str):
        value = {"true": 1.0, "false": 0.0}.get(value.lower(), value)
    try:
        number = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
