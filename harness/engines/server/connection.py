"""Sends requests to one server: limits their number, repeats failed ones, and gives up when nothing answers."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from harness.engines.base import Usage
from harness.engines.server.bodies import ACCEPTED, Unreadable, read_body
from harness.engines.server.messages import is_error, message_in, short
from harness.errors import EngineDied, HarnessError, ItemError

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
Reader = Callable[[Any], T]
"""Reads a reply's JSON; a `WRONG_SHAPE` says that it is none of those expected."""

WRONG_SHAPE = (AttributeError, IndexError, KeyError, TypeError, ValueError)

PASSING = frozenset({408, 409, 425, 429})  # besides 5xx but 501: another try may succeed
LONGEST_RETRY_AFTER = 300.0  # seconds
CANARY_TIMEOUT = 60.0  # seconds
MESSAGE_BYTES = 1 << 16  # of a refusal that are read
WAITS = 3
LARGEST = 4 << 20
"""Bytes of the longest reply to a request that asks for no tokens."""


class Impossible(ValueError):
    """A reply with a number that no model can have given. It is no answer: it is never kept."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Waiting times for a server, in seconds.

    Attributes:
        connect: for a connection.
        read: for a whole reply, from the request to its last byte.
        backoff: before the second try, at most; doubled with each further one, up to 64 times as long. The wait is
            drawn evenly from zero to that (full jitter), so that calls that failed together do not return together.
        tries: after this many failures a call fails alone, if the server answers other calls.
        give_up: without any answer to any call, after which the server counts as dead. A call that the server only
            ever tells to wait fails alone after `WAITS` times as long.
    """

    connect: float = 10.0
    read: float = 600.0
    backoff: float = 0.5
    tries: int = 8
    give_up: float = 600.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `address` is whole; `body` is JSON, None for a GET; the reply has at most `most` decoded bytes.

    An endpoint that is `optional` is not there where anything but JSON comes: many gateways answer with a page.
    """

    address: str
    body: bytes | None = None
    most: int = LARGEST
    optional: bool = False


class Refused(Exception):
    """The server understood the request and will not answer it.

    Attributes:
        status: the HTTP status, 4xx or 501.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status


class Fault(Exception):
    """A try that failed and may succeed when it is repeated.

    Attributes:
        wait: seconds that the server asks to wait.
        counts: whether it may be this call's fault; being told to slow down is not.
    """

    def __init__(self, what: str, wait: float = 0.0, counts: bool = True) -> None:
        super().__init__(what)
        self.wait = wait
        self.counts = counts


class Connection:
    """Keeps connections to one server open, in a thread with an event loop of its own.

    So the connections outlive the run's event loop, `now` works without one, and `close` from anywhere.

    Args:
        address: name of the server in messages.
        key: sent as a bearer token with every request, to no other host; None sends none.
        key_env: where the key is from, for messages; its value is never in one.
        concurrency: requests in flight at most.
        usage: `busy` is counted here: seconds with at least one request in flight.

    Attributes:
        canary: a request known to be answered, and its reader: tells a call that fails alone from a dead server.
    """

    def __init__(
        self, address: str, *, key: str | None, key_env: str, concurrency: int, patience: Patience, usage: Usage
    ) -> None:
        import httpx

        self.address = address
        self.patience = patience
        self.usage = usage
        self.canary: tuple[Request, Reader[object]] | None = None
        self._key = key
        self._key_env = key_env
        self._random = random.Random()
        self._slots = asyncio.Semaphore(concurrency)
        self._dead = ""
        self._died = asyncio.Event()
        self._waiting = self._flying = 0
        self._answered = self._marked = 0.0
        self._idle: list[httpx.AsyncClient] = []
        # For plain HTTP no certificates are loaded, which takes 0.1 s.
        self._verify = httpx.create_ssl_context() if address.startswith("https:") else False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="Connection", daemon=True)
        self._thread.start()

    async def ask(self, request: Request, read: Reader[T]) -> T:
        """The reply to a request, as `read` gives it.

        Raises:
            Refused: the server will not answer this request.
            ItemError: the server answers others, but fails at this one again and again.
            EngineDied: nothing has been answered for too long; every later request raises it too.
            HarnessError: the server wants a key, or sends elsewhere.
        """
        return await asyncio.wrap_future(self._submit(self._persist(request, read)))

    def now(self, request: Request, read: Reader[T]) -> T:
        """As `ask`, for who has no event loop."""
        return self._submit(self._persist(request, read)).result()

    def reach(self, request: Request, read: Reader[T], wait: float) -> T:
        """As `now`, for a server that may still be starting: tries for `wait` seconds.

        Raises:
            HarnessError: nothing usable answers; the message says what came.
        """
        begin = time.monotonic()
        while True:
            try:
                return self._submit(self._reach(request, read)).result()
            except Fault as fault:
                if time.monotonic() - begin >= wait:
                    raise HarnessError(
                        f"no usable server at engine.url={self.address}: {fault}; start it, correct the address, or "
                        "set engine.wait=SECONDS for one that is still starting"
                    ) from None
            time.sleep(min(0.5, wait / 5))

    def close(self) -> None:
        """Abandons what is in flight and closes the connections."""
        if self._loop.is_closed():
            return
        with suppress(TimeoutError):
            self._submit(self._stop()).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        if not self._thread.is_alive():
            self._loop.close()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _stop(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.gather(*(client.aclose() for client in self._idle))

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[httpx.AsyncClient]:
        """The right to have one request in flight, and a client with one connection: the one used last is warm.

        A client with many connections looks at all of them for each request, which takes longer than the rest of it.
        """
        async with self._slots:
            client = self._idle.pop() if self._idle else self._client()
            try:
                yield client
            finally:
                self._idle.append(client)

    def _client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            headers={"Accept-Encoding": ACCEPTED} | ({"Authorization": f"Bearer {self._key}"} if self._key else {}),
            timeout=httpx.Timeout(self.patience.read, connect=self.patience.connect),
            follow_redirects=False,
            verify=self._verify,
        )

    async def _reach(self, request: Request, read: Reader[T]) -> T:
        async with self._line() as client:
            return await self._once(client, request, read)

    async def _persist(self, request: Request, read: Reader[T]) -> T:
        """Holds its line while it waits to try again: so a server that asks for less gets less."""
        if not self._waiting:
            self._answered = time.monotonic()
        self._waiting += 1
        try:
            async with self._line() as client:
                return await self._insist(client, request, read)
        finally:
            self._waiting -= 1

    async def _insist(self, client: httpx.AsyncClient, request: Request, read: Reader[T]) -> T:
        begun = time.monotonic()
        tries = faults = 0
        while not self._dead:
            try:
                value = await self._once(client, request, read)
            except Fault as error:
                fault = error
            else:
                self._answered = time.monotonic()
                return value
            tries += 1
            faults += fault.counts
            silent = time.monotonic() - self._answered
            put_off = not fault.counts and time.monotonic() - begun > WAITS * self.patience.give_up
            failed = put_off or faults >= self.patience.tries
            if failed or silent > self.patience.give_up:
                alive = await self._alive(client)
                if failed and (alive or self.canary is None):
                    raise ItemError(f"the server failed at this call {tries} times, the last time with: {fault}")
                if silent > self.patience.give_up and not alive:
                    self._die(f"{self.address} has answered no call for {silent:.0f} s: {fault}")
            await self._pause(fault.wait, tries)
        raise EngineDied(self._dead)

    async def _alive(self, client: httpx.AsyncClient) -> bool:
        if self.canary is None:
            return False
        with suppress(Fault, Refused, TimeoutError):
            await asyncio.wait_for(self._once(client, *self.canary), CANARY_TIMEOUT)
            self._answered = time.monotonic()
            return True
        return False

    def _die(self, why: str) -> None:
        self._dead = f"the engine stopped: {why}; everything answered is kept, the same command goes on from there"
        self._died.set()

    async def _pause(self, wait: float, tries: int) -> None:
        longest = self.patience.backoff * min(64, 2 ** (tries - 1))
        with suppress(TimeoutError):
            # A server that asks to wait for ever is waited for no longer than one that says nothing.
            pause = min(max(wait, self._random.uniform(0, longest)), self.patience.give_up)
            await asyncio.wait_for(self._died.wait(), pause)

    async def _once(self, client: httpx.AsyncClient, request: Request, read: Reader[T]) -> T:
        response, body = await self._exchange(client, request)
        self._check(response, body)
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            if request.optional:
                raise Refused(response.status_code, "no JSON") from None
            raise Fault(f"a reply that is not JSON ({error})") from None
        try:
            return read(answer)
        except Impossible as error:
            raise Fault(f"an impossible reply: {short(str(error))}") from None
        except WRONG_SHAPE as error:
            said = f"; it says: {message_in(body)}" if is_error(answer) else ""
            raise Fault(f"a reply of a wrong shape ({type(error).__name__}: {short(str(error))}){said}") from None

    async def _exchange(self, client: httpx.AsyncClient, request: Request) -> tuple[httpx.Response, bytes]:
        """Sends a request; gives the reply and its decoded body, both whole, in bounded time and memory."""
        import httpx

        method = "GET" if request.body is None else "POST"
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        try:
            async with self._in_time():
                with self._in_flight():
                    sent = client.stream(method, request.address, content=request.body, headers=headers)
                    async with sent as response:
                        good = response.is_success
                        body = await read_body(response, request.most if good else MESSAGE_BYTES, cut=not good)
        except TimeoutError:
            raise Fault("no whole reply in time (engine.timeout, engine.give_up)") from None
        except Unreadable as error:
            raise Fault(str(error)) from None
        except httpx.RequestError as error:  # connections, time-outs, replies cut off in the middle
            raise Fault(f"{type(error).__name__} {error}".strip()) from None
        return response, body

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Raises TimeoutError when a reply is not whole in time, or when nothing else is answered either for too long.

        httpx limits the wait for each piece: a server that sends a byte now and then would never be given up.
        """
        begun, waiting = time.monotonic(), asyncio.get_running_loop()
        later: asyncio.Handle

        def look() -> None:
            nonlocal later
            now = time.monotonic()
            due = min(begun + self.patience.read, max(begun, self._answered) + self.patience.give_up)
            if now >= due:
                clock.reschedule(waiting.time())
            else:
                later = waiting.call_later(due - now, look)

        async with asyncio.timeout(None) as clock:
            later = waiting.call_soon(look)
            try:
                yield
            finally:
                later.cancel()

    @contextmanager
    def _in_flight(self) -> Iterator[None]:
        self._mark(1)
        try:
            yield
        finally:
            self._mark(-1)

    def _mark(self, change: int) -> None:
        now = time.monotonic()
        if self._flying:
            self.usage.busy += now - self._marked
        self._marked = now
        self._flying += change

    def _check(self, response: httpx.Response, body: bytes) -> None:
        """Raises what a status other than 2xx means."""
        status = response.status_code
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise HarnessError(
                f"engine.url={self.address} sends requests elsewhere (HTTP {status}); a key must not follow: set "
                "engine.url to the final address"
            )
        if status in (401, 403):
            have = "holds one that it does not accept" if self._key else "is not set"
            raise HarnessError(
                f"{self.address} asks for a key (HTTP {status}), and the environment variable {self._key_env} {have}; "
                "set it, or name another one with engine.key_env"
            )
        said = message_in(body) or response.reason_phrase
        message = f"HTTP {status}: {said}"
        if status in PASSING or (status >= 500 and status != 501):
            raise Fault(message, retry_after(response.headers.get("Retry-After")), counts=status != 429)
        raise Refused(status, said)


def retry_after(value: str | None) -> float:
    """Seconds that a Retry-After header asks to wait, at most five minutes; 0 without one or with a strange one.

    Args:
        value: seconds, or a date of HTTP (RFC 9110, section 10.2.3).
    """
    if value is None:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return 0.0
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
