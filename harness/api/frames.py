"""The files of a run directory as pandas data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.item_lines import damaged, item_lines
from harness.statistics.estimates import Estimate
from harness.subject.transcript import Transcript

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("value", "low", "high", "se", "p", "p_holm", "p_exact", "smallest", "first", "second", "published")
"""Columns of numbers that may be missing: NaN there, where a column of nothing but None would be one of objects."""


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Rows as a data frame.

    Args:
        columns: the frame's, also without any row.
    """
    import pandas as pd

    table = pd.DataFrame(list(rows)) if rows else pd.DataFrame(columns=list(columns))
    return table.astype({name: float for name in NUMBERS if name in table})


def spread(estimate: Estimate) -> dict[str, Any]:
    """An estimate as a row: its metric, a column for each key of its level, and its other fields."""
    fields = asdict(estimate)
    level = fields.pop("level")
    metric = fields.pop("metric")
    taken = {"metric", *fields}
    return {"metric": metric, **{f"{key}_level" if key in taken else key: level[key] for key in level}, **fields}


def estimates_frame(estimates: Sequence[Estimate]) -> pd.DataFrame:
    """A row for each estimate."""
    return frame([spread(one) for one in estimates], ("metric", "value", "low", "high", "n"))


def verdicts_frame(verdicts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row for each verdict, with value, interval and n of the number that decided."""
    rows = []
    for verdict in verdicts:
        measured = verdict["measured"] or {}
        first = {name: verdict.get(name) for name in ("kind", "kind_holm", "text", "published")}
        number = {name: measured.get(name) for name in ("metric", "value", "low", "high", "n", "n_groups")}
        rest = {name: verdict.get(name) for name in ("p", "p_holm", "reason", "source")}
        rows.append({**first, **number, **rest})
    return frame(rows, ("kind", "text", "value", "low", "high", "reason"))


def outcomes_frame(run: Path) -> pd.DataFrame:
    """A row for each outcome; labels are of pandas' type "boolean", in which a missing value is no False."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = run / "outcomes.parquet"
    try:
        table = pq.read_table(file)
    except (OSError, ValueError) as error:
        raise HarnessError(f"{file} cannot be read: {error}; run it again") from error
    found: pd.DataFrame = table.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    return found


def items_frame(run: Path) -> pd.DataFrame:
    """A row for each item: id, group, a column for each of its fields, right answer, and why it failed."""
    rows = []
    for line in item_lines(run):
        own = {"item": line["item"], "group": line["group"]}
        rest = {"gold": line["gold"], "error": line["error"]}
        taken = {*own, *rest}
        fields = {f"{name}_field" if name in taken else name: value for name, value in line["fields"].items()}
        rows.append({**own, **fields, **rest})
    return frame(rows, ("item", "group", "gold", "error"))


def calls_frame(run: Path) -> pd.DataFrame:
    """A row for each question and its answer, in the order in which the questions of an item were asked."""
    names = ("role", "prompt", "reply", "cached", "prompt_tokens", "new_tokens", "keys")
    rows = []
    for line in item_lines(run):
        try:
            exchanges = list(Transcript.read(line["exchanges"]))
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(f"{run / 'calls.jsonl'}, item {line['item']}", error) from error
        for i, one in enumerate(exchanges):
            thought = one.reply[: one.thought.characters] if one.thought is not None else None
            own = {name: getattr(one, name) for name in names}
            rows.append({"item": line["item"], "asked": i, **own, "thought": thought})
    return frame(rows, ("item", "asked", *names, "thought"))
