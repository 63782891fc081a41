"""Any set on the hub by columns; a local folder in the hub's layout stands in for the hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.config import load_job
from harness.errors import HarnessError
from harness.execution.checks import prepare_items
from harness.tasks.base import split
from harness.tasks.table import TableTask

pytestmark = pytest.mark.usefixtures("datasets_cache")

ROWS = [{"q": f"Capital of land {i}?", "a": [f"City {i}", f"Town {i}"], "story": f"s{i}"} for i in range(12)]


def a_set(folder: Path, suffix: str, card: str = "---\nlicense: cc-by-4.0\n---\n# Capitals\n") -> Path:
    place = folder / "capitals"
    (place / "data").mkdir(parents=True)
    for name, rows in (("test", ROWS), ("train", [{**row, "q": f"New {row['q']}"} for row in ROWS])):
        file = place / "data" / f"{name}{suffix}"
        if suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist(rows), file)
        else:
            file.write_text("\n".join(map(json.dumps, rows)))
    (place / "README.md").write_text(card)
    return place


def task(place: Path, **more: Any) -> TableTask:
    return TableTask(**{"hub": str(place), "question": "q", "answer": "a", "group": "story", **more})


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_columns_of_a_set(tmp_path: Path, suffix: str) -> None:
    parts = split(task(a_set(tmp_path, suffix), train_split="train"), 5, 3)
    assert (len(parts.test), len(parts.train)) == (5, 3)
    assert all(item.fields["question"].startswith("New Capital") for item in parts.train)
    item = next(item for item in task(tmp_path / "capitals").load() if item.group == "s3")
    assert (item.fields, item.gold) == ({"question": "Capital of land 3?"}, ["City 3", "Town 3"])


def test_it_composes_and_runs_from_the_command_line(tmp_path: Path) -> None:
    place = a_set(tmp_path, ".jsonl")
    words = ["experiment=pTrue", "task=table", f"task.hub={place}", "task.question=q", "task.answer=a", "engine=fake"]
    items = prepare_items(load_job([*words, "tracker=none", f"runs={tmp_path / 'runs'}"]))
    assert (len(items.test), len(items.train)) == (9, 3)
    assert items.notes()[0] == "limit=120, but task 'table' has 12 items: 9 are tested"


def test_the_licence_is_told(tmp_path: Path) -> None:
    place = a_set(tmp_path, ".jsonl")
    assert task(place).source() == f"data set {place}, licence cc-by-4.0"
    (place / "README.md").write_text("---\n: [broken\n---\n")
    assert task(place).source().endswith("licence not known here")
    assert task(Path("nobody/such-set")).source().endswith("licence not known here")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"split": "validation"}, r"Unknown split .validation.. Should be one of \['train', 'test'\]"),
        ({"config": "nope"}, "BuilderConfig 'nope' not found"),
        ({"revision": "main"}, "is a local folder, which has no revisions"),
        ({"hub": "nobody/such-set"}, r"cannot be had: .*without a connection.*task\.path=FILE"),
        ({"hub": "~nosuchuser/x"}, r"task\.hub=~nosuchuser"),
        ({"hub": ""}, r"give task\.path=FILE for a file or task\.hub=ORG/NAME .*neither is given"),
        ({"path": "x.jsonl"}, "both are given"),
        ({"answer": "b"}, r"no column 'b' \(there are"),
    ],
)
def test_what_goes_wrong_is_one_line(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    place = a_set(tmp_path, ".jsonl")
    with pytest.raises(HarnessError, match=message) as raised:
        task(place, **settings).load()
    assert "\n" not in str(raised.value)


def test_a_folder_of_broken_files_is_one_line(tmp_path: Path) -> None:
    place = a_set(tmp_path, ".jsonl")
    (place / "data" / "test.jsonl").write_text('{"q": "a"}\n{oops')
    with pytest.raises(HarnessError, match="cannot be had: ") as raised:
        task(place).load()
    assert "\n" not in str(raised.value)


def test_the_commit_that_was_read_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    commit = "0123456789abcdef0123456789abcdef01234567"
    info = datasets.DatasetInfo(download_checksums={f"hf://datasets/org/name@{commit}/data/test.parquet": None})
    data = datasets.Dataset.from_list(ROWS, info=info)
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: data)
    assert split(task(Path("org/name")), None, 0).revision == commit


@pytest.mark.parametrize(
    ("experiment", "way"),
    [
        (
            "pTrue",
            "experiment.arms=[zero-shot,zero-shot swapped,fixed] asks for none; task.train_path=FILE gives others",
        ),
        ("mcCalibration", "experiment.tuning=0 asks for none; task.train_path=FILE gives others"),
        ("pIKContexts", "task.train_path=FILE gives others"),
    ],
)
def test_an_experiment_that_needs_training_items_names_what_asks_for_none(
    tmp_path: Path, experiment: str, way: str
) -> None:
    (tmp_path / "one.jsonl").write_text('{"question": "q", "answer": "a", "o": ["a", "b"]}')
    words = [f"experiment={experiment}", "task=table", f"task.path={tmp_path / 'one.jsonl'}", "engine=fake"]
    words += ["task.choices=o", "experiment.arms=[zero-shot]"] if experiment == "mcCalibration" else []
    with pytest.raises(HarnessError, match="none of the items can be for training") as raised:
        prepare_items(load_job(words))
    assert str(raised.value).endswith(way)
