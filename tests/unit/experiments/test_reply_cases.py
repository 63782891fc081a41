"""Confidences, tags and containers as models write them: what a careful reader finds in a reply."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.calibration.self_critique_confidence.prompts import read
from experiments.calibration.self_knowledge.detector import REFERENCES, refuses_by_reference
from experiments.correction.critic_role.steps import final_wrong
from experiments.correction.critique.verdicts import marked_wrong
from experiments.judging.judge.reading import read_score
from experiments.shared.confidence import PHRASES, Instrument, read_confidence, read_stated
from experiments.shared.critique import says_wrong
from experiments.shared.tags import tagged
from experiments.theory_of_mind.false_belief.named import last_named
from harness import Prompt, Text
from tests.support.cases import Rows, kinds, misread

PIECES = [
    *(
        "answer is ",
        "Answer: ",
        "confidence is ",
        "uncertainty is ",
        "85",
        "%",
        "-",
        " to ",
        "e-",
        "1/",
        "ninety ",
        "not ",
    ),
    *(
        "<answer",
        ">",
        "</answer>",
        "< ",
        "chest ",
        "trunk",
        " or ",
        ", ",
        "so ",
        "since ",
        "I don't know if ",
        "(",
        ")",
        "\n",
    ),
    *("\u0663", "\u066a", ". ", "sure ", "between ", "and ", "\x01"),
]


@pytest.mark.parametrize("rows", kinds("experiments", "read_confidence"))
def test_a_confidence_alone(rows: Rows) -> None:
    assert misread(rows, lambda text, scale: read_confidence(text, scale, PHRASES)) == []


@pytest.mark.parametrize("rows", kinds("experiments", "read_stated"))
def test_a_confidence_at_the_end_of_a_reply(rows: Rows) -> None:
    assert misread(rows, read_stated) == []


@pytest.mark.parametrize("rows", kinds("experiments", "tagged"))
def test_what_stands_between_tags(rows: Rows) -> None:
    assert misread(rows, lambda text, ended: tagged(text, "answer", ended=ended)) == []


@pytest.mark.parametrize("rows", kinds("experiments", "critique"))
def test_an_answer_with_its_score(rows: Rows) -> None:
    def answer_and_score(text: str, instrument: Instrument) -> list[Any]:
        _, answer, score, _ = read(Prompt.user("q"), Text(text, (1,), (0.0,), "stop"), instrument)
        return [answer, score]

    assert misread(rows, answer_and_score) == []


@pytest.mark.parametrize("rows", kinds("experiments", "says_wrong"))
def test_the_verdict_of_a_critique(rows: Rows) -> None:
    assert misread(rows, lambda text, _: says_wrong(text)) == []


@pytest.mark.parametrize("rows", kinds("experiments", "marked_wrong"))
def test_a_verdict_in_brackets(rows: Rows) -> None:
    assert misread(rows, lambda text, _: marked_wrong(text)) == []


@pytest.mark.parametrize("rows", kinds("experiments", "final_wrong"))
def test_a_verdict_on_the_final_answer(rows: Rows) -> None:
    assert misread(rows, lambda text, _: final_wrong(text)) == []


@pytest.mark.parametrize("rows", kinds("experiments", "read_score"))
def test_the_score_of_a_judgement(rows: Rows) -> None:
    assert misread(rows, lambda text, _: read_score(text)) == []


@pytest.mark.parametrize("rows", kinds("experiments", "last_named"))
def test_the_container_that_an_answer_says(rows: Rows) -> None:
    assert misread(rows, last_named) == []


@pytest.mark.parametrize(
    ("kind", "right"), [("belief", "drawer"), ("action", "drawer"), ("reality", "chest"), ("memory", "trunk")]
)
def test_of_several_clauses_that_counts_which_speaks_of_what_was_asked(kind: str, right: str) -> None:
    text = "It was in the trunk at first. Ann thinks it is in the drawer. It is really in the chest."
    assert last_named(text, ["trunk", "drawer", "chest"], kind) == right


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=14).map("".join))
def test_any_reply_is_read(text: str) -> None:
    read_confidence(text, "percent", PHRASES)
    read_confidence(text, "words", PHRASES)
    assert read_stated(text, "confidence")[1] in (True, False)
    tagged(text, "answer", ended=True)
    read(Prompt.user("q"), Text(text, (1,), (0.0,), "stop"), "confidence")
    assert last_named(text, ["trunk", "chest"]) in ("trunk", "chest", None)


@pytest.mark.parametrize("piece", [*PIECES, "chest, ", "chest / ", "from 0 to ", "<answer ", "answer is a", "9-"])
def test_a_hundred_thousand_characters_take_no_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    start = time.process_time()
    read_confidence(text, "percent", PHRASES)
    read_stated(text, "confidence")
    tagged(text, "answer", ended=True)
    read(Prompt.user("q"), Text(text, (1,), (0.0,), "stop"), "confidence")
    last_named(text, ["trunk", "chest"])
    assert time.process_time() - start < 2  # five readers


def test_the_published_detector_knows_sixteen_sentences() -> None:
    assert len(REFERENCES) == 16
    assert refuses_by_reference("Thus, the answer is UNKNOWN.") is True
    assert refuses_by_reference("I\u2019m not sure, but Paris") is True
    assert refuses_by_reference("I do not know.") is False
    assert refuses_by_reference("...") is None
