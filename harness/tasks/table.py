"""Reads a task from the user's own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks import graders
from harness.tasks.base import Task
from harness.tasks.choices import LETTERS, multiple_choice
from harness.tasks.numbers import exact
from harness.tasks.rows import Rows, missing, read_file


@dataclass(frozen=True, kw_only=True)
class TableTask(Task):
    """One item a row of a JSONL, JSON, CSV, TSV or Parquet file.

    Attributes:
        path: the file.
        train_path: a file of training items with the same columns; None takes them from the pool.
        question: the column of the question.
        answer: the column of the right answer: a text or number, or a list of accepted answers. With `choices`: the
            option's text, letter, or index from 0.
        separator: splits an answer (or choices) given as one text into several, for CSV; None does not split.
        group: the column of the cluster for the statistics; None lets every row stand alone.
        choices: the column of the options (a list); makes multiple-choice items, graded by letter.
        grader: short_answer, exact_match, symbol, number, or the dotted path of a function (text, item) -> Grade.
    """

    version: ClassVar[str] = "2"
    name: str = "table"
    path: str
    train_path: str | None = None
    question: str = "question"
    answer: str = "answer"
    separator: str | None = None
    group: str | None = None
    choices: str | None = None
    grader: str = "short_answer"

    def load(self) -> list[Item]:
        return self._items(read_file(self.path))

    def load_train(self) -> list[Item] | None:
        return self._items(read_file(self.train_path)) if self.train_path else None

    def _items(self, rows: Rows) -> list[Item]:
        questions, answers = rows.texts(self.question), rows.column(self.answer)
        groups = rows.texts(self.group) if self.group else [""] * len(rows)
        if self.choices:
            options = [self._list(rows, value, self.choices, at) for at, value in enumerate(rows.column(self.choices))]
            return [
                multiple_choice(q, o, self._right(rows, answers[at], o, at), rows.where(at), group=groups[at])
                for at, (q, o) in enumerate(zip(questions, options, strict=True))
            ]
        grade = graders.grader_named(self.grader)
        if grade is graders.letter_choice:
            raise HarnessError("task.grader=letter_choice needs the options; set task.choices=COLUMN")
        items = []
        for at, question in enumerate(questions):
            gold: Any = self._list(rows, answers[at], self.answer, at)
            if grade is graders.number:
                gold = gold[0]
                if exact(gold) is None:
                    raise HarnessError(f"{rows.where(at)}: {self.answer!r} is {gold!r}, no number (task.grader=number)")
            items.append(Item(fields={"question": question}, gold=gold, grader=grade, group=groups[at]))
        return items

    def _list(self, rows: Rows, value: Any, column: str, at: int) -> list[str]:
        if isinstance(value, str) and self.separator:
            value = [part for part in value.split(self.separator) if part.strip()]
        values = value if isinstance(value, list) and not missing(value) else [value]
        return [rows.text(v, column, at) for v in values]

    def _right(self, rows: Rows, answer: Any, options: list[str], at: int) -> int:
        text = rows.text(answer, self.answer, at)
        if text in options:
            return options.index(text)
        shown = LETTERS[: len(options)]
        if text.isdecimal() or (len(text) == 1 and text in shown):
            return int(text) if text.isdecimal() else shown.index(text)
        raise HarnessError(f"{rows.where(at)}: {self.answer!r} is {text!r}, no option, letter or index of {options}")
