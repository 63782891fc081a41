"""The study of thinking: each experiment after no thought and after the model's own, compared within one run."""

import json
from pathlib import Path

import pytest

from harness.cli.main import main


def test_every_claim_compares_what_was_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The model is surer of its answers where it has thought, and no more often right."""
    words = ["study=thinking", "engine=fake", "engine._target_=tests.support.thinking_engine.Reflects", "limit=12"]
    assert main(["run", *words, "tracker=none", "replicates=50", f"runs={tmp_path}"]) == 0
    out = capsys.readouterr().out
    assert "no thought before its answer" not in out
    verdicts = next(json.loads(file.read_text()) for file in tmp_path.glob("studies/*/verdicts.json"))
    told = {verdict["text"]: verdict for verdict in verdicts}
    assert len(told) == 6
    assert not [one["reason"] for one in told.values() if "the run has no" in one["reason"]]
    # No answer is right, and it says so with 0.9 of 0.98 in place of 0.6.
    (brier,) = (one for text, one in told.items() if text.startswith("P(True) is a better forecast"))
    assert brier["measured"]["value"] == pytest.approx((0.9 / 0.98) ** 2 - (0.6 / 0.98) ** 2)
    assert brier["measured"]["n"] == 12
    (stated,) = (one for text, one in told.items() if text.startswith("Stated confidence is better calibrated"))
    assert stated["measured"]["value"] == pytest.approx(0.3)
    for experiment in ("pTrue", "mcCalibration", "verbalizedConfidence", "selfCorrection"):
        (file,) = tmp_path.glob(f"{experiment}/*/manifest.json")
        manifest = json.loads(file.read_text())
        assert (manifest["status"], manifest["items_failed"]) == ("finished", 0)
        assert manifest["thoughts"]["closed"] >= 12
    (page,) = tmp_path.glob("studies/*/report.html")
    html = page.read_text(encoding="utf-8")
    assert html[html.index('id="thoughts"') : html.index('id="cost"')].count("<td>the subject</td>") == 4
