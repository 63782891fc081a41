"""The experiment on agents whose beliefs are known: a filter, an alternator, a copier, and models that are biased."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from experiments.introspection.belief_updating.belief_updating import BeliefUpdating
from experiments.introspection.belief_updating.learners import hgf, sigmoid
from experiments.introspection.belief_updating.prompts import STEPS
from experiments.introspection.belief_updating.rules import RULES, forecasts
from experiments.introspection.belief_updating.task import COLOURS, KINDS, PLACES, DrawSequences, no_answer
from harness.config import load_job
from harness.errors import HarnessError
from harness.items import Item
from harness.outcomes import Table
from harness.statistics.claims import judge_claim
from harness.statistics.estimates import estimate, estimate_all
from harness.testing import Simulated, simulate

SEQUENCES = DrawSequences(sequences=240, trials=36).load()
VOLATILE = [item for item in SEQUENCES if item.fields["kind"] == "volatile"]
CLAIMS = load_job(["experiment=beliefUpdating", "engine=fake", "tracker=none"]).claims
ARMS = tuple(name for name in BeliefUpdating.all_arms if name != "implied, told")
Believes = Callable[[list[int]], float]
"""Log-odds of the colour that is named first, after draws of it (1) and of the other one (0)."""


def model(believes: Believes, liking: float = 0.0, mass: float = 1.0) -> Callable[[str], dict[str, float]]:
    """A model with a belief, which likes the word of the first colour and high numbers by so many log-odds."""

    @cache
    def answer(prompt: str) -> dict[str, float]:
        one, two = re.search(r"holds (\w+) and (\w+)", prompt).groups()  # type: ignore[union-attr]
        draws = [int(colour == one) for colour in re.findall(r"Draw \d+: (\w+)", prompt)]
        p = float(sigmoid(np.array(believes(draws) + liking)))
        if "How likely" in prompt:
            low = min(int(10 * p), 9)
            near = {f" {STEPS[low]}": low + 1 - 10 * p, f" {STEPS[low + 1]}": 10 * p - low}
            return {step: mass * q for step, q in near.items()} | ({" perhaps": 1 - mass} if mass < 1 else {})
        return {f" {one}": mass * p, f" {two}": mass * (1 - p)} | ({" purple": 1 - mass} if mass < 1 else {})

    return answer


def filtering(omega: float, slope: float = 0.9) -> Believes:
    return lambda draws: slope * float(hgf(np.array([[*draws, 0]], dtype=float), omega)[0, -1, 0])


def asked(believes: Believes, items: list[Item] = VOLATILE[:12], **more: Any) -> Simulated:
    arms = more.pop("arms", ARMS)
    experiment = BeliefUpdating(arms=arms, stated_every=4, **more.pop("settings", {}))
    return simulate(experiment, items, model(believes, **more), train=VOLATILE[-4:])


def value(table: Table, name: str, **level: str) -> float | None:
    (metric,) = [one for one in BeliefUpdating.metrics if one.name == name]
    found = [one for one in estimate(metric, table, replicates=40) if level.items() <= dict(one.level).items()]
    assert len(found) == 1, found
    return found[0].value


@pytest.fixture(scope="module")
def filtered() -> Simulated:
    return asked(filtering(-1.5), liking=0.7)


def test_the_planted_filter_comes_back_in_both_readings(filtered: Simulated) -> None:
    table = filtered.table
    assert not any(row["error"] for row in filtered.rows)
    assert value(table, "omega", arm="implied") == pytest.approx(-1.5, abs=0.02)
    assert value(table, "omega", arm="stated") == pytest.approx(-1.5, abs=0.3)
    assert value(table, "omega_recovery", arm="implied") == pytest.approx(1, abs=0.01)
    assert value(table, "explained", arm="implied") == pytest.approx(1, abs=1e-6)
    assert (value(table, "agreement", arm="stated") or 0) > 0.99
    assert abs(value(table, "agreement_other", arm="stated") or 0) < 0.6


def test_a_liking_for_a_word_cancels_and_is_told(filtered: Simulated) -> None:
    plain = asked(filtering(-1.5), VOLATILE[:2], arms=("implied",))
    liked = {(row["item"], row["trial"]): row for row in filtered.rows if row["arm"] == "implied"}
    for row in plain.rows:
        assert liked[row["item"], row["trial"]]["q"] == pytest.approx(row["q"], abs=1e-9)
    assert value(filtered.table, "word_bias", arm="implied") == pytest.approx(0.7, abs=1e-9)
    assert value(plain.table, "word_bias", arm="implied") == pytest.approx(0, abs=1e-9)


def test_every_estimate_of_a_filter_is_finite_but_of_readings_without_variance(filtered: Simulated) -> None:
    found = estimate_all(BeliefUpdating.metrics, filtered.table, replicates=40)
    assert {one.level["arm"] for one in found if one.value is None} <= {"no story", *SILENT}
    assert all(np.isfinite(one.value) for one in found if one.value is not None)


SILENT = {"implied", "stated", "shuffled story"}
"""Arms with a metric of their own that others do not have: a stated percentage has none for implied readings."""


def test_the_claims_are_right_about_a_filter(filtered: Simulated) -> None:
    estimates = estimate_all(BeliefUpdating.metrics, filtered.table, replicates=200)
    verdicts = {
        claim.text: judge_claim(claim, estimates, BeliefUpdating.metrics, filtered.table, replicates=200).kind
        for claim in CLAIMS
    }
    first, draws, _, _, told, stated = verdicts.values()
    assert (first, draws, stated) == ("supported", "supported", "supported")
    assert told == "not comparable"  # that arm was not asked


def _followed(draws: list[int]) -> float:
    behind = [after for before, after in itertools.pairwise(draws) if before == draws[-1]]
    return float(np.log((1 + sum(behind)) / (1 + len(behind) - sum(behind))))


@pytest.mark.parametrize(
    "believes",
    [
        lambda draws: 0.5 * sum((2 * draw - 1) * 0.78**age for age, draw in enumerate(reversed(draws))),
        lambda draws: float(np.log((1 + sum(draws)) / (1 + len(draws) - sum(draws)))),
        _followed,
        lambda draws: 0.03 * len(draws),
    ],
    ids=["fading sum", "count", "what followed the last such draw", "only the number of draws"],
)
def test_models_that_do_not_adapt_are_no_filters(believes: Believes) -> None:
    table = asked(_unsteady(believes), VOLATILE[:16], arms=("implied", "shuffled story")).table
    found = estimate_all(BeliefUpdating.metrics, table, replicates=200)
    judged = {
        claim.metric: judge_claim(claim, found, BeliefUpdating.metrics, table, replicates=200).kind for claim in CLAIMS
    }
    assert "supported" not in {judged["held_out"], judged["volatility_effect"]}


def _unsteady(believes: Believes) -> Believes:
    """With a noise of its own for every series."""
    return lambda draws: believes(draws) + 0.3 * random.Random(str(draws)).gauss()


def test_one_reading_equals_a_prompt_for_each_draw() -> None:
    items, arms = VOLATILE[:2], ("implied", "no story")
    at_once, apart = (
        asked(filtering(0.3), items, arms=arms, settings={"at_once": once}).rows for once in (True, False)
    )
    assert [row["q"] for row in at_once] == pytest.approx([row["q"] for row in apart], abs=1e-12)
    assert BeliefUpdating(at_once=True).capabilities() == {"choose", "choose_at"}
    assert BeliefUpdating(at_once=False).capabilities() == {"choose"}
    assert BeliefUpdating(arms=["rule: last"]).capabilities() == frozenset()


def test_the_belief_is_read_before_the_draw_that_it_is_about() -> None:
    item = VOLATILE[0]
    rows = asked(filtering(-1.5), [item], arms=("implied",)).rows
    rows.sort(key=lambda row: row["trial"])
    mu = hgf(np.array([item.fields["draws"]], dtype=float), -1.5)[0, :, 0]
    assert [row["logit"] for row in rows] == pytest.approx(0.9 * mu, abs=1e-9)
    assert [row["first"] for row in rows] == [bool(draw) for draw in item.fields["draws"]]
    assert rows[0]["repeats"] is None
    for before, row in itertools.pairwise(rows):
        assert row["repeats"] == pytest.approx(row["q"] if before["first"] else 1 - row["q"])


def test_controls_are_read_but_not_asked_for_percentages() -> None:
    items = [next(item for item in SEQUENCES if item.fields["kind"] == kind) for kind in KINDS]
    found = asked(filtering(-1.0), list({item.id: item for item in items}.values()), arms=BeliefUpdating().arms)
    kinds = {arm: {row["kind"] for row in found.rows if row["arm"] == arm} for arm in BeliefUpdating().arms}
    assert kinds.pop("stated") == kinds.pop("implied, told") == {"volatile"}
    assert all(kind == {*KINDS} for kind in kinds.values())


def test_an_alternator_is_refused() -> None:
    table = asked(lambda draws: 0.0 if not draws else -2.0 * (2 * draws[-1] - 1), arms=("implied",)).table
    assert value(table, "omega", arm="implied") is None
    assert value(table, "explained", arm="implied") == 0
    constant = value(table, "bic", arm="implied", learner="constant")
    hgf_bic = value(table, "bic", arm="implied", learner="hgf")
    assert constant is not None
    assert hgf_bic is not None
    assert hgf_bic > constant
    assert (value(table, "recency", arm="implied", lag="1") or 0) == pytest.approx(-2, abs=1e-6)


def test_a_copier_is_told_from_a_filter() -> None:
    table = asked(lambda draws: 0.0 if not draws else 1.5 * (2 * draws[-1] - 1), arms=("implied",)).table
    scores = {
        name: value(table, "held_out", arm="implied", learner=name) or -np.inf for name in ("hgf", "last", "window")
    }
    assert max(scores, key=lambda name: scores[name]) == "last"


def test_a_model_that_always_says_one_word_has_no_belief() -> None:
    table = asked(lambda draws: 3.0).table  # in favour of whatever is named first, in every prompt
    assert value(table, "omega", arm="implied") is None
    assert value(table, "bic", arm="implied", learner="hgf") is None
    assert value(table, "word_bias", arm="implied") == pytest.approx(3)
    assert value(table, "brier", arm="implied", kind="volatile") == pytest.approx(0.25)
    assert value(table, "distinct_stated", arm="stated") == 1


def test_what_is_not_said_is_told_by_the_mass() -> None:
    table = asked(filtering(-1.0), VOLATILE[:3], mass=0.3).table
    for arm in ("implied", "stated"):
        assert value(table, "option_mass", arm=arm) == pytest.approx(0.3)


def test_rules_forecast_from_earlier_draws_alone() -> None:
    draws = [1, 1, 0, 1]
    assert forecasts("constant", draws) == [0.5] * 4
    assert forecasts("last", draws) == pytest.approx([0.5, 2 / 3, 2 / 3, 1 / 3])
    assert forecasts("count", draws) == pytest.approx([1 / 2, 2 / 3, 3 / 4, 3 / 5])
    for rule in RULES:
        assert forecasts(rule, draws)[:3] == pytest.approx(forecasts(rule, [1, 1, 1, 0])[:3])

    def error(rule: str) -> float:
        given = np.array([forecasts(rule, item.fields["draws"])[:36] for item in VOLATILE])
        return float(np.mean((given - np.array([item.fields["chances"][:36] for item in VOLATILE])) ** 2))

    assert all(error("ideal") < error(rule) for rule in ("constant", "last", "count"))


def test_sequences_are_distinct_and_balanced() -> None:
    items = DrawSequences().load()
    assert len(items) == len({item.id for item in items}) == 300
    assert len({str(item.fields["draws"]) for item in items if item.fields["kind"] == "volatile"}) == 250
    assert {kind: sum(item.fields["kind"] == kind for item in items) for kind in dict.fromkeys(KINDS)} == {
        "volatile": 250,
        "stable": 17,
        "chance": 17,
        "alternation": 16,
    }
    assert [item.id for item in DrawSequences(sequences=20).load()] == [item.id for item in items[:20]]
    shares = [np.mean(item.fields["chances"]) for item in items if item.fields["kind"] == "volatile"]
    assert shares == pytest.approx([0.5] * 250)
    drawn = [draw - p for item in items for draw, p in zip(item.fields["draws"], item.fields["chances"], strict=True)]
    assert abs(np.mean(drawn)) < 4 * 0.4 / len(drawn) ** 0.5
    for item in items:
        if item.fields["kind"] == "alternation":
            assert all(a != b for a, b in zip(item.fields["draws"], item.fields["draws"][1:], strict=False))
        assert sum(item.fields["volatile"]) == (20 if item.fields["kind"] == "volatile" else 0)
        assert item.fields["first"] != item.fields["second"]
        assert {item.fields["first"]} <= {*COLOURS}
    with pytest.raises(TypeError, match="has no single answer"):
        no_answer("red", items[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequences": 0}, "sequences=0; give 1 to 2000"),
        ({"trials": 50}, "trials=50; give a multiple of 12 from 24 to 240"),
        ({"trials": 12}, "trials=12; give a multiple of 12 from 24 to 240"),
    ],
    ids=["none", "not a multiple", "too short"],
)
def test_impossible_sets_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        DrawSequences(**settings).load()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": [0, 1, 2]}, "no list of 0 and 1"),
        ({"draws": [1]}, "at least two draws"),
        ({"draws": "1101"}, "no list of 0 and 1"),
        ({"draws": None}, "no list of 0 and 1"),
        ({"chances": [0.5]}, '"chances" is no list with a value for each of 36 draws'),
        ({"chances": [1.5] * 36}, '"chances" is no list of numbers from 0 to 1'),
        ({"chances": ["0.5"] * 36}, '"chances" is no list of numbers from 0 to 1'),
        ({"volatile": [0.5] * 36}, '"volatile" is no list of 0 and 1'),
        ({"second": VOLATILE[0].fields["first"]}, "both colours are"),
    ],
    ids=["a third", "one draw", "a text", "nothing", "too few chances", "no chance", "words", "half", "one colour"],
)
def test_a_sequence_that_cannot_be_shown_is_named(change: dict[str, Any], message: str) -> None:
    broken = Item({**VOLATILE[0].fields, **change}, "", no_answer)
    found = asked(filtering(-1.0), [broken, VOLATILE[1]], arms=("implied", "rule: last"))
    (error,) = [row["error"] for row in found.rows if row["error"]]
    assert message in error
    assert len(found.rows) == 1 + 2 * 36


def test_no_volatile_training_sequence_is_refused() -> None:
    steady = [item for item in SEQUENCES if item.fields["kind"] == "stable"]
    with pytest.raises(HarnessError, match=r"no training sequence is volatile; raise experiment\.others"):
        simulate(BeliefUpdating(), VOLATILE[:1], model(filtering(-1.0)), train=steady[:2])
    broken = Item({**VOLATILE[1].fields, "draws": "110"}, "", no_answer)
    with pytest.raises(HarnessError, match=r"no training sequence is volatile"):
        simulate(BeliefUpdating(), VOLATILE[:1], model(filtering(-1.0)), train=[broken])


def test_the_texts_read_as_english() -> None:
    found = asked(filtering(-1.0), VOLATILE[:8], arms=("implied", "implied, told", "stated"))
    for one in found.finished:
        prompts = [asked.prompt for asked in one.transcript]
        place = re.search(r"(An?) (\w+) holds", prompts[0])
        assert place is not None
        assert place[2] in PLACES
        assert (place[1] == "An") == (place[2][0] in "aeiou")
        assert not any("$" in prompt for prompt in prompts)
    told = [one.prompt for one in found.finished[0].transcript if "exchanged for another" in one.prompt]
    assert len(told) == 2
