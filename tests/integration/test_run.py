"""Whole runs on the real vLLM and the real small model: killed, gone on with, and repeated."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import harness
from harness.engines.pool import EnginePool
from harness.models.model import LocalModel
from harness.outcomes import Table
from tests.support.stored import stored
from tests.unit.cli.test_cli import run_dir, same_outcomes, wait_for_calls

pytestmark = pytest.mark.engine

P_TRUE = ["limit=6", "experiment.shots=4", "experiment.draws=3", "experiment.judged=3"]
P_TRUE += ["experiment.arms=[few-shot,zero-shot,fixed]"]


def settings(model: LocalModel, runs: Path) -> list[str]:
    """Of a small run of the real engine."""
    common = ["tracker=none", "model=hub", "model.name=smollm2", f"model.source={model.path}", f"runs={runs}"]
    return [*common, "replicates=50", "engine.max_model_len=2048", "engine.kv_cache_gib=0.5"]


def command(model: LocalModel, runs: Path) -> list[str]:
    """A small run of the real engine as a process of its own."""
    return [sys.executable, "-m", "harness", "run", "experiment=pTrue", *P_TRUE, *settings(model, runs)]


@pytest.fixture(scope="module")
def engines() -> Iterator[EnginePool]:
    """Keeps the model loaded from one run to the next."""
    with EnginePool() as pool:
        yield pool


@pytest.fixture(scope="module")
def undisturbed(small_model: LocalModel, engines: EnginePool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    made = harness.run("pTrue", *P_TRUE, *settings(small_model, runs), engines=engines, quiet=True)
    assert made.manifest["status"] == "finished"
    return runs


def test_p_true_leaves_probabilities_and_an_account(undisturbed: Path, small_model: LocalModel) -> None:
    path = run_dir(undisturbed)
    table = Table.load(path / "outcomes.parquet")
    assert len(table) == 6 * 3 * 3
    known = ~np.isnan(table.columns["p"])
    assert known.all()
    assert ((table.columns["mass"][known] > 0.2) & (table.columns["mass"][known] <= 1)).all()
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["engine"]["model"] == small_model.fingerprint
    assert manifest["prompts"]["style"] == "chat"
    assert manifest["usage"]["calls"] == manifest["store"]["asked"] == len(stored(undisturbed))
    assert manifest["engine_busy"] > 0.5
    prompt = json.loads((path / "calls.jsonl").read_text().splitlines()[0])["exchanges"][0]["prompt"]
    assert prompt.startswith("<|im_start|>system\n")
    assert prompt.endswith("<|im_start|>assistant\nAnswer:")


def test_killed_in_the_middle_and_gone_on_with(undisturbed: Path, small_model: LocalModel, tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(small_model, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    wait_for_calls(tmp_path, 25, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = len(stored(tmp_path))
    done = subprocess.run(command(small_model, tmp_path), capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr
    assert "report: " in done.stdout
    keys = stored(tmp_path)
    assert before < len(keys)
    assert len(keys) == len(set(keys)), "an answered call was asked a second time"
    assert sorted(keys) == sorted(stored(undisturbed))
    same_outcomes(run_dir(tmp_path), run_dir(undisturbed))


@pytest.mark.parametrize(
    ("words", "metrics"),
    [
        (["selfCorrection", "limit=4", "experiment.max_tokens=24"], {"delta", "fix_rate", "mcnemar_p"}),
        (["falseBelief", "limit=2", "experiment.arms=[options,no story]"], {"joint_accuracy", "reality_bias"}),
    ],
)
def test_other_experiments_run_on_a_loaded_model(
    small_model: LocalModel, engines: EnginePool, tmp_path: Path, words: list[str], metrics: set[str]
) -> None:
    made = harness.run(*words, *settings(small_model, tmp_path), engines=engines, quiet=True)
    assert json.loads((made.path / "manifest.json").read_text())["items_failed"] == 0
    estimates = json.loads((made.path / "estimates.json").read_text())
    assert metrics <= {e["metric"] for e in estimates}
    assert all(v["kind"] in ("supported", "contradicted", "undecided", "not comparable") and v["reason"]
               for v in json.loads((made.path / "verdicts.json").read_text()))  # fmt: skip
