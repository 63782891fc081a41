"""A model whose files are written anew: a kept engine is loaded again, and a run under way says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness import Experiment, Item, Outcome, Probability, Prompt, Subject
from harness.config import Job, load_job
from harness.engines.fake.engine import Fake, FakeEngine, dry_run
from harness.engines.pool import EnginePool
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.execution.staging import Actor, Stage
from harness.models.model import Model
from tests.support.tiny_models import save_tiny

HERE = "tests.unit.execution.test_changed_files"


@dataclass(frozen=True, kw_only=True)
class AskedOutcome(Outcome):
    """One probability."""

    p: Probability


@dataclass(frozen=True, kw_only=True)
class Ask(Experiment):
    """Yes or no. `during` is a folder in which another model is saved in the middle of the run."""

    during: str = ""
    outcome: ClassVar = AskedOutcome
    metrics: ClassVar = ()

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> AskedOutcome:
        found = await subject.choose(Prompt.user("Q?", "A:"), {"yes": [" Y"], "no": [" N"]})
        if self.during:
            save_tiny(Path(self.during), "llama", scale=4.0)
        return AskedOutcome(arm="x", p=Probability(found.p["yes"]))


def job(folder: Path, runs: Path, *more: str) -> Job:
    words = [
        f"experiment={HERE}:Ask",
        "engine=transformers",
        "model=hub",
        f"model.source={folder}",
        "model.style=plain",
    ]
    return load_job([*words, "limit=2", "task=arithmetic", "tracker=none", f"runs={runs}", *more])


def probability(run: Path) -> float:
    from harness.outcomes import Table

    return float(Table.load(run / "outcomes.parquet").columns["p"][0])


def test_a_kept_engine_whose_files_have_changed_is_loaded_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, pool = save_tiny(tmp_path / "model", "llama"), EnginePool()
    first = execute(job(folder, tmp_path / "a"), pool)
    second = execute(job(folder, tmp_path / "b"), pool)
    assert first.engine == second.engine
    save_tiny(folder, "llama", scale=5.0)
    third = execute(job(folder, tmp_path / "c"), pool)
    pool.close()
    fresh = execute(job(folder, tmp_path / "d", f"store={tmp_path / 'empty'}"))
    assert third.engine == fresh.engine != first.engine
    p = [probability(session.run.path) for session in (first, second, third, fresh)]
    assert p[0] == p[1]
    assert p[2] == p[3] != p[0]
    assert "changed since it was loaded; it is loaded again" in capsys.readouterr().err
    assert third.changed == []


def test_a_run_tells_that_files_changed_under_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = save_tiny(tmp_path / "model", "llama")
    session = execute(job(folder, tmp_path / "runs", f"+experiment.during={folder}"))
    assert session.status == "finished"
    manifest = json.loads((session.run.path / "manifest.json").read_text())
    assert "subject: model.safetensors" in manifest["changed_files"]
    assert "changed while the run went on: subject: " in capsys.readouterr().err


def test_a_model_that_is_another_one_at_its_next_turn_is_refused() -> None:
    actor = Actor(Stage(EnginePool()), (Fake(), Model(source="/m")))
    actor.enter(FakeEngine(dry_run, "one"))
    actor.leave()
    actor.enter(FakeEngine(dry_run, "one"))
    with pytest.raises(HarnessError, match=r"m was loaded, and is another engine than it was .*: model one -> other"):
        actor.enter(FakeEngine(dry_run, "other"))
