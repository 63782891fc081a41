"""The transformers engine on tiny random models, against plain transformers, one prompt at a time."""

import asyncio
import gc
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from harness.calls.calls import Activations, Call, Choose, Generate, Logprobs, Read, Reply, Sampling, Score, Text
from harness.engines.transformers.batching import TransformersEngine
from harness.errors import EngineDied, ItemError
from tests.integration.engines import ask
from tests.support.tiny_engines import (
    LENGTHS,
    agrees,
    every_kind,
    load,
    near,
    one_by_one,
    plain,
    prompts,
    push,
    steered_table,
    table_of,
)
from tests.support.tiny_models import save_tiny

KINDS = ("llama", "gpt2", "gemma2", "mistral")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: save_tiny(tmp_path_factory.mktemp(kind), kind) for kind in KINDS}


@pytest.fixture
def engine(folders: dict[str, Path]) -> Iterator[TransformersEngine]:
    """A fresh engine, with nothing in its prefix cache."""
    loaded = load(folders["llama"])
    yield loaded
    loaded.close()


@pytest.mark.parametrize("kind", KINDS)
def test_mixed_batches_of_all_kinds_and_lengths_equal_plain_transformers(folders: dict[str, Path], kind: str) -> None:
    import torch

    model, loaded = plain(folders[kind]), load(folders[kind])
    table = table_of(model)
    calls = [call for prompt in prompts() for call in every_kind(prompt)]
    replies = ask(loaded, calls)
    alone = one_by_one(loaded, calls)
    loaded.close()
    for call, reply, single in zip(calls, replies, alone, strict=True):
        agrees(call, reply, table)
        near(reply, single)
        if isinstance(call, Read):
            assert isinstance(reply, Activations)
            with torch.inference_mode():
                # resid_post of block 0; that of the last block is only there before the final norm.
                hidden = model(torch.tensor([call.prompt]), output_hidden_states=True).hidden_states[1][0]
            expected = hidden[list(call.positions)].numpy()
            expected = expected.mean(0, keepdims=True) if call.pool == "mean" else expected
            np.testing.assert_allclose(reply.values.numpy()[0], expected, atol=1e-4)


def test_named_tokens_at_many_positions_are_those_of_a_choose_per_prefix(engine: TransformersEngine) -> None:
    for prompt in prompts((60, 90)):
        places = (0, 7, 31, 32, 58, len(prompt) - 1)
        together, *alone = ask(
            engine,
            [Choose(prompt, (4, 9, 50), positions=places), *(Choose(prompt[: p + 1], (4, 9, 50)) for p in places)],
        )
        assert isinstance(together, Logprobs)
        expected = [value for reply in alone if isinstance(reply, Logprobs) for value in reply.values]
        np.testing.assert_allclose(together.values, expected, atol=1e-4)


def test_only_what_stands_before_the_first_position_comes_from_the_prefix_cache(engine: TransformersEngine) -> None:
    (prompt,) = prompts((90,))
    ask(engine, [Choose(prompt, (4,))])
    before = engine.usage.cached_tokens
    cached, alone = ask(engine, [Choose(prompt, (4, 9), positions=(50, 80))]), engine.usage.cached_tokens - before
    assert alone == 48  # whole blocks of 16 before position 50
    first, second = ask(engine, [Choose(prompt[:51], (4, 9)), Choose(prompt[:81], (4, 9))])
    assert isinstance(cached[0], Logprobs)
    assert isinstance(first, Logprobs)
    assert isinstance(second, Logprobs)
    np.testing.assert_allclose(cached[0].values, first.values + second.values, atol=1e-4)


def test_interventions_act_at_every_position_that_follows_them(engine: TransformersEngine) -> None:
    (prompt,) = prompts((40,))
    places, steering = (5, 20, 39), (push(11),)
    together, *alone = ask(
        engine,
        [
            Choose(prompt, (4, 9), steering, places),
            Choose(prompt[:6], (4, 9)),
            *(Choose(prompt[: p + 1], (4, 9), steering) for p in places[1:]),
        ],
    )
    assert isinstance(together, Logprobs)
    expected = [value for reply in alone if isinstance(reply, Logprobs) for value in reply.values]
    np.testing.assert_allclose(together.values, expected, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_texts_are_those_of_plain_generate(folders: dict[str, Path], kind: str) -> None:
    import torch

    model, loaded = plain(folders[kind]), load(folders[kind])
    calls = [Generate(prompt, Sampling(15)) for prompt in prompts()]
    replies = ask(loaded, calls)
    loaded.close()
    for call, reply in zip(calls, replies, strict=True):
        assert isinstance(reply, Text)
        with torch.inference_mode():
            ids = torch.tensor([call.prompt])
            whole = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=15, pad_token_id=0)
        assert whole[0, len(call.prompt) :].tolist() == list(reply.tokens)


def test_order_and_company_change_nothing_not_even_a_sampled_text(engine: TransformersEngine) -> None:
    calls = [call for prompt in prompts() for call in every_kind(prompt)]
    together = ask(engine, calls)
    backward = ask(engine, calls[::-1])[::-1]
    for a, b in zip(together, backward, strict=True):
        near(a, b)


def test_draws_are_independent_of_how_many_are_asked(engine: TransformersEngine) -> None:
    prompt = prompts((20,))[0]
    draws: list[Call] = [Generate(prompt, Sampling(10, temperature=1.0), draw=d) for d in range(12)]
    together = ask(engine, draws)
    for a, b in zip(together, one_by_one(engine, draws), strict=True):
        near(a, b)
    assert len({reply.tokens for reply in together if isinstance(reply, Text)}) == 12
    other_seed = ask(engine, [Generate(prompt, Sampling(10, temperature=1.0), draw=0, seed=1)])[0]
    assert isinstance(other_seed, Text)
    assert other_seed.tokens != together[0].tokens  # type: ignore[union-attr]


def test_draws_of_one_prompt_read_it_once(engine: TransformersEngine) -> None:
    prompt = prompts((40,))[0]
    ask(engine, [Generate(prompt, Sampling(1, temperature=1.0), draw=d) for d in range(6)])
    assert engine.usage.steps == 1
    assert engine.usage.prompt_tokens == 240
    assert engine.usage.cached_tokens == 200


def test_more_draws_than_rows_are_written_in_turns(folders: dict[str, Path], engine: TransformersEngine) -> None:
    small = load(folders["llama"], max_rows=3)
    calls: list[Call] = [Generate(p, Sampling(7, temperature=1.0), draw=d) for p in prompts((9, 30)) for d in range(8)]
    few, many = ask(small, calls), ask(engine, calls)
    small.close()
    for a, b in zip(few, many, strict=True):
        near(a, b)


def test_a_common_prefix_is_computed_once_and_gives_the_same_numbers(
    folders: dict[str, Path], engine: TransformersEngine
) -> None:
    table = table_of(plain(folders["llama"]))
    shared, *tails = prompts((64, 10, 10, 10, 10, 10))
    calls: list[Call] = [Choose(shared + tail, (4, 5)) for tail in tails]
    for call, reply in zip(calls, ask(engine, calls), strict=True):
        agrees(call, reply, table)
    # The first is read whole; then the other four, 10 tokens each.
    assert engine.usage.steps == 2
    assert engine.usage.cached_tokens == 4 * 64
    later = Score(shared[:50], (7, 8))
    agrees(later, ask(engine, [later])[0], table)
    assert engine.usage.cached_tokens == 4 * 64 + 48


def test_the_memory_of_a_pass_is_free_after_it_and_not_when_python_collects_cycles(engine: TransformersEngine) -> None:
    from harness.engines.transformers.keys_values import Window

    def held() -> int:
        return sum(type(one) is Window for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        ask(engine, [call for prompt in prompts() for call in every_kind(prompt)])
        ended = held()
    finally:
        gc.enable()
    cohorts = len(engine._cohorts)
    assert engine.usage.steps > 10
    assert ended <= cohorts + 1, "the engine's thread may still hold the window of its last pass"


def test_a_second_turn_finds_the_first_one_read(folders: dict[str, Path], engine: TransformersEngine) -> None:
    first = Generate(prompts((30,))[0], Sampling(20))
    answer = ask(engine, [first])[0]
    assert isinstance(answer, Text)
    second = Choose(first.prompt + answer.tokens + prompts((6,), seed=1)[0], (4, 5, 6))
    agrees(second, ask(engine, [second])[0], table_of(plain(folders["llama"])))
    read = 30 + len(answer.tokens) - 1  # the last token was never read
    assert engine.usage.cached_tokens == read - read % 16


def test_a_full_prefix_cache_forgets_and_goes_on(folders: dict[str, Path]) -> None:
    table = table_of(plain(folders["llama"]))
    loaded = load(folders["llama"], kv_cache_gib=2e-4)  # 140 tokens of prefixes
    for prompt in prompts((60,) * 6):
        call = Choose(prompt, (4, 5))
        agrees(call, ask(loaded, [call, Choose(prompt, (6, 7))])[0], table)
    assert 0 < loaded._prefixes._used <= loaded._limits.prefix_bytes
    loaded.close()


def test_stop_strings_end_a_text_also_across_tokens(engine: TransformersEngine) -> None:
    prompt = prompts((25,))[0]
    whole = ask(engine, [Generate(prompt, Sampling(20, temperature=1.0), draw=1)])[0]
    assert isinstance(whole, Text)
    stop = whole.text[6:9]
    stopped = ask(engine, [Generate(prompt, Sampling(20, stop=(stop, "never this"), temperature=1.0), draw=1)])[0]
    assert isinstance(stopped, Text)
    # Another sampling is another draw: hold the text against its own tokens.
    shown = engine.tokenizer.decode(stopped.tokens)
    assert (stop in shown) == (stopped.finish == "stop" and stopped.tokens[-1] not in (1, 2))
    greedy = ask(engine, [Generate(prompt, Sampling(20))])[0]
    assert isinstance(greedy, Text)
    stop = greedy.text[5:8]
    place = greedy.text.index(stop)
    cut = ask(engine, [Generate(prompt, Sampling(20, stop=("never this", stop)))])[0]
    assert isinstance(cut, Text)
    assert (cut.text, cut.finish) == (greedy.text[:place], "stop")
    assert cut.tokens == greedy.tokens[: place + 3]


def test_every_end_token_ends_a_text_and_is_not_shown(folders: dict[str, Path], engine: TransformersEngine) -> None:
    calls: list[Call] = [Generate(prompts((5,))[0], Sampling(200, temperature=3.0), draw=d) for d in range(20)]
    replies = ask(engine, calls)
    ended = [reply for reply in replies if isinstance(reply, Text) and reply.finish == "stop"]
    assert {reply.tokens[-1] for reply in ended} == {1, 2}
    for reply in ended:
        assert not {1, 2} & set(reply.tokens[:-1])
        assert reply.text == "".join(chr(29 + token) for token in reply.tokens[:-1] if token > 2)


def test_a_long_text_holds_nobody_up(engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = engine._decode

    def slow(cohort: Any) -> None:
        time.sleep(0.005)
        decode(cohort)

    monkeypatch.setattr(engine, "_decode", slow)
    long, *short = prompts((40, 12, 30, 50))

    async def run() -> tuple[bool, Reply]:
        straggler = asyncio.ensure_future(engine.answer(Generate(long, Sampling(200))))
        await asyncio.sleep(0.05)
        for prompt in short:
            await asyncio.gather(engine.answer(Generate(prompt, Sampling(3))), engine.answer(Choose(prompt, (4,))))
        return straggler.done(), await straggler

    waiting, reply = asyncio.run(run())
    assert not waiting
    assert isinstance(reply, Text)
    assert len(reply.tokens) > 60


def test_short_and_long_texts_share_no_cohort_and_are_still_right(
    folders: dict[str, Path], engine: TransformersEngine
) -> None:
    table = table_of(plain(folders["llama"]))
    calls = [Generate(p, Sampling(5 + 3 * i)) for i, p in enumerate(prompts((4, 200, 6, 180, 3, 9)))]
    for call, reply in zip(calls, ask(engine, calls), strict=True):
        agrees(call, reply, table)


def test_rows_are_moved_when_columns_run_out(folders: dict[str, Path], engine: TransformersEngine) -> None:
    table = table_of(plain(folders["llama"]))

    async def chain(prompt: tuple[int, ...], rounds: int) -> list[tuple[Call, Reply]]:
        done: list[tuple[Call, Reply]] = []
        for i in range(rounds):
            call = Generate((*prompt, 3 + i), Sampling(4 + (len(prompt) + i) % 5))
            done.append((call, await engine.answer(call)))
        return done

    async def run() -> list[list[tuple[Call, Reply]]]:
        return list(await asyncio.gather(*(chain(p, 12) for p in prompts((10, 13, 20, 28)))))

    for done in asyncio.run(run()):
        for call, reply in done:
            agrees(call, reply, table)


def test_a_call_beyond_the_context_or_the_vocabulary_fails_alone(engine: TransformersEngine) -> None:
    good = Choose((5, 6), (7,))
    bad: list[Call] = [
        Choose((5,) * 300, (7,)),
        Choose((5, 98), (7,)),
        Choose((5,), (7, 98)),
        Score((5,), (98,)),
        Choose((), (7,)),
    ]

    async def run() -> list[Any]:
        return list(await asyncio.gather(*(engine.answer(c) for c in [*bad, good]), return_exceptions=True))

    *refused, answered = asyncio.run(run())
    assert all(isinstance(error, ItemError) for error in refused)
    assert "300 prompt and 0 new tokens do not fit the context of 256" in str(refused[0])
    assert "token 98 is not one of the model's 98" in str(refused[1])
    assert isinstance(answered, Logprobs)


def test_a_failing_forward_pass_is_the_end_for_everybody(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("device-side assert")

    monkeypatch.setattr(engine, "_model", broken)

    async def run() -> list[Any]:
        calls = [call for prompt in prompts() for call in every_kind(prompt)]
        first = await asyncio.gather(*(engine.answer(c) for c in calls), return_exceptions=True)
        later = await asyncio.gather(engine.answer(calls[0]), return_exceptions=True)
        return [*first, *later]

    errors = asyncio.run(run())
    assert len(errors) == 9 * len(LENGTHS) + 1
    for error in errors:
        assert isinstance(error, EngineDied)
        assert "RuntimeError: device-side assert" in str(error)


class Cramped:
    """A model on a device with room for so many tokens at once while reading, and so many rows while writing."""

    def __init__(self, model: Any, tokens: int, rows: int) -> None:
        self._model, self._tokens, self._rows = model, tokens, rows

    def __call__(self, **inputs: Any) -> Any:
        import torch

        rows, new = inputs["input_ids"].shape
        if (new > 1 and rows * new > self._tokens) or (new == 1 and rows > self._rows):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self._model(**inputs)


def test_out_of_memory_loses_nothing(engine: TransformersEngine, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [call for prompt in prompts() for call in every_kind(prompt) if not isinstance(call, Read)]
    calls.append(Generate(prompts((20,))[0], Sampling(15, temperature=1.0), interventions=(push(15, decode=True),)))
    expected = one_by_one(engine, calls)
    engine._prefixes.clear()
    engine._model = Cramped(engine._model, 120, 5)
    for a, b in zip(ask(engine, calls), expected, strict=True):
        near(a, b)
    told = capsys.readouterr().err
    assert "out of GPU memory: going on with reading" in told
    assert "texts at once" in told
    assert engine._limits.rows <= 5


def test_a_call_that_does_not_fit_even_alone_fails_alone(engine: TransformersEngine) -> None:
    engine._model = Cramped(engine._model, 50, 5)
    small, large = prompts((30, 60))

    async def run() -> list[Any]:
        calls: list[Call] = [Generate(small, Sampling(10)), Choose(large, (4,)), Choose(small, (4,))]
        return list(await asyncio.gather(*(engine.answer(c) for c in calls), return_exceptions=True))

    text, refused, choice = asyncio.run(run())
    assert isinstance(text, Text)
    assert isinstance(refused, ItemError)
    assert "memory does not suffice" in str(refused)
    assert isinstance(choice, Logprobs)


@pytest.mark.parametrize("settings", [{"max_rows": 3, "kv_cache_gib": 3e-4}, {"max_batch_tokens": 60}, {}])
def test_conversations_that_come_and_go_at_random_are_right(folders: dict[str, Path], settings: dict[str, Any]) -> None:
    loaded, random = load(folders["llama"], **settings), Random(5)
    beginnings = prompts((16, 33, 70, 5))
    done: list[tuple[Call, Reply]] = []

    async def conversation() -> None:
        await asyncio.sleep(random.random() / 3)
        base = beginnings[random.randrange(4)]
        prompt = base[: random.randrange(1, len(base) + 1)] + prompts((random.randrange(30),), random.randrange(99))[0]
        for _ in range(random.randrange(1, 4)):
            calls = every_kind(prompt)
            calls.append(Generate(prompt, Sampling(8), interventions=(push(len(prompt), decode=True),)))
            call = calls[random.randrange(len(calls))]
            done.append((call, await loaded.answer(call)))
            reply = done[-1][1]
            prompt += (reply.tokens if isinstance(reply, Text) else ()) + prompts((5,), random.randrange(99))[0]

    async def run() -> None:
        await asyncio.gather(*(conversation() for _ in range(50)))

    asyncio.run(run())
    loaded.close()
    model = plain(folders["llama"])
    for call, reply in done:
        agrees(call, reply, steered_table(model, call.prompt) if call.interventions else table_of(model))
