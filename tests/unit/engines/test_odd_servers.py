"""Servers and gateways that answer in odd ways: each is understood, or is refused in one line and bounded time."""

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.calls.calls import Call, Choose, Generate, Reply, Sampling, Score
from harness.engines.base import Engine
from harness.engines.server.connection import retry_after
from harness.engines.server.engine import Server
from harness.errors import BaseHarnessError, HarnessError, ItemError
from harness.models.model import Model
from tests.support.hostile import within
from tests.support.loopback import FakeVLLM, Loopback, expected

KEY = "horse/battery-9137-staple"
CHOOSE, GENERATE, SCORE = Choose((65, 66), (7, 70)), Generate((65, 67), Sampling(4)), Score((65, 66), (70, 71))
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def load(model: Model, server: FakeVLLM) -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def open_engine(**settings: Any) -> Engine:
        quick = {"backoff": 0.01, "give_up": 5.0, "wait": 0.0, "timeout": 20.0}
        engines.append(Server(url=server.url, **(quick | settings)).load(model))
        return engines[-1]

    yield open_engine
    for engine in engines:
        engine.close()


def asked(engine: Engine, call: Call) -> Reply | BaseException:
    try:
        return asyncio.run(engine.answer(call))
    except BaseHarnessError as error:
        return error


def at(server: FakeVLLM, end: str, answer: Callable[[Any], Answer | None]) -> None:
    """Has the server answer in another way at a path, where a function gives an answer."""
    respond = server.respond

    def other(path: str, headers: dict[str, str], body: Any) -> Answer:
        said = answer(body) if path.endswith(end) else None
        return respond(path, headers, body) if said is None else said

    server.respond = other  # type: ignore[method-assign]


@pytest.mark.parametrize("path", ["/version", "/tokenize"])
@pytest.mark.parametrize(
    "answer",
    [
        (200, {"Content-Type": "text/html"}, b"<!doctype html><title>Chat</title>"), (200, {}, b""),
        (302, {"Location": "https://login.example/"}, b""), (401, {}, b"no"), (403, {}, b"no"), (404, {}, b"no"),
        (405, {}, b"no"), (501, {}, b"no"), (200, {}, b"[]"), (200, {}, b"null"), (200, {}, b'{"tokens": null}'),
    ],
)  # fmt: skip
def test_an_endpoint_outside_of_the_protocol_need_not_be_there(
    server: FakeVLLM, load: Callable[..., Engine], path: str, answer: Answer
) -> None:
    times = 0

    def count(_: Any) -> Answer:
        nonlocal times
        times += 1
        return answer

    at(server, path, count)
    engine = load(give_up=60.0)
    assert times == 1, "it is asked once"
    assert asked(engine, CHOOSE) == expected(CHOOSE)
    told = engine.identity["version" if path == "/version" else "tokenizer"]
    assert told == "unknown" if path == "/version" else "could not be compared" in told


@pytest.mark.parametrize("path", ["/version", "/tokenize"])
def test_one_that_is_busy_for_a_moment_is_asked_again(server: FakeVLLM, load: Callable[..., Engine], path: str) -> None:
    """Or the same server would have another identity, and every call would be asked again."""
    first = load().identity
    answers = iter([(503, {}, b"busy"), (429, {"Retry-After": "0"}, b"later")])
    at(server, path, lambda _: next(answers, None))
    assert load().identity == first


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "The model is overloaded.", "code": 529}}, "The model is overloaded."),
        ({"error": "quota is used up"}, "quota is used up"),
        ({"object": "error", "message": "context is too long", "code": 400}, "context is too long"),
        ({"detail": "no such adapter"}, "no such adapter"),
    ],
)
def test_an_error_that_calls_itself_a_success_is_told(
    server: FakeVLLM, load: Callable[..., Engine], body: Any, said: str
) -> None:
    engine = load()
    failing = [*CHOOSE.prompt]
    at(
        server,
        "/completions",
        lambda asked: (200, {}, json.dumps(body).encode()) if asked["prompt"] == failing else None,
    )
    reply = asked(engine, CHOOSE)
    assert isinstance(reply, ItemError)
    assert said in str(reply)


def test_a_call_that_is_told_to_wait_for_ever_fails_alone(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    """As a request that is larger than an account's tokens a minute."""
    engine = load(give_up=0.5)
    failing = [*CHOOSE.prompt]
    at(
        server,
        "/completions",
        lambda body: (429, {"Retry-After": "0"}, b"slow down") if body["prompt"] == failing else None,
    )
    with within(15.0):
        reply = asked(engine, CHOOSE)
    assert isinstance(reply, ItemError)
    assert "slow down" in str(reply)
    assert asked(engine, GENERATE) == expected(GENERATE)


def test_a_chat_endpoint_that_never_gives_an_answer_is_no_server(model: Model, server: FakeVLLM) -> None:
    at(server, "/chat/completions", lambda _: (200, {}, b'{"choices": [{"message": {"content": [{"text": "x"}]}}]}'))
    quick = Server(url=server.url, api="chat", backoff=0.01, give_up=600.0, wait=0.0)
    with within(20.0), pytest.raises(BaseHarnessError, match="wrong shape"):
        quick.load(model)


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 31 Dec 9999 23:59:59 -2300", "Mon, 01 Jan 0001 00:00:00 +2300", "Mon, 99 Jan 2027 00:00:00 GMT", "",
        "7 seconds", "1e400", "-inf", "NaN", "(", "\x00", "Mon, 01 Jan 2027", "0x10", ",", "Jan",
    ],
)  # fmt: skip
def test_every_retry_after_is_a_time_that_can_be_waited(value: str) -> None:
    assert 0.0 <= retry_after(value) <= 300.0


class Elsewhere(Loopback):
    """Another host, which should never be asked."""

    seen: list[Any]

    def __init__(self) -> None:
        self.seen = []
        super().__init__()

    def respond(self, path: str, headers: dict[str, str], body: Any) -> Answer:
        self.seen.append((path, headers))
        return 200, {}, b"{}"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_no_redirect_is_followed_with_the_key_in_the_middle_of_a_run(
    server: FakeVLLM, load: Callable[..., Engine], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_LOGIN", KEY)
    engine = load(key_env="LAB_LOGIN")
    with Elsewhere() as other:
        at(server, "/completions", lambda _: (status, {"Location": f"{other.url}/completions"}, b""))
        reply = asked(engine, CHOOSE)
        assert type(reply) is HarnessError
        assert "sends requests elsewhere" in str(reply)
        assert other.seen == []


EMPTY = {"text": "", "token_ids": [], "logprobs": {"token_logprobs": []}}
STRANGE = {"choices": [{"finish_reason": KEY, **EMPTY}]}
OTHER = {"choices": [{"finish_reason": "stop", **EMPTY}], "system_fingerprint": f"vllm-{KEY}"}
ECHOES: dict[str, Answer] = {
    "an error": (400, {}, json.dumps({"error": {"message": f"bad key {KEY}"}}).encode()),
    "a long error": (400, {}, ("x" * 285 + f" {KEY}").encode()),
    "a failure": (500, {}, f"Authorization={KEY}".encode()),
    "choices": (200, {}, json.dumps({"choices": f"you are {KEY}"}).encode()),
    "a cut piece": (200, {}, json.dumps({"choices": "x " * 19 + KEY}).encode()),
    "an error with status 200": (200, {}, json.dumps({"error": f"{'x' * 270} {KEY}"}).encode()),
    "a finish": (200, {}, json.dumps(STRANGE).encode()),
    "no JSON": (200, {}, f'{{"{KEY}'.encode()),
    "an encoding": (200, {"Content-Encoding": KEY}, b"{}"),
    "a fingerprint": (200, {}, json.dumps(OTHER).encode()),
}  # fmt: skip


@pytest.mark.parametrize("where", ECHOES)
def test_a_key_that_a_server_repeats_is_never_shown(
    server: FakeVLLM, load: Callable[..., Engine], where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_LOGIN", KEY)
    engine = load(key_env="LAB_LOGIN", give_up=1.0)
    at(server, "/completions", lambda body: ECHOES[where] if body["prompt"] == [*GENERATE.prompt] else None)
    reply = asked(engine, GENERATE)
    assert isinstance(reply, BaseHarnessError)
    assert "horse" not in str(reply)


def choice(answer: Any) -> Any:
    return answer["choices"][0]


WRONG: dict[str, tuple[Call, Callable[[Any], object]]] = {
    "no choices": (CHOOSE, lambda a: a.update(choices=[])),
    "choices by name": (CHOOSE, lambda a: a.update(choices={"0": choice(a)})),
    "null choices": (CHOOSE, lambda a: a.update(choices=None)),
    "an option left out": (CHOOSE, lambda a: choice(a)["logprobs"]["top_logprobs"][0].pop("token_id:7")),
    "an option of null": (CHOOSE, lambda a: choice(a)["logprobs"]["top_logprobs"][0].update({"token_id:7": None})),
    "an option in words": (CHOOSE, lambda a: choice(a)["logprobs"]["top_logprobs"][0].update({"token_id:7": "-1.5"})),
    "no top": (CHOOSE, lambda a: choice(a)["logprobs"].update(top_logprobs=[])),
    "another prompt": (CHOOSE, lambda a: choice(a).update(prompt_token_ids=[1, 2, 3])),
    "no log-probabilities": (GENERATE, lambda a: choice(a).update(logprobs=None)),
    "one too few": (GENERATE, lambda a: choice(a)["logprobs"]["token_logprobs"].pop()),
    "a null one": (GENERATE, lambda a: choice(a)["logprobs"].update(token_logprobs=[None] * 4)),
    "tokens as text": (GENERATE, lambda a: choice(a).update(token_ids=["1", "2", "3", "4"])),
    "tokens with a fraction": (GENERATE, lambda a: choice(a).update(token_ids=[1.5, 2, 3, 4])),
    "text of null": (GENERATE, lambda a: choice(a).update(text=None)),
    "a list as text": (GENERATE, lambda a: choice(a).update(text=["a"])),
    "an abort": (GENERATE, lambda a: choice(a).update(finish_reason="abort")),
    "no end": (GENERATE, lambda a: choice(a).update(finish_reason=None)),
    "a score too short": (SCORE, lambda a: choice(a)["prompt_logprobs"].pop()),
    "a score of another token": (SCORE, lambda a: choice(a)["prompt_logprobs"][3].pop("71")),
    "a score of null": (SCORE, lambda a: choice(a).update(prompt_logprobs=None)),
    "usage in words": (CHOOSE, lambda a: a.update(usage="3 tokens")),
    "usage with a fraction": (CHOOSE, lambda a: a["usage"].update(prompt_tokens=2.5)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_reply_of_another_shape_is_no_answer(server: FakeVLLM, load: Callable[..., Engine], name: str) -> None:
    call, change = WRONG[name]
    engine = load()
    respond = server.respond

    def changed(path: str, headers: dict[str, str], body: Any) -> Answer:
        status, extra, answer = respond(path, headers, body)
        values = json.loads(answer)
        if path.endswith("/completions") and len(body["prompt"]) != 3:  # not the canary
            change(values)
        return status, extra, json.dumps(values).encode()

    server.respond = changed  # type: ignore[method-assign]
    reply = asked(engine, call)
    assert isinstance(reply, ItemError), reply
    assert "wrong shape" in str(reply)


def test_a_plain_reply_without_usage_or_prompt_is_one(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load()
    logprobs = {"top_logprobs": [{"token_id:7": -0.5, "token_id:70": -3}]}
    choices = [{"finish_reason": "length", "text": "x", "logprobs": logprobs}]
    answer = {"choices": choices, "usage": None, "system_fingerprint": server.fingerprint}
    body = json.dumps(answer).encode()
    at(server, "/completions", lambda asked: (200, {}, body) if asked["prompt"] == [*CHOOSE.prompt] else None)
    reply = asked(engine, CHOOSE)
    assert not isinstance(reply, BaseException)
    assert reply.values == (-0.5, -3.0)  # type: ignore[union-attr]
    assert math.fsum(map(math.exp, reply.values)) < 1  # type: ignore[union-attr]
