"""The real vLLM on the real small model, against plain transformers, one prompt at a time, in float32."""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.calls.calls import Call, Choose, Generate, Logprobs, Sampling, Score, Text
from harness.engines.base import Engine
from harness.engines.vllm.arguments import NEEDED, NEUTRAL
from harness.engines.vllm.engine import VLLM, VLLMEngine
from harness.errors import EngineDied, HarnessError, ItemError
from harness.models.model import LocalModel, Model
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Renderer
from harness.subject.subject import Subject
from harness.testing import fake_subject
from tests.integration.engines import ask, on_gpu, reference_of, same, small_vllm

pytestmark = pytest.mark.engine

CPU_ONLY = pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="a setting of the CPU build")
QUESTIONS = [f"What is the capital of {c}?" for c in ("France", "Japan", "Peru", "Kenya", "Norway", "Egypt")]


@pytest.fixture(scope="module")
def engine(small_model: LocalModel) -> Iterator[Engine]:
    loaded = small_vllm(2048).load(Model(name="smollm2", source=str(small_model.path)))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def reference(small_model: LocalModel) -> Any:
    return reference_of(small_model)


def prompts(engine: Engine) -> list[tuple[int, ...]]:
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    return [renderer.render(Prompt.user(question, "Answer:")).ids for question in QUESTIONS]


def test_identity_names_what_was_loaded(engine: Engine, small_model: LocalModel) -> None:
    assert engine.identity["model"] == small_model.fingerprint
    assert engine.identity["dtype"] == "float32"
    assert engine.context == 2048


def test_named_tokens_equal_transformers(engine: Engine, reference: Any) -> None:
    tokens = tuple(sorted({engine.tokenizer.encode(w)[0] for w in ("A", "B", " Paris", " Tokyo", "\n")}))
    asked = prompts(engine)
    replies = ask(engine, [Choose(ids, tokens) for ids in asked])
    for ids, reply in zip(asked, replies, strict=True):
        assert isinstance(reply, Logprobs)
        np.testing.assert_allclose(reply.values, reference(ids)[-1][list(tokens)], atol=1e-3)


def test_greedy_text_and_its_logprobs_equal_transformers_and_stop_where_told(engine: Engine, reference: Any) -> None:
    asked = prompts(engine)
    replies = ask(engine, [Generate(ids, Sampling(12, stop=("\n",))) for ids in asked])
    for ids, reply in zip(asked, replies, strict=True):
        assert isinstance(reply, Text)
        assert "\n" not in reply.text
        assert "<|im_end|>" not in reply.text
        assert len(reply.tokens) <= 12
        assert (reply.finish == "length") == (
            len(reply.tokens) == 12 and "\n" not in engine.tokenizer.decode(reply.tokens)
        )
        table = reference([*ids, *reply.tokens])[len(ids) - 1 : -1]
        np.testing.assert_array_equal(table.argmax(-1), reply.tokens)
        np.testing.assert_allclose(reply.logprobs, table[np.arange(len(reply.tokens)), list(reply.tokens)], atol=1e-3)
    assert "Paris" in replies[0].text  # type: ignore[union-attr]


def test_logprobs_of_sampled_text_are_raw_not_of_the_tempered_distribution(engine: Engine, reference: Any) -> None:
    ids = prompts(engine)[0]
    (reply,) = ask(engine, [Generate(ids, Sampling(8, temperature=0.5), draw=1)])
    assert isinstance(reply, Text)
    table = reference([*ids, *reply.tokens])[len(ids) - 1 : -1]
    np.testing.assert_allclose(reply.logprobs, table[np.arange(len(reply.tokens)), list(reply.tokens)], atol=1e-3)


def test_replies_depend_neither_on_company_nor_on_order(engine: Engine) -> None:
    calls: list[Call] = []
    for ids in prompts(engine):
        calls += [Generate(ids, Sampling(8, temperature=1.0), draw=d, seed=3) for d in range(3)]
        calls += [Choose(ids, (5, 260)), Generate(ids, Sampling(8))]
    together = ask(engine, calls)
    backward = ask(engine, calls[::-1])[::-1]
    alone = [ask(engine, [call])[0] for call in calls[:10]]
    for call, a, b in zip(calls, together, backward, strict=True):
        same(a, b, call)
    for call, a, b in zip(calls, together, alone, strict=False):
        same(a, b, call)
    draws = {reply.tokens for reply in together[:3] if isinstance(reply, Text)}
    assert len(draws) > 1


def test_draws_of_one_prompt_share_its_blocks_though_they_are_asked_at_once(engine: Engine) -> None:
    # Whole blocks are shared, of 32 tokens on a CPU and 16 on a GPU: of 5 draws, 4 find the first draw's.
    block = 16 if on_gpu() else 32
    begin = engine.usage.cached_tokens
    ids = tuple(1000 + 7 * i for i in range(150))
    ask(engine, [Generate(ids, Sampling(2, temperature=1.0), draw=d) for d in range(5)])
    assert engine.usage.cached_tokens - begin == 4 * (150 // block * block)


def test_seeded_draws_of_more_prompt_than_one_step_holds_do_not_kill_the_engine(engine: Engine) -> None:
    # vLLM would compute the last prompt of a full step in pieces and then rewind a CPU generator, which cannot.
    ids = prompts(engine)[0]
    long = [ids[:-2] + (1000 + i,) * 1000 + ids[-2:] for i in range(5)]
    replies = ask(engine, [Generate(p, Sampling(2, temperature=1.0), draw=d) for p in long for d in range(2)])
    assert all(isinstance(reply, Text) and len(reply.tokens) == 2 for reply in replies)


def test_option_probabilities_through_a_subject(engine: Engine, reference: Any) -> None:
    subject = fake_subject(lambda _: {})
    real = Subject(engine, Renderer(engine.tokenizer, "auto", engine.context), subject.store, 0)
    prompt = Prompt.user("Is Paris in France?\n (A) Yes\n (B) No", "The answer is: (")
    choice = asyncio.run(real.choose(prompt, {"yes": ["A"], "no": ["B"]}))
    ids = real.renderer.render(prompt).ids
    a, b = (engine.tokenizer.encode(letter)[0] for letter in "AB")
    p = np.exp(reference(ids)[-1])
    assert choice.mass == pytest.approx(p[a] + p[b], abs=1e-4)
    assert choice.p["yes"] == pytest.approx(p[a] / (p[a] + p[b]), abs=1e-4)
    assert engine.tokenizer.decode(ids).endswith("<|im_start|>assistant\nThe answer is: (")


def test_more_named_tokens_than_vllm_takes_fail_the_item(engine: Engine) -> None:
    with pytest.raises(ItemError, match="at most 128"):
        ask(engine, [Choose((1, 2), tuple(range(129)))])


def test_a_call_beyond_the_context_fails_alone_and_does_not_wait_for_ever(engine: Engine) -> None:
    async def run() -> list[Any]:
        good = Choose(prompts(engine)[0], (5,))
        bad = Choose(tuple([5] * 3000), (5,))
        return list(await asyncio.gather(engine.answer(bad), engine.answer(good), return_exceptions=True))

    refused, answered = asyncio.run(run())
    assert isinstance(refused, ItemError)
    assert isinstance(answered, Logprobs)


def test_a_call_that_vllm_refuses_fails_alone(engine: Engine) -> None:
    async def run() -> list[Any]:
        bad: list[Call] = [Choose((1, 2), (10**6,)), Choose((10**6,), (5,)), Score((1,), (10**6,))]
        calls = [*bad, Choose((1, 2), (5,))]
        return list(await asyncio.gather(*(engine.answer(call) for call in calls), return_exceptions=True))

    *refused, answered = asyncio.run(run())
    assert [str(error).split(":")[0] for error in refused] == ["vLLM refuses the call"] * 3
    assert all(isinstance(error, ItemError) for error in refused)
    assert isinstance(answered, Logprobs)


def test_every_refused_and_neutral_name_is_an_argument_of_this_vllm() -> None:
    from vllm import EngineArgs

    known = {f.name for f in fields(EngineArgs)}
    assert known >= set(NEEDED)
    assert known >= NEUTRAL


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"args": {"tensor_paralel_size": 2}}, "engine.args.tensor_paralel_size: vLLM has no such argument, did you"),
        ({"args": {"data_parallel_size": 2}}, "engine.args.data_parallel_size cannot be set: an engine inside one pro"),
        pytest.param(
            {"args": {"enable_chunked_prefill": True}},
            "engine.args.enable_chunked_prefill cannot be set on a CPU",
            marks=CPU_ONLY,
        ),
        ({"args": {"block_size": "many"}}, "engine.args.block_size=many: a whole number is needed"),
        ({"args": {"kv_cache_dtype": "int2"}}, "engine.args.kv_cache_dtype=int2: Input should be "),
        ({"dtype": "float8"}, "engine.dtype=float8: Input should be "),
        ({"max_model_len": 100_000}, "vLLM cannot load smollm2: "),
        pytest.param({"kv_cache_gib": 0.01}, "lower engine.max_model_len, set engine.kv_cache_gib", marks=CPU_ONLY),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_line(
    small_model: LocalModel, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(HarnessError) as caught:
        VLLM(**settings).load(Model(name="smollm2", source=str(small_model.path)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_engine_that_dies_fails_everybody_who_waits_and_every_later_call() -> None:
    class Dying:
        model_config = SimpleNamespace(max_model_len=100)
        engine_core = SimpleNamespace(shutdown=lambda: None)

        def add_request(self, *_: Any, **__: Any) -> None:
            pass

        def step(self) -> list[Any]:
            time.sleep(0.05)
            raise RuntimeError("a bad kernel")

    async def run() -> list[Any]:
        engine = VLLMEngine(Dying(), fake_subject(lambda _: {}).engine.tokenizer, {"engine": "vllm"}, 4)
        calls = [engine.answer(Choose((i,), (1,))) for i in range(3)]
        first = await asyncio.gather(*calls, return_exceptions=True)
        later = await asyncio.gather(engine.answer(Choose((9,), (1,))), return_exceptions=True)
        engine.close()
        return [*first, *later]

    for error in asyncio.run(run()):
        assert isinstance(error, EngineDied)
        assert "RuntimeError: a bad kernel; everything answered is kept" in str(error)
