"""The tree of errors, what is told of an unknown word, and of a value of the wrong type."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le, Lt

from harness.errors import BaseHarnessError, EngineDied, HarnessError, ItemError, nearest
from harness.typed import typed


def test_errors_are_siblings_so_that_catching_one_lets_the_others_through() -> None:
    kinds = (HarnessError, ItemError, EngineDied)
    assert all(kind.__mro__[1] is BaseHarnessError for kind in kinds)
    assert not any(issubclass(one, other) for one in kinds for other in kinds if one is not other)


def test_the_nearest_word_is_told_or_all_of_them() -> None:
    assert nearest("ptrue", ["pTrue", "pIK"]) == ", did you mean 'pTrue'?"
    assert nearest("zzz", ["b", "a"]) == " (there are: a, b)"
    assert nearest("zzz", []) == " (there are: none)"
    assert nearest("zzz", [f"a{i:02}" for i in range(50)], most=2) == " (there are: a00, a01 and 48 more)"


@pytest.mark.parametrize(
    ("value", "hint", "told"),
    [
        ("abc", int, "x=abc: a whole number is needed"),
        (1.5, int, "x=1.5: a whole number is needed"),
        ("abc", float | None, "x=abc: a number is needed"),
        ("maybe", bool, "x=maybe: true or false is needed"),
        (3, str, "x=3: a text is needed; put quotes around one that looks like a number"),
        ("a", Sequence[str], "x=a: a list is needed: [first, second]"),
        (3, Sequence[str], "x=3: a list is needed: [first, second]"),
        (3, tuple[str, ...], "x=3: a list is needed: [first, second]"),
        ([1, "b"], Sequence[int], "x[1]=b: a whole number is needed"),
        ({"a": {"b": "c"}}, Mapping[str, Mapping[str, float]], "x.a.b=c: a number is needed"),
        (3, Mapping[str, float], "x=3: a mapping is needed: {name: value}"),
        ("z", Literal["auto", "on", "off"], "x=z: 'auto', 'on' or 'off' is needed"),
        (["a", "z"], Sequence[Literal["a", "b"]], "x[1]=z: 'a' or 'b' is needed"),
        ("z", int | Literal["all"], "x=z: a whole number is needed or 'all' is needed"),
        ("2024-13-01", date, "x=2024-13-01: a date is needed: 2024-07-26"),
        (3, Path, "x=3: a path is needed"),
        (0, Annotated[int, Ge(1)], "x=0: 1 or more is needed"),
        (0, Annotated[int, Ge(1)] | None, "x=0: 1 or more is needed"),
        (0, Annotated[float, Gt(0), Le(1)], "x=0: a number above 0 is needed"),
        (1.5, Annotated[float, Gt(0), Le(1)], "x=1.5: 1 or less is needed"),
        (1, Annotated[float, Ge(0), Lt(1)], "x=1: a number below 1 is needed"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_in_plain_words(value: Any, hint: Any, told: str) -> None:
    with pytest.raises(HarnessError) as caught:
        typed(value, hint, "x")
    assert str(caught.value) == told


def test_what_means_the_same_is_converted() -> None:
    assert typed("3", int, "x") == 3
    assert typed(1, float, "x") == 1.0
    assert typed("yes", bool, "x") is True
    assert typed("a/b", Path, "x") == Path("a/b")


def test_a_long_message_keeps_both_ends() -> None:
    told = str(HarnessError("begin" + "x" * 300_000 + "end"))
    assert len(told) < 2001
    assert told.startswith("beginxxx")
    assert told.endswith("xxxend")
    assert str(HarnessError("short")) == "short"


def test_a_notebook_shows_the_message_alone() -> None:
    assert HarnessError("limit: not set")._render_traceback_() == ["HarnessError: limit: not set"]
