"""An experiment without YAML: `experiment=module:Class` on the command line, importable from the current folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main
from harness.config import load_job
from harness.errors import HarnessError

ROOT = Path(__file__).parents[3]
SURE = '''
from dataclasses import dataclass
from typing import ClassVar

from harness import Experiment, Item, Metric, Outcome, Prompt, Subject
from harness.metrics.shares import accuracy


@dataclass(frozen=True, kw_only=True)
class Sure(Experiment):
    """Claim: a model answers questions."""

    max_tokens: int = 8

    outcome: ClassVar = None
    metrics: ClassVar = (Metric("accuracy", accuracy, ("correct",)),)

    async def protocol(self, item, subject, fitted):
        text = await subject.generate(Prompt.user(item.fields["question"]), max_tokens=self.max_tokens)
        return Answered(arm="", correct=item.grade(text.text).correct)


@dataclass(frozen=True, kw_only=True)
class Answered(Outcome):
    correct: bool | None


Sure.outcome = Answered
'''
WORDS = ["experiment=mine_sure.sure:Sure", "engine=fake", "tracker=none", "limit=4", "replicates=20"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine_sure").mkdir()
    (tmp_path / "mine_sure" / "sure.py").write_text(SURE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("mine_sure")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def read(place: Path) -> tuple[Path, Any]:
    (run,) = (place / "runs" / "dry" / "sure").iterdir()
    return run, json.loads((run / "manifest.json").read_text())


def test_the_command_runs_it_from_the_current_folder(place: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "harness", "run", *WORDS]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run, manifest = read(place)
    assert run.name.startswith("facts-fake-smollm2-s0-")
    assert (manifest["experiment"], manifest["items_done"]) == ("sure", 4)
    settings = manifest["config"]["experiment"]
    assert (settings["_target_"], settings["max_tokens"]) == ("mine_sure.sure.Sure", 8)
    assert manifest["config"]["claims"] == []


def test_it_is_shown_validated_swept_and_rescored_as_any_other(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "mine_sure.sure:Sure", "engine=fake", "experiment.max_tokens=5"]) == 0
    assert "experiment.max_tokens    5   (default 8)" in capsys.readouterr().out
    assert main(["validate", *WORDS]) == 0
    assert main(["run", *WORDS, "experiment.max_tokens=5", "task=arithmetic", "max_failed=1"]) == 0
    run, manifest = read(place)
    assert run.name.startswith("arithmetic-")
    assert manifest["config"]["experiment"]["max_tokens"] == 5
    claim = "claims=[{text: mine,metric: accuracy,level: {arm: ''},relation: below,value: 1.0}]"
    assert main(["rescore", str(run), claim]) == 0
    assert main(["rescore", str(run), "--replay"]) == 0
    assert [c["text"] for c in read(place)[1]["config"]["claims"]] == ["mine"]
    assert main(["run", "-m", *WORDS, "seed=1,2", "runs=swept"]) == 0
    assert len(list((place / "swept" / "sure").iterdir())) == 2


def test_the_last_choice_holds(place: Path) -> None:
    assert load_job(["experiment=pIK", *WORDS]).name == "sure"
    assert load_job([*WORDS, "experiment=pTrue"]).name == "pTrue"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("mine_sure.sure:Sur", r"experiment\._target_: cannot import 'mine_sure\.sure\.Sur'"),
        ("nowhere.sure:Sure", r"experiment\._target_: cannot import 'nowhere\.sure\.Sure'"),
        ("mine_sure.sure:Answered", r"experiment\.(arm|correct): not set|is no Experiment"),
        ("mine/sure.py:Sure", r"experiment=mine/sure\.py:Sure: give a module and a class of it, as mine\.sure:Sure"),
    ],
)
def test_what_is_no_experiment_is_named(place: Path, word: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        load_job([f"experiment={word}", "engine=fake", "tracker=none"])
