"""SELF's grid on subjects whose answers, feedback and refinements are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from experiments.correction.self_grid.arms import ARMS
from experiments.correction.self_grid.prompts import TEXTS
from experiments.correction.self_grid.self_grid import SelfGrid
from harness import Item
from harness.config import load_job
from harness.errors import HarnessError
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.tasks.graders import number
from harness.testing import Simulated, simulate

RIGHT, WRONG = "The final answer is 7.", "The final answer is 8."
CORRECT, INCORRECT = "All is well.\nJudgment: correct", "A slip in line 1.\nJudgment: incorrect"


def items(n: int) -> list[Item]:
    return [Item({"question": f"What is row {i}?"}, "7", number) for i in range(n)]


TRAIN = [Item({"question": f"What is column {i}?"}, "7", number) for i in range(8)]


def turn(prompt: str) -> str:
    """The turn that a prompt asks for, and for feedback whether it is on a refined answer."""
    last = prompt.rsplit("<user> ", 1)[1]
    if last.startswith(TEXTS["feedback"][:20]):
        return "feedback"
    return "refine" if last.startswith(TEXTS["refine"][:20]) else "answer"


class Model:
    """Right with probability p at first, judges by a rule of the answer, and refines to a given answer."""

    def __init__(self, p: float, judges: Mapping[bool, str], refines: str = RIGHT) -> None:
        self.p, self.judges, self.refines = p, judges, refines

    def __call__(self, prompt: str) -> dict[str, float]:
        match turn(prompt):
            case "answer":
                return {RIGHT: self.p, WRONG: 1 - self.p}
            case "feedback":
                return {self.judges[RIGHT in prompt.rsplit("<assistant> ", 2)[1]]: 1.0}
        return {self.refines: 1.0}


KNOWS = Model(0.5, {True: CORRECT, False: INCORRECT})
ALWAYS_CORRECT = Model(0.5, {True: CORRECT, False: CORRECT}, WRONG)


def run(model: Any, n: int = 40, **settings: Any) -> Simulated:
    return simulate(SelfGrid(temperature=1.0, **settings), items(n), model, train=TRAIN)


def column(done: Simulated, arm: str, name: str) -> list[Any]:
    found = [row[name] for row in sorted(done.rows, key=lambda r: (r["item"], r["chain"] or 0)) if row["arm"] == arm]
    assert found, arm
    return found


def values(done: Simulated, arm: str = "") -> dict[str, float | None]:
    """Every metric, of an arm or of the whole run."""
    found = [e for m in SelfGrid.metrics for e in estimate(m, done.table, replicates=2)]
    return {e.metric: e.value for e in found if e.level.get("arm", "") == arm}


def test_a_judge_that_always_says_correct_refines_nothing_and_filters_nothing() -> None:
    done = run(ALWAYS_CORRECT)
    for name in ("after", "answer_after", "fate_after"):
        direct = column(done, "direct", name)
        assert column(done, "refine gated", name) == direct, "row by row"
        assert column(done, "always correct gate", name) == direct
        assert column(done, "refine gated vote", name) == column(done, "direct vote", name)
    found = values(done, "refine gated")
    assert found["filter_precision"] == found["filter_base_rate"] == found["accuracy_after"]
    assert (found["filter_recall"], found["filter_kept_rate"], found["refined_rate"]) == (1, 1, 0)
    whole = values(done)
    assert whole["judgment_balanced_accuracy"] == 0.5
    assert (whole["right_called_correct"], whole["wrong_called_incorrect"], whole["judged_correct_rate"]) == (1, 0, 1)


def test_the_always_correct_gate_is_direct_whatever_the_feedback() -> None:
    done = run(KNOWS)
    for name in ("before", "after", "answer_after", "calls", "new_tokens"):
        assert column(done, "always correct gate", name) == column(done, "direct", name)


def test_a_judge_that_knows_has_a_perfect_filter_and_equals_the_oracle() -> None:
    done = run(KNOWS)
    assert column(done, "refine gated", "after") == column(done, "oracle gate", "after") == [True] * 120
    assert column(done, "refine gated", "refined") == column(done, "oracle gate", "refined")
    assert column(done, "refine gated", "refined") == [not right for right in column(done, "direct", "after")]
    assert values(done)["judgment_balanced_accuracy"] == 1
    found = values(done, "refine gated")
    assert (found["delta_c2i"], found["fix_rate"], found["filter_precision"]) == (0, 1, 1)


def test_refining_always_breaks_what_is_right_where_refinements_are_wrong() -> None:
    done = run(Model(0.5, {True: CORRECT, False: INCORRECT}, WRONG))
    found = values(done, "refine always")
    assert (found["accuracy_after"], found["break_rate"], found["refined_rate"]) == (0, 1, 1)
    assert found["filter_precision"] is None, "the last feedback keeps none of the refined answers"
    assert (found["filter_base_rate"], found["filter_kept_rate"]) == (0, 0)
    assert values(done, "refine gated")["break_rate"] == 0, "the gate lets right answers stand"


def test_the_last_line_of_judgment_counts_and_an_unreadable_one_refines_nothing() -> None:
    asks = 'I was asked to say "Judgment: incorrect" or not.\nJudgment: incorrect\nOn reflection.\nJudgment: correct'
    done = run(Model(0.5, {True: asks, False: asks}, WRONG), n=4)
    assert set(column(done, "refine gated", "judged")) == {True}
    done = run(Model(0.5, {True: "Well done.", False: "Hm."}, RIGHT), n=10)
    assert column(done, "refine gated", "after") == column(done, "direct", "after")
    assert set(column(done, "refine gated", "judged")) == {None}
    assert set(column(done, "refine gated", "judged_right")) == {False}, "and is never taken for either verdict"
    found, whole = values(done, "refine gated"), values(done)
    assert (whole["parse_failed_rate"], whole["judgment_balanced_accuracy"]) == (1, 0)
    assert found["filter_precision"] is None
    assert any(gate.metric == "parse_failed_rate" and gate.most == 0.5 for gate in SelfGrid.gates)


def test_feedback_that_is_cut_has_no_verdict() -> None:
    done = run(KNOWS, n=3, feedback_tokens=3)
    assert set(column(done, "refine gated", "parse_failed")) == {True}
    assert not any(column(done, "refine gated", "refined"))


def test_a_refinement_without_the_form_is_told_apart_from_a_wrong_one() -> None:
    done = run(Model(1.0, {True: INCORRECT, False: INCORRECT}, "I have mended it."), n=5)
    found = values(done, "refine always")
    assert (found["accuracy_after"], found["answered_after"]) == (0, 0)
    assert (found["delta_lower"], found["delta_upper"]) == (-1, 0), "they may all have been right"
    assert "delta_answered" not in found, "no row has both answers"


def test_votes_take_as_many_calls_as_the_chains_beside_them() -> None:
    done = run(KNOWS, n=6)
    assert set(column(done, "refine always", "calls")) == set(column(done, "vote of three", "calls")) == {3}
    assert set(column(done, "refine always vote", "calls")) == set(column(done, "vote equal calls", "calls")) == {9}
    assert set(column(done, "direct vote", "calls")) == {3}
    gated = zip(column(done, "refine gated", "calls"), column(done, "refine gated", "refined"), strict=True)
    assert all(calls == (3 if refined else 2) for calls, refined in gated)
    assert len(column(done, "vote of three", "after")) == 18, "beside each chain"


def test_a_vote_of_three_adds_what_a_majority_adds() -> None:
    p, n = 0.7, 600
    done = run(Model(p, {True: CORRECT, False: CORRECT}), n=n, arms=["direct", "vote of three", "vote equal calls"])
    majority = p**3 + 3 * p**2 * (1 - p)
    # Standard errors .02 at most for 600 items.
    assert np.mean(column(done, "direct", "after")) == pytest.approx(p, abs=0.05)
    assert np.mean(column(done, "vote of three", "after")) == pytest.approx(majority, abs=0.06)
    assert np.mean(column(done, "vote equal calls", "after")) > majority


def test_controls_of_feedback_hold_none_of_the_models_own() -> None:
    seen: dict[str, list[str]] = {"own": [], "empty": [], "shuffled": []}

    def replies(prompt: str) -> dict[str, float]:
        if turn(prompt) == "feedback":
            return {f"On {'a column' if 'column' in prompt else 'this row'}.\n{INCORRECT}": 1.0}
        if turn(prompt) == "refine":
            given = prompt.rsplit("<assistant> ", 2)[1]
            source = "own" if "this row" in given else "shuffled" if "a column" in given else "empty"
            seen[source].append(given)
        return {RIGHT: 1.0}

    run(replies, n=2)
    assert all(seen.values())
    assert {text.split("\n<user>")[0] for text in seen["empty"]} == {TEXTS["no_feedback"]}


class Again(Model):
    """As it judges, but a refined answer is only another first one."""

    def __call__(self, prompt: str) -> dict[str, float]:
        return {RIGHT: self.p, WRONG: 1 - self.p} if turn(prompt) == "refine" else super().__call__(prompt)


def verdicts(done: Simulated) -> list[str]:
    claims = load_job(["experiment=selfGrid", "engine=fake", "tracker=none"]).claims
    found = [e for m in SelfGrid.metrics for e in estimate(m, done.table, replicates=200)]
    return [judge_claim(claim, found, SelfGrid.metrics, done.table, replicates=200).kind for claim in claims]


def test_a_refinement_that_is_another_answer_is_worth_no_more_than_one() -> None:
    """It knows which answers are wrong, and answers again: direct answers, their vote and a coin are worse."""
    arms = [name for name in ARMS if name not in ("oracle gate", "always correct gate")]
    again, refined = (run(model, arms=arms) for model in (Again(0.5, KNOWS.judges), KNOWS))
    assert np.mean(column(again, "refine gated", "after")) == pytest.approx(0.75, abs=0.12)
    assert set(column(again, "gated resample", "calls")) == {2, 3}
    assert "supported" not in verdicts(again)[:2]
    assert verdicts(refined)[:2] == ["supported"] * 2


def test_a_judge_of_questions_tells_no_answers_to_one_apart() -> None:
    class ByQuestion(Model):
        """Right on even rows mostly, and content with any answer there."""

        def __call__(self, prompt: str) -> dict[str, float]:
            easy = int(re.findall(r"(?:row|column) (\d+)", prompt)[0]) % 2 == 0
            if turn(prompt) == "feedback":
                return {CORRECT if easy else INCORRECT: 1.0}
            return {RIGHT: 0.8 if easy else 0.2, WRONG: 0.2 if easy else 0.8}

    whole = values(run(ByQuestion(0.5, {}), arms=["refine gated"]))
    assert (whole["judgment_balanced_accuracy"] or 0) > 0.7
    assert whole["judgment_auroc_within"] == 0.5


def test_the_coin_refines_about_half() -> None:
    refined = column(run(KNOWS, n=100), "coin", "refined")
    assert np.mean(refined) == pytest.approx(0.5, abs=0.12)


def test_the_whole_experiment_has_finite_estimates() -> None:
    def replies(prompt: str) -> dict[str, float]:
        said = {RIGHT: 0.5, WRONG: 0.5}
        return {CORRECT: 0.5, INCORRECT: 0.5} if turn(prompt) == "feedback" else said

    done = run(replies, n=20)
    assert not any(row["error"] for row in done.rows)
    assert {row["arm"] for row in done.rows} == set(ARMS)
    for arm in ("refine gated", "refine always", "direct", "vote equal calls", "oracle gate"):
        found = values(done, arm)
        for name in ("accuracy_before", "accuracy_after", "delta", "mean_calls", "mean_new_tokens"):
            assert found[name] is not None, (arm, name)
    assert all(value is not None for value in values(done).values())
    assert None not in (values(done, "refine always")[name] for name in ("filter_precision", "filter_recall"))


def test_silent_feedback_cannot_be_shuffled() -> None:
    with pytest.raises(HarnessError, match="feedback on training items is empty"):
        run(lambda prompt: {"" if turn(prompt) == "feedback" else RIGHT: 1.0}, n=2)
