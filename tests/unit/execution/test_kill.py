"""Real runs killed at random moments: same outcomes, nothing asked twice. The long version is scripts/bench_kill.py."""

import json
import runpy
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.outcomes import ItemResult, Outcome, Probability, Table
from tests.unit.store.test_store import filled

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "bench_kill.py"


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    answer: str
    p: Probability
    correct: bool


def test_four_kills_lose_nothing_and_repeat_nothing() -> None:
    words = [sys.executable, str(SCRIPT), "--kills", "4", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr
    tally: dict[str, Any] = json.loads(done.stdout)
    assert sum(tally["kills"].values()) == 4
    assert tally["gone_on"] >= 1
    assert tally["calls"] > 150
    assert (tally["repeated"], tally["missing"], tally["different"]) == (0, 0, 0)


def test_the_count_sees_what_is_repeated_missing_or_different(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The script's own arithmetic, on "runs" that leave known records and outcomes.
    script = runpy.run_path(str(SCRIPT))
    runs = iter([(range(1, 5), b"right"), (range(1, 5), b"right"), (range(2, 5), b"wrong")])
    twice = iter([range(0), range(3, 5), range(0)])

    def finish(_: list[str], folder: Path) -> float:
        numbers, outcomes = next(runs)
        filled(folder / "store", numbers)
        filled(folder / "store", next(twice))
        (folder / "pTrue" / "run").mkdir(parents=True)
        (folder / "pTrue" / "run" / "outcomes.parquet").write_bytes(outcomes)
        return 1.0

    measure = script["measure"]
    monkeypatch.setitem(measure.__globals__, "finish", finish)
    monkeypatch.setitem(measure.__globals__, "kill", lambda *_: True)
    tally = measure([], 8, tmp_path, script["random"].Random(0))
    assert (tally.calls, tally.gone_on) == (4, 2)
    assert (tally.repeated, tally.missing, tally.different) == (2, 1, 1)
    assert tally.kills == Counter({"before the first call": 8})


def test_noise_is_allowed_in_numbers_only(tmp_path: Path) -> None:
    same = runpy.run_path(str(SCRIPT))["same"]

    def saved(name: str, p: float, answer: str, correct: bool) -> Path:
        row = Row(arm="a", answer=answer, p=Probability(p), correct=correct)
        Table.build(Row, [ItemResult("i", "g", (row,))]).save(tmp_path / name)
        return tmp_path / name

    first = saved("first", 0.5, "x", True)
    assert same(first, saved("equal", 0.5, "x", True), 0.0)
    assert same(first, saved("close", 0.50005, "x", True), 1e-4)
    for other in (("close", 0.50005, "x", True), ("far", 0.51, "x", True)):
        assert not same(first, saved(*other), 0.0 if other[0] == "close" else 1e-4)
    assert not same(first, saved("words", 0.5, "y", True), 1e-4)
    assert not same(first, saved("label", 0.5, "x", False), 1e-4)
