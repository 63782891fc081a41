"""What the experiment's own claims say of models that have no idea of minds, and of those that have one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from experiments.theory_of_mind.false_belief.false_belief import FalseBelief, Told, told
from experiments.theory_of_mind.false_belief.shortcuts import RULES
from experiments.theory_of_mind.false_belief.task import FalseBeliefStories
from harness import Probability
from harness.config import load_job
from harness.items import Item
from harness.statistics.claims import Claim, judge_claim
from harness.statistics.estimates import estimate
from harness.subject.subject import Subject
from harness.testing import simulate

FIRST_ORDER, JOINT, _FALSE_BELIEF, REALITY, _SECOND, _ACTION, GLASS = load_job(
    ["experiment=falseBelief", "engine=fake", "tracker=none"]
).claims
Answer = Callable[[Mapping[str, Any], str, random.Random], str]


@dataclass(frozen=True, kw_only=True)
class Answering(FalseBelief):
    """The experiment with a known answer in the place of the most probable option."""

    answer: Answer

    async def chosen_option(self, probe: Item, subject: Subject) -> Told:
        rng = random.Random(f"{subject.seed}/{probe.id}")
        return replace(told(probe, self.answer(probe.fields, probe.gold, rng)), mass=Probability(1.0))


def verdicts(answer: Answer, claims: tuple[Claim, ...], seed: int = 0, n: int = 30, **settings: Any) -> list[str]:
    """The verdicts on claims after one run of as many families as the experiment asks about, in the arms they name."""
    items = FalseBeliefStories(name="false_belief", families=n, seed=seed, **settings).load()
    sides = [side for claim in claims for side in claim.sides]
    arms = dict.fromkeys(str(level["arm"]) for _, level in sides)
    experiment = Answering(arms=tuple(arms), answer=answer)
    table, _ = simulate(experiment, items, lambda _: {"": 1.0}, seed=seed)
    needed = {"option_mass", *(name for name, _ in sides)}
    metrics = [metric for metric in experiment.metrics if metric.name in needed]
    estimates = [one for metric in metrics for one in estimate(metric, table, replicates=200)]
    judged = (judge_claim(claim, estimates, metrics, table, replicates=200, gates=experiment.gates) for claim in claims)
    return [verdict.kind for verdict in judged]


def right(_probe: Mapping[str, Any], gold: str, _rng: random.Random) -> str:
    return gold


def held(probe: Mapping[str, Any], gold: str, rng: random.Random) -> str:
    """Any place where the thing has been; reality and the beginning are known."""
    return gold if probe["kind"] in ("reality", "memory") else rng.choice(sorted(set(probe["places"])))


def knowing(rule: str) -> Answer:
    """A rule of the experiment by one who knows reality and the beginning."""

    def answer(probe: Mapping[str, Any], gold: str, rng: random.Random) -> str:
        return gold if probe["kind"] in ("reality", "memory") else RULES[rule](probe, rng)

    return answer


@pytest.mark.parametrize("answer", [held, knowing("last two places")], ids=["held", "last two"])
def test_who_follows_the_moves_alone_supports_no_claim(answer: Answer) -> None:
    """Against chance among three containers, the first of these was found to read minds in 38 and 40 runs of 40."""
    runs, supported = 40, Counter[int]()
    few: dict[str, Any] = {
        "conditions": ("FB", "TB", "BACK_CLOSED", "TRANS"),
        "questions": ("belief", "reality", "memory"),
    }
    for seed in range(runs):
        found = verdicts(answer, (JOINT, REALITY, GLASS), seed, **few)
        found += verdicts(answer, (FIRST_ORDER,), seed, questions=("belief",)) if answer is held else []
        supported.update(i for i, kind in enumerate(found) if kind == "supported")
    assert max(supported.values(), default=0) <= 0.05 * runs, supported


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_supports_a_claim_about_minds(rule: str) -> None:
    for seed in range(2):
        assert "supported" not in verdicts(knowing(rule), (FIRST_ORDER, JOINT, GLASS), seed)


def test_who_prefers_a_container_supports_no_claim() -> None:
    """It is right on the classic story where its container is the old one, and glass would seem to break it there."""
    liked = sorted(("box", "basket", "bag", "jar", "drawer", "bucket", "chest", "barrel", "trunk"))

    def answer(probe: Mapping[str, Any], gold: str, _rng: random.Random) -> str:
        return gold if probe["kind"] in ("reality", "memory") else min(probe["options"], key=liked.index)

    assert "supported" not in verdicts(answer, (FIRST_ORDER, JOINT, GLASS))


def test_a_perfect_reasoner_supports_the_claims_about_minds() -> None:
    found = verdicts(right, (FIRST_ORDER, JOINT, REALITY, GLASS))
    assert found == ["supported", "supported", "contradicted", "undecided"]


def test_one_who_errs_now_and_then_supports_them_too() -> None:
    def answer(probe: Mapping[str, Any], gold: str, rng: random.Random) -> str:
        return gold if rng.random() < 0.9 else rng.choice(probe["options"])

    assert [verdicts(answer, (FIRST_ORDER, JOINT), seed) for seed in range(3)] == [["supported"] * 2] * 3


def test_a_reasoner_whom_clear_glass_breaks_is_found() -> None:
    def answer(probe: Mapping[str, Any], gold: str, _rng: random.Random) -> str:
        return str(probe["old_place"]) if probe["condition"] == "TRANS" else gold

    assert verdicts(answer, (GLASS,)) == ["supported"]


def test_who_always_says_the_old_place_has_no_classic_pair_that_glass_could_break() -> None:
    assert verdicts(lambda probe, _gold, _rng: str(probe["old_place"]), (GLASS,)) == ["not comparable"]
