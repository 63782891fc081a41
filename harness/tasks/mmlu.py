"""MMLU: four-option questions of 57 subjects (Hendrycks et al. 2021, arXiv 2009.03300)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.choices import LETTERS, multiple_choice
from harness.tasks.graders import grader_named
from harness.tasks.hub import HubTask
from harness.tasks.rows import ReadItems, Row, Rows


@dataclass(frozen=True, kw_only=True)
class Mmlu(HubTask):
    """Options in the order of the set. Fields: "kind" is the subject.

    Attributes:
        subjects: only these subjects; empty takes all.
        grader: letter_choice, or letter_released, which reads as MMLU-Pro's release does (`tasks.released`).
    """

    version: ClassVar[str] = "2"
    name: str = "mmlu"
    hub: str = "cais/mmlu"
    config: str | None = "all"
    train_split: str | None = "dev"
    subjects: Sequence[str] = ()
    grader: str = "letter_choice"

    def items(self, rows: Rows) -> ReadItems:
        kinds = {kind.strip() for kind in rows.column("subject") if isinstance(kind, str)}
        unknown = sorted(set(self.subjects) - kinds)
        if unknown:
            raise HarnessError(f"{rows.origin}: no subject {unknown[0]!r}; it has: {', '.join(sorted(kinds))}")
        return super().items(rows)

    def item(self, row: Row) -> Item | None:
        kind = row.text("subject")
        if self.subjects and kind not in self.subjects:
            return None
        choices = row.unfolded("choices")
        texts = [row.as_text(choice, "choices") for choice in (choices if isinstance(choices, list) else [])]
        right = _index(row.text("answer"))
        item = multiple_choice(row.text("question"), texts, right, row.where, more={"kind": kind})
        return replace(item, grader=grader_named(self.grader))


def _index(answer: str) -> int:
    """The index that "2" or "C" stands for; -1 for neither."""
    if answer.isdecimal() and len(answer) < 4:
        return int(answer)
    return LETTERS.find(answer) if len(answer) == 1 else -1
