"""Reads a task from the user's own file, or from any set on the hub, by columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

from harness.errors import HarnessError
from harness.items import Grader, Item
from harness.tasks import graders
from harness.tasks.answer_keys import Key, Question, answer_key, read_question
from harness.tasks.choices import multiple_choice
from harness.tasks.hub import HubTask
from harness.tasks.numbers import exact
from harness.tasks.rows import BrokenRow, ReadItems, Row, Rows, make_items


@dataclass(frozen=True, kw_only=True)
class TableTask(HubTask):
    """One item a row of a file (`path`) or of a set on the hub (`hub`); give one of the two.

    Attributes:
        question: the column of the question.
        answer: the column of the right answer: a text or number, or a list of accepted answers. With `choices`: the
            right option.
        separator: splits an answer (or choices) given as one text into several, for CSV; None does not split. A text
            that is itself a list, as ["Kyiv", "Kiev"], is a list with and without it.
        group: the column of the cluster for the statistics; None lets every row stand alone.
        choices: the column of the options; makes multiple-choice items, graded by letter. A list of texts,
            {"text": [...], "label": [...]} (ARC, CommonsenseQA, OpenBookQA), a list of {"text", "label"}, or
            {"A": text, "B": text}. Items show them as (A), (B), ... in place of their own labels.
        answer_is: with `choices`, what every answer of the file is: the right option's "text", its "label" (its own, or
            else its letter), its "index" from 0 or its "number" from 1. None finds out which of the first three
            explains the most rows, and asks for this setting where the file cannot tell (see `answer_key`).
        grader: short_answer, exact_match, symbol, number, or the dotted path of a function (text, item) -> Grade.
    """

    version: ClassVar[str] = "3"
    name: str = "table"
    duplicates: Literal["error", "drop"] = "error"
    hub: str = ""
    question: str = "question"
    answer: str = "answer"
    separator: str | None = None
    group: str | None = None
    choices: str | None = None
    answer_is: Key | None = None
    grader: str = "short_answer"

    def load(self) -> ReadItems:
        if bool(self.path) == bool(self.hub):
            given = "both are given" if self.path else "neither is given"
            raise HarnessError(
                f"task {self.name!r}: give task.path=FILE for a file or task.hub=ORG/NAME (and task.split) for a set "
                f"on the hub; {given}"
            )
        return super().load()

    def items(self, rows: Rows) -> ReadItems:
        if self.choices:
            return self._multiple_choice(rows, self.choices)
        if self._grader is graders.letter_choice:
            raise HarnessError("task.grader=letter_choice needs the options; set task.choices=COLUMN")
        return super().items(rows)

    @cached_property
    def _grader(self) -> Grader:
        return graders.grader_named(self.grader)

    def item(self, row: Row) -> Item:
        grade = self._grader
        question, gold = row.text(self.question), self._accepted(row)
        group = row.text(self.group) if self.group else ""
        if grade is not graders.number:
            return Item(fields={"question": question}, gold=gold, grader=grade, group=group)
        if exact(gold[0]) is None:
            raise row.broken(f"{self.answer!r} is {gold[0]!r}, no number (task.grader=number)")
        return Item(fields={"question": question}, gold=gold[0], grader=grade, group=group)

    def _accepted(self, row: Row) -> list[str]:
        value = row.unfolded(self.answer)
        if isinstance(value, str) and self.separator:
            value = [part for part in value.split(self.separator) if part.strip()]
        return [row.as_text(v, self.answer) for v in (value if isinstance(value, list) and value else [value])]

    def _multiple_choice(self, rows: Rows, column: str) -> ReadItems:
        read: dict[int, tuple[Row, Question]] = {}
        for row in rows:
            try:
                read[row.at] = row, read_question(row, column, self.answer, self.separator)
            except BrokenRow:  # counted and named below, where the items are made
                continue
        key = self.answer_is or (answer_key(list(read.values())) if read else "text")

        def item(row: Row) -> Item:
            _, question = read.get(row.at) or (row, read_question(row, column, self.answer, self.separator))
            right = question.place(key)
            if right is None:
                raise row.broken(
                    f"{self.answer!r} is {question.answer!r}, which is no {key} of the options {list(question.texts)} "
                    f"(labels {', '.join(question.labels)}); task.answer_is=text, label, index or number says what "
                    "the answers of this file are"
                )
            group = row.text(self.group) if self.group else ""
            return multiple_choice(row.text(self.question), question.texts, right, row.where, group=group)

        return make_items(rows, item, self.max_broken)
