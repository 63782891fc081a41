"""Run directories that are damaged, cut or changed by hand are one line each, and never another number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.errors import HarnessError
from harness.outcomes import Table
from harness.runs.records import load_record, load_table
from tests.support.reports import write_run


def changed(file: Path, change: Callable[[Any], Any]) -> None:
    file.write_text(json.dumps(change(json.loads(file.read_text()))))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("value", "high", r"estimates\.json is damaged: estimates\[0\]\.value=high: a number is needed"),
        ("level", [], r"estimates\[0\]\.level="),
        ("n", None, r"estimates\[0\]\.n="),
        ("metric", 5, r"estimates\[0\]\.metric="),
        ("unknown", 1, "another version or changed by hand"),
    ],
)
def test_an_estimate_of_another_type_is_named(
    tmp_path: Path, key: str, value: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "run", figures=False)
    changed(run / "estimates.json", lambda estimates: [{**estimates[0], key: value}])
    with pytest.raises(HarnessError, match=message):
        load_record(run)
    assert main(["rescore", str(run)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", ["manifest.json", "estimates.json", "verdicts.json"])
@pytest.mark.parametrize(
    "content", ["", "{", "1", "null", '"x"', "[1]", "[[]]", '{"a": 1}', "[" * 100_000], ids=range(9)
)
def test_a_file_of_another_kind_is_one_line(tmp_path: Path, name: str, content: str) -> None:
    run = write_run(tmp_path / "run", figures=False)
    (run / name).write_text(content)
    with pytest.raises(HarnessError) as raised:
        load_record(run)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("task", []),
        ("model", {"name": 5}),
        ("seed", "x"),
        ("seed", True),
        ("seed", 10**30),
        ("experiment", None),
        ("items_done", {}),
        ("items_failed", "x"),
        ("seconds", {"ask": "long"}),
        ("store", "x"),
        ("usage", []),
        ("host", "h"),
        ("git", "x"),
        ("packages", ["a"]),
        ("config", []),
        ("started", 5),
        ("status", ["finished"]),
        ("command", "x"),
        ("engine_busy", float("nan")),
        ("correctness", 3),
        ("title", "\ud800"),
    ],
)
def test_a_manifest_whose_keys_hold_something_else_is_one_line(tmp_path: Path, key: str, value: Any) -> None:
    run = write_run(tmp_path / "run", figures=False, **{key: value})
    with pytest.raises(HarnessError, match=f"changed by hand .*{key}|surrogates"):
        load_record(run)


def test_tables_that_are_no_outcomes_are_one_line(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    run = write_run(tmp_path / "run", figures=False)
    file = run / "outcomes.parquet"
    whole = file.read_bytes()
    number = pa.field("p", pa.string(), metadata={"kind": "number"})
    strange = pa.field("p", pa.float64(), metadata={"kind": "strange"})
    tables = [
        pa.Table.from_arrays([pa.array(["a"])], schema=pa.schema([number])),
        pa.Table.from_arrays([pa.array([0.5])], schema=pa.schema([strange])),
        pa.table({"item": [1, 2]}),
        pa.Table.from_arrays([pa.array(["a"])] * 2, names=["item"] * 2),
    ]
    for table in tables:
        pq.write_table(table, file)
        with pytest.raises(HarnessError, match=r"outcomes\.parquet cannot be read: "):
            Table.load(file)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(HarnessError, match=r"outcomes\.parquet cannot be read: "):
        load_table(load_record(run), ())
