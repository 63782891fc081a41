"""Prompted ReVISE on subjects whose answers, confidences and revisions are known."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from experiments.correction.chains import Cost, State, vote
from experiments.correction.revise.answers import TEXTS
from experiments.correction.revise.revise import Revise
from experiments.correction.revise.votes import Threshold, fit_threshold
from harness import Item, Text, graded
from harness.config import load_job
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.tasks.graders import number
from harness.testing import simulate

Replies = Callable[[str], Mapping[str, float]]
BY_LENGTH = ("vote by length", "vote by shortness")
NO_COST = Cost(0, 0, 0)
VERIFY, REVISE = "Is the proposed answer correct?", TEXTS["revise"][:20]


def items(n: int, start: int = 0) -> list[Item]:
    return [Item({"question": f"What is the value in row {i}?"}, "7", number) for i in range(start, start + n)]


def said(words: str, finish: Any = "stop") -> State:
    text = Text(words, (1,), (-1.0,), finish)
    return State(text, graded(items(1)[0], text), Cost(1, 10, 1))


def winner(answers: Sequence[str], weights: Sequence[float]) -> str:
    return vote([said(one) for one in answers], NO_COST, weights).grade.answer


def test_a_weighted_vote_is_the_largest_sum_of_confidences() -> None:
    assert winner(["7", "5", "5"], [0.9, 0.4, 0.4]) == "7"
    assert vote([said(one) for one in ("7", "5", "5")], NO_COST).grade.answer == "5"
    assert winner(["7", "5", "5"], [0.9, 0.4, 0.6]) == "5"


def test_ties_go_to_the_first_seen_and_what_cannot_be_graded_abstains() -> None:
    assert winner(["5", "7"], [0.5, 0.5]) == "5"
    assert winner(["7", "5", "7", "5"], [0.1, 0.2, 0.3, 0.2]) == "7"
    assert winner(["no idea", "7"], [0.9, 0.1]) == "7"
    assert vote([said("5", "length"), said("5", "length"), said("7")], NO_COST, [0.9, 0.9, 0.1]).grade.answer == "7"


@pytest.mark.parametrize("constant", [0.1, 0.3, 1.0])
def test_a_constant_confidence_is_the_plain_vote(constant: float) -> None:
    texts = ["5", "7", "6", "7", "5", "6", "6", "6", "5", "5"]
    for n in range(1, len(texts) + 1):
        states = [said(one) for one in texts[:n]]
        assert vote(states, NO_COST, [constant] * n).grade == vote(states, NO_COST).grade


def test_the_threshold_has_the_largest_j_of_youden() -> None:
    found = fit_threshold([0.9, 0.8, 0.3, 0.6, 0.2], [True, True, True, False, False])
    assert [found.value, found.j, found.right, found.wrong] == pytest.approx([0.7, 2 / 3, 3, 2])


def test_a_confidence_without_information_revises_nothing_and_one_class_takes_one_half() -> None:
    assert fit_threshold([0.5] * 4, [True, False, True, False]).value == 0
    assert fit_threshold([0.2, 0.8], [True, True]) == Threshold(value=0.5, j=None, right=2, wrong=0)
    assert fit_threshold([], []).value == 0.5


def subject(first: Mapping[str, float], revised: Mapping[str, float], sure: Callable[[str], float]) -> Replies:
    """Answers with the given distributions; `sure` is p(yes) of the answer that stands last."""

    def replies(prompt: str) -> Mapping[str, float]:
        if VERIFY in prompt.rsplit("<user>", 1)[1]:
            p = sure(prompt.rsplit("<user>", 1)[0].rsplit("<assistant>", 1)[1])
            yes, no = ("A", "B") if "(A) yes" in prompt else ("B", "A")
            return {yes: p, no: 1 - p}
        return revised if REVISE in prompt else first

    return replies


def truth(answer: str) -> float:
    return 1.0 if "7" in answer else 0.0


def run(replies: Replies, n: int = 40, **settings: Any) -> tuple[list[dict[str, Any]], dict[tuple[str, ...], Any]]:
    experiment = Revise(**settings)
    table = (made := simulate(experiment, items(n), replies, train=items(6, start=1000))).table
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=2)]
    return made.rows, {(e.metric, *e.level.values()): e.value for e in found}


def test_confidence_that_is_the_truth_ranks_all_and_revises_only_wrong_answers() -> None:
    rows, found = run(subject({"It is 7.": 0.5, "It is 8.": 0.5}, {"It is 7.": 1.0}, truth))
    samples = [row for row in rows if row["arm"] == "samples"]
    assert found["auroc",] == found["auroc_within",] == 1
    assert all(row["revised"] == (not row["before"]) for row in samples)
    assert all(row["correct"] and row["p_after"] == 1 for row in samples)
    assert (found["revised_rate", "true"], found["revised_rate", "false"]) == (0, 1)
    assert (found["fix_rate_where_revised", "samples"], found["delta_where_revised", "samples"]) == (1, 1)
    assert found["accuracy", "refine weighted"] == found["accuracy", "refine"] == 1
    assert found["accuracy", "weighted vote"] == pytest.approx(1 - 0.5**5, abs=0.11)
    assert found["gain", "weighted vote"] == pytest.approx(
        found["accuracy", "weighted vote"] - found["accuracy", "plain vote"]
    )
    assert (found["option_mass",], found["verified_rate",]) == (1, 1)
    assert {row["arm"] for row in rows} == set(Revise().arms)
    assert not any(row["error"] for row in rows)


def test_a_revised_answer_weighs_by_the_confidence_in_its_own_text() -> None:
    """A revision that is worse has no confidence, so that the first right answers keep the vote."""
    rows, _ = run(subject({"It is 7.": 0.4, "It is 8.": 0.6}, {"It is 9.": 1.0}, truth))
    by_item: dict[str, dict[str, bool]] = {}
    for row in rows:
        by_item.setdefault(row["item"], {})[row["arm"]] = row["correct"]
    assert all(item["refine weighted"] == item["weighted vote"] for item in by_item.values())


def test_a_revision_that_is_another_sample_supports_no_claim_about_revision() -> None:
    """It knows which of its answers are wrong, and draws again: doubted answers get better by that alone."""
    first = {"It is 7.": 0.5, "It is 8.": 0.3, "It is 9.": 0.2}
    experiment = Revise()
    table = simulate(experiment, items(40), subject(first, first, truth), train=items(6, start=1000)).table
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=200)]
    delta = {e.level["arm"]: e.value for e in found if e.metric == "delta_where_revised"}
    assert min(delta["samples"] or 0, delta["samples resampled"] or 0) > 0.3
    claims = [claim for claim in load_job(["experiment=revise"]).claims if "evis" in claim.text]
    assert len(claims) == 3
    for claim in claims:
        assert judge_claim(claim, found, experiment.metrics, table, replicates=200).kind != "supported"


def test_a_confidence_in_the_question_ranks_no_answers_to_it() -> None:
    """It is sure of easy questions, and of any answer to them: right over all samples, and no verification."""

    def replies(prompt: str) -> Mapping[str, float]:
        easy = int(re.findall(r"row (\d+)", prompt)[0]) % 2 == 0
        if VERIFY in prompt.rsplit("<user>", 1)[1]:
            yes, no = ("A", "B") if "(A) yes" in prompt else ("B", "A")
            return {yes: 0.9 if easy else 0.1, no: 0.1 if easy else 0.9}
        return {"It is 7.": 0.8 if easy else 0.2, "It is 8.": 0.2 if easy else 0.8}

    _, found = run(replies)
    assert found["auroc",] > 0.7
    assert found["auroc_within",] == 0.5


def test_a_confidence_that_is_the_length_of_the_text_is_none() -> None:
    """Right texts are short in three of four cases, and so are those that it is sure of."""
    first = {"It is 7.": 0.3, "It is 7, since it is written there.": 0.1, "It is 8.": 0.15}
    first |= {"It is 8, since it is written there.": 0.45}

    def replies(prompt: str) -> Mapping[str, float]:
        if VERIFY not in prompt.rsplit("<user>", 1)[1]:
            return first
        yes, no = ("A", "B") if "(A) yes" in prompt else ("B", "A")
        p = 0.1 if "written" in prompt else 0.9
        return {yes: p, no: 1 - p}

    experiment = Revise(arms=["samples", *("plain vote", "weighted vote", "permuted weights"), *BY_LENGTH])
    made = simulate(experiment, items(60), replies, train=items(6, start=1000))
    found = [e for m in experiment.metrics for e in estimate(m, made.table, replicates=200)]
    value = {(e.metric, *e.level.values()): e.value or 0.0 for e in found}
    assert value["auroc_within",] == value["shorter_auroc_within",] > 0.65
    assert value["longer_auroc_within",] == pytest.approx(1 - value["auroc_within",])
    assert (
        value["accuracy", "vote by shortness"] > value["accuracy", "plain vote"] > value["accuracy", "vote by length"]
    )
    for claim in load_job(["experiment=revise"]).claims[:4]:
        assert judge_claim(claim, found, experiment.metrics, made.table, replicates=200).kind != "supported"


def test_votes_by_length_add_up_tokens() -> None:
    # The fake's tokens are words: seven of the long text, three of each short one.
    def replies(prompt: str) -> Mapping[str, float]:
        return {"It is 7, as it is written.": 0.4, "It is 8.": 0.6}

    rows, _ = run(replies, arms=["samples", *BY_LENGTH, "plain vote"])
    for item in {row["item"] for row in rows}:
        of = [row for row in rows if row["item"] == item]
        samples = [(row["length"], row["before"]) for row in of if row["arm"] == "samples"]
        lead = {power: sum(n**power * (1 if right else -1) for n, right in samples) for power in (-1, 0, 1)}
        voted = {row["arm"]: row["correct"] for row in of if row["arm"] != "samples"}
        for arm, power in (("vote by shortness", -1), ("plain vote", 0), ("vote by length", 1)):
            assert lead[power] == 0 or voted[arm] == (lead[power] > 0)
        assert all(row["calls"] == 5 for row in of if row["arm"] != "samples")


def test_a_constant_confidence_makes_the_weighted_vote_the_plain_one_row_by_row() -> None:
    rows, found = run(subject({"It is 7.": 0.4, "It is 8.": 0.6}, {"It is 7.": 1.0}, lambda answer: 0.4))
    answers = {(row["item"], row["arm"]): row["answer"] for row in rows if row["arm"] != "samples"}
    for (item, arm), answer in answers.items():
        if arm in {"weighted vote", "permuted weights", "refine weighted"}:
            assert answer == answers[item, "plain vote"]
    assert found["gain", "weighted vote"] == 0
    assert found["mean_revised", "refine weighted"] == 0, "a constant tells nothing, so that nothing is revised"


def test_votes_beside_have_as_many_calls() -> None:
    rows, _ = run(subject({"It is 7.": 0.5, "It is 8.": 0.5}, {"It is 7.": 1.0}, truth))
    calls = {(row["item"], row["arm"]): row["calls"] for row in rows if row["arm"] != "samples"}
    revised = {(row["item"], row["arm"]): row["revised"] for row in rows if row["arm"] != "samples"}
    for item in {row["item"] for row in rows}:
        many = revised[item, "refine weighted"]
        assert calls[item, "plain vote"] == 5
        assert calls[item, "weighted vote"] == calls[item, "permuted weights"] == calls[item, "vote equal calls"] == 10
        assert calls[item, "refine"] == 10 + many
        assert calls[item, "refine weighted"] == calls[item, "refine vote equal calls"] == 10 + 2 * many
        assert calls[item, "refine coin"] == 10 + 2 * many
        assert revised[item, "refine coin"] == many


def test_a_letter_that_is_always_said_is_no_confidence() -> None:
    """Always "A" is yes in one order and no in the other: one half."""

    def replies(prompt: str) -> Mapping[str, float]:
        return {"A": 1.0} if VERIFY in prompt else {"It is 7.": 0.5, "It is 8.": 0.5}

    _, found = run(replies, n=5)
    assert found["auroc",] == pytest.approx(0.5)
    assert found["mean_revised", "refine"] == 0


def test_a_cut_sample_has_no_confidence_and_is_not_revised() -> None:
    long = "It is " + "very " * 30 + "likely 7."
    rows, found = run(subject({"It is 7.": 0.5, long: 0.5}, {"It is 7.": 1.0}, truth), max_tokens=8)
    cut = [row for row in rows if row["arm"] == "samples" and row["fate_before"] == "cut"]
    assert cut
    assert all(row["p"] is None and not row["revised"] and not row["correct"] for row in cut)
    assert found["verified_rate",] == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / 200))


def test_the_fit_needs_training_items_only_where_a_threshold_is_used() -> None:
    assert Revise().train_items() == 20
    assert Revise(arms=["plain vote", "weighted vote", "permuted weights"]).train_items() == 0


def test_the_config_is_whole() -> None:
    job = load_job(["experiment=revise"])
    assert len(job.task.load()) == 400
    assert load_job(["experiment=revise", "task=gsm8k"]).task.name == "gsm8k"
    assert isinstance(job.experiment, Revise)
    assert job.claims
