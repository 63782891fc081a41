"""Difference scaling: known scales come back, flat judgements have none, and an order's bias moves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from experiments.introspection.perceptual_scale import measures
from experiments.introspection.perceptual_scale.fisher import fisher_path, ledoit_wolf
from experiments.introspection.perceptual_scale.power import power_scale
from experiments.introspection.perceptual_scale.scaling import Design, Scaling
from harness import HarnessError
from harness.metrics import Classes, Floats, Measure, Numbers, Probabilities

MAGNITUDES = np.array([1.0, 2, 5, 10, 20, 50, 100, 200, 500, 1000])
LINEAR = (MAGNITUDES - 1) / 999
LOG = np.log(MAGNITUDES) / np.log(1000)
ROOT = (np.sqrt(MAGNITUDES) - 1) / (np.sqrt(1000) - 1)
TRIADS = [(a, b, b, c) for a, b, c in combinations(range(10), 3)]
QUADRUPLES = [*combinations(range(10), 4)]
SCALES = pytest.mark.parametrize("psi", [LINEAR, LOG, ROOT], ids=["linear", "log", "root"])


class Judgements:
    """Judgements of comparisons, each in two frames.

    Args:
        z: [comparisons, 2] probits of naming the upper pair.
    """

    def __init__(self, z: Floats, compared: Sequence[tuple[int, ...]] = TRIADS, upper: Floats | None = None) -> None:
        from scipy.special import ndtr

        places = np.repeat(np.array(compared, dtype=np.int64).reshape(-1, 4), 2, axis=0)
        self.upper = ndtr(z).ravel() if upper is None else upper.ravel()
        self.columns = (
            Probabilities(self.upper),
            Classes(np.tile([7, -3], len(compared))),
            *(Numbers(MAGNITUDES[place]) for place in places.T),
        )

    def of(self, measure: Measure, gap: Floats | None = None, w: Floats | None = None) -> Floats:
        """A measure's values for weights w, by default all one; of a candidate scale, if its values are given."""
        weights = np.ones((1, len(self.upper))) if w is None else w
        more = () if gap is None else (Numbers(self.design.signs @ gap),)
        values: Floats = measure(*self.columns, *more, w=weights)
        return values

    @property
    def design(self) -> Design:
        _, frame, *four = self.columns
        return Design.of(frame, *four)  # type: ignore[arg-type]


def probits(
    psi: Floats, sigma: float, bias: Sequence[float] = (0, 0), compared: Sequence[tuple[int, ...]] = TRIADS
) -> Floats:
    """[comparisons, 2] the probits of an observer with a scale."""
    gaps = np.array([psi[d] - psi[c] - psi[b] + psi[a] for a, b, c, d in compared])
    return np.asarray(gaps[:, None] / sigma + np.array(bias))


@SCALES
@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2])
def test_known_scales_come_back(psi: Floats, sigma: float) -> None:
    judged = Judgements(probits(psi, sigma))
    assert judged.of(measures.scale)[0] == pytest.approx(psi, abs=1e-9)
    assert 1 / judged.of(measures.sensitivity)[0] == pytest.approx(sigma, abs=1e-9)


@SCALES
def test_quadruples_give_the_same_scale(psi: Floats) -> None:
    judged = Judgements(probits(psi, 0.1, compared=QUADRUPLES), QUADRUPLES)
    assert judged.of(measures.scale)[0] == pytest.approx(psi, abs=1e-9)
    assert measures.scale.points(*judged.columns) == ("1", "2", "5", "10", "20", "50", "100", "200", "500", "1000")


@SCALES
@pytest.mark.parametrize("bias", [(0.5, -0.5), (0.5, 0.5), (1.5, -0.2)], ids=["letter", "upper pair", "both"])
def test_a_bias_of_an_order_moves_nothing(psi: Floats, bias: tuple[float, float]) -> None:
    judged = Judgements(probits(psi, 0.2, bias))
    fitted = Scaling.fit(judged.upper, judged.design, np.ones((1, len(judged.upper))))
    assert fitted.psi[0] == pytest.approx(psi / 0.2, abs=1e-9)
    if fitted.is_scale[0]:
        assert judged.of(measures.scale)[0] == pytest.approx(psi, abs=1e-9)


def test_a_scale_that_always_names_one_pair_is_told_from_a_preference_by_its_noise_alone() -> None:
    """Of magnitudes that double, a linear scale names the upper pair always, and an intercept takes most of that."""
    free, biased = (
        Judgements(probits(LINEAR, 0.1, bias)).of(measures.likelihood_ratio)[0] for bias in ((0, 0), (0.5, 0.5))
    )
    assert biased < 22 < free


def test_probabilities_that_rounding_makes_certain_cost_nothing() -> None:
    z = probits(LOG, 0.05)
    judged = Judgements(z)
    assert (judged.upper == 1).any()
    assert judged.of(measures.scale)[0] == pytest.approx(LOG, abs=1e-9)


def test_flat_judgements_have_no_scale() -> None:
    rng = np.random.default_rng(0)
    upper = np.clip(0.5 + 0.02 * rng.standard_normal((len(TRIADS), 2)), 0.01, 0.99)
    judged = Judgements(np.zeros((len(TRIADS), 2)), upper=upper)
    assert judged.of(measures.likelihood_ratio)[0] < 0.1
    for measure in (measures.scale, measures.exponent, measures.power_explained):
        assert np.isnan(judged.of(measure)).all()
    for measure in (measures.explained, measures.distance):
        assert np.isnan(judged.of(measure, LOG)).all()


@pytest.mark.parametrize("bias", [(0.0, 0.0), (2.0, -2.0)], ids=["even", "one letter"])
def test_a_bias_alone_is_no_scale(bias: tuple[float, float]) -> None:
    judged = Judgements(probits(LOG, np.inf, bias))
    assert judged.of(measures.likelihood_ratio)[0] == pytest.approx(0, abs=1e-9)
    assert np.isnan(judged.of(measures.scale)).all()


def test_fixed_answers_at_random_seldom_pass_for_a_scale() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(300):
        upper = np.repeat(rng.integers(0, 2, (len(TRIADS), 1)), 2, axis=1).astype(float)
        judged = Judgements(np.zeros(upper.shape), upper=upper)
        found += int(Scaling.fit(judged.upper, judged.design, np.ones((1, upper.size))).is_scale[0])
    assert found <= 9  # of 300: 1 % are expected, and 3 % in at most one case of a thousand


def test_a_scale_that_runs_backwards_is_none() -> None:
    judged = Judgements(probits(-LOG, 0.1))
    assert judged.of(measures.sensitivity)[0] == pytest.approx(-10)
    assert judged.of(measures.likelihood_ratio)[0] > 50
    assert np.isnan(judged.of(measures.scale)).all()


def test_answers_that_separate_the_comparisons_determine_no_scale() -> None:
    judged = Judgements(probits(LOG, 1e-9))
    assert np.isnan(judged.of(measures.likelihood_ratio)).all()
    assert np.isnan(judged.of(measures.scale)).all()


def test_too_few_comparisons_determine_no_scale() -> None:
    few = TRIADS[:3]
    judged = Judgements(probits(LOG, 0.1, compared=few), few)
    assert np.isnan(judged.of(measures.scale)).all()


def test_agrees_with_statsmodels_off_the_model() -> None:
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(2)
    z = probits(LOG, 0.1, (0.4, -0.1)) + 0.7 * rng.standard_normal((len(TRIADS), 2))
    judged = Judgements(z)
    family = sm.families.Binomial(link=sm.families.links.Probit())
    known = sm.GLM(judged.upper, judged.design.columns, family=family).fit(maxiter=200, tol=1e-14).params
    psi = np.append(0.0, known[2:])
    assert judged.of(measures.scale)[0] == pytest.approx(psi / psi[-1], abs=1e-7)
    assert judged.of(measures.sensitivity)[0] == pytest.approx(psi[-1], rel=1e-7)


def test_a_weight_of_two_is_a_row_that_is_there_twice() -> None:
    rng = np.random.default_rng(3)
    z = probits(LOG, 0.1) + 0.3 * rng.standard_normal((len(TRIADS), 2))
    counts = rng.integers(1, 4, len(TRIADS))
    weighted = Judgements(z).of(measures.scale, w=np.repeat(counts, 2)[None, :].astype(float))
    many = [triad for triad, n in zip(TRIADS, counts, strict=True) for _ in range(n)]
    repeated = Judgements(np.repeat(z, counts, axis=0), many).of(measures.scale)
    assert weighted[0] == pytest.approx(repeated[0], abs=1e-9)


def test_the_bootstrap_over_triads_holds_the_truth() -> None:
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(40):
        z = probits(LOG, 0.2) + rng.standard_normal((len(TRIADS), 1))
        # What the model of a single probit predicts under this noise is the same scale: its intervals must hold it.
        w = np.repeat(rng.multinomial(len(TRIADS), np.full(len(TRIADS), 1 / len(TRIADS)), 200), 2, axis=1)
        drawn = Judgements(z).of(measures.scale, w=w.astype(float))[:, 4]
        low, high = np.nanquantile(drawn, [0.025, 0.975])
        inside += int(low <= LOG[4] <= high)
    assert inside >= 33  # of 40; with 95 % each, fewer in one case of a hundred


@pytest.mark.parametrize("p", [-0.5, 0.0, 0.3, 1.0, 1.7])
def test_the_exponent_comes_back(p: float) -> None:
    psi = power_scale(MAGNITUDES, np.array([p]))[0]
    judged = Judgements(probits(psi, 0.1, (0.5, -0.5)))
    assert judged.of(measures.exponent)[0] == pytest.approx(p, abs=1e-7)
    assert judged.of(measures.power_explained)[0] == pytest.approx(1, abs=1e-9)


def test_power_scales_have_linear_and_log_among_them() -> None:
    made = power_scale(MAGNITUDES, np.array([1.0, 0.0, 0.5, 1e-8]))
    assert made == pytest.approx(np.stack([LINEAR, LOG, ROOT, LOG]), abs=1e-6)


@SCALES
def test_the_right_form_explains_all_and_others_less(psi: Floats) -> None:
    judged = Judgements(probits(psi, 0.1, (0.3, -0.3)))
    for candidate in (LINEAR, LOG, ROOT):
        explained = judged.of(measures.explained, 5 + 3 * candidate)[0]
        distance = judged.of(measures.distance, 5 + 3 * candidate)[0]
        assert distance == pytest.approx(np.sqrt(np.mean((psi - candidate) ** 2)), abs=1e-9)
        if candidate is psi:
            assert explained == pytest.approx(1, abs=1e-9)
        else:
            assert 0 <= explained < 0.95
    assert judged.of(measures.explained, -psi)[0] == 0
    assert judged.of(measures.explained, np.ones(10))[0] == 0
    assert np.isnan(judged.of(measures.distance, np.ones(10))).all()


@SCALES
def test_six_point_conditions_hold_of_a_scale_whatever_the_preference_for_a_letter(psi: Floats) -> None:
    judged = Judgements(probits(psi, 0.1, (0.8, -0.8), QUADRUPLES), QUADRUPLES)
    assert judged.of(measures.six_point)[0] == 1


def test_half_of_the_six_point_conditions_hold_without_a_scale() -> None:
    rng = np.random.default_rng(5)
    shares = [
        Judgements(np.repeat(rng.standard_normal((len(QUADRUPLES), 1)), 2, axis=1), QUADRUPLES).of(measures.six_point)[
            0
        ]
        for _ in range(60)
    ]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)


def test_six_point_conditions_by_hand() -> None:
    names = [(0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (2, 3, 4, 5)]
    against = Judgements(np.array([[1.0, 1], [1, 1], [-1, -1], [-1, -1]]), names)
    assert against.of(measures.six_point)[0] == 0
    assert np.isnan(against.of(measures.six_point, w=np.array([[1.0, 1, 1, 1, 0, 0, 1, 1]]))[0])
    disagree = Judgements(np.array([[1.0, 1], [-1, -1], [1, 1], [-1, -1]]), names)
    assert np.isnan(disagree.of(measures.six_point)[0])
    assert np.isnan(Judgements(probits(LOG, 0.1)).of(measures.six_point)[0])


def test_no_rows() -> None:
    nothing = Judgements(np.zeros((0, 2)), [])
    assert np.isnan(nothing.of(measures.likelihood_ratio)).all()


def test_shrinkage_is_that_of_scikit_learn() -> None:
    known = pytest.importorskip("sklearn.covariance")
    rng = np.random.default_rng(6)
    for n, p in ((12, 20), (200, 5)):
        x = rng.standard_normal((n, p)) @ rng.standard_normal((p, p))
        assert ledoit_wolf(x) == pytest.approx(known.ledoit_wolf(x, assume_centered=True)[0], rel=1e-10)


def test_the_path_of_states_is_the_scale_that_they_follow() -> None:
    rng = np.random.default_rng(7)
    sentences, axis = rng.standard_normal((8, 30)), rng.standard_normal(30)
    place = np.linspace(0, 1, 19)
    for scale, close in ((place, 1e-9), ((place + 0.2) ** 3 - 0.2**3, 0.02), (np.sqrt(0.1 + place) - 0.1**0.5, 0.02)):
        truth = scale / scale[-1]
        path = fisher_path(truth[:, None, None] * axis + sentences)
        assert path is not None
        assert path == pytest.approx(truth, abs=close)


def test_a_curve_of_states_is_as_long_as_it_is() -> None:
    """On a circle, of equal noise everywhere, the way is the angle; the straight line would be shorter."""
    rng = np.random.default_rng(8)
    angle = 2 * np.linspace(0, 1, 19) ** 2
    states = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[:, None, :]
    path = fisher_path(states + 0.01 * rng.standard_normal((19, 20, 2)))
    assert path is not None
    assert path == pytest.approx(angle / 2, abs=0.03)


def test_states_of_different_words_do_not_count_as_a_path() -> None:
    """Every magnitude is a word of its own, at an equal distance from the next: a way that only counts the words."""
    rng = np.random.default_rng(9)
    log = np.log(np.linspace(1, 20, 19)) / np.log(20)
    found = []
    for _ in range(30):
        words, axis = rng.standard_normal((19, 1, 200)), rng.standard_normal(200)
        trend = 3 * log[:, None, None] * axis
        path = fisher_path(words + trend + rng.standard_normal((19, 8, 200)))
        assert path is not None
        found.append(path)
    mean = np.mean(found, axis=0)
    assert mean == pytest.approx(log, abs=0.1)
    assert np.abs(mean - np.linspace(0, 1, 19)).max() > 0.2


def test_a_direction_that_sentences_do_not_disturb_counts_more() -> None:
    rng = np.random.default_rng(10)
    place = np.linspace(-1, 1, 30)
    means = np.stack([5 * place, 5 * place**2], axis=-1)[:, None, :]
    even, one_sided = (
        fisher_path(means + rng.standard_normal((30, 200, 2)) * spread) for spread in ([1.0, 1.0], [1.0, 100.0])
    )
    assert even is not None
    assert one_sided is not None
    # The second direction is hidden by the sentences: what is left is a straight line.
    assert one_sided == pytest.approx((place + 1) / 2, abs=0.02)
    assert even[7] - 7 / 29 > 0.03


def test_states_that_do_not_move_have_no_path() -> None:
    assert fisher_path(np.ones((6, 4, 5))) is None
    assert fisher_path(np.ones((6, 1, 1)) * np.random.default_rng(0).standard_normal((4, 5))) is None
    with pytest.raises(HarnessError, match="6 magnitudes in 2 sentences"):
        fisher_path(np.ones((6, 1, 5)))
    with pytest.raises(HarnessError, match="finite"):
        fisher_path(np.full((6, 2, 5), np.nan))
