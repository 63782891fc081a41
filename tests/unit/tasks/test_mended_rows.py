"""Rows that are used without a faulty part of them are counted and named."""

from __future__ import annotations

import json
from pathlib import Path

from harness.items import Item
from harness.tasks.base import split
from harness.tasks.graders import short_answer
from harness.tasks.mixture import Mixture
from harness.tasks.rows import Row
from harness.tasks.table import TableTask


class Cut(TableTask):
    """Two items a row, of a question that is cut short where it is long."""

    def item(self, row: Row) -> list[Item]:  # type: ignore[override]
        question = row.text("question")
        if len(question) > 3:
            row.mended("the question is cut")
        return [Item(fields={"question": f"{question[:3]} {n}"}, gold="a", grader=short_answer) for n in (1, 2)]


def test_a_row_gives_several_items_and_may_be_used_without_a_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    good = [json.dumps({"question": f"q{n}"}) for n in range(9)]
    path.write_text("\n".join(['{"question": "too long"}', "{", *good]))
    task = Cut(path=str(path))
    parts = split(task, None, 0)
    assert len(parts.test) == 20
    assert parts.mended == (f"{path}, line 1: the question is cut",)
    assert [note for note in parts.notes() if not note.startswith("  ")] == [
        "1 broken rows are left out:",
        "1 rows are used without a part of them:",
    ]
    assert len(split(Mixture(name="m", parts={"a": task, "b": task}), None, 1).mended) == 2
