"""The experiment on engines of known distribution: reasoners, shortcut takers and guessers get exact numbers."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.theory_of_mind.false_belief.false_belief import FalseBelief
from experiments.theory_of_mind.false_belief.plan import TOGETHER
from experiments.theory_of_mind.false_belief.rows import CORE, EVERY_KIND, corrected
from experiments.theory_of_mind.false_belief.shortcuts import RULES
from experiments.theory_of_mind.false_belief.task import FalseBeliefStories
from harness.execution.runner import run_item
from harness.items import Item
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import Estimate, estimate
from harness.testing import fake_subject, simulate

FAMILIES = 6
"""As many long families as short ones."""
ASKED = ("options", "free")
EXACT_ARMS = ("options", "options corrected", "no story", "shuffled story")
TWELVE = ("FB", "TB", "NM", "DIST", "BACK_CLOSED", "BACK_OPEN", "TRANS", "LIED", "TOLD", "DOUBLE", "SELF", "PEEK")
FIRST = ("belief", "action", "second", "reality", "memory")
"""The questions about where a thing is, of few minds."""
Answer = Callable[[Mapping[str, Any], str], str]


def families(n: int = FAMILIES, **settings: Any) -> list[Item]:
    """Families with the questions that the experiment asks by default."""
    return FalseBeliefStories(name="false_belief", families=n, **settings).load()


def whole(n: int = FAMILIES, **settings: Any) -> list[Item]:
    """Families in which five questions are asked about all twelve stories about where a thing is."""
    return families(n, **{"conditions": TWELVE, "questions": FIRST, "whole": True, **settings})


def cell(probe: Mapping[str, Any]) -> tuple[str, str, int]:
    return probe["condition"], probe["kind"], probe["order"]


def rotations(probe: Mapping[str, Any]) -> list[list[str]]:
    options = probe["options"]
    return [[*options[at:], *options[:at]] for at in range(len(options))]


def answering(items: list[Item], answer: Answer) -> Callable[[str], dict[str, float]]:
    """A model that gives the same answer to a probe in all arms that show its story, found by the text of its prompt,
    and the first option that is listed where it does not see the story."""
    replies: dict[str, dict[str, float]] = {}
    for item in items:
        for probe, gold in zip(item.fields["probes"], item.gold, strict=True):
            said = answer(probe, gold)
            for order in rotations(probe):
                text = f"<user> {FalseBelief().question(Item(probe, gold, item.grader), order)}\n<assistant> "
                replies[text + (probe["stem"] or "Answer:")] = {f" {said}": 1.0}
                if probe["stem"]:
                    replies[text + "Answer:"] = {f" In the {said}.": 1.0}
    return lambda prompt: replies.get(prompt) or {f" {listed_in(prompt)[0]}": 1.0}


def table_of(items: list[Item], answer: Answer, arms: Sequence[str] = FalseBelief.arms) -> Table:
    table, finished = simulate(FalseBelief(arms=arms), items, answering(items, answer))
    assert not [f.result.errors for f in finished if f.result.errors]
    return table


def estimates(table: Table, name: str) -> dict[tuple[str, ...], Estimate]:
    (metric,) = (m for m in FalseBelief.metrics if m.name == name)
    return {tuple(e.level[c] for c in metric.by): e for e in estimate(metric, table, replicates=2)}


def values(table: Table, name: str) -> dict[tuple[str, ...], float | None]:
    return {level: e.value for level, e in estimates(table, name).items()}


@pytest.mark.parametrize("metric", FalseBelief.metrics, ids=lambda m: m.name)
def test_metrics_fit_the_columns(metric: Metric) -> None:
    metric.check(FalseBelief.columns())


def of(table: Table, *arms: str) -> np.ndarray:
    return np.isin(table.columns["arm"], arms)


def test_a_perfect_reasoner_gets_everything_right_in_the_default_run() -> None:
    table = table_of(families(), lambda _probe, gold: gold)
    n = {"options": 44, "options corrected": 22, "no story": 22, "shuffled story": 4, "free": 20}
    for arm, asked in {**n, **dict.fromkeys((f"rule: {rule}" for rule in RULES), 44)}.items():
        assert of(table, arm).sum() == FAMILIES * asked, arm
    assert (table.columns["correct"][of(table, "options", "options corrected", "free")] == 1).all()
    for arm in ASKED:
        for name in ("joint_accuracy", "joint_accuracy_with_awareness", "old_place"):
            assert values(table, name)[(arm,)] == 1.0
        assert values(table, "reality_bias")[(arm,)] == values(table, "belief_bias")[(arm,)] == 0.0
        assert {c: v for (a, c), v in values(table, "joint_accuracy_of_story").items() if a == arm} == dict.fromkeys(
            TOGETHER, 1
        )
        assert values(table, "balanced_accuracy")[arm, "knows"] == 1.0
        assert {value for level, value in values(table, "accuracy_by_question").items() if level[0] == arm} == {1.0}
    assert {order for arm, kind, order in values(table, "accuracy_by_question") if kind == "belief"} == set("1234")
    assert {v for (a, _), v in values(table, "accuracy_in_same_stories").items() if a == "options"} == {1.0}
    assert values(table, "order_slope")["options",] == pytest.approx(0.0)
    options = of(table, "options")
    assert (table.columns["p_gold"][options] == 1).all()
    assert (table.columns["mass"][options] == 1).all()
    assert (table.columns["agreement"][options] == 1).all()
    assert np.isnan(table.columns["mass"][of(table, "free")]).all()
    # The right option stands first in one order of three, or of two.
    yes_no = np.isin(table.columns["kind"], ["awareness", "knows"])
    assert table.columns["listed_first"][options & yes_no] == pytest.approx(1 / 2)
    assert table.columns["listed_first"][options & ~yes_no] == pytest.approx(1 / 3)
    assert {arm for arm, _ in values(table, "listed_first")} == {"options", "no story", "shuffled story", "free"}


def test_a_perfect_reasoner_gets_everything_right_about_everything() -> None:
    table = table_of(families(4, whole=True), lambda _probe, gold: gold, ASKED)
    assert len(table) == 4 * (16 * 11 - 2) * 2
    assert (table.columns["correct"] == 1).all()
    for name in ("belief_accuracy", "belief_accuracy_where_right_on_classic", "second_order_accuracy"):
        found = values(table, name)
        assert {level[1] for level in found} >= set(TWELVE)
        assert set(found.values()) == {1.0}


def test_rules_answer_the_same_questions_whoever_is_asked() -> None:
    perfect, wrong = (table_of(families(), answer) for answer in (lambda _probe, gold: gold, other))
    for table in (perfect, wrong):
        ruled = table.where(np.array([arm.startswith("rule: ") for arm in table.columns["arm"]]))
        assert len(ruled) == FAMILIES * 44 * 11
        assert set(ruled.columns["fate"]) == {"answered"}
        found = values(table, "accuracy_by_question")
        first = {arm: value for (arm, kind, order), value in found.items() if (kind, order) == ("belief", "1")}
        joint = values(table, "joint_accuracy")
        shares = {"first place": 4, "last place": 9, "place before": 6.5, "last mention": 10, "near agent": 11}
        for rule, sixteenths in shares.items():
            assert first[f"rule: {rule}"] == pytest.approx(sixteenths / 16)
            assert joint[(f"rule: {rule}",)] == 0.0
            assert found[f"rule: {rule}", "awareness", "1"] == pytest.approx(1 / 2)
        assert first["rule: who left"] == pytest.approx(8.5 / 16)
        # One word of the story is enough for the classic pair, and for half of awareness over all the stories.
        assert joint["rule: who left",] == 1.0
        assert values(table, "joint_accuracy_with_awareness")["rule: who left",] == 0.0
        assert found["rule: who left", "awareness", "1"] == pytest.approx(1 / 2)
        # Who is in the room decides thirteen of sixteen beliefs, and not all kinds of question together.
        assert first["rule: near who left"] == pytest.approx(13 / 16)
        balanced = values(table, "accuracy_on_balanced")
        for rule in set(RULES) - {"most frequent place", "longest option", "last two places", "any place held"}:
            assert (balanced[f"rule: {rule}", "belief", "1"] or 0) <= 1 / 2, rule
        assert values(table, "joint_accuracy_with_awareness")["rule: near who left",] == 0.0
    for name in ("accuracy", "joint_accuracy", "order_slope", "balanced_accuracy"):
        ours, theirs = values(perfect, name), values(wrong, name)
        assert {k: v for k, v in ours.items() if k[0].startswith("rule")} == {
            k: v for k, v in theirs.items() if k[0].startswith("rule")
        }


def test_who_answers_where_the_thing_is_fails_every_false_belief() -> None:
    table = table_of(whole(), lambda probe, _gold: str(probe["places"][-1]), (*ASKED, "rule: last place"))
    right = {"TB", "NM", "SELF", "BACK_OPEN", "PEEK", "TOLD", "TRANS"}
    wrong = {"FB", "DIST", "BACK_CLOSED", "LIED", "DOUBLE"}
    for arm in (*ASKED, "rule: last place"):
        by_condition = {level[1]: value for level, value in values(table, "belief_accuracy").items() if level[0] == arm}
        assert by_condition == {**dict.fromkeys(right, 1.0), **dict.fromkeys(wrong, 0.0)}
        by_question = values(table, "accuracy_by_question")
        assert by_question[arm, "belief", "1"] == by_question[arm, "action", "1"] == pytest.approx(7 / 12)
        # Second order: TB, NM, DIST, BACK_OPEN, TRANS, TOLD and SELF (nobody knows of the peeking).
        assert by_question[arm, "belief", "2"] == pytest.approx(7 / 12)
        assert values(table, "second_order_accuracy")[arm, "DIST"] == 1.0
        assert values(table, "second_order_accuracy")[arm, "PEEK"] == 0.0
        # The beginning is right only where nothing ever moved (NM, short) or it moved back (DOUBLE, long).
        assert by_question[arm, "reality", "0"] == 1.0
        assert by_question[arm, "memory", "0"] == pytest.approx(1 / 12)
        assert values(table, "joint_accuracy")[(arm,)] == 0.0
        assert values(table, "reality_bias")[(arm,)] == 1.0
        assert values(table, "old_place")[(arm,)] == values(table, "belief_bias")[(arm,)] == 0.0
        # No family has its classic pair right, so that there is nothing for clear glass to break.
        assert not [level for level in values(table, "belief_accuracy_where_right_on_classic") if level[0] == arm]


def test_who_always_says_yes_gets_the_base_rate_and_half_when_balanced() -> None:
    """Of awareness half are yes; of who knows two thirds on average: the mover always, the bystander if there."""
    items = families(20)
    table = table_of(items, lambda probe, gold: "yes" if probe["claimed"] else gold, ASKED)
    knows = [
        gold for item in items for p, gold in zip(item.fields["probes"], item.gold, strict=True) if p["kind"] == "knows"
    ]
    # Everybody knows in TB but a bystander who left early; nobody's "yes" is right about the agent of FB.
    there = sum(item.gold[-1] == "yes" for item in families(20, conditions=("TB",), questions=("knows",)))
    found, balanced, said_yes = (values(table, n) for n in ("accuracy_by_question", "balanced_accuracy", "yes_rate"))
    of_story = values(table, "joint_accuracy_of_story")
    for arm in ASKED:
        assert found[arm, "awareness", "1"] == pytest.approx(1 / 2)
        assert found[arm, "knows", "1"] == pytest.approx(knows.count("yes") / len(knows))
        assert [balanced[arm, kind] for kind in ("awareness", "knows")] == [1 / 2, 1 / 2]
        assert said_yes[arm, "knows"] == said_yes[arm, "awareness"] == 1.0
        assert values(table, "joint_accuracy")[(arm,)] == 1.0
        assert values(table, "joint_accuracy_with_awareness")[(arm,)] == 0.0
        assert (of_story[arm, "FB"], of_story[arm, "TB"]) == (0.0, there / 20)
    assert knows.count("yes") / len(knows) == pytest.approx(2 / 3, abs=0.1)


def test_accuracy_that_falls_by_a_step_with_every_mind_has_that_slope() -> None:
    """Right on 4, 3, 2 and 1 of the four crossed stories at the orders 1, 2, 3 and 4."""
    rank = {"BACK_CLOSED": 4, "DIST": 3, "PEEK": 2, "BACK_OPEN": 1}

    def answer(probe: Mapping[str, Any], gold: str) -> str:
        deep = probe["kind"] == "belief" and probe["condition"] in rank
        return gold if not deep or probe["order"] <= rank[probe["condition"]] else other(probe, gold)

    table = table_of(families(), answer, ["options"])
    same = values(table, "accuracy_in_same_stories")
    assert [same["options", order] for order in "1234"] == [1.0, 0.75, 0.5, 0.25]
    assert values(table, "order_slope")["options",] == pytest.approx(-0.25)


def test_clear_glass_is_judged_where_the_classic_pair_is_right() -> None:
    items = whole()
    lost = {id(probe) for item in items[:4] for probe in item.fields["probes"]}

    def answer(probe: Mapping[str, Any], gold: str) -> str:
        """Always the old place in four families; in the others right, but for clear glass."""
        return str(probe["old_place"]) if id(probe) in lost or probe["condition"] == "TRANS" else gold

    table = table_of(items, answer, ASKED)
    metric = "belief_accuracy_where_right_on_classic"
    for arm in ASKED:
        assert [values(table, metric)[arm, c] for c in ("FB", "TB", "BACK_CLOSED", "TRANS")] == [1.0, 1.0, 1.0, 0.0]
        assert estimates(table, metric)[arm, "TRANS"].n == FAMILIES - 4


def test_a_uniform_guesser_gives_every_option_the_same_probability() -> None:
    table, _ = simulate(FalseBelief(), families(4), lambda prompt: uniform(listed_in(prompt)))
    exact = of(table, "options", "no story", "shuffled story", "options corrected")
    yes_no = np.isin(table.columns["kind"], ["awareness", "knows"])
    assert np.allclose(table.columns["p_gold"][exact], np.where(yes_no[exact], 1 / 2, 1 / 3))
    assert np.allclose(table.columns["mass"][exact], 1.0)
    assert values(table, "option_mass")["options",] == pytest.approx(1.0)


def uniform(options: Sequence[str]) -> dict[str, float]:
    return {f" {option}": 1 / len(options) for option in options}


def listed_in(prompt: str) -> list[str]:
    found = re.findall(r"Answer with one of these: ([\w, ]+)\.", prompt)[-1]
    return re.split(r", | or ", found)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_who_goes_by_the_place_in_the_list_is_found_out(place: int) -> None:
    table, _ = simulate(FalseBelief(arms=ASKED), whole(), lambda prompt: {f" {listed_in(prompt)[place]}": 1.0})
    assert set(values(table, "listed_first").values()) == {float(place == 0)}
    # Rotations take the place out of the probabilities; in the free arm it is at random which container stands there.
    assert list(values(table, "p_gold_by_question").values()) == [pytest.approx(1 / 3)] * 5
    assert values(table, "agreement") == {("options",): pytest.approx(1 / 3)}
    # Options stand in one order in all stories of a family: 5 questions of 10 families.
    assert values(table, "accuracy")["free",] == pytest.approx(1 / 3, abs=4 * (2 / 9 / 50) ** 0.5)


def test_options_are_read_by_the_mean_over_their_rotations() -> None:
    """The first of the list is the likelier one in each order; over all orders it is the right container, at .6."""
    items = whole(2)
    golds = {}
    for item in items:
        for probe, gold in zip(item.fields["probes"], item.gold, strict=True):
            golds[f"{probe['story']}\n\n{probe['question']}"] = gold

    def replies(prompt: str) -> dict[str, float]:
        first, gold = listed_in(prompt)[0], golds[prompt.removeprefix("<user> ").split("\nAnswer with")[0]]
        return {f" {first}": 1.0} if gold == first else {f" {first}": 0.6, f" {gold}": 0.4}

    table, _ = simulate(FalseBelief(arms=["options"]), items, replies)
    assert (table.columns["correct"] == 1).all()
    assert table.columns["p_gold"] == pytest.approx((1 + 0.4 + 0.4) / 3)
    assert (table.columns["listed_first"] == 1).all()
    assert table.columns["agreement"] == pytest.approx(1 / 3)


def blind(prompt: str) -> dict[str, float]:
    """A model that never looks at a story: by the letters of each option, whatever stands before the question."""
    weight = {option: 1 + (len(option) * 7 + ord(option[0])) % 5 for option in listed_in(prompt)}
    return {f" {option}": w / sum(weight.values()) for option, w in weight.items()}


def test_who_never_looks_at_the_story_is_at_chance_when_corrected() -> None:
    table, _ = simulate(FalseBelief(), families(), blind)
    yes_no = np.isin(table.columns["kind"], ["awareness", "knows"])
    after = of(table, "options corrected")
    assert np.allclose(table.columns["p_gold"][after], np.where(yes_no[after], 1 / 2, 1 / 3))
    # Uncorrected, its taste is the same with the story, without it, and behind another one.
    for column in ("p_gold", "answer"):
        before, without, behind = (
            {
                key: value
                for arm_, *key_, value in zip(
                    *(table.columns[name] for name in ("arm", "item", "condition", "kind", "order", column)),
                    strict=True,
                )
                if arm_ == arm and (key := tuple(key_))
            }
            for arm in ("options", "no story", "shuffled story")
        )
        assert all(
            before[key] == pytest.approx(value) if column == "p_gold" else before[key] == value
            for key, value in without.items()
        )
        assert all(
            without[key] == pytest.approx(value) if column == "p_gold" else without[key] == value
            for key, value in behind.items()
        )
    uncorrected = table.columns["p_gold"][of(table, "options")]
    assert uncorrected.std() > 0.05


def test_correction_takes_the_taste_for_an_option_out_of_the_answer() -> None:
    """The model likes one container so much that the story's hint cannot win; the hint is what the story adds."""
    items = families(4)
    golds = {p["story"] + p["question"]: g for i in items for p, g in zip(i.fields["probes"], i.gold, strict=True)}

    def replies(prompt: str) -> dict[str, float]:
        options = listed_in(prompt)
        told = prompt.removeprefix("<user> ").split("\nAnswer with")[0].replace("\n\n", "")
        weight = {option: 20.0 if option == min(options) else 1.0 for option in options}
        if told in golds:
            weight[golds[told]] *= 2
        return {f" {option}": w / sum(weight.values()) for option, w in weight.items()}

    table, _ = simulate(FalseBelief(arms=("options", "options corrected", "no story")), items, replies)
    assert (table.columns["correct"][of(table, "options corrected")] == 1).all()
    first = values(table, "accuracy_by_question")
    assert first["options", "belief", "1"] == first["no story", "belief", "1"]
    assert first["options", "belief", "1"] != 1.0
    yes_no = np.isin(table.columns["kind"], ["awareness", "knows"])
    after = of(table, "options corrected")
    # The story doubles one option of m, before they are normalised: 2/(2 + m - 1).
    assert np.allclose(table.columns["p_gold"][after], np.where(yes_no[after], 2 / 3, 2 / 4), atol=1e-6)


@pytest.mark.parametrize(
    ("behind", "alone", "expected"),
    [
        ({"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}),
        ({"a": 0.6, "b": 0.4}, {"a": 0.9, "b": 0.1}, {"a": 1 / 7, "b": 6 / 7}),
        ({"a": 0.2, "b": 0.3, "c": 0.5}, {"a": 0.2, "b": 0.3, "c": 0.5}, dict.fromkeys("abc", 1 / 3)),
        ({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 0.0}, {"a": 0.5, "b": 0.5}),
    ],
)
def test_the_correction_has_a_closed_form(
    behind: dict[str, float], alone: dict[str, float], expected: dict[str, float]
) -> None:
    assert corrected(behind, alone) == pytest.approx(expected)


@pytest.mark.parametrize("missed", sorted(EVERY_KIND))
def test_one_wrong_answer_costs_the_family(missed: tuple[str, str, int]) -> None:
    items = families(2)
    table = table_of(items, lambda p, gold: gold if cell(p) != missed else other(p, gold), ASKED)
    of_story = values(table, "joint_accuracy_of_story")
    for arm in ASKED:
        assert values(table, "joint_accuracy")[(arm,)] == float(missed not in CORE)
        assert values(table, "joint_accuracy_with_awareness")[(arm,)] == 0.0
        assert [of_story[arm, c] for c in ("FB", "TB")] == [float(missed[0] != c) for c in ("FB", "TB")]
    columns = (table.columns[name] for name in ("condition", "kind", "order"))
    wrong = np.array([probe == missed for probe in zip(*columns, strict=True)])
    assert (table.columns["correct"] == ~wrong).all()
    asked_of = 3 if missed[1] == "knows" else 1
    assert values(table, "accuracy")["options",] == pytest.approx((44 - asked_of) / 44)


def other(probe: Mapping[str, Any], gold: str) -> str:
    return str(next(c for c in probe["options"] if c != gold))


@pytest.mark.parametrize(
    ("said", "fate"), [("attic", "unreadable"), ("I do not know", "refused"), (" ".join(["well"] * 30), "cut")]
)
def test_an_answer_that_names_no_container_is_wrong_and_its_fate_says_why(said: str, fate: str) -> None:
    items = whole(4)
    first = {id(probe) for probe in items[0].fields["probes"]}

    def answer(probe: Mapping[str, Any], gold: str) -> str:
        return said if id(probe) in first and cell(probe) == ("TB", "belief", 1) else gold

    table, _ = simulate(FalseBelief(arms=["free"]), items, answering(items, answer))
    joint = estimates(table, "joint_accuracy")[("free",)]
    assert (joint.value, joint.n, joint.n_failed) == (3 / 4, 4 * 4, 0)
    lost = table.columns["fate"] == fate
    assert lost.sum() == 1
    for column in ("correct", "says_reality", "says_old"):
        assert (table.columns[column][lost] == 0).all()
    assert np.isnan(table.columns["listed_first"][lost]).all()
    assert values(table, "accuracy")["free",] == pytest.approx(239 / 240)
    assert values(table, "accuracy_answered")["free",] == values(table, "accuracy_upper")["free",] == 1.0


@pytest.mark.parametrize(
    ("kind", "said"), [("awareness", "The chest"), ("knows", "I do not know"), ("knows", "Perhaps")]
)
def test_a_missing_yes_or_no_is_wrong_in_the_joint_accuracy_with_awareness(kind: str, said: str) -> None:
    items = families(4)
    lost = {id(probe) for probe in items[0].fields["probes"] if probe["kind"] == kind and probe["condition"] == "TB"}
    table = table_of(items, lambda p, gold: said if id(p) in lost else gold, ["free"])
    joint = estimates(table, "joint_accuracy_with_awareness")["free",]
    assert (joint.value, joint.n, joint.n_failed) == (3 / 4, 4 * 20, 0)
    assert values(table, "joint_accuracy")["free",] == 1.0
    unread = table.columns["fate"] != "answered"
    assert unread.sum() == len(lost)
    assert (table.columns["correct"][unread] == 0).all()
    assert np.isnan(table.columns["says_yes"][unread]).all()
    assert estimates(table, "balanced_accuracy")["free", kind].n_failed == 0


def test_joint_accuracy_is_only_shown_where_all_its_questions_are_asked() -> None:
    table = table_of(families(4, questions=("belief", "reality")), lambda _probe, gold: gold, ASKED)
    assert set(table.columns["core"]) == {0.0}
    assert set(table.columns["right_on_classic"][of(table, "free")]) == {1.0}
    assert values(table, "joint_accuracy") == {}
    table = table_of(families(4, questions=("belief", "reality", "memory")), lambda _probe, gold: gold, ASKED)
    assert values(table, "joint_accuracy") == {("options",): 1.0, ("free",): 1.0}
    assert values(table, "joint_accuracy_with_awareness") == values(table, "joint_accuracy_of_story") == {}


def test_options_are_asked_in_every_rotation_and_the_transcript_shows_it() -> None:
    items = whole(1)
    _, finished = simulate(FalseBelief(arms=ASKED), items, answering(items, lambda _probe, gold: gold))
    (one,) = finished
    assert len(one.transcript) == 60 * (3 + 1)
    probe = items[0].fields["probes"][0]
    about = f"{probe['story']}\n\n{probe['question']}\n"
    replies = {e.prompt.split(about)[1]: e.reply for e in one.transcript if about in e.prompt}
    free = f"{listed(probe['options'])}\n<assistant> Answer:"
    assert replies.pop(free) == f" In the {items[0].gold[0]}."
    assert set(replies) == {f"{listed(order)}\n<assistant> {probe['stem']}" for order in rotations(probe)}
    assert all(f"p({items[0].gold[0]}) = 1.0000" in reply for reply in replies.values())


def test_every_reading_shows_the_story_that_it_names() -> None:
    (item,) = families(1)
    for arm, shown in (("options", "story"), ("no story", None), ("shuffled story", "other_story")):
        _, finished = simulate(FalseBelief(arms=[arm]), [item], lambda prompt: uniform(listed_in(prompt)))
        prompts = {e.prompt for e in finished[0].transcript}
        asked = [p for p in item.fields["probes"] if arm in p["readings"]]
        assert prompts == {
            f"<user> {p[shown] + chr(10) * 2 if shown else ''}{p['question']}\n{listed(order)}\n"
            f"<assistant> {p['stem'] or 'Answer:'}"
            for p in asked
            for order in rotations(p)
        }


def listed(order: Sequence[str]) -> str:
    return f"Answer with one of these: {', '.join(order[:-1])} or {order[-1]}."


def test_an_arm_alone_needs_only_what_it_asks() -> None:
    assert FalseBelief().capabilities() == {"generate", "choose"}
    assert FalseBelief(arms=["free"]).capabilities() == {"generate"}
    assert FalseBelief(arms=["options"]).capabilities() == {"choose"}
    assert FalseBelief(arms=["rule: last place"]).capabilities() == set()


def test_an_arm_whose_prompt_does_not_fit_fails_alone() -> None:
    """A context that holds every question and the name of a container, but not every free answer."""
    items = whole(1)
    replies = answering(items, lambda _probe, gold: gold)
    _, finished = simulate(FalseBelief(arms=["options"]), items, replies)
    context = max(e.prompt_tokens for f in finished for e in f.transcript) + 1

    experiment = FalseBelief(arms=ASKED)

    async def run() -> Table:
        subject = fake_subject(replies)
        subject = replace(subject, renderer=Renderer(subject.engine.tokenizer, "auto", context))
        return experiment.table([(await run_item(experiment, item, subject, None)).result for item in items])

    table = asyncio.run(run())
    failed = table.where(np.array([error is not None for error in table.columns["error"]]))
    assert list(failed.columns["arm"]) == ["free"]
    assert str(context) in failed.columns["error"][0]
    assert values(table, "accuracy")["options",] == 1.0
    assert len(table) == 60 + 1


def test_the_words_around_a_story_can_be_replaced() -> None:
    experiment = FalseBelief(
        wording={"question": "$question ($options)\n$story", "alone": "$question? $options", "lead": "I say:"}
    )
    (item,) = whole(1)
    _, finished = simulate(experiment, [item], lambda _: {" no": 1.0})
    probe = item.fields["probes"][0]
    a, b, c = probe["options"]
    asked = f"<user> {probe['question']} ({a}, {b} or {c})\n{probe['story']}\n<assistant> "
    prompts = {exchange.prompt for exchange in finished[0].transcript}
    assert {asked + probe["stem"], asked + "I say:"} <= prompts
    assert f"<user> {probe['question']}? {b}, {c} or {a}\n<assistant> {probe['stem']}" in prompts


def test_every_number_of_a_default_run_is_there_and_finite() -> None:
    """A model that is right more often than not, and whose probabilities all differ."""
    items = families(12)
    golds = {p["story"] + p["question"]: g for i in items for p, g in zip(i.fields["probes"], i.gold, strict=True)}

    def replies(prompt: str) -> dict[str, float]:
        rng, options = random.Random(prompt), listed_in(prompt)
        told = golds.get(prompt.removeprefix("<user> ").split("\nAnswer with")[0].replace("\n\n", ""))
        weight = {option: rng.random() + (option == told) for option in options}
        return {f" {option}": 0.95 * w / sum(weight.values()) for option, w in weight.items()} | {" well": 0.05}

    table, finished = simulate(FalseBelief(), items, replies)
    assert not [f.result.errors for f in finished if f.result.errors]
    for metric in FalseBelief.metrics:
        found = estimate(metric, table, replicates=20)
        assert found, metric.name
        for one in found:
            assert np.isfinite(np.nan if one.value is None else one.value), one
            assert one.n_failed == 0, one
    assert values(table, "option_mass") == {(arm,): pytest.approx(0.95) for arm in EXACT_ARMS}
    by_question = values(table, "accuracy_by_question")
    assert (by_question["options", "belief", "1"] or 0) > 0.6
    assert by_question["no story", "belief", "1"] == pytest.approx(1 / 3, abs=0.15)
