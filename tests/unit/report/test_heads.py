"""The closed line of an item, and what is missing from a run: errors apart from answers that could not be graded."""

from dataclasses import dataclass

import pytest

from harness.items import Fate
from harness.outcomes import Failed, ItemResult, JudgedAnswer, Probability, Table
from harness.report.heads import Heads, question_of, rank
from harness.report.missing import answers, could_not_be_graded, did_not_finish


@dataclass(frozen=True, kw_only=True)
class Judged(JudgedAnswer):
    draw: int = 0


def judged(answer: str, correct: bool, p: float | None, fate: Fate = "answered", arm: str = "main") -> Judged:
    return Judged(arm=arm, answer=answer, correct=correct, fate=fate, p=None if p is None else Probability(p))


TABLE = Table.build(
    Judged,
    [
        ItemResult("sure", "g", (judged("Rome", False, 0.9, arm="other"), judged("Lyon", False, 0.8))),
        ItemResult("surest", "g", (judged("Nice", False, 0.95), judged("Paris", True, 0.1, arm="other"))),
        ItemResult("modest", "g", (judged("Paris", True, 0.2),)),
        ItemResult("right", "g", (judged("Paris", True, 0.9),)),
        ItemResult("wrong", "g", (judged("Bonn", False, 0.1),)),
        ItemResult("cut", "g", (judged("Par", False, 0.99, fate="cut"), judged("", False, None, "empty", "other"))),
        ItemResult("half", "g", (Failed(arm="main", error="too long"), judged("Paris", True, 0.7, arm="other"))),
        ItemResult("gone", "g", error="broken"),
    ],
)
HEADS = Heads(TABLE, "main")


def test_a_line_shows_the_answer_of_the_claims_arm_its_mark_and_its_probability() -> None:
    head = HEADS.head("sure", {"question": "Capital?", "kind": "geo"}, None)
    assert (head.question, head.arm, head.answer, head.mark, head.sure) == (
        "Capital?",
        "main",
        "Lyon",
        "wrong",
        "p 0.80",
    )
    assert Heads(TABLE, "none such").head("right", {}, None).answer == "Paris"
    assert HEADS.head("cut", {}, None).mark == "cut"
    assert HEADS.head("gone", {}, "broken").mark == "did not finish"


def test_confident_and_wrong_comes_first_then_what_is_missing_then_right_against_its_doubt() -> None:
    items = dict.fromkeys(TABLE.columns["item"])
    ordered = sorted(items, key=lambda item: HEADS.rank(item, "broken" if item in ("gone", "half") else None))
    assert ordered[:2] == ["surest", "sure"]
    assert set(ordered[2:4]) == {"gone", "half"}
    assert ordered[4:] == ["cut", "modest", "wrong", "right"]
    assert rank("", None) > rank("right", 0.5)  # without a label there is nothing to say


@pytest.mark.parametrize(
    ("fields", "question"),
    [
        ({"kind": "geo", "question": "Where?"}, "Where?"),
        ({"probes": [{"story": "Long ago.", "question": "Where is it?"}]}, "Where is it?"),
        ({"choices": ["a", "b"]}, "a"),
        ({"n": 3}, ""),
    ],
)
def test_the_question_is_found_wherever_it_lies(fields: dict[str, object], question: str) -> None:
    assert question_of(fields) == question


def test_errors_and_answers_without_a_grade_are_two_lists() -> None:
    assert [(m.why, m.count, m.items) for m in did_not_finish(TABLE)] == [
        ("broken", 1, ["gone"]),
        ("too long", 1, ["half"]),
    ]
    assert [(m.kind, m.count, m.items) for m in could_not_be_graded(TABLE)] == [
        ("cut", 1, ["cut"]),
        ("empty", 1, ["cut"]),
    ]
    assert answers(TABLE) == 10
