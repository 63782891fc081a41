"""Injected trials and reads per second through transformers or vLLM: all at once against one at a time.

A trial adds a random vector to the residual stream of a middle block, at all positions of the prompt and of the reply,
and writes 16 tokens; every trial has a vector of its own. A read takes the stream of every block at the last position.
Texts of the two ways are compared: in float32 they must be equal.

    python scripts/gpu_whitebox.py --model FOLDER --json FILE [--engine vllm] [--trials 256] [--single 24]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.calls.arrays import Array
from harness.calls.calls import Call, Generate, Read, Sampling, Text
from harness.calls.interventions import Add
from harness.engines.base import Engine
from harness.engines.transformers.engine import Transformers
from harness.engines.vllm.opening import OpenVLLM
from harness.models.model import Model
from harness.prompting.rendering import Renderer
from scripts.bench_vllm import questions

ENGINES: dict[str, type[Transformers] | type[OpenVLLM]] = {"transformers": Transformers, "vllm": OpenVLLM}
TOKENS = 16
STRENGTH = 0.3
"""Length of the added vector, as a share of the stream's."""


def trials(engine: Engine, n: int, width: int) -> tuple[list[Generate], list[Read]]:
    """Calls with an injection each, and reads of the same prompts."""
    renderer, layers = Renderer(engine.tokenizer, "auto", engine.context), engine.layers
    assert layers is not None
    rng = np.random.default_rng(0)
    injected, read = [], []
    for prompt in questions(n):
        ids = renderer.render(prompt).ids
        vector = Array.of(rng.standard_normal(width).astype(np.float32))
        where = tuple(range(len(ids)))
        add = Add(layers // 2, "resid_post", vector, STRENGTH, where, decode=True, relative=True)
        injected.append(Generate(ids, Sampling(TOKENS), interventions=(add,)))
        read.append(Read(ids, tuple(range(layers)), (len(ids) - 1,)))
    return injected, read


def timed(engine: Engine, calls: Sequence[Call], *, at_once: bool) -> tuple[float, list[Any]]:
    """Calls per second, and the replies."""

    async def run() -> list[Any]:
        if at_once:
            return list(await asyncio.gather(*(engine.answer(call) for call in calls)))
        return [await engine.answer(call) for call in calls]

    begin = time.perf_counter()
    replies = asyncio.run(run())
    return len(calls) / (time.perf_counter() - begin), replies


def main() -> None:
    """Prints and writes trials and reads per second."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", required=True)
    options.add_argument("--json", type=Path, required=True)
    options.add_argument("--trials", type=int, default=256)
    options.add_argument("--single", type=int, default=24, help="of them are asked one at a time")
    options.add_argument("--dtype", default="auto")
    options.add_argument("--engine", default="transformers", choices=ENGINES)
    chosen = options.parse_args()
    model = Model(source=chosen.model)
    width = int(json.loads((model.resolve().path / "config.json").read_text())["hidden_size"])
    engine = ENGINES[chosen.engine](dtype=chosen.dtype, max_model_len=1024).load(model)
    injected, read = trials(engine, chosen.trials + 2, width)
    result: dict[str, Any] = {"identity": dict(engine.identity), "trials": chosen.trials, "tokens": TOKENS}
    jobs: tuple[tuple[str, Sequence[Call]], ...] = (("injected trials", injected), ("reads", read))
    for name, calls in jobs:
        timed(engine, calls[-2:], at_once=True)  # what is allocated at the first call is nobody's cost
        single, alone = timed(engine, calls[: chosen.single], at_once=False)
        batched, together = timed(engine, calls[: chosen.trials], at_once=True)
        row = {"batched_per_second": batched, "single_per_second": single, "ratio": batched / single}
        if isinstance(alone[0], Text):
            row["equal_texts"] = sum(a.text == b.text for a, b in zip(alone, together, strict=False)) / len(alone)
        result[name] = row
        chosen.json.write_text(json.dumps(result, indent=2))
        print(f"{name}: {', '.join(f'{key} {value:.4g}' for key, value in row.items())}", flush=True)
    engine.close()


if __name__ == "__main__":
    main()
