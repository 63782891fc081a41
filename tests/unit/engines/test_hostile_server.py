"""A server that means harm, or is broken: it costs bounded time and memory, and none of its numbers is stored."""

import asyncio
import gzip
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.calls.calls import Call, Choose, Generate, Reply, Sampling, Score, call_key
from harness.engines.base import Engine
from harness.engines.server.engine import Server
from harness.errors import BaseHarnessError, EngineDied, HarnessError, ItemError
from harness.models.model import Model
from harness.store.segments import Origin
from harness.store.store import Store
from harness.subject.choices import Choice
from tests.support.hostile import ENDLESS, Hostile, memory, within
from tests.support.loopback import expected

GENERATE, CHOOSE, SCORE = Generate((65, 66), Sampling(4)), Choose((65, 66), (7, 70)), Score((65, 66), (70, 71))


@pytest.fixture
def server() -> Iterator[Hostile]:
    with Hostile() as fake:
        yield fake


@pytest.fixture
def load(model: Model, server: Hostile) -> Iterator[Callable[..., Engine]]:
    """Loads an engine, impatient by default, that is closed when the test ends."""
    engines: list[Engine] = []

    def open_engine(**settings: Any) -> Engine:
        quick = {"backoff": 0.01, "give_up": 1.0, "wait": 0.0, "timeout": 600.0}
        engines.append(Server(url=server.url, **(quick | settings)).load(model))
        return engines[-1]

    yield open_engine
    for engine in engines:
        engine.close()


def asked(engine: Engine, call: Call, store: Store | None = None) -> Reply | BaseException:
    async def run() -> Reply:
        if store is None:
            return await engine.answer(call)
        origin = Origin.of(engine.identity, "", "")
        return await store.once(call_key(origin.identity, call), origin, lambda: engine.answer(call))

    try:
        return asyncio.run(run())
    except BaseHarnessError as error:
        return error


@pytest.mark.parametrize("mode", ENDLESS)
def test_a_reply_without_end_is_given_up_in_time_and_takes_little_memory(
    server: Hostile, load: Callable[..., Engine], mode: str
) -> None:
    engine = load()
    server.mode = mode
    with within(20.0), memory() as grown:
        reply = asked(engine, GENERATE)
        assert isinstance(reply, (EngineDied, ItemError)), reply
    assert grown() < 400  # of a stream that would fill gigabytes; other threads of the process grow, too
    server.mode = ""
    if isinstance(reply, ItemError):
        assert isinstance(asked(engine, CHOOSE), type(expected(CHOOSE)))


@pytest.mark.parametrize("mode", ENDLESS)
@pytest.mark.parametrize("where", ["/models", "/completions"])
def test_a_reply_without_end_before_anything_is_asked_is_one_line(
    server: Hostile, load: Callable[..., Engine], mode: str, where: str
) -> None:
    server.mode, server.where = mode, where
    with within(20.0), memory() as grown, pytest.raises((HarnessError, EngineDied, ItemError)) as caught:
        load()
    assert "\n" not in str(caught.value)
    assert grown() < 400  # of a stream that would fill gigabytes; other threads of the process grow, too


def test_others_are_answered_while_one_reply_drips(server: Hostile, load: Callable[..., Engine]) -> None:
    engine = load(timeout=0.5)
    deliver = server.deliver

    def some(handler: Any, status: int, headers: dict[str, str], body: bytes) -> None:
        server.mode = "drip" if b'"prompt_token_ids": [9, 9]' in body else ""
        deliver(handler, status, headers, body)

    server.deliver = some  # type: ignore[method-assign]

    async def both() -> list[Any]:
        async def often() -> list[Reply]:
            replies = []
            for i in range(200):
                replies.append(await engine.answer(Choose((65, i), (7, 8))))
                await asyncio.sleep(0.01)
            return replies

        dripping = engine.answer(Generate((9, 9), Sampling(4)))
        return list(await asyncio.gather(dripping, often(), return_exceptions=True))

    with within(40.0):
        failed, answered = asyncio.run(both())
    assert isinstance(failed, ItemError)
    assert "no whole reply in time" in str(failed)
    assert len(answered) == 200


def test_a_server_that_asks_to_wait_for_ever_is_given_up(server: Hostile, load: Callable[..., Engine]) -> None:
    engine = load()
    server.respond = lambda *_: (503, {"Retry-After": "86400"}, b"later")  # type: ignore[method-assign]
    with within(20.0):
        assert isinstance(asked(engine, GENERATE), EngineDied)


def test_packed_replies_are_read_and_large_ones_within_their_limit(
    server: Hostile, load: Callable[..., Engine]
) -> None:
    engine = load()
    respond = server.respond

    def packed(path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        status, extra, answer = respond(path, headers, body)
        answer = answer[:-1] + b', "padding": "' + b"x" * 3_000_000 + b'"}'
        return status, extra | {"Content-Encoding": "gzip"}, gzip.compress(answer)

    server.respond = packed  # type: ignore[method-assign]
    assert asked(engine, CHOOSE) == expected(CHOOSE)

    def cut(path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        status, extra, answer = packed(path, headers, body)
        return status, extra, answer[:-9]

    server.respond = cut  # type: ignore[method-assign]
    assert "cut off" in str(asked(engine, CHOOSE))


def named(answer: Any) -> Any:
    return answer["choices"][0]["logprobs"]["top_logprobs"][0]


def set_all(values: Any, value: object) -> Any:
    for key in list(values):
        values[key] = value
    return values


def in_text(name: str, *values: object) -> Callable[[Any], object]:
    """Exchanges a list of a text's numbers."""

    def twist(answer: Any) -> None:
        choice = answer["choices"][0]
        (choice if name in choice else choice["logprobs"])[name] = list(values)

    return twist


TWISTS: dict[str, tuple[Call, Callable[[Any], object], str]] = {
    "a text's log p of 5": (GENERATE, in_text("token_logprobs", 5.0, -1.0, -1.0, -1.0), "a log-probability of 5"),
    "a choice's log p of 5": (CHOOSE, lambda a: set_all(named(a), 5.0), "a log-probability of 5"),
    "a score's log p of 5": (
        SCORE,
        lambda a: [set_all(step, {"logprob": 5.0}) for step in a["choices"][0]["prompt_logprobs"] if step],
        "a log-probability of 5",
    ),
    "true as a number": (CHOOSE, lambda a: set_all(named(a), True), "True in place of another kind"),
    "true as a token": (GENERATE, in_text("token_ids", True, True, True, True), "True in place of another kind"),
    "options that sum to 1.8": (CHOOSE, lambda a: set_all(named(a), -0.1), "2 tokens that sum to 1.81"),
    "more tokens than asked for": (GENERATE, in_text("token_ids", *range(5)), "5 tokens where 4 were asked for"),
    "a negative token": (GENERATE, in_text("token_ids", 1, -5, 2, 3), "a token id of -5"),
    "a token beyond all": (GENERATE, in_text("token_ids", 1, 1 << 40, 2, 3), "a token id of 1099511627776"),
    "two answers": (CHOOSE, lambda a: a["choices"].append(a["choices"][0]), "2 answers to one question"),
    "infinity": (CHOOSE, lambda a: set_all(named(a), 1e400), "JSON"),
    "negative usage": (CHOOSE, lambda a: a["usage"].update(prompt_tokens=-3), "-3 tokens"),
    "usage that is true": (CHOOSE, lambda a: a["usage"].update(prompt_tokens=True), "True in place of another kind"),
}


@pytest.mark.parametrize("name", TWISTS)
def test_impossible_numbers_are_refused_by_name_and_never_stored(
    server: Hostile, load: Callable[..., Engine], tmp_path: Path, name: str
) -> None:
    call, twist, message = TWISTS[name]
    engine = load(give_up=30.0)
    server.twist = lambda answer: twist(answer) if answer["usage"]["prompt_tokens"] != 3 else None  # not the canary
    store = Store(tmp_path)
    reply = asked(engine, call, store)
    assert isinstance(reply, ItemError)
    assert message in str(reply)
    assert len(store) == 0
    server.twist = lambda _: None
    assert not isinstance(asked(engine, call, store), BaseException)
    assert len(store) == 1


def test_rounding_is_no_impossible_number(server: Hostile, load: Callable[..., Engine]) -> None:
    engine = load()
    server.twist = lambda answer: set_all(named(answer), math.log(0.50002)) if "choices" in answer else None
    reply = asked(engine, CHOOSE)
    assert not isinstance(reply, BaseException)
    assert Choice.of({"a": [(7,)], "b": [(70,)]}, {(7,): math.log(0.50002), (70,): math.log(0.50002)}).mass == 1.0


def test_a_server_that_gives_impossible_numbers_from_the_first_is_not_loaded(
    server: Hostile, load: Callable[..., Engine]
) -> None:
    server.twist = in_text("token_logprobs", 5.0)
    with pytest.raises(HarnessError, match="numbers that no model can have given: a log-probability of 5"):
        load()


def test_a_model_that_is_listed_twice_differently_is_no_model(server: Hostile, load: Callable[..., Engine]) -> None:
    server.models = [{"id": "small", "max_model_len": 512}, {"id": "small", "max_model_len": 4}]
    with pytest.raises(HarnessError, match="'small' is listed twice"):
        load()


@pytest.mark.parametrize("length", [True, 0, -5])
def test_a_context_that_cannot_be_is_as_none(server: Hostile, load: Callable[..., Engine], length: object) -> None:
    server.models = [{"id": "small", "root": "/models/small", "max_model_len": length}]
    with pytest.raises(HarnessError, match=r"set engine\.max_model_len"):
        load()


def test_a_choice_is_never_clamped_in_silence() -> None:
    with pytest.raises(ItemError, match=r"the options 'a', 'b' sum to 1\.81"):
        Choice.of({"a": [(7,)], "b": [(70,)]}, {(7,): -0.1, (70,): -0.1})


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"choices": "x""x"}', b"\x00", b"{}"], ids=["deep", "two", "nul", "{}"]
)
def test_a_reply_that_is_no_answer_is_none(server: Hostile, load: Callable[..., Engine], body: bytes) -> None:
    engine = load(give_up=0.3)
    server.respond = lambda *_: (200, {}, body)  # type: ignore[method-assign]
    assert ("wrong shape" if body == b"{}" else "not JSON") in str(asked(engine, CHOOSE))
