"""Temporal cognition: agents of known distances come back with their present, and others without one."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from experiments.introspection.temporal_cognition.distances import (
    distances,
    from_reference,
    levenshtein,
    through_reference,
)
from experiments.introspection.temporal_cognition.fits import COARSE, losses
from experiments.introspection.temporal_cognition.neurons import explained, found_neurons, preferring
from experiments.introspection.temporal_cognition.rows import METRICS
from experiments.introspection.temporal_cognition.task import YearPairs
from experiments.introspection.temporal_cognition.temporal_cognition import TemporalCognition
from harness import HarnessError, Item
from harness.calls.calls import Read
from harness.cli.main import main
from harness.config import load_job
from harness.engines.fake.engine import WIDTH
from harness.metrics import Floats
from harness.statistics.claim_checks import check_claims
from harness.statistics.claims import Claim, judge_claim
from harness.statistics.estimates import Estimate, estimate_all
from harness.statistics.pairs import difference
from harness.tasks.base import split
from harness.tasks.graders import short_answer
from harness.testing import Simulated, simulate

PRESENT = 2015
YEARS_PREFERRED = (1, 4, 9)


def test_distances_have_their_closed_forms() -> None:
    assert from_reference(2025, 2025) == 0
    assert from_reference(2026, 2025) == -from_reference(2024, 2025) == pytest.approx(math.log(2))
    found = distances(2015, 2035, 2025)
    assert found == {
        "linear": 20,
        "log": pytest.approx(math.log(2035 / 2015)),
        "levenshtein": 1,
        "reference": pytest.approx(2 * math.log(11)),
    }
    # On one side of the reference year a difference of logarithms, across it their sum.
    assert distances(2005, 2015, 2025)["reference"] == pytest.approx(math.log(21) - math.log(11))
    assert distances(1990, 2030, 2025) == distances(2030, 1990, 2025)
    assert set(distances(2025, 2025, 2025).values()) == {0}
    many = through_reference(np.array([2015.0, 2005]), np.array([2035.0, 2015]), np.array([2025.0, 1900]))
    assert many[0] == pytest.approx([2 * math.log(11), math.log(21 / 11)])
    assert many[1] == pytest.approx([math.log(136 / 116), math.log(116 / 106)])


@pytest.mark.parametrize(("one", "two", "apart"), [("1990", "1990", 0), ("1990", "2000", 3), ("999", "1999", 1)])
def test_digits_to_change(one: str, two: str, apart: int) -> None:
    assert levenshtein(one, two) == levenshtein(two, one) == apart


def test_a_pair_is_predicted_from_those_that_share_no_year_with_it() -> None:
    rng = np.random.default_rng(0)
    first, second = (years.astype(float) for years in np.triu_indices(7, 1))
    x, y, w = rng.random(21), rng.random(21), rng.integers(0, 3, 21).astype(float)
    found = losses(first, second, x[None, :], x + 0.1 * y, w)
    for at in range(21):
        others = ~np.isin(first, [first[at], second[at]]) & ~np.isin(second, [first[at], second[at]])
        kept = np.repeat(np.flatnonzero(others), w[others].astype(int))
        slope, intercept = np.polyfit(x[kept], (x + 0.1 * y)[kept], 1)
        assert found.line[at] == pytest.approx(((x + 0.1 * y)[at] - intercept - slope * x[at]) ** 2)
        assert found.constant[at] == pytest.approx(((x + 0.1 * y)[at] - (x + 0.1 * y)[kept].mean()) ** 2)
    # A line that falls counts as flat.
    falling = losses(first, second, x[None, :], -x, w)
    assert falling.line == pytest.approx(falling.constant)
    # Of several distances each pair takes the one that the others choose.
    free = losses(first, second, np.stack([rng.random(21), x]), x, w)
    assert free.line == pytest.approx(0, abs=1e-20)


def asked(prompt: str) -> tuple[str, int, int]:
    found = re.search(r"(Year|Number) 1: (\d+)\s+\w+ 2: (\d+)", prompt)
    assert found is not None
    return found[1].lower(), int(found[2]), int(found[3])


def digit(similarity: float) -> dict[str, float]:
    """Probabilities of digits whose mean is ten times a similarity from 0 to .9; a tenth of all is no digit."""
    low = min(int(10 * similarity), 8)
    high = 10 * similarity - low
    return {str(low): 0.9 * (1 - high), str(low + 1): 0.9 * high, "x": 0.1}


def agent(dissimilarity: Callable[[str, int, int], float]) -> Callable[[str], Mapping[str, float]]:
    """Rates by a distance, names a year by its nearness to 1950."""

    def answer(prompt: str) -> Mapping[str, float]:
        if "Name a" in prompt:
            return {f" {year}": 1 / 1100 for year in range(1500, 2600)}
        return digit(0.9 * (1 - dissimilarity(*asked(prompt))))

    return answer


def noise(one: int, two: int) -> float:
    return random.Random(f"{min(one, two)} {max(one, two)}").gauss()


def through_present(noun: str, one: int, two: int) -> float:
    """Years through 2015, and numbers by their logarithms."""
    if noun == "number":
        return abs(math.log(one / two)) + 0.01 * noise(one, two) + 0.1
    return distances(one, two, PRESENT)["reference"] / 14 + 0.02 * noise(one, two) + 0.05


def plain_log(noun: str, one: int, two: int) -> float:
    return abs(math.log(one / two)) + 0.03 * noise(one, two) + 0.1


def inside(call: Read, text: str, layer: int) -> list[float]:
    """States on a circle, by the distance from 2025, behind the last layer; three neurons of layer 2 that prefer years
    and respond the more the further back they lie."""
    found = re.findall(r"(Year|Number): ([\d-]+)$", text)
    noun, year = found[0][0], int(found[0][1].replace("-", ""))
    rng = random.Random(f"{layer} {year} {call.site}")
    if call.site == "resid_post":
        angle = from_reference(year, 2025) / 5 if (noun, layer) == ("Year", 3) else rng.random()
        return [math.cos(angle), math.sin(angle), *([0.0] * (WIDTH - 2))]
    values = [rng.gauss() for _ in range(WIDTH)]
    if noun == "Year" and layer == 2:
        for neuron in YEARS_PREFERRED:
            values[neuron] += 20 + 5 * abs(from_reference(year, 2025))
    return values


DEPTHS = (0.5, 0.75, 1.0)


@cache
def done(kind: Callable[[str, int, int], float]) -> Simulated:
    parts = split(YearPairs(), None, 24)
    experiment = TemporalCognition(depths=DEPTHS)
    return simulate(experiment, parts.test, agent(kind), train=parts.train, activations=inside)


@cache
def found(kind: Callable[[str, int, int], float]) -> Mapping[tuple[str, ...], Estimate]:
    return {(e.metric, *e.level.values()): e for e in estimate_all(METRICS, done(kind).table, replicates=100)}


def value(kind: Callable[[str, int, int], float], *of: str) -> float:
    estimate = found(kind)[of].value
    assert estimate is not None
    return estimate


def test_an_agent_with_a_present_comes_back_with_it() -> None:
    e = found(through_present)["reference_year", "years"]
    assert e.value == pytest.approx(PRESENT, abs=4)
    assert e.low is not None
    assert e.high is not None
    assert e.low <= PRESENT <= e.high
    assert (e.n, e.n_groups, e.crossed) == (153, 18, True)
    earliest, latest = (value(through_present, f"{which}_reference", "years") for which in ("earliest", "latest"))
    assert earliest <= PRESENT <= latest
    assert value(through_present, "held_out_best_reference", "years") > 0.9
    assert value(through_present, "held_out", "years", "log") < 0.5
    gain = found(through_present)["reference_gain", "years"]
    assert gain.low is not None
    assert gain.low > 0.2
    assert value(through_present, "reference_gain", "numbers") < 0
    assert value(through_present, "held_out", "numbers", "log") > 0.9


def test_an_agent_without_a_present_gains_none_from_a_free_year() -> None:
    # The best year explains much in the sample, and still less on years left out than the logarithm does.
    assert value(plain_log, "held_out", "years", "log") > value(plain_log, "held_out_best_reference", "years") + 0.05
    assert value(plain_log, "reference_gain", "years") < 0
    assert value(plain_log, "r_squared", "years", "log") > 0.9
    assert value(plain_log, "slope", "years", "log") == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("kind", [through_present, plain_log], ids=["present", "log"])
def test_shuffled_years_are_explained_by_nothing(kind: Callable[[str, int, int], float]) -> None:
    for distance in ("linear", "log", "levenshtein", "reference"):
        assert value(kind, "held_out", "shuffled years", distance) < 0.15
    assert value(kind, "held_out_best_reference", "shuffled years") < 0.15
    rows = {(r["first"], r["second"]): r["dissimilarity"] for r in done(kind).rows if r["arm"] == "years"}
    moved = {(r["first"], r["second"]): r["dissimilarity"] for r in done(kind).rows if r["arm"] == "shuffled years"}
    assert sorted(set(rows.values())) == pytest.approx(sorted(set(moved.values())))
    assert rows != moved


def test_the_number_control_asks_about_numbers_and_both_orders_are_asked() -> None:
    prompts = {one.prompt for done_item in done(plain_log).finished for one in done_item.transcript}
    assert any("Number 1: 1636" in p and "two numbers" in p and "ear" not in p.split("Number 1")[0] for p in prompts)
    assert any("Year 1: 1990" in p and "Year 2: 2040" in p and "two years" in p for p in prompts)
    assert any("Year 1: 2040" in p and "Year 2: 1990" in p for p in prompts)
    assert value(plain_log, "order_gap", "years") == pytest.approx(0, abs=1e-12)
    assert value(plain_log, "option_mass", "years") == pytest.approx(0.9)


def test_an_order_bias_is_averaged_and_told() -> None:
    def biased(noun: str, one: int, two: int) -> float:
        return 0.4 + 0.2 * (one < two)

    items = YearPairs().load()[18:40]
    rows = simulate(TemporalCognition(arms=("years",), depths=()), items, agent(biased)).rows
    assert {round(row["order_gap"], 9) for row in rows} == {0.18}
    assert {round(row["dissimilarity"], 9) for row in rows} == {0.55}


def test_ratings_that_never_change_have_no_fit_and_no_year() -> None:
    parts = split(YearPairs(), None, 0)
    flat = simulate(TemporalCognition(arms=("years",), depths=()), parts.test, agent(lambda *_: 0.5))
    by_name = {(e.metric, *e.level.values()): e for e in estimate_all(METRICS, flat.table, replicates=20)}
    for name in ("held_out_best_reference", "reference_year", "earliest_reference", "reference_gain"):
        assert by_name[name, "years"].value is None
        assert by_name[name, "years"].note
    assert by_name["r_squared", "years", "log"].value is None


def test_states_behind_the_last_layer_follow_the_present() -> None:
    of = "state_r_squared"
    assert value(plain_log, of, "states of years", "1", "reference") > 0.8
    for arm, depth in (("states of numbers", "1"), ("states of shuffled years", "1"), ("states of years", "0.5")):
        assert value(plain_log, of, arm, depth, "reference") < 0.15
    assert found(plain_log)[of, "states of years", "1", "reference"].n_groups == 18


def of_digits(call: Read, text: str, layer: int) -> list[float]:
    """States that only hold which digits stand at which place."""
    digits = re.findall(r"(?:Year|Number): ([\d-]+)$", text)[0].split("-")
    state = [0.0] * WIDTH
    for place, one in enumerate(digits):
        state[(3 * place + 7 * int(one)) % WIDTH] += 1.0 + place / 10
    return state


def test_states_that_share_digits_have_no_present() -> None:
    parts = split(YearPairs(), None, 24)
    experiment = TemporalCognition(
        depths=(1.0,), arms=("states of years", "states of numbers", "states of shuffled years")
    )
    table = simulate(experiment, parts.test, agent(plain_log), train=parts.train, activations=of_digits).table
    found = estimate_all(METRICS, table, replicates=100)
    claims = load_job(["experiment=temporalCognition", "engine=fake", "tracker=none"]).claims
    asked = [one for one in claims if one.metric == "state_r_squared"]
    assert len(asked) == 2
    for claim in asked:
        assert judge_claim(claim, found, METRICS, table, replicates=100).kind in {"undecided", "contradicted"}
    explained = {e.level["distance"]: e.value or 0.0 for e in found if e.level.get("arm") == "states of years"}
    assert explained["levenshtein"] > explained["reference"] + 0.4


def test_neurons_that_prefer_years_are_found_on_other_years_and_follow_the_present() -> None:
    rows = [r for r in done(plain_log).rows if r["arm"] == "neurons"]
    assert {(r["depth"], r["share"]) for r in rows} == {(0.5, 0), (0.75, 3 / WIDTH), (1.0, 0)}
    assert {r["depth"] for r in rows if r["chosen"]} == {0.75}
    assert {r["reason"] for r in rows if r["depth"] == 0.5} == {"no neuron prefers years"}
    assert {r["response"] for r in rows if r["depth"] == 0.5} == {None}
    past = ("neurons", "past")
    assert value(plain_log, "chosen_r_squared", *past) > 0.9
    assert value(plain_log, "chosen_slope", *past) == pytest.approx(5, abs=0.8)
    for arm in ("neurons on numbers", "random neurons"):
        assert abs(value(plain_log, "chosen_slope", arm, "past")) < 0.8
    assert value(plain_log, "neuron_share", "0.75") == pytest.approx(3 / WIDTH)
    e = found(plain_log)["chosen_slope", "neurons", "past"]
    assert (e.n, e.n_groups, e.crossed) == (e.n, e.n, False)


def test_a_neuron_must_prefer_years_reliably() -> None:
    rng = np.random.default_rng(1)
    numbers = rng.normal(size=(12, 2000))
    years = numbers + 0.3 * rng.normal(size=numbers.shape)
    assert preferring(years, numbers, 2000) == ()
    years[:, 7] += 1
    years[:, 8] -= 1
    assert preferring(years, numbers, 2000) == (7,)
    same = np.zeros((12, 3))
    assert preferring(same + np.array([1.0, 0, -1]), same, 3) == (0,)


def test_the_layer_is_chosen_by_its_fit_on_training_years() -> None:
    years = [1600, 1700, 1800, 1900, 2030, 2100, 2300, 2500]
    rng = np.random.default_rng(0)
    good = np.array([abs(from_reference(year, 2025)) for year in years])
    layers: Mapping[float, Floats] = {0.5: 9 + rng.normal(size=(8, 4)), 1.0: 9 + np.tile(good[:, None], (1, 4))}
    nothing = {depth: np.zeros((8, 4)) for depth in layers}
    one, two = found_neurons(years, layers, nothing, reference=2025, rng=random.Random(0))
    assert (one.chosen, two.chosen) == (False, True)
    assert two.explained == pytest.approx(1)
    assert explained(years, np.ones(8), 2025) == 0
    none = found_neurons(years, nothing, layers, reference=2025, rng=random.Random(0))
    assert not any(neurons.chosen or neurons.selected for neurons in none)


def test_years_are_spread_and_dense_and_their_pairs_have_two_groups() -> None:
    items = YearPairs().load()
    years = [item.fields["year"] for item in items if item.fields["kind"] == "year"]
    assert (len(years), years[0], years[-1], sum(1990 <= year <= 2040 for year in years)) == (18, 1525, 2524, 8)
    pairs = [item for item in items if item.fields["kind"] == "pair"]
    assert len(pairs) == 153 == len({item.id for item in pairs})
    assert all(item.clusters == (str(item.fields["first"]), str(item.fields["second"])) for item in pairs)
    moved = {pair.fields["first"]: pair.fields["shuffled"][0] for pair in pairs}
    assert sum(one != two for one, two in moved.items()) > 12
    parts = split(YearPairs(), None, 24)
    assert len(parts.test) == 171
    assert 10 < len(parts.train) <= 17
    assert not {c for i in parts.train for c in i.clusters} & {c for i in parts.test for c in i.clusters}
    assert len(YearPairs(spread=40, dense=26).load()) > 1900


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"spread": 1}, "1 spread years from 1525 to 2524; give years above 0"),
        ({"start": 2000, "end": 1000}, "10 spread years from 2000 to 1000"),
        ({"start": 0}, "years above 0"),
        ({"dense": 99}, "99 dense years from 1990 to 2040"),
        ({"spread": 0, "dense": 3}, "3 years; task.spread and task.dense must make 4 or more"),
    ],
    ids=str,
)
def test_years_that_cannot_be_are_refused(settings: Mapping[str, int], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        YearPairs(**settings).load()  # type: ignore[arg-type]


@pytest.mark.parametrize("depths", [(), (0.5, 0.5)], ids=str)
def test_depths_that_name_no_layer_are_refused(depths: tuple[float, ...]) -> None:
    with pytest.raises(HarnessError, match=r"experiment\.depths"):
        TemporalCognition(depths=depths)


def test_without_states_no_activations_are_needed() -> None:
    ratings = TemporalCognition(arms=("years", "numbers"), depths=())
    assert ratings.capabilities() == {"choose", "score"}
    assert ratings.train_items() == 0
    assert TemporalCognition().capabilities() == {"choose", "score", "read"}


def test_the_claims_are_about_numbers_that_there_are() -> None:
    table = done(through_present).table
    claim = Claim(
        text="",
        metric="held_out_best_reference",
        level={"arm": "years"},
        relation="above",
        than=({"arm": "years", "distance": "log"},),
        than_metric="held_out",
    )
    check_claims([claim], METRICS)
    by_name = {metric.name: metric for metric in METRICS}
    e = difference(
        by_name["held_out_best_reference"],
        table,
        {"arm": "years"},
        {"arm": "years", "distance": "log"},
        other_metric=by_name["held_out"],
        replicates=100,
    )
    assert (e.n, e.n_groups) == (153, 18)
    assert e.low is not None
    assert e.low > 0.2
    assert len(COARSE) == 81


def test_the_whole_experiment_runs_and_tells_that_pairs_share_years(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "experiment=temporalCognition", "engine=fake", "task.spread=4", "task.dense=7", "tracker=none"]
    assert main([*words, "replicates=30", f"runs={tmp_path}/runs", f"store={tmp_path}/store"]) == 0
    assert "numbers" in capsys.readouterr().out
    (run,) = (tmp_path / "runs").glob("*/*/")
    assert main(["methods", str(run)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "each in up to 2 of 11 groups that the statistics take as independent" in told
    assert "A row with several groups counts by the product of how often each of them was drawn." in told


def test_an_item_that_is_no_year_is_told() -> None:
    other = Item({"kind": "sum", "question": "2 + 2?"}, "4", short_answer)
    (done_item,) = simulate(TemporalCognition(arms=("years",), depths=()), [other], agent(plain_log)).finished
    assert done_item.result.error is not None
    assert "kind 'sum' is no pair of years and no year; task=year_pairs" in done_item.result.error


def test_neurons_need_three_training_years() -> None:
    parts = split(YearPairs(), 4, 2)
    with pytest.raises(HarnessError, match="2 training years are too few for neurons"):
        simulate(TemporalCognition(), parts.test, agent(plain_log), train=parts.train, activations=inside)
