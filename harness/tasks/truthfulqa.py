"""TruthfulQA as multiple choice with one right answer, MC1 (Lin et al. 2022, arXiv 2109.07958, section 3)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.items import Item
from harness.tasks.choices import multiple_choice
from harness.tasks.hub import HubTask
from harness.tasks.rows import Row


@dataclass(frozen=True, kw_only=True)
class TruthfulQA(HubTask):
    """One right option among wrong ones, in an order that depends on the item's content alone.

    Takes the hub's "mc1_targets" (texts and labels), the authors' `mc_task.json` (text -> label), or their CSV, where
    the options are "Best Answer" and the "Incorrect Answers" separated by ";". The sources list the right option
    first, so the order is always drawn anew. Fields of the CSV: "kind" is the category.
    """

    version: ClassVar[str] = "2"
    name: str = "truthfulqa"
    hub: str = "truthfulqa/truthful_qa"
    config: str | None = "multiple_choice"
    split: str = "validation"

    def item(self, row: Row) -> Item:
        from_csv = "Best Answer" in row.rows.names
        question = row.text("Question" if from_csv else "question")
        right, wrong = _csv_options(row) if from_csv else _target_options(row)
        choices = [right, *dict.fromkeys(wrong)]
        random.Random("\n".join([question, *sorted(choices)])).shuffle(choices)
        more = {"kind": row.text("Category")} if "Category" in row.rows.names else None
        return multiple_choice(question, choices, choices.index(right), row.where, more=more)


def _csv_options(row: Row) -> tuple[str, list[str]]:
    others = row.text("Incorrect Answers").split(";")
    return row.text("Best Answer"), [other.strip() for other in others if other.strip()]


def _target_options(row: Row) -> tuple[str, list[str]]:
    labels = _labels(row.unfolded("mc1_targets"))
    right = [text for text, label in labels.items() if label == 1]
    if len(right) != 1:
        raise row.broken(f"'mc1_targets' has {len(right)} right options; exactly one is wanted")
    # One question of the 2025 edition has an empty wrong option.
    wrong = [row.as_text(text, "mc1_targets") for text, label in labels.items() if label != 1 and text.strip()]
    return row.as_text(right[0], "mc1_targets"), wrong


def _labels(targets: Any) -> dict[str, int]:
    if not isinstance(targets, dict):
        return {}
    if "choices" in targets and "labels" in targets:
        return dict(zip(targets["choices"], targets["labels"], strict=False))
    return targets
