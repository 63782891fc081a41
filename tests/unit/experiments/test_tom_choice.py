"""tomChoice on engines of known replies: readers of minds, of places and of letters get exact numbers."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.theory_of_mind.belief_orders.task import BeliefOrders
from experiments.theory_of_mind.rules import ANY, OF_PLACES, RULES, least_in_story, most_in_story, near_people, shared
from experiments.theory_of_mind.tom_choice.rows import right_option
from experiments.theory_of_mind.tom_choice.tom_choice import TomChoice
from harness import Grade, Item, Metric
from harness.config import load_job
from harness.execution.runner import ask_all
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.tasks.base import Split
from harness.tasks.choices import LETTERS
from harness.tasks.tom.questions import about_story
from harness.testing import fake_subject, simulate

ITEMS = BeliefOrders(families=12).load()
OTHERS = BeliefOrders(families=3, seed=9).load()
ASKED = ("options", "free", "no story", "shuffled story", "swapped options")
Answer = Callable[[str, dict[str, str]], str]
"""What is answered, by the prompt and by the letter of each option; an option or a letter."""


def engine(answer: Answer) -> Callable[[str], Mapping[str, float]]:
    """A model that gives the letter of an option, read or written."""

    def reply(prompt: str) -> Mapping[str, float]:
        letters = {text: letter for letter, text in re.findall(r"^ \(([A-Z])\) (.*)$", prompt, re.MULTILINE)}
        said = answer(prompt, letters)
        letter = letters.get(said, said)
        return {letter: 1.0} if prompt.endswith("(") else {f" ({letter})": 1.0}

    return reply


def asks(item: Item) -> str:
    return f"Question: {item.fields['asked']}\n"


def reader(prompt: str, letters: dict[str, str]) -> str:
    """Right where it is told the story of the question; else the option that is listed first."""
    right = (i for i in ITEMS if asks(i) in prompt and i.fields["story"] in prompt)
    return next(map(right_option, right), "A")


def always_a(prompt: str, letters: dict[str, str]) -> str:
    return "A"


def by_place(prompt: str, letters: dict[str, str]) -> str:
    """The present place of the thing; without its story the first option."""
    told = (i for i in ITEMS if asks(i) in prompt and i.fields["story"] in prompt)
    return next((str(i.fields["places"][-1]) for i in told), "A")


def table_of(answer: Answer, items: list[Item] = ITEMS, **settings: Any) -> Table:
    table, finished = simulate(TomChoice(**settings), items, engine(answer), train=OTHERS)
    assert not [f.result.errors for f in finished if f.result.errors]
    return table


def values(table: Table, name: str) -> dict[tuple[str, ...], float]:
    (metric,) = (m for m in TomChoice.metrics if m.name == name)
    found = estimate(metric, table, replicates=2)
    return {tuple(e.level[c] for c in metric.by): e.value for e in found if e.value is not None}


@pytest.mark.parametrize("metric", TomChoice.metrics, ids=lambda m: m.name)
def test_metrics_fit_the_columns(metric: Metric) -> None:
    metric.check(TomChoice.columns())


def test_a_reader_of_the_story_is_right_wherever_it_is_told() -> None:
    table = table_of(reader)
    accuracy, joint = values(table, "accuracy"), values(table, "joint_accuracy")
    for arm in ("options", "free", "swapped options"):
        assert accuracy[(arm,)] == joint[(arm,)] == 1.0
    assert max(accuracy[("no story",)], accuracy[("shuffled story",)]) < 0.5
    assert max(joint[(f"rule: {rule}",)] for rule in set(RULES) - {"near people"}) == 0.0
    assert joint[("rule: near people",)] < 0.5
    assert set(values(table, "accuracy_by_order")) >= {("options", str(order)) for order in range(5)}
    assert values(table, "chance")[()] == pytest.approx(1 / 5)
    assert values(table, "listed_first")[("options",)] == pytest.approx(1 / 5)
    assert values(table, "agreement")[("options",)] == 1.0


def test_who_prefers_the_first_letter_is_at_chance() -> None:
    table = table_of(always_a)
    for arm in ("options", "no story", "shuffled story", "swapped options"):
        assert values(table, "p_gold")[(arm,)] == pytest.approx(1 / 5)
        assert values(table, "listed_first")[(arm,)] == 1.0
        assert values(table, "agreement")[(arm,)] == pytest.approx(1 / 5)
        assert values(table, "option_mass")[(arm,)] == 1.0
    listed = sum(item.gold[1] == "A" for item in ITEMS) / len(ITEMS)
    assert values(table, "accuracy")[("free",)] == values(table, "accuracy")[("rule: first option",)] == listed


def test_who_answers_where_the_thing_is_is_as_good_as_that_rule() -> None:
    table = table_of(by_place)
    for metric in ("accuracy", "accuracy_by_order", "joint_accuracy"):
        found = values(table, metric)
        model = {level[1:]: value for level, value in found.items() if level[0] == "options"}
        assert model == {level[1:]: value for level, value in found.items() if level[0] == "rule: last place"}


def near(prompt: str, letters: dict[str, str]) -> str:
    """The place that was last given to the thing before the last words about the people of the question."""
    told = (i for i in ITEMS if asks(i) in prompt and i.fields["story"] in prompt)
    return next((str(near_people(i.fields, random.Random())) for i in told), "A")


@pytest.mark.parametrize(("answer", "kind"), [(reader, "supported"), (near, "undecided")])
def test_who_goes_by_the_last_words_about_a_person_is_no_reader_of_minds(answer: Answer, kind: str) -> None:
    """Before its rule stood in the claim, it was right on twice as many questions as the best rule of places."""
    _, places, _, free = load_job(["experiment=tomChoice", "engine=fake", "tracker=none"]).claims
    table = table_of(answer, arms=["options", "free", *(f"rule: {rule}" for rule in RULES)])
    accuracy = [metric for metric in TomChoice.metrics if metric.name in ("accuracy", "option_mass")]
    estimates = [one for metric in accuracy for one in estimate(metric, table, replicates=200)]
    for claim in (places, free):
        assert {"rule: near people"} <= {level["arm"] for _, level in claim.rivals}
        assert judge_claim(claim, estimates, accuracy, table, replicates=200, gates=TomChoice.gates).kind == kind


def test_people_of_a_question_are_looked_for_in_the_story() -> None:
    fields = {
        "story": "Ann put the key in the box. Ann left. Bo moved the key to the jar. Bo yawned.",
        "places": ["box", "jar"],
    }
    fields["choices"] = ["jar", "tin", "box"]
    for asked, place in {
        "Where does Ann think the key is?": "box",
        "Where does Bo think the key is?": "jar",
        "Where does Bo think that Ann thinks the key is?": "box",
        "Where does Cy think the key is?": "jar",
        "Where is the key really?": "jar",
    }.items():
        assert near_people({**fields, "asked": asked}, random.Random()) == place
    assert near_people({**fields, "asked": "Where is Ann?"}, random.Random()) == "jar"
    assert near_people({**fields, "asked": "Where is the key?", "places": []}, random.Random()) is None


def test_rules_answer_the_same_questions_whoever_is_asked() -> None:
    one, other = (values(table_of(answer), "accuracy_by_order") for answer in (reader, always_a))
    assert {k: v for k, v in one.items() if k[0] not in ASKED} == {k: v for k, v in other.items() if k[0] not in ASKED}


@pytest.mark.parametrize(("most", "read"), [(1, 1), (3, 3), (5, 5), (26, 5)])
def test_a_cap_spreads_the_rotations_over_all_places(most: int, read: int) -> None:
    experiment = TomChoice(arms=["options"], rotations=most)
    _, finished = simulate(experiment, ITEMS, engine(always_a))
    firsts = Counter[int]()
    for one, item in zip(finished, ITEMS, strict=True):
        assert len(one.transcript) == read
        shown = [re.findall(r"^ \(A\) (.*)$", e.prompt, re.MULTILINE)[0] for e in one.transcript]
        assert len(set(shown)) == read
        firsts.update(item.fields["choices"].index(option) for option in shown)
    assert set(firsts) == set(range(5))


def question(n: int, choices: list[str], right: int = 0, **more: Any) -> Item:
    return about_story(
        f"row {n}", story=f"Story {n}.", asked=f"What {n}?", choices=choices, right=right, group=f"g{n}", **more
    )


def test_a_set_without_places_and_orders_has_no_rows_of_their_rules() -> None:
    items = [question(n, ["yes", "no way"], ability="knowledge") for n in range(3)]
    table = table_of(always_a, items)
    arms = Counter(table.columns["arm"])
    assert arms == dict.fromkeys((*ASKED, *(f"rule: {rule}" for rule in ANY)), 3)
    assert not values(table, "accuracy_by_order")
    assert not values(table, "joint_accuracy")
    assert not {f"rule: {rule}" for rule in OF_PLACES} & set(arms)
    assert values(table, "accuracy_by_ability")["rule: shortest option", "knowledge"] == 1.0


def test_options_that_speak_of_others_stay_in_their_place() -> None:
    items = [question(0, ["a box", "a bag", "none of the above"], right=2)]
    table, finished = simulate(TomChoice(arms=ASKED), items, engine(lambda *_: "C"), train=OTHERS)
    assert Counter(table.columns["arm"]) == {arm: 1 for arm in ASKED if arm != "swapped options"}
    assert all("(C) none of the above" in e.prompt for one in finished for e in one.transcript)
    assert set(table.columns["correct"]) == {1.0}


def test_a_story_that_does_not_fit_is_an_error_of_its_row() -> None:
    long = question(1, ["x", "y"])
    long = replace(long, fields={**long.fields, "story": "word " * 4_000})
    experiment, subject = TomChoice(), fake_subject(engine(always_a))
    small = replace(subject, renderer=Renderer(subject.engine.tokenizer, "auto", 3_000))
    finished = asyncio.run(ask_all(experiment, Split((long, ITEMS[0]), tuple(OTHERS), ""), small, window=2))
    table = experiment.table([one.result for one in finished])
    failed = [row for row in table_rows(table) if row["error"]]
    assert [row["arm"] for row in failed] == ["options", "free", "swapped options"]
    assert {row["item"] for row in failed} == {long.id}
    assert "does not fit the context" in failed[0]["error"]
    assert Counter(table.columns["arm"])["no story"] == 2


def table_rows(table: Table) -> list[dict[str, Any]]:
    names = list(table.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]


def lenient(text: str, item: Item) -> Grade:
    """A release's grader that takes a text without any letter for A."""
    found = re.search(r"[A-D]", text)
    letter = found[0] if found else "A"
    return Grade(letter, letter == item.gold[1])


@pytest.mark.parametrize(
    ("said", "ours", "theirs", "fate"),
    [(" (A)", True, True, "answered"), (" Who knows.", False, True, "refused"), (" (B)", False, False, "answered")],
)
def test_the_grade_of_the_release_stands_beside_ours(said: str, ours: bool, theirs: bool, fate: str) -> None:
    items = [question(n, ["box", "bag"], released=lenient) for n in range(2)]
    table, _ = simulate(TomChoice(arms=["free"]), items, lambda _: {said: 1.0})
    assert set(table.columns["correct"]) == {float(ours)}
    assert set(table.columns["correct_released"]) == {float(theirs)}
    assert set(table.columns["fate"]) == {fate}
    assert values(table, "accuracy_released") == {("free",): float(theirs)}
    plain, _ = simulate(TomChoice(arms=["free"]), [question(0, ["box", "bag"])], lambda _: {said: 1.0})
    assert not values(plain, "accuracy_released")


def test_unbalanced_labels_have_a_macro_f1() -> None:
    items = [question(n, ["old shelf", "new shelf"], right=int(n == 0), ability="where") for n in range(4)]
    items = [replace(item, fields={**item.fields, "labels": ["old", "new"]}) for item in items]
    table = table_of(lambda prompt, letters: "old shelf", items)
    # Always the larger class: F1 of 6/7 for it, and 0 for the other one.
    assert values(table, "accuracy")[("options",)] == 0.75
    assert values(table, "macro_f1")["options", "where"] == pytest.approx(3 / 7)
    assert not values(table_of(always_a), "macro_f1")


def real(module: str, name: str, folder: str) -> list[Item]:
    """The items of a public set; skips where its files or its loader are not there."""
    path = Path(os.environ.get("HARNESS_TEST_DATA", "/nowhere")) / folder
    if not path.exists():
        pytest.skip("HARNESS_TEST_DATA has no " + folder)
    loader = pytest.importorskip(f"harness.tasks.tom.{module}")
    return list(getattr(loader, name)(name=module, path=str(path)).load())


def rule_accuracy(items: list[Item], rule: str) -> float:
    table, _ = simulate(TomChoice(arms=[f"rule: {rule}"]), items, {})
    return values(table, "accuracy")[(f"rule: {rule}",)]


def test_the_longest_option_of_tombench_is_right_as_often_as_is_known() -> None:
    items = real("tombench", "ToMBench", "tombench")
    assert rule_accuracy(items, "longest option") == pytest.approx(0.306, abs=0.001)
    assert sum(1 / len(item.fields["choices"]) for item in items) / len(items) == pytest.approx(0.292, abs=0.001)


def test_options_with_the_words_of_the_story_are_right_more_often_than_by_length() -> None:
    """So much of both sets asks for no mind; before, the best rule had .306 and .518."""
    tombench, bigtom = real("tombench", "ToMBench", "tombench"), real("bigtom", "BigToM", "bigtom")
    assert rule_accuracy(tombench, "most in story") == pytest.approx(0.345, abs=0.001)
    assert rule_accuracy(bigtom, "most in story") == pytest.approx(0.685, abs=0.001)


def test_shared_words_are_whole_words_in_any_case() -> None:
    story = "Ann put the Key in the box."
    fields = {"story": story, "choices": ["a boxer", "the key", "the tin"]}
    assert most_in_story(fields, random.Random()) == "the key"
    assert least_in_story(fields, random.Random()) == "a boxer"
    assert (shared("", story), shared("key and tin", story)) == (0, 1 / 3)


def test_the_rule_of_the_paper_is_right_on_hi_tom_as_often_as_is_known() -> None:
    items = real("hi_tom", "HiToM", "hi_tom/Hi-ToM_data.json")
    assert rule_accuracy(items, "paper") == pytest.approx(0.598, abs=0.001)
    by_order = [rule_accuracy([i for i in items if i.fields["order"] == order], "paper") for order in range(5)]
    assert by_order == pytest.approx([1, 0.55, 0.38, 0.52, 0.54], abs=0.006)


def test_letters_of_the_release_are_those_of_the_items() -> None:
    assert [LETTERS[i.fields["choices"].index(right_option(i))] for i in ITEMS] == [i.gold[1] for i in ITEMS]
