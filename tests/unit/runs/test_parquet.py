"""Rows as Parquet: every value comes back, missing ones as missing, and no import of pandas is waited for."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from harness.outcomes import Kind, Table


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_table_comes_back_equal(tmp_path: Path, count: int, share: float) -> None:
    rng = np.random.default_rng(count)
    gone = rng.random((3, count)) < share
    numbers = np.where(gone[0], np.nan, rng.normal(size=count))
    labels = np.where(gone[1], np.nan, rng.random(count) < 0.5)
    texts = np.empty(count, object)
    texts[:] = [None if missing else "é中\x00" * int(rng.integers(3)) for missing in gone[2]]
    kinds: dict[str, Kind] = {"n": "number", "l": "label", "t": "text"}
    Table(kinds, {"n": numbers, "l": labels, "t": texts}).save(tmp_path / "a.parquet")
    back = Table.load(tmp_path / "a.parquet")
    assert back.kinds == kinds
    np.testing.assert_array_equal(back.columns["n"], numbers)
    np.testing.assert_array_equal(back.columns["l"], labels)
    assert back.columns["t"].tolist() == texts.tolist()
    written = pq.read_table(tmp_path / "a.parquet")
    assert [str(field.type) for field in written.schema] == ["double", "bool", "string"]
    assert [written.column(name).null_count for name in "nlt"] == gone.sum(axis=1).tolist()


def test_rows_are_written_without_pandas(tmp_path: Path) -> None:
    code = (
        "import sys; import numpy as np; from pathlib import Path; from harness.outcomes import Table\n"
        "Table({'n': 'number'}, {'n': np.array([1.0, np.nan])}).save(Path(sys.argv[1]))\n"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.parquet")], check=True)
