"""From the command line to typed settings: composes the Hydra config, refuses what nobody knows, builds the parts."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.engines.base import EngineSettings
from harness.errors import HarnessError, nearest
from harness.experiment import Experiment
from harness.metrics.metric import Measure, Metric
from harness.models.model import Model
from harness.statistics.claims import Claim, Reference
from harness.statistics.intervals import IntervalKind
from harness.tasks.base import Task
from harness.tracker import Tracker

if TYPE_CHECKING:
    from omegaconf import DictConfig

T = TypeVar("T")

GROUPS = ("experiment", "task", "model", "engine", "tracker")

ROLES = ("judge", "rival", "critic")
"""Parts that a config may give to another model; the subject plays those that it does not name."""


@dataclass(frozen=True, kw_only=True)
class Player:
    """The model of a role other than the subject.

    Attributes:
        engine: None is the engine settings of the subject.
    """

    model: Model
    engine: EngineSettings | None = None


@dataclass(frozen=True, kw_only=True)
class MetricSettings:
    """What a config says of a metric besides its name and its measure (`_target_`): the fields of `Metric`."""

    columns: tuple[str, ...]
    by: tuple[str, ...] = ("arm",)
    where: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run, ready to be executed. The fields are the keys of conf/config.yaml, built and checked.

    Attributes:
        name: the experiment's name in conf/experiment.
        config: the whole resolved config as plain values, for the manifest.
        shard: "i/n", the part of the test items that is asked about; None is all of them.
        roles: who plays the parts besides the subject; whoever is not named is the subject itself.
        metrics: those that the config adds to the experiment's.
    """

    name: str
    config: Mapping[str, Any]
    experiment: Experiment
    task: Task
    model: Model
    engine: EngineSettings
    roles: Mapping[str, Player]
    tracker: Tracker
    seed: int
    limit: int | None
    shard: str | None
    runs: Path
    store: Path
    max_failed: float
    replicates: int
    interval: IntervalKind
    window: int | None
    metrics: tuple[Metric, ...]
    claims: tuple[Claim, ...]
    references: tuple[Reference, ...]

    @property
    def all_metrics(self) -> tuple[Metric, ...]:
        """The experiment's metrics and those added."""
        return (*self.experiment.metrics, *self.metrics)


def load_job(overrides: Sequence[str], config_dir: Path | None = None) -> Job:
    """Composes conf/config.yaml with Hydra overrides and builds every part of it.

    Args:
        config_dir: a further folder of config groups, for experiments and tasks kept elsewhere.

    Raises:
        HarnessError: an unknown group, name or key (with the nearest valid one), or a value of the wrong type.
    """
    return make_job(*compose(overrides, config_dir), {})


def make_job(config: Mapping[str, Any], name: str, made: dict[str, Any]) -> Job:
    """Builds every part of a composed config.

    Args:
        name: the experiment's.
        made: parts made before, by their settings, which are used again; those of this job are added.

    Raises:
        HarnessError: as `load_job`.
    """
    hints = typing.get_type_hints(Job)
    known = set(hints) - {"name", "config"}
    _refuse_unknown(config, known, "")
    values: dict[str, Any] = {}
    for key in known:
        settings = f"{key} {config[key]!r}"
        if settings not in made:
            made[settings] = _part(key, config[key], hints[key])
        values[key] = made[settings]
    job = Job(name=name, config=config, **values)
    if job.limit is not None and job.limit < 1:
        raise HarnessError(f"limit={job.limit}: at least one item is needed, or null for all")
    return job


def _part(key: str, node: Any, hint: Any) -> Any:
    if key == "roles":
        return _players(node)
    if key == "metrics":
        return tuple(_metric(name, settings) for name, settings in node.items())
    if isinstance(node, dict):
        return build(node, key, typing.cast(type, hint))
    if key in ("claims", "references"):
        kind = Claim if key == "claims" else Reference
        return tuple(_construct(kind, entry, f"{key}[{i}]") for i, entry in enumerate(node))
    return _typed(node, hint, key)


def _players(node: Mapping[str, Any]) -> dict[str, Player]:
    players: dict[str, Player] = {}
    _refuse_unknown(node, ROLES, "roles.")
    for role, parts in node.items():
        path = f"roles.{role}"
        _refuse_unknown(parts, ("model", "engine"), f"{path}.")
        if "model" not in parts:
            raise HarnessError(f"{path}.model: not set; choose one with +model@{path}.model=NAME")
        engine = (
            build(parts["engine"], f"{path}.engine", typing.cast(type, EngineSettings)) if "engine" in parts else None
        )
        players[role] = Player(model=build(parts["model"], f"{path}.model", Model), engine=engine)
    return players


def _metric(name: str, node: Mapping[str, Any]) -> Metric:
    """A metric that the config adds: `_target_` names its measure, the other keys are those of `MetricSettings`."""
    from hydra.utils import get_object

    path = f"metrics.{name}"
    target = node.get("_target_")
    if not isinstance(target, str):
        raise HarnessError(f"{path}: no _target_ names the measure; give +{path}._target_=package.module.function")
    try:
        found = get_object(target)
    except Exception as error:
        raise HarnessError(f"{path}._target_: cannot import {target!r}: {str(error).splitlines()[0]}") from error
    if not isinstance(found, Measure):
        raise HarnessError(f"{path}._target_: {target} is no measure; decorate it with harness.metrics.metric.measure")
    rest = _construct(MetricSettings, {key: value for key, value in node.items() if key != "_target_"}, path)
    return Metric(name, found, rest.columns, rest.by, rest.where, rest.options)


def compose(overrides: Sequence[str], config_dir: Path | None = None) -> tuple[dict[str, Any], str]:
    """The resolved config as plain values, and the experiment's name.

    Raises:
        HarnessError: as `load_job`, for what Hydra itself refuses.
    """
    with hydra_at(config_dir) as where:
        config, hydra = compose_raw([*where, *overrides])
        return plain(config), str(hydra.runtime.choices.experiment)


@contextmanager
def hydra_at(config_dir: Path | None) -> Iterator[list[str]]:
    """Hydra ready to compose, its refusals turned into errors of ours; gives overrides to be put before others.

    Raises:
        HarnessError: no such folder; or what Hydra refuses meanwhile.
    """
    from hydra import initialize_config_module
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    if config_dir is not None and not config_dir.is_dir():
        raise HarnessError(f"--config-dir {config_dir}: no such folder")
    with initialize_config_module(config_module="conf", version_base="1.3", job_name="harness"):
        try:
            yield [f"hydra.searchpath=[file://{config_dir.resolve()}]"] if config_dir else []
        except (HydraException, OmegaConfBaseException) as error:
            raise HarnessError(_explain(error)) from error


def compose_raw(overrides: Sequence[str]) -> tuple[DictConfig, DictConfig]:
    """The unresolved config, open to further keys, and Hydra's own; inside of `hydra_at` only."""
    from hydra import compose as hydra_compose
    from omegaconf import OmegaConf

    for override in overrides:
        if override.startswith("--") and "=" in override:
            raise HarnessError(f"write {override.lstrip('-')}, without the dashes")
    config = hydra_compose("config", overrides=[*map(free, overrides)], return_hydra_config=True)
    hydra = config.hydra
    OmegaConf.set_struct(config, False)
    OmegaConf.set_readonly(config, False)
    del config["hydra"]
    return config, hydra


def plain(config: DictConfig) -> dict[str, Any]:
    """A config resolved, as plain values.

    Raises:
        HarnessError: a value is missing.
    """
    from omegaconf import OmegaConf

    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise HarnessError(f"not set: {', '.join(missing)}; give it a value: {missing[0]}=...")
    return typing.cast("dict[str, Any]", OmegaConf.to_container(config, resolve=True))


def build(node: Mapping[str, Any], path: str, kind: type[T]) -> T:
    """Builds the dataclass that a config node's `_target_` names, every key checked against its fields.

    Raises:
        HarnessError: no or an unknown `_target_`, one of another kind, an unknown key or a value of the wrong type.
    """
    from hydra.utils import get_class

    target = node.get("_target_")
    if not isinstance(target, str):
        raise HarnessError(f"{path}: no _target_ names the class to build")
    try:
        cls = get_class(target)
    except Exception as error:
        raise HarnessError(f"{path}._target_: cannot import {target!r}: {str(error).splitlines()[0]}") from error
    if not dataclasses.is_dataclass(cls):
        raise HarnessError(f"{path}._target_: {target} is not a dataclass")
    built = _construct(cls, {key: value for key, value in node.items() if key != "_target_"}, path)
    if not isinstance(kind, type) or getattr(kind, "_is_protocol", False) or isinstance(built, kind):
        return typing.cast(T, built)
    raise HarnessError(f"{path}._target_: {target} is no {kind.__name__}")


def _construct(cls: type[T], node: Mapping[str, Any], path: str) -> T:
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls)
    _refuse_unknown(node, fields, f"{path}.")
    for name, f in fields.items():
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING and name not in node:
            raise HarnessError(f"{path}.{name}: not set")
    try:
        return cls(
            **{key: _typed(_parts(value, f"{path}.{key}"), hints[key], f"{path}.{key}") for key, value in node.items()}
        )
    except (ValueError, TypeError) as error:
        raise HarnessError(f"{path}: {error}") from error


def _parts(value: Any, path: str) -> Any:
    """A setting in which every node with a `_target_` is built: the parts of a task made of tasks."""
    if not isinstance(value, dict):
        return value
    if "_target_" in value:
        return build(value, path, object)
    return {key: _parts(part, f"{path}.{key}") for key, part in value.items()}


def _typed(value: Any, hint: Any, path: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]
        raise HarnessError(f"{path}={value}: {problem['msg']}") from error


def _refuse_unknown(node: Mapping[str, Any], known: Collection[str], prefix: str) -> None:
    for key in node:
        if key not in known:
            raise HarnessError(f"there is no setting {prefix}{key}{nearest(key, known)}")


def free(override: str) -> str:
    """Lets an override name any key, whether or not the YAML spells it out: the dataclasses say which keys exist."""
    key = override.partition("=")[0]
    choice = key in GROUPS or "/" in key or key.startswith("hydra")
    return override if choice or key[:1] in "+~" else f"++{override}"


def _explain(error: Exception) -> str:
    """Hydra's message in one line, with the nearest valid name."""
    text = str(error)
    if match := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        names = [line.strip() for line in text.splitlines() if line.startswith("\t") and "provider" not in line]
        return f"there is no {match.group(1)} {match.group(2)!r}{nearest(match.group(2), names)}"
    override = getattr(error, "override", None)
    first = next(line for line in text.splitlines() if line.strip())
    return f"{override}: {first}; quote values that hold special characters" if override else first
