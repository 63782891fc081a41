"""Defines an engine: it answers calls, names its identity, and counts how busy it was."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from typing import Protocol

from harness.calls.calls import Call, Capability, Reply
from harness.errors import HarnessError
from harness.models.model import Model
from harness.models.snapshot import Snapshot
from harness.prompting.tokens import Tokenizer


@dataclass(slots=True)
class Usage:
    """Counts of an engine's work since it was loaded.

    Attributes:
        calls: calls answered.
        prompt_tokens: prompt tokens of those calls, whether computed or found in a prefix cache.
        cached_tokens: prompt tokens found in a prefix cache.
        new_tokens: tokens generated.
        steps: forward passes.
        busy: seconds spent inside the engine's forward passes.
    """

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    new_tokens: int = 0
    steps: int = 0
    busy: float = 0.0

    def plus(self, other: Usage) -> Usage:
        """The sum of two accounts."""
        return Usage(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def since(self, before: Usage) -> Usage:
        """The work since an earlier state of the same account."""
        done = {f.name: getattr(self, f.name) - getattr(before, f.name) for f in fields(self)}
        return Usage(**done)


class Engine(Protocol):
    """A loaded model that answers calls.

    Attributes:
        identity: the loaded model by value: fingerprints of weights and tokenizer, dtype, engine, versions, device.
            Two engines of the same identity give the same replies up to the noise of batching.
        tokenizer: the model's tokenizer.
        can: the calls that it answers exactly; any other raises before it is asked.
        context: the longest prompt plus reply, in tokens.
        capacity: how many calls are worked on at once.
        layers, heads: blocks of the model, and attention heads (of queries) in each; None where its inside is closed.
        parameters: numbers in the weights that were loaded; None where there are none, or they cannot be counted.
        snapshot: the files that were loaded, as they were; without any where the model lies elsewhere.
        usage: running account.
    """

    identity: dict[str, str]
    tokenizer: Tokenizer
    can: frozenset[Capability]
    context: int
    capacity: int
    layers: int | None
    heads: int | None
    parameters: int | None
    snapshot: Snapshot

    @property
    def usage(self) -> Usage: ...

    async def answer(self, call: Call) -> Reply:
        """The reply to one call, batched with the other calls in flight.

        Raises:
            EngineDied: the engine stopped; every later call raises it too.
        """

    def close(self) -> None:
        """Stops the engine and frees its memory."""


class EngineSettings(Protocol):
    """Settings of an engine, as the config names it: a dataclass with all that is known before a model is loaded.

    Attributes:
        can: the calls that the engine can answer at most.
        has_weights: whether it loads the model's weights into this process. Without them, the model is only a name.
        gpus: GPUs that one engine takes where there are any.
    """

    @property
    def can(self) -> frozenset[Capability]: ...

    @property
    def has_weights(self) -> bool: ...

    @property
    def gpus(self) -> int: ...

    def tokenizer(self, model: Model) -> Tokenizer:
        """The tokenizer that a loaded engine would have, without loading the model.

        Raises:
            HarnessError: the model's tokenizer cannot be read.
        """

    def load(self, model: Model) -> Engine:
        """Loads the model.

        Raises:
            HarnessError: the model or a setting is impossible; the message names it.
        """


_INSIDE = "engine=transformers; for the residual stream also engine=vllm, if the experiment's capabilities name it"

WHO_CAN: dict[Capability, str] = {
    "generate": "any engine but none",
    "choose": "engine=vllm, engine=transformers, or engine=server with `vllm serve` and engine.api=completions",
    "score": "engine=vllm, engine=transformers, or engine=server with `vllm serve` and engine.api=completions",
    "choose_at": "engine=transformers",
    "read": _INSIDE,
    "intervene": _INSIDE,
}


def check_capabilities(needed: AbstractSet[Capability], can: AbstractSet[Capability], who: str, engine: str) -> None:
    """Refuses an engine that cannot answer exactly what is needed.

    Raises:
        HarnessError: naming what is lacking and the engines that can.
    """
    for lacking in sorted(needed - can):
        raise HarnessError(
            f"{who} needs an engine that can {lacking!r}, which {engine} cannot do exactly; use {WHO_CAN[lacking]}"
        )
