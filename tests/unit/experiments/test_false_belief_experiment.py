"""The experiment on engines of known distribution: reasoners, shortcut takers and guessers get exact numbers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.theory_of_mind.false_belief.false_belief import CORE, FalseBelief
from experiments.theory_of_mind.false_belief.task import FalseBeliefStories
from harness.execution.runner import run_item
from harness.items import Item
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import Estimate, estimate
from harness.testing import fake_subject, simulate

FAMILIES = 10
"""As many long families as short ones."""
ASKED = ("options", "free")
Answer = Callable[[Mapping[str, Any], str], str]


def families(n: int = FAMILIES, **settings: Any) -> list[Item]:
    return FalseBeliefStories(name="false_belief", families=n, **settings).load()


def cell(probe: Mapping[str, Any]) -> tuple[str, str, int]:
    return probe["condition"], probe["kind"], probe["order"]


def rotations(probe: Mapping[str, Any]) -> list[list[str]]:
    a, b, c = probe["options"]
    return [[a, b, c], [b, c, a], [c, a, b]]


def answering(items: list[Item], answer: Answer) -> Callable[[str], dict[str, float]]:
    """A model that gives the same answer to a probe in both arms, found by the text of its prompt."""
    replies: dict[str, dict[str, float]] = {}
    for item in items:
        for probe, gold in zip(item.fields["probes"], item.gold, strict=True):
            said = answer(probe, gold)
            for order in rotations(probe):
                text = f"<user> {FalseBelief().question(Item(probe, gold, item.grader), order)}\n<assistant> "
                replies[text + probe["stem"]] = {f" {said}": 1.0}
                replies[text + "Answer:"] = {f" In the {said}.": 1.0}
    return replies.__getitem__


def table_of(items: list[Item], answer: Answer) -> Table:
    table, finished = simulate(FalseBelief(), items, answering(items, answer))
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


def test_a_perfect_reasoner_gets_everything_right() -> None:
    table = table_of(families(), lambda _probe, gold: gold)
    assert len(table) == FAMILIES * 60 * 8
    asked = np.isin(table.columns["arm"], ASKED)
    assert (table.columns["correct"][asked] == 1).all()
    for arm in ASKED:
        assert values(table, "joint_accuracy")[(arm,)] == 1.0
        assert values(table, "reality_bias")[(arm,)] == values(table, "belief_bias")[(arm,)] == 0.0
        assert values(table, "old_place")[(arm,)] == 1.0
        for name in ("belief_accuracy", "belief_accuracy_where_right_on_classic", "second_order_accuracy"):
            assert {value for level, value in values(table, name).items() if level[0] == arm} == {1.0}
    options = table.columns["arm"] == "options"
    assert (table.columns["p_gold"][options] == 1).all()
    assert (table.columns["mass"][options] == 1).all()
    assert np.isnan(table.columns["mass"][~options]).all()
    # The right container stands first in one rotation of three.
    assert table.columns["listed_first"][options] == pytest.approx(1 / 3)
    assert set(values(table, "listed_first")) == {("options",), ("free",)}


def test_rules_answer_the_same_questions_whoever_is_asked() -> None:
    perfect, wrong = (table_of(families(), answer) for answer in (lambda _probe, gold: gold, other))
    for table in (perfect, wrong):
        ruled = table.where(~np.isin(table.columns["arm"], ASKED))
        assert len(ruled) == FAMILIES * 60 * 6
        assert set(ruled.columns["fate"]) == {"answered"}
        first = {level[0]: value for level, value in values(table, "accuracy_by_order").items() if level[1] == "1"}
        shares = {"first place": 2.5, "last place": 7, "place before": 4.5, "last mention": 8, "near agent": 9}
        for rule, twelfths in shares.items():
            assert first[f"rule: {rule}"] == pytest.approx(twelfths / 12)
            assert values(table, "joint_accuracy")[(f"rule: {rule}",)] == 0.0
        assert first["rule: last two places"] == pytest.approx(5.75 / 12, abs=0.1)
    for name in ("accuracy", "joint_accuracy"):
        ours, theirs = values(perfect, name), values(wrong, name)
        assert {k: v for k, v in ours.items() if k[0] not in ASKED} == {
            k: v for k, v in theirs.items() if k[0] not in ASKED
        }


def test_who_answers_where_the_thing_is_fails_every_false_belief() -> None:
    table = table_of(families(), lambda probe, _gold: str(probe["places"][-1]))
    right = {"TB", "NM", "SELF", "BACK_OPEN", "PEEK", "TOLD", "TRANS"}
    wrong = {"FB", "DIST", "BACK_CLOSED", "LIED", "DOUBLE"}
    for arm in (*ASKED, "rule: last place"):
        by_condition = {level[1]: value for level, value in values(table, "belief_accuracy").items() if level[0] == arm}
        assert by_condition == {**dict.fromkeys(right, 1.0), **dict.fromkeys(wrong, 0.0)}
        by_order = values(table, "accuracy_by_order")
        assert by_order[arm, "1"] == pytest.approx(7 / 12)
        # Second order: TB, NM, DIST, BACK_OPEN, TRANS, TOLD and SELF (nobody knows of the peeking).
        assert by_order[arm, "2"] == pytest.approx(7 / 12)
        assert values(table, "second_order_accuracy")[arm, "DIST"] == 1.0
        assert values(table, "second_order_accuracy")[arm, "PEEK"] == 0.0
        # The beginning is right only where nothing ever moved (NM, short) or it moved back (DOUBLE, long).
        assert by_order[arm, "0"] == pytest.approx((1 + 1 / 12) / 2)
        assert values(table, "joint_accuracy")[(arm,)] == 0.0
        assert values(table, "reality_bias")[(arm,)] == 1.0
        assert values(table, "old_place")[(arm,)] == values(table, "belief_bias")[(arm,)] == 0.0
        # No family has its classic pair right, so that there is nothing for clear glass to break.
        assert not [level for level in values(table, "belief_accuracy_where_right_on_classic") if level[0] == arm]


def test_clear_glass_is_judged_where_the_classic_pair_is_right() -> None:
    items = families()
    lost = {id(probe) for item in items[:4] for probe in item.fields["probes"]}

    def answer(probe: Mapping[str, Any], gold: str) -> str:
        """Always the old place in four families; in the others right, but for clear glass."""
        return str(probe["old_place"]) if id(probe) in lost or probe["condition"] == "TRANS" else gold

    table = table_of(items, answer)
    metric = "belief_accuracy_where_right_on_classic"
    for arm in ASKED:
        assert [values(table, metric)[arm, c] for c in ("FB", "TB", "BACK_CLOSED", "TRANS")] == [1.0, 1.0, 1.0, 0.0]
        assert estimates(table, metric)[arm, "TRANS"].n == FAMILIES - 4


def test_a_uniform_guesser_gives_every_option_the_same_probability() -> None:
    items = families(4)

    def replies(prompt: str) -> dict[str, float]:
        return {f" {container}": 1 / 3 for container in listed_in(prompt)}

    table, _ = simulate(FalseBelief(), items, replies)
    options = table.columns["arm"] == "options"
    assert np.allclose(table.columns["p_gold"][options], 1 / 3)
    assert np.allclose(table.columns["mass"][options], 1.0)
    assert values(table, "option_mass") == {("options",): pytest.approx(1.0)}
    assert values(table, "p_gold_by_order") == {("options", o): pytest.approx(1 / 3) for o in "012"}


def listed_in(prompt: str) -> tuple[str, str, str]:
    found: tuple[str, str, str] = re.findall(r"Answer with one of these: (\w+), (\w+) or (\w+)\.", prompt)[-1]
    return found


@pytest.mark.parametrize("place", [0, 1, 2])
def test_who_goes_by_the_place_in_the_list_is_found_out(place: int) -> None:
    table, _ = simulate(FalseBelief(arms=ASKED), families(), lambda prompt: {f" {listed_in(prompt)[place]}": 1.0})
    assert values(table, "listed_first") == {(arm,): float(place == 0) for arm in ASKED}
    # Rotations take the place out of the probabilities; in the free arm it is at random which container stands there.
    assert values(table, "p_gold_by_order") == {("options", o): pytest.approx(1 / 3) for o in "012"}
    assert values(table, "accuracy")["free",] == pytest.approx(1 / 3, abs=4 * (2 / 9 / 600) ** 0.5)


def test_options_are_read_by_the_mean_over_their_rotations() -> None:
    """The first of the list is the likelier one in each order; over all orders it is the right container, at .6."""
    items = families(2)
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


def test_one_wrong_core_answer_costs_the_family() -> None:
    items = families(2)
    for missed in sorted(CORE):
        table = table_of(items, lambda p, gold, m=missed: gold if cell(p) != m else other(p, gold))  # type: ignore[misc]
        assert [values(table, "joint_accuracy")[(arm,)] for arm in ASKED] == [0.0, 0.0]
        columns = (table.columns[name] for name in ("condition", "kind", "order"))
        wrong = np.array([probe == missed for probe in zip(*columns, strict=True)])
        asked = np.isin(table.columns["arm"], ASKED)
        assert (table.columns["correct"] == ~wrong)[asked].all()
        assert values(table, "accuracy")["options",] == pytest.approx(59 / 60)


def other(probe: Mapping[str, Any], gold: str) -> str:
    return str(next(c for c in probe["options"] if c != gold))


@pytest.mark.parametrize(
    ("said", "fate"), [("attic", "unreadable"), ("I do not know", "refused"), (" ".join(["well"] * 30), "cut")]
)
def test_an_answer_that_names_no_container_is_wrong_and_its_fate_says_why(said: str, fate: str) -> None:
    items = families(4)
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


def test_joint_accuracy_is_only_shown_where_all_four_questions_are_asked() -> None:
    items = families(4, questions=("belief", "reality"))
    table = table_of(items, lambda _probe, gold: gold)
    assert set(table.columns["core"]) == {0.0}
    assert set(table.columns["right_on_classic"][table.columns["arm"] == "free"]) == {1.0}
    assert values(table, "joint_accuracy") == {}


def test_options_are_asked_in_every_rotation_and_the_transcript_shows_it() -> None:
    items = families(1)
    _, finished = simulate(FalseBelief(), items, answering(items, lambda _probe, gold: gold))
    (one,) = finished
    assert len(one.transcript) == 60 * (3 + 1)
    probe = items[0].fields["probes"][0]
    about = f"{probe['story']}\n\n{probe['question']}\n"
    replies = {e.prompt.split(about)[1]: e.reply for e in one.transcript if about in e.prompt}
    free = f"{listed(probe['options'])}\n<assistant> Answer:"
    assert replies.pop(free) == f" In the {items[0].gold[0]}."
    assert set(replies) == {f"{listed(order)}\n<assistant> {probe['stem']}" for order in rotations(probe)}
    assert all(f"p({items[0].gold[0]}) = 1.0000" in reply for reply in replies.values())


def listed(order: Sequence[str]) -> str:
    a, b, c = order
    return f"Answer with one of these: {a}, {b} or {c}."


def test_an_arm_alone_needs_only_what_it_asks() -> None:
    assert FalseBelief().capabilities() == {"generate", "choose"}
    assert FalseBelief(arms=["free"]).capabilities() == {"generate"}
    assert FalseBelief(arms=["options"]).capabilities() == {"choose"}
    assert FalseBelief(arms=["rule: last place"]).capabilities() == set()


def test_an_arm_whose_prompt_does_not_fit_fails_alone() -> None:
    """A context that holds every question and the name of a container, but not every free answer."""
    items = families(1)
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
    experiment = FalseBelief(wording={"question": "$question ($options)\n$story", "lead": "I say:"})
    (item,) = families(1)
    _, finished = simulate(experiment, [item], lambda _: {" no": 1.0})
    probe = item.fields["probes"][0]
    a, b, c = probe["options"]
    asked = f"<user> {probe['question']} ({a}, {b} or {c})\n{probe['story']}\n<assistant> "
    assert {asked + probe["stem"], asked + "I say:"} <= {exchange.prompt for exchange in finished[0].transcript}
