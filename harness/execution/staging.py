"""Loads models when they are first asked: all of a run beside one another, or one at a time.

A question to a model that is not loaded waits. Where the models have room beside one another, the load begins when
every question that is being answered has its answer: two models must not take memory at the same time. Where there is
room for one only, the loaded model goes on until it has nothing left to answer, and no new question has come for a
moment. Then it is closed, and the model with the most waiting questions is loaded. All items are in flight together, so
that a run changes models as often as its protocol changes speakers, and not once an item: asking and then judging takes
two loads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from harness.calls.calls import Call, Reply
from harness.console import log
from harness.engines.base import Engine, Usage
from harness.engines.facts import Facts
from harness.engines.pool import EnginePool, Wanted
from harness.errors import HarnessError
from harness.models.snapshot import Snapshot

QUIET = 0.2
"""Seconds without a question after which the loaded model's turn is over. A change of models takes far longer."""

UNKNOWN = 1 << 40
"""The context of a model before it is loaded for the first time; prompts that do not fit are found at the load."""


class Stage:
    """Loads models, and holds the questions that wait for them.

    Args:
        together: the models that have room beside one another; None where there is room for one.

    Attributes:
        loads: names of the models in the order in which they were loaded.
    """

    def __init__(self, pool: EnginePool, together: Collection[Wanted] | None = None) -> None:
        self.loads: list[str] = []
        self.alone = together is None
        self.together = together
        self._pool = pool
        self._on: set[Actor] = set()
        self._waiting: dict[Actor, list[asyncio.Future[None]]] = {}
        self._in_flight = 0
        self._timer: asyncio.TimerHandle | None = None
        self._load: asyncio.Task[None] | None = None

    def enter(self, actor: Actor, engine: Engine) -> None:
        """Takes a model that is loaded already."""
        actor.enter(engine)
        self._on.add(actor)
        self.loads.append(actor.wanted[1].name)

    @asynccontextmanager
    async def turn(self, actor: Actor) -> AsyncIterator[None]:
        """Waits until the actor's model is loaded, and keeps it loaded meanwhile."""
        # If models stay loaded, nobody goes on while another waits for its load, because a load waits for silence.
        if actor in self._on and (self.alone or not any(self._waiting.values())):
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
        """Starts to wait for quiet where the loaded models have nothing to do and another one has."""
        if self._timer is not None:
            self._timer.cancel()
        idle = not self._in_flight and self._load is None and any(self._waiting.values())
        quiet = QUIET if self.alone else 0
        self._timer = asyncio.get_running_loop().call_later(quiet, self._change) if idle else None

    def _change(self) -> None:
        """Loads the model for which most questions wait; lets those go on whose models are loaded."""
        self._waiting = {actor: [p for p in places if not p.done()] for actor, places in self._waiting.items()}
        absent = {actor: len(places) for actor, places in self._waiting.items() if places and actor not in self._on}
        if absent:
            self._load = asyncio.get_running_loop().create_task(self._bring(max(absent, key=lambda a: absent[a])))
            return
        self._release()

    def _release(self) -> None:
        """Lets those go on whose models are loaded."""
        for actor in self._on:
            places = [place for place in self._waiting.pop(actor, []) if not place.done()]
            self._in_flight += len(places)
            for place in places:
                place.set_result(None)

    async def _bring(self, actor: Actor) -> None:
        try:
            if self.together is None:
                for other in self._on:
                    other.leave()
                self._on.clear()
                log(f"one model at a time: now {actor.wanted[1].name}")
            self._pool.keep_only([actor.wanted] if self.together is None else self.together)
            # Shielded: a caller that gives up must not end a load that others wait for.
            self.enter(actor, await asyncio.shield(asyncio.wrap_future(self._pool.begin(actor.wanted))))
        except Exception as error:
            for place in self._waiting.pop(actor, []):
                if not place.done():
                    place.set_exception(error)
        finally:
            self._load = None
        if self.alone:
            self._release()
        self._look()


class Actor:
    """Stands for a model that is loaded when it is first asked; see `harness.engines.base.Engine`.

    Its identity and limits are those known before, or from its first load on. `arrive` waits for that load.

    Args:
        stage: loads it.
        facts: facts about it that are known without a load; None without any.
        refusal: why it is never loaded, where only stored calls can be answered; "" where it can be.

    Attributes:
        known: whether its identity and limits are known.
        loaded: whether it has been loaded in this run.

    Raises:
        HarnessError: the tokenizer of the model cannot be read.
    """

    identity: dict[str, str]
    capacity: int
    layers: int | None
    heads: int | None
    parameters: int | None
    snapshot: Snapshot

    def __init__(self, stage: Stage, wanted: Wanted, facts: Facts | None = None, refusal: str = "") -> None:
        settings, model = wanted
        self.wanted, self.can, self.tokenizer = wanted, settings.can, settings.tokenizer(model)
        self.context, self.snapshot = UNKNOWN, Snapshot()
        self._past = Usage()
        self._stage = stage
        self._refusal = refusal
        self._engine: Engine | None = None
        self._facts: Facts | None = None
        self.loaded = False
        if facts is not None:
            self._learn(facts)

    @property
    def known(self) -> bool:
        return self._facts is not None

    @property
    def usage(self) -> Usage:
        """The work of the model in all its turns."""
        return self._past.plus(self._engine.usage) if self._engine is not None else self._past

    async def arrive(self) -> None:
        """Waits until the model's identity and limits are known."""
        if not self.known:
            async with self._stage.turn(self):
                pass

    async def answer(self, call: Call) -> Reply:
        """The reply to one call, once the model is loaded.

        Raises:
            HarnessError: as the engine does; the model cannot be loaded, or is another one than was known.
        """
        if self._refusal:
            end = self.tokenizer.decode(call.prompt[-20:])
            raise HarnessError(
                f"a call that was never answered: {type(call).__name__} after {len(call.prompt)} prompt tokens that "
                f"end in {end!r}; {self._refusal}"
            )
        async with self._stage.turn(self):
            assert self._engine is not None
            return await self._engine.answer(call)

    def enter(self, engine: Engine) -> None:
        """Takes the loaded engine.

        Raises:
            HarnessError: it is another one than was known: answers were looked up that are not its own.
        """
        facts = Facts.of(engine)
        if self._facts is not None and (others := self._facts.differences(facts)):
            raise HarnessError(
                f"{self.wanted[1].name} was loaded, and is another engine than it was when it was last loaded with "
                f"these settings: {'; '.join(others)}. Nothing was kept under a wrong name, and the new one is "
                "remembered: run the same command again"
            )
        self._learn(facts)
        self.snapshot = engine.snapshot
        self._engine, self.loaded = engine, True

    def leave(self) -> None:
        """Lets the engine go, and keeps account of its work."""
        if self._engine is not None:
            self._past = self.usage
        self._engine = None

    def close(self) -> None:
        """Nothing: the pool closes engines."""

    def _learn(self, facts: Facts) -> None:
        self._facts, self.identity = facts, dict(facts.identity)
        self.context, self.capacity = facts.context, facts.capacity
        self.layers, self.heads, self.parameters = facts.layers, facts.heads, facts.parameters
