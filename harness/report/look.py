"""How pictures are drawn: for a page on a screen, or for a column of a paper with the names that it uses."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.console import visible
from harness.metrics.labels import column_label, metric_label
from harness.report.text import cut

SMALLEST = 7.0
"""Points below which print cannot be read."""

_WIDE = 0.6
"""Width of a letter of DejaVu Sans in its size, rounded up."""

_IN_BRACKETS = re.compile(r"\[[^\]]*\]")
_NO_BREAK = "\N{NO-BREAK SPACE}"

_IDENTIFIER = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")


@dataclass(frozen=True)
class Look:
    """The size of a picture, of its letters, and the names in it.

    Attributes:
        width: inches. height: inches; None is as high as the picture needs.
        font: points of titles and axes; small print is a sixth smaller, and nothing smaller than `SMALLEST`.
        remarks: whether notes (what whiskers are, which rows are left out) stand below the picture.
        labels: what to write in place of the name of a metric, of a column, or of one of its values.
    """

    width: float = 9.5
    height: float | None = None
    font: float = 11.0
    remarks: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def small(self) -> float:
        """Points of small print."""
        return max(SMALLEST, self.font / 1.2)

    @property
    def em(self) -> float:
        """The size of the letters in inches."""
        return self.font / 72

    def letters(self, width: float) -> int:
        """How many letters fit into a width in inches."""
        return max(8, int(width / (_WIDE * self.em)))

    def wrapped(self, width: float, *lines: str) -> str:
        """Lines broken to a width in inches, but not between the ends of an interval."""
        most = self.letters(width)
        whole = (_IN_BRACKETS.sub(lambda found: found[0].replace(" ", _NO_BREAK), line) for line in lines if line)
        broken = (part for line in whole for part in textwrap.wrap(line, most, break_on_hyphens=False))
        return "\n".join(broken).replace(_NO_BREAK, " ")

    def counted(self, width: float, name: str, n: int, *more: str) -> str:
        """The heading of a panel of a width in inches: a name, how many rows it is about, and further lines."""
        whole = f"{name}, n = {n}"
        lines = [whole] if len(whole) <= self.letters(width) else [name, f"n = {n}"]
        return self.wrapped(width, *lines, *more)

    def fit(self, names: Sequence[str]) -> int:
        """How many entries of a legend fit side by side."""
        longest = (max(map(len, names)) * _WIDE + 4) * self.small / 72
        return max(1, min(len(names), int(self.width / longest)))

    def value(self, text: str) -> str:
        """The value of a column as a picture shows it: short, without underscores or characters that are not seen."""
        named = column_label(text) if _IDENTIFIER.fullmatch(text) else text
        return visible(cut(self.labels.get(text, named), 60))

    def metric(self, name: str) -> str:
        """The name of a metric."""
        return visible(self.labels.get(name) or metric_label(name))

    def column(self, name: str) -> str:
        """The name of a column."""
        return visible(self.labels.get(name) or column_label(name))

    def heading(self, column: str, text: str) -> str:
        """A value with its column, which an arm does without."""
        return (
            self.value(text) if column == "arm" or text in self.labels else f"{self.column(column)} {self.value(text)}"
        )


PAGE = Look()
"""For a page: all pictures are as wide, so that a page may scale them alike."""


def paper(width: float, height: float | None, labels: Mapping[str, str]) -> Look:
    """For a paper: small letters that stay readable at this width, in inches; notes belong into the caption."""
    return Look(width=width, height=height, font=8.0, remarks=False, labels=labels)
