"""TruthfulQA as multiple choice with one right answer, MC1 (Lin et al. 2022, arXiv 2109.07958, section 3)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.choices import multiple_choice
from harness.tasks.hub import HubTask
from harness.tasks.rows import Rows


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

    def items(self, rows: Rows) -> list[Item]:
        from_csv = "Best Answer" in rows.names
        questions = rows.texts("Question" if from_csv else "question")
        kinds = rows.texts("Category") if "Category" in rows.names else None
        items = []
        options = _csv_options(rows) if from_csv else _target_options(rows)
        for at, (question, (right, wrong)) in enumerate(zip(questions, options, strict=True)):
            choices = [right, *dict.fromkeys(wrong)]
            random.Random("\n".join([question, *sorted(choices)])).shuffle(choices)
            more = {"kind": kinds[at]} if kinds else None
            items.append(multiple_choice(question, choices, choices.index(right), rows.where(at), more=more))
        return items


def _csv_options(rows: Rows) -> Iterator[tuple[str, list[str]]]:
    incorrect = rows.texts("Incorrect Answers")
    for best, others in zip(rows.texts("Best Answer"), incorrect, strict=True):
        yield best, [other.strip() for other in others.split(";") if other.strip()]


def _target_options(rows: Rows) -> Iterator[tuple[str, list[str]]]:
    for at, targets in enumerate(rows.column("mc1_targets")):
        labels = _labels(targets)
        right = [text for text, label in labels.items() if label == 1]
        if len(right) != 1:
            raise HarnessError(f"{rows.where(at)}: 'mc1_targets' has {len(right)} right options; exactly one is wanted")
        # One question of the 2025 edition has an empty wrong option.
        yield right[0].strip(), [text.strip() for text, label in labels.items() if label != 1 and text.strip()]


def _labels(targets: Any) -> dict[str, int]:
    if not isinstance(targets, dict):
        return {}
    if "choices" in targets and "labels" in targets:
        return dict(zip(targets["choices"], targets["labels"], strict=True))
    return targets
