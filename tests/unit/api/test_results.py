"""What is read of finished runs: frames, one number, several runs, comparisons, the view of a notebook."""

import json
from pathlib import Path
from typing import Any

import pytest

import harness
from harness import HarnessError, Run
from harness.cli.main import main
from tests.unit.api.own import Sure

FEW: dict[str, Any] = {"engine": "fake", "tracker": "none", "limit": 12, "replicates": 20, "quiet": True}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("runs")
    arms = "experiment.arms=[few-shot,zero-shot]"
    return [harness.run("pTrue", arms, runs=folder, seed=seed, **FEW) for seed in (0, 1)]


def test_estimates_have_a_column_for_each_key_of_a_level(runs: list[Run]) -> None:
    stored = json.loads((runs[0].path / "estimates.json").read_text())
    table = runs[0].estimates
    assert len(table) == len(stored)
    for column in ("value", "low", "high"):
        assert table[column].dtype == float
        assert table[column].notna().to_list() == [one[column] is not None for one in stored]
    assert table["arm"].to_list() == [one["level"].get("arm") or table["arm"][i] for i, one in enumerate(stored)]


def test_one_number_is_found_by_its_level(runs: list[Run]) -> None:
    one = runs[0].estimate("auroc", arm="zero-shot")
    assert (one.metric, dict(one.level)) == ("auroc", {"arm": "zero-shot"})
    with pytest.raises(HarnessError, match="no metric 'aurok', did you mean 'auroc'"):
        runs[0].estimate("aurok")
    with pytest.raises(HarnessError, match="several numbers of 'auroc' at no level; its levels: arm='few-shot'; arm="):
        runs[0].estimate("auroc")
    with pytest.raises(HarnessError, match="no number of 'auroc'"):
        runs[0].estimate("auroc", arm="none")


def test_calls_have_whole_prompts(runs: list[Run]) -> None:
    calls = runs[0].calls
    assert calls.groupby("item")["asked"].max().gt(0).all()
    few = calls[calls["prompt"].str.count("Question:") > 5]
    assert len(few)
    assert few["prompt"].str.startswith("<").all()
    assert set(calls["item"]) == set(runs[0].items["item"])


def test_verdicts_have_their_numbers(runs: list[Run]) -> None:
    table = runs[0].verdicts
    assert {"kind", "text", "value", "low", "high", "reason", "p_holm"} <= set(table)
    assert len(table) == len(json.loads((runs[0].path / "verdicts.json").read_text()))


def test_runs_are_found_and_told_apart(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    folder = runs[0].path.parent
    (folder / "broken").mkdir(exist_ok=True)
    (folder / "broken/manifest.json").write_text("{}")
    found = harness.load_runs(folder / "*")
    assert len(found) == 2
    assert "left out: " in capsys.readouterr().err
    assert sorted(found.table["seed"]) == [0, 1]
    assert len(found.estimates) == sum(len(run.estimates) for run in runs)
    assert list(found.outcomes.columns[:5]) == ["run", "experiment", "task", "model", "seed"]
    assert len(found[:1]) == 1
    with pytest.raises(HarnessError, match="there is no such run directory"):
        harness.load_runs(folder / "other")
    with pytest.raises(HarnessError, match="no results"):
        harness.load_run(folder / "broken")


def test_comparisons_are_those_of_the_command(
    runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", *(str(run.path) for run in runs), "--metric", "auroc", "--json", str(tmp_path / "all.json")]
    assert main(words) == 0
    capsys.readouterr()
    (stored,) = json.loads((tmp_path / "all.json").read_text())
    found = harness.compare(runs, metric="auroc")
    assert found.table["arm"].to_list() == [one["level"]["arm"] for one in stored["contrasts"]]
    for column in ("value", "low", "high", "p_holm"):
        expected = [float("nan") if one[column] is None else one[column] for one in stored["contrasts"]]
        assert found.table[column].to_list() == pytest.approx(expected, nan_ok=True)
    by_arm = harness.compare(runs[:1], group_by="arm", baseline="few-shot", metric=["auroc"])
    assert set(by_arm.table["baseline"]) == {"few-shot"}


def test_nothing_of_a_run_is_markup_in_a_notebook(tmp_path: Path) -> None:
    claim = {"text": "<script>x</script>", "metric": "accuracy", "level": {"arm": "greedy"}}
    run = harness.run(Sure(), runs=tmp_path, claims=[{**claim, "relation": "above", "value": 0.5}], **FEW)
    html = run._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;x&lt;/script&gt;" in html
    assert "a dry run" in html
    assert "accuracy" in html
    assert len(html) < 5000
    assert "<th" in harness.load_runs(tmp_path)._repr_html_()
