"""Learners against closed forms and against numbers of pyhgf, and their fits against simulated agents."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.introspection.belief_updating import measures
from experiments.introspection.belief_updating.fits import (
    MOST_SINCE,
    TRUE,
    Moments,
    Readings,
    packed,
    rate_difference,
    unpacked,
)
from experiments.introspection.belief_updating.learners import (
    LEARNERS,
    OMEGAS,
    delta_rule,
    hazard_rate,
    hgf,
    hgf_three_levels,
    in_window,
    last_draw,
    leaky_sum,
    logit,
    sigmoid,
    transitions,
)
from experiments.introspection.belief_updating.task import DrawSequences
from harness.metrics import Floats, Folds, Numbers, Probabilities, Units

DRAWS = np.array([[1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]], dtype=float)
# pyhgf 0.2.12 (jax 0.4.31, float32): node_trajectories[0]["expected_mean"] of these draws, by tonic_volatility.
TWO_LEVELS = {
    -6.0: "0.5 0.598878 0.661751 0.570127 0.623382 0.663253 0.694123 0.634135 0.580015 0.532584 0.56824 0.527606 "
    "0.49181 0.460353 0.493099 0.46461",
    -2.0: "0.5 0.608775 0.682034 0.555567 0.636093 0.695703 0.740995 0.621875 0.510756 0.420517 0.521574 0.431674 "
    "0.360738 0.305368 0.417542 0.348894",
    0.5: "0.5 0.689281 0.800803 0.394678 0.689475 0.807857 0.868538 0.378203 0.211723 0.140919 0.622184 0.302204 "
    "0.186348 0.127869 0.624811 0.299737",
}
# The same with a volatility parent, by tonic_volatility of levels 2 and 3; and the parent's "mean".
THREE_LEVELS = {
    (-2.0, -3.0): (
        "0.5 0.608775 0.682012 0.555731 0.63615 0.695677 0.740865 0.622369 0.511604 0.421377 0.522166 0.432192 "
        "0.361149 0.305733 0.417564 0.34903",
        "-0.003058 -0.009859 0.000652 -0.004906 -0.013062 -0.022302 -0.00252 0.003739 0.001157 0.003737 0.001864 "
        "-0.005318 -0.01512 0.001099 -0.00711 -0.017663",
    ),
    (-1.0, -1.0): (
        "0.5 0.624725 0.711266 0.532278 0.652328 0.731988 0.786382 0.596274 0.431123 0.32121 0.499727 0.368126 "
        "0.281263 0.222815 0.411217 0.306893",
        "-0.011944 -0.041208 0.008266 -0.018462 -0.063082 -0.11156 0.006302 0.014155 -0.033256 0.023904 -0.0074 "
        "-0.067619 -0.130016 0.003274 -0.05492 -0.121684",
    ),
}


def numbers(text: str) -> list[float]:
    return [float(number) for number in text.split()]


@pytest.mark.parametrize("omega", TWO_LEVELS)
def test_two_levels_agree_with_pyhgf(omega: float) -> None:
    assert sigmoid(hgf(DRAWS, omega))[0, :, 0] == pytest.approx(numbers(TWO_LEVELS[omega]), abs=2e-6)


@pytest.mark.parametrize("omegas", THREE_LEVELS)
def test_three_levels_agree_with_pyhgf(omegas: tuple[float, float]) -> None:
    before, above = hgf_three_levels(DRAWS, *omegas)
    expected, parent = map(numbers, THREE_LEVELS[omegas])
    assert sigmoid(before)[0] == pytest.approx(expected, abs=2e-6)
    assert above[0] == pytest.approx(parent, abs=2e-6)


def test_a_third_level_without_coupling_is_the_filter_of_two() -> None:
    before, _ = hgf_three_levels(DRAWS, -2.0, -3.0, kappa=0.0)
    assert before[0] == pytest.approx(hgf(DRAWS, -2.0)[0, :, 0], abs=1e-12)


def test_learners_have_their_closed_forms() -> None:
    # pi = 1 + 1/4 after the first draw of a steady urn, so that mu = (1 - 1/2) / 1.25.
    assert hgf(DRAWS, -60.0)[0, 1, 0] == pytest.approx(0.4, abs=1e-12)
    assert hgf(DRAWS, [-60.0, 2.0]).shape == (1, 16, 2)
    rule = sigmoid(delta_rule(DRAWS, np.full((1, 16, 1), 0.3)))[0, :4, 0]
    assert rule == pytest.approx([0.5, 0.65, 0.755, 0.5285])
    count = in_window(DRAWS, 16)
    assert sigmoid(count)[0, :5, 0] == pytest.approx([1 / 2, 2 / 3, 3 / 4, 3 / 5, 4 / 6])
    assert sigmoid(in_window(DRAWS, 2))[0, 2:6, 0] == pytest.approx([3 / 4, 2 / 4, 2 / 4, 3 / 4])
    assert hazard_rate(DRAWS, np.array([1e-12], dtype=np.float64)) == pytest.approx(count, abs=1e-9)
    assert sigmoid(hazard_rate(DRAWS, np.array([1 - 1e-12], dtype=np.float64)))[0, :, 0] == pytest.approx(
        [0.5] * 16, abs=1e-9
    )
    assert last_draw(DRAWS)[0, :5, 0].tolist() == [0, 1, 1, -1, 1]


def test_a_changing_urn_is_followed_by_summing_over_all_exchanges() -> None:
    hazard, draws = 0.3, [1, 1, 0, 1]
    total = like = 0.0
    for mask in range(2 ** len(draws)):  # whether the urn was exchanged before each later draw, the next one too
        weight, run, red = 1.0, 0, 0
        for t, draw in enumerate([*draws, 1]):
            if t:
                exchanged = bool(mask >> (t - 1) & 1)
                weight *= hazard if exchanged else 1 - hazard
                run, red = (0, 0) if exchanged else (run, red)
            p = (1 + red) / (2 + run)
            if t == len(draws):
                total, like = total + weight, like + weight * p
            else:
                weight *= p if draw else 1 - p
            run, red = run + 1, red + draw
    found = sigmoid(hazard_rate(np.array([[*draws, 0]], dtype=float), np.array([hazard])))[0, -1, 0]
    assert found == pytest.approx(like / total, abs=1e-12)


@pytest.mark.parametrize("name", LEARNERS)
def test_no_learner_sees_the_draw_that_it_is_to_foresee(name: str) -> None:
    volatile: Floats = np.tile([0.0, 1.0], 8)[None]
    one = LEARNERS[name].states(DRAWS, volatile)
    for t in (0, 7, 15):
        changed = DRAWS.copy()
        changed[0, t:] = 1 - changed[0, t:]
        other = LEARNERS[name].states(changed, volatile)
        assert np.array_equal(one[:, : t + 1], other[:, : t + 1])


def test_draws_are_packed_without_loss() -> None:
    rng = np.random.default_rng(0)
    for n in (0, 1, 7, MOST_SINCE):
        draws, volatile = rng.integers(0, 2, (2, n)).tolist()
        digits = unpacked(float(packed(draws, volatile)))
        assert digits == [a + 2 * b for a, b in zip(draws, volatile, strict=True)]
    with pytest.raises(ValueError, match="25 draws do not fit one number; 24 do"):
        packed([0] * 25, [False] * 25)


Agent = Callable[[Floats], Floats]
"""Log-odds [1, T] of draws [1, T]."""


def columns(
    agent: Agent, sequences: int = 12, noise: float = 0.5, every: int = 1, seed: int = 0
) -> tuple[Probabilities, Numbers, Numbers, Units]:
    rng = np.random.default_rng(seed)
    items = [i for i in DrawSequences(sequences=2 * sequences).load() if i.fields["kind"] == "volatile"][:sequences]
    rows = []
    for s, item in enumerate(items):
        draws, volatile = item.fields["draws"], item.fields["volatile"]
        y = 0.2 + agent(np.array([draws], dtype=float))[0] + noise * rng.standard_normal(len(draws))
        for t in range(0, len(draws), every):
            start = max(t - every, 0)
            rows.append((float(sigmoid(y[t])), t + 1.0, float(packed(draws[start:t], volatile[start:t])), s))
    rng.shuffle(rows)
    q, trial, since, unit = (np.array(column) for column in zip(*rows, strict=True))
    return Probabilities(q), Numbers(trial), Numbers(since), Units(unit.astype(np.int64))


def filtering(omega: float, slope: float = 0.8) -> Agent:
    return lambda draws: slope * hgf(draws, omega)[:, :, 0]


def ones(given: tuple[Probabilities, Numbers, Numbers, Units]) -> Floats:
    return np.ones((1, len(given[0].values)))


def plain(measure: Callable[..., Floats], given: tuple[Probabilities, Numbers, Numbers, Units]) -> float:
    return float(measure(*given, w=ones(given))[0])


def by_name(given: tuple[Probabilities, Numbers, Numbers, Units]) -> tuple[dict[str, float], dict[str, float]]:
    """BIC and held-out log-likelihood by learner."""
    folds = Folds(given[3].values % 5)
    found = measures.bic(*given, w=ones(given))[0], measures.held_out(*given, folds, w=ones(given))[0]
    bic, held_out = (dict(zip(LEARNERS, values.tolist(), strict=True)) for values in found)
    return bic, held_out


def best(given: tuple[Probabilities, Numbers, Numbers, Units]) -> tuple[str, str]:
    bic, held_out = by_name(given)
    return min(bic, key=lambda name: bic[name]), max(held_out, key=lambda name: held_out[name])


def test_a_fit_is_the_weighted_line_of_least_squares() -> None:
    rng = np.random.default_rng(1)
    unit = np.repeat(np.arange(5), 30)
    x, w = rng.normal(3, 40, (150, 2)), np.array([0.0, 1.0, 2.0, 1.0, 3.0])
    y = 1 + 0.05 * x[:, 0] + rng.standard_normal(150)
    lines = Moments.of(y, x, unit).fit(w[None])
    many = np.repeat(np.arange(150), w[unit].astype(int))
    slope, intercept = np.polyfit(x[many, 0], y[many], 1)
    assert lines.slope[0, 0] / x[:, 0].std() == pytest.approx(slope)
    rest = y[many] - intercept - slope * x[many, 0]
    assert lines.variance[0, 0] == pytest.approx(np.mean(rest**2))
    loss = np.mean(np.log(2 * np.pi * np.mean(rest**2)) / 2 + rest**2 / (2 * np.mean(rest**2)))
    assert lines.loss[0, 0] == pytest.approx(loss)


def test_sequences_that_are_left_out_are_scored_by_the_line_of_the_others() -> None:
    given = columns(filtering(-2.0), sequences=4)
    readings = measures.readings_of(*given)
    x = readings.states("count")[:, 0]
    total = 0.0
    for k in (0, 1):
        inside = given[3].values % 2 == k
        slope, intercept = np.polyfit(x[~inside], readings.y[~inside], 1)
        variance = np.mean((readings.y[~inside] - intercept - slope * x[~inside]) ** 2)
        rest = readings.y[inside] - intercept - slope * x[inside]
        total -= np.sum(np.log(2 * np.pi * variance) / 2 + rest**2 / (2 * variance))
    found = measures.held_out(*given, Folds(given[3].values % 2), w=ones(given))[0]
    assert found[list(LEARNERS).index("count")] == pytest.approx(total / len(x))
    assert np.isnan(measures.held_out(*given, Folds(np.zeros(len(x), dtype=np.int64)), w=ones(given))).all()


@pytest.mark.parametrize("omega", [-5.0, -3.0, -1.5, 0.0])
@pytest.mark.parametrize("every", [1, 6])
def test_omega_comes_back(omega: float, every: int) -> None:
    given = columns(filtering(omega), noise=0.3, every=every)
    assert plain(measures.omega, given) == pytest.approx(omega, abs=0.25 if every == 1 else 1.0)
    assert plain(measures.omega_recovery, given) > 0.95


def test_the_true_learner_wins() -> None:
    agents: dict[str, Agent] = {
        "hgf": filtering(-1.5),
        "rescorla-wagner": lambda draws: delta_rule(draws, np.full((*draws.shape, 1), 0.12))[:, :, 0],
        "window": lambda draws: in_window(draws, 6)[:, :, 0],
        "hazard": lambda draws: hazard_rate(draws, np.array([0.1]))[:, :, 0],
        "count": lambda draws: 2 * in_window(draws, 60)[:, :, 0],
        "leaky sum": lambda draws: 0.4 * leaky_sum(draws, np.array([0.8]))[:, :, 0],
        "last": lambda draws: last_draw(draws)[:, :, 0],
        "transitions": lambda draws: transitions(draws)[:, :, 0],
        "constant": lambda draws: np.zeros(draws.shape),
    }
    for name, agent in agents.items():
        bic, held_out = by_name(given := columns(agent, noise=0.3))
        assert best(given)[0] == name
        # Two rates may be one, and any learner a constant: they forecast as well, and the BIC counts parameters.
        assert max(held_out.values()) - held_out[name] < 0.005
        assert bic["constant"] - bic[name] > 100 or name == "constant"


def test_a_larger_rate_in_volatile_phases_is_found() -> None:
    def agent(draws: Floats) -> Floats:
        rates = np.where(flags[draws.tobytes()], 0.5, 0.08)
        return delta_rule(draws, rates[None, :, None])[:, :, 0]

    items = DrawSequences(sequences=40).load()
    flags = {np.array([i.fields["draws"]], dtype=float).tobytes(): np.array(i.fields["volatile"]) for i in items}
    given = columns(agent, noise=0.2)
    assert _rates(given) == pytest.approx(0.42, abs=0.12)
    assert 0.2 < plain(measures.volatility_effect, given) < _rates(given)
    assert best(given)[0] == "two rates"
    steady = columns(lambda draws: delta_rule(draws, np.full((*draws.shape, 1), 0.15))[:, :, 0], noise=0.2)
    assert abs(plain(measures.volatility_effect, steady)) < 0.06


def _rates(given: tuple[Probabilities, Numbers, Numbers, Units]) -> float:
    readings = measures.readings_of(*given)
    sums = Moments.of(readings.y, readings.states("two rates"), readings.unit)
    return float(rate_difference(sums, np.ones((1, len(readings.draws))))[0])


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("count", lambda draws: in_window(draws, 60)[:, :, 0]),
        ("leaky sum", lambda draws: 0.5 * leaky_sum(draws, np.array([0.78]))[:, :, 0]),
        ("transitions", lambda draws: transitions(draws)[:, :, 0]),
        ("window", lambda draws: in_window(draws, 8)[:, :, 0]),
    ],
    ids=["count", "leaky sum", "transitions", "window"],
)
def test_a_rule_that_does_not_adapt_is_no_filter_and_has_no_larger_rate(name: str, agent: Agent) -> None:
    """Two rates fit a kernel that fades better than one rate, and a filter fits it better than a delta rule."""
    given = columns(agent, noise=0.3, sequences=16)
    bic, held_out = by_name(given)
    assert min(bic, key=lambda one: bic[one]) == max(held_out, key=lambda one: held_out[one]) == name
    assert abs(plain(measures.volatility_effect, given)) < 0.05
    assert _rates(given) > 0.05 or name != "leaky sum"


def test_what_followed_the_last_such_draw_by_hand() -> None:
    found = sigmoid(transitions(np.array([[1, 1, 0, 1, 1, 0, 0]], dtype=float)))[0, :, 0]
    # Behind 1 came 1, 0, 1; behind 0 came 1.
    assert found == pytest.approx([1 / 2, 1 / 2, 2 / 3, 1 / 2, 2 / 4, 3 / 5, 2 / 3])
    faded = leaky_sum(np.array([[1, 1, 0, 1]], dtype=float), np.array([0.5, 0.0]))[0]
    assert faded.tolist() == [[0, 0], [1, 1], [1.5, 1], [-0.25, -1]]


def test_a_fit_one_draw_late_loses() -> None:
    given = columns(filtering(-1.5), noise=0.3)
    readings = measures.readings_of(*given)
    x = LEARNERS["hgf"].states(np.pad(readings.draws, ((0, 0), (0, 1))), np.pad(readings.volatile, ((0, 0), (0, 1))))
    w = np.ones((1, len(readings.draws)))
    losses = {}
    for late in (0, 1):
        lines = Moments.of(readings.y, x[readings.unit, readings.seen + late], readings.unit).fit(w)
        losses[late] = lines.at_best(lines.loss)[0]
    assert losses[1] - losses[0] > 0.3  # nats a reading, of 720
    assert plain(measures.omega, given) == pytest.approx(-1.5, abs=0.1)


def test_a_belief_upside_down_is_none() -> None:
    given = columns(lambda draws: -hgf(draws, -1.5)[:, :, 0], noise=0.1)
    assert np.isnan(plain(measures.omega, given))
    assert np.isnan(plain(measures.omega_recovery, given))
    assert np.isnan(plain(measures.volatility_effect, given))
    assert plain(measures.explained, given) == pytest.approx(0, abs=1e-9)
    assert by_name(given)[0]["hgf"] > by_name(given)[0]["constant"]


def test_omega_is_withheld_where_agents_of_this_noise_do_not_give_it_back() -> None:
    given = columns(filtering(-1.5, slope=0.05), noise=2.0, sequences=3)
    assert not plain(measures.omega_recovery, given) > measures.LEAST_RECOVERY
    assert np.isnan(plain(measures.omega, given))
    w = np.random.default_rng(0).multinomial(3, [1 / 3] * 3, size=7)[:, given[3].values].astype(float)
    assert np.isnan(measures.omega.held(*given, w=np.ones(len(given[0].values)))(w)).all()


def test_a_replicate_is_a_fit_of_the_sequences_that_it_draws() -> None:
    given = columns(filtering(-2.0), sequences=6)
    weights = np.array([0, 2, 1, 1, 0, 2])
    of_rows = weights[given[3].values].astype(float)
    again = [np.repeat(np.asarray(column.values, dtype=np.float64), of_rows.astype(int)) for column in given]
    copies = np.concatenate([np.arange(k) for k in of_rows.astype(int)])
    drawn = (
        Probabilities(again[0]),
        Numbers(again[1]),
        Numbers(again[2]),
        Units((again[3] + 100 * copies).astype(np.int64)),
    )
    for measure in (measures.omega, measures.explained, measures.bic, measures.recency, measures.volatility_effect):
        one = measure(*given, w=of_rows[None])
        assert np.allclose(one, measure(*drawn, w=ones(drawn)), atol=1e-9), measure.function.__name__


def test_saturated_beliefs_make_no_hole_in_the_grid() -> None:
    steady = np.ones((1, 200))
    assert np.isfinite(hgf(steady, [-8.0, 0.0, 2.0])).all()
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    given = columns(filtering(2.0, slope=0.01), noise=0.002)
    assert plain(measures.omega, given) == pytest.approx(2, abs=0.1)


def test_the_weight_of_each_past_draw_is_found() -> None:
    kernel = np.array([0.9, 0.5, 0.2])

    def agent(draws: Floats) -> Floats:
        signed = 2 * draws - 1
        return np.asarray(
            np.sum(
                [k * np.pad(signed, ((0, 0), (lag, 0)))[:, : draws.shape[1]] for lag, k in enumerate(kernel, 1)], axis=0
            )
        )

    found = measures.recency(*(given := columns(agent, noise=0.0)), w=ones(given))[0]
    assert found == pytest.approx([*kernel, *[0] * 7], abs=1e-6)


def test_rows_that_are_missing_are_an_error() -> None:
    q, trial, since, unit = columns(filtering(-1.0), sequences=2)
    kept = trial.values != 5
    with pytest.raises(ValueError, match="rows of a sequence are missing"):
        Readings.of(q.values[kept], trial.values[kept], since.values[kept], unit.values[kept])


def test_values_are_counted_once() -> None:
    values = Numbers(np.array([50.0, 70.0, 50.0, 80.0]))
    assert measures.distinct(values, w=np.array([[1.0] * 4, [1.0, 0.0, 3.0, 0.0]])).tolist() == [3, 1]


def test_the_grids_hold_what_is_simulated() -> None:
    assert OMEGAS[0] < TRUE[0]
    assert TRUE[-1] < OMEGAS[-1]
