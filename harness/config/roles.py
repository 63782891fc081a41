"""Assigns models to the roles of an experiment, as the config says, and checks that they can play them."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.config.build import build, refuse_unknown
from harness.config.written import written
from harness.engines.base import EngineSettings, check_capabilities
from harness.errors import HarnessError, nearest
from harness.experiment import Experiment
from harness.models.model import Model

SETTINGS = ("model", "engine")


@dataclass(frozen=True, kw_only=True)
class RolePlayer:
    """A model that plays a part.

    Attributes:
        engine: None is the engine settings of the subject.
    """

    model: Model
    engine: EngineSettings | None = None


def part_of(role: str) -> str:
    """The part that a role belongs to: of several models in one part, each is a role "part.label"."""
    return role.partition(".")[0]


def read_roles(node: Mapping[str, Any]) -> dict[str, RolePlayer]:
    """Role players by "part", or by "part.label" where several models play one part.

    Raises:
        HarnessError: a role without a model, or a setting that a role does not have.
    """
    players: dict[str, RolePlayer] = {}
    for part, settings in node.items():
        if not isinstance(settings, Mapping):
            raise HarnessError(f"roles.{part}={settings}: not a model; choose one with +model@roles.{part}.model=NAME")
        if not settings or any(name in settings for name in SETTINGS):
            players[part] = _player(part, settings)
        else:
            players |= {f"{part}.{label}": _player(f"{part}.{label}", one) for label, one in settings.items()}
    return players


def _player(role: str, settings: Any) -> RolePlayer:
    path = f"roles.{role}"
    if not isinstance(settings, Mapping):
        raise HarnessError(f"{path}={settings}: not a model; choose one with +model@{path}.model=NAME")
    refuse_unknown(settings, SETTINGS, f"{path}.")
    if "model" not in settings:
        raise HarnessError(f"{path}.model: not set; choose one with +model@{path}.model=NAME")
    engine = settings.get("engine")
    return RolePlayer(
        model=build(settings["model"], f"{path}.model", Model),
        engine=build(engine, f"{path}.engine", typing.cast(type, EngineSettings)) if engine is not None else None,
    )


def written_roles(players: Mapping[str, RolePlayer]) -> dict[str, Any]:
    """The same as the config has it: a role without an engine shares the subject's settings."""
    node: dict[str, Any] = {}
    for role, player in players.items():
        settings = {
            name: written(getattr(player, name), f"roles.{role}.{name}")
            for name in SETTINGS
            if getattr(player, name) is not None
        }
        part, _, label = role.partition(".")
        if label:
            node.setdefault(part, {})[label] = settings
        else:
            node[part] = settings
    return node


def check_roles(experiment: Experiment, players: Mapping[str, RolePlayer], engine: EngineSettings) -> None:
    """Checks, before anything is loaded, that every part of an experiment has somebody who can play it.

    Args:
        engine: the subject's settings, which a role without its own shares.

    Raises:
        HarnessError: a part that the experiment does not have, one that nobody plays, several models for a part of
            one, or an engine that cannot answer what a part is asked.
    """
    parts = experiment.needed_parts()
    for role in players:
        if part_of(role) not in parts:
            hint = (
                nearest(part_of(role), parts) if parts else ": with these settings the experiment asks no other model"
            )
            raise HarnessError(f"there is no part roles.{part_of(role)}{hint}")
    for name, part in parts.items():
        cast = [role for role in players if part_of(role) == name]
        if not cast and not part.stand_in:
            raise HarnessError(
                f"nobody plays the part {name!r}, which the subject must not play itself; choose a model with "
                f"+model@roles.{name}.model=NAME"
            )
        if len(cast) > 1 and not part.several:
            raise HarnessError(f"the part {name!r} is played by one model, given {', '.join(cast)}")
        for role in cast:
            settings = players[role].engine or engine
            check_capabilities(part.capabilities, settings.can, f"roles.{role}", type(settings).__name__)
        if not cast:
            check_capabilities(part.capabilities, engine.can, f"the part {name!r}", type(engine).__name__)
