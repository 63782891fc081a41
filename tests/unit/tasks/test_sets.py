"""The public sets: rows of the hub's layout become items; the hub itself is replaced here."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import Task, split
from harness.tasks.graders import number
from harness.tasks.gsm8k import Gsm8k
from harness.tasks.mmlu import Mmlu
from harness.tasks.triviaqa import TriviaQA
from harness.tasks.truthfulqa import TruthfulQA

CONF = Path(__file__).parents[3] / "conf" / "task"
REAL = os.environ.get("HARNESS_TEST_DATA")
needs_data = pytest.mark.skipif(REAL is None, reason="HARNESS_TEST_DATA names no folder with gsm8k/ and truthfulqa/")

HUB: dict[tuple[str, str | None, str], list[dict[str, Any]]] = {
    ("openai/gsm8k", "main", "test"): [
        {"question": "How many?", "answer": "6*7=<<6*7=42>>42\n#### 42"},
        {"question": "How much?", "answer": "a\nb\nc\n#### 1,234"},
    ],
    ("openai/gsm8k", "main", "train"): [{"question": f"Train {i}?", "answer": f"x\n#### {i}"} for i in range(5)],
    ("mandarjoshi/trivia_qa", "rc.nocontext", "validation"): [
        {"question": "Who sang it?", "answer": {"value": "Abba", "aliases": ["ABBA", "Abba"], "type": "x"}},
        {"question": "Who sang it?", "answer": {"value": "Abba", "aliases": ["ABBA", "Abba"], "type": "x"}},
    ],
    ("mandarjoshi/trivia_qa", "rc.nocontext", "train"): [
        {"question": "Where?", "answer": {"value": "Rome", "aliases": [], "type": "x"}}
    ],
    ("truthfulqa/truthful_qa", "multiple_choice", "validation"): [
        {"question": f"Is it so {i}?", "mc1_targets": {"choices": ["no", "yes", "always"], "labels": [1, 0, 0]}}
        for i in range(30)
    ],
    ("cais/mmlu", "all", "test"): [
        {"question": "2+2?", "subject": "algebra", "choices": ["1", "2", "4", "5"], "answer": 2},
        {"question": "Rome?", "subject": "history", "choices": ["a", "b", "c", "d"], "answer": 0},
    ],
    ("cais/mmlu", "all", "dev"): [
        {"question": "1+1?", "subject": "algebra", "choices": ["1", "2", "4", "5"], "answer": 1}
    ],
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load_dataset(name: str, config: str | None, *, split: str, revision: str | None) -> Any:
        if (name, config, split) not in HUB:
            raise ConnectionError(f"Couldn't reach {name!r} on the Hub\n(a long story)")
        assert revision is None
        return datasets.Dataset.from_list(HUB[name, config, split])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)


def configured(name: str, **settings: Any) -> Task:
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    task = instantiate(OmegaConf.load(CONF / f"{name}.yaml"), **settings)
    assert isinstance(task, Task)
    return task


@pytest.mark.usefixtures("hub")
def test_gsm8k_from_the_hub() -> None:
    task = configured("gsm8k")
    items = task.load()
    assert [item.gold for item in items] == ["42", "1234"]
    assert [item.fields["difficulty"] for item in items] == [1.0, 3.0]
    assert [item.fields["stratum"] for item in items] == ["easy", "medium"]
    assert "42" not in str(items[0].fields)
    assert len(split(task, None, 5).train) == 5


@pytest.mark.usefixtures("hub")
def test_triviaqa_from_the_hub() -> None:
    parts = split(configured("triviaqa"), None, 1)
    assert [item.gold for item in parts.test] == [["Abba", "ABBA"]]
    assert [item.gold for item in parts.train] == [["Rome"]]


@pytest.mark.usefixtures("hub")
def test_truthfulqa_from_the_hub_is_shuffled_by_content() -> None:
    items = configured("truthfulqa").load()
    places = Counter(item.gold[1] for item in items)
    assert set(places) == {"A", "B", "C"}
    assert all(item.gold[4:] == "no" and item.fields["choices"]["ABC".index(item.gold[1])] == "no" for item in items)
    assert [item.id for item in items] == [item.id for item in configured("truthfulqa").load()]
    assert configured("truthfulqa").load_train() is None


@pytest.mark.usefixtures("hub")
def test_mmlu_from_the_hub() -> None:
    items = configured("mmlu").load()
    assert [item.gold for item in items] == ["(C) 4", "(A) a"]
    assert items[0].fields["question"] == "2+2?\nChoices:\n (A) 1\n (B) 2\n (C) 4\n (D) 5"
    assert [item.fields["kind"] for item in configured("mmlu", subjects=["history"]).load()] == ["history"]
    assert len(split(configured("mmlu"), None, 1).train) == 1
    with pytest.raises(HarnessError, match="no subject 'alchemy'; it has: algebra, history"):
        configured("mmlu", subjects=["alchemy"]).load()


@pytest.mark.usefixtures("hub")
def test_a_hub_out_of_reach_is_one_clear_error() -> None:
    with pytest.raises(
        HarnessError, match=r"data set 'openai/gsm8k' .*'nope'.*Couldn't reach.*task\.path=FILE"
    ) as raised:
        configured("gsm8k", split="nope").load()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["facts", "arithmetic"])
def test_embedded_tasks_are_configured(name: str) -> None:
    task = configured(name)
    assert len(task.load()) >= 600
    assert len(split(task, 40, 20).test) == 40


def local(folder: Path, rows: list[dict[str, Any]]) -> str:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return str(path)


def test_a_local_file_goes_without_the_hub(tmp_path: Path) -> None:
    rows = HUB["openai/gsm8k", "main", "train"]
    task = configured("gsm8k", path=local(tmp_path, rows))
    assert len(task.load()) == 5
    assert task.load_train() is None
    assert len(split(task, None, 1).test) == 4


def test_the_table_task_is_configured(tmp_path: Path) -> None:
    (item,) = configured("table", path=local(tmp_path, [{"question": "q", "answer": "Rome"}])).load()
    assert item.grade("It is Rome.").correct is True


@pytest.mark.parametrize(
    ("kind", "row", "message"),
    [
        (Gsm8k, {"question": "q", "answer": "no mark"}, r"line 1: 'answer' has no number after \"####\""),
        (Gsm8k, {"question": "q", "answer": "x #### many"}, r"line 1: 'answer' has no number"),
        (TriviaQA, {"question": "q", "answer": {"value": "<unk>", "aliases": []}}, "line 1: no answer; use a split"),
        (TriviaQA, {"question": "q", "answer": "Rome"}, "want an object with value and aliases"),
        (TruthfulQA, {"question": "q", "mc1_targets": {"a": 1, "b": 1}}, "line 1: 'mc1_targets' has 2 right options"),
        (TruthfulQA, {"question": "q", "mc1_targets": {"a": 1, " ": 0}}, "line 1: 1 choices; give 2 to 26"),
        (TruthfulQA, {"Question": "q", "Best Answer": "a", "Incorrect Answers": "a; b"}, "line 1: equal choices"),
        (Mmlu, {"question": "q", "subject": "s", "choices": ["a", "b"], "answer": "E"}, "choice number 4 of 2"),
        (Mmlu, {"question": "q", "subject": "s", "choices": ["a", ""], "answer": "A"}, "line 1: 'choices' is ''"),
    ],
)
def test_rows_that_fit_no_item(tmp_path: Path, kind: Any, row: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        kind(name="x", hub="x", path=local(tmp_path, [row])).load()


def test_mmlu_takes_letters_and_indices(tmp_path: Path) -> None:
    rows = [{"question": "q", "subject": "s", "choices": ["a", "b"], "answer": answer} for answer in ("B", 1, "1")]
    items = Mmlu(name="mmlu", hub="x", path=local(tmp_path, rows)).load()
    assert {item.gold for item in items} == {"(B) b"}


@needs_data
def test_the_real_gsm8k_and_the_verdicts_on_published_solutions() -> None:
    folder = Path(str(REAL)) / "gsm8k"
    task = Gsm8k(
        name="gsm8k", hub="x", path=str(folder / "test.jsonl"), train_path=str(folder / "train_subset1000.jsonl")
    )
    parts = split(task, None, 1000)
    assert (len(parts.test), len(parts.train)) == (660, 1000)
    verdicts = Counter[tuple[bool | None, bool]]()
    for line in (folder / "example_model_solutions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        item = Item(fields={}, gold=row["ground_truth"].rpartition("A:")[2], grader=number)
        for model in ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"):
            verdicts[item.grade(row[model]["solution"]).correct, row[model]["is_correct"]] += 1
    # One solution breaks off inside its last number: no answer is read in it, which counts as wrong.
    assert verdicts == {(True, True): 1014, (False, False): 1625, (None, False): 1}
    assert verdicts.total() == 2640


@needs_data
def test_the_real_truthfulqa_is_the_same_from_both_files() -> None:
    folder = Path(str(REAL)) / "truthfulqa"
    from_csv, from_json = (
        {item.fields["stem"]: item for item in TruthfulQA(name="t", hub="x", path=str(folder / file)).load()}
        for file in ("TruthfulQA.csv", "mc_task.json")
    )
    assert len(from_csv) == 395
    for stem, item in from_csv.items():
        assert (item.fields["choices"], item.gold) == (from_json[stem].fields["choices"], from_json[stem].gold)
        for text in (item.gold, item.gold[4:], f"The answer is {item.gold[:3]}."):
            assert item.grade(text).correct is True
