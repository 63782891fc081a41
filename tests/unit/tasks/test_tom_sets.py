"""The public sets on theory of mind: rows of each release's layout become items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.items import Item
from harness.tasks.base import Task, split
from harness.tasks.hub import HubTask
from harness.tasks.tom.bigtom import COLUMNS, BigToM
from harness.tasks.tom.hi_tom import HiToM, seen_together, sightings_of
from harness.tasks.tom.simpletom import SimpleToM
from harness.tasks.tom.tombench import ABILITY, ANSWER, ToMBench
from tests.unit.tasks.test_sets import configured

pytestmark = pytest.mark.usefixtures("datasets_cache")

NAN = float("nan")


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def simpletom(ending: str, story: str = "gen7_sev2", **more: Any) -> dict[str, Any]:
    return {
        "id": f"{story}_{ending}",
        "story": f"The lid of {story} is cracked. Ann packs the jar.",
        "question": f"What of {ending}?",
        "scenario_name": "jars",
        "choices": {"text": ["Yes", "No"], "label": ["A", "B"]},
        "answerKey": "B",
        **more,
    }


def hub_folder(folder: Path) -> Path:
    """The layout of allenai/SimpleToM: a folder for each kind, and a card that names them."""
    place = folder / "SimpleToM"
    for ending, kind in (("aware", "mental-state"), ("action", "behavior"), ("judge", "judgment")):
        rows = [simpletom(ending, f"gen{n}_sev{s}") for n in (1, 2) for s in (1, 2, 3)]
        jsonl(place / f"{kind}-qa" / "test.jsonl", *rows)
    jsonl(place / "story-data" / "test.jsonl", {"id": "gen1_sev1", "key_information": "x"})
    configs = "".join(
        f"  - config_name: {kind}-qa\n    data_files:\n    - split: test\n      path: {kind}-qa/test.jsonl\n"
        for kind in ("mental-state", "behavior", "judgment")
    )
    (place / "README.md").write_text(f"---\nlicense: odc-by\nconfigs:\n{configs}---\n")
    return place


@pytest.mark.parametrize("way", ["hub", "path"])
def test_simpletom_joins_its_three_kinds(tmp_path: Path, way: str) -> None:
    place = str(hub_folder(tmp_path))
    task = configured("simpletom", **{way: place})
    items = task.load()
    assert len(items) == 18
    assert {item.fields["ability"] for item in items} == {"mental-state", "behavior", "judgment"}
    assert {item.group for item in items} == {"gen1", "gen2"}
    units = [item.fields["unit"] for item in items]
    assert {units.count(unit) for unit in units} == {3}
    assert {item.fields["severity"] for item in items} == {"1", "2", "3"}
    assert {item.fields["scenario"] for item in items} == {"jars"}
    assert items[0].gold == "(B) No"
    assert ("odc-by" if way == "hub" else "ODC-BY") in task.source()
    assert len(configured("simpletom", **{way: place}, kinds=["behavior"]).load()) == 6


def test_simpletom_by_one_configuration_of_the_hub(tmp_path: Path) -> None:
    items = SimpleToM(hub=str(hub_folder(tmp_path)), config="judgment-qa").load()
    assert {item.fields["ability"] for item in items} == {"judgment"}


def test_simpletom_takes_the_kind_and_the_family_that_a_row_names(tmp_path: Path) -> None:
    row = simpletom("aware", "jar_sev3", question_type="mental-state", family="jar family")
    (item,) = SimpleToM(path=str(jsonl(tmp_path / "qa.jsonl", row))).load()
    assert (item.group, item.fields["unit"], item.fields["ability"]) == ("jar family", "jar_sev3", "mental-state")
    assert item.released is not None
    assert item.released("(A) or (B)", item).correct is False


@pytest.mark.parametrize("kinds", [[], ["knowledge"]])
def test_kinds_that_simpletom_has_not(tmp_path: Path, kinds: Any) -> None:
    with pytest.raises(HarnessError, match="give some of mental-state, behavior, judgment"):
        SimpleToM(path=str(hub_folder(tmp_path)), kinds=kinds).load()


def tombench(**more: Any) -> dict[str, Any]:
    zh = {"故事": "小红在看。", "问题": "谁在看", "选项A": "A. 小红", "选项B": "B.“小芳”", "选项C": NAN, "选项D": NAN}
    en = {
        "STORY": "Xiao Hong watches.",
        "QUESTION": "Who watches?",
        "OPTION-A": "Xiao Hong",
        "OPTION-B": "A friend",
        "OPTION-C": NAN,
        "OPTION-D": NAN,
    }
    return {ABILITY: "Belief: Content false beliefs", "序号\nINDEX": 1, **zh, **en, ANSWER: "A", **more}


def test_tombench_reads_a_folder_and_a_file(tmp_path: Path) -> None:
    four = {f"OPTION-{letter}": f"{letter}. option {n}" for n, letter in enumerate("ABCD")}
    jsonl(tmp_path / "data" / "False_Belief_Task.jsonl", tombench(), tombench(QUESTION="And who else?"))
    second = "Belief: Content false beliefs Belief: Second-order beliefs"
    file = jsonl(tmp_path / "data" / "Other Test.jsonl", tombench(**four, **{ABILITY: second, ANSWER: "C. trailing"}))
    one, two, other = configured("tombench", path=str(tmp_path)).load()
    assert (one.fields["choices"], one.gold) == (["Xiao Hong", "A friend"], "(A) Xiao Hong")
    assert (one.fields["test"], one.fields["kind"]) == ("False Belief Task", "Belief")
    assert one.group == two.group == one.fields["unit"] == other.group
    assert (other.fields["choices"], other.gold) == ([f"option {n}" for n in range(4)], "(C) option 2")
    assert (other.fields["ability"], other.fields["order"]) == (
        "Belief: Content false beliefs, Second-order beliefs",
        2,
    )
    (alone,) = ToMBench(path=str(file)).load()
    assert alone.id == other.id


def test_tombench_from_a_folder_in_the_layout_of_the_hub(tmp_path: Path) -> None:
    jsonl(tmp_path / "mirror" / "test.jsonl", tombench(), tombench(QUESTION="And who else?"))
    (tmp_path / "mirror" / "README.md").write_text("---\nlicense: cc0-1.0\n---\n")
    task = ToMBench(hub=str(tmp_path / "mirror"))
    assert [item.fields["choices"] for item in task.load()] == [["Xiao Hong", "A friend"]] * 2
    assert task.source() == f"data set {tmp_path / 'mirror'}, licence cc0-1.0"


def test_tombench_in_chinese_has_no_letters_in_its_options(tmp_path: Path) -> None:
    path = str(jsonl(tmp_path / "T.jsonl", tombench()))
    (item,) = configured("tombench", path=path, language="zh").load()
    assert (item.fields["story"], item.fields["choices"]) == ("小红在看。", ["小红", "“小芳”"])


def test_tombench_keeps_a_row_with_two_equal_options_and_says_so(tmp_path: Path) -> None:
    options = dict(zip(("OPTION-A", "OPTION-B", "OPTION-C", "OPTION-D"), ["Sad", "Glad", "Sad", "Shy"], strict=True))
    path = str(jsonl(tmp_path / "T.jsonl", tombench(**options, **{ANSWER: "D"}), tombench()))
    parts = split(ToMBench(path=path), None, 0)
    assert len(parts.test) == 2
    (item,) = [item for item in parts.test if len(item.fields["choices"]) == 3]
    assert (item.fields["choices"], item.gold) == (["Sad", "Glad", "Shy"], "(C) Shy")
    assert parts.notes()[0] == "1 rows are used without a part of them:"
    assert parts.notes()[1].startswith(f"  {path}, line 1: an option stands twice")


STORY = (
    "1 Ann, Bob and Cy entered the hall.\n2 The pear is in the red_box.\n3 The plum is in the tin.\n"
    "4 Ann moved the pear to the tin.\n5 Ann exited the hall.\n6 Bob likes the bag.\n7 Cy moved the pear to the bag.\n"
    "8 Cy exited the hall.\n9 Bob exited the hall.\n10 Ann, Bob and Cy entered the yard.\n\n***\n"
)


def hi_tom(order: int = 2, asked: str = "Where does Bob think Ann thinks the pear is?", **more: Any) -> dict[str, Any]:
    return {
        "prompting_type": "CoTP",
        "deception": False,
        "story_length": 1,
        "question_order": order,
        "sample_id": 0,
        "story": STORY,
        "question": asked,
        "choices": "A. red_box, B. bag, C. tin",
        "answer": "tin",
        **more,
    }


def hi_tom_file(folder: Path, *rows: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "Hi-ToM_data.json"
    path.write_text(json.dumps({"data": rows}, indent=4))
    return path


@pytest.mark.parametrize("way", ["file", "folder", "hub"])
def test_hi_tom_passes_over_the_rows_of_the_other_prompting_type(tmp_path: Path, way: str) -> None:
    rows = [
        hi_tom(),
        hi_tom(prompting_type="VP", answer="red_box"),
        hi_tom(0, "Where is the pear really?", answer="bag"),
    ]
    file = hi_tom_file(tmp_path / "hitom", *rows)
    given = {"path": str(file)} if way == "file" else {{"folder": "path", "hub": "hub"}[way]: str(file.parent)}
    task = configured("hi_tom", **given)
    second, zero = task.load()
    assert (second.fields["order"], second.gold, zero.gold) == (2, "(C) tin", "(B) bag")
    assert second.fields["choices"] == ["red_box", "bag", "tin"]
    assert second.fields["places"] == ["red_box", "tin", "bag"]
    assert (second.fields["disputed"], zero.fields["disputed"]) == (False, False)
    assert second.group == zero.group == second.fields["unit"]
    assert task.source().endswith("licence Apache-2.0")


def test_the_lines_of_hi_tom(tmp_path: Path) -> None:
    path = str(hi_tom_file(tmp_path, hi_tom()))
    (numbered,), (joined,) = HiToM(path=path).load(), HiToM(path=path, lines="joined").load()
    assert numbered.fields["story"].splitlines()[1] == "2 The pear is in the red_box."
    assert len(numbered.fields["story"].splitlines()) == 10
    assert joined.fields["story"].startswith("Ann, Bob and Cy entered the hall. The pear is in the red_box. The plum")
    assert joined.fields["story"].endswith("entered the yard.")
    assert joined.group == numbered.group


@pytest.mark.parametrize(
    ("more", "disputed"),
    [({"answer": "bag"}, True), ({"answer": "bag", "deception": True}, None), ({"question": "Where is it?"}, None)],
    ids=["gold differs", "claims", "no thing"],
)
def test_rows_whose_right_answer_is_disputed(tmp_path: Path, more: dict[str, Any], disputed: bool | None) -> None:
    (item,) = HiToM(path=str(hi_tom_file(tmp_path, hi_tom(**more)))).load()
    assert item.fields["disputed"] is disputed


def test_who_enters_a_room_sees_where_the_thing_is() -> None:
    story = ["Ann and Bob entered the hall.", "The pear is in the box.", "Ann exited the hall."]
    story += ["Bob moved the pear to the bag.", "Bob exited the hall.", "Bob and Ann entered the yard."]
    assert seen_together(sightings_of(story, "pear"), ["Ann"]) == "box"
    back = sightings_of([*story, "Ann entered the hall."], "pear")
    assert seen_together(back, ["Ann"]) == "bag"
    assert seen_together(back, ["Ann", "Bob"]) == "box"
    assert [sighting.put for sighting in back] == [True, True, False]
    assert seen_together(back, ["Cy"]) is None


def bigtom(**more: str) -> list[str]:
    cells = dict.fromkeys(COLUMNS, "x") | {
        "story": "Mei is a cook. She wants tea. Mei sees tea. Mei believes the pot holds tea. A cat tips the pot",
        "aware": "Mei sees the cat.",
        "unaware": "Mei does not see the cat.",
        "act if aware": "Mei fetches leaves.",
        "act if unaware": "Mei pours.",
        "belief question": "Does Mei believe that the pot is full or empty?",
        "action question": "What will Mei do?",
        "belief if aware": "Empty.",
        "belief if unaware": "Full.",
        "action if aware": "Mei will fetch leaves.",
        "action if unaware": "Mei will pour.",
        "random event": "A band plays.",
        "aware of random event": "Mei hears the band.",
        "unaware of random event": "Mei does not hear the band",
    }
    return list((cells | more).values())


def bigtom_file(folder: Path, *rows: list[str]) -> str:
    path = folder / "bigtom.csv"
    path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
    return str(path)


def test_the_conditions_of_bigtom(tmp_path: Path) -> None:
    bigtom_file(tmp_path, bigtom())
    task = configured("bigtom", path=str(tmp_path), initial_belief=["hidden", "shown"])
    items = {
        (item.fields["ability"], item.fields["condition"], item.fields["initial_belief"]): item for item in task.load()
    }
    assert len(items) == 22
    told = {key: item.fields["story"] for key, item in items.items()}
    start = "Mei is a cook. She wants tea. Mei sees tea. "
    belief = "Mei believes the pot holds tea. "
    assert told["forward belief", "true belief", "hidden"] == f"{start}A cat tips the pot. Mei sees the cat."
    assert (
        told["forward belief", "false belief", "shown"]
        == f"{start}{belief}A cat tips the pot. Mei does not see the cat."
    )
    assert told["forward action", "true control", "shown"] == f"{start}{belief}A band plays. Mei hears the band."
    assert told["forward action", "false control", "hidden"] == f"{start}A band plays. Mei does not hear the band."
    assert told["backward belief", "true belief", "hidden"] == f"{start}A cat tips the pot. Mei fetches leaves."
    assert told["backward belief", "false belief", "hidden"] == f"{start}A cat tips the pot. Mei pours."
    assert told["backward belief", "true control", "shown"] == f"{start}{belief}A band plays. Mei pours."
    gold = {key: item.gold[4:] for key, item in items.items()}
    assert {text for key, text in gold.items() if key[1] == "true belief"} == {"Empty.", "Mei will fetch leaves."}
    assert {text for key, text in gold.items() if key[1] != "true belief"} == {"Full.", "Mei will pour."}
    assert len({item.group for item in items.values()}) == 1
    assert task.source().endswith("licence MIT")


def test_a_constant_answer_is_never_right_on_both_items_of_a_bigtom_unit(tmp_path: Path) -> None:
    rows = [
        bigtom(story=f"Mei is cook {n}. She wants tea. Mei sees tea. Mei believes it. A cat comes.") for n in range(30)
    ]
    items = BigToM(path=bigtom_file(tmp_path, *rows), conditions=("true belief", "false belief")).load()
    units: dict[str, list[Item]] = {}
    for item in items:
        units.setdefault(item.fields["unit"], []).append(item)
    assert len(units) == 90
    assert all({item.gold[1] for item in pair} == {"A", "B"} for pair in units.values())
    assert all(len({tuple(item.fields["choices"]) for item in pair}) == 1 for pair in units.values())
    first = {pair[0].gold[1] for pair in units.values()}
    assert first == {"A", "B"}, "the options change places between templates"


@pytest.mark.parametrize("name", ["abilities", "conditions", "initial_belief"])
def test_settings_that_bigtom_does_not_know(tmp_path: Path, name: str) -> None:
    settings: dict[str, Any] = {name: ["percept"]}
    with pytest.raises(HarnessError, match=rf"task\.{name}=\['percept'\]: give some of"):
        BigToM(path=bigtom_file(tmp_path, bigtom()), **settings).load()


def only(folder: Path, task: type[HubTask], row: Any) -> Task:
    """A task over a file of one row."""
    if task is BigToM:
        return BigToM(path=bigtom_file(folder, row))
    path = hi_tom_file(folder, row) if task is HiToM else jsonl(folder / "rows.jsonl", row)
    return task(path=str(path))  # type: ignore[call-arg]  # each has a default for the rest


@pytest.mark.parametrize(
    ("task", "row", "message"),
    [
        (SimpleToM, simpletom("aware", story="") | {"id": "loose"}, "'id' is 'loose'; want the story's name"),
        (SimpleToM, simpletom("count"), "'id' ends in 'count', which is none of mental-state"),
        (SimpleToM, simpletom("aware", question_type="count"), "'question_type' is 'count', which is none of"),
        (SimpleToM, simpletom("aware", answerKey="C"), "'answerKey' is 'C', which is none of A, B"),
        (SimpleToM, simpletom("aware") | {"story": " "}, "'story' is ' '"),
        (SimpleToM, simpletom("aware", choices={"text": ["Yes"], "label": ["A"]}, answerKey="A"), "1 choices"),
        (SimpleToM, simpletom("aware", choices={"text": ["No", "No"], "label": ["A", "B"]}), "equal choices"),
        (SimpleToM, {"title": "x"}, "no column 'id'"),
        (ToMBench, tombench(STORY=NAN), "'STORY' is nan"),
        (ToMBench, tombench(**{ANSWER: "C"}), "the answer is 'C'; it has the options AB"),
        (ToMBench, tombench(**{ANSWER: None}), r"'答案\\nANSWER' is None"),
        (ToMBench, tombench(**{"OPTION-B": NAN}), "'OPTION-B' is nan"),
        (ToMBench, tombench(**{"OPTION-D": "Late"}), "the option C is missing"),
        (ToMBench, tombench(**{"OPTION-B": "Xiao Hong"}), "1 choices; give 2"),
        (ToMBench, tombench(**{"OPTION-A": "A. ", "OPTION-B": "B. x"}), "'OPTION-A' is"),
        (ToMBench, {"STORY": "x", ABILITY: "y"}, r"no column '答案\\nANSWER' \(there are: STORY, 能力\\nABILITY\)"),
        (HiToM, hi_tom(answer="attic"), "the answer 'attic' is none of the options"),
        (HiToM, hi_tom(choices="red_box, bag"), "'choices' has 'red_box, bag' where option A is wanted"),
        (HiToM, hi_tom(choices="A. tin, C. bag"), "'choices' has 'C. bag' where option B is wanted"),
        (HiToM, hi_tom(choices="A. tin, B. tin"), "the place 'red_box' is none of the options"),
        (HiToM, hi_tom(story="***\n"), "the story is empty"),
        (HiToM, hi_tom(5), "'question_order' is 5; want 0 to 4"),
        (HiToM, {"question": "x"}, "no column 'prompting_type'"),
        (BigToM, bigtom(story="Mei is a cook. She wants tea."), "the story has 2 sentences; want 5"),
        (BigToM, bigtom(**{"belief if aware": "Full."}), "equal choices"),
        (BigToM, bigtom(**{"action question": ""}), "'action question' is ''"),
        (BigToM, ["a", "b"], "2 values, 19 columns"),
    ],
)
def test_rows_that_give_no_item(tmp_path: Path, task: type[HubTask], row: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message) as raised:
        only(tmp_path, task, row).load()
    assert "\n" not in str(raised.value)


def test_one_broken_row_does_not_cost_the_set(tmp_path: Path) -> None:
    rows = [tombench(QUESTION=f"Question {n}?") for n in range(30)]
    rows[4][ANSWER] = "D"
    parts = split(ToMBench(path=str(jsonl(tmp_path / "T.jsonl", *rows))), None, 0)
    assert len(parts.test) == 29
    assert parts.broken == (f"{tmp_path / 'T.jsonl'}, line 5: the answer is 'D'; it has the options AB",)


@pytest.mark.parametrize(("name", "release"), [("tombench", "zhchen18/ToMBench"), ("bigtom", "procedural-evals-tom")])
def test_a_set_that_is_not_on_the_hub_says_where_it_is(name: str, release: str) -> None:
    task = configured(name, path=None)
    with pytest.raises(HarnessError, match=rf"give task\.path=FILE or task\.hub=ORG/NAME .*{release}.*licence MIT"):
        task.load()
    assert task.source().startswith("a file of yours (task.path); the set is published at")


def test_a_folder_without_the_files_of_a_set(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no \*\.jsonl or data/\*\.jsonl in this folder \(task\.path\)"):
        ToMBench(path=str(tmp_path)).load()
