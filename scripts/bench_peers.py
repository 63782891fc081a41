"""The same job through this harness and through its peers: wall time, processor time and peak memory, side by side.

Each tool gets a virtual environment of its own (made by this script under --environments, 2 GB each, kept for the next
time) and runs as a process of its own, start to finish: imports, loading, 16 greedy tokens for each question, the
True/False judgement, results. Rounds alternate between the tools. What is not equal is said in each job script.

    python scripts/bench_peers.py --model FOLDER [--n 200] [--rounds 3] [--dtype float32] [--tools harness-vllm,...]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from scripts.peers.common import write_task  # noqa: E402

PACKAGES = {
    "lm-eval": ["lm-eval[hf]==0.4.13"],
    "lm-polygraph": ["lm-polygraph==0.7.0"],
    "inspect-ai": ["inspect-ai==0.3.285", "transformers", "accelerate"],
}
TORCH = "torch==2.13.0"
TOOLS = ("harness-auto", "harness-vllm", "harness-transformers", *PACKAGES)
ENVIRONMENTS = Path.home() / ".cache" / "self-evaluation-harness" / "peers"
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "WANDB_MODE": "disabled",
}


def command(tool: str, model: Path, task: Path, dtype: str, environments: Path) -> list[str]:
    """The command line of one run of a tool."""
    if tool.startswith("harness-"):
        engine = tool.removeprefix("harness-")
        words = [f"engine={engine}", f"engine.dtype={dtype}", f"task.path={task}", f"runs={task.parent / 'runs'}"]
        words += ["experiment=twoQuestions", "tracker=none", "model=hub", f"model.source={model}", "model.style=plain"]
        return [sys.executable, "-m", "harness", "run", "--config-dir", str(HERE / "peers" / "conf"), *words]
    script = HERE / "peers" / f"{tool.replace('-', '_').removesuffix('_ai')}_job.py"
    return [str(environments / tool / "bin" / "python"), str(script), str(model), str(task), dtype]


def install(tool: str, environments: Path) -> None:
    """Makes the virtual environment of a peer unless it is there."""
    place = environments / tool
    if (place / "bin" / "python").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run([place / "bin" / "pip", "install", "-q", TORCH, *PACKAGES[tool]], check=True)


def measure(words: list[str], threads: int) -> dict[str, Any]:
    """Runs one process to its end: seconds, processor seconds, peak memory of its largest process in MB."""
    environment = {**os.environ, **OFFLINE, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(HERE.parent)}
    with tempfile.TemporaryFile("w+") as output:
        begin = time.perf_counter()
        process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=HERE.parent)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        output.seek(0)
        text = output.read()
    if status:
        raise SystemExit(f"{' '.join(words)}\nfailed:\n{text[-3000:]}")
    result: dict[str, Any] = next(
        (json.loads(line[7:]) for line in text.splitlines() if line.startswith("RESULT ")), {}
    )
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024, **result}


def main() -> None:
    """Prints a row for each run, then the best of each tool with its ratio to the first."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", type=Path, required=True, help="folder of a model in Hugging Face format")
    options.add_argument("--n", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--dtype", default="float32")
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--tools", default=",".join(TOOLS))
    options.add_argument(
        "--environments", type=Path, default=Path.home() / ".cache" / "self-evaluation-harness" / "peers"
    )
    given = options.parse_args()
    tools = given.tools.split(",")
    for tool in tools:
        if tool in PACKAGES:
            install(tool, given.environments)
    rows: dict[str, list[dict[str, Any]]] = {tool: [] for tool in tools}
    print(
        f"{'tool':<22} {'wall s':>8} {'cpu s':>8} {'peak MB':>8}   of which loading, asking (as the tool's script says)"
    )
    for i in range(given.rounds):
        for tool in tools[i % len(tools) :] + tools[: i % len(tools)]:
            with tempfile.TemporaryDirectory() as folder:  # a fresh store: nothing may come from an earlier round
                task = Path(folder, "task.jsonl")
                write_task(task, given.n)
                row = measure(command(tool, given.model, task, given.dtype, given.environments), given.threads)
            rows[tool].append(row)
            told = f"{row['load']:.1f}, {row['run']:.1f}" if "run" in row else ""
            print(f"{tool:<22} {row['wall']:>8.1f} {row['cpu']:>8.1f} {row['peak_mb']:>8.0f}   {told}", flush=True)
    print(
        f"\n{'lowest of the rounds':<22} {'wall s':>8} {'cpu s':>8} {'peak MB':>8} {'wall ratio':>10} {'cpu ratio':>10}"
    )
    first = rows[tools[0]]
    for tool, runs in rows.items():
        wall, cpu, peak = (min(run[key] for run in runs) for key in ("wall", "cpu", "peak_mb"))
        ratios = (wall / min(r["wall"] for r in first), cpu / min(r["cpu"] for r in first))
        print(f"{tool:<22} {wall:>8.1f} {cpu:>8.1f} {peak:>8.0f}  {ratios[0]:.2f} {ratios[1]:.2f}")


if __name__ == "__main__":
    main()
