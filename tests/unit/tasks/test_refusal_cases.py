"""Refusals as models write them, and answers that look like one: what a careful reader says of each."""

from __future__ import annotations

import pytest

from harness.tasks.refusals import refuses
from tests.support.cases import cases


@pytest.mark.parametrize(("text", "gold", "right"), cases("tasks", "refuses"))
def test_a_refusal_is_what_a_reader_takes_for_one(text: str, gold: None, right: bool | None) -> None:
    assert refuses(text) is right
