"""The Trackio tracker with the real package: what it leaves in its database is read back by Trackio's own API."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trackio", reason="the extra 'trackio' is not installed")

# Trackio decides where its databases lie when it is imported: every test has a process of its own.
SCRIPT = """
import json, sys
from pathlib import Path
from harness.tracking.trackio import Trackio
from tests.unit.tracking.test_tracking import begun, track
tracker = Trackio(**json.loads(sys.argv[1]))
{body}
print(json.dumps(tracker.problems))
"""
READ = """
import json, trackio
(run,) = trackio.Api().runs("mine")
from trackio.sqlite_storage import SQLiteStorage
print(json.dumps({"name": run.name, "config": run.config, "logs": SQLiteStorage.get_logs("mine", run.name)}))
"""


def python(script: str, folder: Path, *words: str) -> list[str]:
    env = {**os.environ, "TRACKIO_DIR": str(folder / "trackio"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "ignore", "-c", script, *words]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, timeout=120
    )
    return done.stdout.splitlines()


def test_a_run_holds_settings_numbers_verdicts_and_tables_and_goes_on_with_itself(tmp_path: Path) -> None:
    body = f"track(tracker, Path({str(tmp_path / 'run')!r}))\n"
    settings = json.dumps({"project": "mine", "group": "grid", "tags": ["pilot"], "notes": "why", "stats": False})
    # Nothing of Trackio's own is printed where results go.
    assert python(SCRIPT.replace("{body}", body * 2), tmp_path, settings, "model.hf_token=plant-0451-argument") == [
        "[]"
    ]
    run = json.loads(python(READ, tmp_path)[-1])
    assert run["name"] == "a run"
    known = {key: value for key, value in run["config"].items() if not key.startswith("_")}
    assert known == {
        "seed": "3", "task.name": "facts", "experiment": "pTrue", "model": "smollm2", "task": "facts",
        "run_id": "abc12345", "tags": "pilot", "notes": "why",
    }  # fmt: skip
    points = run["logs"]
    assert [p["progress/items"] for p in points if "progress/items" in p] == [4, 9, 4, 9]
    last = points[-1]
    assert (last["auroc/few-shot"], last["claims/a claim"], last["status"]) == (0.75, "supported", "finished")
    assert [row["value"] for row in last["numbers"]["_value"]] == [0.75, None]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"plant-0451-argument" in path.read_bytes()]


def test_a_server_that_is_not_there_fails_no_run(tmp_path: Path) -> None:
    body = f"track(tracker, Path({str(tmp_path / 'run')!r}))\n"
    settings = json.dumps({"project": "mine", "server": "http://127.0.0.1:9"})
    (problem,) = json.loads(python(SCRIPT.replace("{body}", body), tmp_path, settings)[0])
    assert "Trackio could not start" in problem
