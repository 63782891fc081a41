"""Verdicts of whole runs: gates are checked before and hold verdicts back after, and all claims are one family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.calibration.p_true.p_true import PTrue
from harness.cli.main import main
from harness.execution import measuring
from harness.statistics.gates import Gate, option_mass

CLAIMS = (
    "claims=[{text: calm,metric: accuracy,level: {arm: zero-shot},relation: below,value: 1.0},"
    "{text: beats,metric: brier_skill,level: {arm: zero-shot},relation: above,value: 0.0},"
    "{text: skilled,metric: brier,level: {arm: zero-shot},relation: below,than_metric: brier_uncertainty},"
    "{text: best,metric: brier,level: {arm: zero-shot},relation: below,than: [{arm: fixed},{arm: fixed brainstorm}]}]"
)
REFERENCE = (
    "references=[{metric: brier,level: {arm: zero-shot},value: 0.3,model: 'fake:smollm2',task: facts,source: s,"
    "certainty: seen,tolerance: 0.5}]"
)
SMALL = (
    "experiment=pTrue", "experiment.arms=[zero-shot,fixed,fixed brainstorm]", "engine=fake", "tracker=none", "limit=30",
    "replicates=100", "max_failed=1", CLAIMS, REFERENCE,
)  # fmt: skip


def ran(*words: str) -> dict[str, Any]:
    assert main(["run", *SMALL, *words]) == 0
    (path,) = Path("runs/dry/pTrue").iterdir()
    return {v["text"]: v for v in json.loads((path / "verdicts.json").read_text())}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def judged_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims are judged as if a model had been asked."""
    monkeypatch.setattr(measuring, "of_dry_run", lambda verdict: verdict)


def test_claims_of_a_dry_run_are_not_judged(capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = ran()
    assert len(verdicts) >= 5
    assert {(v["kind"], v["reason"], v["p"]) for v in verdicts.values()} == {
        ("undecided", "dry run: no model was asked", None)
    }
    assert any(v["measured"] is not None for v in verdicts.values())


@pytest.mark.usefixtures("judged_all_the_same")
def test_the_claims_of_a_run_are_one_family(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PTrue, "gates", ())  # the fake says little of the options
    verdicts = ran()
    published = [v for v in verdicts.values() if v["published"] is not None]
    assert [v["kind_holm"] for v in published] == [None]
    claims = [v for v in verdicts.values() if v["published"] is None]
    tests = [v["p"] for v in claims if v["p"] is not None]
    assert len(tests) >= 2
    least = min(tests)
    assert min(v["p_holm"] for v in claims if v["p"] is not None) == pytest.approx(least * len(tests))
    assert all(v["kind_holm"] in (v["kind"], "undecided") for v in claims)
    assert verdicts["skilled"]["measured"]["metric"] == "brier - brier_uncertainty"
    out = capsys.readouterr().out
    # 100 replicates show no p below .0198, which 3 claims or more make .059.
    assert f"WARNING: 100 replicates of {len(tests)} claims" in out
    (page,) = Path("runs/dry/pTrue").glob("*/report.html")
    text = page.read_text(encoding="utf-8")
    assert "dry run: no model was asked" in text  # whose page has no verdicts
    assert "judged together" not in text


@pytest.mark.usefixtures("judged_all_the_same")
def test_a_gate_holds_back_what_reads_its_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = Gate(metric="option_mass", least=2.0, columns=("p",), why="never so much")
    monkeypatch.setattr(PTrue, "gates", (gate,))
    verdicts = ran()
    held = [v for text, v in verdicts.items() if text != "calm"]
    assert {v["kind"] for v in held} == {"undecided"}
    assert all("held back, option_mass [arm=zero-shot]" in v["reason"] for v in held)
    assert [v["p"] for v in held] == [None] * 4
    assert "held back" not in verdicts["calm"]["reason"]
    out = capsys.readouterr().out
    assert "WARNING: option_mass [arm=" in out
    assert "is below 2 (never so much); verdicts that rest on it are held back" in out


def test_a_gate_on_what_there_is_not_is_refused_before_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(PTrue, "gates", (option_mass(metric="options_mass"),))
    assert main(["run", *SMALL]) == 2
    assert "gate: metric 'options_mass' does not exist, did you mean 'option_mass'" in capsys.readouterr().err
    assert not Path("runs").exists()
