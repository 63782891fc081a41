"""OpenToM: questions of three labels or two places, whose labels are unbalanced."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.items import Grade
from harness.metrics.columns import Classes
from harness.metrics.multiclass import macro_f1
from harness.tasks.base import split
from harness.tasks.tom.opentom import OpenToM
from harness.tasks.tom.opentom_grader import label_opentom
from tests.unit.tasks.test_sets import configured

pytestmark = pytest.mark.usefixtures("datasets_cache")


def a_row(kind: str, asked: str, answer: Any, name: str = "Ann", **more: Any) -> dict[str, Any]:
    """A row of opentom.json."""
    return {
        "plot": f"{name} moved the hat.",
        "plot_info": {
            "mover": name,
            "eoi": "hat",
            "original_place": "treasure_chest",
            "move_to_place": "the top shelf",
            "observer": "Bob",
        },
        "observed": False,
        "narrative": f"{name} put the hat on the top shelf when Bob was out.",
        "question": {"question": asked, "answer": answer, "type": kind},
        **more,
    }


ROWS = [
    a_row("location-fo", "Is the hat in its initial location, to Bob?", "Yes"),
    a_row("location-so", "Where precisely does Bob think that Ann thinks that the hat is?", "treasure_chest"),
    a_row("location-fo", "Where precisely does Ann think that the hat is?", "the top shelf"),
    a_row("multihop-fo", "How does treasure_chest's fullness change for Bob?", "equally full"),
    a_row("multihop-so", "How would hat's accessibility change, to Ann, for Bob?", "less accessible"),
    a_row("attitude", "As Bob, what is your attitude towards Ann's action?", "negative"),
]


def folder(place: Path) -> str:
    """The layout of the hub: two files and a card that calls them Long and ExtraLong."""
    place = place / "OpenToM"
    place.mkdir()
    (place / "opentom.json").write_text(json.dumps(ROWS))
    (place / "opentom_long.json").write_text(json.dumps([a_row("location-fo", "Is it there?", "No", "Cid")]))
    (place / "README.md").write_text(
        "---\nlicense: cc-by-nc-4.0\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: Long\n    path: opentom.json\n  - split: ExtraLong\n    path: opentom_long.json\n---\n"
    )
    return str(place)


@pytest.mark.parametrize("way", ["hub", "path"])
def test_questions_have_labels_orders_and_two_places(tmp_path: Path, way: str) -> None:
    task = configured("opentom", **{way: folder(tmp_path)})
    items = task.load()
    assert [(i.fields["ability"], i.fields["order"], i.gold[4:]) for i in items] == [
        ("coarse location", 1, "Yes"),
        ("fine location", 2, "treasure chest"),
        ("fine location", 1, "top shelf"),
        ("fullness", 1, "equally full"),
        ("accessibility", 2, "less accessible"),
        ("attitude", 1, "negative"),
    ]
    assert items[1].fields["choices"] == items[2].fields["choices"]
    assert {*zip(items[1].fields["choices"], items[1].fields["labels"], strict=True)} == {
        ("treasure chest", "initial"),
        ("top shelf", "new"),
    }
    assert items[1].fields["places"] == ["treasure chest", "top shelf"]
    assert items[3].fields["labels"] == items[3].fields["choices"] == ["more full", "equally full", "less full"]
    assert items[3].fields["asked"] == "How does treasure chest's fullness change for Bob?"
    assert items[5].fields["asked"].endswith("Assume that you saw the action.")
    assert {item.fields["condition"] for item in items} == {"unobserved"}
    assert len({item.group for item in items}) == 1
    assert "cc-by-nc-4.0" in task.source().lower()


def test_the_splits_are_long_and_extra_long(tmp_path: Path) -> None:
    place = folder(tmp_path)
    assert [item.gold for item in configured("opentom", hub=place, split="ExtraLong").load()] == ["(B) No"]
    with pytest.raises(HarnessError, match=r"Should be one of \['Long', 'ExtraLong'\]"):
        configured("opentom", hub=place, split="test").load()


def local(folder: Path, *rows: dict[str, Any]) -> str:
    (folder / "opentom.json").write_text(json.dumps(rows))
    return str(folder / "opentom.json")


def test_a_constant_answer_is_often_right_and_has_a_low_macro_f1(tmp_path: Path) -> None:
    answers = ["less full"] * 17 + ["more full"] * 2 + ["equally full"]
    rows = [a_row("multihop-fo", "Whose fullness?", answer, f"Ann{n}") for n, answer in enumerate(answers)]
    items = OpenToM(path=local(tmp_path, *rows)).load()
    labels = [item.fields["labels"]["ABC".index(item.gold[1])] for item in items]
    assert Counter(labels) == Counter(answers)
    codes = [Classes(np.array([Classes.of(name) for name in names])) for names in (["less full"] * 20, labels)]
    assert macro_f1(*codes, w=np.ones((1, 20)))[0] == pytest.approx(2 * 0.85 / 1.85 / 3)  # accuracy .85


def test_answers_with_two_labels_are_read_as_the_release_does(tmp_path: Path) -> None:
    asked = "How would hat's accessibility change?"
    rows = [
        a_row("multihop-fo", asked, "more accessible|equally accessible", "Ann"),
        a_row("multihop-fo", asked, ["corrupted", "less accessible"], "Cid"),
    ]
    items = OpenToM(path=local(tmp_path, *rows)).load()
    assert [item.gold[4:] for item in items] == ["equally accessible", "less accessible"]


BROKEN: list[tuple[dict[str, Any], str]] = [
    (a_row("location-fo", "Where precisely?", "the shed"), "the answer 'shed' is none of treasure chest, top shelf"),
    (a_row("multihop-fo", "How full?", "less full"), "asks for fullness or accessibility; this one: 'How full.'"),
    (a_row("multihop-fo", "Whose fullness?", "empty"), "the answer 'empty' is none of more full"),
    (a_row("intention", "Why?", "x"), "'question.type' is 'intention'"),
    (a_row("attitude", "What?", None), "'question.answer' is None"),
    (a_row("multihop-fo", "Whose fullness?", ["less full", "more full"]), "want one answer"),
    (a_row("attitude", "What?", "neutral", question="What?"), "'question' is no object"),
    (a_row("attitude", "What?", "neutral", narrative=""), "'narrative' is ''"),
    (
        a_row(
            "location-fo", "Where precisely?", "box", plot_info={"original_place": "the box", "move_to_place": "a box"}
        ),
        "equal choices",
    ),
]


@pytest.mark.parametrize(("row", "message"), BROKEN, ids=[message[:30] for _, message in BROKEN])
def test_a_broken_row_is_left_out_and_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    path = local(tmp_path, *ROWS, row)
    assert len(OpenToM(path=path).load()) == len(ROWS)
    assert split(OpenToM(path=path), None, 0).notes()[0] == "1 broken rows are left out:"
    with pytest.raises(HarnessError, match=f"row 7: .*{message}"):
        OpenToM(path=path, max_broken=0).load()


@pytest.mark.parametrize(
    ("at", "reply", "read"),
    [
        (0, "Yes.", Grade("Yes", True)),
        (0, "I know: yes", Grade("", None)),  # "no" is a piece of "know"
        (0, "", Grade("", None)),
        (1, "In the treasure_chest.", Grade("treasure chest", True)),
        (1, "the chest on the shelf", Grade("", None)),
        (1, "", Grade("", None)),
        (3, "not less full but equally full", Grade("less full", False)),
        (3, "It stays equally full.", Grade("equally full", True)),
        (4, "less accessible", Grade("less accessible", True)),
        (4, "fewer people reach it", Grade("", None)),
        (5, "I think.\n\nAnswer: c. It hurts", Grade("negative", True)),
        (5, "negative or neutral", Grade("", None)),
        (5, "Negative", Grade("negative", True)),
    ],
)
def test_the_graders_of_the_release(tmp_path: Path, at: int, reply: str, read: Grade) -> None:
    item = OpenToM(path=local(tmp_path, *ROWS)).load()[at]
    assert item.released is label_opentom
    assert label_opentom(reply, item) == read


def test_our_grade_reads_the_label_or_the_letter(tmp_path: Path) -> None:
    item = OpenToM(path=local(tmp_path, *ROWS)).load()[3]
    assert [item.grade(reply).correct for reply in ("(B)", "equally full", "(A)", "less full", "")] == [
        True, True, False, False, None,
    ]  # fmt: skip
