"""An engine that answers in rounds: everything that is in flight together is answered together."""

from __future__ import annotations

import asyncio

from harness.calls.calls import Call, Reply
from harness.engines.fake.engine import FakeEngine, Replies, dry_intervened

QUIET = 50
"""Passes of the event loop without a new call after which a round is complete; no protocol awaits that many things."""


class Rounds(FakeEngine):
    """A fake engine that lets calls wait until nobody asks anything more, and then answers all of them.

    A protocol whose independent calls are in flight together takes as many rounds as it has dependent steps.

    Attributes:
        sizes: how many calls each round answered.
    """

    def __init__(self, replies: Replies) -> None:
        super().__init__(replies, intervened=dry_intervened)
        self.sizes: list[int] = []
        self._waiting = 0
        self._round: asyncio.Event | None = None

    async def answer(self, call: Call) -> Reply:
        if self._round is None:
            self._round = asyncio.Event()
            self._closing = asyncio.create_task(self._close(self._round))
        self._waiting += 1
        await self._round.wait()
        return await super().answer(call)

    async def _close(self, current: asyncio.Event) -> None:
        waiting, quiet = 0, 0
        while quiet < QUIET:
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._waiting == waiting else 0
            waiting = self._waiting
        self.sizes.append(waiting)
        self._waiting, self._round = 0, None
        current.set()
