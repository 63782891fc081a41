"""Runs an engine in its own thread, which batches the calls that coroutines hand over, and replies."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from harness.calls.calls import Call, Capability, Generate, Reply, Score, Text, capabilities_of
from harness.engines.base import Usage, check_capabilities
from harness.errors import EngineDied, ItemError, named
from harness.models.snapshot import Snapshot
from harness.prompting.tokens import Tokenizer


@dataclass(slots=True, eq=False)
class Job:
    """A call that a coroutine waits for. Any thread may settle it; a coroutine that was cancelled is skipped."""

    call: Call
    future: asyncio.Future[Reply]
    loop: asyncio.AbstractEventLoop

    def settle(self, reply: Reply) -> None:
        """Hands the reply to the caller that waits."""
        self._tell(lambda: None if self.future.done() else self.future.set_result(reply))

    def fail(self, error: Exception) -> None:
        """Fails this call only."""
        self._tell(lambda: None if self.future.done() else self.future.set_exception(error))

    def _tell(self, act: object) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(act)  # type: ignore[arg-type]


class Worker(ABC):
    """The part of an in-process engine that every one of them needs. Subclasses answer `step`, `working`, `shutdown`.

    Attributes: as `engines.base.Engine`.
    """

    can: frozenset[Capability]

    def __init__(self, tokenizer: Tokenizer, identity: dict[str, str], context: int, capacity: int) -> None:
        self.identity = identity
        self.tokenizer = tokenizer
        self.context = context
        self.capacity = capacity
        self.layers: int | None = None
        self.heads: int | None = None
        self.parameters: int | None = None
        self.snapshot = Snapshot()
        self.usage = Usage()
        self._queue: deque[Job] = deque()
        self._wake = threading.Condition()
        self._dead: BaseException | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._pump, name=type(self).__name__, daemon=True)

    def start(self) -> None:
        """Starts the thread; the last act of a subclass's constructor."""
        self._thread.start()

    @abstractmethod
    def step(self, arrived: Sequence[Job]) -> None:
        """Takes over new calls and does one unit of work: a forward pass, or one over each of a few batches.

        Settles what is finished and notes it in `usage`; a call that cannot be answered is failed alone.

        Raises:
            Exception: the engine is dead; everybody who waits gets EngineDied.
        """

    @abstractmethod
    def working(self) -> list[Job]:
        """Calls taken over and not settled yet."""

    @abstractmethod
    def shutdown(self) -> None:
        """Frees the model's memory; the thread has ended."""

    def check(self, call: Call) -> None:
        """Refuses a call that can never be answered.

        Raises:
            ItemError: it does not fit the context.
            HarnessError: the engine cannot answer such calls.
        """
        check_capabilities(capabilities_of(call), self.can, "this call", self.identity["engine"])
        new = call.sampling.max_tokens if isinstance(call, Generate) else 0
        new += len(call.continuation) if isinstance(call, Score) else 0
        if len(call.prompt) + new > self.context:
            raise ItemError(f"{len(call.prompt)} prompt and {new} new tokens do not fit the context of {self.context}")

    async def answer(self, call: Call) -> Reply:
        """The reply to one call, batched with the other calls in flight."""
        self.check(call)
        loop = asyncio.get_running_loop()
        job = Job(call, loop.create_future(), loop)
        with self._wake:
            if self._dead is not None:
                raise _died(self._dead)
            self._queue.append(job)
            self._wake.notify()
        return await job.future

    def close(self) -> None:
        """Stops the thread after its present step and frees the model's memory."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join(timeout=60)
        self.shutdown()

    def finish(self, job: Job, reply: Reply, cached_tokens: int = 0) -> None:
        """Settles a call and counts it."""
        self.usage.calls += 1
        self.usage.prompt_tokens += len(job.call.prompt)
        self.usage.cached_tokens += cached_tokens
        if isinstance(reply, Text):
            self.usage.new_tokens += len(reply.tokens)
        job.settle(reply)

    def _pump(self) -> None:
        arrived: list[Job] = []
        try:
            while True:
                with self._wake:
                    while not (self._queue or self.working() or self._closed):
                        self._wake.wait()
                    if self._closed:
                        return
                    arrived = list(self._queue)
                    self._queue.clear()
                begin = time.perf_counter()
                self.step(arrived)
                self.usage.busy += time.perf_counter() - begin
        except BaseException as error:  # after any error: nobody may wait for ever
            with self._wake:
                self._dead = error
                waiting = {id(job): job for job in (*arrived, *self._queue, *self.working())}
            for job in waiting.values():
                job.fail(_died(error))


def _died(error: BaseException) -> EngineDied:
    return EngineDied(
        f"the engine stopped: {named(error)}; everything answered is kept, the same command goes on from there"
    )
