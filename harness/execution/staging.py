"""One model at a time: several models answer one run although only one of them is loaded.

A question to a model that is not loaded waits. When the loaded model has nothing left to answer, and no new question
has come for a moment, it is closed and the model for which most questions wait is loaded. All items are in flight
together, so that a run changes models as often as its protocol changes speakers, and not once an item: asking and then
judging takes two loads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.calls.calls import Call, Capability, Reply
from harness.console import log
from harness.engines.base import Engine, Usage
from harness.engines.pool import EnginePool, Wanted
from harness.errors import HarnessError
from harness.models.snapshot import Snapshot
from harness.prompting.tokens import Tokenizer

QUIET = 0.2
"""Seconds without a question after which the loaded model's turn is over. A change of models takes far longer."""


class Stage:
    """Holds one loaded model, and the questions that wait for the others.

    Attributes:
        loads: names of the models in the order in which they were loaded.
    """

    def __init__(self, pool: EnginePool) -> None:
        self.loads: list[str] = []
        self._pool = pool
        self._on: Actor | None = None
        self._waiting: dict[Actor, list[asyncio.Future[None]]] = {}
        self._in_flight = 0
        self._turn: asyncio.TimerHandle | None = None

    def begin(self, actor: Actor) -> Actor:
        """Loads the model that has the first turn.

        Raises:
            HarnessError: it cannot be loaded.
        """
        self._load(actor)
        return actor

    @asynccontextmanager
    async def turn(self, actor: Actor) -> AsyncIterator[None]:
        """Waits until the actor's model is loaded, and keeps it loaded meanwhile."""
        if actor is self._on:
            self._in_flight += 1
        else:
            place = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(actor, []).append(place)
            self._look()
            try:
                await place
            except asyncio.CancelledError:
                # Cancelled while the model came: the turn had been counted already.
                self._in_flight -= place.done() and not place.cancelled()
                self._look()
                raise
        try:
            yield
        finally:
            self._in_flight -= 1
            self._look()

    def _look(self) -> None:
        """Starts to wait for quiet where the loaded model has nothing to do and another one has."""
        if self._turn is not None:
            self._turn.cancel()
        idle = not self._in_flight and any(self._waiting.values())
        self._turn = asyncio.get_running_loop().call_later(QUIET, self._change) if idle else None

    def _change(self) -> None:
        waiting = {actor: [p for p in places if not p.done()] for actor, places in self._waiting.items()}
        actor = max(waiting, key=lambda one: len(waiting[one]), default=None)
        if self._in_flight or actor is None or not waiting[actor]:
            return
        try:
            self._load(actor)
        except BaseException as error:
            for place in waiting[actor]:
                place.set_exception(error)
            self._waiting = waiting | {actor: []}
            return
        self._in_flight = len(waiting[actor])
        self._waiting = waiting | {actor: []}
        for place in waiting[actor]:
            place.set_result(None)

    def _load(self, actor: Actor) -> None:
        if self._on is not None:
            self._on.leave()
        self._on = None
        self._pool.keep_only([actor.wanted])
        _, model = actor.wanted
        log(f"one model at a time: now {model.name}")
        actor.enter(self._pool.get(actor.wanted))
        self._on = actor
        self.loads.append(model.name)


class Actor:
    """Stands for a model that is loaded only when it is its turn; see `harness.engines.base.Engine`.

    Its identity, tokenizer and limits are known from the first turn on and stay. `arrive` waits for that turn.

    Attributes:
        known: whether it has had a turn.
    """

    identity: dict[str, str]
    tokenizer: Tokenizer
    can: frozenset[Capability]
    context: int
    capacity: int
    layers: int | None
    parameters: int | None
    snapshot: Snapshot

    def __init__(self, stage: Stage, wanted: Wanted) -> None:
        self.wanted = wanted
        self._past = Usage()
        self._stage = stage
        self._engine: Engine | None = None
        self.known = False

    @property
    def usage(self) -> Usage:
        """What the model has done in all its turns."""
        return self._past.plus(self._engine.usage) if self._engine is not None else self._past

    async def arrive(self) -> None:
        """Waits until the model has been loaded once."""
        if not self.known:
            async with self._stage.turn(self):
                pass

    async def answer(self, call: Call) -> Reply:
        """The reply to one call, once it is this model's turn.

        Raises:
            HarnessError: as the engine does, or the model cannot be loaded.
        """
        async with self._stage.turn(self):
            assert self._engine is not None
            return await self._engine.answer(call)

    def enter(self, engine: Engine) -> None:
        """Takes the loaded engine.

        Raises:
            HarnessError: the model's files have changed since its last turn.
        """
        if self.known and engine.identity != self.identity:
            raise HarnessError(
                f"{self.wanted[1].name} is no longer the model that it was at its last turn, because its files have "
                "changed; run the same command again to ask the one that is there now"
            )
        self.identity, self.tokenizer, self.can = engine.identity, engine.tokenizer, engine.can
        self.context, self.capacity, self.layers = engine.context, engine.capacity, engine.layers
        self.parameters, self.snapshot = engine.parameters, engine.snapshot
        self._engine, self.known = engine, True

    def leave(self) -> None:
        """Lets the engine go, and keeps account of what it did."""
        if self._engine is not None:
            self._past = self.usage
        self._engine = None

    def close(self) -> None:
        """Nothing: the pool closes engines."""
