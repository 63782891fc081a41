"""Monitors of self-training: exact counts over sets of draws, against enumeration, and whole runs on known replies."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from random import Random
from typing import Any

import pytest

from experiments.correction.chains import Cost, State
from experiments.correction.exploration.counting import balance, distinct_at, pass_at, top_right
from experiments.correction.exploration.exploration import Exploration
from experiments.correction.exploration.rewards import fit_threshold, rewards
from experiments.correction.exploration.rows import exploited, explored
from harness import HarnessError, Item, Text, graded
from harness.config import load_job
from harness.statistics.estimates import estimate
from harness.tasks.graders import number
from harness.testing import simulate

RIGHT, WRONG = "It is 7.", "It is 8."


def items(n: int, start: int = 0) -> list[Item]:
    return [Item({"question": f"What is the value in row {i}?"}, "7", number) for i in range(start, start + n)]


def sample(words: str, *logprobs: float, finish: Any = "stop") -> State:
    text = Text(words, tuple(range(len(logprobs))), logprobs, finish)
    return State(text, graded(items(1)[0], text), Cost(1, 10, len(logprobs)))


def over_sets(n: int, k: int, holds: Callable[[Sequence[int]], bool]) -> float:
    sets = list(combinations(range(n), k))
    return sum(map(holds, sets)) / len(sets)


def test_pass_at_two_of_four_draws_of_which_two_are_right() -> None:
    assert pass_at(4, 2, 2) == pytest.approx(5 / 6)


@pytest.mark.parametrize("seed", range(12))
def test_counts_over_sets_agree_with_enumeration(seed: int) -> None:
    rng = Random(seed)
    n = rng.randint(4, 8)
    texts = [rng.choice("abc") if rng.random() < 0.6 else "" for _ in range(n)]  # "" is a wrong draw
    ranked = [bool(text) for text in texts]
    repeats = [texts.count(text) for text in set(texts) - {""}]
    for k in range(1, n):
        assert pass_at(n, sum(ranked), k) == pytest.approx(over_sets(n, k, lambda s: any(ranked[i] for i in s)))
        for s in range(1, k + 1):

            def different(chosen: Sequence[int], s: int = s) -> bool:
                return len({texts[i] for i in chosen} - {""}) >= s

            def best(chosen: Sequence[int], s: int = s) -> bool:
                return all(ranked[i] for i in sorted(chosen)[:s])

            assert distinct_at(n, repeats, k, s) == pytest.approx(over_sets(n, k, different))
            assert top_right(ranked, k, s) == pytest.approx(over_sets(n, k, best))


def test_balance_of_all_right_and_different_is_one_and_of_nothing_selected_zero() -> None:
    assert balance(4, 4, wanted=4) == 1
    assert balance(8, 8, wanted=4) == 1
    assert balance(2, 4, wanted=4) == pytest.approx(1 / 4)
    assert balance(0, 0, wanted=4) == 0


def test_best_of_k_by_the_answer_is_pass_at_k() -> None:
    states = [sample(RIGHT, -1.0), sample(WRONG, -0.1), sample("7", -2.0), sample(WRONG, -3.0), sample("8", -0.5)]
    values = rewards(states, Random(0))["answer"]
    row = exploited(states, values, 1.0, 1.0, k=2, s=2, wanted=2)
    assert row.best_k == explored(states, 1.0, 2, 2).pass_k == pytest.approx(1 - 3 / 10)
    assert row.selected == 2
    assert row.balance == pytest.approx(1)


def test_near_copies_are_one_text() -> None:
    row = explored([sample("It is 7.", -1.0), sample("It  is\n7.", -1.0), sample("7", -1.0)], 1.0, 2, 2)
    assert (row.right, row.different) == (3, 2)
    assert row.pass_k_s == pytest.approx(2 / 3)


def test_a_cut_draw_is_never_selected_and_ranks_last() -> None:
    states = [sample("It is 7 and", -0.01, finish="length"), sample(WRONG, -5.0), sample(RIGHT, -1.0)]
    for name in ("likelihood", "permuted", "shortest"):
        values = rewards(states, Random(0))[name]
        assert values[0] == -math.inf
        assert exploited(states, values, -100.0, 1.0, k=1, s=1, wanted=1).selected == 2
    assert explored(states, 1.0, 1, 1).right == 1, "a cut draw is wrong"


def test_permuted_rewards_are_the_same_numbers() -> None:
    states = [sample(WRONG, -float(i)) for i in range(1, 9)]
    made = rewards(states, Random(3))
    assert sorted(made["permuted"]) == sorted(made["likelihood"])
    assert made["permuted"] != made["likelihood"]


def test_the_threshold_has_the_best_balance_on_training_items() -> None:
    states = [sample(RIGHT, -0.2), sample("7", -0.3), sample(WRONG, -0.9), sample("8", -1.5)]
    value, score = fit_threshold([(states, rewards(states, Random(0))["likelihood"])], wanted=2)
    assert (value, score) == (-0.3, 1)


def values(experiment: Exploration, replies: Callable[[str], Mapping[str, float]], **more: Any) -> dict[Any, Any]:
    table = simulate(experiment, items(30), replies, train=items(4, start=1000), **more).table
    found = [e for m in experiment.metrics for e in estimate(m, table, replicates=2)]
    return {(e.metric, *e.level.values()): e.value for e in found}


def test_a_reward_that_knows_the_answer_finds_it_and_permuted_it_does_not() -> None:
    """The right text is the likeliest per token, and half of the draws at temperature 1."""
    found = values(
        Exploration(temperatures=(1.0,), draws=12, k=4), lambda prompt: {RIGHT: 0.5, WRONG: 0.25, "It is 9.": 0.25}
    )
    assert found["pass_1", "draws", "1"] == pytest.approx(0.5, abs=0.11)
    assert found["pass_k", "draws", "1"] == pytest.approx(1 - 0.5**4, abs=0.06)
    assert found["best_k", "likelihood", "1"] == pytest.approx(found["pass_k", "draws", "1"])
    assert found["best_k", "answer", "1"] == pytest.approx(found["pass_k", "draws", "1"])
    assert found["best_k", "permuted", "1"] == pytest.approx(0.5, abs=0.2)
    assert found["pass_k_s", "draws", "1"] == 0, "there is one right text only"
    assert found["balance", "likelihood", "1"] > found["balance", "permuted", "1"]
    assert all(value is not None for value in found.values())


def test_two_checkpoints_are_drawn_from_separately() -> None:
    arms = ("draws", "likelihood", "draws checkpoint", "likelihood checkpoint")
    experiment = Exploration(arms=arms, temperatures=(0.5, 1.0), draws=6, k=2)
    found = values(experiment, lambda prompt: {RIGHT: 1.0}, roles={"checkpoint": lambda prompt: {WRONG: 1.0}})
    assert (found["pass_k", "draws", "0.5"], found["pass_k", "draws checkpoint", "0.5"]) == (1, 0)
    assert (found["best_k", "likelihood", "1"], found["best_k", "likelihood checkpoint", "1"]) == (1, 0)
    assert Exploration().needed_parts() == {}
    assert set(experiment.needed_parts()) == {"checkpoint"}


@pytest.mark.parametrize("settings", [{"k": 16}, {"k": 4, "s": 5}, {"temperatures": (1.0, 1.0)}, {"temperatures": ()}])
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(HarnessError, match="experiment"):
        Exploration(**settings)


def test_a_fit_without_the_temperature_is_refused() -> None:
    class Unfitted(Exploration):
        async def prepare(self, train: Any, subject: Any) -> Any:
            return ()

    with pytest.raises(HarnessError, match=r"no threshold of 'likelihood' at temperature 0\.5"):
        simulate(Unfitted(), items(1), lambda prompt: {RIGHT: 1.0})


def test_the_config_is_whole() -> None:
    job = load_job(["experiment=exploration"])
    assert len(job.task.load()) == 400
    assert load_job(["experiment=exploration", "task=gsm8k"]).task.name == "gsm8k"
    assert isinstance(job.experiment, Exploration)
    assert job.claims
