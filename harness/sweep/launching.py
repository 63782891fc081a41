"""From a checked grid to a folder and to work handed out; the same way again for what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from harness.config import build, compose_raw, hydra_at
from harness.console import log
from harness.errors import HarnessError
from harness.sweep.driver import Driver
from harness.sweep.folder import Sweep
from harness.sweep.grid import Planned, combinations, is_hydra, plan
from harness.sweep.launchers import Launcher, Load
from harness.sweep.packing import Pack, pack
from harness.sweep.view import look


def plan_sweep(overrides: Sequence[str], config_dir: Path | None) -> tuple[Sweep, Launcher]:
    """Composes and checks everything about a sweep; writes nothing.

    Args:
        overrides: as `run -m` takes them, those of Hydra's own settings (hydra/launcher=slurm) included.

    Raises:
        HarnessError: a cell or the launcher could not work.
    """
    own = [word for word in overrides if is_hydra(word)]
    cells = [word for word in overrides if not is_hydra(word)]
    settings, folder = launcher_settings(own, cells, config_dir)
    launcher = load_launcher(settings)
    planned = plan(cells, config_dir, launcher.shards)
    packs = pack(planned, launcher.pack_by, launcher.pack_size)
    name = _name(planned)
    folder = folder or Path(planned[0].config["runs"]) / "sweeps" / name
    sweep = Sweep(
        folder.absolute(),
        name,
        Path.cwd(),
        config_dir.resolve() if config_dir else None,
        settings,
        tuple(replace(p.cell, overrides=(*p.cell.overrides, *_grouped(p, name))) for p in planned),
        _numbered(packs),
    )
    launcher.check(_loads(sweep, range(len(planned))))
    return sweep, launcher


def launcher_settings(
    own: Sequence[str], cells: Sequence[str], config_dir: Path | None
) -> tuple[dict[str, Any], Path | None]:
    """The settings of the launcher as plain values, and the folder if one is asked for.

    Args:
        own: overrides of Hydra's own settings. cells: the others.

    Raises:
        HarnessError: an override of anything but hydra/launcher, hydra.launcher.* and hydra.sweep.dir; no such
            launcher.
    """
    from omegaconf import OmegaConf

    given = []
    for word in own:
        key, _, value = word.lstrip("+~").partition("=")
        if key not in ("hydra/launcher", "hydra.sweep.dir") and not key.startswith("hydra.launcher."):
            raise HarnessError(f"{word}: a sweep knows hydra/launcher, hydra.launcher.NAME and hydra.sweep.dir only")
        given.append(word if key == "hydra/launcher" else f"++{key}={value}")
    if not any(word.startswith("hydra/launcher=") for word in given):
        given.append("hydra/launcher=local")
    with hydra_at(config_dir) as where:
        fixed, swept = combinations(cells)[0]
        hydra = compose_raw([*where, *fixed, *swept, *given])[1]
        settings = cast("dict[str, Any]", OmegaConf.to_container(hydra.launcher, resolve=True))
        asked = any(word.startswith("++hydra.sweep.dir=") for word in given)
        folder = Path(str(hydra.sweep.dir)).expanduser() if asked else None
    return settings, folder


def load_launcher(settings: dict[str, Any]) -> Launcher:
    """Builds the launcher.

    Raises:
        HarnessError: an unknown setting, or a value of the wrong type.
    """
    return build(settings, "hydra.launcher", cast(type, Launcher))


def start(sweep: Sweep, launcher: Launcher) -> int:
    """Hands out every cell that is neither done nor at work.

    Returns:
        How many cells that are.

    Raises:
        HarnessError: another process is doing the same, or the launcher could not start everything.
    """
    with Driver(sweep):
        before = look(sweep)
        # What is handed out by a process dies with its driver, and that is us now; jobs of SLURM live on.
        todo = [
            seen.cell.index
            for seen in before.cells
            if seen.status.state != "done" and (launcher.waits or not seen.alive)
        ]
        if todo:
            sweep.renew(todo)
            loads = _loads(sweep, todo)
            log(f"{len(todo)} of {len(sweep.cells)} cells to run, in {len(loads)} pack(s)")
            launcher.start(sweep, loads)
    return len(todo)


def _loads(sweep: Sweep, todo: Sequence[int]) -> list[Load]:
    """The packs, of which only some cells are to be run; a whole cell is run by itself when its shards are done."""
    wanted = set(todo)
    loads = [
        Load(tuple(index for index in cells if index in wanted), gpus, engine) for cells, gpus, engine in sweep.packs
    ]
    of = {index: load for load in loads for index in load.cells}
    packs = {index: (gpus, engine) for cells, gpus, engine in sweep.packs for index in cells}
    for index in todo:
        shards = [cell.index for cell in sweep.cells if cell.whole == index]
        if index not in of and shards and wanted.isdisjoint(shards):
            loads.append(Load((index,), *packs[shards[0]]))
    return [load for load in loads if load.cells]


def _numbered(packs: Sequence[Pack]) -> tuple[tuple[tuple[int, ...], int, int], ...]:
    engines: list[Any] = []  # settings hold mappings: comparable, not hashable
    for made in packs:
        if made.engine not in engines:
            engines.append(made.engine)
    return tuple((made.cells, made.gpus, engines.index(made.engine)) for made in packs)


def _name(planned: Sequence[Planned]) -> str:
    digest = hashlib.sha256("\n".join(p.cell.folder for p in planned).encode()).hexdigest()[:8]
    experiments = dict.fromkeys(p.cell.experiment for p in planned)
    return f"{'-'.join(experiments) if len(experiments) < 4 else f'{len(experiments)}-experiments'}-{digest}"


def _grouped(p: Planned, name: str) -> list[str]:
    """Puts the cell's tracker run into a group of the sweep's name, where the tracker has groups."""
    tracker = p.config["tracker"]
    return [f"tracker.group={name}"] if "group" in tracker and tracker["group"] is None else []
