"""Steering, cutting and reading through the transformers engine, in batches with calls that do none of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Call, Choose, Generate, Logprobs, Read, Sampling, Score
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Replace
from harness.engines.transformers.batching import TransformersEngine
from harness.errors import ItemError
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Renderer
from harness.store.store import Store
from harness.subject.subject import Subject
from tests.integration.engines import ask
from tests.support.tiny_engines import agrees, load, near, one_by_one, plain, prompts, push, steered_table, table_of
from tests.support.tiny_models import save_tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("llama"), "llama")


@pytest.fixture
def engine(folder: Path) -> Iterator[TransformersEngine]:
    loaded = load(folder)
    yield loaded
    loaded.close()


def test_a_steered_text_equals_recomputation_without_a_cache(folder: Path, engine: TransformersEngine) -> None:
    model = plain(folder)
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
    # Of 40 tokens, the block of 16 before the push at 19 is shared by all; the control's second block by nobody else.
    assert engine.usage.cached_tokens == 3 * 16


def touching() -> dict[str, tuple[Call, int]]:
    """Calls about one prompt of 70 tokens, each with how many of these it computes as any other call does."""
    prompt = prompts((70,))[0]
    vector, rows = Array.of(np.random.default_rng(3).normal(size=32)), Array.of(np.ones((2, 32)))

    def choose(*inside: Intervention) -> Call:
        return Choose(prompt, (4, 5, 6), inside)

    return {
        "add": (choose(Add(1, "resid_post", vector, 4.0, (60, 50))), 50),
        "add while decoding": (Generate(prompt, Sampling(5), interventions=(push(70, decode=True),)), 69),
        "add while decoding only": (
            Generate(prompt, Sampling(5), interventions=(Add(1, "resid_post", vector, 4.0, (), decode=True),)),
            69,
        ),
        "replace": (choose(Replace(1, "resid_post", rows, (69, 33))), 33),
        "ablate": (choose(Ablate(0, "attn_heads", tuple(range(40, 70)), heads=(1,))), 40),
        "cut": (choose(Cut(2, (65, 52), tuple(range(1, 20)))), 52),
        "the earliest of two": (choose(Cut(2, (60,), (3,)), Ablate(1, "mlp_out", (35, 69))), 35),
        "read": (Read(prompt, (0, 2), (48, 69)), 48),
        "read of a steered prompt": (Read(prompt, (0, 2), (50, 69), interventions=(push(30),)), 29),
        "score": (Score(prompt, (7, 8), (Cut(0, (71,), (3,)),)), 69),
        "the first token": (choose(Ablate(1, "mlp_out", (0,))), 0),
    }


@pytest.mark.parametrize("name", touching())
def test_tokens_before_the_first_touched_one_are_shared(folder: Path, engine: TransformersEngine, name: str) -> None:
    call, plain_tokens = touching()[name]
    shared = plain_tokens - plain_tokens % 16
    control = Choose(call.prompt, (4, 5, 6))
    alone = ask(engine, [call])[0]
    # What a changed call leaves behind is plain: the control finds it, and has the numbers of a plain forward pass.
    agrees(control, ask(engine, [control])[0], table_of(plain(folder)))
    assert engine.usage.cached_tokens == shared
    near(ask(engine, [call])[0], alone)
    assert engine.usage.cached_tokens == 2 * shared


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


def test_an_engine_says_how_many_layers_can_be_read(engine: TransformersEngine) -> None:
    assert engine.layers is not None
    (read,) = ask(engine, [Read((5, 6), tuple(range(engine.layers)), (1,))])
    assert isinstance(read, Activations)
    assert read.values.shape[0] == engine.layers
    with pytest.raises(ItemError, match="layer"):
        ask(engine, [Read((5, 6), (engine.layers,), (1,))])


@pytest.mark.parametrize("kind", ["add", "ablate", "prompt only"])
def test_an_option_of_several_tokens_has_the_probability_of_its_score_while_every_token_is_steered(
    engine: TransformersEngine, tmp_path: Path, kind: str
) -> None:
    subject = Subject(engine, Renderer(engine.tokenizer, "plain", engine.context), Store(tmp_path / "store"), 0)
    prompt = Prompt.exact("one two three")
    n = subject.prompt_tokens(prompt)
    vector = push(n).vector
    kinds: dict[str, Intervention] = {
        "add": Add(1, "resid_post", vector, 3.0, tuple(range(1, n)), decode=True),
        "ablate": Ablate(1, "resid_post", tuple(range(1, n)), vector, decode=True),
        "prompt only": Add(1, "resid_post", vector, 3.0, tuple(range(1, n))),
    }

    async def both() -> tuple[float, float, int]:
        choice = await subject.choose(prompt, {"long": [" four five six"]}, interventions=[kinds[kind]])
        score = await subject.score(prompt, " four five six", interventions=[kinds[kind]])
        return choice.logp["long"], score.logprob, choice.calls

    walked, scored, calls = asyncio.run(both())
    assert calls > 1
    assert walked == pytest.approx(scored, abs=1e-4)
