"""A second opinion: p of given answers, by the words and readings of P(True)."""

import asyncio
from pathlib import Path

import pytest

from experiments.judging.second_opinion.second_opinion import SecondOpinion
from harness import Item, Subject
from harness.execution.runner import run_item
from harness.prompting.rendering import Renderer
from harness.store.store import Store
from harness.tasks.graders import short_answer
from harness.testing import simulate
from tests.support.rounds import Rounds


def given(question: str, answer: str, gold: str) -> Item:
    return Item({"question": question, "answer": answer}, [gold], short_answer)


def judge(text: str) -> dict[str, float]:
    """Says True of Paris with 0.9 of what it says at all, and of all else with 0.2; with demonstrations 0.5."""
    asked = text.rsplit("Question: ", 1)[1]
    sure = 0.5 if "violin" in text else 0.9 if "Proposed Answer: Paris" in asked else 0.2
    return {"A": 0.8 * sure, "B": 0.8 * (1 - sure), "?": 0.2}


def test_every_answer_has_its_p_in_both_arms_and_what_cannot_be_graded_is_wrong() -> None:
    items = [
        given("Capital of France?", "Paris", "Paris"),
        given("Capital of Italy?", "Oslo", "Rome"),
        given("Q", "", "x"),
    ]
    table, finished = simulate(SecondOpinion(), items, judge)
    rows = {(table.columns["answer"][i], table.columns["arm"][i]): i for i in range(len(table))}
    for answer, arm, p, correct in (
        ("Paris", "zero-shot", 0.9, 1),
        ("Oslo", "zero-shot", 0.2, 0),
        ("Paris", "fixed", 0.5, 1),
        ("Oslo", "fixed", 0.5, 0),
        ("", "zero-shot", 0.2, 0),
        ("", "fixed", 0.5, 0),
    ):
        at = rows[answer, arm]
        assert table.columns["p"][at] == pytest.approx(p)
        assert table.columns["mass"][at] == pytest.approx(0.8)
        assert table.columns["correct"][at] == correct
        assert table.columns["demonstrations"][at] == (arm == "fixed")
    asked = {one.item.fields["answer"]: len(one.transcript) for one in finished}
    assert asked == {"Paris": 2, "Oslo": 2, "": 2}


def test_an_answer_that_was_cut_is_wrong_whatever_it_seems_to_say() -> None:
    whole, cut, refused = (
        Item({"question": "Capital of France?", "answer": "Paris", "fate": fate}, ["Paris"], short_answer)
        for fate in ("answered", "cut", "refused")
    )
    table, _ = simulate(SecondOpinion(arms=["zero-shot"]), [whole, cut, refused], judge)
    at = {item: i for i, item in enumerate(table.columns["item"])}
    told = [(table.columns["correct"][at[i.id]], table.columns["fate"][at[i.id]]) for i in (whole, cut, refused)]
    # That an answer is a refusal, its text says.
    assert told == [(1, "answered"), (0, "cut"), (1, "answered")]


def test_both_arms_of_an_answer_are_in_flight_together(tmp_path: Path) -> None:
    engine = Rounds(judge)
    subject = Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), Store(tmp_path), 0)
    asyncio.run(run_item(SecondOpinion(), given("Capital of France?", "Paris", "Paris"), subject, None))
    assert engine.sizes == [2]
