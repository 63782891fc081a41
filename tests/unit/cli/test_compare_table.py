"""The table of `compare` fits a terminal: shared counts are said once, and columns without room are named."""

from dataclasses import replace

import pytest

from harness.cli.compare_table import NO_END, fitted, table_lines, terminal_width
from harness.statistics.pairs import Contrast

ONE = Contrast(
    metric="accuracy",
    level={"arm": "greedy"},
    value=0.1,
    low=-0.05,
    high=0.25,
    n=40,
    n_failed=0,
    n_groups=38,
    note="",
    method="percentile bootstrap",
    better="higher",
    p=0.021,
    p_holm=0.084,
    first=0.3,
    second=0.4,
    p_exact=0.05,
    smallest=0.2,
    n_items=40,
    spread=(None, None),
    gained=6,
    lost=2,
    ends=None,
)
ROWS = [
    ONE,
    replace(ONE, level={"arm": "a vote of five"}, value=-0.1, low=-0.25, high=0.05),
    replace(ONE, metric="brier", level={"arm": "greedy"}, low=None, high=None, note="no interval: 8 groups", n=39),
]


def laid_out(rows: list[Contrast], width: int) -> list[str]:
    return "\n".join(table_lines(rows, width)).splitlines()


def test_a_wide_place_gets_every_column() -> None:
    rest = "0.0840    0.2000  0.0210   0.0500          6/2"
    lines = laid_out(ROWS, NO_END)
    heads = ["first", "second", "second", "-", "first,", "95", "%"]
    assert lines[1].split() == [*heads, "p", "Holm", "smallest", "p", "p", "exact", "gained/lost", "pairs"]
    assert [lines[0], *lines[2:]] == [
        "  all: 40 items, 38 groups",
        "  accuracy",
        f"    greedy          0.3000  0.4000  +0.1000 [-0.0500, +0.2500]  {rest}     40",
        f"    a vote of five  0.3000  0.4000  -0.1000 [-0.2500, +0.0500]  {rest}     40",
        f"  brier (greedy)    0.3000  0.4000  +0.1000                     {rest}     39",
        "  brier (greedy): no interval: 8 groups",
    ]


def test_a_narrow_one_keeps_what_decides_and_names_the_rest() -> None:
    lines = laid_out(ROWS, 80)
    assert lines[1] == "                     first  second  second - first, 95 %        p Holm"
    told = "  not shown, for want of room: smallest, p, p exact, gained/lost, pairs (--csv"
    assert lines[-2:] == [told, "    FILE has all)"]
    wider = laid_out(ROWS, 100)
    assert max(map(len, wider)) <= 100
    assert wider[1].endswith("p Holm  smallest  gained/lost")


@pytest.mark.parametrize("width", [72, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = replace(
        ONE, level={"arm": "feedback of a critic, then a vote of seven samples", "turn": "2"}, note="why " * 60
    )
    seeds = replace(ONE, spread=(0.01, 0.02), n_groups=12)
    lines = laid_out([*ROWS, long, seeds], width)
    assert max(map(len, lines)) <= width
    at = lines.index("    feedback of a critic, then a vote of seven samples, 2")
    assert "0.3000  0.4000  +0.1000" in lines[at + 1]


def test_numbers_that_no_row_has_take_no_column() -> None:
    (shared, head, row) = laid_out([replace(ONE, p_holm=None, p_exact=None, smallest=None, gained=None)], NO_END)
    assert shared == "  all: 40 pairs, 40 items, 38 groups"
    assert head.split("%")[1].split() == ["p"]
    assert row.endswith("0.0210")
    assert laid_out([], 80) == []


def test_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, width in (("80", 80), ("20", 72), ("300", 300)):
        monkeypatch.setenv("COLUMNS", columns)
        assert terminal_width() == width
    assert fitted("a zero-shot-arm of words", 12, "  ") == "  a\n    zero-shot-arm\n    of words"
