"""Claims between runs: verdicts on simulated outcomes of known difference, and what cannot be compared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.config import Job, load_job
from harness.errors import HarnessError
from harness.metrics.metric import Metric
from harness.metrics.ranking import auroc
from harness.outcomes import ItemResult, Outcome, Probability, Score, Table
from harness.runs.loaded import Loaded
from harness.runs.records import RunRecord
from harness.statistics.claims import Verdict
from harness.statistics.estimates import estimate_all
from harness.statistics.gates import Gate
from harness.study.verdicts import RunClaim, Side, check, judge

ITEMS = 200


@dataclass(frozen=True, kw_only=True)
class Ranked(Outcome):
    """A judged answer, by a score or by a probability."""

    correct: bool
    p: Probability
    score: Score


BY_P = Metric("auroc", auroc, ("p", "correct"))
BY_SCORE = Metric("auroc_of_score", auroc, ("score", "correct"))


@pytest.fixture(scope="module")
def jobs() -> dict[str, Job]:
    """Three runs that differ in nothing but the seed."""
    words = ["experiment=pTrue", "experiment.arms=[fixed]", "engine=fake", "tracker=none"]
    return {name: load_job([*words, f"seed={seed}"]) for seed, name in enumerate("abc")}


def simulated(job: Job, noise: float, seed: int, start: int = 0) -> Loaded:
    """Answers of which half are right, ranked by a latent sureness with noise; the fixed arm only."""
    rng = np.random.default_rng(seed)
    latent = np.random.default_rng(99).normal(size=ITEMS)  # the same in all runs: what pairing takes off
    said = 1 / (1 + np.exp(-(latent + noise * rng.normal(size=ITEMS))))
    results = [
        ItemResult(
            f"i{start + i}",
            f"g{(start + i) // 2}",
            (Ranked(arm="fixed", correct=bool(latent[i] > 0), p=Probability(said[i]), score=Score(said[i] - 7)),),
        )
        for i in range(ITEMS)
    ]
    table = Table.build(Ranked, results)
    estimates = estimate_all([BY_P, BY_SCORE], table, replicates=10)
    return Loaded(RunRecord(Path("x"), {}, tuple(estimates), (), ()), table, job)


def claim(first: Any, second: Any, relation: Any = "above", **more: Any) -> RunClaim:
    sides = [one if isinstance(one, Side) else Side(run=one, level={"arm": "fixed"}) for one in (first, second)]
    return RunClaim(text="t", metric="auroc", first=sides[0], second=sides[1], relation=relation, **more)


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """All runs have the two metrics of `Ranked`."""
    monkeypatch.setattr(Job, "all_metrics", (BY_P, BY_SCORE))


def told(
    one: RunClaim, jobs: dict[str, Job], runs: dict[str, Loaded], missing: dict[str, str] | None = None
) -> Verdict:
    check(one, jobs)
    return judge(one, jobs, runs, missing or {}, 400)


@pytest.mark.usefixtures("metrics")
def test_a_better_run_is_found_better_and_one_like_it_is_not(jobs: dict[str, Job]) -> None:
    runs = {"a": simulated(jobs["a"], 0.5, 1), "b": simulated(jobs["b"], 3.0, 2), "c": simulated(jobs["c"], 0.5, 3)}
    values = {name: next(e.value for e in run.record.estimates if e.metric == "auroc") for name, run in runs.items()}
    better = told(claim("a", "b", source="table 1"), jobs, runs)
    assert better.kind == "supported"
    assert better.source == "table 1"
    assert better.measured is not None
    assert better.measured.value == pytest.approx(values["a"] - values["b"])  # type: ignore[operator]
    assert better.measured.level == {"run": "a - b", "arm": "fixed"}
    assert (better.measured.n, better.measured.n_groups) == (200, 100)
    assert better.reason.endswith("(n = 200 pairs, 100 groups) lies wholly above a difference of 0")
    assert told(claim("a", "b", "below"), jobs, runs).kind == "contradicted"
    turned = told(claim("b", "a", "below"), jobs, runs)
    assert turned.kind == "supported"
    assert turned.measured is not None
    assert turned.measured.value == pytest.approx(values["b"] - values["a"])  # type: ignore[operator]
    assert told(claim("a", "c"), jobs, runs).kind == "undecided"


@pytest.mark.usefixtures("metrics")
def test_the_same_measure_of_another_column_is_the_same_number(jobs: dict[str, Job]) -> None:
    runs = {"a": simulated(jobs["a"], 0.5, 1), "b": simulated(jobs["b"], 3.0, 2)}
    plain = told(claim("a", "b"), jobs, runs).measured
    other = Side(run="b", level={"arm": "fixed"}, metric="auroc_of_score")
    assert told(claim("a", other), jobs, runs).measured == plain


@pytest.mark.usefixtures("metrics")
def test_several_runs_on_a_side_are_their_mean(jobs: dict[str, Job]) -> None:
    runs = {"a": simulated(jobs["a"], 0.5, 1), "b": simulated(jobs["b"], 3.0, 2), "c": simulated(jobs["c"], 3.0, 3)}
    values = {name: float(run.record.estimates[0].value or 0.0) for name, run in runs.items()}
    verdict = told(claim("a", Side(runs=("b", "c"), level={"arm": "fixed"})), jobs, runs)
    assert verdict.measured is not None
    assert verdict.measured.value == pytest.approx(values["a"] - (values["b"] + values["c"]) / 2)
    assert verdict.measured.level["run"] == "a - b + c"


@pytest.mark.usefixtures("metrics")
def test_what_cannot_be_compared_says_why(jobs: dict[str, Job]) -> None:
    runs = {"a": simulated(jobs["a"], 0.5, 1), "b": simulated(jobs["b"], 3.0, 2, start=1000)}
    assert told(claim("a", "b"), jobs, runs).reason.endswith("the runs share no item that has a value")
    missing = {"c": "is skipped: run 'b' is failed"}
    verdict = told(claim("a", "c"), jobs, runs, missing)
    assert (verdict.kind, verdict.reason) == ("not comparable", "run 'c' is skipped: run 'b' is failed")
    verdict = told(claim("a", Side(run="b", level={"arm": "few-shot"})), jobs, runs)
    assert verdict.kind == "not comparable"
    assert verdict.reason == "b: the run has no auroc[arm=few-shot] (it has: [arm=fixed])"


def test_what_can_be_told_beforehand_is(jobs: dict[str, Job]) -> None:
    level = {"arm": "fixed"}
    for one, message in (
        (claim("a", "d"), r"claim 't': there is no run 'd'"),
        (
            claim("a", Side(run="b", level=level, metric="brierr")),
            r"run 'b' has no metric 'brierr', did you mean 'brier'",
        ),
        (
            claim("a", Side(run="b", level=level, metric="brier")),
            r"\(auroc\) and 'brier' \(brier\) are not the same measure|"
            r"'brier' \(brier\) and 'auroc' \(auroc\) are not the same measure",
        ),
        (claim("a", Side(run="b")), r"level {} lacks 'arm'"),
        (claim("a", "a"), r"compares a \[arm=fixed\] with itself"),
    ):
        with pytest.raises(HarnessError, match=message):
            check(one, jobs)
    for wrong in ({}, {"run": "a", "runs": ("b",)}):
        with pytest.raises(HarnessError, match="exactly one of 'run'"):
            Side(**wrong)  # type: ignore[arg-type]


@pytest.mark.usefixtures("metrics")
def test_a_verdict_between_runs_has_a_p_and_passes_the_gates_of_either_run(
    jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {"a": simulated(jobs["a"], 0.5, 1), "b": simulated(jobs["b"], 3.0, 2)}
    assert told(claim("a", "b"), jobs, runs).p == pytest.approx(2 / 401)
    monkeypatch.setattr(type(jobs["a"].experiment), "gates", (Gate(metric="auroc", least=0.99, columns=("p",)),))
    held = told(claim("a", "b"), jobs, runs)
    assert (held.kind, held.measured, held.p) == ("undecided", None, None)
    assert held.reason.startswith("held back, a: auroc [arm=fixed] 0.")
    assert "; b: auroc [arm=fixed] 0." in held.reason


@pytest.mark.usefixtures("metrics")
def test_many_rows_without_a_value_are_named_for_the_run_that_lacks_them(jobs: dict[str, Job]) -> None:
    runs = {"a": simulated(jobs["a"], 0.5, 1), "b": simulated(jobs["b"], 3.0, 2)}
    lacking = {}
    for name, run in runs.items():
        columns = {**run.table.columns, "p": run.table.columns["p"].copy()}
        columns["p"][:20] = np.nan
        table = Table(run.table.kinds, columns)
        estimates = tuple(estimate_all([BY_P, BY_SCORE], table, replicates=10))
        lacking[name] = Loaded(RunRecord(Path("x"), {}, estimates, (), ()), table, run.job)
    found = told(claim("a", "b"), jobs, lacking)
    assert found.kind == "supported"
    assert found.reason.endswith("; 20 of 200 rows at fixed have no value and are left out")
