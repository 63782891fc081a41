"""Are option log-probabilities of vLLM through the harness those of transformers in float32; how far is bfloat16 off?

Every question is asked for the log-probabilities of four option tokens: of a plain forward pass of transformers in
float32 on the same device, then of vLLM in float32, bfloat16 and float16. Exits with 1 when float32 differs by more
than TOLERANCE or a dtype cannot be loaded.

    python scripts/gpu_exact.py --model FOLDER --json FILE [--questions 256]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.calls.calls import Choose, Logprobs
from harness.engines.base import Engine
from harness.engines.transformers.engine import Transformers
from harness.engines.vllm.engine import VLLM
from harness.models.model import Model
from harness.prompting.rendering import Renderer
from scripts.bench_vllm import questions

TOLERANCE = 1e-3
DTYPES = ("float32", "bfloat16", "float16")
OPTIONS = (" True", " False", " A", " B")


def calls_of(engine: Engine, n: int) -> list[Choose]:
    """The questions as calls, all about the same option tokens."""
    renderer = Renderer(engine.tokenizer, "auto", engine.context)
    tokens = tuple(sorted({engine.tokenizer.encode(option)[0] for option in OPTIONS}))
    return [Choose(renderer.render(prompt).ids, tokens) for prompt in questions(n)]


def ask(engine: Engine, calls: Sequence[Choose]) -> np.ndarray:
    """Log-probabilities [calls, options], all calls at once."""

    async def run() -> list[Any]:
        return await asyncio.gather(*(engine.answer(call) for call in calls))

    replies = asyncio.run(run())
    assert all(isinstance(reply, Logprobs) for reply in replies)
    return np.array([reply.values for reply in replies], dtype=float)


def compare(found: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """How far two tables of log-probabilities are apart, and how many of the most likely options change."""
    apart = np.abs(found - wanted)
    share = np.abs(_normalised(found) - _normalised(wanted))
    return {
        "largest": float(apart.max()),
        "median": float(np.median(apart)),
        "p99": float(np.quantile(apart, 0.99)),
        "largest_difference_of_p": float(share.max()),
        "flipped": int((found.argmax(1) != wanted.argmax(1)).sum()),
        "questions": len(found),
    }


def _normalised(logprobs: np.ndarray) -> np.ndarray:
    """Probabilities among the options."""
    p = np.exp(logprobs - logprobs.max(1, keepdims=True))
    return np.asarray(p / p.sum(1, keepdims=True))


def main() -> int:
    """Prints a line a dtype; 0 when all could be loaded and float32 is exact."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", required=True)
    options.add_argument("--json", type=Path, required=True)
    options.add_argument("--questions", type=int, default=256)
    chosen = options.parse_args()
    model = Model(source=chosen.model)
    reference = Transformers(dtype="float32", max_model_len=1024).load(model)
    calls = calls_of(reference, chosen.questions)
    wanted = ask(reference, calls)
    reference.close()
    result: dict[str, Any] = {"reference": dict(reference.identity), "tolerance": TOLERANCE, "dtypes": {}}
    for dtype in DTYPES:
        begin = time.perf_counter()
        try:
            settings = VLLM(
                dtype=dtype,
                max_model_len=1024,
                kv_cache_gib=0.5,
                gpu_memory_utilization=0.3,
                args={"enforce_eager": True},
            )
            engine = settings.load(model)
            row: dict[str, Any] = compare(ask(engine, calls), wanted) | {"device": engine.identity["device"]}
            engine.close()
        except Exception as error:  # one dtype that fails must not hide the others
            row = {"error": f"{type(error).__name__}: {error}"}
        row["seconds"] = round(time.perf_counter() - begin, 1)
        result["dtypes"][dtype] = row
        chosen.json.write_text(json.dumps(result, indent=2))
        shown = {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in row.items()}
        print(f"vllm {dtype} against transformers float32: {shown}", flush=True)
    rows = result["dtypes"]
    return 0 if rows["float32"].get("largest", 1.0) <= TOLERANCE and not any("error" in r for r in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
