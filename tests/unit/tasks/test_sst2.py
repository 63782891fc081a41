"""SST-2: rows of the release become items; tokens that stand apart are joined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks.base import split
from harness.tasks.sst2 import Sst2, joined
from tests.unit.tasks.test_sets import configured


def jsonl(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


@pytest.mark.parametrize("label", [1, "1", "positive", "Positive"])
def test_fields_of_a_sentence(tmp_path: Path, label: Any) -> None:
    row = {"idx": 0, "sentence": "it 's a charming and often affecting journey . ", "label": label}
    task = configured("sst2", path=jsonl(tmp_path / "validation.jsonl", row))
    (item,) = task.load()
    assert item.fields["review"] == "it's a charming and often affecting journey."
    assert item.fields["question"].startswith("Is this review positive or negative? it's a")
    assert item.gold == "positive"
    assert item.grade("Positive.").correct
    assert item.grade("negative").correct is False
    assert "licence unknown" in task.source()


def test_the_hubs_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "sst2"
    (folder / "data").mkdir(parents=True)
    rows = [{"idx": n, "sentence": f"film number {n} is fine . ", "label": n % 2} for n in range(4)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "validation-00000-of-00001.parquet")
    (folder / "README.md").write_text("---\nlicense:\n- unknown\n---\n")
    task = configured("sst2", hub=str(folder))
    assert [item.gold for item in task.load()] == ["negative", "positive"] * 2
    assert "licence unknown" in task.source()


def test_sentences_whose_label_is_not_published_are_passed_over_and_others_named(tmp_path: Path) -> None:
    rows = [{"sentence": f"number {n}", "label": n % 2} for n in range(30)]
    rows += [{"sentence": "hidden", "label": -1}, {"sentence": "odd", "label": 7}]
    read = split(Sst2(path=jsonl(tmp_path / "a.jsonl", *rows)), None, 0)
    assert len(read.test) == 30
    assert read.passed == ("1 passed over: the label is not published",)
    assert "'label' is '7'; want 0 or 1" in read.broken[0]
    with pytest.raises(HarnessError, match="no column 'sentence'"):
        Sst2(path=jsonl(tmp_path / "b.jsonl", {"text": "x", "label": 1})).load()


@pytest.mark.parametrize(
    ("apart", "written"),
    [
        ("we do n't care , really", "we don't care, really"),
        ("you ca n't , and wo n't", "you can't, and won't"),
        ("the film 's plot -lrb- such as it is -rrb- works", "the film's plot (such as it is) works"),
        ("`` fresh '' it is n't !", '"fresh" it isn\'t!'),
        ("they 're great ... i 'll go", "they're great... i'll go"),
        ("no. 1 film ?", "no. 1 film?"),
        ("a well-made thriller", "a well-made thriller"),
        ("", ""),
    ],
)
def test_tokens_are_joined(apart: str, written: str) -> None:
    assert joined(apart) == written
