"""The experiment on engines of known distribution: reasoners, shortcut takers and guessers get exact numbers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.theory_of_mind.false_belief.false_belief import CORE, FalseBelief, cell
from experiments.theory_of_mind.false_belief.task import FalseBeliefStories
from harness.execution.runner import run_item
from harness.items import Item
from harness.metrics.metric import Metric
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.statistics.estimates import Estimate, estimate
from tests.support.helpers import fake_subject, simulate

FAMILIES = 10
"""A multiple of 10: every control is told equally often, in short and in long families."""
Answer = Callable[[Mapping[str, Any], str], str]


def families(n: int = FAMILIES, **settings: Any) -> list[Item]:
    return FalseBeliefStories(name="false_belief", families=n, **settings).load()


def answering(items: list[Item], answer: Answer) -> Callable[[str], dict[str, float]]:
    """A model that gives the same answer to a probe in both arms, found by the text of its prompt."""
    replies: dict[str, dict[str, float]] = {}
    for item in items:
        for probe, gold in zip(item.fields["probes"], item.gold, strict=True):
            text, said = f"<user> {FalseBelief().question(probe)}\n<assistant> ", answer(probe, gold)
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
    assert len(table) == FAMILIES * 40 * 2
    assert (table.columns["correct"] == 1).all()
    assert values(table, "joint_accuracy") == {("options",): 1.0, ("free",): 1.0}
    assert set(values(table, "belief_accuracy").values()) == {1.0}
    assert set(values(table, "reality_bias").values()) == set(values(table, "belief_bias").values()) == {0.0}
    options = table.columns["arm"] == "options"
    assert (table.columns["p_gold"][options] == 1).all()
    assert (table.columns["mass"][options] == 1).all()
    assert np.isnan(table.columns["mass"][~options]).all()
    # The shortcuts' own scores are those of the set, whoever answers.
    assert values(table, "first_place_by_order")["free", "1"] == pytest.approx(2.5 / 8)
    assert values(table, "last_place_by_order")["free", "1"] == pytest.approx(3 / 8)


def test_who_answers_where_the_thing_is_fails_every_false_belief() -> None:
    table = table_of(families(), lambda probe, _gold: probe["last_place"])
    right = {"TB", "NM", "SELF", "BACK_OPEN", "PEEK", "TOLD", "TRANS"}
    wrong = {"FB", "DIST", "BACK_CLOSED", "LIED", "DOUBLE"}
    for arm in ("options", "free"):
        by_condition = {level[1]: value for level, value in values(table, "belief_accuracy").items() if level[0] == arm}
        assert by_condition == {**dict.fromkeys(right, 1.0), **dict.fromkeys(wrong, 0.0)}
        by_order = values(table, "accuracy_by_order")
        assert by_order[arm, "1"] == pytest.approx(3 / 8)
        # Second order: TB, NM, DIST and four of five controls (nobody knows of the peeking).
        assert by_order[arm, "2"] == pytest.approx(3.8 / 8)
        assert values(table, "second_order_accuracy")[arm, "DIST"] == 1.0
        assert values(table, "second_order_accuracy")[arm, "PEEK"] == 0.0
        # Memory is right only where nothing ever moved (NM, short) or it moved back (DOUBLE, long).
        assert by_order[arm, "0"] == pytest.approx((1 + 1 / 8) / 2)
        assert values(table, "accuracy_by_order")[arm, "1"] == values(table, "last_place_by_order")[arm, "1"]
        assert values(table, "joint_accuracy")[(arm,)] == 0.0
        assert values(table, "reality_bias")[(arm,)] == 1.0
        assert values(table, "belief_bias")[(arm,)] == 0.0


def test_who_answers_the_first_place_scores_what_the_set_gives_it() -> None:
    table = table_of(families(), lambda probe, _gold: probe["first_place"])
    for arm in ("options", "free"):
        assert values(table, "accuracy_by_order")[arm, "1"] == pytest.approx((4 / 8 + 1 / 8) / 2)
        by_condition = values(table, "belief_accuracy")
        assert (by_condition[arm, "FB"], by_condition[arm, "TB"], by_condition[arm, "LIED"]) == (0.5, 0.0, 0.5)
        assert (table.columns["correct"][table.columns["kind"] == "memory"] == 1).all()
        assert values(table, "joint_accuracy")[(arm,)] == 0.0
        # In TB the first place is the place before the move in short families, and the spare one in long ones.
        assert values(table, "belief_bias")[(arm,)] == 0.5
    for order in "012":
        assert values(table, "accuracy_by_order")["free", order] == values(table, "first_place_by_order")["free", order]


def test_a_uniform_guesser_gives_every_option_the_same_probability() -> None:
    items = families(4)

    def replies(prompt: str) -> dict[str, float]:
        listed = re.findall(r"Answer with one of these: (\w+), (\w+) or (\w+)\.", prompt)[-1]
        return {f" {container}": 1 / 3 for container in listed}

    table, _ = simulate(FalseBelief(), items, replies)
    options = table.columns["arm"] == "options"
    assert np.allclose(table.columns["p_gold"][options], 1 / 3)
    assert np.allclose(table.columns["mass"][options], 1.0)
    assert values(table, "option_mass") == {("options",): pytest.approx(1.0)}
    assert values(table, "p_gold_by_order") == {("options", o): pytest.approx(1 / 3) for o in "012"}


def test_one_wrong_core_answer_costs_the_family() -> None:
    items = families(2)
    for missed in sorted(CORE):
        table = table_of(items, lambda p, gold, m=missed: gold if cell(p) != m else other(p, gold))  # type: ignore[misc]
        assert values(table, "joint_accuracy") == {("options",): 0.0, ("free",): 0.0}
        columns = (table.columns[name] for name in ("condition", "kind", "order"))
        asked = np.array([probe == missed for probe in zip(*columns, strict=True)])
        assert (table.columns["correct"] == ~asked).all()
        assert values(table, "accuracy")["options",] == pytest.approx(39 / 40)


def other(probe: Mapping[str, Any], gold: str) -> str:
    return str(next(c for c in probe["options"] if c != gold))


def test_an_answer_that_names_nothing_is_a_failure_and_never_a_zero() -> None:
    items = families(4)
    unnamed = items[0].fields["probes"]

    def answer(probe: Mapping[str, Any], gold: str) -> str:
        return "attic" if any(probe is p for p in unnamed) and cell(probe) == ("TB", "belief", 1) else gold

    model = answering(items, answer)
    stem = next(p for p in unnamed if cell(p) == ("TB", "belief", 1))
    sure = f"<user> {FalseBelief().question(stem)}\n<assistant> {stem['stem']}"
    table, _ = simulate(FalseBelief(), items, lambda t: {f" {stem['options'][0]}": 1.0} if t == sure else model(t))
    free = estimates(table, "joint_accuracy")[("free",)]
    assert (free.value, free.n, free.n_failed) == (1.0, 3 * 4, 4)
    lost = (table.columns["arm"] == "free") & np.isnan(table.columns["correct"])
    assert lost.sum() == 1
    for column in ("first_place_correct", "last_place_correct", "says_reality", "says_old"):
        assert np.isnan(table.columns[column][lost]).all()


def test_joint_accuracy_is_only_shown_where_all_four_questions_are_asked() -> None:
    items = families(4, questions=("belief", "reality"))
    table = table_of(items, lambda _probe, gold: gold)
    assert set(table.columns["core"]) == {0.0}
    assert values(table, "joint_accuracy") == {}


def test_every_probe_is_asked_once_in_each_arm_and_the_transcript_shows_it() -> None:
    items = families(1)
    _, finished = simulate(FalseBelief(), items, answering(items, lambda _probe, gold: gold))
    (one,) = finished
    assert len(one.transcript) == 80
    asked, answered = one.transcript[0], one.transcript[40]
    probe = items[0].fields["probes"][0]
    assert asked.prompt.endswith(f"{probe['question']}\n{listed(probe)}\n<assistant> {probe['stem']}")
    assert answered.prompt.endswith("<assistant> Answer:")
    assert answered.reply == f" In the {items[0].gold[0]}."


def listed(probe: Mapping[str, Any]) -> str:
    a, b, c = probe["options"]
    return f"Answer with one of these: {a}, {b} or {c}."


def test_an_arm_alone_needs_only_what_it_asks() -> None:
    assert FalseBelief().capabilities() == {"generate", "choose"}
    assert FalseBelief(arms=["free"]).capabilities() == {"generate"}
    assert FalseBelief(arms=["options"]).capabilities() == {"choose"}


def test_an_arm_whose_prompt_does_not_fit_fails_alone() -> None:
    """A context that holds every question and the name of a container, but not every free answer."""
    items = families(1)
    replies = answering(items, lambda _probe, gold: gold)
    _, finished = simulate(FalseBelief(arms=["options"]), items, replies)
    context = max(e.prompt_tokens for f in finished for e in f.transcript) + 1

    async def run() -> Table:
        subject = fake_subject(replies)
        subject = replace(subject, renderer=Renderer(subject.engine.tokenizer, "auto", context))
        return FalseBelief().table([(await run_item(FalseBelief(), item, subject, None)).result for item in items])

    table = asyncio.run(run())
    failed = table.where(np.array([error is not None for error in table.columns["error"]]))
    assert list(failed.columns["arm"]) == ["free"]
    assert str(context) in failed.columns["error"][0]
    assert values(table, "accuracy")["options",] == 1.0
    assert len(table) == 40 + 1


def test_the_words_around_a_story_can_be_replaced() -> None:
    experiment = FalseBelief(wording={"question": "$question ($options)\n$story", "lead": "I say:"})
    (item,) = families(1)
    _, finished = simulate(experiment, [item], lambda _: {" no": 1.0})
    probe = item.fields["probes"][0]
    a, b, c = probe["options"]
    asked = f"<user> {probe['question']} ({a}, {b} or {c})\n{probe['story']}\n<assistant> "
    assert [finished[0].transcript[i].prompt for i in (0, 40)] == [asked + probe["stem"], asked + "I say:"]
