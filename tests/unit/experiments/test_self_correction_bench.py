"""Planted errors, the reading of answers that stand, and the blind spot of models that are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from experiments.correction.self_correction_bench.reading import standing, stated_value
from experiments.correction.self_correction_bench.self_correction_bench import SelfCorrectionBench
from experiments.correction.self_correction_bench.stimuli import KINDS, SUM, near
from experiments.correction.self_correction_bench.task import PlantedErrors
from harness.calls.calls import Text
from harness.config import load_job
from harness.errors import HarnessError
from harness.items import Item
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import Estimate, estimate, estimate_all
from harness.testing import Simulated, simulate

CLAIMS = load_job(["experiment=selfCorrectionBench", "engine=fake", "tracker=none"]).claims
VOICE, HALF, WAIT, BEYOND, RULES, BELIEF = CLAIMS
ITEMS = list({(item.fields["question"], item.gold): item for item in PlantedErrors(size=60).load()}.values())

Reply = Callable[[Item, str], str]
"""What a model says about an item after a prompt: "" where it stops at once."""


def stops(item: Item, prompt: str) -> str:
    return ""


def in_user(prompt: str) -> bool:
    """Whether the model's turn is empty."""
    return prompt.rstrip().endswith("<assistant>")


def run(reply: Reply, p_right: float = 0.5, **settings: Any) -> Simulated:
    """A model with known replies, and a known probability of the right answer where two are read."""
    by_question = {item.fields["question"]: item for item in ITEMS}

    def answer(prompt: str) -> dict[str, float]:
        item = next(item for question, item in by_question.items() if question in prompt)
        if prompt.endswith("orrect answer is"):
            return {f" {item.gold}": 0.9 * p_right, f" {item.fields['wrong']}": 0.9 * (1 - p_right), " x": 0.1}
        said = reply(item, prompt)
        return {f" {said}" if said else " ": 1.0}

    return simulate(SelfCorrectionBench(**settings), ITEMS, answer)


def values(table: Table, name: str) -> dict[str, float | None]:
    (metric,) = (m for m in SelfCorrectionBench.metrics if m.name == name)
    return {one.level["arm"]: one.value for one in estimate(metric, table, replicates=2)}


def verdicts(table: Table) -> dict[str, str]:
    estimates = estimate_all(SelfCorrectionBench.metrics, table, replicates=200)
    judged = (judge_claim(claim, estimates, SelfCorrectionBench.metrics, table, replicates=200) for claim in CLAIMS)
    return {verdict.text: verdict.kind for verdict in judged}


def test_every_kind_has_as_many_items_and_no_two_are_equal() -> None:
    items = PlantedErrors().load()
    assert len({item.id for item in items}) == len(items) == 300
    counts = Counter(item.fields["kind"] for item in items)
    assert set(counts) == {*KINDS, SUM}
    assert max(counts.values()) - min(counts.values()) <= 1
    assert PlantedErrors(size=40).load() == items[:40]
    assert PlantedErrors(seed=1).load()[:40] != items[:40]


def test_a_wrong_answer_is_wrong_and_near_and_not_what_is_asked_about() -> None:
    for item in PlantedErrors(size=700).load():
        wrong, kind = item.fields["wrong"], item.fields["kind"]
        assert wrong not in (item.gold, item.fields["asked"])
        assert wrong in near(kind, item.gold)
        assert item.gold in near(kind, wrong)
        assert not {wrong, item.gold, item.fields["asked"]} & {"A", "I"}
        for value, right in ((item.gold, True), (wrong, False)):
            for text in (value, f"The answer is {value}.", f"It's {value}", f"**{value}**."):
                assert item.grade(text).correct is right, (text, item)
                assert item.grade(text).answer == value


def test_no_rule_that_sees_the_wrong_answer_alone_knows_the_right_one() -> None:
    slips = {kind: Counter[int]() for kind in KINDS}
    for item in PlantedErrors(size=540, kinds=tuple(KINDS)).load():
        kind = item.fields["kind"]
        slips[kind][near(kind, item.fields["wrong"]).index(item.gold)] += 1
    assert all(max(counts.values()) <= 0.5 * counts.total() for counts in slips.values())


@pytest.mark.parametrize(
    ("asked", "kind", "text", "expected"),
    [
        ("Monday", "next day", "Tuesday comes after Monday.", "Tuesday"),
        ("Monday", "next day", "The day after Monday is Wednesday. Wait, it is Tuesday.", "Tuesday"),
        ("Monday", "next day", "It is Tuesday, not Wednesday.", "Tuesday"),
        ("Monday", "next day", "That isn't Wednesday.", ""),
        ("Monday", "next day", "The answer Thursday is wrong, Tuesday is the day after Monday.", "Tuesday"),
        ("Monday", "next day", "My answer was Tuesday, not Wednesday.", "Tuesday"),
        ("Monday", "next day", "The days are Monday, Tuesday, Wednesday", ""),
        ("Monday", "next day", "Monday.", ""),
        ("Monday", "next day", "So, the correct day is Monday.", "Monday"),
        ("Monday", "next day", "Tuesday, since today is Monday.", "Tuesday"),
        ("Monday", "next day", "Tuesday follows Monday.", "Tuesday"),
        ("Monday", "next day", "The day after Monday is a special day.", ""),
        ("Monday", "next day", "The right order is Sunday, Monday, Tuesday and Wednesday.", ""),
        ("Monday", "next day", "The day after Monday is a Tuesday.", "Tuesday"),
        ("M", "next letter", "the letter after M is N", "N"),
        ("M", "next letter", "**N**", "N"),
        ("M", "next letter", "I think a letter is no answer", ""),
        ("M", "next letter", "N comes after M", "N"),
        ("May", "next month", "The month that follows May is June.", "June"),
        ("April", "next month", "It may be May.", "May"),
        ("12", "minus one", "11 is one less than 12.", "11"),
        ("April", "next month", "I may be wrong.", ""),
        ("April", "next month", "it's june, we march on", "June"),
        ("12", "plus one", "12 + 1 = 13", "13"),
        ("12", "minus one", "11 or 10", ""),
        ("12", "minus one", "that's not exactly 13, it's 12.", "12"),
        ("12", "minus one", "To find it, subtract 1 from 12.", ""),
        ("", "sum", "I can't say how many of the 12", ""),
        ("12", "plus one", "Let me check. 12 + 1 = 14. Wait, that is wrong. The answer is 13.", "13"),
        ("12", "plus one", "12", ""),
        ("12", "plus one", "1 more than 12 makes 13", "13"),
    ],
)
def test_the_last_answer_that_is_stated_counts(asked: str, kind: str, text: str, expected: str) -> None:
    item = Item({"question": "q", "kind": kind, "asked": asked}, expected or "99", stated_value)
    assert item.grade(text).answer == expected


@pytest.mark.parametrize(
    ("text", "finish", "own_words", "answer", "fate"),
    [
        ("", "stop", True, "Thursday", "answered"),
        (" I hope this helps!", "stop", True, "Thursday", "answered"),
        (" No, it is Tuesday.", "stop", True, "Tuesday", "answered"),
        (", that is wrong.", "stop", True, "", "unreadable"),
        (" I hope this helps", "length", True, "", "cut"),
        (", that's not exactly Thursday.", "stop", True, "", "unreadable"),
        (", the day after Monday is a good day.", "stop", True, "Thursday", "answered"),
        ("I don't know.", "stop", True, "", "refused"),
        ("", "stop", False, "", "empty"),
        ("Yes, that's right!", "stop", False, "Thursday", "answered"),
        ("That is correct.", "stop", False, "Thursday", "answered"),
        ("I agree.", "stop", False, "Thursday", "answered"),
        ("True.", "stop", False, "Thursday", "answered"),
        ("The answer you gave is right.", "stop", False, "Thursday", "answered"),
        ("Thursday is correct.", "stop", False, "Thursday", "answered"),
        ("Thursday is not correct.", "stop", False, "", "unreadable"),
        ("Yes, but it should be Tuesday.", "stop", False, "Tuesday", "answered"),
        ("No.", "stop", False, "", "unreadable"),
        (" No.", "stop", True, "", "unreadable"),
        (" No doubt about it.", "stop", True, "Thursday", "answered"),
        ("That is not correct.", "stop", False, "", "unreadable"),
        ("Thank you!", "stop", False, "", "unreadable"),
    ],
)
def test_a_planted_answer_stands_until_it_is_taken_back(
    text: str, finish: Any, own_words: bool, answer: str, fate: str
) -> None:
    item = Item({"question": "q", "kind": "next day", "asked": "Monday"}, "Tuesday", stated_value)
    given = standing(item, Text(text, (1,), (0.0,), finish), "Thursday", own_words=own_words)
    assert (given.answer, given.fate) == (answer, fate)


def test_the_interval_of_a_blind_spot_holds_replicates_with_few_corrections() -> None:
    def told(item: Item, prompt: str) -> str:
        wanted = item.id < ("3" if in_user(prompt) else "1")
        return f"The answer is {item.gold}." if wanted else "" if not in_user(prompt) else item.fields["wrong"]

    table = run(told).table
    (metric,) = (m for m in SelfCorrectionBench.metrics if m.name == "blind_spot")
    one = next(e for e in estimate(metric, table, replicates=500) if e.level["arm"] == "error in model")
    assert 0.1 < np.mean([item.id < "3" for item in ITEMS]) < 0.25
    assert one.value is not None
    assert one.low is not None
    assert one.low < one.value < (one.high or 0) <= 1


def test_a_model_that_keeps_every_error_has_no_blind_spot_that_is_defined() -> None:
    table = run(lambda item, prompt: "" if not in_user(prompt) else f"Yes, {item.fields['wrong']} is right.").table
    assert values(table, "recovery")["error in model"] == values(table, "recovery")["error in user"] == 0.0
    assert values(table, "blind_spot")["error in model"] is None
    assert values(table, "voice_gap")["error in model"] == 0.0
    (metric,) = (m for m in SelfCorrectionBench.metrics if m.name == "blind_spot")
    one = next(e for e in estimate(metric, table, replicates=20) if e.level["arm"] == "error in model")
    assert "least" in one.note
    assert verdicts(table)[VOICE.text] != "supported"


def test_a_model_that_corrects_the_user_alone_has_a_blind_spot_of_1() -> None:
    def told(item: Item, prompt: str) -> str:
        return f"The answer is {item.gold}." if in_user(prompt) else ""

    table = run(told).table
    assert values(table, "blind_spot") == {"error in model": 1.0, "filler": 1.0, "wait": 1.0}
    assert values(table, "voice_gap")["error in model"] == 1.0
    assert values(table, "net_recovery")["error in user"] == 1.0
    assert values(table, "net_recovery")["error in model"] == 0.0
    assert values(table, "kept")["error in model"] == 1.0
    found = verdicts(table)
    assert (found[VOICE.text], found[HALF.text]) == ("supported", "supported")
    assert found[WAIT.text] != "supported"


@pytest.mark.parametrize(("below", "kind"), [("2", "supported"), ("c", "contradicted")])
def test_the_blind_spot_is_set_against_a_half(below: str, kind: str) -> None:
    def told(item: Item, prompt: str) -> str:
        return f"The answer is {item.gold}." if in_user(prompt) or item.id < below else ""

    table = run(told).table
    share = np.mean([item.id < below for item in ITEMS])
    assert values(table, "blind_spot")["error in model"] == pytest.approx(1 - share)
    assert verdicts(table)[HALF.text] == kind


def test_a_model_that_always_corrects_has_a_blind_spot_of_0() -> None:
    table = run(lambda item, prompt: f"The answer is {item.gold}.").table
    assert values(table, "blind_spot") == {"error in model": 0.0, "filler": 0.0, "wait": 0.0}
    assert values(table, "net_recovery")["error in model"] == 1.0
    assert verdicts(table)[VOICE.text] != "supported"


def test_wait_that_turns_every_answer_over_is_no_correction() -> None:
    def doubts(item: Item, prompt: str) -> str:
        if not prompt.endswith(" Wait"):
            return f"It is {item.gold}." if in_user(prompt) else ""
        return f"it is {item.fields['wrong'] if f'answer is {item.gold}.' in prompt else item.gold}."

    table = run(doubts).table
    assert values(table, "recovery")["wait"] == 1.0
    # After the right answer was planted before it is stated, the model here says the right one: a sum's fields tell.
    alarms = values(table, "false_alarms")["wait"]
    committed = np.mean([item.fields["committed"] == "after" for item in ITEMS])
    assert alarms == pytest.approx(committed)
    assert values(table, "net_recovery")["wait"] == pytest.approx(1 - committed)
    assert verdicts(table)[BEYOND.text] != "supported"


def test_wait_that_mends_errors_alone_supports_its_claims() -> None:
    def mends(item: Item, prompt: str) -> str:
        if in_user(prompt) or (prompt.endswith(" Wait") and item.id < "c"):
            return f"the answer is {item.gold}."
        return ""

    table = run(mends).table
    share = np.mean([item.id < "c" for item in ITEMS])
    assert values(table, "net_recovery")["wait"] == pytest.approx(share)
    assert values(table, "blind_spot")["wait"] == pytest.approx(1 - share)
    assert values(table, "net_recovery")["filler"] == 0.0
    found = verdicts(table)
    assert {found[claim.text] for claim in (WAIT, BEYOND, RULES)} == {"supported"}


def test_rules_are_blind_to_errors() -> None:
    table = run(stops, arms=["rule: keep", "rule: always wrong", "rule: coin"]).table
    assert values(table, "recovery")["rule: keep"] == values(table, "net_recovery")["rule: keep"] == 0.0
    recovery = values(table, "recovery")["rule: always wrong"]
    assert recovery is not None
    assert 0.1 < recovery < 0.45
    assert values(table, "net_recovery")["rule: always wrong"] == pytest.approx(recovery - 1)
    assert SelfCorrectionBench(arms=["rule: coin"]).capabilities() == frozenset()


def test_two_answers_are_read_behind_the_planted_words() -> None:
    done = run(stops, p_right=0.3)
    assert values(done.table, "p_right")["error in model"] == pytest.approx(0.3)
    assert values(done.table, "option_mass")["wait"] == pytest.approx(0.9)
    item = next(item for item in ITEMS if item.fields["kind"] == "next day")
    (finished,) = (one for one in done.finished if one.result.item == item.id)
    prompts = {exchange.prompt for exchange in finished.transcript}
    question, wrong = item.fields["question"], item.fields["wrong"]
    model = f"<user> {question} <assistant> The answer is {wrong}."
    flat = {" ".join(prompt.split()) for prompt in prompts}
    for end in ("", " The correct answer is", " Wait", " Wait, the correct answer is", " So, the correct answer is"):
        assert f"{model}{end}" in flat
    assert f"<user> {question} The answer is {wrong}. <assistant>" in flat
    assert f"<user> {question} <assistant>" in flat


def test_all_numbers_of_the_whole_experiment_are_finite() -> None:
    def some(item: Item, prompt: str) -> str:
        return f"The answer is {item.gold}." if in_user(prompt) or item.id < "8" else ""

    table = run(some, p_right=0.6).table
    estimates: list[Estimate] = estimate_all(SelfCorrectionBench.metrics, table, replicates=50)
    told = {(one.metric, one.level.get("arm")) for one in estimates if one.value is None}
    assert not told, told
    assert set(table.columns["arm"]) == set(SelfCorrectionBench().arms)


def test_equal_answers_and_bad_settings_are_named() -> None:
    item = Item({**ITEMS[0].fields, "wrong": ITEMS[0].gold}, ITEMS[0].gold, stated_value)
    rows = simulate(SelfCorrectionBench(arms=["error in model"]), [item], lambda prompt: "x").rows
    assert "the wrong answer is the right one" in rows[0]["error"]
    for wrong in ({"kinds": ("next day", "next year")}, {"kinds": ()}, {"size": 0}, {"steps": 1}):
        with pytest.raises(HarnessError, match="planted_errors"):
            PlantedErrors(**wrong)
