"""Reads and interventions inside the real vLLM, against the transformers engine, in float32 on the small model."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Call, Choose, Generate, Logprobs, Read, Reply, Sampling, Score, Text
from harness.calls.interventions import Ablate, Add, Cut, Intervention, Replace
from harness.engines.base import Engine
from harness.engines.equivalence import compare_calls
from harness.engines.transformers.engine import Transformers
from harness.engines.vllm.engine import VLLMEngine
from harness.engines.vllm.opening import OpenVLLM, first_runner
from harness.engines.vllm.plan import Span
from harness.engines.vllm.self_test import self_test
from harness.errors import EngineDied, HarnessError, ItemError
from harness.models.model import LocalModel, Model
from tests.integration.engines import ask

pytestmark = pytest.mark.engine

WIDTH, LAYER, LAST = 576, 14, 29
RNG = np.random.default_rng(5)
V, W = (Array.of(25 * v / np.linalg.norm(v)) for v in RNG.normal(size=(2, WIDTH)))
PROMPTS = [tuple(int(t) for t in RNG.integers(100, 5000, n)) for n in (6, 40, 75)]
TOKENS = (5, 260, 1000)


class Pieces(OpenVLLM):
    """Allows pieces of prompts, which seeded draws on a CPU forbid; no text is drawn here."""

    def engine_args(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return super().engine_args(*args, **kwargs) | {"enable_chunked_prefill": True, "max_num_batched_tokens": 1024}


@pytest.fixture(scope="module")
def model(small_model: LocalModel) -> Model:
    return Model(name="smollm2", source=str(small_model.path))


@pytest.fixture(scope="module")
def engine(model: Model) -> Iterator[VLLMEngine]:
    loaded = Pieces(dtype="float32", kv_cache_gib=0.1, gpu_memory_utilization=0.2, max_model_len=256).load(model)
    assert isinstance(loaded, VLLMEngine)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def reference(model: Model) -> Iterator[Engine]:
    loaded = Transformers(dtype="float32").load(model)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def heard(reference: Engine) -> dict[Call, Reply]:
    calls = mixed()
    return dict(zip(calls, ask(reference, calls), strict=True))


def mixed() -> list[Call]:
    """Plain and steered calls of every kind, at every site, with every option, about prompts of three lengths."""
    calls: list[Call] = []
    for ids in PROMPTS:
        n = len(ids)
        some: list[tuple[Intervention, ...]] = [
            (),
            (Add(LAYER, "resid_post", V, 1.0, tuple(range(n // 2, n)), decode=True),),
            (
                Add(20, "resid_post", W, 0.5, (0, n - 1), relative=True, keep_norm=True),
                Add(20, "resid_post", V, -1.0, (n - 1,), decode=True, relative=True),
                Ablate(21, "resid_pre", (n - 1, 1), V, decode=True),
            ),
            (
                Replace(LAYER, "resid_post", Array.of([V.numpy(), W.numpy()]), (n // 2, 1)),
                Ablate(LAYER + 1, "resid_post", (n // 2,)),
                Add(LAST, "final_norm", W, 0.1, (n - 1,), decode=True),
                Add(0, "resid_pre", W, 0.01, (2,)),
            ),
        ]
        for k, edits in enumerate(some):
            calls += [Generate(ids, Sampling(5), interventions=edits), Choose(ids, TOKENS, edits)]
            calls += [Score(ids, ids[:3], edits), Read(ids, (5, LAYER, LAST), (0, n // 2, n - 1), interventions=edits)]
            if k < 2:
                calls.append(Score(ids, tuple(range(200, 212)), edits))
        axes = Array.of(np.stack([[V.numpy(), W.numpy()]] * 2))
        calls.append(Read(ids, (0, LAYER), tuple(range(n)), "resid_pre", some[1], "mean"))
        calls.append(Read(ids, (0, LAYER), tuple(range(n)), "resid_pre", some[1], "mean", axes))
        calls.append(Read(ids, (LAST,), (1, n - 1), "final_norm", some[1]))
    return calls


@contextmanager
def steps_of(engine: VLLMEngine, tokens: int) -> Iterator[None]:
    """Forgets all prefixes, and lets vLLM compute that many tokens a step at most."""
    engine._engine.reset_prefix_cache()
    scheduler = engine._engine.engine_core.engine_core.scheduler
    before, scheduler.max_num_scheduled_tokens = scheduler.max_num_scheduled_tokens, tokens
    yield
    scheduler.max_num_scheduled_tokens = before


def check_equal(heard: dict[Call, Reply], engine: Engine) -> None:
    found = asyncio.run(compare_calls(heard, engine, {}))
    assert found.notes == ()
    assert (found.differing, found.flipped) == (0, 0)
    assert min(found.chosen.n, found.scored.n, found.greedy.n, found.activations.n) > 30
    assert found.largest is not None
    assert found.activations.largest is not None
    assert 0 < found.largest < 1e-4
    assert 0 < found.activations.largest < 2e-5


@pytest.mark.parametrize("tokens", [1024, 48], ids=["whole prompts", "48 tokens a step"])
def test_a_mixed_batch_equals_transformers(
    engine: VLLMEngine, heard: dict[Call, Reply], tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = engine._inside
    assert inside is not None
    present, unfinished = inside._present, 0

    def watched() -> Iterator[Span]:
        nonlocal unfinished
        for span in present():
            unfinished += span.position + span.length < len(span.watched.call.prompt)
            yield span

    monkeypatch.setattr(inside, "_present", watched)
    with steps_of(engine, tokens):
        check_equal(heard, engine)
    assert unfinished > 10 if tokens == 48 else unfinished < 5, "prompts in pieces, or hardly any"


def test_calls_that_vllm_throws_out_and_computes_again_are_the_same(
    engine: VLLMEngine, heard: dict[Call, Reply], monkeypatch: pytest.MonkeyPatch
) -> None:
    step, left = engine._engine.step, iter([False, False, True, False, True])

    def interrupted() -> Any:
        if next(left, False):
            assert engine._engine.reset_prefix_cache(reset_running_requests=True)
        return step()

    monkeypatch.setattr(engine._engine, "step", interrupted)
    with steps_of(engine, 300):
        check_equal(heard, engine)
    assert next(left, None) is None


def test_a_steered_prompt_leaves_nothing_in_the_cache_for_a_plain_one(engine: VLLMEngine, reference: Engine) -> None:
    ids = tuple(range(3000, 3080))
    steer = (Add(5, "resid_post", V, 4.0, tuple(range(80))),)
    steered, plain = Choose(ids, TOKENS, steer), Choose(ids, TOKENS)
    (first,) = ask(engine, [steered])
    cached = engine.usage.cached_tokens
    (second,) = ask(engine, [plain])
    assert engine.usage.cached_tokens == cached, "nothing of the steered one"
    (third,) = ask(engine, [steered])
    assert engine.usage.cached_tokens == cached + 64, "the same steering shares its blocks"
    ask(engine, [plain])
    assert engine.usage.cached_tokens == cached + 128
    for reply, expected in zip((first, second, third), ask(reference, [steered, plain, steered]), strict=True):
        np.testing.assert_allclose(values(reply), values(expected), atol=1e-4)
    assert np.abs(values(first) - values(second)).max() > 0.1, "else nothing here would show anything"


def test_a_text_steered_while_it_is_written_leaves_nothing_for_the_same_tokens_as_a_prompt(
    engine: VLLMEngine, reference: Engine
) -> None:
    ids = tuple(range(4000, 4030))
    steer = (Add(5, "resid_post", V, 4.0, (), decode=True),)
    (text,) = ask(engine, [Generate(ids, Sampling(40), interventions=steer)])
    assert isinstance(text, Text)
    after: list[Call] = [Choose((*ids, *text.tokens, 7), TOKENS, edits) for edits in (steer, ())]
    for reply, expected in zip(ask(engine, after), ask(reference, after), strict=True):
        np.testing.assert_allclose(values(reply), values(expected), atol=1e-4)


def test_strength_zero_is_no_intervention_and_a_vector_is_added_where_it_was_asked_for(engine: VLLMEngine) -> None:
    ids, span = PROMPTS[2], tuple(range(30, 75))
    none, some = (Add(LAYER, "resid_post", V, scale, span, decode=True) for scale in (0.0, 3.0))
    everywhere = tuple(range(75))
    asked: list[Call] = [Choose(ids, TOKENS), Choose(ids, TOKENS, (none,))]
    asked += [Read(ids, (LAYER,), everywhere, interventions=edits) for edits in ((), (none,), (some,))]
    plain, zero, before, same, after = ask(engine, asked)
    np.testing.assert_allclose(values(zero), values(plain), atol=1e-4)
    np.testing.assert_array_equal(values(same), values(before))
    moved = (values(after) - values(before))[0]
    np.testing.assert_array_equal(moved[:30], 0.0)
    unit = V.numpy() / np.linalg.norm(V.numpy())
    np.testing.assert_allclose(moved[30:] @ unit, 3 * 25.0, rtol=1e-4)
    np.testing.assert_allclose(moved[30:], np.tile(3 * V.numpy(), (45, 1)), atol=1e-3)


def test_a_call_whose_numbers_overflow_fails_alone_and_leaves_no_trace(engine: VLLMEngine) -> None:
    ids = PROMPTS[1]
    high = Add(LAYER, "resid_post", Array.of([3e38] * WIDTH), 1.0, tuple(range(40)))
    bad: list[Call] = [Choose(ids, TOKENS, (high, high)), Read(ids, (LAST,), (39,), interventions=(high, high))]
    bad.append(Generate(ids, Sampling(4), interventions=(high, high)))
    # As many as the cache has blocks, so that every block that the others leave is used again.
    plain: list[Call] = [Choose((200 + i, 5, 7), TOKENS) for i in range(90)]
    before = ask(engine, plain)

    async def run() -> list[Any]:
        return list(await asyncio.gather(*map(engine.answer, [*bad, *plain[:3]]), return_exceptions=True))

    for _ in range(2):
        *failed, one, two, three = asyncio.run(run())
        assert all(isinstance(error, ItemError) and "weaker intervention" in str(error) for error in failed), failed
        for reply, expected in zip((one, two, three, *ask(engine, plain)), (*before[:3], *before), strict=True):
            np.testing.assert_allclose(values(reply), values(expected), atol=1e-4)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (Choose(PROMPTS[0], TOKENS, (Cut(1, (3,), (1,)),)), HarnessError, "cannot cut attention edges"),
        (Read(PROMPTS[0], (1,), (0,), "mlp_out"), HarnessError, "use engine=transformers for mlp_out"),
        (Read(PROMPTS[0], (30,), (0,)), ItemError, "layer 30: the model has layers 0 to 29"),
        (Choose(PROMPTS[0], TOKENS, (Add(1, "resid_post", Array.of([1.0]), 1.0, (0,)),)), ItemError, "is 576 wide"),
    ],
    ids=["cut", "site", "layer", "width"],
)
def test_what_it_cannot_do_is_refused_at_once(engine: VLLMEngine, call: Call, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        ask(engine, [call])


def test_the_identity_is_that_of_the_plain_engine_on_a_cpu(engine: VLLMEngine) -> None:
    assert engine.can == {"generate", "choose", "score", "read", "intervene"}
    assert (engine.layers, engine.heads) == (30, None)
    if engine.identity["device"] == "cpu":
        assert engine.identity["args"] == '{"enforce_eager": true}'
        assert "inside" not in engine.identity
    else:
        assert engine.identity["inside"] == "eager"


def test_other_engines_of_the_process_take_the_model_runner_that_vllm_chooses(engine: VLLMEngine) -> None:
    from vllm import envs

    chosen = envs.VLLM_USE_V2_MODEL_RUNNER
    with first_runner():
        assert envs.VLLM_USE_V2_MODEL_RUNNER is False
    assert chosen == envs.VLLM_USE_V2_MODEL_RUNNER


def _nothing(hidden: Any, edits: Sequence[Any]) -> None:
    """Stands for an editor of a vLLM that keeps its stream elsewhere."""


def _without_residual(passing: Callable[..., None]) -> Callable[..., None]:
    return lambda point, hidden, residual: passing(point, hidden, None)


def test_the_trial_at_load_refuses_a_vllm_of_another_form(engine: VLLMEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = engine._inside
    assert inside is not None
    usage = engine.usage
    self_test(engine, inside)
    with monkeypatch.context() as patch:
        patch.setattr(inside._editor, "apply", _nothing)
        with pytest.raises(HarnessError, match=r"of this model in vLLM 0\.\d+.*adding 2 v - v did not add v"):
            self_test(engine, inside)
    with monkeypatch.context() as patch:
        patch.setattr(inside, "_pass", _without_residual(inside._pass))
        with pytest.raises(HarnessError, match="final norm of the stream behind the last block is not what the model"):
            self_test(engine, inside)
    engine.usage = usage


def test_a_hook_that_does_not_fire_ends_the_engine(engine: VLLMEngine) -> None:
    # The last test of this engine.
    block = engine._engine.model_executor.driver_worker.worker.model_runner.get_model().model.layers[LAYER]
    block._forward_hooks.clear()
    (reply,) = ask(engine, [Choose(PROMPTS[0], TOKENS)])
    assert isinstance(reply, Logprobs), "a plain call does not need it"
    with pytest.raises(EngineDied, match="passed by resid_post of layer 14: nothing was read or changed there"):
        ask(engine, [Read(PROMPTS[0], (LAYER,), (0,))])


def values(reply: Reply) -> Any:
    """Log-probabilities, or activations."""
    if isinstance(reply, Activations):
        return reply.values.numpy()
    assert isinstance(reply, Logprobs)
    return np.array(reply.values)
