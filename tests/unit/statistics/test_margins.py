"""Margins: how they are written, what an interval says of them, and how often a harm passes by luck."""

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics.metric import Metric
from harness.metrics.shares import accuracy
from harness.outcomes import Table
from harness.statistics.margins import Margin, judge_margin, read_margin
from harness.statistics.pairs import Contrast, contrast

ACCURACY = Metric("accuracy", accuracy, ("correct",), by=())


def answers(correct: np.ndarray) -> Table:
    """A table of one answer to each item, right or wrong."""
    names = np.array([f"item-{i}" for i in range(len(correct))], dtype=object)
    none = np.array([None] * len(correct), dtype=object)
    columns = {"item": names, "group": names, "error": none, "correct": correct.astype(float)}
    return Table({"correct": "label"}, columns)


def between(first: np.ndarray, second: np.ndarray, replicates: int = 400) -> Contrast:
    return contrast(ACCURACY, {}, [answers(first)], [answers(second)], replicates=replicates)


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("accuracy < -0.02", Margin("accuracy", "<", -0.02)),
        ("brier>.01", Margin("brier", ">", 0.01)),
        (" accuracy[arm=few-shot, turn=2] < -2e-2 ", Margin("accuracy", "<", -0.02, {"arm": "few-shot", "turn": "2"})),
        ("auroc[arm=b - a] < 0", Margin("auroc", "<", 0.0, {"arm": "b - a"})),
    ],
)
def test_margins_are_read_as_they_are_written(text: str, margin: Margin) -> None:
    assert read_margin(text) == margin
    assert read_margin(str(margin)) == margin


@pytest.mark.parametrize("text", ["", "accuracy", "accuracy = 1", "accuracy[arm] < 1", "accuracy < 1.2.3", "< 0.1"])
def test_what_is_no_margin_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(HarnessError, match=r"--fail-if .*accuracy\[arm=greedy\] < -0.02"):
        read_margin(text)


def test_the_interval_decides_on_either_side() -> None:
    worse = np.arange(200) >= 20
    same = between(np.ones(200), np.ones(200))
    harm = between(np.ones(200), worse)
    for text, found, result in (
        ("accuracy < -0.05", same, "pass"),
        ("accuracy < -0.01", same, "inconclusive"),  # 200 equal answers do not exclude a harm of 1 %
        ("accuracy < -0.05", harm, "fail"),  # -0.1, all replicates near it
        ("accuracy < -0.2", harm, "pass"),
        ("accuracy < -0.1", harm, "inconclusive"),
        ("accuracy > 0.05", same, "pass"),
        ("accuracy > -0.2", harm, "fail"),
    ):
        ruling = judge_margin(read_margin(text), found)
        assert ruling.result == result, (text, ruling)
        assert "n = 200 pairs, 200 items, 200 groups" in ruling.reason


def test_the_items_needed_are_those_that_halve_the_error() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(400) < 0.7
    found = between(first, np.roll(first, 1))  # other items right, as many of them
    assert found.se is not None
    margin = -0.02
    ruling = judge_margin(Margin("accuracy", "<", margin), found)
    needed = int(ruling.reason.partition("about ")[2].partition(" items")[0].replace(",", ""))
    # A true difference of 0 passes with 80 % when the margin is z(0.975) + z(0.8) standard errors away.
    assert needed == pytest.approx(400 * (2.8016 * found.se / margin) ** 2, rel=0.01)
    assert "given no true difference" in ruling.reason


def test_few_groups_and_missing_answers_do_not_pass() -> None:
    few = between(np.ones(8), np.ones(8))
    assert judge_margin(read_margin("accuracy < -0.9"), few).result == "inconclusive"
    right = np.ones(200)
    lost = np.where(np.arange(200) < 6, np.nan, 1.0)  # 3 %: below the share from which all verdicts are held back
    ruling = judge_margin(read_margin("accuracy < -0.029"), between(right, lost))
    assert (ruling.result, ruling.reason.endswith("at their worst make it -0.0300")) == ("inconclusive", True)
    assert judge_margin(read_margin("accuracy < -0.04"), between(right, lost)).result == "pass"


def test_a_true_difference_at_the_margin_seldom_passes() -> None:
    rng = np.random.default_rng(1)
    runs, n, harm = 400, 300, 0.1
    passed = failed = 0
    for _ in range(runs):
        first = rng.random(n) < 0.8
        second = first & (rng.random(n) >= harm / 0.8)  # right with 0.8 - harm
        result = judge_margin(Margin("accuracy", "<", -harm), between(first, second, 200)).result
        passed += result == "pass"
        failed += result == "fail"
    # 2.5 % on either side, and three standard errors of that share of 400 simulations.
    assert passed / runs <= 0.025 + 3 * (0.025 * 0.975 / runs) ** 0.5
    assert failed / runs <= 0.025 + 3 * (0.025 * 0.975 / runs) ** 0.5
