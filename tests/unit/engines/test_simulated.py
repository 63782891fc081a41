"""Simulated subjects: real experiments and direct simulations both recover the parameters that were put in."""

import math
import re
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pytest

from experiments.calibration.p_true.p_true import PTrue
from experiments.correction.self_correction.self_correction import SelfCorrection
from harness import Grade, Item
from harness.metrics.calibration import brier, ece_equal_count, ece_equal_width
from harness.metrics.metric import Metric
from harness.metrics.ranking import auroc
from harness.metrics.revisions import break_rate, delta, delta_c2i, delta_i2c, fix_rate
from harness.metrics.shares import accuracy
from harness.outcomes import Table
from harness.statistics.estimates import Estimate, estimate
from harness.tasks.graders import number
from harness.testing import simulate
from tests.support.simulation import draw
from tests.support.subjects import (
    REFUSAL,
    UNPARSABLE,
    Asked,
    Compared,
    Judged,
    Picked,
    Rated,
    Reader,
    Reading,
    Shown,
    SimulatedSubject,
    Traits,
)

STATED = ("stated", "correct")
TURNS = ("correct", "after")
MEASURES = (("accuracy", accuracy, ("correct",)), ("brier", brier, STATED), ("auroc", auroc, STATED))


def one(metric: Metric, table: Table, replicates: int = 200, seed: int = 0) -> Estimate:
    (found,) = estimate(metric, table, replicates=replicates, seed=seed)
    return found


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def fixed(reading: Reading) -> Reader:
    """Every prompt asks the same."""
    return lambda prompt: reading


# What a prompt of P(True) and of self-correction asks, from its words alone.


def grade(text: str, item: Item) -> Grade:
    return Grade(text, text == item.gold if text in {"right", "wrong"} else None)


def questions(n: int) -> list[Item]:
    return [Item({"question": f"What is {i}?"}, "right", grade) for i in range(n)]


def read_p_true(prompt: str) -> Reading:
    question = prompt.rpartition("Question: ")[2].partition("\n")[0]
    if prompt.endswith("answer is: ("):
        answer = prompt.rpartition(" Answer: ")[2].partition("\n")[0]
        return Judged(question, answer, answer == "right", "A", "B")
    return Asked(question, " right", [" wrong"])


SAYS = "The final answer is {}."


def numbers(n: int) -> list[Item]:
    return [Item({"question": f"What is the value in row {i}?"}, "7", number) for i in range(n)]


def read_correction(prompt: str) -> Reading:
    row = re.findall(r"row (\d+)", prompt)[0]
    answers = re.findall(r"<assistant> The final answer is (\d)", prompt)
    return Asked(row, SAYS.format(7), [SAYS.format(8), SAYS.format(9)], answers[-1] == "7" if answers else None)


def run_p_true(traits: Traits, n: int, draws: int = 1) -> tuple[Table, dict[str, float | None], SimulatedSubject]:
    """The table of the zero-shot arm, its estimates by metric, and the subject."""
    subject = SimulatedSubject(traits, read_p_true)
    experiment = PTrue(arms=["zero-shot"], draws=draws, judged=None)
    table, _ = simulate(experiment, questions(n), subject)
    return table, {m.name: one(m, table, 2).value for m in experiment.metrics}, subject


def test_p_true_recovers_a_calibrated_subject() -> None:
    table, found, subject = run_p_true(Traits(mass=0.8), 1500)
    # p uniform on (0, 1): accuracy 1/2, Brier E[p(1-p)] = 1/6, AUROC 5/6. Four standard errors each.
    assert found["accuracy"] == pytest.approx(0.5, abs=0.052)
    assert found["brier"] == pytest.approx(1 / 6, abs=0.02)
    assert found["auroc"] == pytest.approx(5 / 6, abs=0.045)
    assert found["option_mass"] == pytest.approx(0.8, abs=1e-12)
    truth = {item.id: subject.p_right(item.fields["question"]) for item in questions(1500)}
    np.testing.assert_allclose(table.columns["p"], [truth[i] for i in table.columns["item"]], atol=1e-12)
    # Calibrated: what is left in ten bins is noise, (pi/8) sqrt(2/pi) sqrt(10/n) = 0.026 on average.
    ece = found["ece_equal_width"]
    assert ece is not None
    assert ece < 0.045


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_p_true_recovers_the_direction_of_miscalibration(slope: float) -> None:
    table, found, subject = run_p_true(Traits(slope=slope, intercept=0.3), 1500)
    ids = {item.id: item.fields["question"] for item in questions(1500)}
    p = np.array([subject.p_right(ids[i]) for i in table.columns["item"]])
    stated = 1 / (1 + np.exp(-(slope * np.log(p / (1 - p)) + 0.3)))
    np.testing.assert_allclose(table.columns["p"], stated, atol=1e-9)
    # On average over what is right: E|p - stated| in bins, and Brier = E[p(1-p)] + E[(p - stated)^2].
    assert found["brier"] == pytest.approx(float(np.mean(p * (1 - p) + (p - stated) ** 2)), abs=0.02)
    fitted = np.polyfit(np.log(stated / (1 - stated)), np.log(p / (1 - p)), 1)[0]
    assert fitted == pytest.approx(1 / slope, abs=1e-9), "the calibration slope is the reciprocal"
    bins = np.ceil(stated * 10)
    gaps = [abs((p - stated)[bins == b].sum()) for b in range(1, 11)]
    assert found["ece_equal_width"] == pytest.approx(sum(gaps) / len(p), abs=0.03)


def test_p_true_ranks_as_signal_detection_says() -> None:
    # One difficulty, so that only the evidence separates: d' = 1.5, noise 1, slope 2.
    traits = Traits(ability=0.4, difficulty=0.0, insight=1.5, slope=2.0, noise=1.0)
    _, found, _ = run_p_true(traits, 1500)
    expected = NormalDist().cdf(2 * 1.5**2 / math.sqrt(2 * (4 * 1.5**2 + 1)))
    assert found["auroc"] == pytest.approx(expected, abs=0.03)
    assert found["accuracy"] == pytest.approx(1 / (1 + math.exp(-0.4)), abs=0.05)


def test_refusals_and_mumbling_are_fates_of_their_rows() -> None:
    table, _, _ = run_p_true(Traits(refuses=0.1, unparsable=0.2), 1000)
    fates = list(table.columns["fate"])
    assert fates.count("refused") / 1000 == pytest.approx(0.1, abs=0.038)
    assert fates.count("unreadable") / 1000 == pytest.approx(0.2, abs=0.051)
    assert fates.count("answered") / 1000 == pytest.approx(0.7, abs=0.058)
    answers = list(table.columns["answer"])
    assert answers.count(REFUSAL) / 1000 == pytest.approx(0.1, abs=0.038)
    assert answers.count(UNPARSABLE) / 1000 == pytest.approx(0.2, abs=0.051)


def test_self_correction_recovers_the_transitions() -> None:
    traits = Traits(ability=0.8, difficulty=0.5, fixes=0.3, breaks=0.15)
    subject = SimulatedSubject(traits, read_correction)
    experiment = SelfCorrection(arms=["score sampled", "again sampled"], temperature=1.0)
    items = numbers(600)
    table, _ = simulate(experiment, items, subject)
    right = float(np.mean([subject.p_right(str(i)) for i in range(600)]))
    # Shares of 600 items, four standard errors: at most 0.082.
    truth = {"accuracy_before": right, "fix_rate": 0.3, "break_rate": 0.15}
    truth |= {"delta_i2c": (1 - right) * 0.3, "delta_c2i": right * 0.15}
    truth |= {"delta": truth["delta_i2c"] - truth["delta_c2i"], "answered_after": 1.0}
    truth["accuracy_after"] = right + truth["delta"]
    for arm in ("score sampled", "again sampled"):
        rows = table.where(table.columns["arm"] == arm)
        found = {m.name: one(m, rows, 2).value for m in experiment.metrics}
        for name, value in truth.items():
            margin = 0.13 if name == "fix_rate" else 0.082
            assert found[name] == pytest.approx(value, abs=margin), (arm, name)


def test_what_is_read_has_exactly_the_odds_of_the_traits() -> None:
    traits = Traits(ability=1.0, difficulty=0.0, yes_bias=0.4, letter_bias=(0.7, -0.1), mass=0.9)
    p_yes = 1 / (1 + math.exp(-(1.0 + 0.4 + 0.7 + 0.1)))
    first = SimulatedSubject(traits, fixed(Judged("i", "a", True, "A", "B")))("")
    assert first == pytest.approx({"A": 0.9 * p_yes, "B": 0.9 * (1 - p_yes), UNPARSABLE: 0.1}, abs=1e-12)
    p_yes = 1 / (1 + math.exp(-(1.0 + 0.4 - 0.7 - 0.1)))
    second = SimulatedSubject(traits, fixed(Judged("i", "a", True, "B", "A", yes_first=False)))("")
    assert second == pytest.approx({"A": 0.9 * (1 - p_yes), "B": 0.9 * p_yes, UNPARSABLE: 0.1}, abs=1e-12)
    rated = SimulatedSubject(traits, fixed(Rated("i", "a", True, "Confidence: {percent} %")))("")
    assert rated == {"Confidence: 80 %": 1.0}, "sigmoid(1.4) = 0.802"


@pytest.mark.parametrize("k", [2, 4])
def test_a_pick_without_bias_is_right_with_the_items_probability(k: int) -> None:
    options = list("ABCD"[:k])
    for place in range(k):
        subject = SimulatedSubject(Traits(ability=0.5), fixed(Picked("item 3", options, place)))
        odds = subject("")
        assert odds[options[place]] == pytest.approx(subject.p_right("item 3"), abs=1e-12)
        rest = [p for option, p in odds.items() if option != options[place]]
        assert rest == pytest.approx([(1 - subject.p_right("item 3")) / (k - 1)] * (k - 1), abs=1e-12)
    biased = SimulatedSubject(Traits(letter_bias=(math.log(3),)), fixed(Picked("item 3", options, 1)))
    fair = SimulatedSubject(Traits(), fixed(Picked("item 3", options, 1)))
    assert biased("")["A"] / biased("")["B"] == pytest.approx(3 * fair("")["A"] / fair("")["B"])


def test_comparisons_weigh_quality_position_and_authorship() -> None:
    traits = Traits(difficulty=0.0, self_preference=0.8, letter_bias=(0.3,))
    own, other = Shown("x", True, True), Shown("y", True, False)
    first = SimulatedSubject(traits, fixed(Compared("i", own, other, ("A", "B"))))("")
    second = SimulatedSubject(traits, fixed(Compared("i", other, own, ("A", "B"))))("")
    assert logit(first["A"]) == pytest.approx(0.8 + 0.3, abs=1e-12)
    assert logit(second["A"]) == pytest.approx(-0.8 + 0.3, abs=1e-12)
    # With insight the better answer is preferred by as much as its stated log-odds are higher.
    seer = SimulatedSubject(Traits(insight=2.0), fixed(Compared("i", own, Shown("y", False, False), ("A", "B"))))
    difference = seer.stated_logit("i", "x", True) - seer.stated_logit("i", "y", False)
    assert logit(seer("")["A"]) == pytest.approx(difference, abs=1e-9)


def test_the_population_is_the_same_in_every_process_and_another_for_another_seed() -> None:
    subject = SimulatedSubject(Traits(insight=1.0, noise=1.0), fixed(Asked("i", "r", ["w"])))
    assert subject.p_right("item") == pytest.approx(0.8353100225, abs=1e-9)
    again = SimulatedSubject(Traits(insight=1.0, noise=1.0), fixed(Asked("i", "r", ["w"])))
    assert again.stated_logit("item", "a", True) == subject.stated_logit("item", "a", True)
    assert again.stated_logit("item", "a", True) - again.stated_logit("item", "a", False) == pytest.approx(1.0)
    other = SimulatedSubject(Traits(), fixed(Asked("i", "r", ["w"])), seed=1)
    assert other.p_right("item") != subject.p_right("item")
    p = [subject.p_right(f"item {i}") for i in range(4000)]
    assert np.quantile(p, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.03), "uniform"


@pytest.mark.parametrize(
    "wrong",
    [{"fixes": 1.1}, {"refuses": 0.6, "unparsable": 0.6}, {"noise": -1.0}, {"mass": 0.0}, {"difficulty": -0.1}],
)
def test_impossible_traits_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="impossible traits"):
        Traits(**wrong)  # type: ignore[arg-type]


# Direct simulation.


def test_drawn_outcomes_have_the_closed_forms() -> None:
    table = draw(Traits(fixes=0.3, breaks=0.1), 30_000, np.random.default_rng(0))
    forms = [(accuracy, ("correct",), 1 / 2), (brier, STATED, 1 / 6), (auroc, STATED, 5 / 6)]
    forms += [(delta_i2c, TURNS, 0.15), (delta_c2i, TURNS, 0.05), (delta, TURNS, 0.1)]
    forms += [(fix_rate, TURNS, 0.3), (break_rate, TURNS, 0.1)]
    for measure, columns, value in forms:
        assert one(Metric("m", measure, columns, by=()), table, 2).value == pytest.approx(value, abs=0.014), columns


def test_drawn_subjects_agree_with_those_that_answer_prompts() -> None:
    traits = Traits(ability=0.5, difficulty=0.7, insight=1.2, slope=1.4, intercept=-0.3, noise=0.5, yes_bias=0.2)
    drawn = draw(traits, 30_000, np.random.default_rng(1))
    asked, found, _ = run_p_true(traits, 1500)
    for name, measure, columns in MEASURES:
        expected = one(Metric(name, measure, columns, by=()), drawn, 2).value
        assert found[name] == pytest.approx(expected, abs=0.05)
    quantiles = [0.1, 0.25, 0.5, 0.75, 0.9]
    np.testing.assert_allclose(
        np.quantile(asked.columns["p"], quantiles), np.quantile(drawn.columns["stated"], quantiles), atol=0.05
    )


def test_silence_leaves_values_missing() -> None:
    table = draw(Traits(refuses=0.2, unparsable=0.1), 20_000, np.random.default_rng(0))
    for column in TURNS:
        assert np.isnan(table.columns[column]).mean() == pytest.approx(0.3, abs=0.014)
    found = one(Metric("accuracy", accuracy, ("correct",), by=()), table, 2)
    assert found.n + found.n_failed == 20_000


# The true values that a known library misses: at n = 5,000 it gives 0.342 and 0.113.


def test_the_ece_of_a_calibrated_subject_at_5000_is_its_known_bias() -> None:
    for measure, bins in ((ece_equal_width, 20), (ece_equal_count, 20), (ece_equal_width, 10)):
        metric = Metric("ece", measure, STATED, by=(), options={"bins": bins})
        runs = [one(metric, draw(Traits(), 5000, np.random.default_rng(s)), 2).value for s in range(30)]
        # E|acc - conf| of a bin is sqrt(2/pi) of its standard error; the mean of sqrt(p(1-p)) over (0, 1) is pi/8.
        expected = math.sqrt(2 / math.pi) * math.pi / 8 * math.sqrt(bins / 5000)
        assert np.mean([v for v in runs if v is not None]) == pytest.approx(expected, rel=0.08)
        assert bins == 10 or min(v for v in runs if v) < 0.022 < max(v for v in runs if v)


def test_the_ece_of_an_overconfident_subject_at_5000() -> None:
    traits = Traits(ability=logit(0.507), difficulty=0.0, slope=0.0, intercept=logit(0.9))
    for measure in (ece_equal_width, ece_equal_count):
        table = draw(traits, 5000, np.random.default_rng(0))
        found = one(Metric("ece", measure, STATED, by=()), table)
        assert found.value == pytest.approx(0.9 - np.mean(table.columns["correct"]), abs=1e-12)
        assert found.value == pytest.approx(0.393, abs=0.021)
        assert found.low is not None
        assert found.high is not None
        assert found.low < 0.393 < found.high


def test_the_ece_of_a_doubled_slope_has_its_closed_form() -> None:
    # stated = p^2 / (p^2 + (1-p)^2), and the sign of stated - p changes at an edge: E|stated - p| = ln 2 / 2 - 1/4.
    table = draw(Traits(slope=2.0), 60_000, np.random.default_rng(0))
    for bins in (10, 20):
        metric = Metric("ece", ece_equal_width, STATED, by=(), options={"bins": bins})
        assert one(metric, table, 2).value == pytest.approx(math.log(2) / 2 - 0.25, abs=0.007)


@pytest.mark.parametrize(
    ("measure", "columns", "truth"),
    [(accuracy, ("correct",), 1 / 2), (brier, STATED, 1 / 6), (auroc, STATED, 5 / 6)],
    ids=["accuracy", "brier", "auroc"],
)
def test_intervals_cover_the_truth_as_often_as_they_say(measure: object, columns: Sequence[str], truth: float) -> None:
    metric = Metric("m", measure, tuple(columns), by=())  # type: ignore[arg-type]
    rng = np.random.default_rng(1)
    found = [one(metric, draw(Traits(), 200, rng), 200, seed) for seed in range(1000)]
    covered = np.mean([e.low is not None and e.high is not None and e.low <= truth <= e.high for e in found])
    assert 0.93 <= covered <= 0.97
