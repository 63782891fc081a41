"""Shows the tables of a study: each cell a number of a run with its interval, or a constant, with notes below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.pivot import counts
from harness.runs.records import RunRecord
from harness.statistics.estimates import Estimate


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell of a study's table.

    Attributes:
        estimate: the number of a run; None for a constant, and where there is none.
        value: the number of either; None where there is none.
        best: of several levels that are compared, which was the best.
        note: the place of its note below the table, 0 for none.
    """

    estimate: Estimate | None
    value: float | None
    best: str
    note: int

    @property
    def counts(self) -> str:
        """The rows that the number rests on; "" of a constant."""
        return "" if self.estimate is None else counts(self.estimate)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a study's table; `run` is where its numbers come from, None where there is no such run."""

    text: str
    run: RunRecord | None
    cells: Sequence[TableCell]


@dataclass(frozen=True, slots=True)
class StudyTable:
    """A table of a study, and the notes on its cells, of which the first is number 1.

    Attributes:
        svg: a picture of two of its columns, and alt: the same in words; "" without one.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[TableRow]
    notes: Sequence[str]
    svg: str = ""
    alt: str = ""
