"""Puts cells that need the same models into one job, because loading a model takes minutes."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engines.base import EngineSettings
from harness.engines.pool import Wanted
from harness.errors import HarnessError, nearest
from harness.sweep.folder import Pack
from harness.sweep.grid import Planned
from harness.tasks.sharding import parse_shard


def pack(planned: Sequence[Planned], pack_by: str, pack_size: int | None = None) -> list[Pack]:
    """Puts cells into packs, in the order of their first cells.

    Cells that have shards are in none, and the shards of one cell in different ones.

    Args:
        pack_by: "engine" for cells that load the same models with the same settings; "none" for each alone; or a key of
            the config ("model.name", "seed", "experiment" for its name) for cells of the same value.
        pack_size: cells in a pack at most; None is no limit.

    Raises:
        HarnessError: no such key, or a size below 1.
    """
    if pack_size is not None and pack_size < 1:
        raise HarnessError(f"hydra.launcher.pack_size={pack_size}: at least one cell is needed, or null for no limit")
    cut = {p.cell.whole for p in planned}
    groups: list[tuple[object, list[Planned]]] = []  # settings hold mappings: comparable, not hashable
    for p in planned:
        if p.cell.index not in cut:
            key = (_key(p, pack_by), _shard(p))
            members = next((members for known, members in groups if known == key), None)
            if members is None:
                groups.append((key, members := []))
            members.append(p)
    parts = []
    for _, members in groups:
        size = pack_size or len(members)
        parts += [members[i : i + size] for i in range(0, len(members), size)]
    parts.sort(key=lambda members: [p.cell.index for p in members])
    engines: list[EngineSettings] = []
    return [_pack(members, engines) for members in parts]


def gpus_needed(engines: Sequence[Wanted]) -> int:
    """GPUs of a job with these models: as many as the largest takes, for models of one process share them.

    Every engine's settings say how many it takes: none for the fake engine and for servers, tensor times pipeline
    parallel size for vLLM.
    """
    return max((settings.gpus for settings, _ in engines), default=0)


def _pack(members: Sequence[Planned], engines: list[EngineSettings]) -> Pack:
    """A pack of these cells; settings of the subject's engine that are not among `engines` are added to them."""
    gpus = max(gpus_needed(p.engines) for p in members)
    engine = members[0].engines[0][0]
    if engine not in engines:
        engines.append(engine)
    return Pack(tuple(p.cell.index for p in members), gpus, engines.index(engine))


def _shard(p: Planned) -> int:
    return parse_shard(p.config["shard"])[0] if p.cell.whole is not None else 0


def _key(p: Planned, pack_by: str) -> object:
    if pack_by == "engine":
        return p.engines
    if pack_by == "none":
        return p.cell.index
    if pack_by == "experiment":
        return p.cell.experiment
    value: object = p.config
    for name in pack_by.split("."):
        if not isinstance(value, dict) or name not in value:
            known = [*(value if isinstance(value, dict) else ()), "engine", "none"]
            raise HarnessError(f"hydra.launcher.pack_by={pack_by}: there is no setting {name!r}{nearest(name, known)}")
        value = value[name]
    return value
