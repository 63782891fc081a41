"""Plans a sweep from a line of overrides: checked cells, packs, a launcher and a folder, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from harness.config import compose_raw, explained, hydra_at, parsed
from harness.errors import HarnessError
from harness.files import user_path
from harness.sweep.folder import Sweep
from harness.sweep.grid import Planned, combinations, is_hydra, plan_cells
from harness.sweep.hidden import hide, refuse_shown
from harness.sweep.launch.base import Launcher, load_launcher
from harness.sweep.packing import pack


def plan_sweep(overrides: Sequence[str], config_dir: Path | None) -> tuple[Sweep, Launcher]:
    """Composes and checks everything about a sweep; writes nothing.

    Args:
        overrides: as `run -m` takes them, with Hydra's own settings (hydra/launcher=slurm).

    Raises:
        HarnessError: a cell or the launcher could not work.
    """
    own = [word for word in overrides if is_hydra(word)]
    refuse_shown(own)
    cells = hide([word for word in overrides if not is_hydra(word)])
    settings, folder = launcher_settings(own, cells, config_dir)
    launcher = load_launcher(settings)
    planned = plan_cells(cells, config_dir, launcher.shards)
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
        tuple(packs),
    )
    launcher.check(sweep.packs)
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
    with hydra_at(config_dir):
        for word in own:
            parsed(word)
        fixed, swept = combinations(cells)[0]
        hydra = compose_raw([*fixed, *swept], given)[1]
        with explained():
            settings = cast("dict[str, Any]", OmegaConf.to_container(hydra.launcher, resolve=True))
        asked = any(word.startswith("++hydra.sweep.dir=") for word in given)
        folder = user_path(str(hydra.sweep.dir)) if asked else None
    return settings, folder


def _name(planned: Sequence[Planned]) -> str:
    digest = hashlib.sha256("\n".join(p.cell.folder for p in planned).encode()).hexdigest()[:8]
    experiments = dict.fromkeys(p.cell.experiment for p in planned)
    return f"{'-'.join(experiments) if len(experiments) < 4 else f'{len(experiments)}-experiments'}-{digest}"


def _grouped(p: Planned, name: str) -> list[str]:
    """Puts the cell's tracker run into a group of the sweep's name, where the tracker has groups."""
    tracker = p.config["tracker"]
    return [f"tracker.group={name}"] if "group" in tracker and tracker["group"] is None else []
