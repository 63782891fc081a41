"""Settings as they are told: what a docstring says of several fields at once is told of each."""

from dataclasses import dataclass, field

import pytest

from harness.cli.described import Setting, attribute_meanings, class_settings, print_rows


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Settings inside of a setting.

    Attributes:
        tokens: budget in tokens.
    """

    tokens: int = 8


@dataclass(frozen=True, kw_only=True)
class Outer:
    """Settings.

    Attributes:
        low: the lower end; high: the upper one, e.g. 5; never less
            than the lower.
        left, right: both sides; neither: is no field.
        inner: more.
    """

    low: int
    high: int = 5
    left: str = ""
    right: str = ""
    inner: Inner = field(default_factory=Inner)


def test_one_entry_that_tells_of_two_fields_is_told_of_each() -> None:
    assert attribute_meanings(Outer) == {
        "low": "the lower end",
        "high": "the upper one, e.g. 5; never less than the lower.",
        "left": "both sides; neither: is no field.",
        "right": "both sides; neither: is no field.",
        "inner": "more.",
    }


def test_settings_inside_of_a_setting_are_listed_with_their_values() -> None:
    rows = {row.name: row for row in class_settings("part", Outer, {"low": 1, "inner": {"tokens": 3}})}
    assert list(rows) == ["part.low", "part.high", "part.left", "part.right", "part.inner.tokens"]
    assert (rows["part.low"].value, rows["part.low"].default) == ("1", None)
    inner = rows["part.inner.tokens"]
    assert (inner.value, inner.default, inner.meaning) == ("3", "8", "budget in tokens.")


def test_a_value_under_a_name_that_says_so_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("model.template.password", "correct horse"), ("model.template.n", "correct"), ("x.max_tokens", "512")]
    print_rows([Setting(name, value, None) for name, value in rows])
    shown = [line.split()[1:] for line in capsys.readouterr().out.splitlines()[2:]]
    assert [words[0] for words in shown] == ["***", "correct", "512"]
