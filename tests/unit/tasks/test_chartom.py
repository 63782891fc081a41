"""CharToM-QA: shuffled options, contexts of three lengths, and passages of elsewhere in the book."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness.config import load_job
from harness.errors import HarnessError
from harness.tasks.tom.chartom import CharToM
from tests.unit.tasks.test_sets import configured

pytestmark = pytest.mark.usefixtures("datasets_cache")


def a_row(number: int = 0, book: str = "Emma by Jane Austen", **more: Any) -> dict[str, Any]:
    return {
        "book_name": book,
        "tom_dimension": "Belief",
        "context_0": f"passage {number}",
        "context_1000": f"before, passage {number}",
        "context_2000": f"long before, passage {number} of {book}",
        "question": f"What does she think ({number})?",
        "answer": f"The right one, which is long ({number}).",
        "bonus_points": [f"point {number}", "another"],
        "misleading_choices": [f"wrong {number}", "also wrong", "quite wrong"],
        **more,
    }


def parquet(folder: Path, *rows: dict[str, Any]) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / "data.parquet")
    (folder / "README.md").write_text(
        "---\nlicense: apache-2.0\nconfigs:\n- config_name: chartom-qa\n  data_files:\n"
        "  - split: test\n    path: data.parquet\n---\n"
    )
    return str(folder)


@pytest.mark.parametrize("way", ["hub", "path"])
def test_fields_of_a_question(tmp_path: Path, way: str) -> None:
    task = configured("chartom", **{way: parquet(tmp_path / "CharToM-QA", a_row(0), a_row(1))})
    item = task.load()[0]
    assert item.fields["contexts"] == {
        "0": "passage 0",
        "1000": "before, passage 0",
        "2000": "long before, passage 0 of Emma by Jane Austen",
    }
    assert item.fields["elsewhere"] == "long before, passage 1 of Emma by Jane Austen"
    assert (item.fields["book"], item.fields["ability"], item.group) == (
        "Emma by Jane Austen", "belief", "Emma by Jane Austen",
    )  # fmt: skip
    assert item.fields["bonus_points"] == ["point 0", "another"]
    assert item.fields["answer_text"] == item.gold[4:] == "The right one, which is long (0)."
    assert (item.fields["story"], item.fields["asked"]) == ("passage 0", "What does she think (0)?")
    assert "pache-2.0" in task.source()


def test_the_story_is_the_context_of_the_setting_and_the_options_stay(tmp_path: Path) -> None:
    place = parquet(tmp_path / "c", a_row(0))
    short, long = CharToM(path=place).load()[0], CharToM(path=place, context=2000).load()[0]
    assert long.fields["story"] == short.fields["contexts"]["2000"]
    assert long.fields["choices"] == short.fields["choices"]


def test_options_come_in_an_order_of_their_own(tmp_path: Path) -> None:
    place = parquet(tmp_path / "c", *(a_row(n) for n in range(80)))
    letters = Counter(item.gold[1] for item in CharToM(path=place).load())
    assert set(letters) == set("ABCD")
    assert max(letters.values()) <= 40
    again = [item.gold for item in CharToM(path=place).load()]
    assert again == [item.gold for item in CharToM(path=place).load()]


def test_elsewhere_is_the_next_other_passage_of_the_same_book_in_a_circle(tmp_path: Path) -> None:
    rows = [a_row(0), a_row(1, "Ulysses"), a_row(2), a_row(3), a_row(4)]
    rows[3]["context_2000"] = rows[2]["context_2000"]
    items = CharToM(path=parquet(tmp_path / "c", *rows)).load()
    passages = [item.fields["contexts"]["2000"] for item in items]
    assert [item.fields["elsewhere"] for item in items] == [passages[2], "", passages[4], passages[4], passages[0]]


def test_the_context_is_a_number_on_the_command_line(tmp_path: Path) -> None:
    place = parquet(tmp_path / "c", a_row(0))
    words = ["experiment=mcCalibration", "task=chartom", f"task.path={place}", "task.context=2000", "engine=fake"]
    (item,) = load_job(words).task.load()
    assert item.fields["story"].startswith("long before")
    with pytest.raises(HarnessError, match="context=500: 0, 1000 or 2000 is needed"):
        load_job([*words, "task.context=500"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"misleading_choices": ["a", "a", "b"]}, "equal choices"),
        ({"answer": " "}, "'answer' is ' '"),
        ({"context_1000": ""}, "'context_1000' is ''"),
        ({"misleading_choices": None}, "'misleading_choices' is no list"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    place = parquet(tmp_path / "c", a_row(0), a_row(1), {**a_row(2), **change})
    items = CharToM(path=place).load()
    assert (len(items), len(items.broken)) == (2, 1)
    with pytest.raises(HarnessError, match=f"row 3: .*{message}"):
        CharToM(path=place, max_broken=0).load()
