"""Perceptual scale: an agent of known scales and states, agents without any, the comparisons, the settings."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from experiments.introspection.perceptual_scale.fisher import Predicted, no_path
from experiments.introspection.perceptual_scale.magnitudes import DOMAINS, Comparisons
from experiments.introspection.perceptual_scale.perceptual_scale import PerceptualScale
from experiments.introspection.perceptual_scale.rows import ARMS, METRICS, Judged, gap, known_scales
from experiments.introspection.perceptual_scale.states import predicted
from harness import HarnessError, Item
from harness.calls.calls import Read
from harness.cli.main import main
from harness.config import load_job
from harness.engines.fake.engine import WIDTH
from harness.runs.fitted import fitted_type, load_fitted, save_fitted
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import Estimate, estimate_all
from harness.testing import Simulated, simulate

PLANTED = {"numbers": 2, "years": 1}
"""The layer that holds the scale of each domain; the fake model has four."""

SIGMA, BIAS = 0.15, 0.5


def scale(noun: str, text: str) -> float:
    """The agent's scale, from 0 to 1: the cube root of numbers, and years as they are."""
    levels = [*DOMAINS[noun].levels.values()]
    low, high, s = (x ** (1 / 3 if noun == "numbers" else 1) for x in (levels[0], levels[-1], float(text)))
    return (s - low) / (high - low)


def phi(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def agent(prompt: str) -> Mapping[str, float]:
    """Answers by its scale, with a preference for A; asked to subtract it does so, as exactly as it can."""
    found = re.search(r"Consider the (\w+) .*\n(.*)\n\(A\) (.+) and (.+)\n\(B\) (.+) and (.+)\n", prompt)
    assert found is not None
    noun, question, *four = found.groups()
    value = float if "subtract" in question else lambda text: scale(noun, text)
    unit = 200.0 if "subtract" in question else 1.0
    one, two = (abs(value(b) - value(a)) / unit for a, b in ((four[0], four[1]), (four[2], four[3])))
    further = (one - two) / SIGMA * (-1 if "alike" in question else 1)
    p = phi(further + BIAS)
    return {"A": 0.9 * p, "B": 0.9 * (1 - p), "C": 0.1}


def states(call: Read, text: str, layer: int) -> list[float]:
    """The scale along one axis at one layer of each domain, and elsewhere nothing of it; every sentence is a vector."""
    sentence, s = re.findall(r"([A-Z][a-z ]+) (\d+)$", text)[0]
    noun = "years" if "year" in sentence else "numbers"
    offset = random.Random(sentence)
    along = random.Random(f"{layer}/{s}").gauss() if layer != PLANTED[noun] else 5 * scale(noun, s)
    return [offset.gauss() + along * (i == 3) for i in range(WIDTH)]


@cache
def done() -> Simulated:
    items = sorted(Comparisons(shape="both", levels=8).load(), key=lambda item: item.id)
    return simulate(PerceptualScale(), items[40:], agent, train=items[:40], activations=states)


@cache
def found() -> Mapping[tuple[str, ...], Estimate]:
    return {(e.metric, *e.level.values()): e for e in estimate_all(METRICS, done().table, replicates=60)}


def value(*of: str) -> float:
    estimate = found()[of].value
    assert estimate is not None
    return estimate


@pytest.mark.parametrize("domain", ["numbers", "years"])
@pytest.mark.parametrize("arm", ["apart", "alike"])
def test_the_scale_of_an_agent_comes_back_through_its_bias(arm: str, domain: str) -> None:
    for s in Comparisons(levels=8).compared(domain):
        assert value("scale", arm, domain, s) == pytest.approx(scale(domain, s), abs=1e-9)
    assert 1 / value("sensitivity", arm, domain) == pytest.approx(SIGMA)
    assert value("exponent", arm, domain) == pytest.approx(1 / 3 if domain == "numbers" else 1, abs=1e-6)
    assert value("power_explained", arm, domain) == pytest.approx(1)
    assert value("six_point", arm, domain) == 1


def test_an_agent_that_subtracts_has_a_linear_scale() -> None:
    assert value("exponent", "arithmetic", "numbers") == pytest.approx(1, abs=1e-6)
    assert value("linear_explained", "arithmetic", "numbers") == pytest.approx(1)
    assert value("log_explained", "arithmetic", "numbers") < 0.7


def test_the_layer_that_holds_the_scale_is_found_and_explains_it() -> None:
    for domain, layer in PLANTED.items():
        assert value("fisher_explained", "apart", domain) > 0.999
        assert value("fisher_distance", "apart", domain) < 0.01
        for s in Comparisons(levels=8).compared(domain):
            assert value("fisher_path", "apart", domain, s) == pytest.approx(scale(domain, s), abs=0.02)
        assert {row["layer"] for row in done().rows if row["domain"] == domain} == {layer}
        assert value("fisher_shuffled_explained", "apart", domain) < (1 - 1e-9 if domain == "numbers" else 1.01)
    assert value("fisher_explained", "arithmetic", "numbers") < 0.9
    assert value("length_explained", "apart", "years") == 0


def test_the_layer_is_chosen_on_training_comparisons() -> None:
    items = Comparisons(domains=("numbers",)).load()
    rows = simulate(PerceptualScale(arms=("apart",), depths=()), items[:20], agent)
    judged = [(item, row) for item, one in zip(items[:20], _by_item(rows, items[:20]), strict=True) for row in one]
    right = {text: scale("numbers", text) for text in DOMAINS["numbers"].levels}
    flat = {text: float(text) for text in right}
    chosen = predicted("numbers", {0: flat, 3: right}, judged)
    assert chosen.layer == 3
    assert [layer for layer, _ in chosen.tried] == [0, 3]
    steps = [np.diff([*path.values()]) for path in (chosen.path, chosen.shuffled)]
    assert sorted(steps[0]) == pytest.approx(sorted(steps[1]))
    assert [*steps[0]] != pytest.approx([*steps[1]])
    assert "no training comparison" in predicted("numbers", {3: right}, []).reason
    assert "do not differ" in predicted("numbers", {}, judged).reason


def _by_item(rows: Simulated, items: list[Item]) -> list[list[Judged]]:
    results = {one.result.item: [*one.result.rows] for one in rows.finished}
    return [results[item.id] for item in items]  # type: ignore[misc]


def test_pairs_swapped_at_random_have_no_scale() -> None:
    for domain in PLANTED:
        assert value("likelihood_ratio", "shuffled labels", domain) < value("likelihood_ratio", "apart", domain) / 4
        assert found()["scale", "shuffled labels", domain, _first(domain)].value is None
    rows = Counter((row["item"], row["arm"]) for row in done().rows)
    assert set(rows.values()) == {2}
    asked = {(row["item"], row["frame"]): row["upper"] for row in done().rows if row["arm"] == "apart"}
    swapped = [
        row["upper"] != asked[row["item"], row["frame"]] for row in done().rows if row["arm"] == "shuffled labels"
    ]
    assert 0.35 < np.mean(swapped) < 0.65


def test_a_fit_is_read_back(tmp_path: Path) -> None:
    fit = {
        "numbers": Predicted({"1": 0.0, "2": 1.0}, {"1": 0.0, "2": 1.0}, 3, ((0, -2.5), (3, -1.0))),
        "x": no_path("y"),
    }
    save_fitted(tmp_path, fit)
    assert load_fitted(tmp_path, fitted_type(PerceptualScale())) == fit


def _first(domain: str) -> str:
    return next(iter(DOMAINS[domain].levels))


def test_the_preference_for_a_letter_is_shown() -> None:
    rows = [row for row in done().rows if row["arm"] == "apart"]
    assert value("first", "apart", "years") == pytest.approx(
        np.mean([r["first"] for r in rows if r["domain"] == "years"])
    )
    assert value("first", "apart", "years") > 0.55
    assert value("option_mass", "apart", "years") == pytest.approx(0.9)


@pytest.mark.parametrize(
    "answer",
    [lambda prompt: {"A": 0.97, "B": 0.03}, lambda prompt: {"A": 0.5, "B": 0.5}],
    ids=["always A", "even"],
)
def test_an_agent_without_a_scale_has_none(answer: Callable[[str], Mapping[str, float]]) -> None:
    items = Comparisons(domains=("numbers",)).load()
    rows = simulate(PerceptualScale(depths=()), items, answer)
    estimates = {(e.metric, *e.level.values()): e for e in estimate_all(METRICS, rows.table, replicates=20)}
    for arm in ARMS:
        ratio = estimates["likelihood_ratio", arm, "numbers"].value
        assert ratio == pytest.approx(0, abs=1e-6)
        point = estimates["scale", arm, "numbers", "250"]
        assert point.value is None
        assert "no scale" in point.note
    assert "no scale" in estimates["exponent", "apart", "numbers"].note


@pytest.mark.parametrize("by_length", [True, False], ids=["characters", "size"])
def test_an_agent_that_counts_characters_has_no_scale_of_size(by_length: bool) -> None:
    """1000 has only two characters more than 10: a scale, and none of size."""

    def counts(prompt: str) -> Mapping[str, float]:
        four = re.findall(r"\([AB]\) (\d+) and (\d+)", prompt)
        one, two = (abs(size(b) - size(a)) / 0.5 for a, b in four)
        likes = random.Random(prompt.partition("\n")[0]).gauss(0, 0.4)
        p = phi(one - two + likes)
        return {"A": p, "B": 1 - p}

    def size(text: str) -> float:
        return float(len(text)) if by_length else 2 * scale("numbers", text)

    items = Comparisons(domains=("numbers",)).load()
    table = simulate(PerceptualScale(depths=(), arms=("apart",)), items, counts).table
    found = estimate_all(METRICS, table, replicates=200)
    claims = load_job(["experiment=perceptualScale", "engine=fake", "tracker=none"]).claims
    kinds = {one.text: judge_claim(one, found, METRICS, table, replicates=200).kind for one in claims}
    of_size = "The scale of numbers is one of their size, and not of the length of their texts"
    for text in ("The scale of numbers is compressed", of_size):
        assert (kinds[text] == "supported") != by_length


def test_without_layers_nothing_is_read() -> None:
    experiment = PerceptualScale(depths=())
    assert experiment.capabilities() == {"choose"}
    assert PerceptualScale().capabilities() == {"choose", "read"}
    assert experiment.train_items() == 0
    rows = simulate(experiment, Comparisons().load()[:3], agent).rows
    assert {row["fisher"] for row in rows} == {None}
    assert {row["reason"] for row in rows} == {no_path("no states are read for this domain").reason}


def test_states_are_read_at_the_last_token_of_the_magnitude() -> None:
    seen = set()

    def spy(call: Read, text: str, layer: int) -> list[float]:
        seen.add((text.rsplit(">", 1)[-1].strip(), call.layers))
        return states(call, text, layer)

    items = Comparisons(domains=("years",)).load()
    simulate(PerceptualScale(carriers=3, between=0), items[:1], agent, train=items[-12:], activations=spy)
    assert len(seen) == 10 * 3
    assert ("She read about the year 1650", (0, 1, 2, 3)) in seen
    assert all(re.fullmatch(r"[\w ]+ year \d{4}", text) for text, _ in seen)


def test_the_questions_name_each_magnitude_once_and_the_pairs_in_both_orders() -> None:
    items = [Comparisons(domains=(d,), shape="both").load() for d in ("durations", "numbers")]
    chosen = [items[0][0], items[1][-1]]
    prompts = [
        exchange.prompt for one in simulate(PerceptualScale(depths=()), chosen, {"": "A"}).finished
        for exchange in one.transcript
    ]  # fmt: skip
    text = "\n".join(prompts)
    assert "Consider the durations 1 second, 10 seconds and 1 minute.\nWhich two feel further apart?" in text
    assert "(A) 1 second and 10 seconds\n(B) 10 seconds and 1 minute" in text
    assert "(A) 10 seconds and 1 minute\n(B) 1 second and 10 seconds" in text
    assert "Consider the numbers 490, 640, 810 and 1000." in text
    assert "differ" not in "".join(p for p in prompts if "subtract" not in p)


@pytest.mark.parametrize("name", DOMAINS)
def test_domains_are_in_order_and_their_sentences_differ(name: str) -> None:
    domain = DOMAINS[name]
    values = [*domain.levels.values()]
    assert len(values) == 10
    assert values == sorted(set(values))
    assert min(values) > 0
    carriers = domain.carriers()
    assert len(set(carriers)) == 20
    assert all(one.count("{s}") == 1 and "{who}" not in one for one in carriers)
    denser = domain.denser(1)
    assert [*denser.values()] == sorted(set(denser.values()))
    assert set(domain.levels) <= set(denser)
    assert len(denser) == (10 if not all(text.isdecimal() for text in domain.levels) else len(set(denser)))


def test_comparisons_are_all_there_and_distinct() -> None:
    both = Comparisons(domains=tuple(DOMAINS), shape="both").load()
    assert len({item.id for item in both}) == len(both) == len(DOMAINS) * (120 + 210)
    triads = Comparisons().load()
    assert Counter(item.gold for item in triads if item.fields["domain"] == "years") == {
        "upper": 50,
        "lower": 50,
        "equal": 20,
    }
    for item in both:
        s1, s2, s3, s4 = item.fields["magnitudes"]
        assert s1 < s2 <= s3 < s4
        assert (s2 == s3) == (item.fields["shape"] == "triad")
    assert len(Comparisons(levels=4, shape="both").load()) == 2 * (4 + 1)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Comparisons(levels=3), "levels=3; give 4 to 10"),
        (Comparisons(domains=("year",)), "no domain 'year'"),
        (Comparisons(domains=("years", "years")), "each once"),
        (Comparisons(domains=()), "each once"),
    ],
    ids=["levels", "domain", "twice", "none"],
)
def test_settings_that_cannot_be_are_named(task: Comparisons, message: str) -> None:
    with pytest.raises(HarnessError, match=re.escape(message)):
        task.load()


def test_known_scales_by_hand() -> None:
    (item,) = [i for i in Comparisons(domains=("years",)).load() if i.fields["magnitudes"] == [1950, 2000, 2000, 2050]]
    known = {name: gap(item, of) for name, of in known_scales("years", 2025).items()}
    assert known["linear"] == 0
    assert known["length"] == 0
    assert known["rank"] == 0
    assert known["log"] == pytest.approx(math.log(2050 * 1950 / 2000**2))
    assert known["now"] == pytest.approx(math.log(26) + math.log(26) - (-math.log(26) + math.log(76)))
    assert "now" not in known_scales("numbers", 2025)


def test_runs_from_the_command_line(tmp_path: Path) -> None:
    words = ["run", "experiment=perceptualScale", "engine=fake", "limit=12", "tracker=none", f"runs={tmp_path}"]
    assert main([*words, "experiment.between=0", "experiment.carriers=2", "experiment.train=8"]) == 0
