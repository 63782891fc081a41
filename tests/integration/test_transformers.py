"""The transformers engine on the real small model, against plain transformers, one prompt at a time, in float32."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.calls.arrays import Array
from harness.calls.calls import Call, Choose, Generate, Logprobs, Read, Reply, Sampling, Score, Text
from harness.calls.interventions import Add
from harness.cli.main import main
from harness.engines.base import Engine
from harness.engines.transformers.engine import Transformers
from harness.errors import ItemError
from harness.models.model import LocalModel, Model
from harness.outcomes import Table
from harness.prompting.prompts import Prompt
from harness.prompting.rendering import Renderer
from harness.store.store import Store
from harness.subject.subject import Subject
from tests.integration.engines import ask, reference_of, same
from tests.unit.cli.test_cli import run_dir

pytestmark = pytest.mark.engine

QUESTIONS = (
    "What is the capital of France?",
    "Is 91 a prime number? Answer yes or no.",
    "Name the largest planet of the solar system and say, in one sentence, how long its day is.",
)


@pytest.fixture(scope="module")
def engine(small_model: LocalModel) -> Iterator[Engine]:
    loaded = Transformers(dtype="float32", max_model_len=2048, kv_cache_gib=1.0).load(
        Model(source=str(small_model.path))
    )
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def reference(small_model: LocalModel) -> Callable[[Sequence[int]], Any]:
    return reference_of(small_model)


def calls_of(engine: Engine) -> list[Call]:
    """Calls of all kinds, of several lengths."""
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    vector = Array.of(np.random.default_rng(0).normal(size=576))
    given = tuple(engine.tokenizer.encode(" the answer is known to everybody."))
    calls: list[Call] = []
    for question in QUESTIONS:
        ids = renderer.render(Prompt.user(question)).ids
        steer = (Add(12, "resid_post", vector, 1.0, (len(ids) - 1,), decode=True),)
        calls += [Generate(ids, Sampling(12)), Choose(ids, (5, 260, 1000)), Score(ids, given)]
        calls += [Generate(ids, Sampling(10, temperature=1.0), draw=d) for d in range(2)]
        calls += [Generate(ids, Sampling(10), interventions=steer), Choose(ids, (5, 260, 1000), steer)]
        calls += [Read(ids, (0, 29), (0, len(ids) - 1))]
    return calls


def test_every_kind_of_call_in_one_batch_equals_plain_transformers(
    engine: Engine, reference: Callable[[Sequence[int]], Any]
) -> None:
    calls = calls_of(engine)
    for call, reply in zip(calls, ask(engine, calls), strict=True):
        if call.interventions or isinstance(call, Read):
            continue
        if isinstance(call, Choose):
            assert isinstance(reply, Logprobs)
            expected = reference(call.prompt)[-1][list(call.tokens)]
            np.testing.assert_allclose(reply.values, expected, atol=1e-4)
            continue
        assert isinstance(reply, Text | Logprobs)
        tokens = call.continuation if isinstance(call, Score) else reply.tokens  # type: ignore[union-attr]
        table = reference([*call.prompt, *tokens])[len(call.prompt) - 1 : -1]
        logprobs = reply.logprobs if isinstance(reply, Text) else reply.values
        np.testing.assert_allclose(logprobs, table[np.arange(len(tokens)), list(tokens)], atol=1e-4)
        if isinstance(call, Generate) and not call.sampling.temperature:
            np.testing.assert_array_equal(table.argmax(-1), tokens)
    first = calls[0]
    assert isinstance(first, Generate)
    assert "Paris" in ask(engine, [first])[0].text  # type: ignore[union-attr]


def test_replies_depend_neither_on_company_nor_on_order(engine: Engine) -> None:
    calls = calls_of(engine)
    together = ask(engine, calls)
    backward = ask(engine, calls[::-1])[::-1]
    alone: list[Reply] = [ask(engine, [call])[0] for call in calls[:8]]
    for call, *replies in zip(calls, together, backward, strict=True):
        near(call, *replies)
    for call, a, b in zip(calls, together, alone, strict=False):
        near(call, a, b)


def near(call: Call, a: Reply, b: Reply) -> None:
    if isinstance(call, Read):
        close(*(reply.values.numpy() for reply in (a, b)))  # type: ignore[union-attr]
    else:
        same(a, b, call)


def close(a: Any, b: Any) -> None:
    """Vectors agree to 1e-5 of their lengths: the residual stream is hundreds long, beside which 1e-4 is rounding."""
    assert (np.linalg.norm(a - b, axis=-1) <= 1e-5 * np.linalg.norm(b, axis=-1)).all()


def test_activations_read_in_a_batch_equal_plain_hidden_states(engine: Engine, small_model: LocalModel) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(small_model.path, dtype=torch.float32).eval()
    calls = calls_of(engine)
    reads = [(c, r) for c, r in zip(calls, ask(engine, calls), strict=True) if isinstance(c, Read)]
    assert len(reads) == len(QUESTIONS)
    for call, reply in reads:
        with torch.inference_mode():
            hidden = model(torch.tensor([call.prompt]), output_hidden_states=True).hidden_states[1]
        # Of the last block only the stream after the final norm is among the hidden states.
        close(reply.values.numpy()[0], hidden[0, list(call.positions)].numpy())  # type: ignore[union-attr]


def test_a_cut_reply_is_continued_as_if_it_had_never_been_cut(
    engine: Engine, reference: Callable[[Sequence[int]], Any], tmp_path: Path
) -> None:
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    subject = Subject(engine, renderer, Store(tmp_path), seed=0)

    async def run() -> tuple[int, list[float]]:
        others, worst = 0, []
        for question in QUESTIONS:
            prompt = Prompt.user(question)
            whole = await subject.generate(prompt, max_tokens=12)
            for cut in (1, 5, 8):
                first = await subject.generate(prompt, max_tokens=cut)
                if first.finish == "stop":
                    with pytest.raises(ItemError, match="ended its turn"):
                        await subject.generate(prompt.after(first), max_tokens=4)
                    continue
                rest = await subject.generate(prompt.after(first), max_tokens=12 - cut)
                assert first.tokens + rest.tokens == whole.tokens
                np.testing.assert_allclose([*first.logprobs, *rest.logprobs], whole.logprobs, atol=1e-4)
            # Hot draws write words in pieces that no tokenizer would make of their text.
            for hot in await subject.draws(prompt, 6, max_tokens=12, temperature=1.5):
                if hot.finish == "stop":
                    continue
                rendered = renderer.render(prompt.after(hot))
                others += renderer.encode(rendered.text).ids != rendered.ids
                choice = await subject.choose(prompt.after(hot, "\n\nIn short:"), {"yes": [" Yes"], "no": [" No"]})
                (yes,) = engine.tokenizer.encode(" Yes")
                behind = renderer.render(prompt.after(hot, "\n\nIn short:")).ids
                assert behind[: len(rendered.ids)] == rendered.ids
                worst.append(abs(choice.logp["yes"] - reference(behind)[-1][yes]))
        return others, worst

    others, worst = asyncio.run(run())
    subject.store.close()
    assert others > 0
    assert len(worst) > 6
    assert max(worst) < 1e-4


def test_p_true_runs_from_the_command_line(small_model: LocalModel, tmp_path: Path) -> None:
    words = ["experiment=pTrue", "engine=transformers", "limit=6", "tracker=none", "experiment.shots=4"]
    words += [
        "experiment.draws=3",
        "experiment.judged=3",
        "experiment.arms=[few-shot,zero-shot]",
        "model=hub",
        "model.name=smollm2",
    ]
    words += [f"model.source={small_model.path}", "engine.max_model_len=2048", "replicates=50", f"runs={tmp_path}"]
    assert main(["run", *words]) == 0
    path = run_dir(tmp_path)
    table = Table.load(path / "outcomes.parquet")
    known = ~np.isnan(table.columns["p"])
    assert known.sum() > 30
    assert ((table.columns["mass"][known] > 0.2) & (table.columns["mass"][known] <= 1)).all()
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["engine"]["engine"] == "transformers"
    assert manifest["usage"]["cached_tokens"] > 0
