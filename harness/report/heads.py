"""The closed line of an item: its question, the model's answer, whether that is right, and how sure the model is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.outcomes import Table, fate_columns
from harness.report.text import cut, number

QUESTIONS = ("question", "prompt", "text", "claim", "statement", "concept", "concepts", "story")
RIGHT = ("correct", "after", "right", "agrees")
SURE = ("p", "confidence", "p_true", "p_unanswerable", "p_gold")
ANSWERS = ("answer", "answer_after", "reply", "option", "proposed")


@dataclass(frozen=True, slots=True)
class Head:
    """What the closed line of an item shows.

    Attributes:
        arm: that the answer is of.
        mark: "right", "wrong", the fate of an answer that could not be graded, "did not finish", or "".
        p: how probably right, says the model, in [0, 1]; None where it says nothing of the kind.
        rank: the place of the item among all, see `rank`.
    """

    question: str
    arm: str
    answer: str
    mark: str
    p: float | None
    rank: tuple[int, float]

    @property
    def sure(self) -> str:
        """The probability for people."""
        return "" if self.p is None else f"p {number(self.p, 2)}"


class Heads:
    """Finds what closed lines show.

    Args:
        table: the outcomes of the run.
        arm: the arm that its claims are about; the first one of the table where that has no rows.
    """

    def __init__(self, table: Table, arm: str) -> None:
        self.table = table
        arms = [name for name in table.columns["arm"] if name is not None]
        self.arm = arm if arm in set(arms) else (arms[0] if arms else "")
        labels = [name for name, kind in table.kinds.items() if kind == "label"]
        sure = [name for name, kind in table.kinds.items() if kind == "probability" and name != "mass"]
        texts = [name for name, kind in table.kinds.items() if kind == "text"]
        self._right = _first(RIGHT, labels)
        self._sure = _first(SURE, sure)
        self._answer = _first(ANSWERS, texts)
        fates = fate_columns(table.kinds)
        self._fate = ("fate_after" if "fate_after" in fates else fates[0]) if fates else ""
        self.places: dict[str, list[int]] = {}
        for i, item in enumerate(table.columns["item"]):
            self.places.setdefault(item, []).append(i)

    def head(self, item: str, fields: Mapping[str, Any], error: str | None) -> Head:
        """The closed line of one item."""
        row = self._row(item)
        question = " ".join(cut(question_of(fields), 300).split())
        if row is None or error is not None:
            arm, answer, p = (
                ("", "", None) if row is None else (self._text("arm", row), self._text(self._answer, row), None)
            )
            mark = "did not finish" if error is not None or row is None else ""
            return Head(question, arm, answer, mark, p, rank(mark, p))
        p, right = self._value(self._sure, row), self._value(self._right, row)
        fate = self._text(self._fate, row)
        mark = "" if right is None else "right" if right else "wrong"
        mark = fate if fate not in ("", "answered") else mark
        answer = " ".join(cut(self._text(self._answer, row), 120).split())
        return Head(question, self._text("arm", row), answer, mark, p, rank(mark, p))

    def rank(self, item: str, error: str | None) -> tuple[int, float]:
        """The place of an item among all, without its texts."""
        return self.head(item, {}, error).rank

    def _row(self, item: str) -> int | None:
        """The row that stands for an item: of the claims' arm, of the option that was picked."""
        columns = self.table.columns
        rows = [i for i in self.places.get(item, ()) if columns["error"][i] is None]
        rows = [i for i in rows if columns["arm"][i] == self.arm] or rows
        if self.table.kinds.get("picked") == "label":
            rows = [i for i in rows if columns["picked"][i] == 1] or rows
        return rows[0] if rows else None

    def _text(self, column: str, row: int) -> str:
        value = self.table.columns[column][row] if column else None
        return "" if value is None else str(value)

    def _value(self, column: str, row: int) -> float | None:
        value = float(self.table.columns[column][row]) if column else np.nan
        return None if np.isnan(value) else value


def rank(mark: str, p: float | None) -> tuple[int, float]:
    """Confident and wrong first, then what did not finish or could not be graded, then right against its own doubt."""
    if mark == "wrong":
        return (0, -p) if p is not None and p >= 0.5 else (4, -(p or 0.0))
    if mark == "right":
        return (3, p) if p is not None and p < 0.5 else (5, -(p or 0.0))
    return (1 if mark == "did not finish" else 2 if mark else 6, 0.0)


def question_of(fields: Mapping[str, Any]) -> str:
    """The question among the fields of an item, wherever it lies; else its first text."""
    found = list(_texts(fields))
    named = [text for name, text in found if name in QUESTIONS]
    return (named or [text for _, text in found] or [""])[0]


def _texts(value: Any, name: str = "") -> Sequence[tuple[str, str]]:
    if isinstance(value, str):
        return [(name, value)] if value.strip() else []
    if isinstance(value, Mapping):
        inside = [pair for key in value for pair in _texts(value[key], str(key))]
        return sorted(inside, key=lambda pair: QUESTIONS.index(pair[0]) if pair[0] in QUESTIONS else len(QUESTIONS))
    if isinstance(value, list | tuple):
        return [pair for one in value for pair in _texts(one, name)]
    return []


def _first(wanted: Sequence[str], there: Sequence[str]) -> str:
    named = [name for name in wanted if name in there]
    return (named or list(there if wanted is not ANSWERS else ()) or [""])[0]
