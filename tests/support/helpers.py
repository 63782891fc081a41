"""What tests share: an engine that dies, and what experiments need to compose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.calls.calls import Call, Capability, Reply
from harness.engines.fake.engine import CAN, FakeEngine, WordTokenizer, dry_run
from harness.errors import EngineDied
from harness.models.model import Model
from harness.prompting.tokens import Tokenizer


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


def needed(experiment: str) -> list[str]:
    """The overrides without which an experiment does not compose: a second opinion is about the answers of some run."""
    return ["task.run=runs/some/run"] if experiment == "secondOpinion" else []
