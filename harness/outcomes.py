"""Defines outcomes, the rows that a protocol returns, and the table of columns that metrics read.

An experiment declares a frozen dataclass of named, typed columns. The types say what a metric may do with a
column: `Probability` is in [0, 1] and may be calibrated; `Score` only ranks; `bool` is a label. Every column
may be `| None`: a missing value is a failure of that row for every metric that reads it, never a zero.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NewType, Self

import numpy as np

from harness.errors import HarnessError, one_line
from harness.items import Fate

if TYPE_CHECKING:
    import pyarrow as pa

Probability = NewType("Probability", float)
"""A probability of an event that can be checked, in [0, 1]. Calibration metrics take it."""

Score = NewType("Score", float)
"""A number that only ranks (a log-probability, an entropy): ranking metrics take it, calibration metrics do not."""

ADDED = ("item", "group", "error")
"""Columns that every table has beside its outcome's."""

Kind = Literal["label", "probability", "score", "number", "text"]

_KINDS: dict[Any, Kind] = {
    bool: "label",
    Probability: "probability",
    Score: "score",
    int: "number",
    float: "number",
    str: "text",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One row of results. Subclass it (frozen, kw_only) and add columns of the types above.

    A column "fate" or "fate_..." of type `Fate` says what became of an answer; rows of failed arms and items have
    "error" there. A text column named `reason` says why a value is missing; it is shown where a number has no rows.

    Attributes:
        arm: the variant of the protocol that this row belongs to (prompt style, number of shots, control).
    """

    arm: str = ""

    def labelled(self, arm: str) -> Self:
        """The same row as one of an arm."""
        return replace(self, arm=arm)


@dataclass(frozen=True, kw_only=True)
class GradedAnswer(Outcome):
    """One graded answer, as `tasks.fates.graded` grades it.

    Attributes:
        answer: the answer as given.
        correct: whether it is right. An answer that was refused, cut, empty or unreadable is wrong, so that a number
            over all rows is over all questions, as in the papers.
        fate: the fate of the answer. Only rows with "answered" could be read.
    """

    answer: str
    correct: bool
    fate: Fate


@dataclass(frozen=True, kw_only=True)
class JudgedAnswer(GradedAnswer):
    """One graded answer, with a probability that it is right.

    Attributes:
        p: the probability that it is right; None if none could be read.
        mass: probability that the model says any of the options, in [0, 1].
    """

    p: Probability | None = None
    mass: Probability | None = None


@dataclass(frozen=True, kw_only=True)
class Failed(Outcome):
    """An arm of an item that could not be asked, and why. It becomes a row with an error and no values.

    Attributes:
        fault: where the protocol tripped (`harness.faults.Fault.place`); "" when the item itself cannot be asked.
    """

    error: str
    fault: str = ""


def column_kinds(outcome: type) -> dict[str, Kind]:
    """The kind of every column of an outcome type, or of every factor of an arm type; a Literal is of its values' kind.

    Raises:
        TypeError: a field has a type that is no column type, or the name of a column that every table has.
    """
    hints = typing.get_type_hints(outcome)
    kinds: dict[str, Kind] = {}
    for f in fields(outcome):
        if f.name in ADDED:
            raise TypeError(f"{outcome.__name__}.{f.name}: every table has a column {f.name!r} of its own; rename it")
        hint = hints[f.name]
        if typing.get_origin(hint) in (typing.Union, types.UnionType):
            hint = next(a for a in typing.get_args(hint) if a is not type(None))
        if typing.get_origin(hint) is Literal:
            hint = type(typing.get_args(hint)[0])
        if hint not in _KINDS:
            raise TypeError(
                f"{outcome.__name__}.{f.name}: {hint} is no column type (bool, int, float, str, Probability, Score)"
            )
        kinds[f.name] = _KINDS[hint]
    return kinds


def rows_of(returned: object, wanted: type[Outcome]) -> list[Outcome]:
    """The return value of a protocol as rows.

    Raises:
        TypeError: it is something else, or a column holds something that its type does not allow.
    """
    rows = [returned] if isinstance(returned, Outcome) else returned
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, (wanted, Failed)) for row in rows):
        raise TypeError(f"it returned {str(returned)[:100]!r}; return {wanted.__name__}(...) or a list of them")
    kinds = _kinds_of(wanted)  # type: ignore[arg-type]  # mypy takes the class for one of its objects
    for row in rows:
        for name, kind in kinds.items():
            value = None if isinstance(row, Failed) else getattr(row, name)
            if inspect.iscoroutine(value):
                value.close()  # otherwise Python warns about it again
                raise TypeError(f"column {name!r} holds a coroutine that was never awaited: write await")
            if kind != "text" and not isinstance(value, (int, float, np.number, np.bool_, type(None))):
                raise TypeError(f"column {name!r} is a {kind}, and holds {str(value)[:100]!r}")
    return list(rows)


@cache
def _kinds_of(outcome: type[Any]) -> dict[str, Kind]:
    return column_kinds(outcome)


def fate_columns(kinds: Mapping[str, Kind]) -> list[str]:
    """The columns that say what became of an answer (`harness.items.Fate`): "fate", and every name that begins
    "fate_"."""
    return [name for name, kind in kinds.items() if kind == "text" and (name == "fate" or name.startswith("fate_"))]


def factorize(names: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The different names in alphabetical order, and the number among them of each of `names` [n]."""
    # Through a set, which is several times faster than sorting all rows.
    different = sorted(dict.fromkeys(names))
    number = {name: i for i, name in enumerate(different)}
    return different, np.fromiter(map(number.__getitem__, names), dtype=np.int64, count=len(names))


@dataclass(frozen=True, slots=True)
class ItemResult:
    """All rows of one item, or the error that stopped its protocol as a whole; `fault` as in `Failed`."""

    item: str
    group: str
    rows: tuple[Outcome, ...] = ()
    error: str | None = None
    fault: str = ""

    @property
    def errors(self) -> tuple[str, ...]:
        """Why the item or some of its arms could not be asked; () when all went well."""
        own = (self.error,) if self.error is not None else ()
        return (*own, *(f"arm {row.arm}: {row.error}" for row in self.rows if isinstance(row, Failed)))

    @property
    def faults(self) -> tuple[str, ...]:
        """The places at which the protocol, or arms of it, raised an error; () without one."""
        places = (self.fault, *(row.fault for row in self.rows if isinstance(row, Failed)))
        return tuple(place for place in places if place)


@dataclass(frozen=True)
class Table:
    """Outcomes as columns, sorted by item id.

    Attributes:
        kinds: the kind of every outcome column.
        columns: float64 arrays (NaN = missing) for label, probability, score and number; object arrays
            (None = missing) for text. Always there: "item", "group", "error" (text) and "arm".
    """

    kinds: Mapping[str, Kind]
    columns: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.columns["item"])

    @classmethod
    def build(
        cls,
        outcome: type[Outcome],
        results: Sequence[ItemResult],
        factors: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        factor_kinds: Mapping[str, Kind] = MappingProxyType({}),
    ) -> Table:
        """Collects results into columns.

        A failed item becomes one row with its error and no values; so does a failed arm, which keeps its name.

        Args:
            factors: of each arm by name, the values that its rows have in the factor columns.
            factor_kinds: the kind of each factor column.

        Raises:
            HarnessError: a Probability outside [0, 1].
        """
        own = column_kinds(outcome)
        kinds: dict[str, Kind] = {**dict.fromkeys(ADDED, "text"), **own, **factor_kinds}
        fates = dict.fromkeys(fate_columns(kinds), "error")
        rows: list[dict[str, Any]] = []
        for r in sorted(results, key=lambda r: r.item):
            if r.error is not None:
                rows.append({"item": r.item, "group": r.group, "error": r.error, **fates})
            for row in r.rows:
                failed = isinstance(row, Failed)
                values = {name: getattr(row, name) for name in (("arm", "error") if failed else own)}
                values |= fates if failed else {}
                rows.append({"item": r.item, "group": r.group, **factors.get(row.arm, {}), **values})
        columns: dict[str, np.ndarray] = {}
        for name, kind in kinds.items():
            if kind == "text":
                columns[name] = np.array([row.get(name) for row in rows], dtype=object)
                continue
            numbers = np.array([np.nan if row.get(name) is None else row[name] for row in rows], dtype=np.float64)
            outside = (numbers < 0) | (numbers > 1)
            if kind == "probability" and outside.any():
                at = int(np.flatnonzero(outside)[0])
                raise HarnessError(
                    f"item {rows[at]['item']}: column {name!r} is declared a Probability but holds {numbers[at]}"
                )
            columns[name] = numbers
        return cls(kinds, columns)

    @cached_property
    def group_codes(self) -> np.ndarray:
        """[n] number of each row's group among the names of groups, in alphabetical order."""
        return factorize(self.columns["group"])[1]

    def where(self, mask: np.ndarray) -> Table:
        """The rows where the boolean mask [n] is true."""
        return Table(self.kinds, {name: values[mask] for name, values in self.columns.items()})

    def save(self, path: Path) -> None:
        """Writes Parquet; labels as booleans, column kinds in the schema's metadata."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays, names = [], []
        for name, values in self.columns.items():
            arrays.append(_arrow(self.kinds[name], values))
            names.append(pa.field(name, arrays[-1].type, metadata={"kind": self.kinds[name]}))
        with path.open("wb") as file:  # pyarrow reads a meaning into some paths, such as "~/x"
            pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(names)), file)

    @classmethod
    def load(cls, path: Path) -> Table:
        """Reads what `save` wrote.

        Raises:
            HarnessError: the file is missing, damaged, or no table of outcomes.
        """
        import pyarrow.parquet as pq

        try:
            with path.open("rb") as file:  # pyarrow would expand "~" in a name
                table = pq.ParquetFile(file).read()
            kinds: dict[str, Any] = {f.name: (f.metadata or {}).get(b"kind", b"text").decode() for f in table.schema}
            columns = {name: _column(kind, table.column(name).to_pylist()) for name, kind in kinds.items()}
        except Exception as error:  # flipped bytes raise OSError, ValueError, KeyError, MemoryError and more
            raise HarnessError(f"{path} cannot be read: {one_line(error)}; run its command again") from error
        return cls(kinds, columns)


def _arrow(kind: Kind, values: np.ndarray) -> pa.Array:
    """A column as Arrow keeps it. Made of buffers, because `pyarrow.array` imports pandas, which takes long."""
    import pyarrow as pa

    missing = np.array([v is None for v in values], bool) if kind == "text" else np.isnan(values)
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing.any() else None
    if kind == "text":
        texts = [b"" if value is None else value.encode() for value in values]
        ends = np.cumsum([0, *map(len, texts)])
        small = ends[-1] < 1 << 31
        form, places = (pa.string(), ends.astype(np.int32)) if small else (pa.large_string(), ends)
        return pa.Array.from_buffers(form, len(values), [valid, pa.py_buffer(places), pa.py_buffer(b"".join(texts))])
    if kind == "label":
        held = np.packbits(np.where(missing, 0, values).astype(bool), bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [valid, pa.py_buffer(held)])
    numbers = np.ascontiguousarray(values, np.float64)
    return pa.Array.from_buffers(pa.float64(), len(values), [valid, pa.py_buffer(numbers)])


def _column(kind: str, values: list[Any]) -> np.ndarray:
    """A column of a file as an array of its kind."""
    if kind not in typing.get_args(Kind):
        raise ValueError(f"there is no kind of column {kind!r}")
    if kind != "text":
        return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    if not all(isinstance(value, (str, type(None))) for value in values):
        raise ValueError("a column of texts holds something else")
    return np.array(values, dtype=object)
