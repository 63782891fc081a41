"""A real `vllm serve` of the real small model on loopback, against plain transformers, and killed in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.calls.calls import Call, Choose, Generate, Logprobs, Reply, Sampling, Score, Text, call_key
from harness.engines.base import Engine
from harness.engines.server.engine import Server
from harness.errors import EngineDied, HarnessError, ItemError
from harness.models.model import LocalModel, Model
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Renderer
from harness.store.segments import Origin
from harness.store.store import Store
from tests.integration.engines import ask, reference_of
from tests.support.loopback import FaultyProxy

pytestmark = pytest.mark.engine

KEY = "sk-loopback-77aa"
QUESTIONS = [f"What is the capital of {c}?" for c in ("France", "Japan", "Peru", "Kenya", "Norway", "Egypt")]


class VLLMServe:
    """`vllm serve` as a process of its own, set as `engine=vllm` sets it: exact, and whatever the company of a call."""

    ENVIRONMENT: ClassVar[dict[str, str]] = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": f"0-{(os.cpu_count() or 1) - 1}",
        "TORCHDYNAMO_DISABLE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    SETTINGS = ("--dtype", "float32", "--enforce-eager", "--block-size", "32", "--max-num-seqs", "64")
    WHOLE_PROMPTS = ("--no-enable-chunked-prefill", "--max-model-len", "2048", "--max-num-batched-tokens", "2048")

    def __init__(self, model: LocalModel, log: Path) -> None:
        self.model, self.log = model, log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        place = ["--host", "127.0.0.1", "--port", str(self.port), "--served-model-name", "small", "--api-key", KEY]
        # What `vllm serve` runs; the command itself asks for a distribution of that name, which the CPU build has not.
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(self.model.path), *place]
        command += [*self.SETTINGS, *self.WHOLE_PROMPTS]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=os.environ | self.ENVIRONMENT, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self) -> None:
        """Until it answers; half a minute on a quiet machine."""
        begin = time.monotonic()
        while time.monotonic() - begin < 180:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.3)
        raise AssertionError(f"not started: {self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        """kill -9, its engine process too."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def served(small_model: LocalModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VLLMServe]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", KEY)
        server = VLLMServe(small_model, tmp_path_factory.mktemp("serve") / "log")
        try:
            server.wait()
            yield server
        finally:
            if server.process.poll() is None:
                server.kill()


@pytest.fixture(scope="module")
def model(small_model: LocalModel) -> Model:
    return Model(name="smollm2", source=str(small_model.path))


@pytest.fixture(scope="module")
def engine(served: VLLMServe, model: Model) -> Iterator[Engine]:
    loaded = Server(url=served.url).load(model)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def reference(small_model: LocalModel) -> Any:
    return reference_of(small_model)


def prompts(engine: Engine) -> list[tuple[int, ...]]:
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    return [renderer.render(Prompt.user(question, "Answer:")).ids for question in QUESTIONS]


def mixed_calls(engine: Engine, n: int) -> list[Call]:
    """Calls of all kinds, no two of the same prompt."""
    calls: list[Call] = []
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    for i in range(n):
        ids = renderer.render(Prompt.user(f"What is {i} plus {i + 3}?", "It is")).ids
        kinds: list[Call] = [
            Generate(ids, Sampling(8)),
            Generate(ids, Sampling(8, temperature=0.9, top_p=0.9), draw=i, seed=2),
            Choose(ids, (216, 260)),
            Score(ids, (216, 33 + i % 9)),
        ]
        calls.append(kinds[i % 4])
    return calls


def same(reply: Reply, other: Reply) -> bool:
    if isinstance(reply, Text) and isinstance(other, Text):
        equal = (reply.text, reply.tokens, reply.finish) == (other.text, other.tokens, other.finish)
        return equal and np.allclose(reply.logprobs, other.logprobs, atol=1e-4)
    assert isinstance(reply, Logprobs)
    assert isinstance(other, Logprobs)
    return np.allclose(reply.values, other.values, atol=1e-4)


def test_what_is_served_is_found_out(engine: Engine, served: VLLMServe, small_model: LocalModel) -> None:
    assert engine.can == {"generate", "choose", "score"}
    assert engine.context == 2048
    assert engine.identity["model"] == "small"
    assert engine.identity["root"] == str(small_model.path)
    assert engine.identity["address"] == served.url
    assert engine.identity["fingerprint"].startswith(f"vllm-{engine.identity['version']}-")
    assert len(engine.identity["tokenizer"]) == 16  # compared with the server's


def test_named_tokens_equal_transformers(engine: Engine, reference: Any) -> None:
    tokens = tuple(sorted({engine.tokenizer.encode(w)[0] for w in ("A", "B", " Paris", " Tokyo", "\n")}))
    asked = prompts(engine)
    for ids, reply in zip(asked, ask(engine, [Choose(ids, tokens) for ids in asked]), strict=True):
        assert isinstance(reply, Logprobs)
        np.testing.assert_allclose(reply.values, reference(ids)[-1][list(tokens)], atol=1e-3)


def test_the_score_of_a_continuation_equals_transformers(engine: Engine, reference: Any) -> None:
    said = tuple(engine.tokenizer.encode(" The capital is Paris, of course."))
    asked = prompts(engine)
    for ids, reply in zip(asked, ask(engine, [Score(ids, said) for ids in asked]), strict=True):
        assert isinstance(reply, Logprobs)
        rows = reference([*ids, *said])[len(ids) - 1 : -1]
        np.testing.assert_allclose(reply.values, rows[np.arange(len(said)), list(said)], atol=1e-3)


@pytest.mark.parametrize("temperature", [0.0, 0.6])
def test_texts_and_their_raw_logprobs_equal_transformers(engine: Engine, reference: Any, temperature: float) -> None:
    asked = prompts(engine)
    sampling = Sampling(12, temperature, stop=("\n",))
    draws = range(1 if temperature == 0 else 2)
    calls = [Generate(ids, sampling, draw=draw) for ids in asked for draw in draws]
    replies = ask(engine, calls)
    for call, reply in zip(calls, replies, strict=True):
        assert isinstance(reply, Text)
        assert "\n" not in reply.text
        assert "<|im_end|>" not in reply.text
        rows = reference([*call.prompt, *reply.tokens])[len(call.prompt) - 1 : -1]
        if temperature == 0:
            np.testing.assert_array_equal(rows.argmax(-1), reply.tokens)
        np.testing.assert_allclose(reply.logprobs, rows[np.arange(len(reply.tokens)), list(reply.tokens)], atol=1e-3)
    assert all(same(a, b) for a, b in zip(replies, ask(engine, calls[::-1])[::-1], strict=True))


def test_what_vllm_refuses_fails_the_item_in_its_words(engine: Engine) -> None:
    async def run() -> list[Any]:
        calls: list[Call] = [Choose((1, 2), tuple(range(129))), Generate((1, 10**7), Sampling(1)), Choose((1, 2), (5,))]
        return list(await asyncio.gather(*map(engine.answer, calls), return_exceptions=True))

    many, unknown, good = asyncio.run(run())
    assert isinstance(many, ItemError)
    assert "greater than max allowed: 128" in str(many)
    assert isinstance(unknown, ItemError)
    assert isinstance(good, Logprobs)


def test_through_a_faulty_proxy_every_answer_is_the_same(engine: Engine, served: VLLMServe, model: Model) -> None:
    calls = mixed_calls(engine, 24)
    straight = ask(engine, calls)
    with FaultyProxy(f"http://127.0.0.1:{served.port}", share=0.3, slow=0.1) as proxy:
        crooked = Server(url=proxy.url, backoff=0.02).load(model)
        replies = ask(crooked, calls)
        crooked.close()
        assert sum(proxy.made.values()) > 4
    for call, a, b in zip(calls, straight, replies, strict=True):
        assert same(a, b), call


def test_the_chat_endpoint_says_what_the_rendered_prompt_is_answered_with(
    engine: Engine, served: VLLMServe, model: Model
) -> None:
    chat = Server(url=served.url, api="chat", prefill=True).load(model)
    for prefill in ("", "The capital of"):
        prompt = Prompt.user(QUESTIONS[0], prefill)
        texts = []
        for asked in (engine, chat):
            renderer = Renderer(asked.tokenizer, "auto", asked.context)
            (reply,) = ask(asked, [Generate(renderer.render(prompt).ids, Sampling(12))])
            assert isinstance(reply, Text)
            texts.append(reply.text)
        assert texts[0] == texts[1]
    chat.close()


def test_killed_in_the_middle_it_costs_nothing_that_was_answered(
    served: VLLMServe, model: Model, tmp_path: Path
) -> None:
    def go(engine: Engine, calls: list[Call], killing: int | None = None) -> tuple[list[Any], int]:
        store = Store(tmp_path)
        origin = Origin.of(engine.identity, "", "")

        async def one(call: Call) -> Reply:
            key = call_key(origin.identity, call)
            kept = store.get(key, origin)
            reply = kept or await store.once(key, origin, lambda: engine.answer(call))
            if killing is not None and len(store) == killing:
                served.kill()
            return reply

        async def run() -> list[Any]:
            return list(await asyncio.gather(*map(one, calls), return_exceptions=True))

        replies, kept = asyncio.run(run()), len(store)
        store.close()
        return replies, kept

    first = Server(url=served.url, concurrency=8, give_up=5.0, backoff=0.1).load(model)
    calls = mixed_calls(first, 60)
    replies, kept = go(first, calls, killing=20)
    first.close()
    assert 20 <= kept < 40
    assert sum(isinstance(reply, EngineDied) for reply in replies) == 60 - kept
    served.start()
    try:
        second = Server(url=served.url, wait=180.0).load(model)  # waits until it has started
    except HarnessError as error:
        error.add_note(served.log.read_text()[-3000:])
        raise
    replies, after = go(second, calls)
    asked = second.usage.calls
    second.close()
    assert second.identity == first.identity
    assert (after, asked) == (60, 60 - kept)
    assert not [reply for reply in replies if isinstance(reply, BaseException)]
