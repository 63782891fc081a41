"""Rescoring: new numbers over old outcomes, and old calls through a new grader, without a model and without loss."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.config import load_job
from harness.errors import HarnessError
from harness.outcomes import Table

OWN = """
from harness.metrics.columns import Floats, Labels, Probabilities, Weights
from harness.metrics.metric import measure
from harness.metrics.weighted import average


@measure(low=0, high=1, better="lower")
def miss(p: Probabilities, correct: Labels, *, w: Weights) -> Floats:
    return average(w, abs(p.values - correct.values))


def plain(p):
    return p
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a module of one's own and one finished run."""
    (tmp_path / "own_scores.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("own_scores", None)
    words = ["experiment=pTrue", "experiment.arms=[zero-shot]", "engine=fake", "tracker=none", "limit=8"]
    assert main(["run", *words, "replicates=30", "max_failed=1"]) == 0
    return tmp_path


@pytest.fixture
def run(place: Path) -> Path:
    (path,) = (place / "runs/dry/pTrue").iterdir()
    return path


def read(run: Path, name: str) -> Any:
    return json.loads((run / name).read_text())


def values(run: Path) -> dict[str, Any]:
    return {e["metric"]: e["value"] for e in read(run, "estimates.json")}


ADDED = ["+metrics.mine._target_=own_scores.miss", "+metrics.mine.columns=[p,correct]"]


def test_a_metric_of_ones_own_is_added_and_nothing_is_lost(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: (run / name).read_bytes() for name in ("estimates.json", "verdicts.json", "manifest.json")}
    outcomes = (run / "outcomes.parquet").read_bytes()
    old = values(run)
    assert main(["rescore", str(run), *ADDED]) == 0
    out = capsys.readouterr().out
    columns = Table.load(run / "outcomes.parquet").columns
    expected = float(abs(columns["p"] - columns["correct"]).mean())
    assert values(run) == {**old, "mine": pytest.approx(expected, abs=1e-12)}
    assert "mine (zero-shot): none -> " in out
    assert f"{len(old)} numbers are as they were" in out
    (kept,) = run.glob("before-*")
    assert {name: (kept / name).read_bytes() for name in before} == before
    assert (run / "outcomes.parquet").read_bytes() == outcomes
    manifest = read(run, "manifest.json")
    assert manifest["config"]["metrics"]["mine"]["columns"] == ["p", "correct"]
    assert [note["replayed"] for note in manifest["rescored"]] == [False]
    assert "mine" in (run / "report.html").read_text()


def test_the_same_metric_is_taken_by_run(place: Path) -> None:
    words = ["experiment=pTrue", "experiment.arms=[zero-shot]", "engine=fake", "tracker=none", "limit=8", *ADDED]
    assert main(["run", *words, "replicates=30", "max_failed=1", "runs=other", "store=runs/dry/store"]) == 0
    (path,) = (place / "other/pTrue").iterdir()
    assert "mine" in values(path)
    assert read(path, "manifest.json")["store"]["asked"] == 0


def test_new_claims_are_judged_and_a_dry_run_writes_nothing(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    claim = "claims=[{text: mine,metric: brier,level: {arm: zero-shot},relation: below,value: 1.0}]"
    assert main(["rescore", str(run), claim, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "mine: not asked -> undecided" in out  # of 8 groups
    assert "nothing is written" in out
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == left


def test_a_changed_grader_reads_the_stored_answers_again(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from harness import items

    before = values(run)["accuracy"]
    transcripts = [json.loads(line)["item"] for line in (run / "calls.jsonl").read_text().splitlines()]
    monkeypatch.setattr(items.Item, "grade", lambda self, text: items.Grade(text, True))
    assert main(["rescore", str(run), "--replay"]) == 0
    assert before < 1
    assert values(run)["accuracy"] == 1
    assert set(Table.load(run / "outcomes.parquet").columns["correct"]) == {1.0}
    assert [json.loads(line)["item"] for line in (run / "calls.jsonl").read_text().splitlines()] == transcripts
    assert read(run, "manifest.json")["rescored"][0]["replayed"] is True
    assert "accuracy (zero-shot)" in capsys.readouterr().out


def test_what_was_never_asked_cannot_be_replayed(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estimates = (run / "estimates.json").read_bytes()
    assert main(["rescore", str(run), "experiment.draws=6", "experiment.judged=6", "--replay"]) == 2
    assert "a call that was never answered: Generate after" in capsys.readouterr().err
    assert (run / "estimates.json").read_bytes() == estimates
    assert main(["rescore", str(run), "store=elsewhere", "--replay"]) == 2
    assert "no call store elsewhere" in capsys.readouterr().err


def test_bad_input_is_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (
        (["experiment.draws=6"], "it can change what is asked"),
        (["+metrics.mine._target_=own_scores.plain", "+metrics.mine.columns=[p]"], "is no measure"),
        (["+metrics.mine._target_=own_scores.gone"], "cannot import 'own_scores.gone'"),
        (["+metrics.mine.columns=[p]"], "no _target_ names the measure"),
        ([ADDED[0], "+metrics.mine.columns=[p_tru,correct]"], "no column 'p_tru'"),
        ([ADDED[0], "+metrics.mine.columns=[mass,p]"], "column 'p' is a probability"),
        ([ADDED[0], "+metrics.mine.column=[p]"], "metrics.mine.column"),
        (["claims=[{text: x,metric: brie,level: {},relation: above,value: 0}]"], "'brie' does not exist"),
    ):
        assert main(["rescore", str(run), *words]) == 2, words
        err = capsys.readouterr().err
        assert told in err
        assert len(err.splitlines()) == 1
    assert main(["rescore", str(run.parent / "nowhere")]) == 2
    assert main(["rescore", "replicates=3"]) == 2
    (run / "outcomes.parquet").write_bytes(b"PAR1 no")
    assert main(["rescore", str(run)]) == 2
    assert "outcomes.parquet cannot be read" in capsys.readouterr().err
    assert not list(run.glob("before-*"))


def test_outcomes_of_another_version_are_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = Table.load(run / "outcomes.parquet")
    Table(
        {name: kind for name, kind in table.kinds.items() if name != "mass"},
        {name: column for name, column in table.columns.items() if name != "mass"},
    ).save(run / "outcomes.parquet")
    assert main(["rescore", str(run)]) == 2
    assert "has no column 'mass', which metric 'option_mass' reads" in capsys.readouterr().err


def test_a_run_directory_that_cannot_be_written_says_so(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert main(["rescore", str(run)]) == 2
    assert stat.S_ISDIR(run.stat().st_mode)


def test_a_metric_of_a_config_is_checked_with_the_job() -> None:
    with pytest.raises(HarnessError, match=r"metrics\.mine: no _target_"):
        load_job(["+metrics.mine.columns=[p]"])
