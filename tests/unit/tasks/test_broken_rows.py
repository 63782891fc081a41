"""Rows that give no item are left out, counted and named; a set of many of them is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import Task, split
from harness.tasks.graders import short_answer
from harness.tasks.gsm8k import Gsm8k
from harness.tasks.hub import HubTask
from harness.tasks.mixture import Mixture
from harness.tasks.rows import Row, read_file
from harness.tasks.table import TableTask
from harness.tasks.triviaqa import TriviaQA

DEEP = '{"question": "a?", "answer": ' + "[" * 100_000 + "]" * 100_000 + "}"
BROKEN = [
    ("{oops", "malformed JSON"),
    ("[1]", "a JSON object is wanted, not list"),
    ('{"question": "q", "answer": null}', "'answer' is None"),
    ('{"question": "q", "answer": ""}', "'answer' is ''"),
    ('{"question": "smile \\ud83d?", "answer": "x"}', "'question' is .*character 7 is half a surrogate pair"),
    ('{"question": "q", "answer": ["yes", "\\udc00"]}', "'answer' is .*half a surrogate pair"),
    ('{"question": "q", "answer": Infinity}', "'answer' is inf: want a text or a finite number"),
    ('{"question": "q", "answer": ' + "1" * 5000 + "}", "JSON that cannot be read"),
    (DEEP, "JSON that cannot be read"),
    ('{"question": "q", "answer": "x", "answer": "y"}', "JSON that cannot be read .the key 'answer' stands twice"),
    ('{"question": "q", "answer": "x", "z": {"a": 1, "a": 1}}', "JSON that cannot be read .the key 'a' stands twice"),
    ('{"question": "q", "answer": ' + "[" * 200 + "]" * 200 + "}", "'answer' is .*want a text or a number"),
]


def lines(folder: Path, *rows: str, good: int = 0) -> str:
    path = folder / "rows.jsonl"
    path.write_text("\n".join([*rows, *(json.dumps({"question": f"q{i}", "answer": "a"}) for i in range(good))]))
    return str(path)


@pytest.mark.parametrize(("row", "message"), BROKEN)
def test_one_broken_row_is_left_out_and_named(tmp_path: Path, row: str, message: str) -> None:
    path = lines(tmp_path, row, good=3)
    parts = split(TableTask(path=path), None, 0)
    assert len(parts.test) == 3
    assert len(parts.broken) == 1
    assert parts.broken[0].startswith(f"{path}, line 1: ")
    with pytest.raises(HarnessError, match=f"rows.jsonl, line 1: {message}"):
        split(TableTask(path=path, max_broken=0), None, 0)
    with pytest.raises(HarnessError, match=f"rows.jsonl, line 1: {message}"):  # nothing else is in the file
        split(TableTask(path=lines(tmp_path, row)), None, 0)


@pytest.mark.parametrize(
    ("bad", "good", "share", "passes"),
    [
        (1, 9, 0.05, True),
        (2, 38, 0.05, True),
        (3, 37, 0.05, False),
        (2, 18, 0.05, False),
        (9, 1, 0.9, True),
        (1, 999, 0.0, False),
        (0, 5, 0.0, True),
        (1, 0, 1.0, False),
    ],
)
def test_the_share_that_is_let_pass(tmp_path: Path, bad: int, good: int, share: float, passes: bool) -> None:
    task = TableTask(path=lines(tmp_path, *["{"] * bad, good=good), max_broken=share)
    if passes:
        parts = split(task, None, 0)
        assert (len(parts.test), len(parts.broken)) == (good, bad)
    else:
        with pytest.raises(HarnessError, match="line 1: malformed JSON"):
            split(task, None, 0)


def test_a_share_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"task\.max_broken=1\.5: give a share"):
        TableTask(path=lines(tmp_path, good=1), max_broken=1.5).load()


def test_the_message_of_a_refused_set_says_how_many_and_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"the first of 4 broken rows of 10; task\.max_broken=0\.05 allows 1"):
        TableTask(path=lines(tmp_path, *["{"] * 4, good=6)).load()


def test_a_missing_column_is_an_error_of_the_set_and_not_of_its_rows(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no column 'response' \(there are"):
        TableTask(path=lines(tmp_path, good=3), answer="response", max_broken=1.0).load()


def test_a_limit_of_all_rows_stands_although_some_are_broken(tmp_path: Path) -> None:
    task = TableTask(path=lines(tmp_path, "{", good=19))
    assert len(split(task, 20, 0).test) == 19
    assert split(task, 20, 0).notes()[0] == "limit=20, but task 'table' has 19 items: 19 are tested"


def test_broken_rows_leave_the_items_and_the_fingerprint_as_a_clean_file_has_them(tmp_path: Path) -> None:
    clean = split(TableTask(path=lines(tmp_path, good=30)), 20, 5)
    flawed = split(TableTask(path=lines(tmp_path, "{", good=30)), 20, 5)
    assert (flawed.test, flawed.train, flawed.fingerprint) == (clean.test, clean.train, clean.fingerprint)
    assert clean.notes() == []
    assert flawed.notes()[0] == "1 broken rows are left out:"


def test_more_broken_rows_than_are_named_are_counted(tmp_path: Path) -> None:
    notes = split(TableTask(path=lines(tmp_path, *["{"] * 7, good=200)), None, 0).notes()
    assert len(notes) == 7
    assert notes[0] == "7 broken rows are left out:"
    assert "line 5: malformed" in notes[5]
    assert notes[6] == "  and 2 more"


def test_broken_rows_of_the_training_file_and_of_the_parts_of_a_mixture_are_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    train = lines(tmp_path / "train", '{"question": "lacks"}', good=0)
    Path(train).write_text(Path(train).read_text() + '\n{"question": "t", "answer": "a"}')
    task = TableTask(path=lines(tmp_path, "{", good=3), train_path=train)
    assert [message.rpartition(": ")[0].count("line 1") for message in split(task, None, 1).broken] == [1, 1]
    mixed = Mixture(name="m", parts={"a": task, "b": task}, each=2)
    assert (len(mixed.load()), len(mixed.load().broken)) == (4, 2)
    assert len(split(mixed, None, 1).broken) == 4


def test_csv_rows_of_the_wrong_length(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\nq1,a\nq2,a,b\nq3,a\n")
    parts = split(TableTask(path=str(path)), None, 0)
    assert len(parts.test) == 2
    assert parts.broken[0].startswith(f"{path}, row 2: 3 values, 2 columns (line 3)")


def test_a_cell_of_200_000_characters(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"question,answer\n{'x' * 200_000},a\n")
    (item,) = TableTask(path=str(path)).load()
    assert len(item.fields["question"]) == 200_000


@pytest.mark.parametrize(
    ("value", "gold"),
    [
        (1912.0, "1912"),
        (20000000000.0, "20000000000"),
        (1e-07, "0.0000001"),
        (1234.5, "1234.5"),
        (-0.0, "0"),
        (-3.0, "-3"),
        (1e22, "10000000000000000000000"),
        (3, "3"),
        ("1912.0", "1912.0"),
        (True, "True"),
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_numbers_are_written_as_a_person_would(tmp_path: Path, suffix: str, value: Any, gold: str) -> None:
    path = tmp_path / f"rows{suffix}"
    if suffix == ".jsonl":
        path.write_text(json.dumps({"question": "q", "answer": value}))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist([{"question": "q", "answer": value}]), path)
    (item,) = TableTask(path=str(path)).load()
    assert item.gold == [gold]


@pytest.mark.parametrize(
    ("cells", "golds"),
    [
        (["1912.0", "", "1950.0"], ["1912", "1950"]),
        (["1912.0", "19.5"], ["1912.0", "19.5"]),
        (["1.0", "version two"], ["1.0", "version two"]),
    ],
)
def test_a_csv_column_of_whole_floats_is_a_column_of_whole_numbers(
    tmp_path: Path, cells: list[str], golds: list[str]
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\n" + "".join(f"q{i},{cell}\n" for i, cell in enumerate(cells)))
    assert [item.gold for item in TableTask(path=str(path)).load()] == [[gold] for gold in golds]


@pytest.mark.parametrize(
    ("cell", "gold"),
    [
        ("['Ann', 'Bob']", ["Ann", "Bob"]),
        ('["Ann", "Bob"]', ["Ann", "Bob"]),
        ('["O\'Neill"]', ["O'Neill"]),
        ("[citation needed]", ["[citation needed]"]),
        ("[Ann, Bob]", ["[Ann, Bob]"]),
        ('["[0, 1]"]', ["[0, 1]"]),
        ("{1, 2}", ["{1, 2}"]),
        ("[0, 1)", ["[0, 1)"]),
    ],
)
@pytest.mark.parametrize("separator", [None, "|"])
def test_a_list_in_a_cell_is_a_list(tmp_path: Path, cell: str, gold: list[str], separator: str | None) -> None:
    path = lines(tmp_path, json.dumps({"question": "q", "answer": cell}))
    (item,) = TableTask(path=path, separator=separator).load()
    assert item.gold == gold


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("[0, 1]", r'could be a list or one text; write \["0", "1"\] for a list, \["\[0, 1\]"\] for one text'),
        ("['Ann' 'Bob']", "it is a printed array, not a list"),
        ("['Ann'\n 'Bob']", "it is a printed array, not a list"),
        ("array(['Ann', 'Bob'], dtype=object)]", "want|array"),
        ("[]", "could be a list or one text|give it a text"),
        ("{'value': 'Ann'}", "'answer' is .*want a text or a number"),
    ],
)
def test_a_cell_that_cannot_be_told_is_refused(tmp_path: Path, cell: str, message: str) -> None:
    path = lines(tmp_path, json.dumps({"question": "q", "answer": cell}))
    if cell.startswith("array"):  # no list by its first sign: one text
        assert TableTask(path=path).load()[0].gold == [cell]
        return
    with pytest.raises(HarnessError, match=message):
        TableTask(path=path).load()


def test_the_authors_own_files_of_triviaqa(tmp_path: Path) -> None:
    path = tmp_path / "verified.json"
    answer = {"Aliases": ["York UK", "York"], "MatchedWikiEntityName": "", "Type": "WikipediaEntity", "Value": "York"}
    path.write_text(
        json.dumps({"Data": [{"Answer": answer, "Question": "Which city?", "QuestionId": "x"}], "Split": "v"})
    )
    (item,) = TriviaQA(path=str(path)).load()
    assert (item.fields, item.gold) == ({"question": "Which city?"}, ["York", "York UK"])
    (tmp_path / "x.jsonl").write_text(json.dumps({"question": "Which?", "answer": {"Value": "York", "Aliases": []}}))
    assert TriviaQA(path=str(tmp_path / "x.jsonl")).load()[0].gold == ["York"]


def test_triviaqa_says_what_it_wants_and_what_it_found(tmp_path: Path) -> None:
    path = lines(tmp_path, json.dumps({"question": "q", "answer": {"text": "York", "other": 1}}))
    with pytest.raises(HarnessError, match="'answer' has the keys text, other; want an object with value and aliases"):
        TriviaQA(path=path).load()


def test_a_row_of_a_public_set_without_its_answer_does_not_cost_the_set(tmp_path: Path) -> None:
    rows = [{"question": f"q{i}", "answer": f"x\n#### {i}"} for i in range(40)]
    rows[7]["answer"] = "no mark"
    path = lines(tmp_path, *map(json.dumps, rows))
    parts = split(Gsm8k(path=path), None, 0)
    assert len(parts.test) == 39
    assert parts.broken == (f"{path}, line 8: 'answer' has no number after \"####\": ...'no mark'",)


class Own(Task):
    version = "1"

    def load(self) -> list[Item]:
        return [Item(fields={"question": "smile \ud83d"}, gold="x", grader=short_answer)]


def test_half_a_surrogate_pair_in_a_task_of_ones_own_is_one_line() -> None:
    with pytest.raises(HarnessError, match=r"half a surrogate pair .* after .*smile '"):
        split(Own(name="own"), None, 0)


def test_a_text_of_one_line_of_bytes_that_are_not_utf8_is_an_error_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"question": "q", "answer": "a"}\n{"question": "caf\xe9", "answer": "a"}')
    with pytest.raises(HarnessError, match="not UTF-8"):
        read_file(path)


@dataclass(frozen=True, kw_only=True)
class Pairs(HubTask):
    """Two questions a row; "skip" marks rows that are no questions."""

    version: ClassVar[str] = "1"
    licence: ClassVar[str] = "CC0"
    name: str = "pairs"
    hub: str = "nobody/pairs"

    def item(self, row: Row) -> list[Item] | None:
        if row.value("answer") == "skip":
            row.pass_over("an answer to skip")
            return None
        answer = row.text("answer")
        return [Item({"question": f"{row.text('question')} {n}"}, answer, short_answer) for n in (1, 2)]


def test_a_row_may_give_several_items_or_be_passed_over_for_a_reason_that_is_counted(tmp_path: Path) -> None:
    path = lines(tmp_path, '{"question": "x", "answer": "skip"}', '{"question": "y"}', good=3)
    parts = split(Pairs(path=path), None, 0)
    assert sorted(item.fields["question"] for item in parts.test) == [f"q{i} {n}" for i in range(3) for n in (1, 2)]
    assert parts.passed == ("1 passed over: an answer to skip",)
    assert parts.notes()[:2] == ["1 passed over: an answer to skip", "1 broken rows are left out:"]
    mixed = split(Mixture(parts={"a": Pairs(path=path), "b": Pairs(path=path)}), None, 0)
    assert mixed.passed == ("2 passed over: an answer to skip",)


def test_an_object_with_a_key_twice_is_refused_in_a_json_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    rows = '{"question": "q", "answer": "x"}, {"question": "r", "answer": "x", "answer": "y"}'
    path.write_text(f"[{rows}]")
    with pytest.raises(HarnessError, match=r"rows\.json, row 2 \(line 1\): .*the key 'answer' stands twice"):
        split(TableTask(path=str(path)), None, 0)
    path.write_text(f'{{"data": [{rows[:32]}], "data": []}}')
    with pytest.raises(HarnessError, match=r"rows\.json: .*the key 'data' stands twice"):
        split(TableTask(path=str(path)), None, 0)


def test_a_long_text_is_read_in_no_time(tmp_path: Path) -> None:
    text = "x" * 10_000_000
    parts = split(TableTask(path=lines(tmp_path, json.dumps({"question": text, "answer": "a"}), good=1)), None, 0)
    assert sorted(len(item.fields["question"]) for item in parts.test) == [2, len(text)]
