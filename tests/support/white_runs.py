"""Forward passes of a left-padded batch inside a white box, as an engine makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.calls.calls import Call, Choose, Read
from harness.calls.interventions import Intervention
from harness.engines.transformers.whitebox import Row, WhiteBox

P = (3, 14, 15, 9, 26, 5, 35, 8, 40)
EVERY = tuple(range(len(P)))
"""A prompt, and its positions."""


def run(model: Any, calls: Sequence[Call], **options: Any) -> tuple[list[NDArray[np.float32]], Any]:
    """What each `Read` read (nothing for other calls), and the model's output, of one pass over the prompts."""
    import torch

    white, length = WhiteBox(model), max(len(call.prompt) for call in calls)
    for call in calls:
        white.check(call)
    rows = [Row(call, length - len(call.prompt)) for call in calls]
    ids = torch.tensor([[0] * row.pad + list(row.call.prompt) for row in rows])
    with torch.no_grad(), white.forward(rows, 0, length) as trace:
        output = model(ids, **_masks(rows, length), **options)
    empty = np.zeros((0, 0, 0), dtype=np.float32)
    return [trace.activations(b).values.numpy() if isinstance(c, Read) else empty for b, c in enumerate(calls)], output


def logits(model: Any, *interventions: Intervention, prompt: tuple[int, ...] = P) -> Any:
    """[positions, vocabulary] of one prompt alone."""
    return run(model, [Choose(prompt, (1,), interventions)])[1].logits[0]


def decode(model: Any, calls: Sequence[Call], steps: int) -> tuple[Any, Any]:
    """Greedy tokens [rows, steps] and the logits that they were taken from: with a cache, one pass and one a token."""
    import torch
    from transformers import DynamicCache

    white, cache = WhiteBox(model), DynamicCache(config=model.config)
    for call in calls:
        white.check(call)
    past, length = 0, max(len(call.prompt) for call in calls)
    rows = [Row(call, length - len(call.prompt)) for call in calls]
    ids = torch.tensor([[0] * row.pad + list(row.call.prompt) for row in rows])
    tokens, logits = [], []
    for _ in range(steps):
        inputs = _masks(rows, past + length)
        inputs["position_ids"] = inputs["position_ids"][:, past:]
        with torch.no_grad(), white.forward(rows, past, length):
            last = model(ids, past_key_values=cache, use_cache=True, **inputs).logits[:, -1]
        past, length, ids = past + length, 1, last.argmax(dim=-1, keepdim=True)
        tokens.append(ids)
        logits.append(last)
    return torch.cat(tokens, dim=1), torch.stack(logits, dim=1)


def _masks(rows: Sequence[Row], columns: int) -> dict[str, Any]:
    import torch

    mask = (torch.arange(columns) >= torch.tensor([row.pad for row in rows])[:, None]).long()
    return {"attention_mask": mask, "position_ids": (mask.cumsum(1) - 1).clamp(min=0)}
