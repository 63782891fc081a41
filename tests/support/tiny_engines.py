"""What tests of the transformers engine share: tiny models loaded, calls of every kind, and plain forward passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.calls.arrays import Array
from harness.calls.calls import Activations, Call, Choose, Generate, Logprobs, Read, Reply, Sampling, Score, Text
from harness.calls.interventions import Add
from harness.engines.transformers.batching import TransformersEngine
from harness.engines.transformers.engine import Transformers
from harness.models.model import Model
from tests.integration.engines import ask

LENGTHS = (1, 3, 17, 40, 41, 60, 90)

Table = Callable[[Sequence[int]], Any]


def load(folder: Path, **settings: Any) -> TransformersEngine:
    loaded = Transformers(**settings).load(Model(source=str(folder), name="tiny"))
    assert isinstance(loaded, TransformersEngine)
    return loaded


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
        Choose(prompt, (5, 6), positions=tuple(range(0, len(prompt), 3))),
        Score(prompt, given),
        Generate(prompt, Sampling(5 + len(prompt) % 9)),
        *(Generate(prompt, Sampling(12, temperature=1.0), draw=d) for d in range(2)),
        Generate(prompt, Sampling(9, temperature=0.5, top_p=0.8, top_k=7), draw=3, seed=5),
        Read(prompt, (0, 2), (last,) if last == 0 else (0, last)),
        Read(prompt, (0, 2), tuple(range(last // 2, last + 1)), pool="mean"),
    ]


def agrees(call: Call, reply: Reply, table: Table) -> None:
    """A reply's numbers are those of plain forward passes, and a greedy text is the most probable one."""
    if isinstance(call, Choose):
        assert isinstance(reply, Logprobs)
        rows = table(call.prompt)[list(call.positions or (-1,))]
        np.testing.assert_allclose(reply.values, rows[:, list(call.tokens)].ravel(), atol=1e-4)
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
