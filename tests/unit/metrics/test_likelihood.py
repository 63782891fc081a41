"""Negative log-likelihood: closed forms, and infinite losses that show."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.columns import Labels, Probabilities
from harness.metrics.likelihood import infinite_losses, nll


def test_nll_closed_forms() -> None:
    one = np.ones((1, 4))
    half, y = Probabilities(np.full(4, 0.5)), Labels(np.array([0.0, 1, 1, 0]))
    assert nll(half, y, w=one)[0] == pytest.approx(np.log(2), abs=1e-15)
    p = Probabilities(np.array([0.2, 0.9, 0.7, 0.4]))
    assert nll(p, y, w=one)[0] == pytest.approx(-np.log(0.8 * 0.9 * 0.7 * 0.6) / 4, abs=1e-15)
    assert nll(Probabilities(y.values), y, w=one)[0] == 0


def test_an_infinite_loss_is_counted_and_said() -> None:
    p, y = Probabilities(np.array([0.0, 1.0, 1.0, 0.5])), Labels(np.array([0.0, 1, 0, 1]))
    w = np.ones((1, 4))
    assert nll(p, y, w=w)[0] == pytest.approx((52 * np.log(2) + np.log(2)) / 4, abs=1e-12)
    assert infinite_losses(p, y, w=w)[0] == 0.25
    assert nll.remark is not None
    assert nll.remark(p, y) == "1 wrong rows with p of exactly 0 or 1: their infinite loss counts as 36.04"
    assert nll.remark(p, Labels(np.array([0.0, 1, 1, 1]))) == ""
