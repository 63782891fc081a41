"""Local files: every format gives the same items, every flaw is named with file, row and fix."""

from __future__ import annotations

import csv
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks.base import split
from harness.tasks.rows import files_in, read_file
from harness.tasks.table import TableTask

ROWS: list[dict[str, Any]] = [
    {"question": "Capital of France?", "answer": "Paris", "story": "a"},
    {"question": "Capital of Ukraine?\n(one word)", "answer": "Kyiv", "story": "b"},
    {"question": ' "Quoted", with comma ', "answer": "yes", "story": "b"},
]


def write(folder: Path, suffix: str, rows: list[dict[str, Any]]) -> str:
    path = folder / f"rows{suffix}"
    if suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    elif suffix == ".json":
        path.write_text(json.dumps({"note": "one list only", "example": rows}), encoding="utf-8-sig")
    elif suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return str(path)


def table(path: str | Path, **settings: Any) -> TableTask:
    return TableTask(name="table", path=str(path), **settings)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv", ".parquet"])
def test_every_format_gives_the_same_items(tmp_path: Path, suffix: str) -> None:
    items = table(write(tmp_path, suffix, ROWS), group="story").load()
    assert [item.fields for item in items] == [{"question": row["question"].strip()} for row in ROWS]
    assert [item.gold for item in items] == [["Paris"], ["Kyiv"], ["yes"]]
    assert [item.group for item in items] == ["a", "b", "b"]
    assert items[0].grade("It is Paris.").correct is True


def test_answers_may_be_lists_numbers_or_separated_texts(tmp_path: Path) -> None:
    lists = table(write(tmp_path, ".jsonl", [{"question": "q", "answer": ["Kyiv", "Kiev"]}])).load()
    separated = table(
        write(tmp_path, ".csv", [{"q": "q", "a": "Kyiv | Kiev"}]), question="q", answer="a", separator="|"
    )
    assert lists[0].gold == separated.load()[0].gold == ["Kyiv", "Kiev"]
    numbers = table(write(tmp_path, ".json", [{"question": "q", "answer": 1234.5}]), grader="number").load()
    assert numbers[0].grade("1,234.50").correct is True


@pytest.mark.parametrize("answer", ["Paris", "B", "1", 1])
def test_choices_make_multiple_choice_items(tmp_path: Path, answer: Any) -> None:
    path = write(tmp_path, ".jsonl", [{"question": "Capital?", "options": ["Lyon", "Paris"], "answer": answer}])
    (item,) = table(path, choices="options").load()
    assert item.fields["question"] == "Capital?\nChoices:\n (A) Lyon\n (B) Paris"
    assert (item.fields["stem"], item.fields["choices"], item.gold) == ("Capital?", ["Lyon", "Paris"], "(B) Paris")
    assert item.grade("(B)").correct is True


def test_a_training_file(tmp_path: Path) -> None:
    path = write(tmp_path, ".jsonl", ROWS)
    other = write(tmp_path, ".csv", [{"question": f"q{i}", "answer": "x"} for i in range(4)])
    assert table(path).load_train() is None
    assert len(split(table(path, train_path=other), None, 4).train) == 4


def test_a_grader_of_ones_own(tmp_path: Path) -> None:
    (item, *_) = table(write(tmp_path, ".jsonl", ROWS), grader="harness.tasks.graders.symbol").load()
    assert item.grade("Paris").answer == "Paris"


def flawed(folder: Path, name: str, content: bytes | str) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


OK = '{"question": "q", "answer": "a"}\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.jsonl", OK + "\n{oops\n", r"x\.jsonl, line 3: malformed JSON"),
        ("x.jsonl", OK + "[1]\n", r"x\.jsonl, line 2: a JSON object is wanted, not list"),
        ("x.jsonl", "", r"x\.jsonl: no rows"),
        (
            "x.jsonl",
            '{"question": "q", "answers": "a"}',
            r"no column 'answer', did you mean 'answers'\?",
        ),
        ("x.jsonl", '{"q": "x", "z": "a"}', r"no column 'question' \(there are: q, z\)"),
        (
            "x.jsonl",
            OK + '{"question": "q"}\n',
            r"x\.jsonl, line 2: 'answer' is None; give it a text or remove the row",
        ),
        ("x.jsonl", OK + '{"question": " ", "answer": "a"}', r"line 2: 'question' is ' '"),
        ("x.jsonl", '{"question": "q", "answer": []}', r"line 1: 'answer' is \[\]"),
        ("x.jsonl", '{"question": "q", "answer": NaN}', r"line 1: 'answer' is nan"),
        ("x.jsonl", '{"question": "q", "answer": {"a": 1}}', r"line 1: 'answer' is \{'a': 1\}"),
        ("x.jsonl", b'{"question": "\xff"}', r"x\.jsonl, line 1: not UTF-8"),
        ("x.json", '[\n{"a": 1},\n{]', r"x\.json, line 3: malformed JSON"),
        ("x.json", '{"a": [1], "b": [2]}', "a list of objects is wanted, or an object with exactly one such list"),
        ("x.json", f'[\n{OK},{OK}, {{"a": {"1" * 5000}}}]', r"x\.json, row 3 \(line 4\): JSON that cannot be read"),
        ("x.json", f"[{OK}, " + "[" * 100_000, r"x\.json, row 2 \(line 2\): JSON that cannot be read"),
        ("x.json", '{"a": ' + "[" * 100_000, r"x\.json: JSON that cannot be read"),
        ("x.json", "[1]", r"x\.json, row 1: a JSON object is wanted, not int"),
        ("x.json", "", r"x\.json: no rows"),
        ("x.csv", "", r"x\.csv: no rows"),
        ("x.csv", "question,answer\n", r"x\.csv: no rows"),
        ("x.csv", "question,answer\nq,a\nq,a,b\n", r"x\.csv, row 2: 3 values, 2 columns \(line 3\); quote"),
        ("x.csv", "question,question\nq,a\n", "two columns have the same name"),
        ("x.csv", 'question,answer\n"q"x,a\n', r"x\.csv, line 2: malformed CSV"),
        ("x.csv", "question,answer\nq,\n", r"x\.csv, row 1: 'answer' is ''"),
        ("x.parquet", "no parquet", r"x\.parquet: no Parquet file"),
        ("x.jsonl.gz", b"", r"unknown suffix '\.gz'; unpack it first"),
        ("x.jsonl", OK.encode() * 3000 + b'{"q": "\xff"}', r"x\.jsonl, line 3001: not UTF-8; convert"),
        ("x.csv", b"question,answer\nq,a\nq,caf\xe9\n", r"x\.csv, line 3: not UTF-8"),
        (
            "x.xlsx",
            "",
            r"x\.xlsx: unknown suffix '\.xlsx'; a task file ends in \.jsonl, \.json, \.csv, \.tsv, \.parquet",
        ),
    ],
)
def test_flaws_are_named(tmp_path: Path, name: str, content: bytes | str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        table(flawed(tmp_path, name, content), max_broken=0).load()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"none\.csv: no such file \(task\.path\)"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(HarnessError, match="is a folder; name a file in it"):
        read_file(tmp_path)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/dev/zero", "is no file but a device or a pipe"),
        ("pipe.jsonl", "is no file but a device or a pipe"),
        ("loop.jsonl", "no such file"),
        ("x" * 5000 + ".jsonl", "a name in this path has more than 255 bytes"),
        ("a\0b.jsonl", "a path without line breaks is needed"),
        ("~nosuchuser/x.jsonl", "there is no such home folder; write the path out"),
    ],
    ids=["device", "pipe", "loop", "long", "nul", "user"],
)
def test_what_is_no_file_is_one_line(tmp_path: Path, path: str, message: str) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "loop.jsonl").symlink_to(tmp_path / "loop.jsonl")
    place = path if path.startswith(("/", "~")) else tmp_path / path
    with pytest.raises(HarnessError, match=message) as raised:
        read_file(place)
    assert len(str(raised.value)) < 600


def parquet(path: Path, **columns: Any) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return str(path)


def test_a_text_of_parquet_that_is_not_utf8_is_named_by_row_and_column(tmp_path: Path) -> None:
    import pyarrow as pa

    offsets = b"".join(n.to_bytes(4, "little") for n in (0, 2, 4))
    texts = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(offsets), pa.py_buffer(b"ok\xff\xfe")])
    path = parquet(tmp_path / "x.parquet", question=["a", "b"], answer=texts, note=texts)
    with pytest.raises(HarnessError, match=r"x\.parquet, row 2: column 'answer' cannot be read: 'utf-8' codec"):
        table(path).load()
    path = parquet(tmp_path / "y.parquet", question=["a", "b"], answer=["x", "y"], note=texts)
    assert len(table(path).load()) == 2  # a column that is not used may hold anything


def test_a_date_that_python_does_not_know_is_named(tmp_path: Path) -> None:
    import pyarrow as pa

    path = parquet(tmp_path / "x.parquet", question=["a"], answer=pa.array([2**31 - 1], pa.int32()).cast(pa.date32()))
    with pytest.raises(HarnessError, match=r"row 1: column 'answer' cannot be read"):
        table(path).load()


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * 2, names=["question"] * 2), tmp_path / "x.parquet")
    with pytest.raises(HarnessError, match="two columns have the same name: question, question"):
        read_file(tmp_path / "x.parquet")


def test_the_name_of_a_folder_adds_no_column(tmp_path: Path) -> None:
    (tmp_path / "question=wrong").mkdir()
    path = parquet(tmp_path / "question=wrong" / "x.parquet", question=["right"], answer=["x"])
    assert table(path).load()[0].fields == {"question": "right"}


def test_flipped_bytes_of_parquet_are_one_line(tmp_path: Path) -> None:
    whole = Path(parquet(tmp_path / "x.parquet", question=["a", "b"], answer=["x", "y"])).read_bytes()
    rng, told = random.Random(0), []
    for _ in range(100):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        (tmp_path / "y.parquet").write_bytes(flipped)
        try:
            table(tmp_path / "y.parquet", duplicates="drop").load()
        except HarnessError as error:
            told.append(str(error))
    assert len(told) > 20
    assert not any("\n" in message for message in told)


def test_messages_about_huge_cells_are_short(tmp_path: Path) -> None:
    path = write(tmp_path, ".jsonl", [{"question": "q", "o": ["x" * 300_000, "y"], "answer": "z"}])
    with pytest.raises(HarnessError, match=r"which is no .*task\.answer_is=text") as raised:
        table(path, choices="o").load()
    assert len(str(raised.value)) < 2001


@pytest.mark.parametrize(
    ("row", "settings", "message"),
    [
        ({"o": ["Lyon"], "answer": "A"}, {"choices": "o"}, r"line 1: 1 choices; give 2 to 26"),
        (
            {"o": ["a", "b"], "answer": "C"},
            {"choices": "o"},
            r"line 1: 'answer' is 'C', which is no label of the options",
        ),
        (
            {"o": ["a", "b"], "answer": 2},
            {"choices": "o"},
            r"line 1: 'answer' is '2', which is no index of the options",
        ),
        ({"o": ["a", "a"], "answer": "A"}, {"choices": "o"}, r"line 1: equal choices"),
        ({"o": None, "answer": "A"}, {"choices": "o"}, r"line 1: 'o' is None"),
        ({"answer": "many"}, {"grader": "number"}, r"line 1: 'answer' is 'many', no number"),
        ({"answer": "A"}, {"grader": "letter_choice"}, r"set task\.choices=COLUMN"),
        ({"answer": "A"}, {"grader": "exact"}, r"grader 'exact' is none of short_answer"),
        ({"answer": "A"}, {"group": "story"}, r"no column 'story'"),
    ],
)
def test_rows_that_fit_no_item(tmp_path: Path, row: dict[str, Any], settings: dict[str, Any], message: str) -> None:
    path = write(tmp_path, ".jsonl", [{"question": "q", **row}])
    with pytest.raises(HarnessError, match=message):
        table(path, **settings).load()


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_dotted_column_takes_values_out_of_objects(tmp_path: Path, suffix: str) -> None:
    rows = [{"answer": {"aliases": ["a"]}, "x.y": 1}, {"answer": {"aliases": ["b", "c"]}, "x.y": 2}]
    read = read_file(write(tmp_path, suffix, rows))
    assert read.column("answer.aliases") == [["a"], ["b", "c"]]
    assert read.column("x.y") == [1, 2]


def test_a_file_without_a_header_and_with_a_separator_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('one, two;3\nfour;"5;6"\nseven\n')
    read = read_file(path, columns=("word", "number"), separator=";")
    assert read.column("word")[:2] == ["one, two", "four"]
    assert read.column("number")[:2] == ["3", "5;6"]
    assert read.flaws[2].startswith("1 values, 2 columns (line 3)")


def test_the_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "c.txt", "deep/d.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert [file.name for file in files_in(tmp_path, ("*.jsonl",))] == ["a.jsonl", "b.jsonl"]
    assert [file.name for file in files_in(tmp_path, ("*.csv", "*/*.jsonl"))] == ["d.jsonl"]
    assert files_in(tmp_path / "c.txt", ("*.jsonl",)) == [tmp_path / "c.txt"]
    assert files_in(tmp_path, ()) == [tmp_path], "refused when it is read"
    with pytest.raises(HarnessError, match=r"no \*\.csv in this folder \(task\.path\)"):
        files_in(tmp_path, ("*.csv",))


def test_names_of_columns_with_line_breaks_stay_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no column 'answer' \(there are: a\\nb, c\)$"):
        read_file(write(tmp_path, ".jsonl", [{"a\nb": 1, "c": 2}])).column("answer")
    path = tmp_path / "rows.csv"
    path.write_text('"a\nb","a\nb"\n1,2\n')
    with pytest.raises(HarnessError, match=r"two columns have the same name: a\\nb, a\\nb$"):
        read_file(path)
