"""Wraps an engine and records every call and reply. Some replies can be supplied in advance."""

from __future__ import annotations

from collections.abc import Mapping

from harness.calls.calls import Call, Generate, Reply, call_key
from harness.engines.base import Engine
from harness.store.segments import Origin
from harness.store.store import Store


class Recorder:
    """Answers as its engine does, or from its store; attributes as `engines.base.Engine`.

    A subject that is to be listened to needs an empty store of its own: what it finds there never comes here.

    Args:
        store: the store in which answers are looked up and kept.
        origin: whose answers they are.
        given: replies that go before the engine's own.

    Attributes:
        heard: every call asked so far, with its reply.
    """

    def __init__(self, engine: Engine, store: Store, origin: Origin, given: Mapping[Call, Reply] | None = None) -> None:
        self.identity = engine.identity
        self.tokenizer = engine.tokenizer
        self.can = engine.can
        self.context = engine.context
        self.capacity = engine.capacity
        self.layers, self.heads = engine.layers, engine.heads
        self.parameters = engine.parameters
        self.snapshot = engine.snapshot
        self.usage = engine.usage
        self.heard: dict[Call, Reply] = {}
        self._engine = engine
        self._store = store
        self._origin = origin
        self._given = given or {}

    async def answer(self, call: Call) -> Reply:
        """The reply to one call.

        Raises:
            HarnessError: as the engine and the store do.
        """
        key = call_key(self._origin.identity, call)
        reply = self._given.get(call) or self._store.get(key, self._origin)
        if reply is None:
            reply = await self._store.once(key, self._origin, lambda: self._engine.answer(call))
        self.heard[call] = reply
        return reply

    def close(self) -> None:
        """Closes the engine."""
        self._engine.close()


def sampled(call: Call) -> bool:
    """Whether a reply was drawn by chance."""
    return isinstance(call, Generate) and call.sampling.temperature > 0
