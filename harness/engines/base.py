"""What every engine offers: answers to calls, its identity, and an account of how busy it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from harness.calls import Call, Reply
from harness.models import Model
from harness.tokens import Tokenizer


@dataclass(slots=True)
class Usage:
    """What an engine has done since it was loaded.

    Attributes:
        calls: calls answered.
        prompt_tokens: prompt tokens of those calls, whether computed or found in a prefix cache.
        cached_tokens: those found in a prefix cache.
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


class Engine(Protocol):
    """A loaded model that answers calls.

    Attributes:
        identity: what was loaded, by value: weights and tokenizer fingerprint, dtype, engine, versions, device.
            Two engines of the same identity give the same replies up to the noise of batching.
        tokenizer: the model's tokenizer.
        context: the longest prompt plus reply, in tokens.
        capacity: how many calls are worked on at once.
        usage: running account.
    """

    identity: dict[str, str]
    tokenizer: Tokenizer
    context: int
    capacity: int
    usage: Usage

    async def answer(self, call: Call) -> Reply:
        """The reply to one call, batched with whatever else is in flight.

        Raises:
            EngineDied: the engine stopped; every later call raises it too.
        """

    def close(self) -> None:
        """Stops the engine and frees its memory."""


class EngineSettings(Protocol):
    """Settings of an engine, as the config names it."""

    def load(self, model: Model) -> Engine:
        """Loads the model.

        Raises:
            HarnessError: the model or a setting is impossible; the message names it.
        """
