"""Confidences, tags and containers as models write them: what a careful reader finds in a reply."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.calibration.self_critique_confidence.prompts import read
from experiments.shared.confidence import PHRASES, Instrument, Scale, read_confidence, read_stated, tagged
from experiments.theory_of_mind.false_belief.named import last_named
from harness import Prompt, Text
from tests.support.cases import cases


@pytest.mark.parametrize(("text", "scale", "right"), cases("experiments", "read_confidence"))
def test_a_confidence_alone(text: str, scale: Scale, right: float | None) -> None:
    found = read_confidence(text, scale, PHRASES)
    assert found == (None if right is None else pytest.approx(right, abs=1e-6))


@pytest.mark.parametrize(("text", "instrument", "right"), cases("experiments", "read_stated"))
def test_a_confidence_at_the_end_of_a_reply(text: str, instrument: Instrument, right: list[Any]) -> None:
    value, in_form = read_stated(text, instrument)
    assert (value, in_form) == (None if right[0] is None else pytest.approx(right[0]), right[1])


@pytest.mark.parametrize(("text", "ended", "right"), cases("experiments", "tagged"))
def test_what_stands_between_tags(text: str, ended: bool, right: str | None) -> None:
    assert tagged(text, "answer", ended=ended) == right


@pytest.mark.parametrize(("text", "instrument", "right"), cases("experiments", "critique"))
def test_an_answer_with_its_score(text: str, instrument: Instrument, right: list[Any]) -> None:
    _, answer, score, _ = read(Prompt.user("q"), Text(text, (1,), (0.0,), "stop"), instrument)
    assert (answer, score) == (right[0], None if right[1] is None else pytest.approx(right[1]))


@pytest.mark.parametrize(("text", "options", "right"), cases("experiments", "last_named"))
def test_the_container_that_an_answer_says(text: str, options: list[str], right: str | None) -> None:
    assert last_named(text, options) == right
