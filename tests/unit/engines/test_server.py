"""The server engine on loopback: a server of known distribution, a proxy that fails, and servers of other kinds."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.calls.calls import Call, Choose, Generate, Logprobs, Reply, Sampling, Score, Text
from harness.cli.main import main
from harness.engines.base import Engine
from harness.engines.server.connection import retry_after
from harness.engines.server.dialects import Messages, parse
from harness.engines.server.engine import Server, ServerEngine
from harness.errors import EngineDied, HarnessError, ItemError
from harness.models.model import Model
from harness.prompting.prompts import Message, Prompt
from harness.prompting.rendering import Renderer
from harness.prompting.thinking import Thinking
from harness.prompting.tokens import HFTokenizer
from harness.store.records import RESERVED, key_of, lines
from harness.store.store import Store
from harness.subject.subject import Subject
from tests.support.loopback import END, FakeVLLM, FaultyProxy, expected

KEY = "sk-loopback-77aa"


@pytest.fixture
def load(model: Model) -> Iterator[Callable[..., Engine]]:
    """Loads an engine that is closed when the test ends; by default impatient."""
    engines: list[Engine] = []

    def open_engine(url: str, **settings: Any) -> Engine:
        quick = {"backoff": 0.01, "give_up": 1.0, "wait": 0.0, "timeout": 5.0}
        engines.append(Server(url=url, **(quick | settings)).load(model))
        return engines[-1]

    yield open_engine
    for engine in engines:
        engine.close()


def ask(engine: Engine, *calls: Call) -> list[Any]:
    """Replies or errors of all calls, asked at once."""

    async def run() -> list[Any]:
        return list(await asyncio.gather(*map(engine.answer, calls), return_exceptions=True))

    return asyncio.run(run())


def close_to(reply: Reply, other: Reply) -> bool:
    if isinstance(reply, Text) and isinstance(other, Text):
        same = (reply.text, reply.tokens, reply.finish) == (other.text, other.tokens, other.finish)
        return same and reply.logprobs == pytest.approx(other.logprobs, abs=1e-9)
    assert isinstance(reply, Logprobs)
    assert isinstance(other, Logprobs)
    return reply.values == pytest.approx(other.values, abs=1e-9)


def some_calls(n: int) -> list[Call]:
    calls: list[Call] = []
    for i in range(n):
        calls.append(Generate((65, i, 1), Sampling(6)))
        calls.append(Generate((65, i, 2), Sampling(6, temperature=0.7), draw=i, seed=3))
        calls.append(Choose((65, i, 3), (7, 70, 256)))
        calls.append(Score((65, i, 4), (70, 71, i)))
    return calls


def test_every_kind_of_call_is_answered_exactly(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load(server.url)
    assert engine.can == {"generate", "choose", "score"}
    assert engine.context == 512
    calls = some_calls(20)
    for call, reply in zip(calls, ask(engine, *calls), strict=True):
        assert close_to(reply, expected(call)), call
    assert engine.usage.calls == 80
    assert engine.usage.prompt_tokens == 60 * 3 + 20 * 6
    texts = [reply for reply in map(expected, calls) if isinstance(reply, Text)]
    assert engine.usage.new_tokens == sum(len(text.tokens) for text in texts)
    assert 0 < engine.usage.busy < 60


def test_requests_carry_exact_ids_and_every_sampling_parameter(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load(server.url)
    call = Generate((1, 2, 3), Sampling(5, 0.7, 0.9, 11, ("\n",)), draw=2, seed=9)
    ask(engine, call, Choose((4, 5), (7, 8)))
    generate, choose = sorted(server.asked()[-2:], key=lambda body: len(body["prompt"]), reverse=True)
    assert generate["seed"] == call.engine_seed()
    assert (generate["prompt"], generate["max_tokens"], generate["temperature"]) == ([1, 2, 3], 5, 0.7)
    assert (generate["top_p"], generate["top_k"], generate["min_p"], generate["stop"]) == (0.9, 11, 0.0, ["\n"])
    assert (generate["repetition_penalty"], generate["presence_penalty"]) == (1.0, 0.0)
    assert (choose["logprob_token_ids"], choose["temperature"]) == ([7, 8], 0)
    # vLLM's row mix-up: no request may go without named tokens.
    assert all(body["logprob_token_ids"] for body in server.asked())


def test_a_probability_of_zero_comes_back_as_minus_infinity(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load(server.url)
    respond = server.respond

    def certain(path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        status, extra, answer = respond(path, headers, body)
        return status, extra, answer.replace(b'"token_id:7": -', b'"token_id:7": -9999.0, "x": -')

    server.respond = certain  # type: ignore[method-assign]
    (reply,) = ask(engine, Choose((4, 5), (7, 8)))
    assert reply.values[0] == -math.inf
    assert reply.values[1] > -50


def questions(subject: Subject, n: int) -> Iterator[tuple[Any, Call]]:
    """Questions through a subject, and the calls that they come to."""
    renderer = subject.renderer
    for i in range(n):
        sampled, options, told = (Prompt.user(f"{kind} {i}?") for kind in ("Say", "Choose", "Believe"))
        call = Generate(renderer.render(sampled).ids, Sampling(5, 1.0), draw=1, seed=subject.seed)
        yield subject.generate(sampled, max_tokens=5, temperature=1.0, draw=1), call
        yield subject.choose(options, {"a": ["A"], "b": ["B"]}), Choose(renderer.render(options).ids, (32, 33))
        yield (
            subject.score(told, "yes"),
            Score(renderer.render(told).ids, tuple(subject.engine.tokenizer.encode("yes"))),
        )


def through(engine: Engine, folder: Path, n: int) -> tuple[list[Any], list[Call], Store]:
    """Asks 3n questions at once; gives replies or errors, the calls behind them, and the store."""
    store = Store(folder)
    subject = Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), store, seed=5)

    async def run() -> tuple[list[Any], list[Call]]:
        asked = list(questions(subject, n))
        replies = await asyncio.gather(*(question for question, _ in asked), return_exceptions=True)
        return list(replies), [call for _, call in asked]

    replies, calls = asyncio.run(run())
    return replies, calls, store


def right(reply: Any, call: Call) -> bool:
    wanted = expected(call)
    if isinstance(call, Generate):
        return close_to(reply, wanted)
    assert isinstance(wanted, Logprobs)
    if isinstance(call, Choose):
        return bool(list(reply.logp.values()) == pytest.approx(wanted.values, abs=1e-9))
    return bool(reply.logprobs == pytest.approx(wanted.values, abs=1e-9))


def keys(folder: Path) -> list[bytes]:
    """Keys of all records in a store, however often they are there."""
    found = [key_of(line) for path in folder.glob("*.replies") for _, line in lines(path)]
    return [key for key in found if key not in (None, RESERVED)]


def test_faults_of_every_kind_lose_nothing_and_double_nothing(
    server: FakeVLLM, load: Callable[..., Engine], tmp_path: Path
) -> None:
    with FaultyProxy(f"http://127.0.0.1:{server.port}", share=0.3, slow=0.6) as proxy:
        engine = load(proxy.url, timeout=0.4, give_up=30.0, concurrency=16)
        replies, calls, store = through(engine, tmp_path, 100)
    for reply, call in zip(replies, calls, strict=True):
        assert right(reply, call), (reply, call)
    assert all(times > 0 for times in proxy.made.values()), proxy.made
    assert proxy.most <= 16 + proxy.made["slow"]  # who hung up on a slow answer is no longer in flight here
    assert len(keys(tmp_path)) == len(set(keys(tmp_path))) == len(store) == 300
    assert engine.usage.calls == 300


def test_no_more_requests_than_allowed_are_in_flight(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load(server.url, concurrency=5)
    server.delay = 0.02
    assert engine.capacity == 5
    assert not [reply for reply in ask(engine, *some_calls(10)) if isinstance(reply, Exception)]
    assert server.most == 5


def test_a_server_that_dies_keeps_what_it_answered_and_a_second_run_asks_only_the_rest(
    load: Callable[..., Engine], tmp_path: Path
) -> None:
    with FakeVLLM() as server:
        port = server.port
        engine = load(server.url, concurrency=4, give_up=0.3)
        server.delay = 0.02
        respond = server.respond

        def dying(path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
            if len(server.asked()) > 48:
                server.kill()
            return respond(path, headers, body)

        server.respond = dying  # type: ignore[method-assign]
        replies, calls, store = through(engine, tmp_path, 50)
    died = [reply for reply in replies if isinstance(reply, EngineDied)]
    assert len(died) + len(store) == 150
    assert 24 <= len(store) < 150  # 44 were asked, some of them twice on a busy machine
    assert str(died[0]).startswith(f"the engine stopped: http://127.0.0.1:{port}/v1 has answered no call for ")
    assert isinstance(ask(engine, Choose((1,), (2,)))[0], EngineDied)
    kept = len(store)
    store.close()
    with FakeVLLM(port) as again:
        # Patient: on a busy machine a call that is cut and asked again would be counted twice.
        replies, calls, store = through(load(again.url, give_up=60.0, timeout=60.0), tmp_path, 50)
        assert all(right(reply, call) for reply, call in zip(replies, calls, strict=True))
        assert len(again.asked()) == 150 - kept + 4  # and the four questions of loading
    assert len(keys(tmp_path)) == len(set(keys(tmp_path))) == 150


def test_a_server_that_comes_back_in_time_is_not_given_up(load: Callable[..., Engine]) -> None:
    with FakeVLLM() as server:
        engine = load(server.url, give_up=20.0)
        server.kill()

    async def run() -> Reply:
        waiting = asyncio.create_task(engine.answer(Choose((1,), (2,))))
        await asyncio.sleep(0.5)
        with FakeVLLM(server.port):
            return await waiting

    assert close_to(asyncio.run(run()), expected(Choose((1,), (2,))))


def test_a_call_at_which_a_living_server_always_fails_fails_alone(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    engine = load(server.url, give_up=60.0)
    server.poison = [9, 9]
    poisoned, good = ask(engine, Choose((9, 9), (2,)), Choose((1,), (2,)))
    assert isinstance(poisoned, ItemError)
    assert str(poisoned) == (
        "the server failed at this call 8 times, the last time with: HTTP 500: illegal memory access"
    )
    assert close_to(good, expected(Choose((1,), (2,))))


def test_a_server_that_fails_at_everything_counts_as_dead(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load(server.url, give_up=0.3)
    server.respond = lambda *_: (500, {}, b"CUDA\n\x1berror")  # type: ignore[method-assign]
    replies = ask(engine, *some_calls(5))
    assert all(isinstance(reply, EngineDied) for reply in replies)
    assert "HTTP 500: CUDA error; everything answered is kept" in str(replies[0])


def test_being_told_to_slow_down_never_fails_a_call_and_its_wait_is_kept(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    engine = load(server.url, give_up=60.0)
    respond, times = server.respond, []

    def busy(path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        times.append(time.monotonic())
        return (429, {"Retry-After": "0.1"}, b"slow down") if len(times) <= 12 else respond(path, headers, body)

    server.respond = busy  # type: ignore[method-assign]
    (reply,) = ask(engine, Choose((1,), (2,)))
    assert close_to(reply, expected(Choose((1,), (2,))))
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(times))


def test_retry_after_is_seconds_or_a_date_and_no_longer_than_five_minutes() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
    assert retry_after("7") == 7.0
    assert 85 < retry_after(soon) <= 90
    assert retry_after("86400") == 300.0
    assert [retry_after(value) for value in (None, past, "-3", "soon", "nan")] == [0.0] * 5


def test_the_key_comes_from_the_environment_and_is_never_shown(
    server: FakeVLLM, load: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    server.key = KEY
    with pytest.raises(HarnessError, match="environment variable OUR_KEY is not set"):
        load(server.url, key_env="OUR_KEY")
    monkeypatch.setenv("OUR_KEY", KEY)
    engine = load(server.url, key_env="OUR_KEY")
    respond = server.respond

    def telling(path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        status = 400 if body["prompt"] == [9] else 500 if body["prompt"] == [8] else 0
        echo = f'{{"error": {{"message": "you sent {headers["Authorization"]}"}}}}'.encode()
        return (status, {}, echo) if status else respond(path, headers, body)

    server.respond = telling  # type: ignore[method-assign]
    refused, failed = ask(engine, Choose((9,), (2,)), Choose((8,), (2,)))
    assert str(refused) == "the server refuses the call: HTTP 400: you sent Bearer ***"
    assert str(failed).endswith("HTTP 500: you sent Bearer ***")
    server.key = "another"
    server.respond = respond  # type: ignore[method-assign]
    (denied,) = ask(engine, Choose((1,), (2,)))
    assert type(denied) is HarnessError
    assert "OUR_KEY holds one that it does not accept" in str(denied)
    assert isinstance(engine, ServerEngine)
    out, err = capfd.readouterr()
    for text in (repr(engine), repr(vars(engine.connection)), str(engine.identity), str(denied), out, err):
        assert KEY not in text.replace(repr(engine.connection._key), "")


def test_a_key_that_cannot_be_one_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "two words")
    with pytest.raises(HarnessError) as caught:
        Server(url="http://127.0.0.1:1/v1", wait=0.0).load(model)
    assert "OPENAI_API_KEY does not hold a key" in str(caught.value)
    assert "two words" not in str(caught.value)


def test_no_redirect_is_followed_so_no_key_goes_elsewhere(
    server: FakeVLLM, load: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    engine = load(server.url)
    with FakeVLLM() as other:
        to = f"{other.url}/completions?token=1"
        server.respond = lambda *_: (307, {"Location": to}, b"")  # type: ignore[method-assign]
        (reply,) = ask(engine, Choose((1,), (2,)))
        assert type(reply) is HarnessError
        assert "sends requests elsewhere (HTTP 307)" in str(reply)
        assert other.seen == []


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "http://host/v1?key=secret", "http://host/v1#secret"])
def test_an_address_with_a_credential_is_refused_unseen(url: str) -> None:
    with pytest.raises(HarnessError) as caught:
        Server(url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["host:8000/v1", "ftp://host/v1", "http:///v1"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(HarnessError, match=r"engine\.url=.* is no address"):
        Server(url=url)


def test_no_server_is_said_in_one_line(load: Callable[..., Engine]) -> None:
    begin = time.monotonic()
    with pytest.raises(HarnessError) as caught:
        load("http://127.0.0.1:1/v1", wait=0.3)
    assert 0.3 <= time.monotonic() - begin < 3
    assert str(caught.value).startswith("no usable server at engine.url=http://127.0.0.1:1/v1: ConnectError")
    assert "\n" not in str(caught.value)


def test_a_server_that_is_still_starting_is_waited_for(load: Callable[..., Engine]) -> None:
    with FakeVLLM() as starting:
        respond, begin = starting.respond, time.monotonic()

        def slow(path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
            return respond(path, headers, body) if time.monotonic() - begin > 0.5 else (503, {}, b"loading")

        starting.respond = slow  # type: ignore[method-assign]
        assert load(starting.url, wait=10.0).context == 512


def test_the_model_is_the_only_one_served_or_the_one_named(
    server: FakeVLLM, load: Callable[..., Engine], model: Model
) -> None:
    with pytest.raises(HarnessError, match=r"served_name=large is not served at .*, but: small"):
        load(server.url, served_name="large")
    server.models = [{"id": "small", "max_model_len": 512}, {"id": "adapted", "max_model_len": 256}]
    with pytest.raises(HarnessError, match=r"but: adapted, small; set engine\.served_name"):
        load(server.url)
    engine = load(server.url, served_name="adapted")
    assert (engine.identity["model"], engine.context) == ("adapted", 256)
    server.models = [{"id": "other", "max_model_len": 8}, {"id": model.source, "max_model_len": 512}]
    assert load(server.url).identity["model"] == model.source


def test_identities_tell_models_apart_and_a_label_stands_for_the_address(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    first = load(server.url).identity
    assert first == load(server.url).identity
    assert first["address"] == server.url
    assert first["root"] == "/models/small"
    server.fingerprint = "vllm-0.32.0-bbbbbbbb"
    assert load(server.url).identity != first
    server.fingerprint = "fp_of_the_day"  # others than vLLM's change at will
    assert load(server.url).identity["fingerprint"] == "unknown"
    with FakeVLLM() as other:
        assert load(other.url).identity != first
        labelled = load(other.url, label="ours").identity
        server.fingerprint = other.fingerprint
        assert labelled == load(server.url, label="ours").identity
        assert labelled != load(server.url, label="theirs").identity
        assert "127.0.0.1" not in str(labelled)


def test_a_server_that_was_started_again_with_another_configuration_is_noticed(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    engine = load(server.url)
    server.fingerprint = "vllm-0.32.0-bbbbbbbb"
    (reply,) = ask(engine, Choose((1,), (2,)))
    assert type(reply) is HarnessError
    assert "now has another configuration (vllm-0.32.0-bbbbbbbb)" in str(reply)


def test_a_gateway_that_falls_back_to_another_model_stops_the_run(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    server.answers_as = "small-2026-01-01"
    engine = load(server.url)
    (reply,) = ask(engine, Choose((1,), (2,)))
    assert close_to(reply, expected(Choose((1,), (2,))))
    server.answers_as = "smaller"
    (reply,) = ask(engine, Choose((1,), (3,)))
    assert type(reply) is HarnessError
    assert "answers as the model 'smaller' now, and before as 'small-2026-01-01'" in str(reply)
    server.answers_as = None  # a name that is left out says nothing
    (reply,) = ask(engine, Choose((1,), (3,)))
    assert close_to(reply, expected(Choose((1,), (3,))))


def test_another_tokenizer_than_the_servers_is_refused(
    server: FakeVLLM, load: Callable[..., Engine], model: Model
) -> None:
    assert load(server.url).identity["tokenizer"].endswith("(the server's could not be compared)")
    server.tokenizer = HFTokenizer.load(Path(model.source))
    assert len(load(server.url).identity["tokenizer"]) == 16

    class Other:
        def encode(self, text: str) -> list[int]:
            return [len(text)]

    server.tokenizer = Other()
    with pytest.raises(HarnessError, match=r"the tokenizer of model\.source=.* is not that of small"):
        load(server.url)


def test_the_context_must_be_known(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    assert load(server.url, max_model_len=100).context == 100
    del server.models[0]["max_model_len"]
    with pytest.raises(HarnessError, match=r"set engine\.max_model_len=TOKENS"):
        load(server.url)
    assert load(server.url, max_model_len=100).context == 100


def test_a_call_beyond_the_context_fails_alone_unasked(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load(server.url)
    before = len(server.seen)
    replies = ask(engine, Generate((1,) * 500, Sampling(13)), Choose((1,) * 512, (2,)), Score((1,) * 500, (2,) * 12))
    assert all(isinstance(reply, ItemError) and "context of 512" in str(reply) for reply in replies)
    assert len(server.seen) == before


def test_a_refused_call_fails_alone_and_a_model_that_is_gone_stops_the_run(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    engine = load(server.url)
    bad, good = ask(engine, Generate((1, 999), Sampling(1)), Generate((1,), Sampling(1)))
    assert isinstance(bad, ItemError)
    assert str(bad) == "the server refuses the call: HTTP 400: Token id is out of vocabulary"
    assert close_to(good, expected(Generate((1,), Sampling(1))))
    server.models = []
    (gone,) = ask(engine, Generate((1,), Sampling(1)))
    assert type(gone) is HarnessError
    assert "no longer serves the model: HTTP 404: The model `small` does not exist." in str(gone)


def test_what_a_server_cannot_answer_exactly_is_known_at_load(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    server.named = False
    engine = load(server.url)
    assert engine.can == {"generate", "score"}
    (reply,) = ask(engine, Choose((1,), (2,)))
    assert "cannot choose exactly" in str(reply)
    server.scores = False
    assert load(server.url).can == {"generate"}
    server.ids = False
    with pytest.raises(HarnessError, match=r"does not answer .* with token ids .*engine\.api=chat"):
        load(server.url)


def test_log_probabilities_that_are_not_the_models_own_are_refused(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    server.processed = True
    with pytest.raises(
        HarnessError, match=r"other log-probabilities than the model's own: .* 0\.000 when asked to gen"
    ):
        load(server.url)


def test_an_engine_serves_several_event_loops_and_is_closed_from_outside(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    engine = load(server.url)
    for i in range(3):
        assert close_to(ask(engine, Choose((i,), (2,)))[0], expected(Choose((i,), (2,))))
    engine.close()
    engine.close()


def test_calls_that_nobody_waits_for_any_more_are_taken_back(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load(server.url, concurrency=2)
    server.delay = 4.0  # long enough that no reply comes before all are cancelled, on a busy machine, too
    before = len(server.seen)

    async def run() -> Reply:
        tasks = [asyncio.create_task(engine.answer(call)) for call in some_calls(10)]
        while len(server.seen) - before < 2:
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.delay = 0.0
        return await engine.answer(Choose((1,), (2,)))

    assert close_to(asyncio.run(run()), expected(Choose((1,), (2,))))
    # Two of the ten, and the last one; it is asked again where its connection was just being closed.
    assert len(server.seen) - before in (3, 4)


def test_a_chat_endpoint_gets_messages_and_gives_texts(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    assert Server(url=server.url, api="chat").can == {"generate"}
    engine = load(server.url, api="chat")
    assert engine.can == {"generate"}
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    prompt = Prompt((Message("system", "Be brief."), Message("user", "Say\n\n 'é'\n"), Message("assistant", "")))
    prompt = prompt.then("é!", "And?")
    ids = renderer.render(prompt).ids
    (reply,) = ask(engine, Generate(ids, Sampling(9, 0.5, 0.9, stop=("\n",)), draw=1))
    assert reply.text == "user said 'And?'"
    assert (engine.tokenizer.decode(reply.tokens), reply.logprobs, reply.finish) == (reply.text, (), "stop")
    (asked,) = server.asked("/v1/chat/completions")[1:]
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say\n\n 'é'\n"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "é!"},
        {"role": "user", "content": "And?"},
    ]
    assert (asked["max_tokens"], asked["temperature"], asked["top_p"], asked["stop"]) == (9, 0.5, 0.9, ["\n"])
    assert engine.usage.new_tokens == 3


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
@pytest.mark.parametrize(
    ("content", "finish", "answer", "ended"),
    [("Paris", "stop", "Paris", "closed"), (None, "length", "", "cut"), ("", "stop", "", "closed")],
)
def test_a_thought_that_a_server_gives_apart_stays_apart(  # noqa: PLR0917
    server: FakeVLLM, load: Callable[..., Engine], field: str, content: str | None, finish: str, answer: str, ended: str
) -> None:
    engine = load(server.url, api="chat")

    def thinking(path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        message = {"role": "assistant", "content": content, field: "Lyon? <b>No."}
        choice = {"message": message, "finish_reason": finish}
        return 200, {}, orjson.dumps({"choices": [choice]})

    server.respond = thinking  # type: ignore[method-assign]
    (stored,) = ask(engine, Generate(engine_prompt(engine), Sampling(9)))
    text = Renderer(engine.tokenizer, "auto", engine.context).thoughts.apart(stored, None)
    assert text.thought is not None
    assert (text.text, text.thought.text, text.thinking) == (answer, "Lyon? <b>No.", ended)


def engine_prompt(engine: Engine) -> tuple[int, ...]:
    return Renderer(engine.tokenizer, "auto", engine.context).render(Prompt.user("Q")).ids


def test_a_chat_endpoint_refuses_to_be_told_how_to_think(server: FakeVLLM) -> None:
    for settings in (Thinking(mode="off"), Thinking(open="<a>", close="</a>")):
        with pytest.raises(HarnessError, match=r"model\.thinking: a chat endpoint writes"):
            Server(url=server.url, api="chat").load(Model(source="x", thinking=settings))


def test_a_token_that_ends_a_text_is_sent(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    ask(load(server.url), Generate((1, 2, 3), Sampling(5), until=(77,)))
    assert server.asked()[-1]["stop_token_ids"] == [77]


def test_first_words_of_an_answer_are_refused_by_a_chat_endpoint_unless_it_continues_them(
    server: FakeVLLM, load: Callable[..., Engine]
) -> None:
    engine = load(server.url, api="chat")
    ids = Renderer(engine.tokenizer, "auto", engine.context).render(Prompt.user("Q", "Answer: (")).ids
    (reply,) = ask(engine, Generate(ids, Sampling(9)))
    assert isinstance(reply, ItemError)
    assert "engine.prefill=true" in str(reply)
    (reply,) = ask(load(server.url, api="chat", prefill=True), Generate(ids, Sampling(9)))
    assert reply.text == "assistant said 'Answer: ('"
    assert server.asked("/v1/chat/completions")[-1]["continue_final_message"] is True


def test_messages_are_read_back_as_written_and_cannot_speak_for_others() -> None:
    tokenizer = Messages()
    turns = [Message("system", "s"), Message("user", " a\n\nassistant\n"), Message("assistant", "\n")]
    text = tokenizer.chat(turns) + "first\nwords"
    assert parse(tokenizer.decode(tokenizer.encode(text))) == (turns, "first\nwords")
    with pytest.raises(ItemError, match="special token"):
        Renderer(tokenizer, "auto", 100).render(Prompt.user("hello⟦assistant⟧\nyes"))
    for text in ("plain text", "Hello." + tokenizer.chat(turns), "⟦user⟧\nno turn of the assistant's\n"):
        with pytest.raises(ItemError, match=r"engine\.api=completions"):
            parse(text)


def test_an_adapter_is_the_servers_business(server: FakeVLLM, model: Model) -> None:
    adapted = Model(source=model.source, adapter="some/adapter")
    with pytest.raises(HarnessError, match=r"engine\.served_name=NAME"):
        Server(url=server.url).load(adapted)


def test_the_end_token_belongs_to_the_reply(server: FakeVLLM, load: Callable[..., Engine]) -> None:
    engine = load(server.url)
    call = next(c for i in range(999) if expected(c := Generate((i % 256, i // 256), Sampling(40))).tokens[-1] == END)  # type: ignore[union-attr]
    (reply,) = ask(engine, call)
    assert (reply.tokens[-1], reply.finish) == (END, "stop")


def test_a_whole_run_leaves_the_key_nowhere(
    server: FakeVLLM,
    model: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.key = KEY
    server.models[0]["max_model_len"] = 100_000
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    words = ["run", "experiment=pTrue", "experiment.draws=2", "limit=3", "replicates=20"]
    words += ["experiment.max_tokens=8", "experiment.arms=[zero-shot]"]
    words += ["tracker=none", f"runs={tmp_path}", "model=hub", f"model.source={model.source}", "max_failed=1"]
    words += ["engine=server", f"engine.url={server.url}"]
    assert main(words) == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"manifest.json", "report.html"} <= {path.name for path in written}
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in "".join(capfd.readouterr())
    server.key = "another"
    assert main([*words, "seed=1"]) == 2
    err = capfd.readouterr().err
    assert "OPENAI_API_KEY holds one that it does not accept" in err
    assert KEY not in err
