"""Items of a page: prompts that are stored as a beginning and a rest are shown whole."""

from typing import Any

import pytest

from harness.errors import HarnessError
from harness.report.heads import Heads
from harness.report.items import shown
from tests.support.reports import lines, table


def line_of(*prompts: tuple[str, list[int] | None]) -> dict[str, Any]:
    (line, _) = lines(2)
    (exchange,) = line["exchanges"]
    return {**line, "exchanges": [{**exchange, "prompt": prompt, "start": start} for prompt, start in prompts]}


def test_a_prompt_stored_as_a_rest_is_shown_whole() -> None:
    line = line_of(("A question.", None), (" An answer. Another?", [0, 11]), (" No!", [1, 22]))
    found = shown(line, Heads(table(2), ""))
    assert [e["prompt"] for e in found.exchanges] == [
        "A question.",
        "A question. An answer. Another?",
        "A question. An answer. No!",
    ]
    assert found.exchanges[0]["note"] == "5 prompt tokens, 2 new, from the store"


def test_a_start_that_is_nowhere_is_a_damaged_line() -> None:
    with pytest.raises(HarnessError, match=r"calls.jsonl, item 000000: written by another version or changed by hand"):
        shown(line_of(("A question.", None), (" No!", [5, 11])), Heads(table(2), ""))
