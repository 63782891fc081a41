"""Weights of the bootstrap: what is kept for further rows changes no number, and neither does one thread."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from harness.statistics import bootstrap
from harness.statistics.bootstrap import bootstrap_weights, one_thread
from harness.statistics.clusters import Clusters


def threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_counts_that_are_kept_are_the_counts_that_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    clusters = Clusters.single(np.arange(600) // 2)
    seeds = {(seed, n): list(bootstrap_weights(clusters, n, seed)) for seed in (0, 1) for n in (3, 1000)}
    monkeypatch.setattr(bootstrap, "_KEPT", 0)
    for (seed, n), kept in seeds.items():
        drawn = list(bootstrap_weights(clusters, n, seed))
        assert [w.shape for w in kept] == [w.shape for w in drawn]  # of 1,000, in several parts
        np.testing.assert_array_equal(np.concatenate(kept), np.concatenate(drawn))


def test_what_a_reader_does_to_its_weights_stays_with_that_reader() -> None:
    clusters = Clusters.single(np.array([0, 0, 1, 2]))
    first = np.concatenate(list(bootstrap_weights(clusters, 50, 7)))
    for w in bootstrap_weights(clusters, 50, 7):
        w.fill(0)
    np.testing.assert_array_equal(np.concatenate(list(bootstrap_weights(clusters, 50, 7))), first)


def test_linear_algebra_has_one_thread_for_a_while() -> None:
    with threadpool_limits(2, "blas"):
        before = threads()
        with one_thread():
            assert min(threads()) == 1
        assert threads() == before
