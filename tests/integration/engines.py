"""What tests of engines share: asking many calls at once, and the plain forward pass that answers are held against."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from harness.calls.calls import Call, Logprobs, Reply, Text
from harness.engines.base import Engine
from harness.engines.vllm.engine import VLLM
from harness.models.model import LocalModel


def small_vllm(context: int) -> VLLM:
    """Settings under which the small model is exact on any device, with room for little else."""
    return VLLM(dtype="float32", kv_cache_gib=1.0, gpu_memory_utilization=0.2, max_model_len=context)


def on_gpu() -> bool:
    """Whether engines run on a GPU here."""
    import torch

    return bool(torch.cuda.is_available())


def ask(engine: Engine, calls: Sequence[Call]) -> list[Reply]:
    """All calls at once."""

    async def run() -> list[Reply]:
        return list(await asyncio.gather(*(engine.answer(call) for call in calls)))

    return asyncio.run(run())


def reference_of(local: LocalModel, change: Callable[[Any], None] | None = None) -> Callable[[Sequence[int]], Any]:
    """Log-probabilities at every next position by one plain forward pass in float32: f(ids) -> [len(ids), vocabulary].

    Args:
        change: what to do to the transformers model first.
    """
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(local.path, dtype=torch.float32).eval()
    if change is not None:
        change(model)

    def logprobs(ids: Sequence[int]) -> Any:
        with torch.inference_mode():
            return model(torch.tensor([list(ids)])).logits[0].float().log_softmax(-1).numpy()

    return logprobs


def same(a: Reply, b: Reply, call: Call) -> None:
    """Two replies to a call agree: the same text, log-probabilities within 1e-4."""
    if isinstance(a, Text) and isinstance(b, Text):
        assert (a.text, a.tokens, a.finish) == (b.text, b.tokens, b.finish), call
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)
    else:
        assert isinstance(a, Logprobs)
        assert isinstance(b, Logprobs)
        np.testing.assert_allclose(a.values, b.values, atol=1e-4)
