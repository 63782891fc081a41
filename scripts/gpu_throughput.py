"""What the harness costs beside a model of a real size, whose weights are random: no weights need to be brought.

The model has the shape of Llama-3.1-8B with the tokenizer (and so the vocabulary) of FOLDER; vLLM fills it with random
numbers. Three measurements on one loaded engine, each written as soon as it is there:

* one stage: `LLM.generate` against the harness (ratio of tokens per second; goal 0.97);
* two stages: a barrier between the stages against items that go on as they can, answers of 8 to 80 tokens (goal 1.5);
* pTrue whole: the run of `python -m harness run experiment=pTrue`, its report and figures included; two draws of every
  answer in two arms, since random answers and the demonstrations made of them are long.

    python scripts/gpu_throughput.py --model FOLDER --json FILE [--tiny] [--eager]
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config.job import load_job
from harness.engines.pool import EnginePool
from harness.execution.execute import execute
from scripts.bench_vllm import Loaded, load, one_stage, show, two_stages

LLAMA_8B = {"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32}
LLAMA_8B_HEADS = {"num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}
TINY = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
TINY_HEADS = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32}
WORDS = ("river", "planet", "metal", "poet", "city", "treaty", "protein", "painter", "island", "engine")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is asked: requests of the one stage, their tokens, items of the two stages and of pTrue, rounds."""

    requests: int
    tokens: int
    items: tuple[int, ...]
    p_true: int
    rounds: int
    sequences: int


FULL = Sizes(requests=1024, tokens=48, items=(256, 1024), p_true=2000, rounds=2, sequences=256)
SMALL = Sizes(requests=12, tokens=8, items=(8,), p_true=12, rounds=1, sequences=8)


def write_model(folder: Path, tokenizer: Path, *, tiny: bool) -> Path:
    """A model folder without weights: config of the shape, tokenizer of another model."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    for file in tokenizer.iterdir():
        if file.suffix in (".json", ".jinja", ".txt", ".model") and "safetensors" not in file.name:
            shutil.copy(file, folder)
    config = json.loads((tokenizer / "config.json").read_text())
    config |= {**TINY, **TINY_HEADS} if tiny else {**LLAMA_8B, **LLAMA_8B_HEADS}
    config |= {"tie_word_embeddings": False, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5}
    (folder / "config.json").write_text(json.dumps(config))
    # Stands for the weights, which load_format=dummy never reads: a model folder without any is refused.
    save_file({"unused": torch.zeros(1)}, folder / "model.safetensors")
    return folder


def write_table(path: Path, n: int) -> None:
    """Questions whose answers are words, which any text can be graded against."""
    rows = (f"What is the {WORDS[i % 10]} number {i} on the list?" for i in range(n))
    path.write_text("\n".join(json.dumps({"question": q, "answer": f"word{i}"}) for i, q in enumerate(rows)))


def p_true(loaded: Loaded, model: Path, folder: Path, n: int) -> dict[str, Any]:
    """A whole run of pTrue: calls per second, share of the time that the engine works, CPU of the harness per call."""
    write_table(folder / "table.jsonl", n + n // 5 + 40)
    overrides = ["experiment=pTrue", "task=table", f"task.path={folder / 'table.jsonl'}", f"limit={n}", "model=hub"]
    overrides += [f"model.source={model}", "tracker=none", f"runs={folder / 'runs'}", "max_failed=1.0"]
    overrides += ["experiment.draws=2", "experiment.arms=[zero-shot,few-shot]"]
    job = load_job([*overrides, "replicates=200", f"engine.max_num_seqs={loaded.engine.capacity}"])
    pool = EnginePool()
    pool.add((job.engine, job.model), loaded.engine)
    loaded.llm.llm_engine.reset_prefix_cache()
    loaded.steps.clear()
    begin, cpu = time.perf_counter(), time.process_time()
    execute(job, pool=pool)
    wall, outside = time.perf_counter() - begin, loaded.steps.ended - cpu - loaded.steps.cpu  # until the last reply
    (manifest,) = (folder / "runs").rglob("manifest.json")
    kept = json.loads(manifest.read_text())
    calls, seconds = kept["usage"]["calls"], kept["seconds"]
    return {
        "job": "pTrue whole",
        "items": n,
        "status": kept["status"],
        "failed": kept["items_failed"],
        "calls": calls,
        "seconds": seconds,
        "wall": round(wall, 2),
        "calls_per_second": calls / seconds["ask"],
        "engine_busy": kept["engine_busy"],
        "ms_of_cpu_per_call": 1e3 * outside / calls,
    }


def measure(loaded: Loaded, model: Path, sizes: Sizes, file: Path) -> list[dict[str, Any]]:
    """All measurements, the file written after each."""
    results: list[dict[str, Any]] = []

    def keep(result: dict[str, Any]) -> None:
        results.append(result)
        file.write_text(json.dumps(results, indent=2))

    keep(one_stage(loaded, sizes.requests, sizes.tokens, sizes.rounds))
    show(results[-1])
    for n in sizes.items:
        keep(two_stages(loaded, n, sizes.rounds))
        show(results[-1])
    with tempfile.TemporaryDirectory() as folder:
        keep(p_true(loaded, model, Path(folder), sizes.p_true))
    print(f"pTrue whole: {results[-1]}", flush=True)
    return results


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints every round and the ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", type=Path, required=True)
    options.add_argument("--json", type=Path, required=True)
    options.add_argument("--tiny", action="store_true", help="two layers and a dozen requests")
    options.add_argument("--eager", action="store_true", help="without compilation and graphs, where those fail")
    chosen = options.parse_args(arguments)
    sizes = SMALL if chosen.tiny else FULL
    with tempfile.TemporaryDirectory() as folder:
        model = write_model(Path(folder) / "llama-8b-shape", chosen.model, tiny=chosen.tiny)
        begin = time.perf_counter()
        args: dict[str, Any] = {"load_format": "dummy"} | ({"enforce_eager": True} if chosen.eager else {})
        loaded = load(str(model), "auto", sizes.sequences, context=8192, args=args)
        print(f"loaded in {time.perf_counter() - begin:.1f} s", flush=True)
        measure(loaded, model, sizes, chosen.json)
        loaded.engine.close()


if __name__ == "__main__":
    main()
