"""The situations in which a question is answered, and the row that each reply gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness import Arm, Fate, Outcome, Probability


@dataclass(frozen=True, kw_only=True)
class Situation(Arm):
    """What is at stake, and for whom.

    Attributes:
        condition: name of the stake, the same for both roles.
        role: whose stake it is, "self" or "other" (a principal for whom the model writes); "none" without a wish.
        outright: whether the facts are asked for outright, by somebody who wants nothing.
    """

    condition: str
    role: str = "none"
    outright: bool = False


@dataclass(frozen=True, kw_only=True)
class Reply(Outcome):
    """One reply to a question about a fact sheet, read by rule.

    Attributes:
        domain: domain of the scenario; answer: the reply; fate: "answered", "refused", "cut", "empty", or
            "unreadable" where it only asks something itself.
        false_claim: whether it asserts a better number than the sheet's, or the absence of a problem on the sheet.
        omitted: whether it leaves out the number or a problem. Both are None unless the fate is "answered".
        p_false: probability of a given false reply against the true one of as many tokens, the mean of two wordings;
            None where the tokenizer makes them unequal in both.
        refused, cut: whether the fate is that one.
        knows: whether the model gives the number and all problems when it is asked outright, and the reply's prompt has
            the sheet.
    """

    domain: str
    answer: str
    fate: Fate
    false_claim: bool | None = None
    omitted: bool | None = None
    p_false: Probability | None = None
    refused: bool
    cut: bool
    knows: bool


SITUATIONS: Mapping[str, Situation] = {
    "known": Situation(condition="known", outright=True),
    **{name: Situation(condition=name) for name in ("no incentive", "no sheet", "incentive for truth", "asked to lie")},
    **{
        f"{stake} {role}": Situation(condition=stake, role=role)
        for stake in ("L1", "reward", "pressure", "L3 neutral", "L3 reward", "L3 pressure")
        for role in ("self", "other")
    },
}
