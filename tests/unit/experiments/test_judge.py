"""Responses of known quality, and the experiment on judges that know it, that do not, or that say the same always."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from experiments.judging.judge.judge import Judge
from experiments.judging.judge.reading import rationale_of, read_score
from experiments.judging.judge.rows import ARMS, DEFAULT, Scored, comparison, vote
from experiments.judging.judge.stimuli import KINDS, WORDS
from experiments.judging.judge.task import RatedResponses
from harness.config import load_job
from harness.errors import HarnessError
from harness.items import Item
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate
from harness.tasks.responses import responses_item
from harness.tasks.texts import words
from harness.testing import Simulated, simulate

CLAIMS = load_job(["experiment=judge", "engine=fake", "tracker=none"]).claims
BY_MODEL = [name for name in DEFAULT if ARMS[name].reads != "rule"]


def items(n: int = 20) -> list[Item]:
    return RatedResponses(size=n).load()


def judging(asked: list[Item], score: Callable[[int, str], int]) -> Callable[[str], str | Mapping[str, float]]:
    """A judge whose score is a function of the quality of a response and of the prompt, in every form alike."""
    quality = {
        text: gold for item in asked for text, gold in zip(item.fields["responses"], item.gold["scores"], strict=True)
    }

    def reply(prompt: str) -> str | Mapping[str, float]:
        shown = [text for text in re.findall(r"### Response[^\n]*:\n([^\n]*)", prompt) if text in quality]
        scores = [score(quality[text], prompt) for text in shown]
        if len(scores) == 2:
            return {"A": 1.0} if scores[0] >= scores[1] else {"B": 1.0}
        if prompt.rstrip().endswith("[RESULT] ("):
            return {str(scores[0]): 1.0}
        return f"It says [RESULT] 1 or so, but in the end: [RESULT] {scores[0]}"

    return reply


def run(score: Callable[[int, str], int], n: int = 20, **settings: Any) -> Simulated:
    asked = items(n)
    return simulate(Judge(**settings), asked, judging(asked, score))


def values(table: Table, name: str) -> dict[str, float | None]:
    (metric,) = (m for m in Judge.metrics if m.name == name)
    return {e.level["arm"]: e.value for e in estimate(metric, table, replicates=2)}


def test_a_response_gives_as_many_facts_rightly_as_its_score_says() -> None:
    for item in items(60):
        right = {WORDS[int(n)] for n in re.findall(r"\d+", item.fields["reference"])}
        assert len(right) == 5
        for text, score in zip(item.fields["responses"], item.gold["scores"], strict=True):
            said = [word for word in re.findall(r"[a-z]+-[a-z]+", text) if word in WORDS.values()]
            assert len(said) == 5
            assert len([word for word in said if word in right]) == score
        assert item.gold["best"] == [int(np.argmax(item.gold["scores"]))]


def test_neither_length_nor_shared_words_tell_the_better_response() -> None:
    for item in items(60):
        one, other = item.fields["responses"]
        assert one != other
        assert len(one) == len(other)
        shared = [{*words(text)} & {*words(item.fields["reference"])} for text in (one, other)]
        assert shared[0] == shared[1]


def test_every_score_occurs_as_often_and_items_differ() -> None:
    made = items(240)
    counts = Counter(score for item in made for score in item.gold["scores"])
    assert counts == dict.fromkeys(range(1, 6), 96)
    assert len({str(dict(item.fields)) for item in made}) == 240
    assert len({item.fields["question"] for item in made}) > 230
    assert {item.gold["best"][0] for item in made} == {0, 1}
    assert all(item.fields["other_reference"] != item.fields["reference"] for item in made)
    assert {item.fields["subset"] for item in made} == set(KINDS)
    with pytest.raises(HarnessError, match="give at least 1"):
        RatedResponses(size=0)


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Good. [RESULT] 4", 4),
        ("A 2 is too low. [RESULT] 2 would be harsh, so [RESULT] 4", 4),
        ("[RESULT] 2 ... [RESULT] 4", 4),
        ("[RESULT] (3)", 3),
        ("**[RESULT]** **5**.", 5),
        ("[SCORE] 1", 1),
        ("Score: 2", 2),
        ("I give it a score of 3.", 3),
        ("The score is 4", 4),
        ("In all 4/5", 4),
        ("It deserves 4 out of 5.", 4),
        ("[RESULT] 4/5", 4),
        ("[RESULT] 4\n\n", 4),
        ("Rating: 3", 3),
        ("[RESULT] {3}", 3),
        ('[RESULT] "3"', 3),
        ("[RESULT]\n3", 3),
        ("[RESULT] (N) = 4", 4),
        ("[RESULT]: (N = 3)", 3),
        ("Score (1-5): 3", 3),
        ("Score = 3", 3),
        ("The final score is: **3**", 3),
        ("[RESULT] (3) out of (5)", 3),
        ("Score: 4 points", 4),
        ("<score>3</score>", 3),
        ("[RESULT] (4). </s>", 4),
        ("[RESULT] (2)\n```", 2),
        ("[RESULT] (3) \u2713", 3),
        ("[RESULT] N", None),
        ("[RESULT] (1, 2, 3, 4 or 5)", None),
        ("Score: 3,5", None),
        ("Score: 4-5", None),
        ("score: -3", None),
        ("I cannot give a score. 4", None),
        ("The score should not be 5", None),
        ("I prefer (5).\n\n[RESULT]", None),
        ("[RESULT] (2)\nIt provides two facts.", None),
        ("[RESULT] 4 because it is good", None),
        ("[RESULT] 4 [RESULT]", None),
        ("[RESULT] 4.5", None),
        ("[RESULT] 6", None),
        ("[RESULT] 0", None),
        ("[RESULT] 45", None),
        ("Score: 4/10", None),
        ("14/5", None),
        ("1.4/5", None),
        ("It gives 3", None),
        ("[RESULT] three", None),
        ("[RESULT] 2 or 4", None),
        ("", None),
        ("[RESULT] " * 3000, None),
    ],
)
def test_the_score_stands_at_the_end(text: str, score: int | None) -> None:
    assert read_score(text) == score


def test_the_reasons_end_at_the_last_mark() -> None:
    assert rationale_of("A [RESULT] 1 is wrong. [RESULT] 4") == "A [RESULT] 1 is wrong."
    assert rationale_of("no mark ") == "no mark"


@pytest.mark.parametrize(
    ("scores", "best", "expected"),
    [
        ([4, 2], [0], (1, 1)),
        ([2, 4], [0], (0, 0)),
        ([3, 3], [0], (0.5, 0)),
        ([3, 3, 3, 1], [0], (1 / 3, 0)),
        ([3, 1, 3, 1], [2], (0.5, 0)),
        ([5, 4, 3], [0, 1], (1, 1)),
        ([5, 2, 3], [0, 1], (0, 0)),
        ([5, 3, 3], [0, 1], (0.5, 0)),
        ([4, None], [0], (0, 0)),
        ([None, None], [0], (0, 0)),
    ],
)
def test_comparisons_with_ties_and_without(
    scores: list[float | None], best: list[int], expected: tuple[float, float]
) -> None:
    assert comparison(scores, best) == pytest.approx(expected)


def test_votes() -> None:
    drawn = [Scored(2.0, tokens=3), Scored(4.0, tokens=3), Scored(4.0, tokens=3), Scored(None, fate="cut", tokens=5)]
    assert vote(drawn, mean=False) == Scored(4.0, p_mode=0.5, tokens=14)
    assert vote(drawn, mean=True).score == pytest.approx(10 / 3)
    assert vote(drawn[3:], mean=True) == Scored(None, fate="cut", tokens=5)


def test_a_judge_that_knows_is_right_in_every_form() -> None:
    table = run(lambda quality, prompt: quality).table
    for name in BY_MODEL:
        if name != "pair letters":
            assert values(table, "kendall")[name] == pytest.approx(1)
            assert values(table, "pearson")[name] == pytest.approx(1)
            assert values(table, "exact")[name] == values(table, "within_one")[name] == 1
            assert values(table, "mean_absolute_error")[name] == pytest.approx(0)
        assert values(table, "rewardbench")[name] == values(table, "rewardbench_strict")[name] == 1
    assert values(table, "self_agreement") == {"self-consistency mode": 1.0}
    assert values(table, "rewardbench")["longer wins"] == values(table, "rewardbench")["always 3"] == 0.5
    assert values(table, "rewardbench")["word overlap"] == 0.5
    assert values(table, "rewardbench_strict")["word overlap"] == 0
    assert values(table, "orders_agree")["pair letters"] == 1


def test_a_constant_judge_has_no_correlation_agrees_with_itself_and_ties() -> None:
    table = run(lambda quality, prompt: 4).table
    assert values(table, "kendall").get("rationale first") is None
    assert values(table, "self_agreement") == {"self-consistency mode": 1.0}
    for name in BY_MODEL:
        assert values(table, "wins")[name] == 0.5
        assert values(table, "wins_strict")[name] == 0
    assert values(table, "score_entropy")["rationale first"] == 0
    assert values(table, "orders_agree")["pair letters"] == 0
    assert values(table, "first_bias")["pair letters"] == pytest.approx(0.5)


def test_a_judge_that_needs_the_reference_shows_it() -> None:
    asked = items()
    own = {item.fields["question"]: item.fields["reference"] for item in asked}

    def score(quality: int, prompt: str) -> int:
        question = re.search(r"### Instruction:\n([^\n]*)", prompt)
        assert question
        return quality if own[question[1]] in prompt else 3

    table = run(score).table
    kendall = values(table, "kendall")
    assert kendall["expectation"] == pytest.approx(1)
    assert kendall.get("expectation no reference") is None
    assert kendall.get("expectation shuffled reference") is None
    assert values(table, "wins")["expectation shuffled reference"] == 0.5


def test_claims_of_a_judge_that_knows_and_of_one_that_knows_after_reasons_alone() -> None:
    def verdicts(table: Table) -> list[str]:
        estimates = [one for metric in Judge.metrics for one in estimate(metric, table, replicates=200)]
        return [judge_claim(claim, estimates, Judge.metrics, table, replicates=200).kind for claim in CLAIMS]

    def after_reasons(quality: int, prompt: str) -> int:
        return quality if "Feedback:" in prompt else 3

    knows, reasons, constant = (
        verdicts(run(score, 30).table) for score in (lambda q, p: q, after_reasons, lambda q, p: 3)
    )
    assert knows[:2] == ["supported", "supported"]
    assert [reasons[0], reasons[2]] == ["supported", "supported"]
    assert "supported" not in constant


@pytest.mark.parametrize(("cut", "fate"), [(True, "cut"), (False, "unreadable")])
def test_a_judgement_without_a_score_is_wrong_and_loses(cut: bool, fate: str) -> None:
    said = "This is a long and winding judgement that ends in [RESULT] 4" + ("" if cut else " at last")
    experiment = Judge(arms=["rationale first", "self-consistency mode"], max_tokens=6 if cut else 200)
    table = simulate(experiment, items(4), lambda prompt: said).table
    assert set(table.columns["fate"]) == {fate}
    assert values(table, "parse_failed") == dict.fromkeys(experiment.arms, 1.0)
    assert values(table, "wins") == values(table, "exact") == dict.fromkeys(experiment.arms, 0.0)
    # As far off as the scale allows: 4, 3, 2, 3, 4 for the scores from 1 to 5.
    golds = table.columns["gold"]
    assert list(table.columns["off"]) == [max(gold - 1, 5 - gold) for gold in golds]


def test_probabilities_of_digits_give_mode_and_mean() -> None:
    reply = {"2": 0.5, "5": 0.3, "x": 0.2}
    table = simulate(Judge(arms=["score only", "expectation"]), items(2), lambda prompt: reply).table
    score = {arm: table.columns["score"][table.columns["arm"] == arm] for arm in ("score only", "expectation")}
    assert list(score["score only"]) == [2.0] * 4
    assert list(score["expectation"]) == pytest.approx([(2 * 0.5 + 5 * 0.3) / 0.8] * 4)
    assert values(table, "option_mass")["expectation"] == pytest.approx(0.8)
    mode = table.columns["p_mode"][table.columns["arm"] == "score only"]
    assert mode == pytest.approx([0.5 / 0.8] * 4)


def test_pairs_without_references_or_scores_are_compared() -> None:
    told: dict[str, Any] = {"section": "Chat", "subset": "easy", "weight": 100.0}
    asked = [
        responses_item("row", instruction=f"Say {n}.", right=[f"good {n}"], wrong=[f"bad {n}"], row=str(n), **told)
        for n in range(4)
    ]

    def reply(prompt: str) -> str | Mapping[str, float]:
        if "better response" in prompt:
            return {"A": 1.0} if re.search(r"\(A\):\ngood", prompt) else {"B": 1.0}
        score = 4 if ":\ngood" in prompt else 2
        return {str(score): 1.0} if prompt.endswith("(") else f"So: [RESULT] {score}"

    table = simulate(Judge(), asked, reply).table
    arms = set(table.columns["arm"])
    assert arms == {name for name in DEFAULT if ARMS[name].reference == "own"}
    assert set(table.columns["error"]) == {None}
    assert values(table, "rewardbench")["rationale first"] == values(table, "rewardbench")["pair letters"] == 1
    assert not any(value is not None for value in values(table, "kendall").values())


def test_of_several_right_responses_each_must_beat_each_wrong_one() -> None:
    told: dict[str, Any] = {"section": "Ties", "subset": "Ties", "weight": 1.0, "row": "1"}
    asked = responses_item("row", instruction="A colour?", right=["red", "blue"], wrong=["five", "six"], **told)

    def reply(prompt: str) -> Mapping[str, float]:
        # Prefers blue to nothing and red to everything.
        first = re.search(r"\(A\):\n(\w+)", prompt)
        second = re.search(r"\(B\):\n(\w+)", prompt)
        assert first
        assert second
        rank = {"red": 3, "five": 2, "blue": 1, "six": 0}
        return {"A": 1.0} if rank[first[1]] > rank[second[1]] else {"B": 1.0}

    done = simulate(Judge(arms=["pair letters"]), [asked], reply)
    (row,) = done.rows
    assert (row["wins"], row["wins_strict"], row["orders_agree"]) == (0.0, 0.0, True)
    assert len(done.finished[0].transcript) == 8


def test_the_model_is_asked_only_for_what_the_arms_need() -> None:
    assert Judge(arms=["coin", "always 3"]).capabilities() == frozenset()
    assert Judge(arms=["expectation"]).capabilities() == {"choose"}
    assert Judge(arms=["self-consistency mean"]).capabilities() == {"generate"}
    assert Judge(arms=["pair letters own thought"]).capabilities() == {"generate", "choose"}
    with pytest.raises(HarnessError, match="draws need chance"):
        Judge(temperature=0.0)


def test_arms_about_thoughts_run_when_asked_for_only() -> None:
    assert {name for name, way in ARMS.items() if way.thought != "as set"}.isdisjoint(DEFAULT)
    table = simulate(Judge(arms=["score only", "score only own thought"]), items(1), lambda prompt: {"3": 1.0}).table
    failed = table.columns["arm"][table.columns["error"] != None]  # noqa: E711
    assert set(failed) == {"score only own thought"}
