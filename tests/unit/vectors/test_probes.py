"""Probes against scikit-learn and closed forms, and on activations with a planted direction."""

import time

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics.logistic import sigmoid
from harness.metrics.ranking import auroc
from harness.vectors.probes import NoProbe, Probe, fit_logistic, fit_probe, grouped_folds


def planted(n: int, width: int, strength: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Activations [n, width], and the right answers of 5 draws each with log-odds `strength` times the first one."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, width))
    return x, rng.binomial(5, sigmoid(strength * x[:, 0])).astype(float)


def ranking(probe: Probe, x: np.ndarray, right: np.ndarray) -> float:
    """AUROC of a probe against single draws, 5 an item."""
    from harness.metrics.columns import Labels, Scores

    scores = np.repeat(probe(x), 5)
    labels = (np.tile(np.arange(5), len(x)) < np.repeat(right, 5)).astype(float)
    return float(auroc(Scores(scores), Labels(labels), w=np.ones((1, len(scores))))[0])


@pytest.mark.parametrize("shape", [(60, 8), (30, 100)], ids=["more rows", "more features"])
@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_the_regression_is_that_of_scikit_learn(shape: tuple[int, int], strength: float) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    x, right = planted(*shape, 1.0)
    wrong = 5 - right
    weights, bias = fit_logistic(x, right, wrong, strength)
    # scikit-learn minimises |w|^2/2 + C times the summed loss.
    theirs = linear.LogisticRegression(C=1 / (strength * 5 * len(x)), tol=1e-12, max_iter=10000, solver="newton-cg")
    theirs.fit(np.vstack([x, x]), np.repeat([1, 0], len(x)), sample_weight=np.concatenate([right, wrong]))
    np.testing.assert_allclose(weights, theirs.coef_[0], atol=1e-6)
    assert bias == pytest.approx(theirs.intercept_[0], abs=1e-6)


def test_without_features_that_tell_anything_the_bias_is_the_log_odds_of_right() -> None:
    weights, bias = fit_logistic(np.zeros((4, 3)), np.array([3.0, 0, 0, 0]), np.array([0, 0, 0, 1.0]), 1.0)
    np.testing.assert_array_equal(weights, np.zeros(3))
    assert bias == pytest.approx(np.log(3))


def test_copies_count_as_so_many_items() -> None:
    x, right = planted(20, 3, 1.0)
    counted = fit_logistic(x, right, 5 - right, 0.1)
    rows = np.repeat(x, 5, axis=0)
    label = (np.tile(np.arange(5), 20) < np.repeat(right, 5)).astype(float)
    copied = fit_logistic(rows, label, 1 - label, 0.1)
    np.testing.assert_allclose(counted[0], copied[0], atol=1e-9)
    assert counted[1] == pytest.approx(copied[1], abs=1e-9)


def test_separable_rows_have_a_finite_fit() -> None:
    x = np.array([[-1.0], [1.0]])
    (weight,), bias = fit_logistic(x, np.array([0.0, 1]), np.array([1.0, 0]), 0.1)
    # The gradient vanishes: strength * w = 1 - sigmoid(w).
    assert 0.1 * weight == pytest.approx(1 - 1 / (1 + np.exp(-weight)), abs=1e-9)
    assert bias == pytest.approx(0, abs=1e-12)


def test_a_probe_finds_the_planted_layer_and_direction_and_is_calibrated() -> None:
    x, right = planted(400, 20, 2.0)
    noise = np.random.default_rng(1).standard_normal((2, 400, 20))
    names = [str(i) for i in range(400)]
    probe = fit_probe({3: noise[0], 7: x, 9: noise[1]}, right.tolist(), (5 - right).tolist(), names)
    assert isinstance(probe, Probe)
    assert probe.layer == 7
    assert np.argmax(np.abs(probe.weights)) == 0
    assert probe.weights[0] == pytest.approx(2.0, abs=0.4)
    tested, answers = planted(2000, 20, 2.0, seed=2)
    assert ranking(probe, tested, answers) == pytest.approx(ranking_of_truth(tested, answers), abs=0.01)
    assert np.abs(probe(tested) - sigmoid(2 * tested[:, 0])).mean() < 0.06


def ranking_of_truth(x: np.ndarray, right: np.ndarray) -> float:
    return ranking(Probe(0, 1.0, (2.0, *[0.0] * (x.shape[1] - 1)), 0.0, ()), x, right)


def test_shuffled_labels_give_a_probe_that_ranks_at_chance() -> None:
    x, right = planted(200, 20, 2.0)
    shuffled = np.random.default_rng(3).permutation(right)
    probe = fit_probe({0: x}, shuffled.tolist(), (5 - shuffled).tolist(), [str(i) for i in range(200)])
    assert isinstance(probe, Probe)
    tested, answers = planted(2000, 20, 2.0, seed=4)
    # A direction at random in 20 dimensions has a cosine of about 0.22 with the planted one.
    assert ranking(probe, tested, answers) == pytest.approx(0.5, abs=0.15)
    assert min(loss for *_, loss in probe.losses) > 0.68  # ln 2 is what a coin has


def test_groups_stay_together_and_every_fold_has_its_part_of_the_right_answers() -> None:
    names = [f"g{i // 2}" for i in range(40)]
    right = np.array([5.0 if i // 2 % 4 == 0 else 0.0 for i in range(40)])
    folds = grouped_folds(names, right, 5 - right, 5)
    assert all(len(set(folds[[n == name for n in names]])) == 1 for name in names)
    assert np.bincount(folds).tolist() == [8] * 5
    assert [right[folds == f].sum() for f in range(5)] == [10.0] * 5


def test_folds_and_probe_do_not_depend_on_the_order_of_items() -> None:
    x, right = planted(60, 5, 1.0)
    names = [f"g{i // 3}" for i in range(60)]
    order = np.random.default_rng(5).permutation(60)
    one = fit_probe({0: x}, right.tolist(), (5 - right).tolist(), names)
    two = fit_probe({0: x[order]}, right[order].tolist(), (5 - right[order]).tolist(), [names[i] for i in order])
    assert isinstance(one, Probe)
    assert isinstance(two, Probe)
    assert one.strength == two.strength
    np.testing.assert_allclose(one.weights, two.weights, atol=1e-9)


def test_what_is_held_out_does_not_leak_into_the_choice() -> None:
    # A feature that names the group tells everything about its items, and nothing about those of other groups.
    names = [f"g{i // 5}" for i in range(100)]
    right = np.repeat(np.random.default_rng(6).integers(0, 2, 20), 5) * 5.0
    marks = np.eye(20)[np.arange(100) // 5]
    probe = fit_probe({0: marks}, right.tolist(), (5 - right).tolist(), names)
    assert isinstance(probe, Probe)
    assert min(loss for *_, loss in probe.losses) > 0.6
    leaking = fit_probe({0: marks}, right.tolist(), (5 - right).tolist(), [str(i) for i in range(100)])
    assert isinstance(leaking, Probe)
    assert min(loss for *_, loss in leaking.losses) < 0.1


def test_a_constant_feature_has_no_weight_and_does_no_harm() -> None:
    x, right = planted(50, 3, 1.0)
    probe = fit_probe(
        {0: np.column_stack([x, np.ones(50)])}, right.tolist(), (5 - right).tolist(), list(map(str, range(50)))
    )
    assert isinstance(probe, Probe)
    assert probe.weights[3] == 0.0


def test_fewer_groups_than_folds_are_refused() -> None:
    with pytest.raises(HarnessError, match=r"there are 2 groups: set experiment\.folds lower"):
        fit_probe({0: np.zeros((4, 2))}, [1, 0, 1, 0], [0, 1, 0, 1], ["a", "a", "b", "b"])


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ([5, 5], [0, 0], "all answers to the training questions are right"),
        ([0, 0], [5, 5], "all answers to the training questions are wrong"),
        ([0, 0], [0, 0], "all answers to the training questions are without an answer"),
        ([5, 0], [0, 5], "the answers of one kind all come from one group of training questions"),
    ],
)
def test_where_one_kind_is_missing_there_is_no_probe_and_a_reason(
    right: list[float], wrong: list[float], reason: str
) -> None:
    assert fit_probe({0: np.eye(2)}, right, wrong, ["a", "b"], folds=2) == NoProbe(reason)


def test_a_probe_of_a_small_model_takes_seconds() -> None:
    x, right = planted(200, 576, 1.0)
    names = [str(i) for i in range(200)]
    begin = time.process_time()
    fit_probe({layer: x + layer for layer in range(3)}, right.tolist(), (5 - right).tolist(), names)
    assert time.process_time() - begin < 5
