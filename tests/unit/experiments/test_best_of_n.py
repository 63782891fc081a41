"""Best of N on samples whose texts and probabilities are known."""

import math
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from experiments.correction.best_of_n.best_of_n import BestOfN
from experiments.correction.best_of_n.picks import pick
from experiments.correction.chains import Cost, State
from experiments.correction.one_shot import TEXTS, one_shot
from harness import HarnessError, Item, Text, graded
from harness.config import load_job
from harness.engines.fake.engine import Replies
from harness.statistics.estimates import estimate
from harness.tasks.graders import number
from harness.testing import simulate

RIGHT, WRONG, OTHER = "It is 7.", "It is 8.", "Adding both of them gives 9."


def items(n: int) -> list[Item]:
    return [Item({"question": f"What is the value in row {i}?"}, "7", number) for i in range(n)]


def sample(words: str, *logprobs: float, finish: Any = "stop") -> State:
    text = Text(words, tuple(range(len(logprobs))), logprobs, finish)
    return State(text, graded(items(1)[0], text), Cost(1, 10, len(logprobs)))


def picks(samples: list[State]) -> dict[str, str]:
    rules = ("likeliest", "mean", "majority", "shortest", "skyline")
    return {rule: pick(rule, samples, Random(0)).text.text for rule in rules}


def values(experiment: BestOfN, replies: Replies, n: int = 20) -> dict[tuple[str, ...], Any]:
    table = simulate(experiment, items(n), replies).table
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=2)]
    return {(e.metric, *e.level.values()): e.value for e in found}


def test_each_reward_takes_its_own_sample() -> None:
    short = sample("8", -1.0, -1.5)  # sum -2.5, mean -1.25
    likely = sample("It is 9", -0.1, -0.1, -0.1, -1.9)  # sum -2.2, mean -0.55
    steady = sample("So I think it is 7", *[-0.5] * 7)  # sum -3.5, mean -0.5
    again = sample("Clearly, it is 8", -3.0, -3.0)
    assert picks([short, likely, steady, again]) == {
        "likeliest": "It is 9",
        "mean": "So I think it is 7",
        "majority": "8",
        "shortest": "8",
        "skyline": "So I think it is 7",
    }


def test_the_end_token_counts() -> None:
    """Without their last token, the end, the order of the two would be the other way round."""
    sure_to_end, unsure = sample("It is 7", -1.0, -0.1), sample("It is 8", -0.5, -2.0)
    assert pick("likeliest", [unsure, sure_to_end], Random(0)).text.text == "It is 7"


def test_a_cut_sample_is_never_picked_unless_all_were_cut() -> None:
    cut, whole = sample("It is 8 and", -0.01, finish="length"), sample("It is 7", -4.0, -5.0)
    assert set(picks([cut, whole]).values()) == {"It is 7"}
    assert all(pick("random", [cut, whole], Random(seed)).text is whole.text for seed in range(20))
    only = [pick(rule, [cut, cut], Random(0)) for rule in ("likeliest", "mean", "majority", "random", "shortest")]
    assert {(one.grade.fate, one.grade.correct) for one in only} == {("cut", False)}


def test_a_pick_costs_all_samples() -> None:
    samples = [sample("7", -1.0), sample("8", -2.0, -1.0), sample("9", -2.0)]
    for rule in ("likeliest", "mean", "majority", "random", "shortest", "skyline"):
        assert pick(rule, samples, Random(1)).cost == Cost(3, 30, 4)


def by_row(prompt: str) -> Mapping[str, float]:
    return {RIGHT: 0.6, WRONG: 0.3, OTHER: 0.1}


def test_with_one_sample_all_arms_but_greedy_are_the_same() -> None:
    rows = simulate(BestOfN(ns=(1, 3)), items(30), lambda p: {RIGHT: 0.4, WRONG: 0.35, OTHER: 0.25}).rows
    first = {row["item"]: row for row in rows if row["arm"] == "random" and row["n"] == 1}
    for row in rows:
        if row["n"] == 1 and row["arm"] not in {"greedy", "samples"}:
            assert {**row, "arm": "", "reward": ""} == {**first[row["item"]], "arm": "", "reward": ""}


def test_draws_are_nested() -> None:
    few = simulate(BestOfN(ns=(1, 2, 5)), items(10), by_row).rows
    many = simulate(BestOfN(ns=(2, 5, 8)), items(10), by_row).rows
    both = [{(r["item"], r["arm"], r["n"]): r for r in some if r["n"] in (2, 5)} for some in (few, many)]
    assert both[0] == both[1]


def test_the_likeliest_of_a_known_distribution() -> None:
    found = values(BestOfN(ns=(1, 10)), by_row, 200)
    # The likeliest text is right, so that it is picked unless none of the draws is it: 1 - 0.4^10.
    assert found["accuracy", "likeliest", "10"] == pytest.approx(1 - 0.4**10, abs=0.01)
    assert found["accuracy", "skyline", "10"] == found["accuracy", "likeliest", "10"]
    assert found["accuracy", "samples", "1"] == pytest.approx(0.6, abs=4 * math.sqrt(0.24 / 2000))
    assert found["accuracy", "random", "10"] == pytest.approx(0.6, abs=4 * math.sqrt(0.24 / 200))
    assert found["mean_logp", "likeliest", "10"] == pytest.approx(math.log(0.6), abs=0.01)
    assert found["accuracy", "greedy", "1"] == 1
    assert found["lift", "samples", "1"] == pytest.approx(found["accuracy", "samples", "1"] - 1)
    assert (found["auroc",], found["auroc_within",]) == (1, 1)
    assert found["sample_logp", "true"] == pytest.approx(math.log(0.6))


def test_lift_is_given_as_a_difference_and_relative_to_the_greedy_answer() -> None:
    """Greedy is right on rows 0 to 3 of 20; of many samples the vote is right on rows 0 to 5."""

    def replies(prompt: str) -> Mapping[str, float]:
        row = int(prompt.rsplit("row ", 1)[1].split("?", maxsplit=1)[0])
        if row < 4:
            return {RIGHT: 1.0}
        return {WRONG: 0.4, RIGHT: 0.3, "So it is 7.": 0.3} if row < 6 else {WRONG: 1.0}

    found = values(BestOfN(ns=(400,), arms=("greedy", "majority")), replies)
    assert found["accuracy", "greedy", "1"] == 0.2
    assert found["lift", "majority", "400"] == pytest.approx(0.1)
    assert found["relative_lift", "majority", "400"] == pytest.approx(0.5)


def test_log_p_that_counts_tokens_ranks_no_better_than_length() -> None:
    """The right answer is the short one, and the likelier one: that much a ruler knows."""
    long = "So after all of this it is 8."
    found = values(BestOfN(ns=(10,), arms=("samples",)), lambda prompt: {RIGHT: 0.6, long: 0.4})
    assert found["auroc_within",] == found["brevity_auroc_within",] == 1
    claims = [claim for claim in load_job(["experiment=bestOfN"]).claims if claim.metric == "auroc_within"]
    assert [claim.than_metric for claim in claims] == [None, "brevity_auroc_within"]


def test_cut_samples_are_counted_and_hold_verdicts_back() -> None:
    found = values(BestOfN(ns=(1, 2), max_tokens=5), lambda prompt: {RIGHT: 0.5, OTHER: 0.5})
    assert found["ended_rate",] == pytest.approx(0.5, abs=0.35)
    assert found["accuracy", "likeliest", "2"] == pytest.approx(0.75, abs=0.4)
    assert "ended_rate" in [gate.metric for gate in BestOfN.gates]


def test_no_stop_strings_and_one_worked_example() -> None:
    finished = simulate(BestOfN(ns=(1,)), items(1), by_row).finished
    prompt = finished[0].transcript[0].prompt
    assert prompt.count("<user>") == 2
    assert prompt.index("84 / 7") < prompt.index("row 0")
    assert len(one_shot(TEXTS, "q").messages) == 3


@pytest.mark.parametrize("ns", [(), (2, 1), (1, 1)])
def test_numbers_of_samples_ascend(ns: tuple[int, ...]) -> None:
    with pytest.raises(HarnessError, match="ascending"):
        BestOfN(ns=ns)


def test_the_config_is_whole() -> None:
    job = load_job(["experiment=bestOfN"])
    assert len(job.task.load()) == 400
    assert load_job(["experiment=bestOfN", "task=gsm8k"]).task.name == "gsm8k"
    assert isinstance(job.experiment, BestOfN)
    assert {claim.level["n"] for claim in job.claims if "n" in claim.level} == {str(max(job.experiment.ns))}
