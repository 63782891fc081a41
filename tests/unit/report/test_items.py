"""Items of a page: prompts that are stored as a beginning and a rest are shown whole."""

from typing import Any

import pytest

from harness.errors import HarnessError
from harness.outcomes import ItemResult, Probability, Table
from harness.report.heads import Heads
from harness.report.items import shown
from harness.report.text import moment
from tests.support.reports import Row, lines, table


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
    with pytest.raises(HarnessError, match=r"calls.jsonl, item 000000: damaged, or written by another version"):
        shown(line_of(("A question.", None), (" No!", [5, 11])), Heads(table(2), ""))


def test_what_all_rows_of_an_item_share_is_told_once() -> None:
    def row(arm: str, p: float) -> Row:
        return Row(arm=arm, answer="Accra", p_true=Probability(p), correct=False)

    (line, _) = lines(2)
    several = Table.build(Row, [ItemResult(line["item"], "g", (row("few-shot", 0.25), row("none", 0.5)))])
    found = shown({**line, "gold": ["Lomé", "Lome"]}, Heads(several, ""))
    assert found.same == [("answer", "Accra"), ("correct", "no")]
    assert found.columns == ["arm", "p_true"]
    assert found.rows == [["few-shot", "0.2500"], ["none", "0.5000"]]
    assert found.gold == "Lomé / Lome"
    alone = shown(line, Heads(table(2), ""))
    assert alone.same == []
    assert {"arm", "answer", "correct", "p_true"} <= set(alone.columns)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("2026-11-28T18:20:01Z", "2026-11-28 18:20 UTC"),
        ("2026-11-28T18:20:01+02:00", "2026-11-28 16:20 UTC"),
        ("2026-11-28", "2026-11-28 00:00"),
        ("now", "now"),
    ],
)
def test_a_time_is_told_to_the_minute(time: str, text: str) -> None:
    assert moment(time) == text
