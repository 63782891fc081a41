"""Gates: verdicts are held back where what they rest on is not there, at the levels of the claim and nowhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics.calibration import brier
from harness.metrics.metric import Metric
from harness.metrics.shares import accuracy, mean
from harness.statistics.claims import Claim, Verdict, judge_claim
from harness.statistics.estimates import estimate_all
from harness.statistics.gates import Gate, check_gates, held_back, option_mass, warnings
from tests.support.simulated import KINDS, arms

METRICS = (
    Metric("brier", brier, ("p", "correct")),
    Metric("accuracy", accuracy, ("correct",)),
    Metric("option_mass", mean, ("mass",)),
    Metric("all_mass", mean, ("mass",), by=()),
)
N = 60
SURE = np.where(np.arange(N) % 3 == 0, 0.9, 0.1)
RIGHT = (np.arange(N) % 3 == 0).astype(float)
TABLE = arms(
    {
        "asked": {"p": SURE, "mass": np.full(N, 0.98), "correct": RIGHT},
        "lost": {"p": 1 - SURE, "mass": np.full(N, 0.42), "correct": RIGHT},
        "probe": {"p": SURE, "correct": RIGHT},  # shows no options
    }
)
ESTIMATES = estimate_all(METRICS, TABLE, replicates=100)


def judged(gate: Gate | None, metric: str = "brier", arm: str = "lost", **against: Any) -> Verdict:
    claim = Claim(text="t", metric=metric, level={"arm": arm}, relation="below", **(against or {"value": 0.9}))
    return judge_claim(claim, ESTIMATES, METRICS, TABLE, gates=() if gate is None else (gate,), replicates=100)


def test_below_its_least_a_gate_holds_verdicts_back() -> None:
    gate = Gate(metric="option_mass", least=0.9, columns=("p",), why="it says something else")
    assert judged(None).kind == "supported"
    held = judged(gate)
    assert held.kind == "undecided"
    assert held.reason == "held back, option_mass [arm=lost] 0.42 is below 0.9 (it says something else)"
    assert held.p is None
    assert held.measured == judged(None).measured
    assert judged(gate, arm="asked").kind == "supported"


def test_above_its_most_a_gate_holds_verdicts_back() -> None:
    gate = Gate(metric="option_mass", most=0.5, columns=("p",), why="too much of it")
    assert judged(gate).kind == "supported"
    held = judged(gate, arm="asked")
    assert held.reason == "held back, option_mass [arm=asked] 0.98 is above 0.5 (too much of it)"
    assert warnings([gate], ESTIMATES) == [
        "option_mass [arm=asked] 0.98 is above 0.5 (too much of it); verdicts that rest on it are held back"
    ]


def test_what_does_not_read_the_columns_is_not_held_back() -> None:
    gate = option_mass()
    assert gate == Gate(
        metric="option_mass", least=0.5, columns=("p",), advised=0.9,
        why="the model answers with something else than the options",
    )  # fmt: skip
    assert judged(gate, metric="accuracy").kind == "supported"
    assert judged(option_mass("correct"), metric="accuracy").kind == "undecided"
    assert judged(option_mass(least=0.42)).kind == "supported"


def test_a_gate_does_not_apply_where_its_number_is_not_defined() -> None:
    assert judged(option_mass(), arm="probe").kind == "supported"


def test_all_levels_of_a_comparison_pass_the_gate() -> None:
    against: dict[str, Any] = {"than": {"arm": "lost"}}
    assert judged(None, arm="asked", **against).kind == "supported"
    held = judged(option_mass(), arm="asked", **against)
    assert (held.kind, held.measured) == ("undecided", None)
    assert "option_mass [arm=lost] 0.42 is below 0.5" in held.reason
    assert judged(option_mass(), arm="asked", than={"arm": "probe"}).kind == "undecided"  # by no gate: they are equal
    several = judged(option_mass(), arm="asked", than=({"arm": "probe"}, {"arm": "lost"}))
    assert several.reason.startswith("held back, option_mass [arm=lost]")


def test_a_gate_over_all_arms_holds_back_every_arm() -> None:
    # By no column: the mean mass of .7 is that of all rows that have one.
    assert judged(Gate(metric="all_mass", least=0.75, columns=("p",)), arm="asked").kind == "undecided"
    assert judged(Gate(metric="all_mass", least=0.69, columns=("p",)), arm="asked").kind == "supported"


def test_published_numbers_pass_the_same_gates() -> None:
    level = {"arm": "lost"}
    assert held_back([option_mass()], METRICS[0], level, ESTIMATES).startswith(
        "option_mass [arm=lost] 0.42 is below 0.5"
    )
    assert held_back([option_mass()], METRICS[1], level, ESTIMATES) == ""


def test_a_run_warns_below_what_is_advised() -> None:
    assert warnings([option_mass(least=0.3)], ESTIMATES) == [
        "option_mass [arm=lost] 0.42 is below 0.9 (the model answers with something else than the options)"
    ]
    assert warnings([option_mass()], ESTIMATES) == [
        "option_mass [arm=lost] 0.42 is below 0.9 (the model answers with something else than the options); "
        "verdicts that rest on it are held back"
    ]
    assert warnings([Gate(metric="option_mass", least=0.3, columns=("p",))], ESTIMATES) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "option_mas"}, "gate: metric 'option_mas' does not exist, did you mean 'option_mass'"),
        ({"columns": ("pp",)}, "gate on 'option_mass': no column 'pp'"),
        ({"columns": ()}, "name the columns"),
        ({"advised": 0.2}, "advised 0.2 is below least 0.5"),
    ],
)
def test_a_wrong_gate_is_refused_before_the_run(changes: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        check_gates(
            [Gate(**{"metric": "option_mass", "least": 0.5, "columns": ("p",), **changes})],
            METRICS,
            KINDS,  # type: ignore[arg-type]
        )
    check_gates([option_mass()], METRICS, KINDS)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [6, 7, 12, 43])
def test_a_number_at_the_border_of_a_gate_passes_whatever_its_mean_rounds_to(n: int) -> None:
    # The mean of 6 times 0.8 is 0.7999999999999999, and of 15 times 0.2 is 0.20000000000000004.
    for share, gate in (
        (0.8, Gate(metric="m", least=0.8, columns=("p",))),
        (0.2, Gate(metric="m", most=0.2, columns=("p",))),
    ):
        table = arms({"a": {"p": np.full(n, 0.5), "mass": np.full(n, share)}})
        (one,) = estimate_all((Metric("m", mean, ("mass",)),), table, replicates=10)
        assert gate.against(one) == ""
        assert Gate(metric="m", least=share + 1e-6, columns=("p",)).against(one)
