"""Options in every form that public sets have, and one rule for what the answers of a file mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks.table import TableTask

TEXTS = ["Oslo", "Rome", "Bern", "Riga"]


def golds(folder: Path, rows: list[dict[str, Any]], suffix: str = ".jsonl", **settings: Any) -> list[str]:
    path = folder / f"rows{suffix}"
    rows = [{"question": f"q{i}", **row} for i, row in enumerate(rows)]
    if suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)))
    return [item.gold for item in TableTask(path=str(path), **({"choices": "choices"} | settings)).load()]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("labels", "answer"),
    [("ABCD", "C"), ("1234", "3"), ("ABCD", 2), ("1234", "Bern"), ("ABCD", "(C)"), ("ABCD", "c"), ("abcd", "C")],
)
def test_texts_and_labels_of_the_hub(tmp_path: Path, suffix: str, labels: str, answer: Any) -> None:
    rows = [{"choices": {"text": TEXTS, "label": list(labels)}, "answer": answer}]
    assert golds(tmp_path, rows, suffix) == ["(C) Bern"]


def test_arc_mixes_letters_and_digits_and_three_to_five_options(tmp_path: Path) -> None:
    rows = [
        {"choices": {"text": TEXTS, "label": list("ABCD")}, "answerKey": "B"},
        {"choices": {"text": TEXTS, "label": list("1234")}, "answerKey": "3"},
        {"choices": {"text": TEXTS[:3], "label": list("123")}, "answerKey": "1"},
        {"choices": {"text": [*TEXTS, "Kyiv"], "label": list("ABCDE")}, "answerKey": "E"},
    ]
    assert golds(tmp_path, rows, answer="answerKey") == ["(B) Rome", "(C) Bern", "(A) Oslo", "(E) Kyiv"]


def test_digit_labels_are_not_taken_for_indices(tmp_path: Path) -> None:
    rows = [{"choices": {"text": TEXTS, "label": list("1234")}, "answer": a} for a in ("1", "2")]
    assert golds(tmp_path, rows) == ["(A) Oslo", "(B) Rome"]


def test_the_authors_own_layout_of_arc_and_the_objects_of_medqa(tmp_path: Path) -> None:
    own = [{"text": text, "label": label} for text, label in zip(TEXTS, "ABCD", strict=True)]
    rows: list[dict[str, Any]] = [{"question": {"stem": "Capital of Latvia?", "choices": own}, "answerKey": "D"}]
    settings = {"question": "question.stem", "choices": "question.choices", "answer": "answerKey"}
    assert golds(tmp_path, rows, **settings) == ["(D) Riga"]
    assert golds(tmp_path, [{"choices": dict(zip("ABCD", TEXTS, strict=True)), "answer": "B"}]) == ["(B) Rome"]


def test_options_that_were_saved_as_text(tmp_path: Path) -> None:
    rows = [{"choices": str({"text": TEXTS, "label": list("ABCD")}), "answer": "D"}]
    assert golds(tmp_path, rows) == ["(D) Riga"]
    assert golds(tmp_path, [{"choices": json.dumps(TEXTS), "answer": "Rome"}]) == ["(B) Rome"]


SUMS = ["1", "2", "3", "4"]


def test_whole_numbers_beside_texts_are_indices(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"choices": SUMS, "answer": 2}, {"choices": SUMS, "answer": 3}]
    assert golds(tmp_path, rows) == ["(C) 3", "(D) 4"]
    assert golds(tmp_path, rows, ".parquet") == ["(C) 3", "(D) 4"]
    floats: list[dict[str, Any]] = [
        {"choices": SUMS, "answer": 2.0},
        {"choices": SUMS, "answer": 3.0},
        {"choices": SUMS, "answer": None},
    ]
    assert golds(tmp_path, floats, ".parquet") == ["(C) 3", "(D) 4"]  # a column with a gap is one of floats


def test_years_are_options_although_they_are_numbers(tmp_path: Path) -> None:
    assert golds(tmp_path, [{"choices": ["1912", "1913"], "answer": 1913}]) == ["(B) 1913"]


@pytest.mark.parametrize(
    ("rows", "meanings"),
    [
        ([{"choices": SUMS, "answer": "2"}, {"choices": SUMS, "answer": "3"}], "text or index"),
        ([{"choices": [1, 2, 3, 4], "answer": 2}], "text or index"),
        ([{"choices": ["B", "A"], "answer": "A"}], "label or text"),
    ],
)
def test_a_file_that_cannot_tell_asks_for_the_setting(
    tmp_path: Path, rows: list[dict[str, Any]], meanings: str
) -> None:
    with pytest.raises(HarnessError, match=rf"line 1: the answer '.' can mean several .*task\.answer_is={meanings}$"):
        golds(tmp_path, rows)


@pytest.mark.parametrize(
    ("answer_is", "gold"), [("text", "(B) 2"), ("index", "(C) 3"), ("number", "(B) 2"), (None, None)]
)
def test_the_setting_decides(tmp_path: Path, answer_is: Any, gold: str | None) -> None:
    rows = [{"choices": SUMS, "answer": "2"}]
    if gold:
        assert golds(tmp_path, rows, answer_is=answer_is) == [gold]
    else:
        with pytest.raises(HarnessError, match="can mean several"):
            golds(tmp_path, rows)


def test_the_reading_of_most_rows_is_that_of_the_file(tmp_path: Path) -> None:
    rows = [{"choices": SUMS, "answer": a} for a in "1234"]  # "4" is no index
    assert golds(tmp_path, rows) == ["(A) 1", "(B) 2", "(C) 3", "(D) 4"]
    rows = [{"choices": SUMS, "answer": a} for a in "0123"]  # "0" is no option
    assert golds(tmp_path, rows) == ["(A) 1", "(B) 2", "(C) 3", "(D) 4"]
    labelled = [{"choices": {"text": TEXTS, "label": list("1234")}, "answer": a} for a in "0123"]
    assert golds(tmp_path, labelled) == [f"({letter}) {text}" for letter, text in zip("ABCD", TEXTS, strict=True)]


def test_a_row_that_the_rule_of_the_file_cannot_read_is_broken(tmp_path: Path) -> None:
    rows = [{"choices": TEXTS, "answer": "B"}] * 30 + [{"choices": TEXTS, "answer": "Rome"}]
    assert golds(tmp_path, rows) == ["(B) Rome"] * 30
    with pytest.raises(HarnessError, match=r"line 31: 'answer' is 'Rome', which is no label .*task\.answer_is="):
        golds(tmp_path, rows, max_broken=0)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"choices": {"text": ["a", "b"], "label": ["A"]}, "answer": "A"}, "2 texts and 1 labels"),
        ({"choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answer": ["A", "B"]}, "2 right options"),
        ({"choices": {"text": ["a", ""], "label": ["A", "B"]}, "answer": "A"}, "'choices' is ''"),
        ({"choices": {"text": ["a", "b"], "label": ["A", "B"]}, "answer": None}, "'answer' is None"),
        ({"choices": [], "answer": "A"}, r"'choices' is \[\]"),
        ({"choices": {}, "answer": "A"}, r"'choices' is \{\}"),
    ],
)
def test_rows_that_fit_no_item(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        golds(tmp_path, [row])
