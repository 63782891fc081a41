"""Lays the differences of a comparison out as a table that fits the terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.console import aligned, counted

if TYPE_CHECKING:
    from harness.statistics.pairs import Contrast

NO_END = 100_000
"""Columns of text where the output is no terminal: programs and files get whole lines and all columns."""

LEAST_WIDTH = 72
"""Columns that a table takes where a terminal has even fewer."""

LEAST_LABEL = 12
"""Columns that are kept for the names of rows before a column of numbers is left out."""


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Attributes:
        rank: columns of the highest rank are left out first where there is no room; 0 is never left out.
        left: whether cells begin, and do not end, below each other.
    """

    head: str
    cells: tuple[str, ...]
    rank: int
    left: bool = False

    @property
    def width(self) -> int:
        """Its letters, and the space before it."""
        return 2 + max(map(len, (self.head, *self.cells)))


def terminal_width() -> int:
    """Columns of the terminal that stdout is, or that COLUMNS says; without either, there is no end."""
    return max(LEAST_WIDTH, shutil.get_terminal_size((NO_END, 24)).columns)


def fitted(text: str, width: int, indent: str = "") -> str:
    """A text in lines of at most `width` columns; words and hyphenated names stay whole."""
    return textwrap.fill(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def table_lines(contrasts: Sequence[Contrast], width: int) -> Iterator[str]:
    """The lines of a table of differences, a metric with several levels under a heading of its own.

    A number that is the same in every row stands above the table, and remarks below it, each once with the rows that it
    is about.
    """
    if not contrasts:
        return
    if shared := _shared(contrasts):
        yield fitted(f"all: {shared}", width, "  ")
    names = _names(contrasts)
    room = width - min(max(map(len, names)), max(LEAST_LABEL, width // 3))
    kept, left_out = _that_fit(_columns(contrasts), room)
    label = width - sum(column.width for column in kept)
    short = [name if len(name) <= label else "" for name in names]
    columns = [["", *short], *([column.head, *column.cells] for column in kept)]
    right = [i for i, column in enumerate(kept, start=1) if not column.left]
    head, *lines = aligned(list(zip(*columns, strict=True)), right)
    yield head
    heading = ""
    for c, name, line in zip(contrasts, names, lines, strict=True):
        if name.startswith("    ") and c.metric != heading:
            yield f"  {c.metric}"
        heading = c.metric
        if len(name) > label:
            yield name
        yield line
    yield from _remarks(contrasts, width)
    if left_out:
        yield fitted(f"not shown, for want of room: {', '.join(left_out)} (--csv FILE has all)", width, "  ")


def _names(contrasts: Sequence[Contrast]) -> list[str]:
    """The names of the rows; those of a metric with several levels are indented under it."""
    metrics = [c.metric for c in contrasts]
    return [
        f"    {', '.join(c.level.values())}" if metrics.count(c.metric) > 1 and c.level else f"  {c.label}"
        for c in contrasts
    ]


def _columns(contrasts: Sequence[Contrast]) -> list[Column]:
    """The columns that say something: not counts that every row shares, nor tests that no row has."""
    spreads = ["/".join(map(_number, c.spread)) if any(c.spread) else "" for c in contrasts]
    wanted = [
        Column("first", tuple(_number(c.first) for c in contrasts), 0),
        Column("second", tuple(_number(c.second) for c in contrasts), 0),
        Column("second - first, 95 %", tuple(c.text("+.4f") for c in contrasts), 0, left=True),
        Column("p Holm", tuple(_p(c.p_holm) for c in contrasts), 1),
        Column("smallest", tuple(_number(c.smallest) for c in contrasts), 3),
        Column("p", tuple(_p(c.p) for c in contrasts), 4),
        Column("p exact", tuple(_p(c.p_exact) for c in contrasts), 5),
        Column("gained/lost", tuple("-" if c.gained is None else f"{c.gained}/{c.lost}" for c in contrasts), 2),
        Column("spread of seeds", tuple(spreads), 7),
    ]
    wanted = [column for column in wanted if set(column.cells) - {"", "-", "undef."}]
    for head, rank in (("pairs", 6), ("items", 8), ("groups", 5)):
        counts = tuple(str(dict(_counts(c))[head]) for c in contrasts)
        if len(set(counts)) > 1:
            wanted.append(Column(head, counts, rank))
    return wanted


def _counts(c: Contrast) -> tuple[tuple[str, int], ...]:
    """The numbers behind a difference: of matched rows, of their items, and of the groups of these."""
    return (("pairs", c.n), ("items", c.n_items), ("groups", c.n_groups))


def _shared(contrasts: Sequence[Contrast]) -> str:
    """The counts that are the same in every row."""
    first = dict(_counts(contrasts[0]))
    same = [head for head in first if all(dict(_counts(c))[head] == first[head] for c in contrasts)]
    return ", ".join(counted(first[head], head.removesuffix("s")) for head in same)


def _that_fit(columns: Sequence[Column], room: int) -> tuple[list[Column], list[str]]:
    """The columns for which there is room, and the heads of those that are left out."""
    kept = list(columns)
    while sum(column.width for column in kept) > room and (last := max(kept, key=lambda column: column.rank)).rank:
        kept.remove(last)
    return kept, [column.head for column in columns if column not in kept]


def _remarks(contrasts: Sequence[Contrast], width: int) -> Iterator[str]:
    """Doubts and notes, each with the rows that it is about."""
    about: dict[str, list[Contrast]] = {}
    for c in contrasts:
        for note in dict.fromkeys(filter(None, (c.doubt, *c.note.split("; ")))):
            about.setdefault(note, []).append(c)
    for note, some in about.items():
        yield fitted(f"{named(some, contrasts)}: {note}", width, "  ")


def named(some: Sequence[Contrast], contrasts: Sequence[Contrast]) -> str:
    """The names of some rows; a metric without its levels where these are all of them."""
    if len(some) == len(contrasts) > 1:
        return "all"
    names = []
    for metric in dict.fromkeys(c.metric for c in some):
        of = [c for c in some if c.metric == metric]
        whole = len(of) == sum(c.metric == metric for c in contrasts)
        names += [metric] if whole and len(of) > 1 else [c.label for c in of]
    return ", ".join(names)


def _number(value: float | None) -> str:
    return "undef." if value is None else f"{value:.4f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
