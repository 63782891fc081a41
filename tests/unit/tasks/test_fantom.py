"""FANToM: sets of questions on a conversation become items, and lists are graded by whole names."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.items import Grade, Item
from harness.metrics.columns import Labels, Units
from harness.metrics.joint import joint_accuracy
from harness.outcomes import factorize
from harness.tasks.base import split
from harness.tasks.graders import grader_name
from harness.tasks.tom.fantom import Fantom
from harness.tasks.tom.fantom_graders import letter_fantom, names, names_fantom, yes_no_fantom
from tests.unit.tasks.test_sets import configured

MISSED = {"missed_info_accessibility": "inaccessible"}


def a_set(name: str = "3-0-1", **more: Any) -> dict[str, Any]:
    """A row of the release: Ann and Anna talk about a cat while Bob is away."""
    return {
        "set_id": name,
        "part_id": name[:3],
        "short_context": "Ann: My cat is called Moss.\nAnna: How nice.",
        "full_context": "Bob: I go.\nAnn: My cat is called Moss.\nAnna: How nice.\nBob: I am back.\nCid: Hello.",
        "factQA": {"question": "What is the cat called?", "correct_answer": "Moss.", "wrong_answer": "Nobody says."},
        "beliefQAs": [
            {
                "question": "What does Bob believe the cat is called?",
                "question_type": "tom:belief:inaccessible",
                "tom_type": "first-order",
                "correct_answer": "Bob does not know its name.",
                "wrong_answer": "Bob believes that it is called Moss.",
                **MISSED,
            },
            {
                "question": "What does Ann think Anna believes the cat is called?",
                "question_type": "tom:belief:accessible",
                "tom_type": "second-order:acyclic",
                "correct_answer": "Ann thinks that Anna believes it is Moss.",
                "wrong_answer": "Ann thinks that Anna does not know.",
                "missed_info_accessibility": "accessible",
            },
        ],
        **{
            f"{kind}QA_list": {
                "question": f"Who is on the {kind} list?",
                "correct_answer": ["Ann", "Anna"],
                "wrong_answer": ["Bob"],
                **MISSED,
            }
            for kind in ("answerability", "infoAccessibility")
        },
        **{
            f"{kind}QAs_binary": [
                {"question": f"Does Ann know ({kind})?", "correct_answer": "yes", **MISSED},
                {"question": f"Does Bob know ({kind})?", "correct_answer": "no", **MISSED},
                {"question": f"Does Cid know ({kind})?", "correct_answer": "no:long", **MISSED},
            ]
            for kind in ("answerability", "infoAccessibility")
        },
        **more,
    }


def written(folder: Path, *sets: dict[str, Any]) -> str:
    (folder / "fantom").mkdir(exist_ok=True)
    (folder / "fantom" / "fantom_v1.json").write_text(json.dumps(sets), encoding="utf-8")
    return str(folder / "fantom")


def test_a_set_gives_its_questions_in_one_unit_for_each_condition(tmp_path: Path) -> None:
    task = configured("fantom", path=written(tmp_path, a_set()))
    items = task.load()
    kinds = Counter((item.fields["ability"], item.fields["order"], item.fields["unit"]) for item in items)
    assert kinds == {
        ("fact", 0, ""): 1,
        ("belief", 1, "3-0-1 inaccessible"): 1,
        ("belief", 2, "3-0-1 accessible"): 1,
        ("answerability list", 1, "3-0-1 inaccessible"): 3,
        ("accessibility list", 1, "3-0-1 inaccessible"): 3,
        ("answerability", 1, "3-0-1 inaccessible"): 2,
        ("accessibility", 1, "3-0-1 inaccessible"): 2,
    }
    assert {item.group for item in items} == {"3-0"}
    assert all(item.fields["story"].startswith("Ann: My cat") for item in items)
    notes = split(task, None, 0).notes()
    assert notes == ["2 passed over: a yes-or-no question that only the full conversation answers (task.context=full)"]
    assert "MIT (code), data by download" in task.source()
    assert str(tmp_path) in task.source()


def test_questions_show_what_they_are_about(tmp_path: Path) -> None:
    items = Fantom(path=written(tmp_path, a_set())).load()
    asked = {item.fields["asked"]: item for item in items}
    yes = asked["Target: What is the cat called?\nDoes Ann know (answerability)?"]
    assert (yes.fields["choices"], yes.gold) == (["Yes", "No"], "(A) Yes")
    no = asked["Information: What is the cat called? Moss.\nDoes Bob know (infoAccessibility)?"]
    assert no.gold == "(B) No"
    listed = asked["Target: What is the cat called?\nWho is on the answerability list?\nDoes Anna belong on this list?"]
    assert listed.gold == "(A) Yes"
    belief = asked["What does Bob believe the cat is called?"]
    assert belief.gold[4:] == "Bob does not know its name."
    assert len(belief.fields["choices"]) == 2


def test_the_full_conversation_asks_everybody_and_is_inaccessible_once_somebody_lacks_it(tmp_path: Path) -> None:
    easy = {"missed_info_accessibility": "accessible"}
    row = a_set()
    row["answerabilityQAs_binary"] = [{**one, **easy} for one in row["answerabilityQAs_binary"]]
    row["answerabilityQA_list"].update(easy)
    items = Fantom(path=written(tmp_path, row), context="full").load()
    assert {item.group for item in items} == {"3"}
    asked = [item for item in items if item.fields["ability"].startswith("answerability")]
    assert len(asked) == 6
    assert {item.fields["condition"] for item in asked} == {"inaccessible"}
    assert sum("Does Cid know (answerability)?" in item.fields["asked"] for item in asked) == 1
    short = Fantom(path=written(tmp_path, row)).load()
    found = {item.fields["condition"] for item in short if item.fields["ability"].startswith("answerability")}
    assert found == {"accessible"}


def test_the_order_of_two_options_is_drawn(tmp_path: Path) -> None:
    rows = [a_set(f"{n}-0-0") for n in range(40)]
    for n, row in enumerate(rows):
        row["beliefQAs"][0]["question"] += f" ({n})"
    items = Fantom(path=written(tmp_path, *rows)).load()
    first = Counter(item.gold[1] for item in items if item.fields["asked"].startswith("What does Bob"))
    assert 10 <= first["A"] <= 30


def test_all_of_a_set_is_right_or_nothing(tmp_path: Path) -> None:
    items = Fantom(path=written(tmp_path, a_set("1-0-0"), a_set("2-0-0"))).load()
    hard = [item for item in items if item.fields["condition"] == "inaccessible"]
    units = Units(factorize(np.array([item.fields["unit"] for item in hard], dtype=object))[1])
    right = np.ones(len(hard))
    right[0] = 0  # one question of eleven of the first set
    assert joint_accuracy(Labels(right), units, w=np.ones((1, len(hard))))[0] == 0.5


def test_whole_lists_are_answers_without_options(tmp_path: Path) -> None:
    items = Fantom(path=written(tmp_path, a_set()), lists="whole").load()
    (item,) = (one for one in items if one.fields["ability"] == "answerability list")
    assert "choices" not in item.fields
    assert item.gold == ["Ann, Anna", ["Ann", "Anna"], ["Bob"]]
    assert (item.grader, item.released, item.fields["unit"]) == (names, names_fantom, "3-0-1 inaccessible")


LIST = Item(fields={}, gold=["Ann", ["Ann"], ["Anna", "Mary Ann"]], grader=names, released=names_fantom)


@pytest.mark.parametrize(
    ("reply", "ours", "theirs"),
    [
        ("Ann", True, True),
        ("Anna", False, False),  # theirs finds Ann in it, and Anna, too
        ("ann.", True, True),
        ("Mary Ann", False, False),
        ("Ann and Mary Ann", False, False),
        ("Only Ann's list has it", True, True),
        ("", None, None),
        ("nobody", None, False),
        ("The annual meeting", None, True),  # a piece of a word is a name there
        ("Answer: Ann", True, True),
    ],
)
def test_names_are_whole_and_pieces_of_words_in_the_release(reply: str, ours: bool | None, theirs: bool | None) -> None:
    assert names(reply, LIST).correct is ours
    assert names_fantom(reply, LIST).correct is theirs


def test_a_list_with_anna_does_not_name_ann() -> None:
    both = Item(fields={}, gold=["Ann, Bob", ["Ann", "Bob"], ["Cid"]], grader=names)
    assert names("Anna and Bob", both) == Grade("Bob", False)
    assert names_fantom("Anna and Bob", both).correct is True
    assert names("Bob, Ann", both) == Grade("Ann, Bob", True)


YES_NO = Item(fields={"choices": ["Yes", "No"]}, gold="(B) No", grader=names)


@pytest.mark.parametrize(
    ("reply", "read"),
    [
        ("", Grade("", None)),
        ("   ", Grade("", None)),
        ("No", Grade("No", True)),
        ("'No'", Grade("No", True)),
        ("No. Yes, Ann does, but Bob does not.", Grade("Yes", False)),  # a yes is looked for first
        ("I think not", Grade("", None)),
        ("He does not know it", Grade("No", True)),
        ("true", Grade("Yes", False)),
        ("(B)", Grade("", None)),
        ("Answer: no", Grade("No", True)),
    ],
)
def test_yes_comes_before_no_in_the_release_and_an_empty_reply_ends_nothing(reply: str, read: Grade) -> None:
    assert yes_no_fantom(reply, YES_NO) == read


def test_a_letter_anywhere_is_an_answer_in_the_release() -> None:
    item = Item(fields={"choices": ["x", "y"]}, gold="(B) y", grader=names)
    assert letter_fantom("(A) is wrong, so it is (B)", item) == Grade("A or B", True)
    assert letter_fantom("b.", item) == Grade("B", True)
    assert letter_fantom("A: x", item) == Grade("A", False)
    assert letter_fantom("", item) == Grade("", None)


def test_our_grade_of_a_yes_or_no_reads_words_and_letters(tmp_path: Path) -> None:
    items = Fantom(path=written(tmp_path, a_set())).load()
    item = next(one for one in items if one.fields["asked"].endswith("Does Bob know (answerability)?"))
    assert [item.grade(reply).correct for reply in ("(B)", "No", "No, she left.", "Yes", "")] == [
        True, True, True, False, None,
    ]  # fmt: skip
    assert item.released is yes_no_fantom


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beliefQAs": "none"}, "'beliefQAs' is no list of questions"),
        ({"factQA": None}, "'factQA' is no question with its answers"),
        ({"answerabilityQA_list": {"question": "q", "correct_answer": "Ann", "wrong_answer": []}}, "no list of names"),
        (
            {"answerabilityQA_list": {"question": "q", "correct_answer": ["Ann"], "wrong_answer": ["Ann"]}},
            "names .'Ann'. as right and .'Ann'. as wrong",
        ),
        ({"answerabilityQAs_binary": [{"question": "q", "correct_answer": "maybe"}]}, "has the answer 'maybe'"),
        ({"beliefQAs": [{"question": "q", "tom_type": "third"}]}, "has the tom_type 'third'"),
        (
            {"beliefQAs": [{"question": "q", "tom_type": "first-order", "correct_answer": "a", "wrong_answer": "a"}]},
            "beliefQAs: equal choices",
        ),
        ({"short_context": ""}, "'short_context' is ''"),
    ],
)
def test_a_set_with_a_broken_question_is_left_out_whole_and_named(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = written(tmp_path, a_set("1-0-0"), a_set("2-0-0", **change), a_set("3-0-0"))
    items = Fantom(path=path).load()
    assert {item.group for item in items} == {"1-0", "3-0"}
    assert (len(items.broken), items.passed.total()) == (1, 4)
    with pytest.raises(HarnessError, match=f"fantom_v1.json, row 2.*{message}"):
        Fantom(path=path, max_broken=0).load()


def test_other_columns_and_no_file_are_clear_messages(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no column 'short_context'"):
        Fantom(path=written(tmp_path, {"story": "x", "set_id": "1"})).load()
    with pytest.raises(HarnessError, match=r"give task.path=FILE .*github.com/skywalker023/fantom"):
        Fantom().load()


@pytest.mark.parametrize("grade", [names, names_fantom, letter_fantom, yes_no_fantom])
def test_graders_have_names_by_which_a_run_finds_them_again(grade: Any) -> None:
    assert grader_name(grade) == f"harness.tasks.tom.fantom_graders.{grade.__name__}"
