"""No engine, for experiments that ask no model, such as those over published tables and released data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NoReturn

from harness.calls.calls import Call, Capability
from harness.engines.base import Usage
from harness.engines.fake.engine import WordTokenizer
from harness.errors import HarnessError
from harness.models.model import Model
from harness.models.snapshot import Snapshot
from harness.prompting.tokens import Tokenizer


class Nobody:
    """The engine of `engine=none`, which answers nothing; see `harness.engines.base.Engine`."""

    def __init__(self) -> None:
        self.identity = {"engine": "none"}
        self.tokenizer: Tokenizer = WordTokenizer()
        self.can: frozenset[Capability] = frozenset()
        self.context = 1 << 30
        self.capacity = 256
        self.layers: int | None = None
        self.heads: int | None = None
        self.parameters: int | None = None
        self.snapshot = Snapshot()
        self.usage = Usage()

    async def answer(self, call: Call) -> NoReturn:
        """Refuses.

        Raises:
            HarnessError: always; the experiment said that it asks nothing.
        """
        raise HarnessError(
            f"engine=none has no model for a {type(call).__name__}; choose another engine, and let the experiment's "
            "`capabilities` say what it asks"
        )

    def close(self) -> None:
        """Nothing was loaded."""


@dataclass(frozen=True, kw_only=True)
class NoEngine:
    """Settings of `engine=none`: no model is loaded, and the model's settings are only a name in the reports."""

    can: ClassVar[frozenset[Capability]] = frozenset()
    has_weights: ClassVar[bool] = False
    gpus: ClassVar[int] = 0

    def tokenizer(self, model: Model) -> Tokenizer:
        """The one that splits at words; there are no prompts."""
        return WordTokenizer()

    def load(self, model: Model) -> Nobody:
        """An engine that answers nothing."""
        return Nobody()
