"""What tests share: an experiment run on a fake engine of known distribution."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from harness.calls.calls import Call, Capability, Reply
from harness.engines.fake.engine import CAN, FakeEngine, Replies, WordTokenizer, dry_run
from harness.errors import EngineDied
from harness.execution.runner import ask_all
from harness.experiment import Experiment
from harness.items import Item
from harness.models.model import Model
from harness.outcomes import Table
from harness.prompting.rendering import Renderer
from harness.prompting.tokens import Tokenizer
from harness.runs.finished import Finished
from harness.store.store import Store
from harness.subject.subject import Subject
from harness.tasks.base import Split

_FOLDERS = tempfile.TemporaryDirectory()
"""Stores of subjects that need no folder of their own; gone when the tests end."""


def fake_subject(replies: Replies, seed: int = 0, folder: Path | None = None, judge: Subject | None = None) -> Subject:
    """A subject whose distribution of replies to a prompt text is known, and which is its own judge or has another."""
    engine = FakeEngine(replies)
    store = Store(folder or Path(tempfile.mkdtemp(dir=_FOLDERS.name)))
    subject = Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), store, seed)
    return replace(subject, players={"judge": (judge or subject,)})


@dataclass(frozen=True, kw_only=True)
class Dying:
    """Settings of an engine that stops after some calls: `engine._target_=tests.support.helpers.Dying`."""

    can: ClassVar[frozenset[Capability]] = CAN
    has_weights: ClassVar[bool] = False
    gpus: ClassVar[int] = 0

    after: int
    delay: float = 0.0

    def tokenizer(self, model: Model) -> Tokenizer:
        return WordTokenizer()

    def load(self, model: Model) -> FakeEngine:
        """The dry-run engine of `engine=fake`, with an end."""
        engine = FakeEngine(dry_run, f"fake:{model.name}")
        answer = engine.answer

        async def dying(call: Call) -> Reply:
            if engine.usage.calls >= self.after:
                raise EngineDied("the engine stopped: RuntimeError: out of memory")
            return await answer(call)

        engine.answer = dying  # type: ignore[method-assign]
        return engine


def simulate(
    experiment: Experiment, items: Sequence[Item], replies: Replies, train: Sequence[Item] = (), seed: int = 0
) -> tuple[Table, list[Finished]]:
    """Runs prepare and every protocol on a fake engine; gives the table of outcomes and the transcripts."""

    async def run() -> list[Finished]:
        subject = fake_subject(replies, seed)
        return await ask_all(experiment, Split(tuple(items), tuple(train), ""), subject, window=8)

    finished = asyncio.run(run())
    return experiment.table([f.result for f in finished]), finished


def needed(experiment: str) -> list[str]:
    """The overrides without which an experiment does not compose: a second opinion is about the answers of some run."""
    return ["task.run=runs/some/run"] if experiment == "secondOpinion" else []
