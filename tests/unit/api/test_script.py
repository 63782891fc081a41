"""A script that defines an experiment, without a guard: its class is found again while it runs, and named elsewhere."""

import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness import HarnessError
from harness.places.named import named
from tests.unit.api import own

ROOT = Path(__file__).parents[3]

REST = """
import harness

print("begins")
few = {"engine": "fake", "tracker": "none", "limit": 10, "replicates": 20}
runs = [harness.run(Sure(shots=3), seed=seed, **few) for seed in (0, 1)]
again = [harness.load_run(run.path) for run in runs]
print(len(harness.compare(again, metric="accuracy").table), again[0].loaded.job.experiment == Sure(shots=3))
"""


def test_a_script_runs_once_and_compares_what_it_defines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "script.py"
    script.write_text(Path(own.__file__).read_text(encoding="utf-8") + REST)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["begins", "1 True"]
    run = harness.load_run(next(Path("runs/dry/sure").iterdir()))
    assert len(run.outcomes) == 10
    with pytest.raises(
        HarnessError, match=r"'__main__\.Sure' was defined in a script or notebook, which is not the one"
    ):
        assert run.loaded


def test_the_running_script_gives_no_way_to_other_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "imported", subprocess, raising=False)
    with pytest.raises(HarnessError, match="nothing that the running script defines"):
        named("__main__.imported.Popen", "experiment._target_")
