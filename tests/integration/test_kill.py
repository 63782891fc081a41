"""Runs of the real vLLM killed at random moments, start-up included. The long version is scripts/bench_kill.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.models.model import LocalModel

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]


def test_a_kill_loses_nothing_and_repeats_nothing(small_model: LocalModel) -> None:
    assert small_model.path.is_dir()  # converted by now: that is not what is to be interrupted
    words = [sys.executable, "scripts/bench_kill.py", "--engine", "vllm", "--kills", "1", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=900)
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout)
    assert sum(tally["kills"].values()) == 1
    assert tally["calls"] > 50
    assert (tally["repeated"], tally["missing"], tally["different"]) == (0, 0, 0)
