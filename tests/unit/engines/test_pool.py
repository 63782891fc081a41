"""The pool: one load for each pair of settings and model, and room made for the next."""

from dataclasses import dataclass
from typing import ClassVar

from harness.calls.calls import Capability
from harness.engines.base import Engine
from harness.engines.fake.engine import CAN, FakeEngine, WordTokenizer, dry_run
from harness.engines.pool import EnginePool
from harness.models.model import Model
from harness.prompting.tokens import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Settings that count loads and closes."""

    can: ClassVar[frozenset[Capability]] = CAN
    has_weights: ClassVar[bool] = False
    gpus: ClassVar[int] = 0
    loads: ClassVar[list[str]] = []
    closes: ClassVar[list[str]] = []

    depth: int = 0

    def tokenizer(self, model: Model) -> Tokenizer:
        return WordTokenizer()

    def load(self, model: Model) -> Engine:
        self.loads.append(model.name)
        engine = FakeEngine(dry_run)
        engine.close = lambda: self.closes.append(model.name)  # type: ignore[method-assign]
        return engine


def test_equal_settings_and_model_share_one_engine_and_the_rest_is_closed_when_told() -> None:
    pool = EnginePool()
    a, b = Model(source="/a"), Model(source="/b")
    first = pool.get((Counted(), a))
    assert pool.get((Counted(), Model(source="/a"))) is first
    assert pool.get((Counted(depth=1), a)) is not first
    pool.get((Counted(), b))
    assert Counted.loads == ["a", "a", "b"]
    pool.keep_only([(Counted(), a)])
    assert Counted.closes == ["a", "b"]
    assert pool.find((Counted(), b)) is None
    pool.discard([(Counted(), a)])
    assert pool.get((Counted(), a)) is not first
    pool.close()
    assert Counted.closes == ["a", "b", "a", "a"]
