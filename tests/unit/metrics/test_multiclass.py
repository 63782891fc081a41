"""Macro F1: closed forms, and the numbers of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics

from harness.metrics.columns import Classes
from harness.metrics.multiclass import macro_f1


def macro(said: Any, gold: Any, w: Any = None) -> float:
    columns = (Classes(np.array([Classes.of(str(name)) for name in names], dtype=np.int64)) for names in (said, gold))
    weights = np.ones(len(said)) if w is None else np.asarray(w, dtype=float)
    return float(macro_f1(*columns, w=weights[None, :])[0])


def test_macro_f1_of_unbalanced_labels_sees_that_the_largest_class_is_always_said() -> None:
    gold = ["less full"] * 90 + ["more full"] * 6 + ["equally full"] * 4
    always = ["less full"] * 100
    assert macro(always, gold) == pytest.approx(2 * 0.9 / 1.9 / 3, abs=1e-12)  # accuracy would be .9
    assert macro(gold, gold) == 1
    assert macro(["yes", "yes", "no", "no"], ["yes", "no", "no", "no"]) == pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-12)


def test_an_answer_that_is_no_class_is_a_miss_and_no_class_of_its_own() -> None:
    assert macro(["yes", ""], ["yes", "no"]) == 0.5
    assert macro(["", ""], ["yes", "no"]) == 0
    assert np.isnan(macro([], []))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_macro_f1_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.choice(["a", "b", "c"], 400, p=[0.8, 0.15, 0.05])
    said = np.where(rng.random(400) < 0.6, gold, rng.choice(["a", "b", "c", "", "d"], 400))
    for w in (np.ones(400), rng.integers(0, 3, 400)):
        expected = sklearn.metrics.f1_score(
            gold, said, labels=np.unique(gold[w > 0]), average="macro", sample_weight=w, zero_division=0
        )
        assert macro(said, gold, w) == pytest.approx(expected, abs=1e-12)
