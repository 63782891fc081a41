"""Bundles, and the names that `harness.metrics` gives."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

import harness.metrics
from harness import metrics
from harness.cli.listing import measures
from harness.errors import HarnessError
from harness.metrics.metric import Metric
from harness.outcomes import ItemResult, Kind, Outcome, Probability, Table
from harness.statistics.estimates import estimate


def names(bundle: tuple[Metric, ...]) -> list[str]:
    return [metric.name for metric in bundle]


def test_bundles_have_the_same_names_everywhere() -> None:
    judged = ["accuracy", "auroc", "aurc", "ece_equal_width", "ece_equal_count", "overconfidence"]
    judged += ["brier", "brier_skill", "nll"]
    assert names(metrics.judged(fate=None)) == judged
    graded = ["accuracy", "accuracy_answered", "accuracy_upper", "answered"]
    readable = ["auroc_answered", "ece_equal_width_answered", "overconfidence_answered"]
    readable += ["brier_answered", "brier_skill_answered"]
    assert names(metrics.judged()) == [*graded, *judged[1:], *readable]
    assert names(metrics.judged(("p_ik", "right"), fate=None, suffix="_plain")) == [f"{name}_plain" for name in judged]
    assert names(metrics.brier_parts()) == ["brier_reliability", "brier_resolution", "brier_uncertainty"]
    mended = ["calibration_slope", "temperature", "ece_after_temperature", "nll_after_temperature"]
    assert names(metrics.recalibrated()) == mended
    moves = ["accuracy_before", "accuracy_after", "delta", "delta_i2c", "delta_c2i", "fix_rate", "break_rate"]
    moves += ["mcnemar_p", "delta_lower", "delta_upper"]
    moves += ["accuracy_before_answered", "accuracy_after_answered", "delta_answered"]
    assert names(metrics.transitions(prefix="x_")) == [f"x_{name}" for name in moves]
    assert names(metrics.means("tokens", "calls", prefix="mean_", option_mass="mass")) == [
        "mean_tokens", "mean_calls", "option_mass"
    ]  # fmt: skip
    assert names(metrics.rates("cut", suffix="_rate", refusal_rate="refused")) == ["cut_rate", "refusal_rate"]


def test_bundles_bind_what_they_are_given() -> None:
    where: metrics.Where = {"picked": True}
    assert metrics.judged(("q", "right"), None, by=("turn",), where=where)[:2] == (
        Metric("accuracy", metrics.accuracy, ("right",), ("turn",), where),
        Metric("auroc", metrics.auroc, ("q", "right"), ("turn",), where),
    )
    assert metrics.recalibrated()[2] == Metric(
        "ece_after_temperature", metrics.ece_after_temperature, ("p", "correct", "group")
    )
    assert metrics.means("x", y="z", by=(), where=where) == (
        Metric("x", metrics.mean, ("x",), (), where),
        Metric("y", metrics.mean, ("z",), (), where),
    )
    assert metrics.mean_probabilities("x", suffix="_1", y="z", by=(), where=where) == (
        Metric("x_1", metrics.mean_probability, ("x",), (), where),
        Metric("y", metrics.mean_probability, ("z",), (), where),
    )
    assert metrics.rates("x") == (Metric("x", metrics.rate, ("x",)),)
    assert metrics.transitions("was", "is")[2] == Metric("delta", metrics.delta, ("was", "is"))
    both = {"fate_was": "answered", "fate_is": "answered"}
    assert metrics.transitions("was", "is")[-1] == Metric("delta_answered", metrics.delta, ("was", "is"), where=both)
    assert metrics.graded("right", "end", by=())[1] == Metric(
        "accuracy_answered", metrics.accuracy, ("right",), (), {"end": "answered"}
    )


def test_a_mean_of_probabilities_of_few_groups_stays_a_probability() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Row(Outcome):
        p: Probability

    rows = [ItemResult(f"i{i}", f"g{i}", (Row(arm="a", p=Probability(p)),)) for i, p in enumerate((0.01, 0.02, 0.15))]
    (one,) = estimate(metrics.mean_probabilities("p")[0], Table.build(Row, rows))
    assert one.value == pytest.approx(0.06)
    assert one.low is not None
    assert one.high is not None
    assert 0 <= one.low < 0.06 < one.high <= 1


def test_every_measure_is_a_public_name() -> None:
    for name, measure in measures().items():
        assert getattr(metrics, name) is measure
    assert set(dir(metrics)) == set(metrics.__all__)
    with pytest.raises(AttributeError, match="no attribute 'acuracy'"):
        metrics.acuracy  # noqa: B018


def test_the_names_for_the_type_checker_are_those_at_run_time() -> None:
    tree = ast.parse(Path(str(harness.metrics.__file__)).read_text(encoding="utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    assert imported - {"import_module", "TYPE_CHECKING", "Any"} == set(metrics.__all__)
    assert len(set(metrics.__all__)) == len(metrics.__all__)
    for name in metrics.__all__:
        assert getattr(metrics, name) is not None


@pytest.mark.parametrize(("kind", "instead"), [("probability", "mean_probability"), ("label", "rate")])
def test_a_mean_of_numbers_in_0_1_is_refused_whose_interval_would_leave_that_range(kind: Kind, instead: str) -> None:
    kinds: dict[str, Kind] = {"x": kind, "arm": "text"}
    with pytest.raises(HarnessError, match=f"take metrics.{instead}, whose interval stays in"):
        Metric("m", metrics.mean, ("x",)).check(kinds)
    Metric("m", getattr(metrics, instead), ("x",)).check(kinds)
