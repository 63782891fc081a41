"""Stands for an engine without a model: every call must be in the store already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from harness.calls.calls import Call, Capability
from harness.engines.base import EngineSettings, Usage
from harness.errors import HarnessError
from harness.models.model import Model
from harness.models.snapshot import Snapshot


class Replay:
    """Stands for an engine that once was loaded, with its identity; see `harness.engines.base.Engine`.

    Args:
        limits: "context" and "layers" as they were; without a context prompts may be of any length.

    Raises:
        HarnessError: the tokenizer of the model cannot be read.
    """

    def __init__(
        self, settings: EngineSettings, model: Model, identity: Mapping[str, str], limits: Mapping[str, Any]
    ) -> None:
        self.identity = dict(identity)
        self.tokenizer = settings.tokenizer(model)
        self.can: frozenset[Capability] = settings.can
        self.context = int(limits.get("context") or 1 << 40)
        self.capacity = 256
        self.layers: int | None = limits.get("layers")
        self.parameters: int | None = None
        self.snapshot = Snapshot()
        self.usage = Usage()

    async def answer(self, call: Call) -> NoReturn:
        """Refuses.

        Raises:
            HarnessError: always; what is asked was never answered.
        """
        tokens = getattr(call, "prompt", ())
        raise HarnessError(
            f"a call that was never answered: {type(call).__name__} after {len(tokens)} prompt tokens that end in "
            f"{self.tokenizer.decode(tokens[-20:])!r}; without a model only what was asked before can be repeated, so "
            "`run` the experiment"
        )

    def close(self) -> None:
        """Nothing was loaded."""
