"""AlpacaEval: 805 instructions without an answer key (Li et al. 2023; Dubois et al. 2023, arXiv 2305.14387)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import HarnessError
from harness.items import SOLUTION, Grade, Item, grader
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row


@dataclass(frozen=True, kw_only=True)
class AlpacaEval(HubTask):
    """Open instructions; which of two answers is better is for judges to say (experiment selfPreference).

    Fields: "question" (the instruction) and "kind" (the set that it comes from). Gold: None. The outputs of the
    reference model that the files hold are not used.
    """

    version: ClassVar[str] = "1"
    release: ClassVar[str] = "huggingface.co/datasets/tatsu-lab/alpaca_eval"
    licence: ClassVar[str] = "CC-BY-NC 4.0"
    files: ClassVar[Sequence[str]] = ("alpaca_eval.json", "*/alpaca_eval.json")
    name: str = "alpaca_eval"
    hub: str = "tatsu-lab/alpaca_eval"
    config: str | None = "alpaca_eval"
    split: str = "eval"

    def item(self, row: Row) -> Item:
        return Item({"question": row.text("instruction"), "kind": row.text("dataset")}, None, no_key, form=SOLUTION)


@grader
def no_key(text: str, item: Item) -> Grade:
    """Refuses: an open instruction has no right answer.

    Raises:
        HarnessError: always.
    """
    raise HarnessError(
        "this task has no answer key; run experiment=selfPreference experiment.gold=judges, which lets other models "
        "judge its answers"
    )
