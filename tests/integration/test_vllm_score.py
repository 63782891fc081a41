"""Scores of given continuations in vLLM, against plain transformers, in float32.

`prompt_logprobs` once depended on the order of requests where prefixes were cached (vllm-project/vllm issue 42019).
"""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from harness.calls.calls import Call, Choose, Generate, Logprobs, Reply, Sampling, Score
from harness.engines.base import Engine
from harness.errors import ItemError
from harness.models.model import LocalModel, Model
from tests.integration.engines import ask, on_gpu, reference_of, same, small_vllm

pytestmark = pytest.mark.engine

PROMPTS = (1, 33, 64, 65, 200)
CONTINUATIONS = (1, 2, 31, 32, 33, 150)
"""Lengths around the boundaries of cached blocks, which are of 32 tokens on a CPU."""


@pytest.fixture(scope="module")
def engine(small_model: LocalModel) -> Iterator[Engine]:
    loaded = small_vllm(1024).load(Model(name="smollm2", source=str(small_model.path)))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    """Every length of prompt with every length of continuation; those of one prompt share it."""
    rng = np.random.default_rng(0)
    prompts = [tuple(rng.integers(100, 40_000, n).tolist()) for n in PROMPTS]
    continuations = [tuple(rng.integers(100, 40_000, n).tolist()) for n in CONTINUATIONS]
    return [Score(prompt, continuation) for prompt in prompts for continuation in continuations]


@pytest.fixture(scope="module")
def expected(small_model: LocalModel, scores: Sequence[Score]) -> list[Any]:
    """Log-probabilities of the continuation's tokens by one plain forward pass a call."""
    reference = reference_of(small_model)
    rows = []
    for score in scores:
        table = reference((*score.prompt, *score.continuation))[len(score.prompt) - 1 : -1]
        rows.append(table[np.arange(len(score.continuation)), list(score.continuation)])
    return rows


def close(replies: Sequence[Reply], expected: Sequence[Any]) -> None:
    for reply, row in zip(replies, expected, strict=True):
        assert isinstance(reply, Logprobs)
        np.testing.assert_allclose(reply.values, row, atol=1e-3)


def test_scores_equal_transformers_whether_or_not_their_prefix_was_seen(
    engine: Engine, scores: Sequence[Score], expected: Sequence[Any]
) -> None:
    close(ask(engine, scores), expected)
    ask(engine, [Choose(score.prompt, (5,)) for score in scores])
    close(ask(engine, scores), expected)
    close([ask(engine, [score])[0] for score in scores[:12]], expected[:12])


@pytest.mark.parametrize("seed", [0, 1])
def test_scores_depend_neither_on_order_nor_on_what_shares_their_steps(
    engine: Engine, scores: Sequence[Score], expected: Sequence[Any], seed: int
) -> None:
    company: list[Call] = [Choose(score.prompt, (5, 7)) for score in scores]
    company += [Generate(s.prompt + s.continuation[:40], Sampling(5, temperature=1.0), seed=seed) for s in scores]
    company += [Generate(s.prompt, Sampling(3)) for s in scores]
    calls = [*scores, *company]
    order = list(range(len(calls)))
    random.Random(seed).shuffle(order)
    replies = dict(zip(order, ask(engine, [calls[i] for i in order]), strict=True))
    close([replies[i] for i in range(len(scores))], expected)
    for call, i, alone in zip(company, range(len(scores), len(calls)), ask(engine, company), strict=True):
        same(replies[i], alone, call)


def test_a_score_is_the_sum_of_the_choices_along_it(engine: Engine, scores: Sequence[Score]) -> None:
    score = next(s for s in scores if (len(s.prompt), len(s.continuation)) == (65, 31))
    walk: list[Call] = [
        Choose(score.prompt + score.continuation[:i], (token,)) for i, token in enumerate(score.continuation)
    ]
    steps = [reply.values[0] for reply in ask(engine, walk) if isinstance(reply, Logprobs)]
    (whole,) = ask(engine, [score])
    assert isinstance(whole, Logprobs)
    np.testing.assert_allclose(whole.values, steps, atol=1e-3)


def test_a_short_continuation_is_scored_behind_the_cached_prompt_even_one_that_ends_the_text(
    engine: Engine, small_model: LocalModel
) -> None:
    rng = np.random.default_rng(7)
    prompt = tuple(rng.integers(100, 40_000, 200).tolist())
    (end,) = engine.tokenizer.encode("<|im_end|>")
    score = Score(prompt, (end, 5, end))
    ask(engine, [Choose(prompt, (5,))])
    before = engine.usage.cached_tokens
    (reply,) = ask(engine, [score])
    if not on_gpu():
        assert engine.usage.cached_tokens - before == 192  # six blocks of 32
    table = reference_of(small_model)((*prompt, *score.continuation))[199:-1]
    close([reply], [table[np.arange(3), list(score.continuation)]])


@pytest.mark.parametrize("token", [49_152, -1])
def test_a_token_that_the_model_does_not_have_is_refused(engine: Engine, token: int) -> None:
    with pytest.raises(ItemError, match="not one of the model's 49152"):
        ask(engine, [Score((5, 6), (7, token))])
    assert ask(engine, [Score((5, 6), (7, 8))])
