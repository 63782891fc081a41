#!/usr/bin/env python
"""Measures sweeps: checking a large grid, and what packing saves.

.venv/bin/python scripts/bench_sweep.py                  the grid, and packing with an engine that loads for 3 s
.venv/bin/python scripts/bench_sweep.py --real           packing with the embedded model in vLLM, on this machine
.venv/bin/python scripts/bench_sweep.py --launcher slurm     as jobs of the cluster that this shell can reach
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.sweep.folder import read_sweep
from harness.sweep.grid import plan_cells
from harness.sweep.plan import plan_sweep

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # tests.support.sweeps: an engine whose loading time is known

EXPERIMENTS = "experiment=falseBelief,selfCorrection,pTrue"


def check_grid() -> None:
    """Composes and checks grids of 1,000 cells and says what that took."""
    grids = {
        "values and groups": ["experiment=falseBelief,selfCorrection", "engine=vllm,transformers", "seed=range(0,250)"],
        "a model per cell": ["experiment=falseBelief", "model=hub", "model.source=a/b,c/d", "seed=range(0,500)"],
    }
    print("grid                 cells  seconds  ms a cell")
    for name, line in grids.items():
        begin = time.perf_counter()
        cells = len(plan_cells([*line, "limit=50"]))
        seconds = time.perf_counter() - begin
        print(f"{name:<20} {cells:>5} {seconds:>8.1f} {1000 * seconds / cells:>10.1f}")
    plan_sweep(["experiment=falseBelief", "seed=0,1"], None)
    loaded = [name for name in ("torch", "vllm", "transformers", "wandb") if name in sys.modules]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory {memory:.0f} MB, of the heavy packages imported: {', '.join(loaded) or 'none'}")


def compare_packing(launcher: str, load_s: float, limit: int, seeds: str, names: list[str], *, real: bool) -> None:
    """Runs three experiments at some seeds packed and not, and says time and loads."""
    from tests.support.sweeps import config_folder

    print(f"\n3 experiments x seeds {seeds}, hydra/launcher={launcher}\n{'':<10} seconds  jobs  loads  asked")
    for name in names:
        pack_by = {"packed": "engine", "unpacked": "none"}[name]
        with tempfile.TemporaryDirectory(dir=ROOT) as place:
            folder = Path(place)
            engine = ["engine=vllm"] if real else ["engine=slow", f"engine.load_s={load_s}"]
            line = [EXPERIMENTS, f"seed={seeds}", *engine, f"limit={limit}", "tracker=none", f"runs={folder / 'runs'}"]
            line += [f"hydra/launcher={launcher}", f"hydra.launcher.pack_by={pack_by}"]
            line += ["hydra.launcher.cpus_per_task=2"] if launcher == "slurm" else ["hydra.launcher.devices=[0]"]
            words = [sys.executable, "-m", "harness", "run", "-m", "--config-dir", str(config_folder(folder / "conf"))]
            begin = time.perf_counter()
            done = subprocess.run([*words, *line], cwd=ROOT, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - begin
            if done.returncode:
                sys.exit(f"the sweep failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
            (sweep_folder,) = (folder / "runs" / "sweeps").iterdir()
            sweep = read_sweep(sweep_folder)
            logs = "".join(file.read_text() for file in sweep_folder.glob("submitit/*_log.err"))
            asked = sum(sweep.status(cell.index).asked or 0 for cell in sweep.cells)
            print(
                f"{name:<10} {seconds:>7.1f} {len(sweep.packs):>5} {logs.count('loading '):>6} {asked:>6}", flush=True
            )


def main() -> None:
    """Runs both measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="vLLM and the embedded model instead of the slow engine")
    parser.add_argument("--launcher", choices=("gpus", "slurm"), default="gpus", help="default: one worker here")
    parser.add_argument("--load", type=float, default=3.0, help="seconds that the slow engine takes to load")
    parser.add_argument("--limit", type=int, default=4, help="items of each run")
    parser.add_argument("--seeds", default="0,1,2", help="default: 0,1,2")
    both = ["packed", "unpacked"]
    parser.add_argument("--only", nargs="+", choices=both, default=both, help="default: both, one after the other")
    parser.add_argument("--only-packing", action="store_true", help="leave the large grid out")
    options = parser.parse_args()
    if not options.only_packing:
        check_grid()
    compare_packing(options.launcher, options.load, options.limit, options.seeds, options.only, real=options.real)


if __name__ == "__main__":
    main()
