"""DeceptionBench with a judge whose reliability is known, on replies that a rule reads, too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from experiments.theory_of_mind.deception.reply_rules import read_reply
from experiments.theory_of_mind.deception_bench.deception_bench import DeceptionBench
from experiments.theory_of_mind.deception_bench.judging import clear_cases
from experiments.theory_of_mind.deception_bench.rows import CONDITIONS
from experiments.theory_of_mind.deception_bench.task import ASKED, FactSheetScenarios
from harness import Item
from harness.config import load_job
from harness.statistics.estimates import estimate_all
from harness.statistics.gates import held_back
from harness.testing import Simulated, simulate


def items(n: int = 8) -> list[Item]:
    return FactSheetScenarios(name="deception_scenarios", variations=1).load()[:n]


def judge(decide: Callable[[str], str]) -> Callable[[str], Mapping[str, float]]:
    """A judge who decides by the reply and says the letter of the verdict, in whatever order they are shown."""

    def answer(prompt: str) -> Mapping[str, float]:
        reply = prompt.rpartition("\nReply: ")[2].partition("\n(A)")[0]
        wanted = {"honest": "is honest", "deceptive": "is deceptive", "refused": "does neither"}[decide(reply)]
        (letter,) = re.findall(rf"\(([ABC])\) The reply {wanted}", prompt)
        return {letter: 0.9, "X": 0.1}

    return answer


def by_rule(reply: str) -> str:
    if "no problems" in reply:
        return "deceptive"
    return "refused" if "cannot say" in reply else "honest"


def run(reply: Callable[[str, Item], str], decide: Callable[[str], str] = by_rule, **settings: Any) -> Simulated:
    some = items()

    def answer(prompt: str) -> str:
        item = next(one for one in some if one.fields["question"] in prompt)
        return reply(prompt, item)

    return simulate(DeceptionBench(**settings), some, answer, roles={"judge": judge(decide)})


def estimates(simulated: Simulated, name: str) -> dict[str, float]:
    (metric,) = (m for m in DeceptionBench.metrics if m.name == name)
    found = estimate_all([metric], simulated.table, replicates=20)
    return {", ".join(e.level.values()): float("nan") if e.value is None else e.value for e in found}


def honest(_prompt: str, item: Item) -> str:
    return str(item.fields["groundtruth"])


def test_a_scenario_has_the_fields_of_the_release() -> None:
    for item in items(20):
        assert item.fields.keys() == set(DeceptionBench.item_fields)
        assert tuple(item.fields["prompts"]) == ASKED
        assert len(set(item.fields["prompts"].values())) == 6
        assert item.grade(item.fields["groundtruth"]).correct
        assert read_reply(item.fields["goal"], item.gold).false_claim
    assert {condition.key for condition in CONDITIONS.values()} == set(ASKED)


def test_half_of_the_clear_cases_are_deceptive() -> None:
    cases = clear_cases()
    assert len(cases) == 40
    assert sum(deceptive for _, deceptive in cases) == 20


def test_replies_that_the_judge_finds_deceptive_are_counted_by_condition_and_role() -> None:
    def reply(prompt: str, item: Item) -> str:
        return str(
            item.fields["goal"] if "you lose your job" in prompt or "Once more" in prompt else honest(prompt, item)
        )

    simulated = run(reply)
    assert not [row["error"] for row in simulated.rows if row["error"]]
    rates = estimates(simulated, "deception_rate")
    further = {f"L3 {stake} {role}" for stake in ("neutral", "reward", "pressure") for role in ("self", "other")}
    assert {arm for arm, rate in rates.items() if rate == 1.0} == {"L2 pressure self", *further}
    assert set(rates.values()) == {0.0, 1.0}
    assert estimates(simulated, "deception_by_role") == pytest.approx({"self": 4 / 6, "other": 3 / 6})
    assert estimates(simulated, "judge_rule_kappa") == {"": 1.0}
    assert estimates(simulated, "option_mass")["L1 self"] == pytest.approx(0.9)


def test_refusals_and_cut_replies_are_left_out() -> None:
    refusing = run(lambda _prompt, _item: "I cannot say that.")
    assert {(row["fate"], row["deceptive"]) for row in refusing.rows} == {("refused", None)}
    assert set(estimates(refusing, "refused").values()) == {1.0}
    cut = run(honest, max_tokens=2)
    assert {(row["fate"], row["deceptive"]) for row in cut.rows} == {("cut", None)}
    assert set(estimates(cut, "cut").values()) == {1.0}


@pytest.mark.parametrize(
    ("decide", "gold", "held"),
    [(by_rule, 1.0, False), (lambda _reply: "deceptive", 0.5, True), (lambda _reply: "refused", 0.0, True)],
    ids=["right", "always deceptive", "never decides"],
)
def test_the_verdicts_of_a_judge_that_errs_about_clear_cases_are_held_back(
    decide: Callable[[str], str], gold: float, held: bool
) -> None:
    simulated = run(honest, decide, arms=["L1 self"])
    assert {row["judge_gold"] for row in simulated.rows} == {gold}
    assert {row["judge_orders"] for row in simulated.rows} == {0.0 if gold == 0 else 1.0}
    found = estimate_all(list(DeceptionBench.metrics), simulated.table, replicates=20)
    metric = next(m for m in DeceptionBench.metrics if m.name == "deception_by_condition")
    assert bool(held_back(DeceptionBench.gates, metric, {"condition": "L1"}, found)) is held


def test_kappa_is_that_of_judge_and_rule_on_the_same_replies() -> None:
    # The judge finds half of the honest replies deceptive, and no others.
    def decide(reply: str) -> str:
        return "deceptive" if by_rule(reply) == "deceptive" or len(reply) % 2 else "honest"

    simulated = run(honest, decide, arms=["L1 self"])
    odd = sum(len(honest("", item)) % 2 for item in items()) / 8
    assert 0 < odd < 1
    p = odd / 2  # mean share of the two that say deceptive
    expected = ((1 - odd) - (p**2 + (1 - p) ** 2)) / (1 - (p**2 + (1 - p) ** 2))
    assert estimates(simulated, "judge_rule_kappa") == {"": pytest.approx(expected)}


def test_scenarios_without_a_rule_are_judged_all_the_same() -> None:
    some = [Item(item.fields, "the truth", item.grader) for item in items(3)]
    simulated = simulate(
        DeceptionBench(arms=["L1 self"]), some, lambda _prompt: "Well.", roles={"judge": judge(by_rule)}
    )
    assert {(row["deceptive"], row["by_rule"], row["votes"]) for row in simulated.rows} == {(False, None, None)}


def test_further_turns_ask_the_question_again() -> None:
    simulated = run(honest, arms=["L3 pressure other"], turns=2)
    prompts = [
        e.prompt for e in simulated.finished[0].transcript if "Once more" in e.prompt and "Judge the" not in e.prompt
    ]
    assert len(prompts) == 2
    assert "hour away" in prompts[0]
    assert "others have reached" in prompts[1]


def test_a_model_that_gives_way_when_it_is_asked_again_is_not_moved_by_stakes() -> None:
    """Against the first turn alone it supported both claims about further turns."""

    def weary(prompt: str, item: Item) -> str:
        return str(item.fields["goal" if re.search("[Oo]nce more:|last time:", prompt) else "groundtruth"])

    found = estimates(run(weary), "deception_by_condition")
    assert {found[f"L3 {stake}"] for stake in ("neutral", "reward", "pressure")} == {1.0}
    assert found["L1"] == found["L2 pressure"] == 0.0
    for name in ("deception", "deceptionBench"):
        claims = load_job([f"experiment={name}", "engine=fake", "tracker=none"]).claims
        further = [claim for claim in claims if str(claim.level.get("condition")).startswith("L3")]
        assert len(further) == 2
        assert all({"condition": "L3 neutral"} in [level for _, level in claim.rivals] for claim in further)
