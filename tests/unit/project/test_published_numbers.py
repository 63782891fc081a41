"""The published numbers of all experiments: they load, and their conditions exist and guard."""

import json
from pathlib import Path

import pytest

from harness.cli.listing import config_names
from harness.cli.main import main
from harness.config import load_job
from harness.errors import HarnessError
from harness.execution.checks import check_parts
from harness.metrics.metric import Metric
from harness.statistics.estimates import Estimate
from harness.statistics.references import Reference, judge_reference
from tests.support.helpers import needed

QUIET = ["engine=transformers", "tracker=none"]
"""An engine that asks a model: the model of a dry run has another name than the published one."""
NAMES = [name for name, _ in config_names("experiment")]
SCORE = ["experiment=selfCorrection", *QUIET, "model.name='Gemini 1.5 Flash'", "task.name=MATH500"]


@pytest.mark.parametrize("name", NAMES)
def test_they_load_and_everything_they_name_exists(name: str) -> None:
    job = load_job([f"experiment={name}", "engine=transformers", "tracker=none", *needed(name)])
    check_parts(job)
    for reference in job.references:
        assert set(reference.requires) <= set(job.settings), reference.text
        assert reference.certainty == "memory" or reference.n or reference.tolerance, reference.text
    by_name: dict[str, Metric] = {metric.name: metric for metric in job.all_metrics}
    for r in job.references:  # what is no share has a tolerance
        share = by_name[r.metric].measure.average and by_name[r.metric].measure.low == 0
        assert r.certainty == "memory" or r.tolerance or (share and r.n) or r.n == 1, r.text


def measured(reference: Reference, low: float, high: float, n: int) -> Estimate:
    return Estimate(
        metric=reference.metric,
        level=reference.level,  # type: ignore[arg-type]
        value=reference.value,
        low=reference.value + low,
        high=reference.value + high,
        n=n,
        n_groups=n,
        n_failed=0,
        method="given",
        better="higher",
    )


def verdicts(words: list[str]) -> list[tuple[str, str]]:
    """Kind and reason of the published numbers of the model and task, as if the run had found them again."""
    job = load_job(words)
    model, task = job.model.name, job.task.name
    own = [r for r in job.references if (r.model, r.task) == (model, task) and r.certainty != "memory"]
    judged = [judge_reference(r, [measured(r, -0.02, 0.02, r.n or 5000)], job.all_metrics, job.settings) for r in own]
    return [(verdict.kind, verdict.reason) for verdict in judged]


def test_name_and_task_alone_make_no_run_comparable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A dry run on sums, named like SCoRe's model on MATH500: short texts, 64 tokens.
    arms = "experiment.arms=[score greedy]"
    small = ["limit=12", "replicates=50", f"runs={tmp_path}", "claims=[]", "max_failed=1"]
    assert main(["run", *SCORE, "engine=fake", arms, *small]) == 0, capsys.readouterr().err
    (path,) = (tmp_path / "selfCorrection").iterdir()
    found = json.loads((path / "verdicts.json").read_text())
    assert {verdict["kind"] for verdict in found} == {"not comparable"}
    told = "experiment.max_tokens is 64, published at 1024 or more"
    score = [verdict["reason"] for verdict in found if "Gemini" in verdict["text"]]
    name = "the published model is 'Gemini 1.5 Flash', this run's is 'fake:Gemini 1.5 Flash'"
    assert score == [f"{name}; wording is plain, published at math; {told}"] * 5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (["+wording/selfCorrection=math", "experiment.max_tokens=1023"], "experiment.max_tokens is 1023, published at"),
        (["+wording/selfCorrection=boxed", "experiment.max_tokens=1024"], "wording is boxed, published at math"),
        (["experiment.max_tokens=2048"], "wording is plain, published at math"),
        (
            ["+wording/selfCorrection=math", "experiment.max_tokens=2048", "experiment.wording.score=Again."],
            "wording is changed, published at math",
        ),
    ],
)
def test_each_condition_counts(changes: list[str], reason: str) -> None:
    found = verdicts([*SCORE, *changes])
    assert [kind for kind, _ in found] == ["not comparable"] * 5
    assert all(told.startswith(reason) for _, told in found)


def test_where_the_conditions_are_met_it_is_judged() -> None:
    found = verdicts([*SCORE, "+wording/selfCorrection=math", "experiment.max_tokens=1024"])
    assert [kind for kind, _ in found] == ["compatible"] * 5
    huang = ["experiment=selfCorrection", *QUIET, "model.name=GPT-3.5", "task=gsm8k", "experiment.turns=3"]
    boxed = ["+wording/selfCorrection=boxed", "experiment.max_tokens=1024"]
    assert [kind for kind, _ in verdicts([*huang, *boxed, "experiment.temperature=1"])] == ["compatible"] * 4
    assert {reason for _, reason in verdicts([*huang, *boxed])} == {"experiment.temperature is 0.7, published at 1"}


def test_a_number_at_3000_tokens_is_not_compared_with_any_reasoned_run() -> None:
    words = ["experiment=verbalizedConfidence", *QUIET, "model.name=Qwen2.5-14B-Instruct", "task.name=gpqa_diamond"]
    paper = ["experiment.temperature=0.7", "experiment.top_p=0.8"]
    short = verdicts([*words, *paper])
    assert {reason for _, reason in short} == {"experiment.reasoning_tokens is 256, published at 3000"}
    # The share has a tolerance of its own n = 198; of the other numbers the published error is the run's.
    assert [kind for kind, _ in verdicts([*words, *paper, "experiment.reasoning_tokens=3000"])] == ["compatible"] * 3


def test_a_wording_that_does_not_exist_is_named() -> None:
    entry = "{metric: accuracy_after,level: {arm: x,turn: 2},value: 0.5,model: m,task: t,source: s,certainty: seen"
    with pytest.raises(HarnessError, match="wording=maths, which SelfCorrection does not have, did you mean 'math'"):
        load_job(["experiment=selfCorrection", f"references=[{entry},n: 9,requires: {{wording: maths}}}}]", *QUIET])


def test_a_condition_on_a_setting_that_does_not_exist_is_named() -> None:
    entry = "{metric: accuracy_after,level: {arm: x,turn: 2},value: 0.5,model: m,task: t,source: s,certainty: seen"
    settings = "{experiment.temprature: 0}"
    job = load_job(["experiment=selfCorrection", f"references=[{entry},requires: {settings}}}]", *QUIET])
    with pytest.raises(HarnessError, match=r"requires 'experiment\.temprature', .* mean 'experiment\.temperature'"):
        check_parts(job)
