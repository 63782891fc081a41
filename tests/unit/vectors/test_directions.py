"""Directions: closed forms, agreement with scikit-learn, and a fit that is kept."""

from pathlib import Path
from random import Random

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.runs.fitted import load_fitted, save_fitted
from harness.vectors.directions import (
    Direction,
    difference_of_means,
    logistic_axis,
    principal_components,
    random_direction,
)


def rows(n: int = 60, width: int = 5, seed: int = 0) -> np.ndarray:
    """Activations of unequal spread along their axes."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)) * np.arange(1, width + 1) + rng.normal(size=width)


def test_the_difference_of_means_moves_one_mean_onto_the_other() -> None:
    positive, negative = np.array([[3.0, 1.0], [5.0, 1.0]]), np.array([[1.0, 1.0], [1.0, -1.0], [1.0, 3.0]])
    found = difference_of_means(positive, negative, layer=4, site="attn_out")
    assert found.vector.numpy().tolist() == [3.0, 0.0]
    assert (found.layer, found.site, found.how) == (4, "attn_out", "difference of means")
    assert found.project(np.array([7.0, 9.0])) == 7.0
    # Projections on the first axis: 3, 5, 1, 1, 1.
    assert (found.mean, found.sd) == pytest.approx((2.2, np.std([3, 5, 1, 1, 1])), abs=1e-12)
    np.testing.assert_allclose(found.standardise(positive), (np.array([3, 5]) - 2.2) / found.sd, atol=1e-12)


def test_principal_components_of_a_line_and_of_a_plane() -> None:
    t = np.array([-3.0, -1.0, 1.0, 3.0])
    line = np.outer(t, [-0.6, 0.8]) + np.array([10.0, 20.0])
    (first,) = principal_components(line, 1, layer=0)
    np.testing.assert_allclose(first.vector.numpy(), [-0.6, 0.8], atol=1e-7)
    assert first.how == "principal component 1, 100.0% of the variance"
    assert first.sd == pytest.approx(np.sqrt(5), abs=1e-12)  # (9 + 1 + 1 + 9) / 4
    assert first.mean == pytest.approx(10 * -0.6 + 20 * 0.8, abs=1e-12)
    with pytest.raises(HarnessError, match="2 principal components of 4 activations that vary in 1 directions"):
        principal_components(line, 2, layer=0)


def test_principal_components_are_those_of_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    for x in (rows(), rows(6, 40)):
        count = min(x.shape) - 1
        other = decomposition.PCA(count).fit(x)
        found = principal_components(x, count, layer=2)
        vectors = np.array([one.vector.numpy() for one in found])
        signs = np.sign((vectors * other.components_).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(vectors, signs * other.components_, atol=1e-6)
        shares = [one.sd**2 for one in found] / np.sum(x.var(axis=0))
        np.testing.assert_allclose(shares, other.explained_variance_ratio_, atol=1e-12)
        assert all(v[np.abs(v).argmax()] > 0 for v in vectors)


def test_a_logistic_axis_of_two_points_has_the_closed_form() -> None:
    # x = 1 for true, -1 for false: w solves 1 / (1 + e^w) = strength * w; for w = 1 that is strength = 1 / (1 + e).
    found = logistic_axis(np.array([[1.0, 5.0], [-1.0, 5.0]]), [True, False], strength=1 / (1 + np.e), layer=1)
    np.testing.assert_allclose(found.vector.numpy(), [1.0, 0.0], atol=1e-6)
    assert (found.mean, found.sd) == pytest.approx((0.0, 1.0), abs=1e-6)


@pytest.mark.parametrize(("n", "width"), [(60, 5), (12, 30)])
def test_a_logistic_axis_is_that_of_scikit_learn(n: int, width: int) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    x = rows(n, width, seed=1)
    labels = x[:, 0] + np.random.default_rng(2).normal(size=n) > x[:, 0].mean()
    strength = 0.03
    other = linear.LogisticRegression(C=1 / (n * strength), tol=1e-12, max_iter=10_000).fit(x, labels)
    found = logistic_axis(x, labels, strength=strength, layer=0)
    np.testing.assert_allclose(found.vector.numpy(), other.coef_[0], atol=1e-5)
    flipped = logistic_axis(x, ~labels, strength=strength, layer=0)
    np.testing.assert_allclose(flipped.vector.numpy(), -found.vector.numpy(), atol=1e-6)


def test_a_random_direction_has_the_length_of_another_and_no_other_likeness() -> None:
    x = rows(50, 200)
    like = difference_of_means(x[:20], x[20:], layer=3, site="mlp_out")
    one, same, other = (random_direction(like, Random(seed), x=x) for seed in (1, 1, 2))
    assert one == same != other
    length = np.linalg.norm(like.vector.numpy())
    for drawn in (one, other):
        assert np.linalg.norm(drawn.vector.numpy()) == pytest.approx(length, rel=1e-6)
        assert (drawn.layer, drawn.site, drawn.how) == (3, "mlp_out", "random, as long as: difference of means")
        assert (drawn.mean, drawn.sd) == pytest.approx((drawn.project(x).mean(), drawn.project(x).std()), rel=1e-5)
        assert abs(drawn.project(like.vector.numpy())) / length < 4 / np.sqrt(200)
    assert (random_direction(like, Random(1)).mean, random_direction(like, Random(1)).sd) == (0, 0)
    assert random_direction(like, Random(1)).vector == one.vector


def test_random_directions_prefer_no_axis() -> None:
    like = principal_components(rows(), 1, layer=0)[0]
    drawn = np.array([random_direction(like, Random(seed)).vector.numpy() for seed in range(2000)])
    # A coordinate of a unit vector in 5 dimensions: x^2 has mean 1/5 and x^4 3/35, so that x^2 has the sd .214.
    np.testing.assert_allclose(drawn.mean(0), 0, atol=4 * np.sqrt(0.2 / 2000))
    np.testing.assert_allclose((drawn**2).mean(0), 0.2, atol=4 * 0.214 / np.sqrt(2000))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: difference_of_means(rows(), rows(width=4), layer=0), "two widths, 5 and 4"),
        (lambda: difference_of_means(rows(), rows(), layer=0), "length zero has no direction"),
        (
            lambda: random_direction(principal_components(rows(), 1, layer=0)[0], Random(0), x=rows(width=4)),
            "width 4 have no projection on a vector of 5 numbers",
        ),
        (lambda: difference_of_means(rows()[0], rows(), layer=0), r"finite numbers \[n, width\].*\(5,\)"),
        (lambda: principal_components(rows() * np.nan, 1, layer=0), "finite numbers"),
        (lambda: principal_components(rows(), 6, layer=0), "6 principal components of 60 activations that vary in 5"),
        (lambda: principal_components(rows()[:1], 1, layer=0), "vary in 0 directions"),
        (lambda: logistic_axis(rows(), [True] * 60, strength=1.0, layer=0), "of both kinds"),
        (lambda: logistic_axis(rows(), [True, False], strength=1.0, layer=0), "need as many labels"),
        (lambda: logistic_axis(rows(2), [True, False], strength=0.0, layer=0), "strength=0.0"),
    ],
)
def test_what_has_no_direction_is_named(wrong: object, told: str) -> None:
    with pytest.raises(HarnessError, match=told):
        wrong()  # type: ignore[operator]


def test_directions_are_kept_with_a_run(tmp_path: Path) -> None:
    found = principal_components(rows(), 3, layer=2)
    save_fitted(tmp_path, tuple(found))
    assert load_fitted(tmp_path, tuple[Direction, ...]) == tuple(found)
