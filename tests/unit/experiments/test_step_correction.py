"""Planted steps, markers, and the recovery of models that are known."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from experiments.correction.step_correction.markers import MARKERS, first_marker
from experiments.correction.step_correction.step_correction import StepCorrection
from experiments.correction.step_correction.task import PLACES, PlantedSteps
from harness.config import load_job
from harness.errors import HarnessError
from harness.items import Item
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate, estimate_all
from harness.testing import Simulated, item, simulate

CLAIMS = load_job(["experiment=stepCorrection", "engine=fake", "tracker=none"]).claims
SKILL, FLAG, VOICE, HARM, MARKED = CLAIMS
ITEMS = PlantedSteps(size=40).load()

Reply = Callable[[Item, str], str]


def carries_on(item: Item, prompt: str) -> str:
    """A model that goes on from whatever stands there."""
    wrong = item.fields["wrong_steps"][-1] in prompt
    return f"The answer is {item.fields['carried'] if wrong else item.gold}."


def begins_anew(item: Item, prompt: str) -> str:
    """A model that solves the problem whatever stands there."""
    return f"Wait, let me check that.\nThe answer is {item.gold}."


def run(reply: Reply, **settings: Any) -> Simulated:
    def answer(prompt: str) -> str:
        return reply(next(item for item in ITEMS if item.fields["question"] in prompt), prompt)

    return simulate(StepCorrection(**settings), ITEMS, answer)


def values(table: Table, name: str) -> dict[str, float | None]:
    (metric,) = (m for m in StepCorrection.metrics if m.name == name)
    return {one.level["arm"]: one.value for one in estimate(metric, table, replicates=2)}


def verdicts(table: Table) -> dict[str, str]:
    estimates = estimate_all(StepCorrection.metrics, table, replicates=200)
    judged = (judge_claim(claim, estimates, StepCorrection.metrics, table, replicates=200) for claim in CLAIMS)
    return {verdict.text: verdict.kind for verdict in judged}


def test_one_step_is_wrong_and_the_result_is_not_given_away() -> None:
    items = PlantedSteps(size=300).load()
    assert len({item.id for item in items}) == 300
    for one in items:
        right, wrong = one.fields["right_steps"], one.fields["wrong_steps"]
        assert right[:-1] == wrong[:-1]
        assert len(right) == len(wrong) == one.fields["step"]
        off = abs(int(right[-1].split()[-1]) - int(wrong[-1].split()[-1]))
        assert off == {"ones": 1, "tens": 10}[one.fields["flaw"]]
        assert one.grade(one.fields["carried"]).correct is False
        shown = re.findall(r"\d+", " ".join([one.fields["question"], *right, *wrong]))
        assert one.gold not in shown
    assert set(Counter(one.fields["flaw"] for one in items)) == set(PLACES)
    assert set(Counter(one.fields["step"] for one in items)) == {1, 2, 3, 4}
    for settings in ({"size": 0}, {"steps": ()}, {"steps": (1, 3)}):
        with pytest.raises(HarnessError, match="planted_steps"):
            PlantedSteps(**settings)


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("12 + 5 = 18. Wait, 12 + 5 = 17.", None, "Wait"),
        ("Wait, 12 is right", None, "Wait"),
        ("Wait, I read: Ada has 12. 12 + 5 = 17", "Ada has 12, finds 5.", None),
        ("12 + 5 = 18, let me\n  re-check that", "Ada has 12, finds 5.", "let me\n  re-check"),
        ("18. The waiter awaits her", None, None),
        ("18. ACTUALLY no", None, "ACTUALLY"),
        ("12 + 5 = 17. No mistake here, and nothing is wrong.", None, None),
        ("12 + 5 = 17", None, None),
        ("", None, None),
    ],
)
def test_markers_are_words_after_something_was_computed(text: str, known: str | None, expected: str | None) -> None:
    at = first_marker(text, MARKERS, known=known)
    assert (None if at is None else text[at : at + len(expected or "")]) == expected
    assert first_marker(text, (), known=known) is None


def test_markers_are_plain_words_and_no_patterns() -> None:
    assert first_marker("17 aaaa", ("a+",)) is None
    assert first_marker("17 so (a+) what", ("(a+)",)) == 6


def test_a_model_that_repeats_the_wrong_value_never_recovers() -> None:
    table = run(carries_on).table
    assert values(table, "recovery") == {
        **dict.fromkeys(("injected", "flagged", "filler", "other voice", "rule: keep"), 0.0),
        **{rule: values(table, "recovery")[rule] for rule in ("rule: always wrong", "rule: coin")},
    }
    assert values(table, "false_alarms")["injected"] == 0.0
    assert values(table, "net_recovery")["injected"] == 0.0
    assert values(table, "kept")["injected"] == 1.0
    assert values(table, "blind_spot")["injected"] is None
    found = verdicts(table)
    assert found[SKILL.text] != "supported"
    assert found[HARM.text] == "supported"


def test_a_model_that_begins_anew_recovers_always() -> None:
    table = run(begins_anew).table
    assert values(table, "recovery")["injected"] == values(table, "net_recovery")["injected"] == 1.0
    assert values(table, "blind_spot")["injected"] == values(table, "voice_gap")["injected"] == 0.0
    found = verdicts(table)
    assert found[SKILL.text] == "supported"
    assert found[VOICE.text] != "supported"


def test_a_model_that_mends_the_steps_of_others_alone() -> None:
    def polite(item: Item, prompt: str) -> str:
        return begins_anew(item, prompt) if "Here are the first steps" in prompt else carries_on(item, prompt)

    table = run(polite).table
    assert values(table, "blind_spot") == {"filler": 1.0, "flagged": 1.0, "injected": 1.0}
    assert verdicts(table)[VOICE.text] == "supported"


def test_a_flag_that_turns_every_step_over_has_no_net_recovery() -> None:
    def doubts(item: Item, prompt: str) -> str:
        if not prompt.endswith("Wait,"):
            return carries_on(item, prompt)
        wrong = item.fields["wrong_steps"][-1] in prompt
        return f"the answer is {item.gold if wrong else item.fields['carried']}."

    table = run(doubts).table
    assert (values(table, "recovery")["flagged"], values(table, "false_alarms")["flagged"]) == (1.0, 1.0)
    assert values(table, "net_recovery")["flagged"] == 0.0
    assert verdicts(table)[FLAG.text] != "supported"


def test_a_model_that_cannot_solve_the_problems_gives_no_verdict_on_mending() -> None:
    table = run(lambda item, prompt: "The answer is 7.").table
    estimates = estimate_all(StepCorrection.metrics, table, replicates=200)
    assert values(table, "false_alarms")["injected"] == 1.0
    assert values(table, "able")["flagged"] == 0.0
    for claim in (SKILL, FLAG, VOICE):
        verdict = judge_claim(
            claim, estimates, StepCorrection.metrics, table, replicates=200, gates=StepCorrection.gates
        )
        assert verdict.kind == "undecided"
        assert "hardly gets to the right answer" in verdict.reason


def test_a_marker_is_no_correction_by_itself() -> None:
    def repeats(item: Item, prompt: str) -> str:
        if prompt.endswith("The answer is"):
            return f"{item.fields['carried']}."
        return f"999\nWait, {item.fields['carried']} is right. The answer is {item.fields['carried']}."

    table = run(repeats, arms=["question alone", "injected"]).table
    assert set(values(table, "marker_rate").values()) == {1.0}
    assert set(values(table, "marked_change_rate").values()) == {0.0}
    assert set(values(table, "marked_delta").values()) == {0.0}
    assert set(values(table, "missed_rate").values()) == {0.0}


def test_the_answer_held_before_a_marker_is_read_where_it_stood() -> None:
    def mends(item: Item, prompt: str) -> str:
        if prompt.endswith("The answer is"):
            return f"{item.fields['carried']}."
        if prompt.endswith("So,"):
            return f"The answer is {item.fields['carried']}."
        return f"so 999.\nLet me check. It is not. The answer is {item.gold}."

    done = run(mends, arms=["question alone", "injected"])
    assert set(values(done.table, "marked_delta_i2c").values()) == {1.0}
    assert set(values(done.table, "marked_change_rate").values()) == {1.0}
    assert set(done.table.columns["answer_before"]) == {one.fields["carried"] for one in ITEMS}
    closed = [x.prompt for x in done.finished[0].transcript if x.prompt.endswith("The answer is")]
    # Of the question alone, and of "injected" with what it is set against: the right step, and the other voice.
    assert len(closed) == 4
    for prompt in closed:
        assert prompt.endswith("so 999.\nThe answer is")
        assert "check" not in prompt
    assert verdicts(done.table)[MARKED.text] == "supported"


def test_half_a_solution_is_not_mended_by_a_marker() -> None:
    """It writes "Wait" before it has finished: what it holds there is wrong, and it goes on to the right answer."""

    def hesitates(item: Item, prompt: str) -> str:
        if prompt.endswith("The answer is"):
            return f"{item.fields['carried']}."
        if prompt.endswith("So,"):
            return f"the answer is {item.gold}."
        return f"so 999.\nWait, there is more. The answer is {item.gold}."

    done = run(hesitates, arms=["question alone"])
    assert values(done.table, "marked_delta") == {"question alone": 1.0}
    assert values(done.table, "marker_gain") == {"question alone": 0.0}
    assert sum(x.prompt.endswith("so 999.\nSo,") for x in done.finished[0].transcript) == 1
    assert verdicts(done.table)[MARKED.text] != "supported"


def test_each_planted_step_ends_with_its_line_in_every_arm() -> None:
    done = run(carries_on)
    prompts = {x.prompt for x in done.finished[0].transcript}
    fields = next(one.fields for one in ITEMS if one.id == done.finished[0].result.item)
    for steps in ("\n".join(fields["wrong_steps"]), "\n".join(fields["right_steps"])):
        for end in ("", "Wait,", "So,"):
            assert any(prompt.endswith(f"{steps}\n{end}") for prompt in prompts)
        assert any(f"Here are the first steps:\n{steps}" in prompt for prompt in prompts)


def test_all_numbers_of_the_whole_experiment_are_finite() -> None:
    def some(item: Item, prompt: str) -> str:
        if prompt.endswith("The answer is"):
            return f"{item.gold if item.id < '8' else item.fields['carried']}."
        return f"999. {begins_anew(item, prompt)}" if item.id < "a" else carries_on(item, prompt)

    table = run(some).table
    estimates = estimate_all(StepCorrection.metrics, table, replicates=50)
    undefined = {(one.metric, one.level.get("arm")) for one in estimates if one.value is None}
    # No answer is wrong behind a marker here, after which none can be spoilt.
    assert not {metric for metric, _ in undefined} - {"marked_break_rate", "marked_fix_rate"}, undefined
    assert set(table.columns["arm"]) == set(StepCorrection().arms)


def test_problems_without_steps_are_named_and_still_show_markers() -> None:
    asked = [item("What is 2 + 2?", "4")]
    rows = simulate(StepCorrection(arms=["question alone", "injected"]), asked, lambda prompt: "5. Wait, 4.").rows
    by_arm = {row["arm"]: row for row in rows}
    assert "task=planted_steps" in by_arm["injected"]["error"]
    assert by_arm["question alone"]["marked"] is True
    assert StepCorrection(arms=["rule: coin"]).capabilities() == frozenset()
