"""SVAMP: elementary word problems, varied so that shallow cues mislead (Patel et al. 2021, arXiv 2103.07191)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.items import SOLUTION, Item
from harness.tasks.graders import grader_named
from harness.tasks.hub import HubTask
from harness.tasks.numbers import exact, write_number
from harness.tasks.rows import Row


@dataclass(frozen=True, kw_only=True)
class Svamp(HubTask):
    """The body and the question of a row make a problem, whose answer is a number.

    Fields: "question"; "kind" (the operation: Addition, Subtraction, Multiplication, Common-Division); "difficulty"
    (operations of the equation); "stratum" (easy for one of them, else hard).

    Several problems are variants of one: the set does not say which, so that intervals take each for independent. The
    authors' own SVAMP.json (`path`) holds all 1,000 problems; the hub's edition has 700 to train and 300 to test.

    Attributes:
        grader: number, or number_released or number_last, which read as public releases do (`tasks.released`).
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "https://github.com/arkilpatel/SVAMP"
    licence: ClassVar[str] = "MIT"
    files: ClassVar = ("SVAMP.json", "test.jsonl", "*.json", "*.jsonl")
    name: str = "svamp"
    hub: str = "ChilleD/SVAMP"
    train_split: str | None = "train"
    grader: str = "number"

    def item(self, row: Row) -> Item:
        question = f"{row.text('Body')} {row.text('Question')}"
        gold = exact(row.text("Answer"))
        if gold is None:
            raise row.broken(f"'Answer' is {row.text('Answer')!r}; it is a number")
        operations = sum(row.text("Equation").count(f" {sign} ") for sign in "+-*/")
        fields = {
            "question": question,
            "kind": row.text("Type"),
            "difficulty": float(operations),
            "stratum": "easy" if operations <= 1 else "hard",
        }
        return Item(fields=fields, gold=write_number(gold), grader=grader_named(self.grader), form=SOLUTION)
