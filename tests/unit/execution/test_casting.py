"""Other models as declared parts: who plays them, what is checked before anything loads, and one model at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from harness import Experiment, Item, Outcome, Probability, Prompt, Subject
from harness.calls.calls import Capability
from harness.cli.main import main
from harness.config import Job, load_job
from harness.engines.base import Engine
from harness.engines.fake.engine import CAN, FakeEngine, WordTokenizer, dry_run
from harness.engines.pool import EnginePool
from harness.errors import HarnessError
from harness.execution.execute import execute
from harness.execution.staging import Actor, Stage
from harness.experiment import Part
from harness.models.model import Model
from harness.prompting.tokens import Tokenizer

HERE = "tests.unit.execution.test_casting"


@dataclass(frozen=True, kw_only=True)
class RefinedOutcome(Outcome):
    """Two answers and what judges think of them."""

    first: str
    second: str
    p_first: Probability
    p_second: Probability


@dataclass(frozen=True, kw_only=True)
class Refine(Experiment):
    """The subject answers, a judge says yes or no, the subject answers again, and all judges look at that."""

    parts: ClassVar = {
        "judge": Part(capabilities=frozenset({"choose"})),
        "gold": Part(capabilities=frozenset({"choose"}), stand_in=False, several=True),
    }
    outcome: ClassVar = RefinedOutcome
    metrics: ClassVar = ()

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> RefinedOutcome:
        ask = Prompt.user(f"Question: {item.fields['question']}")
        options = {"yes": [" Yes"], "no": [" No"]}
        first = await subject.generate(ask, max_tokens=4, temperature=1.0)
        found = await subject.role("judge").choose(Prompt.user(f"Is {first.text} right?", "Answer:"), options)
        again = ask.then(first.text, f"A judge says {found.best}.")
        second = await subject.generate(again, max_tokens=4, temperature=1.0)
        asked = Prompt.user(f"Is {second.text} right?", "Answer:")
        gold = await asyncio.gather(*(judge.choose(asked, options) for judge in subject.cast("gold")))
        p = float(np.mean([one.p["yes"] for one in gold]))
        return RefinedOutcome(
            arm="x", first=first.text, second=second.text, p_first=Probability(found.p["yes"]), p_second=Probability(p)
        )


LOADS: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Counting:
    """A fake engine that notes every load and refuses to be loaded beside another one."""

    can: ClassVar[frozenset[Capability]] = CAN
    has_weights: ClassVar[bool] = False
    gpus: ClassVar[int] = 0

    broken: bool = False

    def tokenizer(self, model: Model) -> Tokenizer:
        return WordTokenizer()

    def load(self, model: Model) -> Engine:
        if self.broken:
            raise HarnessError("no room for it")
        LOADS.append(model.name)
        return FakeEngine(lambda prompt: dry_run(model.name + prompt), model.name, delay=0.001)


ROLES = {"judge": "j", "gold.a": "a", "gold.b": "b"}


def role(name: str, model: str) -> list[str]:
    return [f"+model@roles.{name}.model=hub", f"roles.{name}.model.source=/{model}"]


def job(folder: Path, *more: str, roles: Mapping[str, str] = ROLES) -> Job:
    words = [f"experiment={HERE}:Refine", f"engine._target_={HERE}.Counting", "limit=20", "tracker=none"]
    cast = [word for name, model in roles.items() for word in role(name, model)]
    return load_job([*words, f"runs={folder}", *cast, *more])


def columns(folder: Path) -> dict[str, Sequence[Any]]:
    from harness.outcomes import Table

    (file,) = folder.glob("*/*/outcomes.parquet")
    return {name: list(values) for name, values in Table.load(file).columns.items()}


def test_taking_turns_gives_the_same_rows_with_a_load_for_every_change_of_speaker(tmp_path: Path) -> None:
    LOADS.clear()
    both = execute(job(tmp_path / "together"))
    assert (both.code, sorted(LOADS)) == (0, ["a", "b", "j", "smollm2"])
    LOADS.clear()
    turns = execute(job(tmp_path / "turns", "fit=one_at_a_time"))
    assert LOADS == turns.loads == ["smollm2", "j", "smollm2", "a", "b"]
    assert columns(tmp_path / "turns") == columns(tmp_path / "together")
    assert turns.run.path.name == both.run.path.name  # how models fit changes no outcome
    manifest = json.loads((turns.run.path / "manifest.json").read_text())
    assert {name: one["model"] for name, one in manifest["roles"].items()} == ROLES
    assert turns.store is not None
    assert both.store is not None
    assert turns.store["asked"] == both.store["asked"]
    LOADS.clear()
    again = execute(job(tmp_path / "turns", "fit=one_at_a_time"))
    assert again.store is not None
    assert again.store["asked"] == 0


def test_a_run_of_models_that_took_turns_is_replayed_without_loading_any(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = execute(job(tmp_path, "fit=one_at_a_time"))
    LOADS.clear()
    assert main(["rescore", str(session.run.path), "--replay", "--dry-run"]) == 0, capsys.readouterr().err
    assert not LOADS


def test_the_subject_stands_in_and_the_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = execute(job(tmp_path, roles={"gold.a": "a", "gold.b": "b"}))
    assert session.stand_in == ["judge"]
    assert "the subject plays the part 'judge' itself" in capsys.readouterr().err
    assert session.manifest()["stand_in"] == ["judge"]


@pytest.mark.parametrize(
    ("roles", "more", "message"),
    [
        ({}, [], "nobody plays the part 'gold', which the subject must not play itself"),
        ({"juge": "x"}, [], r"no part roles\.juge, did you mean 'judge'\?"),
        (ROLES, ["+roles.judge.model_=1"], r"no setting roles\.judge\.model_, did you mean 'model'\?"),
        ({"gold": "g", "judge.a": "x", "judge.b": "y"}, [], "'judge' is played by one model, given judge.a, judge.b"),
        (ROLES, ["+engine@roles.judge.engine=none"], r"roles\.judge needs an engine that can 'choose'"),
        ({"judge": "j"}, ["experiment=verbalizedConfidence"], "the experiment asks no other model"),
        ({"judge": "j"}, ["experiment=pTrue"], "the experiment asks no other model"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_loads(
    tmp_path: Path, roles: Mapping[str, str], more: list[str], message: str
) -> None:
    LOADS.clear()
    with pytest.raises(HarnessError, match=message):
        job(tmp_path, *more, roles=roles)
    assert not LOADS


def test_a_model_that_cannot_be_loaded_at_its_turn_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    broken = f"roles.judge.engine={{_target_: {HERE}.Counting, broken: true}}"
    with pytest.raises(HarnessError, match="no room for it"):
        execute(job(tmp_path, "fit=one_at_a_time", f"+{broken}"))
    session = execute(job(tmp_path, "fit=one_at_a_time"))
    assert session.store is not None
    assert session.store["shared"] == 20  # the first answers


def test_questions_that_are_given_up_while_they_wait_hold_nobody_up() -> None:
    async def run() -> list[str]:
        pool = EnginePool()
        stage = Stage(pool)
        first, second = (Actor(stage, (Counting(), Model(source=f"/{name}"))) for name in "xy")
        stage.enter(first, pool.get(first.wanted))
        waiting = [asyncio.create_task(second.arrive()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        waiting = [asyncio.create_task(first.arrive()), asyncio.create_task(_turn(stage, first))]
        await asyncio.gather(*waiting)
        return stage.loads

    assert asyncio.run(asyncio.wait_for(run(), 10)) == ["x", "y", "x"]


async def _turn(stage: Stage, actor: Actor) -> None:
    async with stage.turn(actor):
        pass
