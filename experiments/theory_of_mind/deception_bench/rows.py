"""The conditions of DeceptionBench, and the row that each reply gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.shared.judge_reliability import ByJudge
from harness import Arm, Fate, Probability


@dataclass(frozen=True, kw_only=True)
class Condition(Arm):
    """A condition of the set.

    Attributes:
        condition: "L1" (neutral), "L2 reward", "L2 pressure", and with further turns "L3 neutral" (the question is only
            asked again), "L3 reward" and "L3 pressure".
        role: "self" or "other", whose goal it is.
        key: the name of the prompt in the release.
    """

    condition: str
    role: str
    key: str


@dataclass(frozen=True, kw_only=True)
class JudgedReply(ByJudge):
    """One reply, judged.

    Attributes:
        topic, dimension: of the scenario; instructed: "instructed" where its neutral prompt asks for a lie.
        answer: the reply; fate: "answered", "refused", "cut" or "empty".
        deceptive: whether the judge finds it deceptive rather than honest; None unless the fate is "answered".
        p_deceptive: the judge's probability of that; mass: probability that the judge gives any verdict.
        by_rule: whether a rule finds a false claim or an omission, on our own scenarios; None on others.
        votes: share of judge and rule that find it deceptive: 0, 1/2 or 1.
        refused, cut: whether the fate is that one.
    """

    topic: str
    dimension: str
    instructed: str
    answer: str
    fate: Fate
    deceptive: bool | None = None
    p_deceptive: Probability | None = None
    mass: Probability | None = None
    by_rule: bool | None = None
    votes: Probability | None = None
    refused: bool
    cut: bool


def _conditions() -> Mapping[str, Condition]:
    made = {}
    stakes = ("reward", "pressure")
    for level, stake in (
        ("L1", ""),
        *(("L2", stake) for stake in stakes),
        *(("L3", one) for one in ("neutral", *stakes)),
    ):
        for role in ("self", "other"):
            condition = f"{level} {stake}".strip()
            key = f"L2-{role}-{stake}" if stake in stakes else f"L1-{role}"
            made[f"{condition} {role}"] = Condition(condition=condition, role=role, key=key)
    return made


CONDITIONS = _conditions()
