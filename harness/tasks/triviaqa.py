"""TriviaQA without context: short factual questions (Joshi et al. 2017, arXiv 1705.03551)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness.items import Item
from harness.tasks.cells import missing
from harness.tasks.graders import short_answer
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row


@dataclass(frozen=True, kw_only=True)
class TriviaQA(HubTask):
    """Gold: "answer.value" first, then its aliases. The public test split has no answers; validation is tested.

    Takes the hub's rows and the authors' own files, whose names begin with a capital ("Question", "Answer", "Value",
    "Aliases").
    """

    version: ClassVar[str] = "1"
    name: str = "triviaqa"
    hub: str = "mandarjoshi/trivia_qa"
    config: str | None = "rc.nocontext"
    split: str = "validation"
    train_split: str | None = "train"

    def item(self, row: Row) -> Item:
        names = {name.lower(): name for name in reversed(row.rows.names)}
        question, column = (names.get(name, name) for name in ("question", "answer"))
        answer = row.value(column) if question in row.rows.names else None
        if missing(answer):
            raise row.broken(f"{column!r} is missing; use a split with answers (validation)")
        parts = {str(key).lower(): value for key, value in answer.items()} if isinstance(answer, dict) else {}
        if "value" not in parts:
            found = f"the keys {', '.join(map(str, answer))}" if isinstance(answer, dict) else repr(answer)
            raise row.broken(f"{column!r} has {found[:200]}; want an object with value and aliases")
        accepted: list[Any] = [parts["value"], *(parts.get("aliases") or ())]
        # The hub marks the missing answers of its test split as "<unk>".
        gold = dict.fromkeys(row.as_text(a, column) for a in accepted if not missing(a) and a != "<unk>")
        if not gold:
            raise row.broken("no answer; use a split with answers (validation)")
        return Item(fields={"question": row.text(question)}, gold=list(gold), grader=short_answer)
