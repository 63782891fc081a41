"""The blind spot, the gap behind it, and net recovery, in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.columns import Labels
from harness.metrics.voices import blind_spot, net_recovery, voice_gap


def test_the_blind_spot_in_closed_form() -> None:
    user = Labels(np.array([1.0, 1, 1, 1, 0, 0, 0, 0]))
    model = Labels(np.array([1.0, 0, 0, 0, 0, 0, 0, 0]))
    w = np.ones((1, 8))
    assert blind_spot(user, model, w=w) == pytest.approx([0.75])
    assert blind_spot(user, user, w=w) == pytest.approx([0.0])
    assert blind_spot(model, user, w=w) == pytest.approx([-3.0])
    # One in eight corrected by the user is enough by default; not where a fifth is asked for, and none never is.
    assert np.isnan(blind_spot(model, user, w=w, least=0.2)).all()
    assert np.isnan(blind_spot(Labels(np.zeros(8)), model, w=w, least=0.0)).all()
    weights = np.array([[0.0, 2, 2, 0, 1, 1, 0, 0], [5.0, 0, 0, 0, 1, 0, 0, 0]])
    assert blind_spot(user, model, w=weights) == pytest.approx([1.0, 0.0])
    assert voice_gap(user, model, w=weights) == pytest.approx([4 / 6, 0.0])
    assert net_recovery(user, model, w=w) == pytest.approx([4 / 8 - 1 / 8])


def test_whether_there_is_a_blind_spot_is_asked_of_the_data_and_not_of_each_replicate() -> None:
    user, model = Labels(np.array([1.0, 1, 0, 0, 0, 0, 0, 0])), Labels(np.array([0.0, 1, 0, 0, 0, 0, 0, 0]))
    replicates = np.array([[1.0, 0, 9, 0, 0, 0, 0, 9], [0.0, 2, 9, 9, 0, 0, 0, 9], [0.0, 0, 1, 0, 0, 0, 0, 0]])
    assert blind_spot.held(user, model, w=np.ones(8))(replicates) == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert np.isnan(blind_spot.held(user, model, w=np.ones(8), least=0.5)(replicates)).all()
    assert np.isnan(blind_spot(user, model, w=np.zeros((1, 8)))).all()
