"""The W&B tracker against a server on loopback: what arrives, and what happens when the server fails."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.tracking.wandb import Wandb
from tests.support.wandb_stub import KEY, WandbServer
from tests.unit.tracking.test_tracking import begun, no_settings_of_the_users, read_back, track

__all__ = ["no_settings_of_the_users"]


@pytest.fixture
def server(no_settings_of_the_users: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    import wandb

    wandb.teardown()  # its service remembers the address of the server that it first met
    with WandbServer() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
        yield server
        wandb.teardown()


def tracker(**settings: str) -> Wandb:
    return Wandb(init_timeout=5, finish_timeout=5, **settings)  # type: ignore[arg-type]


def test_a_run_arrives_whole(server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    track(tracker(group="grid"), tmp_path / "run")
    run = server.runs["abc12345"]
    assert run.state == "finished"
    assert (run.settings["groupName"], run.settings["jobType"], run.settings["project"]) == (
        "grid", "pTrue", "self-evaluation",
    )  # fmt: skip
    assert run.settings["tags"] == ["smollm2", "facts"]
    assert run.config["seed"]["value"] == 3
    assert [row["progress/items"] for row in run.history if "progress/items" in row] == [4, 9]
    assert (run.summary["auroc/few-shot/low"], run.summary["auroc/few-shot/high"]) == (0.5, 1)
    (whole,) = [a for a in server.artifacts.values() if a["name"] == "run-abc12345"]
    assert (whole["state"], whole["files"]) == ("COMMITTED", {"manifest.json"})
    assert KEY not in capsys.readouterr().err


def test_errors_and_a_server_that_asks_for_patience_lose_nothing(server: WandbServer, tmp_path: Path) -> None:
    server.fail("filestream", 500)
    server.fail("filestream", 429, Retry_After="1")
    track(Wandb(init_timeout=5, finish_timeout=90), tmp_path / "run")
    assert server.statuses("filestream")[:2] == [500, 429]
    run = server.runs["abc12345"]
    assert [row["progress/items"] for row in run.history if "progress/items" in row] == [4, 9]
    assert (run.state, run.summary["auroc/few-shot"]) == ("finished", 0.75)


def test_a_key_that_is_refused_leaves_an_offline_run(
    server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for operation in ("UpsertBucket", "Viewer", "RunResumeStatus"):
        server.fail(operation, 401, times=50)
    track(tracker(), tmp_path / "run")
    shown = capsys.readouterr().err
    reason, later = (line for line in shown.splitlines() if "W&B" in line)
    assert "cannot be reached" in reason
    assert "wandb sync" in later
    assert KEY not in shown
    assert read_back(tmp_path / "run", "--summary")["summary"]["auroc/few-shot"] == 0.75


def test_a_server_that_goes_in_the_middle_stops_the_run_no_longer_than_its_timeout(
    server: WandbServer, tmp_path: Path
) -> None:
    one = Wandb(init_timeout=5, finish_timeout=2)
    one.start(begun(tmp_path, run_id="gone"))
    server.kill()
    one.progress({"items": 1})
    begin = time.monotonic()
    one.abort()
    assert time.monotonic() - begin < 8
    assert list(tmp_path.glob("wandb/run-*/run-gone.wandb"))


def test_a_run_gone_on_with_repeats_no_step(server: WandbServer, tmp_path: Path) -> None:
    track(tracker(), tmp_path / "run")
    first = list(server.runs["abc12345"].steps)
    time.sleep(1.1)  # wandb names folders by the second
    track(tracker(), tmp_path / "run")
    assert list(server.runs) == ["abc12345"]
    steps = server.runs["abc12345"].steps
    assert steps == list(range(2 * len(first)))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was not tracked."""
    folder = tmp_path_factory.mktemp("finished")
    words = ["experiment=pTrue", "experiment.arms=[zero-shot]", "engine=fake", "tracker=none", "replicates=20"]
    assert main(["run", *words, "max_failed=1", "limit=8", f"runs={folder}/runs", f"store={folder}/store"]) == 0
    (run,) = (folder / "runs/pTrue").iterdir()
    return run


def test_sync_sends_a_run_that_was_never_tracked_under_its_own_id(
    server: WandbServer, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["wandb", "sync", str(finished), "--group", "late", "--project", "mine"]) == 0
    shown = capsys.readouterr()
    assert "1 of 1 run sent" in shown.out
    assert KEY not in shown.out + shown.err
    manifest = json.loads((finished / "manifest.json").read_text())
    (name,) = server.runs
    run = server.runs[name]
    assert (name, run.state) == (manifest["run_id"], "finished")
    assert (run.settings["groupName"], run.settings["project"], run.settings["jobType"]) == ("late", "mine", "pTrue")
    estimates = json.loads((finished / "estimates.json").read_text())
    assert run.config["model"]["value"]["name"] == manifest["model"]["name"] == "fake:smollm2"
    claimed = {claim["metric"] for claim in manifest["config"]["claims"]} | {"accuracy"}
    for e in estimates:
        key = "/".join([e["metric"], *e["level"].values()])
        sent = tuple(run.summary.get(f"{key}{part}") for part in ("", "/low", "/high"))
        assert sent == ((e["value"], e["low"], e["high"]) if e["metric"] in claimed else (None, None, None))
    assert run.summary["numbers"]["nrows"] == len(estimates)
    assert len([key for key in run.summary if key.startswith("claims/")]) == len(manifest["config"]["claims"])
    (whole,) = [a for a in server.artifacts.values() if a["name"] == f"run-{name}"]
    assert {"manifest.json", "outcomes.parquet", "estimates.json", "calls.jsonl"} <= whole["files"]
    assert all(a["state"] == "COMMITTED" for a in server.artifacts.values())
    assert any(key.startswith("charts/reliability") for key in run.summary)


def test_sync_says_which_runs_were_not_sent_and_why(
    server: WandbServer, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs/half").mkdir(parents=True)
    (tmp_path / "runs/half/manifest.json").write_text('{"status": "running"}')
    assert main(["wandb", "sync", str(tmp_path / "runs")]) == 1
    assert "the run has no results (its process died); run its command again" in capsys.readouterr().err
    for operation in ("UpsertBucket", "Viewer", "RunResumeStatus"):
        server.fail(operation, 401, times=50)
    offline = list(finished.glob("wandb/offline-run-*"))
    assert main(["wandb", "sync", str(finished)]) == 1
    assert f"{finished} was not sent: W&B could not start" in capsys.readouterr().err
    assert list(finished.glob("wandb/offline-run-*")) == offline


def test_sync_notices_data_that_the_server_refused(
    server: WandbServer, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.fail("filestream", 404, times=50)
    assert main(["wandb", "sync", str(finished)]) == 1
    assert "the server still has the run as running" in capsys.readouterr().err


def test_sync_wants_a_key_and_leave_to_send(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    assert main(["wandb", "sync", str(finished)]) == 2
    assert "set WANDB_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert main(["wandb", "sync", str(finished)]) == 2
    assert "WANDB_MODE=offline keeps" in capsys.readouterr().err
