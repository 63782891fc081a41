"""The transformers engine on tiny random models, against plain transformers, one prompt at a time."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.arrays import Array
from harness.calls import Activations, Call, Choose, Generate, Logprobs, Read, Reply, Sampling, Score, Text
from harness.engines.batching import TransformersEngine
from harness.engines.transformers import Transformers
from harness.errors import EngineDied, ItemError
from harness.interventions import Add, Cut
from harness.models import Model
from tests.integration.engines import ask
from tests.tiny_models import save_tiny

KINDS = ("llama", "gpt2", "gemma2", "mistral")
LENGTHS = (1, 3, 17, 40, 41, 60, 90)

Table = Callable[[Sequence[int]], Any]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: save_tiny(tmp_path_factory.mktemp(kind), kind) for kind in KINDS}


def load(folder: Path, **settings: Any) -> TransformersEngine:
    loaded = Transformers(**settings).load(Model(source=str(folder), name="tiny"))
    assert isinstance(loaded, TransformersEngine)
    return loaded


@pytest.fixture
def engine(folders: dict[str, Path]) -> Iterator[TransformersEngine]:
    """A fresh engine, with nothing in its prefix cache."""
    loaded = load(folders["llama"])
    yield loaded
    loaded.close()


def plain(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()


def table_of(model: Any) -> Table:
    """Log-probabilities at every next position: f(ids) -> [len(ids), vocabulary]."""
    import torch

    def table(ids: Sequence[int]) -> Any:
        with torch.inference_mode():
            return model(torch.tensor([list(ids)])).logits[0].log_softmax(-1).numpy()

    return table


def prompts(lengths: Sequence[int] = LENGTHS, seed: int = 0) -> list[tuple[int, ...]]:
    rng = np.random.default_rng(seed)
    return [tuple(int(x) for x in rng.integers(3, 98, n)) for n in lengths]


def every_kind(prompt: tuple[int, ...]) -> list[Call]:
    """Calls of every kind about one prompt, of different lengths and parameters."""
    rng = np.random.default_rng(len(prompt))
    given = tuple(int(x) for x in rng.integers(3, 98, 1 + len(prompt) % 7))
    last = len(prompt) - 1
    return [
        Choose(prompt, (4, 9, 50)),
        Score(prompt, given),
        Generate(prompt, Sampling(5 + len(prompt) % 9)),
        *(Generate(prompt, Sampling(12, temperature=1.0), draw=d) for d in range(2)),
        Generate(prompt, Sampling(9, temperature=0.5, top_p=0.8, top_k=7), draw=3, seed=5),
        Read(prompt, (0, 2), (last,) if last == 0 else (0, last)),
    ]


def agrees(call: Call, reply: Reply, table: Table) -> None:
    """A reply's numbers are those of plain forward passes, and a greedy text is the most probable one."""
    if isinstance(call, Choose):
        assert isinstance(reply, Logprobs)
        np.testing.assert_allclose(reply.values, table(call.prompt)[-1][list(call.tokens)], atol=1e-4)
    elif isinstance(call, Score):
        assert isinstance(reply, Logprobs)
        given = list(call.continuation)
        rows = table(call.prompt + call.continuation)[len(call.prompt) - 1 : -1]
        np.testing.assert_allclose(reply.values, rows[np.arange(len(given)), given], atol=1e-4)
    elif isinstance(call, Generate):
        assert isinstance(reply, Text)
        rows = table([*call.prompt, *reply.tokens])[len(call.prompt) - 1 : -1]
        np.testing.assert_allclose(reply.logprobs, rows[np.arange(len(rows)), list(reply.tokens)], atol=1e-4)
        if call.sampling.temperature == 0:
            np.testing.assert_array_equal(rows.argmax(-1), reply.tokens)


def near(a: Reply, b: Reply) -> None:
    """The same reply but for rounding."""
    if isinstance(a, Activations):
        assert isinstance(b, Activations)
        np.testing.assert_allclose(a.values.numpy(), b.values.numpy(), atol=1e-4)
    elif isinstance(a, Text):
        assert isinstance(b, Text)
        assert (a.text, a.tokens, a.finish) == (b.text, b.tokens, b.finish)
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)
    else:
        assert isinstance(a, Logprobs)
        assert isinstance(b, Logprobs)
        np.testing.assert_allclose(a.values, b.values, atol=1e-4)


def one_by_one(engine: TransformersEngine, calls: Sequence[Call]) -> list[Reply]:
    return [ask(engine, [call])[0] for call in calls]


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
            np.testing.assert_allclose(reply.values.numpy()[0], expected, atol=1e-4)


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
    assert len(errors) == 7 * len(LENGTHS) + 1
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


def push(positions: int, scale: float = 4.0, decode: bool = False) -> Add:
    """A fixed vector added behind block 1, at the last of so many positions."""
    vector = Array.of(np.random.default_rng(3).normal(size=32))
    return Add(1, "resid_post", vector, scale, (positions - 1,), decode=decode)


def steered_table(model: Any, prompt: Sequence[int]) -> Table:
    """As `table_of` with `push(..., decode=True)`: by a hook of its own on whole sequences, without a cache."""
    vector = 4.0 * np.random.default_rng(3).normal(size=32)

    def add(_: Any, __: Any, output: Any) -> Any:
        import torch

        hidden = output[0] if isinstance(output, tuple) else output
        hidden[:, len(prompt) - 1 :] += torch.tensor(vector, dtype=hidden.dtype)
        return output

    def table(ids: Sequence[int]) -> Any:
        handle = model.model.layers[1].register_forward_hook(add)
        try:
            return table_of(model)(ids)
        finally:
            handle.remove()

    return table


def test_a_steered_text_equals_recomputation_without_a_cache(
    folders: dict[str, Path], engine: TransformersEngine
) -> None:
    model = plain(folders["llama"])
    calls = [Generate(p, Sampling(14), interventions=(push(len(p), decode=True),)) for p in prompts((6, 30, 41))]
    calls += [Generate(p, Sampling(14)) for p in prompts((6, 30, 41))]
    for call, reply in zip(calls, ask(engine, calls), strict=True):
        agrees(call, reply, steered_table(model, call.prompt) if call.interventions else table_of(model))


def test_steered_controls_reads_and_cuts_share_a_batch(engine: TransformersEngine) -> None:
    calls: list[Call] = []
    for prompt in prompts((6, 18, 30)):
        n = len(prompt)
        for inside in ((), (push(n),), (push(n, decode=True),), (Cut(0, (n - 1,), (0, 1)),), (push(n, -2.0),)):
            calls += [
                Generate(prompt, Sampling(9), interventions=inside),
                Generate(prompt, Sampling(9, temperature=1.0), draw=1, interventions=inside),
                Choose(prompt, (4, 5, 6), interventions=inside),
                Score(prompt, (10, 11), interventions=inside),
                Read(prompt, (0, 1, 2), (0, n - 1), interventions=inside),
            ]
    together = ask(engine, calls)
    for a, b in zip(together, one_by_one(engine, calls), strict=True):
        near(a, b)
    control, steered = together[2], together[7]
    assert isinstance(control, Logprobs)
    assert isinstance(steered, Logprobs)
    assert np.abs(np.subtract(control.values, steered.values)).max() > 0.1


def test_strength_zero_equals_the_control_and_steering_leaves_no_prefix_behind(engine: TransformersEngine) -> None:
    prompt = prompts((40,))[0]
    steered = Choose(prompt, (4, 5), interventions=(push(20, 50.0),))
    nothing = Choose(prompt, (4, 5), interventions=(push(40, 0.0),))
    first = ask(engine, [steered])[0]
    control, zero = ask(engine, [Choose(prompt, (4, 5)), nothing])
    near(control, zero)
    assert first != control
    near(ask(engine, [steered])[0], first)
    assert engine.usage.cached_tokens == 0


def test_numbers_that_overflow_fail_their_own_call(engine: TransformersEngine) -> None:
    prompt = prompts((12,))[0]
    vector = Array.of(np.full(32, 3e38))
    wild = (Add(1, "mlp_out", vector, 1e3, (11,)), Add(2, "resid_mid", vector, 1e3, (11,)))

    async def run() -> list[Any]:
        text = Generate(prompt, Sampling(4), interventions=wild)
        calls: list[Call] = [Choose(prompt, (4,), wild), text, Choose(prompt, (4,))]
        return list(await asyncio.gather(*(engine.answer(c) for c in calls), return_exceptions=True))

    *refused, fine = asyncio.run(run())
    for error in refused:
        assert isinstance(error, ItemError)
        assert "not numbers" in str(error)
    assert isinstance(fine, Logprobs)


def test_a_layer_that_is_not_there_fails_the_item_alone(engine: TransformersEngine) -> None:
    with pytest.raises(ItemError, match="layer"):
        ask(engine, [Read((5, 6), (7,), (0,))])
    assert isinstance(ask(engine, [Choose((5, 6), (7,))])[0], Logprobs)
