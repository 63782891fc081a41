"""Reads the options of a multiple-choice row, and which of them the answer column means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import HarnessError
from harness.tasks.cells import missing
from harness.tasks.choices import LETTERS
from harness.tasks.rows import Row

Key = Literal["text", "label", "index", "number"]
"""Forms of an answer column: the option's text, its label (a letter, or the label that the set gives it), its index
from 0, or its number from 1."""


@dataclass(frozen=True)
class Question:
    """A row's options and its answer, not yet understood.

    Attributes:
        texts: the options.
        labels: as the set gives them ("A", "1", ...), else the letters A, B, ...
        own_labels: whether the set gives them.
        answer: the value of the answer column, as text.
        counts: whether the answer is a number where the options are texts, which then cannot be meant as one of them.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    own_labels: bool
    answer: str
    counts: bool

    def place(self, key: Key) -> int | None:
        """The index of the right option when the answer is read as `key`; None when it cannot be."""
        if key == "text":
            return self.texts.index(self.answer) if self.answer in self.texts else None
        if key == "label":
            bare = self.answer.removeprefix("(").rstrip(").")
            found = [at for at, label in enumerate(self.labels) if label in (self.answer, bare)]
            folded = [at for at, label in enumerate(self.labels) if label.casefold() == bare.casefold()]
            return next(iter(found or folded), None)
        at = int(self.answer) - (key == "number") if self.answer.isdecimal() and len(self.answer) < 4 else -1
        return at if 0 <= at < len(self.texts) else None


def read_question(row: Row, choices: str, answer: str, separator: str | None) -> Question:
    """The options and the answer of a row.

    The options are a list of texts; an object {"text": [...], "label": [...]}, as ARC, OpenBookQA and CommonsenseQA
    have on the hub; a list of objects {"text", "label"}, as in their own files; or an object {"A": text, "B": text}.

    Raises:
        HarnessError: no such column.
        BrokenRow: the options have none of these forms, or the answer is missing or a list of several.
    """
    value = row.unfolded(choices)
    if isinstance(value, str) and separator:
        value = [part for part in value.split(separator) if part.strip()]
    texts, labels = _options(row, value, choices)
    right = row.unfolded(answer)
    if isinstance(right, list):
        if len(right) > 1:
            raise row.broken(f"{answer!r} has {len(right)} right options; exactly one is wanted")
        right = right[0] if right else None
    options = tuple(row.as_text(text, choices) for text in texts)
    return Question(
        options,
        tuple(row.as_text(label, choices) for label in labels) if labels else tuple(LETTERS[: len(options)]),
        bool(labels),
        row.as_text(right, answer),
        isinstance(right, (int, float)) and all(isinstance(text, str) for text in texts),
    )


def _options(row: Row, value: Any, column: str) -> tuple[list[Any], list[Any]]:
    """Texts and labels; no labels where there are none."""
    if isinstance(value, dict) and value:
        keys = {str(key).lower(): part for key, part in value.items()}
        texts = next((keys[name] for name in ("text", "texts", "choices") if isinstance(keys.get(name), list)), None)
        labels: list[Any] = next((keys[name] for name in ("label", "labels") if isinstance(keys.get(name), list)), [])
        if texts is None:
            kept = {key: part for key, part in value.items() if not missing(part)}
            return list(kept.values()), list(kept)
        if labels and len(labels) != len(texts):
            raise row.broken(f"{column!r} has {len(texts)} texts and {len(labels)} labels")
        return texts, labels
    values = value if isinstance(value, list) and value else [value]
    if all(isinstance(part, dict) and "text" in part for part in values):
        labels = [part.get("label") for part in values]
        return [part["text"] for part in values], [] if all(missing(label) for label in labels) else labels
    return values, []


def answer_key(questions: Sequence[tuple[Row, Question]]) -> Key:
    """The kind of answers in a file, one rule for all of its rows.

    The reading (label, text, or index from 0) that explains the answers of the most rows is taken. Labels that the set
    itself gives go before the others where they explain as many. Answers that are numbers beside options that are texts
    are indices rather than texts. Where readings are still level and name different options, the file cannot tell.

    Raises:
        HarnessError: the file cannot tell; the message names a row and the setting.
    """
    keys: tuple[Key, ...] = ("label", "text", "index")
    read = {key: sum(question.place(key) is not None for _, question in questions) for key in keys}
    level = [key for key in keys if read[key] == max(read.values())]
    if "label" in level and any(question.own_labels for _, question in questions):
        return "label"
    if "index" in level and all(question.counts for _, question in questions):
        return "index"
    for row, question in questions:
        places = {key: question.place(key) for key in level}
        if len(set(places.values())) > 1:
            meant = ", ".join(f"{key}: {question.texts[at][:60]!r}" for key, at in places.items() if at is not None)
            raise HarnessError(
                f"{row.where}: the answer {question.answer!r} can mean several options ({meant}); "
                f"say what the answers of this file are with task.answer_is={' or '.join(level)}"
            )
    return level[0]
