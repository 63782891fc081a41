"""Makes items of an earlier run: each row of its outcomes is one, which another run asks about."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from harness.errors import HarnessError, nearest
from harness.files import json_of, user_path
from harness.item_lines import damaged, item_lines
from harness.items import FIRST_ITEM, FIRST_ROW, AnswerForm, Grader, Item
from harness.metrics.levels import LevelValue, chosen, stored
from harness.outcomes import Kind, Table
from harness.tasks.base import Task
from harness.tasks.graders import grader_named

COMPLETE = ("finished", "imported")
"""The statuses of runs whose results are whole: ours, and other harnesses' (`harness import`)."""


@dataclass(frozen=True, kw_only=True)
class RunTask(Task):
    """One item for each outcome row of a finished run: the fields of the item behind the row, and columns of the row.

    With `fields: {answer: answer}` every answer that was given to "What is the capital of France?" becomes an item with
    the fields "question" and "answer". Rows of failed items, and rows that lack a value which is to be a field, are
    left out. An item keeps the cluster of the item that it was made of, so that intervals still draw countries or
    stories, and the room for an answer (`Item.form`). A text does not tell whether it was cut: pass that on as a field,
    `fields: {answer: answer, fate: fate}`. Its field "run_item" is the id of the item that the first run asked about:
    `compare` and the claims of a study pair rows by it. Its field "run_row" tells which of that item's rows it is,
    counted from 0 ("1.0" is the first row of an item that was made of the second row of another).

    Attributes:
        run: the run directory; in a study ${run:NAME}.
        fields: further fields by name, each with the column of outcomes.parquet that it holds, or the field of the
            earlier items where there is no such column. A field of the same name is replaced.
        where: the only rows that count, by column or field: {arm: few-shot, correct: false, draw: 0}.
        gold: the column or field that is the right answer; None keeps the earlier items' gold.
        grader: short_answer, exact_match, symbol, number, letter_choice, or the dotted path of a function
            (text, item) -> Grade; None keeps the earlier items' grader.
    """

    version: ClassVar[str] = "1"
    name: str = "run"
    run: str
    fields: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, LevelValue] = field(default_factory=dict)
    gold: str | None = None
    grader: str | None = None

    def check(self, kinds: Mapping[str, Kind], fields: Collection[str], what: str) -> None:
        """Checks every name against what the run has. Whether a text in `where` occurs is known from its rows only.

        Args:
            kinds: kinds of the run's columns.
            fields: of the run's items.
            what: the run, for messages.

        Raises:
            HarnessError: no such column or field, or a value in `where` that its column cannot hold.
        """
        read = {f"task.fields.{name}": column for name, column in self.fields.items()}
        read |= {f"task.where.{column}": column for column in self.where}
        read |= {} if self.gold is None else {"task.gold": self.gold}
        for setting, column in read.items():
            if column not in kinds and column not in fields:
                hint = nearest(column, [*kinds, *fields])
                raise HarnessError(f"{setting}: {what} has no column or field {column!r}{hint}")
        for column, value in self.where.items():
            kind = kinds.get(column)
            if kind is not None and stored(value, kind) is None:
                raise HarnessError(f"task.where.{column}={value}: the column is a {kind}, which is never {value!r}")

    def names(self, earlier: Collection[str]) -> set[str]:
        """The fields of the items, given the earlier items' fields."""
        return {*earlier, *self.fields, FIRST_ITEM, FIRST_ROW}

    def load(self) -> list[Item]:
        folder = user_path(self.run)
        _check_finished(folder)
        table, asked = Table.load(folder / "outcomes.parquet"), {line["item"]: line for line in _asked(folder)}
        self.check(table.kinds, dict.fromkeys(name for line in asked.values() for name in line["fields"]), str(folder))
        graders = {name: self._grader(name, folder) for name in {line["grader"] for line in asked.values()}}
        items: list[Item] = []
        left_out: Counter[str] = Counter()
        count: Counter[str] = Counter()
        columns, fields = (
            {c: v for c, v in self.where.items() if (c in table.kinds) is here} for here in (True, False)
        )
        for row, here in zip(_rows(table), chosen(table, columns)[0], strict=True):
            if row["item"] not in asked:
                raise HarnessError(f"{folder / 'calls.jsonl'} lacks item {row['item']}; run its command again")
            line = asked[row["item"]]
            first = _first(line, str(count[row["item"]]))
            count[row["item"]] += 1
            known = {**line["fields"], **row}
            values = {name: known.get(column) for name, column in self.fields.items()}
            gold = line["gold"] if self.gold is None else known.get(self.gold)
            if row["error"] is not None:
                left_out["failed"] += 1
            elif not here or not all(line["fields"].get(name) == value for name, value in fields.items()):
                left_out["are not those of task.where"] += 1
            elif None in values.values() or (self.gold is not None and gold is None):
                left_out["lack a value"] += 1
            else:
                made, grader = {**line["fields"], **values, **first}, graders[line["grader"]]
                items.append(Item(fields=made, gold=gold, grader=grader, group=line["group"], form=_form(line, folder)))
        if not items:
            why = ", ".join(f"{n} {reason}" for reason, n in left_out.items())
            raise HarnessError(f"task {self.name!r}: no row of {folder} is left ({why or 'it has none'})")
        return items

    def _grader(self, earlier: str | None, folder: Path) -> Grader:
        name = self.grader or earlier
        if name is None:
            raise HarnessError(
                f"{folder / 'calls.jsonl'} does not name the grader of its items, which is no function of a module: "
                "give task.grader"
            )
        return grader_named(name)


def _check_finished(folder: Path) -> None:
    try:
        status = json_of((folder / "manifest.json").read_bytes())["status"]
    except OSError as error:
        held = "there is no manifest.json in it" if folder.is_dir() else "there is no such folder"
        raise HarnessError(f"task.run={folder} is no run directory: {held}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessError(f"{folder / 'manifest.json'} is damaged: {error}; run its command again") from error
    if status not in COMPLETE:
        raise HarnessError(f"task.run={folder}: this run is {status}, not finished; run its command again")


def _asked(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of calls.jsonl without their exchanges, which are large."""
    for line in item_lines(folder):
        del line["exchanges"]
        yield line


def _form(line: Mapping[str, Any], folder: Path) -> AnswerForm:
    """How much room the answers of an item got."""
    try:
        return AnswerForm(int(line["form"]["max_tokens"]), tuple(map(str, line["form"]["stop"])))
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(f"{folder / 'calls.jsonl'}, item {line['item']}", error) from error


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    """The rows as plain values, None where one is missing."""
    columns = [[_plain(kind, value) for value in table.columns[name]] for name, kind in table.kinds.items()]
    for values in zip(*columns, strict=True):
        yield dict(zip(table.kinds, values, strict=True))


def _plain(kind: Kind, value: Any) -> LevelValue | None:
    if kind == "text" or value is None:
        return None if value is None else str(value)
    if math.isnan(value):
        return None
    whole = kind == "number" and float(value).is_integer()
    return bool(value) if kind == "label" else int(value) if whole else float(value)


def _first(line: Mapping[str, Any], number: str) -> dict[str, str]:
    """The item of the first run that a row is about, and the path to it through the rows of every run."""
    earlier = line["fields"]
    if FIRST_ITEM in earlier:
        return {FIRST_ITEM: earlier[FIRST_ITEM], FIRST_ROW: f"{earlier[FIRST_ROW]}.{number}"}
    return {FIRST_ITEM: line["item"], FIRST_ROW: number}
