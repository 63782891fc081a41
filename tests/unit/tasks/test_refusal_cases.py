"""Refusals as models write them, and answers that look like one: what a careful reader says of each."""

from __future__ import annotations

import pytest

from harness.tasks.refusals import refuses
from tests.support.cases import Rows, kinds, misread


@pytest.mark.parametrize("rows", kinds("tasks", "refuses"))
def test_a_refusal_is_what_a_reader_takes_for_one(rows: Rows) -> None:
    assert misread(rows, lambda text, _: refuses(text)) == []
