"""Files as ToMi's generator writes them: numbered lines, questions with tabs, a trace beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.tasks.base import split
from harness.tasks.tom.tomi import ToMi
from tests.unit.tasks.test_sets import configured

STORY = (
    "Ann entered the back_yard.",
    "Bob entered the back_yard.",
    "The hat is in the red_box.",
    "The gloves are in the crate.",
    "Bob exited the back_yard.",
    "Ann moved the hat to the blue_drawer.",
    "Cid likes the melon",
)
QUESTIONS = (
    ("Where was the hat at the beginning?", "red_box", "memory"),
    ("Where will Bob look for the hat?", "red_box", "first_order_1_tom"),
    ("Where does Ann think that Bob searches for the hat?", "red_box", "second_order_0_tom"),
    ("Where is the hat really?", "blue_drawer", "reality"),
    ("Where will Ann look for the hat?", "blue_drawer", "first_order_0_no_tom"),
)


def block(question: str, answer: str, story: tuple[str, ...] = STORY) -> str:
    lines = [*story, f"{question}\t{answer}\t1"]
    return "\n".join(f"{number} {line}" for number, line in enumerate(lines, 1))


def written(folder: Path, *blocks: str, trace: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "test.txt").write_text("\n".join(blocks or [block(q, a) for q, a, _ in QUESTIONS]) + "\n")
    if trace:
        traces = [f"enter_agent_0,agent_1_exits,{about},false_belief" for *_, about in QUESTIONS]
        (folder / "test.trace").write_text("\n".join(traces) + "\n")
    return folder / "test.txt"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_questions_have_the_containers_of_their_story(tmp_path: Path, what: str) -> None:
    path = written(tmp_path / "data")
    task = configured("tomi", path=str(path if what == "file" else path.parent))
    items = task.load()
    assert [(i.fields["ability"], i.fields["order"], i.fields["tom"], i.gold[4:]) for i in items] == [
        ("memory", 0, None, "red box"),
        ("first order", 1, True, "red box"),
        ("second order", 2, True, "red box"),
        ("reality", 0, None, "blue drawer"),
        ("first order", 1, False, "blue drawer"),
    ]
    assert {item.fields["condition"] for item in items} == {"false belief"}
    assert {*items[0].fields["choices"]} == {"red box", "crate", "blue drawer"}
    assert all(item.fields["places"] == ["red box", "blue drawer"] for item in items)
    assert len({item.group for item in items}) == len({tuple(item.fields["choices"]) for item in items}) == 1
    assert items[0].fields["story"].splitlines()[:3] == [
        "Ann entered the back yard.", "Bob entered the back yard.", "The hat is in the red box.",
    ]  # fmt: skip
    assert items[0].grade("In the red box.").correct is True
    assert "CC-BY-NC-4.0" in task.source()


def test_without_a_trace_the_order_is_that_of_the_question(tmp_path: Path) -> None:
    items = ToMi(path=str(written(tmp_path, trace=False))).load()
    assert [item.fields["order"] for item in items] == [0, 1, 2, 0, 1]
    assert {(item.fields["condition"], item.fields["tom"]) for item in items} == {("", None)}


def test_a_question_within_a_story_is_about_the_lines_before_it(tmp_path: Path) -> None:
    early = "3 The hat is in the red_box.\n4 The gloves are in the crate.\n5 Where is the hat really?\tred_box\t3\n"
    rest = "6 Ann moved the hat to the crate.\n7 Where is the hat really?\tcrate\t6"
    text = f"1 Ann entered the hall.\n\n2 Bob entered the hall.\n{early}{rest}"
    items = ToMi(path=str(written(tmp_path, text, trace=False))).load()
    assert [item.fields["places"] for item in items] == [["red box"], ["red box", "crate"]]
    assert items[0].fields["story"].count("\n") == 3


BROKEN = [
    (block("Why is the hat there?", "red_box"), "the question is none of ToMi's: 'Why is the hat there.'"),
    (block("Where is the hat really?", "fridge"), "the answer 'fridge' is none of the containers red box, crate"),
    (block("Where is the hat really?", ""), "'answer' is ''"),
    (block("Where is the hat really?", "red_box", STORY[:3]), "1 choices"),
    (block("Where is the hat really?", "red_box", ()), "'story' is ''"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=[message[:25] for _, message in BROKEN])
def test_a_broken_question_is_left_out_and_named_by_its_line(tmp_path: Path, text: str, message: str) -> None:
    good = [block(q, a) for q, a, _ in QUESTIONS]
    path = written(tmp_path, *good, text, trace=False)
    parts = split(ToMi(path=str(path)), None, 0)
    assert len(parts.test) == 5
    assert parts.broken[0].startswith(f"{path}, line {len(path.read_text().splitlines())}: ")
    with pytest.raises(HarnessError, match=message):
        split(ToMi(path=str(path), max_broken=0), None, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 Ann entered the hall.", r"test.txt: no question; a question line is"),
        ("", r"test.txt: no question"),
        (block(*QUESTIONS[0][:2]), r"test.trace: 5 lines, but test.txt has 1 questions"),
    ],
)
def test_a_file_that_is_none_of_these_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(HarnessError, match=message) as raised:
        ToMi(path=str(path)).load()
    assert "\n" not in str(raised.value)


def test_no_such_file_and_no_utf8_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"nope.txt: cannot be read: No such file.*task.path"):
        ToMi(path=str(tmp_path / "nope.txt")).load()
    (tmp_path / "latin.txt").write_bytes(b"1 Ann entered the caf\xe9.\n")
    with pytest.raises(HarnessError, match=r"latin.txt: not UTF-8"):
        ToMi(path=str(tmp_path / "latin.txt")).load()
