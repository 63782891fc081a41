"""Conditions on settings, from a table or a config, and which of them a run does not meet."""

from collections.abc import Mapping

import pytest

from harness.errors import HarnessError
from harness.statistics.conditions import condition_texts, read_conditions, setting_text, unmet

SETTINGS = {
    name: setting_text(value)
    for name, value in {
        "experiment.temperature": 0.7,
        "experiment.max_tokens": 64,
        "experiment.spelled": False,
        "limit": None,
        "task.digits": (1, 2),
        "model.revision": "0012",
        "wording": "plain",
    }.items()
}


def test_a_cell_of_a_table_is_read() -> None:
    text = " experiment.temperature=0; experiment.max_tokens >= 1024;wording=math ; experiment.wording.lead=a = b;"
    assert read_conditions(text) == {
        "experiment.temperature": "0",
        "experiment.max_tokens": ">=1024",
        "wording": "math",
        "experiment.wording.lead": "a = b",
    }
    assert read_conditions("") == {}


@pytest.mark.parametrize("text", ["greedy", "=0", "experiment.x=", "experiment.x>3", "a b=3"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(HarnessError, match="is none of key=value"):
        read_conditions(text)


def test_a_bound_is_a_number() -> None:
    for bound in (">=many", "<=", ">=nan"):
        with pytest.raises(HarnessError, match=r"it: requires experiment\.max_tokens[<>]=.*: a bound is a number"):
            condition_texts("it", {"experiment.max_tokens": bound})


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ({"experiment.temperature": 0.70}, []),
        ({"experiment.temperature": "0.70"}, []),
        ({"experiment.temperature": 0}, ["experiment.temperature is 0.7, published at 0"]),
        ({"experiment.max_tokens": "64"}, []),
        ({"experiment.max_tokens": ">=64"}, []),
        ({"experiment.max_tokens": "<=64"}, []),
        ({"experiment.max_tokens": ">=1024"}, ["experiment.max_tokens is 64, published at 1024 or more"]),
        ({"experiment.max_tokens": "<=63"}, ["experiment.max_tokens is 64, published at 63 or less"]),
        ({"experiment.spelled": False}, []),
        ({"experiment.spelled": True}, ["experiment.spelled is false, published at true"]),
        ({"limit": None}, []),
        ({"limit": ">=5"}, ["limit is null, published at 5 or more"]),
        ({"task.digits": "[1, 2]"}, []),
        ({"model.revision": "0012"}, []),
        ({"wording": "math"}, ["wording is plain, published at math"]),
        ({"task.split": "test"}, ["this run has no task.split"]),
        ({"wording": "math", "experiment.temperature": 1}, ["wording is plain", "experiment.temperature is 0.7"]),
    ],
)
def test_conditions_are_compared_with_settings(conditions: Mapping[str, str | int], told: list[str]) -> None:
    found = unmet(conditions, SETTINGS)
    assert len(found) == len(told)
    assert all(ours.startswith(theirs) for ours, theirs in zip(found, told, strict=True))
