"""The MLflow tracker with the real package and a database file: what it leaves is read back by MLflow's own client."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.tracking.mlflow import Mlflow
from tests.unit.tracking.test_tracking import begun, track

mlflow: Any = pytest.importorskip("mlflow", reason="the extra 'mlflow' is not installed")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)  # MLflow keeps artifacts in the working directory
    return f"sqlite:///{tmp_path}/mlflow.db"


def runs(store: str) -> list[Any]:
    client = mlflow.MlflowClient(tracking_uri=store)
    place = client.get_experiment_by_name("mine")
    return list(client.search_runs([place.experiment_id]))


def test_a_run_holds_settings_numbers_verdicts_tables_and_the_page(store: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/report.html").write_text("<p>page")
    tracker = Mlflow(uri=store, project="mine", group="grid", tags={"phase": "pilot"}, notes="why")
    track(tracker, tmp_path / "run")
    assert tracker.problems == []
    (run,) = runs(store)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "a run")
    assert run.data.params == {"seed": "3", "task.name": "facts"}
    numbers = {"auroc/few-shot": 0.75, "items_done": 11, "items_failed": 1, "seconds/ask": 2.5, "engine_busy": 0.95}
    assert run.data.metrics == numbers | {"progress/items": 9, "progress/calls_per_s": 12}
    tags = {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")}
    assert tags == {
        "run_id": "abc12345", "experiment": "pTrue", "model": "smollm2", "task": "facts", "group": "grid",
        "phase": "pilot", "claims/a claim": "supported",
    }  # fmt: skip
    client = mlflow.MlflowClient(tracking_uri=store)
    history = [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "progress/items")]
    assert sorted(history) == [(4, 4), (9, 9)]
    assert {"report.html", "manifest.json", "numbers.json", "verdicts.json"} == {
        file.path for file in client.list_artifacts(run.info.run_id)
    }
    table = json.loads(Path(client.download_artifacts(run.info.run_id, "numbers.json")).read_text())
    assert [dict(zip(table["columns"], row, strict=True))["value"] for row in table["data"]] == [0.75, None]
    # MLflow's own reader takes the table that its pages show.
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"])[0] == {"path": "numbers.json", "type": "table"}


def test_the_same_job_goes_on_with_its_run(store: str, tmp_path: Path) -> None:
    tracker = Mlflow(uri=store, project="mine")
    tracker.start(begun(tmp_path / "run"))
    tracker.abort()
    assert runs(store)[0].info.status == "FAILED"
    track(tracker, tmp_path / "run")
    track(tracker, tmp_path / "run")
    assert tracker.problems == []
    (run,) = runs(store)
    assert run.info.status == "FINISHED"


def test_names_that_mlflow_refuses_and_long_values_are_no_trouble(store: str, tmp_path: Path) -> None:
    tracker = Mlflow(uri=store, project="mine")
    start = begun(tmp_path / "run", model="m" * 9000)
    config = {f"k{i}": i for i in range(250)} | {"odd(name)=1": "v" * 9000, "nested": {"empty": {}, "list": [1, 2]}}
    tracker.start(replace(start, config=config))
    tracker.abort()
    assert tracker.problems == []
    (run,) = runs(store)
    assert len(run.data.params) == 253
    assert run.data.params["odd_name__1"] == "v" * 500
    assert (run.data.params["nested.empty"], run.data.params["nested.list"]) == ("{}", "[1, 2]")


def test_a_server_that_is_not_there_fails_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tracker = Mlflow(uri="http://127.0.0.1:9", project="mine")
    track(tracker, tmp_path / "run")
    assert "MLflow could not start" in tracker.problems[0]
    assert "the run directory has everything" in capsys.readouterr().err


def test_the_command_line_is_not_recorded(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["harness", "run", "model.template.hf_token=plant-0451-argument"])
    track(Mlflow(uri=store, project="mine"), tmp_path / "run")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"plant-0451-argument" in path.read_bytes()]
