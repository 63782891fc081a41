"""The result of a run in one sentence, which says no more than the verdicts."""

import pytest

from harness.statistics.claims import Claim, Verdict, VerdictKind
from harness.statistics.estimates import Estimate
from harness.statistics.sentence import in_one_sentence


def number(
    metric: str, value: float, low: float, high: float, arm: str = "few-shot", *, n: int = 80, **level: str
) -> Estimate:
    return Estimate(
        metric=metric, level={"arm": arm, **level}, value=value, low=low, high=high, n=n, n_groups=n, n_failed=0,
        method="m", better="higher",
    )  # fmt: skip


def judged(
    e: Estimate | None, kind: VerdictKind = "undecided", reason: str = "", family: VerdictKind | None = None
) -> Verdict:
    return Verdict(kind, "A claim", e, None, reason, "", kind_holm=family)


def claim(metric: str, value: float | None = None) -> Claim:
    than = {"arm": "none"} if value is None else None
    return Claim(text="A claim", metric=metric, level={"arm": "few-shot"}, relation="above", value=value, than=than)


RIGHT = number("accuracy", 0.14, 0.07, 0.22)


@pytest.mark.parametrize(
    ("metric", "border", "numbers", "words"),
    [
        ("auroc", 0.5, (0.68, 0.56, 0.89), "its confidence tells right answers from wrong ones"),
        ("auroc", 0.5, (0.3, 0.2, 0.4), "its confidence is higher in wrong answers than in right ones"),
        ("auroc", 0.5, (0.68, 0.44, 0.89), "it is open whether its confidence tells right answers from wrong ones"),
        ("brier_skill", 0.0, (-0.2, -0.3, -0.1), "its probabilities are worse than the base rate"),
        ("overconfidence", 0.0, (0.2, 0.1, 0.3), "it is overconfident"),
        ("delta", 0.0, (-0.17, -0.33, -0.07), "revising its answers makes it right less often"),
    ],
)
def test_a_number_with_a_natural_border_is_told_in_words(
    metric: str, border: float, numbers: tuple[float, float, float], words: str
) -> None:
    e = number(metric, *numbers)
    told = in_one_sentence("m", [RIGHT, e], [claim(metric, border)], [judged(e)])
    assert told.startswith(f"m is right in 14 % (7 to 22) of 80 answers; {words} (")
    value, low, high = (f"{x:.2f}".replace("-", "\N{MINUS SIGN}") for x in numbers)
    assert told.endswith(f"{value}, {low} to {high}, few-shot).")


def test_another_number_is_told_as_its_claim_says_it() -> None:
    e = number("ece_equal_width", -0.1, -0.2, -0.05, "few-shot - none")
    told = in_one_sentence("m", [e], [claim("ece_equal_width")], [judged(e, "supported", "", "undecided")])
    assert told == (
        "m: \u201cA claim\u201d is supported (difference \u22120.10, \u22120.20 to \u22120.05, few-shot - none, "
        "undecided when judged with the others)."
    )


def test_what_is_held_back_or_undefined_is_not_told() -> None:
    e = number("auroc", 0.9, 0.8, 1.0)
    none = judged(e, "undecided", "held back, 4 groups are too few")
    assert in_one_sentence("m", [RIGHT], [claim("auroc", 0.5)], [none]) == (
        "m is right in 14 % (7 to 22) of 80 answers; there is no verdict on the claim."
    )
    assert "no verdict" in in_one_sentence("m", [RIGHT], [claim("auroc", 0.5)], [judged(None)])
    assert in_one_sentence("m", [], [], []) == ""
    assert in_one_sentence("m", [RIGHT], [], []) == "m is right in 14 % (7 to 22) of 80 answers."


def test_arms_that_differ_are_told_by_the_arm_of_the_claim_else_from_least_to_most() -> None:
    arms = [number("accuracy", 0.1, 0.0, 0.2, "none"), number("accuracy", 0.5, 0.4, 0.6)]
    e = number("auroc", 0.6, 0.4, 0.8)
    told = in_one_sentence("m", arms, [claim("auroc", 0.5)], [judged(e)])
    assert told.startswith("m is right in 50 % (40 to 60) of 80 answers (few-shot); ")
    assert in_one_sentence("m", arms, [], []) == "m is right in 10 % (none) to 50 % (few-shot) of its answers."
