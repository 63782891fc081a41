"""TriviaQA without context: short factual questions (Joshi et al. 2017, arXiv 1705.03551)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.graders import short_answer
from harness.tasks.hub import HubTask
from harness.tasks.rows import Rows, missing


@dataclass(frozen=True, kw_only=True)
class TriviaQA(HubTask):
    """Gold: "answer.value" first, then its aliases. The public test split has no answers; validation is tested."""

    version: ClassVar[str] = "1"
    name: str = "triviaqa"
    duplicates: Literal["error", "drop"] = "drop"
    hub: str = "mandarjoshi/trivia_qa"
    config: str | None = "rc.nocontext"
    split: str = "validation"
    train_split: str | None = "train"

    def items(self, rows: Rows) -> list[Item]:
        items = []
        answers = rows.column("answer")
        for at, (question, answer) in enumerate(zip(rows.texts("question"), answers, strict=True)):
            if not isinstance(answer, dict):
                raise HarnessError(f"{rows.where(at)}: 'answer' is {answer!r}; want an object with value and aliases")
            accepted = [answer.get("value"), *(answer.get("aliases") or ())]
            # The hub marks the missing answers of its test split as "<unk>".
            gold = list(dict.fromkeys(str(a).strip() for a in accepted if not missing(a) and a != "<unk>"))
            if not gold:
                raise HarnessError(f"{rows.where(at)}: no answer; use a split with answers (validation)")
            items.append(Item(fields={"question": question}, gold=gold, grader=short_answer))
        return items
