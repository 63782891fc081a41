"""Values are converted where that loses nothing, and refused where another number would come of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.typed import typed


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        (True, int, "x=true: a whole number is needed"),
        (False, int | None, "x=false: a whole number is needed"),
        (True, float, "x=true: a number is needed"),
        ([1, True], tuple[int, ...], r"x\[1\]=true"),
        ({"a": {"b": True}}, Mapping[str, Mapping[str, int]], "x.a.b=true"),
        (2**63, int, "from -2\\^63 to 2\\^63-1"),
        (10**400, int, "from -2\\^63 to 2\\^63-1"),
        (float("nan"), float, "a finite number"),
        ([float("inf")], Sequence[float], r"x\[0\]=inf: a finite number"),
        ("", Path, "x=: a path is needed; '.' is the working directory"),
        ("a\nb", Path, "without line breaks"),
    ],
    ids=range(11),
)
def test_a_value_that_would_become_another_is_refused(value: Any, hint: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        typed(value, hint, "x")


@pytest.mark.parametrize(
    ("value", "hint", "right"),
    [
        (True, bool | int, True),
        (True, bool | str, True),
        ("3", int, 3),
        (3, float, 3.0),
        (2**63 - 1, int, 2**63 - 1),
        ([True, "a"], tuple[bool, str], (True, "a")),
        (".", Path, Path()),
        ({"a": True, "b": 2}, Mapping[str, Any], {"a": True, "b": 2}),
    ],
    ids=range(8),
)
def test_a_value_that_fits_is_taken(value: Any, hint: Any, right: Any) -> None:
    found = typed(value, hint, "x")
    assert (found, type(found)) == (right, type(right))
